//! What people were given, and why they may do something or may not.

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use sf_actions::role::{Grant, RoleAction, RoleRef, Withdraw};
use sf_actions::{Action, ObjectRef, Permission};
use sf_types::{GrantId, UserId};
use utoipa::{IntoParams, ToSchema};

use crate::body::{Asked, Id, Ids, Strict};
use crate::caller::Caller;
use crate::envelope::{Envelope, Result, created, ok};
use crate::fault::Problem;
use crate::route::{Carried, Write, propose};
use crate::state::Api;
use crate::view::Nothing;
use crate::view::rights::{AccessView, AnswerView, GrantView};

/// An object as a body names it.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ObjectBody {
    /// `tenant`, `project`, `node`, `app` or `server`.
    #[expect(dead_code, reason = "the description of `ObjectRef`, which reads it")]
    kind: String,
    /// Its id; none for the team.
    #[serde(default)]
    #[expect(dead_code, reason = "the description of `ObjectRef`, which reads it")]
    id: Option<uuid::Uuid>,
}

/// What somebody is to be given: a role or permissions, one of the two.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct NewGrant {
    /// A built-in role by name, or one of the team's own by id.
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    role: Option<RoleRef>,
    /// Single permissions.
    #[serde(default)]
    #[schema(value_type = Vec<String>)]
    permissions: Vec<Permission>,
    /// Where it holds.
    #[schema(value_type = ObjectBody)]
    object: ObjectRef,
}

/// Where somebody's rights are looked at.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct Where {
    /// `tenant`, `project:<id>`, `node:<id>` or `app:<id>`; the team where left out.
    object: Option<String>,
}

/// What is asked about one's own rights.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct Question {
    /// `app:deploy`.
    #[param(value_type = String)]
    permission: Permission,
    /// Where, as `app:<id>`; the team where left out.
    object: Option<String>,
}

/// What somebody was given.
#[utoipa::path(get, path = "/api/v1/users/{id}/grants", tag = "roles", operation_id = "listGrants",
    params(("id" = uuid::Uuid, Path)), responses((status = 200, body = Envelope<Vec<GrantView>>)))]
pub async fn list(State(api): State<Api>, caller: Caller, Id(user): Id<UserId>) -> Result<Vec<GrantView>> {
    Ok(ok(api.control().grants(&caller.actor, user).await?.into_iter().map(GrantView::of).collect()))
}

/// Gives somebody a role or permissions that one has oneself there.
#[utoipa::path(post, path = "/api/v1/users/{id}/grants", tag = "roles", operation_id = "grantRole",
    params(("id" = uuid::Uuid, Path), Write), request_body = NewGrant,
    responses((status = 201, body = Envelope<Nothing>)))]
pub async fn grant(
    State(api): State<Api>,
    caller: Caller,
    Id(user): Id<UserId>,
    Asked(write): Asked<Write>,
    Strict(body): Strict<NewGrant>,
) -> std::result::Result<Response, Problem> {
    let NewGrant { role, permissions, object } = body;
    let action = Action::Role(RoleAction::Grant(Grant { user, role, permissions, object }));
    match propose(&api, &caller, write, action).await? {
        Carried::Answered(response) => Ok(response),
        Carried::Done(_) => Ok(created(Nothing {}).into_response()),
    }
}

/// Takes something back that somebody was given.
#[utoipa::path(delete, path = "/api/v1/users/{id}/grants/{grant}", tag = "roles", operation_id = "withdrawRole",
    params(("id" = uuid::Uuid, Path), ("grant" = uuid::Uuid, Path), Write),
    responses((status = 200, body = Envelope<Nothing>)))]
pub async fn withdraw(
    State(api): State<Api>,
    caller: Caller,
    Ids(user, grant): Ids<UserId, GrantId>,
    Asked(write): Asked<Write>,
) -> std::result::Result<Response, Problem> {
    let action = Action::Role(RoleAction::Withdraw(Withdraw { user, grant }));
    match propose(&api, &caller, write, action).await? {
        Carried::Answered(response) => Ok(response),
        Carried::Done(_) => Ok(ok(Nothing {}).into_response()),
    }
}

/// What somebody may do at an object, permission by permission, and what gives it to them: "view as".
#[utoipa::path(get, path = "/api/v1/users/{id}/access", tag = "roles", operation_id = "viewAs",
    params(("id" = uuid::Uuid, Path), Where), responses((status = 200, body = Envelope<AccessView>)))]
pub async fn access(
    State(api): State<Api>,
    caller: Caller,
    Id(user): Id<UserId>,
    Asked(query): Asked<Where>,
) -> Result<AccessView> {
    let object = object(query.object.as_deref())?;
    Ok(ok(api.control().access(&caller.actor, user, object).await?.into()))
}

/// Whether one may do something oneself, and who could give the right.
#[utoipa::path(get, path = "/api/v1/auth/access", tag = "auth", operation_id = "ownAccess", params(Question),
    responses((status = 200, body = Envelope<AnswerView>)))]
pub async fn own(State(api): State<Api>, caller: Caller, Asked(query): Asked<Question>) -> Result<AnswerView> {
    let object = object(query.object.as_deref())?;
    let answer = api.control().own_access(&caller.actor, query.permission, object).await?;
    Ok(ok(AnswerView::of(query.permission, answer)))
}

fn object(text: Option<&str>) -> std::result::Result<ObjectRef, Problem> {
    let Some(text) = text else { return Ok(ObjectRef::TENANT) };
    text.parse().map_err(|refused: sf_actions::Refused| {
        Problem::invalid("query.object", format!("`object` is refused: {refused}.")).field("object")
    })
}
