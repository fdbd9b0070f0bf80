//! What puts releases live and starts, stops and restarts what serves.

use axum::extract::State;
use axum::response::Response;
use serde::Deserialize;
use sf_actions::Action;
use sf_actions::deploy::{Deploy, DeployAction, Rollback};
use sf_actions::process::{ProcessAction, ProcessVerb};
use sf_control::Proposal;
use sf_types::{AppId, ReleaseId};
use utoipa::ToSchema;

use super::{Write, order};
use crate::body::{Asked, Id, Strict};
use crate::caller::Caller;
use crate::envelope::Envelope;
use crate::fault::Problem;
use crate::state::Api;
use crate::view::run::RunOpened;

/// What to deploy.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct DeployApp {
    /// Branch or tag; the app's own where absent.
    #[serde(default)]
    reference: Option<String>,
    /// Exact commit; the tip of the reference where absent.
    #[serde(default)]
    commit: Option<String>,
    /// Install and build also what is proven to come out as before.
    #[serde(default)]
    full: bool,
    /// How sure the proposer is, 0 to 100.
    #[serde(default)]
    confidence: Option<f64>,
}

/// Where to go back to.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct RollBackApp {
    /// The release; the one before the live one where absent.
    #[serde(default)]
    #[schema(value_type = Option<uuid::Uuid>)]
    release_id: Option<ReleaseId>,
    /// How sure the proposer is, 0 to 100.
    #[serde(default)]
    confidence: Option<f64>,
}

type Answered = Result<Response, Problem>;

/// Builds a revision beside the live release, checks it, switches, and returns by itself if it breaks.
#[utoipa::path(post, path = "/api/v1/apps/{id}/deploy", tag = "apps", operation_id = "deployApp",
    params(("id" = uuid::Uuid, Path), Write), request_body = DeployApp,
    responses((status = 202, body = Envelope<RunOpened>)))]
pub async fn deploy(
    State(api): State<Api>,
    caller: Caller,
    Id(app): Id<AppId>,
    Asked(write): Asked<Write>,
    Strict(body): Strict<DeployApp>,
) -> Answered {
    let deploy = Deploy { app, reference: body.reference, commit: body.commit, full: body.full };
    let action = Action::Deploy(DeployAction::Deploy(deploy));
    let dry_run = write.is_dry();
    order(&api, &caller, Proposal { confidence: body.confidence, dry_run, ..Proposal::of(action) }).await
}

/// Puts a release live again that is still on the machine; nothing is built.
#[utoipa::path(post, path = "/api/v1/apps/{id}/rollback", tag = "apps", operation_id = "rollBackApp",
    params(("id" = uuid::Uuid, Path), Write), request_body = RollBackApp,
    responses((status = 202, body = Envelope<RunOpened>)))]
pub async fn rollback(
    State(api): State<Api>,
    caller: Caller,
    Id(app): Id<AppId>,
    Asked(write): Asked<Write>,
    Strict(body): Strict<RollBackApp>,
) -> Answered {
    let action = Action::Deploy(DeployAction::Rollback(Rollback { app, release: body.release_id }));
    let dry_run = write.is_dry();
    order(&api, &caller, Proposal { confidence: body.confidence, dry_run, ..Proposal::of(action) }).await
}

/// Starts the live release.
#[utoipa::path(post, path = "/api/v1/apps/{id}/start", tag = "apps", operation_id = "startApp",
    params(("id" = uuid::Uuid, Path), Write), responses((status = 202, body = Envelope<RunOpened>)))]
pub async fn start(State(api): State<Api>, caller: Caller, Id(app): Id<AppId>, Asked(write): Asked<Write>) -> Answered {
    process(&api, &caller, app, ProcessVerb::Start, write).await
}

/// Stops an app gracefully.
#[utoipa::path(post, path = "/api/v1/apps/{id}/stop", tag = "apps", operation_id = "stopApp",
    params(("id" = uuid::Uuid, Path), Write), responses((status = 202, body = Envelope<RunOpened>)))]
pub async fn stop(State(api): State<Api>, caller: Caller, Id(app): Id<AppId>, Asked(write): Asked<Write>) -> Answered {
    process(&api, &caller, app, ProcessVerb::Stop, write).await
}

/// Replaces an app's process by a fresh one.
#[utoipa::path(post, path = "/api/v1/apps/{id}/restart", tag = "apps", operation_id = "restartApp",
    params(("id" = uuid::Uuid, Path), Write), responses((status = 202, body = Envelope<RunOpened>)))]
pub async fn restart(
    State(api): State<Api>,
    caller: Caller,
    Id(app): Id<AppId>,
    Asked(write): Asked<Write>,
) -> Answered {
    process(&api, &caller, app, ProcessVerb::Restart, write).await
}

async fn process(api: &Api, caller: &Caller, app: AppId, verb: ProcessVerb, write: Write) -> Answered {
    let dry_run = write.is_dry();
    let action = Action::Process(ProcessAction { app, verb });
    order(api, caller, Proposal { dry_run, ..Proposal::of(action) }).await
}
