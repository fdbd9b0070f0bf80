//! Previews of branches: which an app has, and what becomes of them.

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use serde::Deserialize;
use sf_actions::Action;
use sf_actions::preview::{Configure, DeployPreview, Extend, PreviewAction, PreviewSettings as Settings};
use sf_control::Made;
use sf_types::AppId;
use utoipa::ToSchema;

use crate::body::{Asked, Id, Strict};
use crate::caller::Caller;
use crate::envelope::{Envelope, Result, ok};
use crate::fault::Problem;
use crate::route::{Carried, Write, propose};
use crate::state::Api;
use crate::view::Nothing;
use crate::view::app::preview::{AppPreviewView, AppPreviewsView, PreviewSettings, PreviewView};

type Answered = std::result::Result<Response, Problem>;

/// What an app shall have previews of.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct WantedPreviews {
    /// What, whole; none where absent or null.
    #[serde(default)]
    #[schema(value_type = Option<PreviewSettings>)]
    settings: Option<Settings>,
}

/// The branch to preview.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct WantedPreview {
    /// Its name.
    branch: String,
    /// Exact commit, in full; the tip of the branch where absent.
    #[serde(default)]
    commit: Option<String>,
}

/// How long a preview stays.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct LongerPreview {
    /// Days from now: 1 to 90.
    days: u8,
}

/// What an app has previews of, and those there are.
#[utoipa::path(get, path = "/api/v1/apps/{id}/previews", tag = "apps", operation_id = "listAppPreviews",
    params(("id" = uuid::Uuid, Path)), responses((status = 200, body = Envelope<AppPreviewsView>)))]
pub async fn list(State(api): State<Api>, caller: Caller, Id(app): Id<AppId>) -> Result<AppPreviewsView> {
    Ok(ok(api.control().previews(&caller.actor, app).await?.into()))
}

/// Sets what an app has previews of; their domains are served for you from then on.
#[utoipa::path(put, path = "/api/v1/apps/{id}/previews", tag = "apps", operation_id = "configureAppPreviews",
    params(("id" = uuid::Uuid, Path), Write), request_body = WantedPreviews,
    responses((status = 200, body = Envelope<AppPreviewsView>)))]
pub async fn configure(
    State(api): State<Api>,
    caller: Caller,
    Id(app): Id<AppId>,
    Asked(write): Asked<Write>,
    Strict(body): Strict<WantedPreviews>,
) -> Answered {
    let action = PreviewAction::Configure(Configure { app, settings: body.settings });
    match propose(&api, &caller, write, Action::Preview(action)).await? {
        Carried::Answered(response) => Ok(response),
        Carried::Done(_) => Ok(match api.control().previews(&caller.actor, app).await {
            Ok(shown) => ok(AppPreviewsView::from(shown)).into_response(),
            // Who may change the app and not see it is told that it was done.
            Err(_) => ok(Nothing {}).into_response(),
        }),
    }
}

/// Makes the preview of a branch, or brings it up to date. It is deployed and served by itself from here on.
#[utoipa::path(post, path = "/api/v1/apps/{id}/previews", tag = "apps", operation_id = "createAppPreview",
    params(("id" = uuid::Uuid, Path), Write), request_body = WantedPreview,
    responses((status = 202, body = Envelope<AppPreviewView>)))]
pub async fn create(
    State(api): State<Api>,
    caller: Caller,
    Id(app): Id<AppId>,
    Asked(write): Asked<Write>,
    Strict(body): Strict<WantedPreview>,
) -> Answered {
    let WantedPreview { branch, commit } = body;
    let action = PreviewAction::Deploy(DeployPreview { app, branch, commit });
    match propose(&api, &caller, write, Action::Preview(action)).await? {
        Carried::Answered(response) => Ok(response),
        Carried::Done(Made::App(preview)) => {
            let shown = api.control().branch_preview(&caller.actor, preview).await.ok().flatten();
            let view = AppPreviewView { preview: shown.map(PreviewView::from) };
            Ok(ok(view).status(StatusCode::ACCEPTED).into_response())
        }
        Carried::Done(_) => Ok(ok(Nothing {}).into_response()),
    }
}

/// The preview that an app is, where it is one.
#[utoipa::path(get, path = "/api/v1/apps/{id}/preview", tag = "apps", operation_id = "getPreview",
    params(("id" = uuid::Uuid, Path)), responses((status = 200, body = Envelope<AppPreviewView>)))]
pub async fn get(State(api): State<Api>, caller: Caller, Id(app): Id<AppId>) -> Result<AppPreviewView> {
    let shown = api.control().branch_preview(&caller.actor, app).await?;
    Ok(ok(AppPreviewView { preview: shown.map(PreviewView::from) }))
}

/// Has a preview stay for so many days from now.
#[utoipa::path(post, path = "/api/v1/apps/{id}/preview/extend", tag = "apps", operation_id = "extendPreview",
    params(("id" = uuid::Uuid, Path), Write), request_body = LongerPreview,
    responses((status = 200, body = Envelope<AppPreviewView>)))]
pub async fn extend(
    State(api): State<Api>,
    caller: Caller,
    Id(app): Id<AppId>,
    Asked(write): Asked<Write>,
    Strict(body): Strict<LongerPreview>,
) -> Answered {
    let action = PreviewAction::Extend(Extend { app, days: body.days });
    match propose(&api, &caller, write, Action::Preview(action)).await? {
        Carried::Answered(response) => Ok(response),
        Carried::Done(_) => {
            let shown = api.control().branch_preview(&caller.actor, app).await.ok().flatten();
            Ok(ok(AppPreviewView { preview: shown.map(PreviewView::from) }).into_response())
        }
    }
}
