//! People of the team.

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use sf_actions::Action;
use sf_actions::user::{Update, UserAction, UserRef};
use sf_store::users::{User, UserFilter};
use sf_types::{Name, UserId};
use utoipa::{IntoParams, ToSchema};

use crate::body::{Asked, Id, Strict};
use crate::caller::Caller;
use crate::envelope::{Envelope, Result, ok, page};
use crate::fault::Problem;
use crate::route::{Carried, Write, page_request, propose};
use crate::state::Api;
use crate::view::Nothing;
use crate::view::person::PersonView;
use crate::view::rights::GrantView;

/// Which people.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ListUsers {
    /// With this in name or address.
    q: Option<String>,
    /// `active` or `suspended`.
    state: Option<String>,
    /// Rows wanted, 1 to 200.
    limit: Option<u16>,
    /// Continue after this cursor.
    after: Option<String>,
}

/// A person's new name.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ChangeUser {
    /// The name.
    #[schema(value_type = String)]
    name: Name,
}

/// People of the team, newest first.
#[utoipa::path(get, path = "/api/v1/users", tag = "people", operation_id = "listUsers", params(ListUsers),
    responses((status = 200, body = Envelope<Vec<PersonView>>)))]
pub async fn list(State(api): State<Api>, caller: Caller, Asked(query): Asked<ListUsers>) -> Result<Vec<PersonView>> {
    let is_suspended = match query.state.as_deref() {
        None => None,
        Some("active") => Some(false),
        Some("suspended") => Some(true),
        Some(_) => return Err(Problem::invalid("query.state", "`state` is active or suspended.").field("state")),
    };
    let filter = UserFilter { q: query.q, is_suspended };
    let users = api.control().users(&caller.actor, &filter, &page_request(query.limit, query.after)).await?;
    let mut views = Vec::with_capacity(users.items.len());
    for user in users.items {
        views.push(view(&api, &caller, user).await?);
    }
    Ok(page(sf_types::Page { items: views, next: users.next }, |view| view))
}

/// One person.
#[utoipa::path(get, path = "/api/v1/users/{id}", tag = "people", operation_id = "getUser",
    params(("id" = uuid::Uuid, Path)), responses((status = 200, body = Envelope<PersonView>)))]
pub async fn get(State(api): State<Api>, caller: Caller, Id(user): Id<UserId>) -> Result<PersonView> {
    Ok(ok(show(&api, &caller, user).await?))
}

/// Gives a person another name.
#[utoipa::path(patch, path = "/api/v1/users/{id}", tag = "people", operation_id = "changeUser",
    params(("id" = uuid::Uuid, Path), Write), request_body = ChangeUser,
    responses((status = 200, body = Envelope<PersonView>)))]
pub async fn change(
    State(api): State<Api>,
    caller: Caller,
    Id(user): Id<UserId>,
    Asked(write): Asked<Write>,
    Strict(body): Strict<ChangeUser>,
) -> std::result::Result<Response, Problem> {
    act(&api, &caller, write, UserAction::Update(Update { user, name: body.name }), Some(user)).await
}

/// Lets a person in no more; ends their sessions, sockets and tokens at once.
#[utoipa::path(post, path = "/api/v1/users/{id}/suspend", tag = "people", operation_id = "suspendUser",
    params(("id" = uuid::Uuid, Path), Write), responses((status = 200, body = Envelope<PersonView>)))]
pub async fn suspend(
    State(api): State<Api>,
    caller: Caller,
    Id(user): Id<UserId>,
    Asked(write): Asked<Write>,
) -> std::result::Result<Response, Problem> {
    act(&api, &caller, write, UserAction::Suspend(UserRef { user }), Some(user)).await
}

/// Lets a suspended person in again.
#[utoipa::path(post, path = "/api/v1/users/{id}/reinstate", tag = "people", operation_id = "reinstateUser",
    params(("id" = uuid::Uuid, Path), Write), responses((status = 200, body = Envelope<PersonView>)))]
pub async fn reinstate(
    State(api): State<Api>,
    caller: Caller,
    Id(user): Id<UserId>,
    Asked(write): Asked<Write>,
) -> std::result::Result<Response, Problem> {
    act(&api, &caller, write, UserAction::Reinstate(UserRef { user }), Some(user)).await
}

/// Ends all sessions of a person; their tokens stay.
#[utoipa::path(post, path = "/api/v1/users/{id}/sign-out", tag = "people", operation_id = "signOutUser",
    params(("id" = uuid::Uuid, Path), Write), responses((status = 200, body = Envelope<Nothing>)))]
pub async fn sign_out(
    State(api): State<Api>,
    caller: Caller,
    Id(user): Id<UserId>,
    Asked(write): Asked<Write>,
) -> std::result::Result<Response, Problem> {
    act(&api, &caller, write, UserAction::SignOut(UserRef { user }), None).await
}

/// Deletes a person and what is kept about them.
#[utoipa::path(delete, path = "/api/v1/users/{id}", tag = "people", operation_id = "removeUser",
    params(("id" = uuid::Uuid, Path), Write), responses((status = 200, body = Envelope<Nothing>)))]
pub async fn remove(
    State(api): State<Api>,
    caller: Caller,
    Id(user): Id<UserId>,
    Asked(write): Asked<Write>,
) -> std::result::Result<Response, Problem> {
    act(&api, &caller, write, UserAction::Remove(UserRef { user }), None).await
}

/// Proposes, and answers with the person where one is to be shown.
async fn act(
    api: &Api,
    caller: &Caller,
    write: Write,
    action: UserAction,
    shown: Option<UserId>,
) -> std::result::Result<Response, Problem> {
    match propose(api, caller, write, Action::User(action)).await? {
        Carried::Answered(response) => Ok(response),
        Carried::Done(_) => Ok(match shown {
            Some(user) => ok(show(api, caller, user).await?).into_response(),
            None => ok(Nothing {}).into_response(),
        }),
    }
}

async fn show(api: &Api, caller: &Caller, user: UserId) -> std::result::Result<PersonView, Problem> {
    view(api, caller, api.control().user(&caller.actor, user).await?).await
}

async fn view(api: &Api, caller: &Caller, user: User) -> std::result::Result<PersonView, Problem> {
    let roles = api.control().grants(&caller.actor, user.id).await?.into_iter().map(GrantView::of).collect();
    let two_factor = api.control().has_second_factor(user.id).await?;
    Ok(PersonView::of(user, two_factor, roles))
}
