//! Roles: the program's and the team's own.

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use sf_actions::role::{CreateRole, RoleAction, RoleOnly, UpdateRole};
use sf_actions::{Action, Permission};
use sf_control::Made;
use sf_types::{Name, RoleId};
use utoipa::ToSchema;

use crate::body::{Asked, Id, Strict};
use crate::caller::Caller;
use crate::envelope::{Envelope, Result, created, ok};
use crate::fault::Problem;
use crate::route::{Carried, Write, propose};
use crate::state::Api;
use crate::view::Nothing;
use crate::view::rights::RoleView;

/// A role of the team's own.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct NewRole {
    /// What it is called, unique within the team.
    #[schema(value_type = String)]
    name: Name,
    /// For whom it is: one line of up to 300 characters.
    #[serde(default)]
    description: String,
    /// What it allows.
    #[schema(value_type = Vec<String>)]
    permissions: Vec<Permission>,
}

/// What of a role changes; what is left out stays.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ChangeRole {
    /// Its name.
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    name: Option<Name>,
    /// For whom it is.
    #[serde(default)]
    description: Option<String>,
    /// What it allows from now on, whole.
    #[serde(default)]
    #[schema(value_type = Option<Vec<String>>)]
    permissions: Option<Vec<Permission>>,
}

/// Every role: the six of the program, then the team's own by name (at most 200).
#[utoipa::path(get, path = "/api/v1/roles", tag = "roles", operation_id = "listRoles",
    responses((status = 200, body = Envelope<Vec<RoleView>>)))]
pub async fn list(State(api): State<Api>, caller: Caller) -> Result<Vec<RoleView>> {
    Ok(ok(api.control().roles(&caller.actor).await?.into_iter().map(RoleView::from).collect()))
}

/// Makes a role of permissions that one has oneself.
#[utoipa::path(post, path = "/api/v1/roles", tag = "roles", operation_id = "createRole", params(Write),
    request_body = NewRole, responses((status = 201, body = Envelope<RoleView>)))]
pub async fn create(
    State(api): State<Api>,
    caller: Caller,
    Asked(write): Asked<Write>,
    Strict(body): Strict<NewRole>,
) -> std::result::Result<Response, Problem> {
    let NewRole { name, description, permissions } = body;
    let action = Action::Role(RoleAction::Create(CreateRole { name, description, permissions }));
    match propose(&api, &caller, write, action).await? {
        Carried::Answered(response) => Ok(response),
        Carried::Done(made) => Ok(created(shown(&api, &caller, made).await?).into_response()),
    }
}

/// Changes a role, for everybody who has it, at once.
#[utoipa::path(patch, path = "/api/v1/roles/{id}", tag = "roles", operation_id = "changeRole",
    params(("id" = uuid::Uuid, Path), Write), request_body = ChangeRole,
    responses((status = 200, body = Envelope<RoleView>)))]
pub async fn change(
    State(api): State<Api>,
    caller: Caller,
    Id(role): Id<RoleId>,
    Asked(write): Asked<Write>,
    Strict(body): Strict<ChangeRole>,
) -> std::result::Result<Response, Problem> {
    let ChangeRole { name, description, permissions } = body;
    let action = Action::Role(RoleAction::Update(UpdateRole { role, name, description, permissions }));
    match propose(&api, &caller, write, action).await? {
        Carried::Answered(response) => Ok(response),
        Carried::Done(made) => Ok(ok(shown(&api, &caller, made).await?).into_response()),
    }
}

/// Deletes a role that nobody has.
#[utoipa::path(delete, path = "/api/v1/roles/{id}", tag = "roles", operation_id = "deleteRole",
    params(("id" = uuid::Uuid, Path), Write), responses((status = 200, body = Envelope<Nothing>)))]
pub async fn delete(
    State(api): State<Api>,
    caller: Caller,
    Id(role): Id<RoleId>,
    Asked(write): Asked<Write>,
) -> std::result::Result<Response, Problem> {
    let action = Action::Role(RoleAction::Delete(RoleOnly { role }));
    match propose(&api, &caller, write, action).await? {
        Carried::Answered(response) => Ok(response),
        Carried::Done(_) => Ok(ok(Nothing {}).into_response()),
    }
}

async fn shown(api: &Api, caller: &Caller, made: Made) -> std::result::Result<Option<RoleView>, Problem> {
    let Made::Role(made) = made else { return Ok(None) };
    let roles = api.control().roles(&caller.actor).await?.into_iter().map(RoleView::from);
    Ok(roles.into_iter().find(|role| role.id == made.to_string()))
}
