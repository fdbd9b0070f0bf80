//! Asking people to join, and joining.

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use serde::Deserialize;
use sf_actions::role::RoleRef;
use sf_actions::user::{InvitationRef, Invite, UserAction};
use sf_actions::{Action, ObjectRef, Permission};
use sf_control::Made;
use sf_types::{Email, InvitationId, Name, Secret};
use utoipa::{IntoParams, ToSchema};

use crate::body::{Asked, Id, Strict};
use crate::caller::Caller;
use crate::envelope::{Envelope, Result, created, ok, page};
use crate::fault::Problem;
use crate::route::auth::{self, Client};
use crate::route::people::rights::ObjectBody;
use crate::route::{Carried, Write, page_request, propose};
use crate::state::Api;
use crate::view::Nothing;
use crate::view::person::{InvitationView, NewInvitationView, WelcomeView};
use crate::view::user::SignedInView;

/// Somebody to ask.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct NewInvitation {
    /// Their address.
    #[schema(value_type = String)]
    email: Email,
    /// A built-in role's name, or the id of an own one.
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    role: Option<RoleRef>,
    /// Single permissions, in place of a role.
    #[serde(default)]
    #[schema(value_type = Vec<String>)]
    permissions: Vec<Permission>,
    /// Where they get it; in the whole team where absent.
    #[serde(default)]
    #[schema(value_type = Option<ObjectBody>)]
    object: ObjectRef,
}

/// An invitation's link.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct OpenInvitation {
    /// `sfi_…`: what stands behind the `#` of the link.
    token: String,
}

/// Somebody joins.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct AcceptInvitation {
    /// `sfi_…`: what stands behind the `#` of the link.
    token: String,
    /// What they are called.
    #[schema(value_type = String)]
    name: Name,
    /// At least 15 characters.
    password: String,
    /// `browser` (default) or `cli`.
    #[serde(default)]
    kind: auth::Kind,
}

/// Which invitations.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ListInvitations {
    /// Looked for in the address.
    q: Option<String>,
    /// Rows wanted, 1 to 200; 50 where absent.
    limit: Option<u16>,
    /// Continue after this cursor.
    after: Option<String>,
}

/// Invitations that nobody has used, newest first.
#[utoipa::path(get, path = "/api/v1/invitations", tag = "people", operation_id = "listInvitations", params(ListInvitations),
    responses((status = 200, body = Envelope<Vec<InvitationView>>)))]
pub async fn list(
    State(api): State<Api>,
    caller: Caller,
    Asked(query): Asked<ListInvitations>,
) -> Result<Vec<InvitationView>> {
    let ListInvitations { q, limit, after } = query;
    let (found, names) = api.control().invitations(&caller.actor, q.as_deref(), &page_request(limit, after)).await?;
    let now = api.control().now();
    Ok(page(found, |row| {
        let name = row.invited_by.and_then(|by| names.get(&by).cloned());
        InvitationView::of(row, name, now)
    }))
}

/// Asks somebody to join. The link is in this answer, and in a letter where there is a mail server.
#[utoipa::path(post, path = "/api/v1/invitations", tag = "people", operation_id = "createInvitation", params(Write),
    request_body = NewInvitation, responses((status = 201, body = Envelope<NewInvitationView>)))]
pub async fn create(
    State(api): State<Api>,
    caller: Caller,
    Asked(write): Asked<Write>,
    Strict(body): Strict<NewInvitation>,
) -> std::result::Result<Response, Problem> {
    let NewInvitation { email, role, permissions, object } = body;
    let action = UserAction::Invite(Invite { email, role, permissions, object });
    match propose(&api, &caller, write, Action::User(action)).await? {
        Carried::Answered(response) => Ok(response),
        Carried::Done(Made::Invited { id, link, mailed }) => {
            let (row, inviter) = api.control().own_invitation(&caller.actor, id).await?;
            let invitation = InvitationView::of(row, Some(inviter), api.control().now());
            Ok(created(NewInvitationView { invitation, mailed, link }).into_response())
        }
        Carried::Done(_) => Ok(created(Nothing {}).into_response()),
    }
}

/// Takes an invitation back.
#[utoipa::path(delete, path = "/api/v1/invitations/{id}", tag = "people", operation_id = "withdrawInvitation",
    params(("id" = uuid::Uuid, Path), Write), responses((status = 200, body = Envelope<Nothing>)))]
pub async fn withdraw(
    State(api): State<Api>,
    caller: Caller,
    Id(invitation): Id<InvitationId>,
    Asked(write): Asked<Write>,
) -> std::result::Result<Response, Problem> {
    let action = UserAction::Uninvite(InvitationRef { invitation });
    match propose(&api, &caller, write, Action::User(action)).await? {
        Carried::Answered(response) => Ok(response),
        Carried::Done(_) => Ok(ok(Nothing {}).into_response()),
    }
}

/// What an invitation's link opens.
#[utoipa::path(post, path = "/api/v1/auth/invitation", tag = "auth", operation_id = "openInvitation", security(()),
    request_body = OpenInvitation, responses((status = 200, body = Envelope<WelcomeView>)))]
pub async fn open(State(api): State<Api>, Strict(body): Strict<OpenInvitation>) -> Result<WelcomeView> {
    Ok(ok(api.control().invitation(&body.token).await?.into()))
}

/// Joins by an invitation and signs in.
#[utoipa::path(post, path = "/api/v1/auth/accept", tag = "auth", operation_id = "acceptInvitation", security(()),
    request_body = AcceptInvitation, responses((status = 200, body = Envelope<SignedInView>)))]
pub async fn accept(
    State(api): State<Api>,
    client: Client,
    Strict(body): Strict<AcceptInvitation>,
) -> std::result::Result<Response, Problem> {
    let AcceptInvitation { token, name, password, kind } = body;
    let password = Secret::new(password);
    let signed_in = api.control().accept_invitation(&token, &name, password, client.origin(kind)).await?;
    Ok(auth::answer(&api, signed_in, kind, StatusCode::OK))
}
