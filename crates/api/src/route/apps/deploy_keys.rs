//! Deploy keys: what an app's node opens the app's repository with.

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use sf_actions::Action;
use sf_actions::key::{KeyAction, KeyRef};
use sf_types::AppId;

use crate::body::{Asked, Id};
use crate::caller::Caller;
use crate::envelope::{Envelope, Result, created, ok};
use crate::fault::Problem;
use crate::route::{Carried, Write, propose};
use crate::state::Api;
use crate::view::Nothing;
use crate::view::app::deploy_key::{AppDeployKeyView, DeployKeyView};

type Answered = std::result::Result<Response, Problem>;

/// The public half of an app's deploy key, where it has one.
#[utoipa::path(get, path = "/api/v1/apps/{id}/deploy-key", tag = "apps", operation_id = "getDeployKey",
    params(("id" = uuid::Uuid, Path)), responses((status = 200, body = Envelope<AppDeployKeyView>)))]
pub async fn get(State(api): State<Api>, caller: Caller, Id(app): Id<AppId>) -> Result<AppDeployKeyView> {
    Ok(ok(AppDeployKeyView { key: api.control().deploy_key(&caller.actor, app).await?.map(DeployKeyView::from) }))
}

/// Makes a deploy key. Its public half is in the answer; the private one in none, ever.
#[utoipa::path(post, path = "/api/v1/apps/{id}/deploy-key", tag = "apps", operation_id = "createDeployKey",
    params(("id" = uuid::Uuid, Path), Write), responses((status = 201, body = Envelope<AppDeployKeyView>)))]
pub async fn create(
    State(api): State<Api>,
    caller: Caller,
    Id(app): Id<AppId>,
    Asked(write): Asked<Write>,
) -> Answered {
    match propose(&api, &caller, write, Action::Key(KeyAction::Create(KeyRef { app }))).await? {
        Carried::Answered(response) => Ok(response),
        Carried::Done(_) => Ok(match api.control().deploy_key(&caller.actor, app).await {
            Ok(key) => created(AppDeployKeyView { key: key.map(DeployKeyView::from) }).into_response(),
            // Who may change the app and not see it is told that it was done.
            Err(_) => created(Nothing {}).into_response(),
        }),
    }
}

/// Deletes a deploy key: the node's own key opens the repository again, where it can.
#[utoipa::path(delete, path = "/api/v1/apps/{id}/deploy-key", tag = "apps", operation_id = "deleteDeployKey",
    params(("id" = uuid::Uuid, Path), Write), responses((status = 200, body = Envelope<Nothing>)))]
pub async fn delete(
    State(api): State<Api>,
    caller: Caller,
    Id(app): Id<AppId>,
    Asked(write): Asked<Write>,
) -> Answered {
    match propose(&api, &caller, write, Action::Key(KeyAction::Delete(KeyRef { app }))).await? {
        Carried::Answered(response) => Ok(response),
        Carried::Done(_) => Ok(ok(Nothing {}).into_response()),
    }
}
