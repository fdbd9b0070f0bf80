//! The installation's teams, for those who operate it. Where there is one by configuration, nothing is here.

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use sf_actions::Action;
use sf_actions::tenant::{CreateTenant, InviteOwner, RenameTenant, SuspendTenant, TenantAction, TenantRef};
use sf_control::Made;
use sf_types::{Email, Name, TenantId};
use utoipa::{IntoParams, ToSchema};

use crate::body::{Asked, Id, Strict};
use crate::caller::Caller;
use crate::envelope::{Envelope, Result, created, ok, page};
use crate::fault::Problem;
use crate::route::{Carried, Write, page_request, propose};
use crate::state::Api;
use crate::view::tenant::{NewTeamView, TeamView};

/// Which teams.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ListTenants {
    /// Looked for in the name.
    q: Option<String>,
    /// Rows wanted, 1 to 200; 50 where absent.
    limit: Option<u16>,
    /// Continue after this cursor.
    after: Option<String>,
}

/// A team to make.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct NewTenant {
    /// What it is called.
    #[schema(value_type = String)]
    name: Name,
    /// Address of its first owner, who is asked to join.
    #[schema(value_type = String)]
    owner: Email,
}

/// One change to a team: another name, a suspension, or its end.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ChangeTenant {
    /// Its new name.
    #[schema(value_type = Option<String>)]
    name: Option<Name>,
    /// Whether its people and keys are shut out.
    suspended: Option<bool>,
    /// Why, with `suspended: true`.
    reason: Option<String>,
}

/// Who is to own a team.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct NewOwner {
    /// Their address.
    #[schema(value_type = String)]
    owner: Email,
}

/// The installation's teams, newest first.
#[utoipa::path(get, path = "/api/v1/tenants", tag = "tenants", operation_id = "listTenants", params(ListTenants),
    responses((status = 200, body = Envelope<Vec<TeamView>>)))]
pub async fn list(State(api): State<Api>, caller: Caller, Asked(query): Asked<ListTenants>) -> Result<Vec<TeamView>> {
    let ListTenants { q, limit, after } = query;
    let found = api.control().tenants(&caller.actor, q.as_deref(), &page_request(limit, after)).await?;
    Ok(page(found, TeamView::of))
}

/// One team.
#[utoipa::path(get, path = "/api/v1/tenants/{id}", tag = "tenants", operation_id = "getTenant",
    params(("id" = uuid::Uuid, Path)), responses((status = 200, body = Envelope<TeamView>)))]
pub async fn get(State(api): State<Api>, caller: Caller, Id(tenant): Id<TenantId>) -> Result<TeamView> {
    Ok(ok(TeamView::of(api.control().tenant(&caller.actor, tenant).await?)))
}

/// Makes a team and asks its owner to join. The link is in this answer, and in a letter where there is a mail server.
#[utoipa::path(post, path = "/api/v1/tenants", tag = "tenants", operation_id = "createTenant", params(Write),
    request_body = NewTenant, responses((status = 201, body = Envelope<NewTeamView>)))]
pub async fn create(
    State(api): State<Api>,
    caller: Caller,
    Asked(write): Asked<Write>,
    Strict(body): Strict<NewTenant>,
) -> std::result::Result<Response, Problem> {
    let NewTenant { name, owner } = body;
    let action = TenantAction::Create(CreateTenant { name, owner });
    match propose(&api, &caller, write, Action::Tenant(action)).await? {
        Carried::Answered(response) => Ok(response),
        Carried::Done(made) => Ok(created(invited(&api, &caller, made).await?).into_response()),
    }
}

/// Renames, suspends or resumes a team: one of these at a time.
#[utoipa::path(patch, path = "/api/v1/tenants/{id}", tag = "tenants", operation_id = "changeTenant",
    params(("id" = uuid::Uuid, Path), Write), request_body = ChangeTenant,
    responses((status = 200, body = Envelope<TeamView>)))]
pub async fn change(
    State(api): State<Api>,
    caller: Caller,
    Id(tenant): Id<TenantId>,
    Asked(write): Asked<Write>,
    Strict(body): Strict<ChangeTenant>,
) -> std::result::Result<Response, Problem> {
    let action = match body {
        ChangeTenant { name: Some(name), suspended: None, reason: None } => {
            TenantAction::Rename(RenameTenant { tenant, name })
        }
        ChangeTenant { name: None, suspended: Some(true), reason: Some(reason) } => {
            TenantAction::Suspend(SuspendTenant { tenant, reason })
        }
        ChangeTenant { name: None, suspended: Some(false), reason: None } => TenantAction::Resume(TenantRef { tenant }),
        _ => {
            let message = "One change is expected: `name`; `suspended: true` with a `reason`; or `suspended: false`.";
            return Err(Problem::invalid("tenant.change", message));
        }
    };
    match propose(&api, &caller, write, Action::Tenant(action)).await? {
        Carried::Answered(response) => Ok(response),
        Carried::Done(_) => Ok(ok(TeamView::of(api.control().tenant(&caller.actor, tenant).await?)).into_response()),
    }
}

/// Makes another link for a team that has no owner yet.
#[utoipa::path(post, path = "/api/v1/tenants/{id}/invite", tag = "tenants", operation_id = "inviteTenantOwner",
    params(("id" = uuid::Uuid, Path), Write), request_body = NewOwner,
    responses((status = 201, body = Envelope<NewTeamView>)))]
pub async fn invite(
    State(api): State<Api>,
    caller: Caller,
    Id(tenant): Id<TenantId>,
    Asked(write): Asked<Write>,
    Strict(body): Strict<NewOwner>,
) -> std::result::Result<Response, Problem> {
    let action = TenantAction::Invite(InviteOwner { tenant, owner: body.owner });
    match propose(&api, &caller, write, Action::Tenant(action)).await? {
        Carried::Answered(response) => Ok(response),
        Carried::Done(made) => Ok(created(invited(&api, &caller, made).await?).into_response()),
    }
}

async fn invited(api: &Api, caller: &Caller, made: Made) -> std::result::Result<Option<NewTeamView>, Problem> {
    let Made::Team { id, link: Some(link), mailed } = made else { return Ok(None) };
    let tenant = TeamView::of(api.control().tenant(&caller.actor, id).await?);
    Ok(Some(NewTeamView { tenant, mailed, link }))
}
