//! Deploys by push: the hook of an app, and what git hosts send to it.

use std::collections::HashMap;

use axum::extract::{Path, Request, State};
use axum::response::{IntoResponse, Response};
use http::{HeaderMap, StatusCode};
use serde::Deserialize;
use sf_actions::Action;
use sf_actions::hook::{HookAction, HookRef, HookSettings as Settings, SetHook};
use sf_control::Made;
use sf_control::hooks::unknown;
use sf_control::workflow::hooks::Delivered;
use sf_engine::workflow::webhook::MAX_BODY_BYTES;
use sf_store::hooks::Outcome;
use sf_types::{AppId, TriggerId};
use utoipa::ToSchema;

use crate::body::{self, Asked, Id, Strict};
use crate::caller::Caller;
use crate::envelope::{Envelope, Result, accepted, created, ok, page};
use crate::fault::Problem;
use crate::route::{Carried, Paged, Write, propose};
use crate::state::Api;
use crate::view::Nothing;
use crate::view::app::hook::{AppHookView, DeliveryView, HookSettings, HookView, NewHookView, PushHeard};

/// Which pushes shall deploy an app.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct WantedHook {
    /// Which pushes it takes, whole; those of the app's own branch where absent.
    #[serde(default)]
    #[schema(value_type = Option<HookSettings>)]
    settings: Settings,
}

type Answered = std::result::Result<Response, Problem>;

/// The hook of an app, where it has one.
#[utoipa::path(get, path = "/api/v1/apps/{id}/hook", tag = "apps", operation_id = "getAppHook",
    params(("id" = uuid::Uuid, Path)), responses((status = 200, body = Envelope<AppHookView>)))]
pub async fn get(State(api): State<Api>, caller: Caller, Id(app): Id<AppId>) -> Result<AppHookView> {
    Ok(ok(AppHookView { hook: api.control().hook(&caller.actor, app).await?.map(HookView::from) }))
}

/// Has pushes deploy an app. Its secret is in this answer, and in no other one; it acts for you.
#[utoipa::path(post, path = "/api/v1/apps/{id}/hook", tag = "apps", operation_id = "createAppHook",
    params(("id" = uuid::Uuid, Path), Write), request_body = WantedHook,
    responses((status = 201, body = Envelope<NewHookView>)))]
pub async fn create(
    State(api): State<Api>,
    caller: Caller,
    Id(app): Id<AppId>,
    Asked(write): Asked<Write>,
    Strict(body): Strict<WantedHook>,
) -> Answered {
    shown_once(&api, &caller, write, HookAction::Create(SetHook { app, settings: body.settings })).await
}

/// Changes which pushes deploy an app; it acts for you from then on.
#[utoipa::path(put, path = "/api/v1/apps/{id}/hook", tag = "apps", operation_id = "changeAppHook",
    params(("id" = uuid::Uuid, Path), Write), request_body = WantedHook,
    responses((status = 200, body = Envelope<AppHookView>)))]
pub async fn change(
    State(api): State<Api>,
    caller: Caller,
    Id(app): Id<AppId>,
    Asked(write): Asked<Write>,
    Strict(body): Strict<WantedHook>,
) -> Answered {
    let action = Action::Hook(HookAction::Update(SetHook { app, settings: body.settings }));
    match propose(&api, &caller, write, action).await? {
        Carried::Answered(response) => Ok(response),
        Carried::Done(_) => Ok(match api.control().hook(&caller.actor, app).await {
            Ok(hook) => ok(AppHookView { hook: hook.map(HookView::from) }).into_response(),
            // Who may deploy the app and not see it is told that it was done.
            Err(_) => ok(Nothing {}).into_response(),
        }),
    }
}

/// Gives a hook another secret, which is in this answer and in no other one; the one before is taken for a day.
#[utoipa::path(post, path = "/api/v1/apps/{id}/hook/rotate", tag = "apps", operation_id = "rotateAppHook",
    params(("id" = uuid::Uuid, Path), Write), responses((status = 201, body = Envelope<NewHookView>)))]
pub async fn rotate(
    State(api): State<Api>,
    caller: Caller,
    Id(app): Id<AppId>,
    Asked(write): Asked<Write>,
) -> Answered {
    shown_once(&api, &caller, write, HookAction::Rotate(HookRef { app })).await
}

/// Has no push deploy an app any more.
#[utoipa::path(delete, path = "/api/v1/apps/{id}/hook", tag = "apps", operation_id = "deleteAppHook",
    params(("id" = uuid::Uuid, Path), Write), responses((status = 200, body = Envelope<Nothing>)))]
pub async fn delete(
    State(api): State<Api>,
    caller: Caller,
    Id(app): Id<AppId>,
    Asked(write): Asked<Write>,
) -> Answered {
    match propose(&api, &caller, write, Action::Hook(HookAction::Delete(HookRef { app }))).await? {
        Carried::Answered(response) => Ok(response),
        Carried::Done(_) => Ok(ok(Nothing {}).into_response()),
    }
}

/// What the hook of an app was sent, newest first: the last 100 that their sender could prove to be its own.
#[utoipa::path(get, path = "/api/v1/apps/{id}/hook/deliveries", tag = "apps", operation_id = "listHookDeliveries",
    params(("id" = uuid::Uuid, Path), Paged), responses((status = 200, body = Envelope<Vec<DeliveryView>>)))]
pub async fn deliveries(
    State(api): State<Api>,
    caller: Caller,
    Id(app): Id<AppId>,
    Asked(query): Asked<Paged>,
) -> Result<Vec<DeliveryView>> {
    Ok(page(api.control().hook_deliveries(&caller.actor, app, &query.into()).await?, DeliveryView::from))
}

/// Takes in what a git host sends when something is pushed. No credential of ours: the signature says who may. The same delivery
/// again answers the same run. An address that is none and a request that is not its sender's are answered alike.
#[utoipa::path(post, path = "/api/v1/hooks/apps/{id}", tag = "apps", operation_id = "deliverPush", security(()),
    params(("id" = uuid::Uuid, Path)),
    request_body(content = Object, content_type = "application/json",
        description = "What GitHub, GitLab, Gitea or Forgejo sends, or as the guide has it; 1 MiB at the most."),
    responses((status = 200, description = "A ping", body = Envelope<PushHeard>),
        (status = 202, body = Envelope<PushHeard>)))]
pub async fn deliver(State(api): State<Api>, Path(id): Path<String>, request: Request) -> Result<PushHeard> {
    let headers = once(request.headers());
    let body = body::read_within(request, MAX_BODY_BYTES).await?;
    let id: TriggerId = id.parse().map_err(|_| unknown())?;
    let pushed = api.control().pushed(id, Delivered { headers, body: body.into() }).await?;
    let status = if pushed.outcome == Outcome::Ping { StatusCode::OK } else { StatusCode::ACCEPTED };
    Ok(accepted(PushHeard::from(pushed)).status(status))
}

/// Headers that are texts and stand once: with two, one could be verified and the other one believed.
pub(crate) fn once(headers: &HeaderMap) -> HashMap<String, String> {
    let one = |name: &http::HeaderName| {
        let mut all = headers.get_all(name).iter();
        let (first, second) = (all.next()?, all.next());
        second.is_none().then(|| first.to_str().ok().map(str::to_owned)).flatten()
    };
    headers.keys().filter_map(|name| Some((name.as_str().to_owned(), one(name)?))).collect()
}

async fn shown_once(api: &Api, caller: &Caller, write: Write, action: HookAction) -> Answered {
    match propose(api, caller, write, Action::Hook(action)).await? {
        Carried::Answered(response) => Ok(response),
        Carried::Done(Made::Hook { app, secret }) => {
            let hook = api.control().hook_of(&caller.actor, app).await?;
            Ok(created(NewHookView { hook: HookView::from(hook), secret }).into_response())
        }
        Carried::Done(_) => Ok(created(Nothing {}).into_response()),
    }
}
