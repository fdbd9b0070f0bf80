//! Files of an app's live release: which there are, what is in one, what a change would do, and the change.

use axum::extract::State;
use axum::response::Response;
use serde::Deserialize;
use sf_actions::Action;
use sf_actions::patch::{Apply, PatchAction, PatchEffect, edit};
use sf_protocol::patch::{FilesWanted, Proposed};
use sf_types::{AppId, FilePath, FileState, RunId};
use utoipa::{IntoParams, ToSchema};

use crate::body::{Asked, Id, Strict};
use crate::caller::Caller;
use crate::envelope::{Envelope, Result, ok};
use crate::fault::Problem;
use crate::route::{Write, ordered};
use crate::state::Api;
use crate::view::app::file::{FileContentView, FileListView, PreviewView};
use crate::view::run::RunOpened;

/// Bytes of a search at the most.
const SEARCH_BYTES: usize = 200;

/// Which files.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ListFiles {
    /// With this in the path, in whatever case.
    q: Option<String>,
    /// After this path: the `next` of the answer before.
    #[param(value_type = Option<String>)]
    after: Option<FilePath>,
    /// Also those that were installed (`node_modules`, `.venv`).
    #[serde(default)]
    dependencies: bool,
}

/// Which file.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct OneFile {
    /// Where it is, below the files of the release: `src/app.js`.
    #[param(value_type = String)]
    path: FilePath,
}

/// A change to be judged.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct PatchDraft {
    /// Where the file is, below the files of the release.
    #[schema(value_type = String)]
    path: FilePath,
    /// How it was when it was looked at, as SHA-256 in hex or `absent`: who previews has read the file, and that is noted.
    #[schema(value_type = String)]
    before: FileState,
    /// What stands there instead of the bytes from `from` to `to`: at most about 28 KiB.
    #[serde(default)]
    text: Option<String>,
    /// First byte that is replaced; the first of the file where absent.
    #[serde(default)]
    from: Option<u32>,
    /// First byte that is not replaced; the end of the file where absent.
    #[serde(default)]
    to: Option<u32>,
    /// Whether the file goes.
    #[serde(default)]
    delete: bool,
}

/// A change of one file.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct NewPatch {
    /// Where the file is, below the files of the release.
    #[schema(value_type = String)]
    path: FilePath,
    /// How it was when it was looked at, as SHA-256 in hex or `absent`: found otherwise, nothing is done.
    #[schema(value_type = String)]
    before: FileState,
    /// What stands there instead of the bytes from `from` to `to`: at most about 28 KiB.
    #[serde(default)]
    text: Option<String>,
    /// First byte that is replaced; the first of the file where absent.
    #[serde(default)]
    from: Option<u32>,
    /// First byte that is not replaced; the end of the file where absent.
    #[serde(default)]
    to: Option<u32>,
    /// Whether the file goes.
    #[serde(default)]
    delete: bool,
    /// How it takes effect: `restart`, `hup`, `usr1`, `usr2` or `nothing`.
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    effect: PatchEffect,
    /// Whether the file is written also where it breaks the grammar of its language: a riskier action.
    #[serde(default)]
    accept_broken: bool,
    /// How sure the proposer is, 0 to 100.
    #[serde(default)]
    confidence: Option<f64>,
}

/// Files of an app's live release, in the order of their paths.
#[utoipa::path(get, path = "/api/v1/apps/{id}/files", tag = "apps", operation_id = "listFiles",
    params(("id" = uuid::Uuid, Path), ListFiles), responses((status = 200, body = Envelope<FileListView>)))]
pub async fn files(
    State(api): State<Api>,
    caller: Caller,
    Id(app): Id<AppId>,
    Asked(asked): Asked<ListFiles>,
) -> Result<FileListView> {
    let search = asked.q.filter(|q| !q.is_empty()).map(|q| q[..q.floor_char_boundary(SEARCH_BYTES)].to_owned());
    let wanted = FilesWanted { app, search, after: asked.after, dependencies: asked.dependencies };
    Ok(ok(api.control().files(&caller.actor, caller.request, wanted).await?.into()))
}

/// What is in a file of the live release. Needs the right to change it; who read it is in the activity.
#[utoipa::path(get, path = "/api/v1/apps/{id}/files/content", tag = "apps", operation_id = "readFile",
    params(("id" = uuid::Uuid, Path), OneFile), responses((status = 200, body = Envelope<FileContentView>)))]
pub async fn content(
    State(api): State<Api>,
    caller: Caller,
    Id(app): Id<AppId>,
    Asked(one): Asked<OneFile>,
) -> Result<FileContentView> {
    let file = api.control().file(&caller.actor, caller.request, app, one.path.clone()).await?;
    Ok(ok(FileContentView::of(&one.path, file)))
}

/// What a change would do: its difference, and whether the file would be well formed. Nothing is done.
#[utoipa::path(post, path = "/api/v1/apps/{id}/patches/preview", tag = "apps", operation_id = "previewPatch",
    params(("id" = uuid::Uuid, Path)), request_body = PatchDraft,
    responses((status = 200, body = Envelope<PreviewView>)))]
pub async fn preview(
    State(api): State<Api>,
    caller: Caller,
    Id(app): Id<AppId>,
    Strict(draft): Strict<PatchDraft>,
) -> Result<PreviewView> {
    let edit = edit(draft.text.as_deref(), draft.from, draft.to, draft.delete)
        .map_err(|error| sf_control::proposal::refused(&error))?;
    let proposed = Proposed { app, path: draft.path, before: Some(draft.before), edit };
    Ok(ok(api.control().preview(&caller.actor, caller.request, proposed).await?.into()))
}

/// Changes one file, watches the app for 10 s, and takes the change back at once if it breaks.
#[utoipa::path(post, path = "/api/v1/apps/{id}/patches", tag = "apps", operation_id = "patchApp",
    params(("id" = uuid::Uuid, Path), Write), request_body = NewPatch,
    responses((status = 202, body = Envelope<RunOpened>)))]
pub async fn apply(
    State(api): State<Api>,
    caller: Caller,
    Id(app): Id<AppId>,
    Asked(write): Asked<Write>,
    Strict(body): Strict<NewPatch>,
) -> std::result::Result<Response, Problem> {
    let NewPatch { path, before, text, from, to, delete, effect, accept_broken, confidence } = body;
    let args = Box::new(Apply { app, path, before, text, from, to, delete, effect });
    let action = Action::Patch(if accept_broken { PatchAction::Force(args) } else { PatchAction::Apply(args) });
    ordered(&api, &caller, write, action, confidence).await
}

/// What the change that a run proposes would do now: for whoever decides on it.
#[utoipa::path(get, path = "/api/v1/runs/{id}/patch", tag = "runs", operation_id = "getRunPatch",
    params(("id" = uuid::Uuid, Path)), responses((status = 200, body = Envelope<PreviewView>)))]
pub async fn of_run(State(api): State<Api>, caller: Caller, Id(run): Id<RunId>) -> Result<PreviewView> {
    Ok(ok(api.control().preview_of(&caller.actor, caller.request, run).await?.into()))
}
