//! Runs: what was asked and what became of it.

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use sf_actions::run::{Decide, Reopen, Review, RunAction, RunRef};
use sf_actions::{Action, Actor};
use sf_control::Control;
use sf_control::queries::apps::LogPart;
use sf_protocol::report::{LogLine, LogSource};
use sf_store::runs::RunFilter;
use sf_types::{AppId, Fault, NodeId, RunId, ServerId};
use utoipa::{IntoParams, ToSchema};

use super::apps::observe::{self, BuildLines};
use super::{Carried, Write, page_request, propose};
use crate::body::{Asked, Id, Strict};
use crate::caller::Caller;
use crate::envelope::{Envelope, Result, ok, page};
use crate::fault::Problem;
use crate::state::Api;
use crate::view::log::LogView;
use crate::view::names::Names;
use crate::view::run::cause::CauseView;
use crate::view::run::{CommandView, MomentView, RunView, SignedView, base64};

/// Which runs.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ListRuns {
    /// `open`, a state, or how it ended: `failed`.
    state: Option<String>,
    /// An action's name.
    action: Option<String>,
    /// Of this app.
    #[param(value_type = Option<uuid::Uuid>)]
    app_id: Option<AppId>,
    /// Of this server of the panel.
    #[param(value_type = Option<uuid::Uuid>)]
    server_id: Option<ServerId>,
    /// On this machine.
    #[param(value_type = Option<uuid::Uuid>)]
    node_id: Option<NodeId>,
    /// With this in the action's name or the app's.
    q: Option<String>,
    /// Rows wanted, 1 to 200.
    limit: Option<u16>,
    /// Continue after this cursor.
    after: Option<String>,
}

/// A person's decision.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct DecideRun {
    /// Hash of what was shown: a decision about something else is refused.
    hash: String,
    /// Why, for the record.
    #[serde(default)]
    comment: Option<String>,
}

type Answered = std::result::Result<Response, Problem>;

/// Runs, newest first.
#[utoipa::path(get, path = "/api/v1/runs", tag = "runs", operation_id = "listRuns", params(ListRuns),
    responses((status = 200, body = Envelope<Vec<RunView>>)))]
pub async fn list(State(api): State<Api>, caller: Caller, Asked(query): Asked<ListRuns>) -> Result<Vec<RunView>> {
    let ListRuns { state, action, app_id, server_id, node_id, q, limit, after } = query;
    let filter = RunFilter { state, action, app: app_id, server: server_id, node: node_id, q };
    let runs = api.control().runs(&caller.actor, &filter, &page_request(limit, after)).await?;
    let mut names = Names::new(&api, &caller.actor);
    let mut views = Vec::with_capacity(runs.items.len());
    for record in runs.items {
        views.push(names.run(record).await);
    }
    Ok(page(sf_types::Page { items: views, next: runs.next }, |view| view))
}

/// One run.
#[utoipa::path(get, path = "/api/v1/runs/{id}", tag = "runs", operation_id = "getRun",
    params(("id" = uuid::Uuid, Path)), responses((status = 200, body = Envelope<RunView>)))]
pub async fn get(State(api): State<Api>, caller: Caller, Id(run): Id<RunId>) -> Result<RunView> {
    Ok(ok(show(&api, &caller, run).await?))
}

/// What happened to a run, in order.
#[utoipa::path(get, path = "/api/v1/runs/{id}/timeline", tag = "runs", operation_id = "runTimeline",
    params(("id" = uuid::Uuid, Path)), responses((status = 200, body = Envelope<Vec<MomentView>>)))]
pub async fn timeline(State(api): State<Api>, caller: Caller, Id(run): Id<RunId>) -> Result<Vec<MomentView>> {
    let moments = api.control().timeline(&caller.actor, run).await?;
    Ok(ok(moments.into_iter().map(MomentView::from).collect()))
}

/// What fetching and building said.
#[utoipa::path(get, path = "/api/v1/runs/{id}/log", tag = "runs", operation_id = "runLog",
    params(("id" = uuid::Uuid, Path), BuildLines), responses((status = 200, body = Envelope<LogView>)))]
pub async fn log(
    State(api): State<Api>,
    caller: Caller,
    Id(run): Id<RunId>,
    Asked(lines): Asked<BuildLines>,
) -> Result<LogView> {
    let part = LogPart::After(lines.after.unwrap_or(0));
    let found = api.control().run_log(&caller.actor, run, &part).await;
    Ok(ok(observe::view(observe::or_empty(found)?)))
}

/// Why a run failed: the likeliest causes by rules, with the lines that show them; none where it did not fail.
#[utoipa::path(get, path = "/api/v1/runs/{id}/causes", tag = "runs", operation_id = "runCauses",
    params(("id" = uuid::Uuid, Path)), responses((status = 200, body = Envelope<Vec<CauseView>>)))]
pub async fn causes(State(api): State<Api>, caller: Caller, Id(run): Id<RunId>) -> Result<Vec<CauseView>> {
    let causes = api.control().explain(&caller.actor, run).await?;
    Ok(ok(causes.into_iter().map(CauseView::from).collect()))
}

/// The signed order of a run with everything needed to check it.
#[utoipa::path(get, path = "/api/v1/runs/{id}/command", tag = "runs", operation_id = "runCommand",
    params(("id" = uuid::Uuid, Path)), responses((status = 200, body = Envelope<CommandView>)))]
pub async fn command(State(api): State<Api>, caller: Caller, Id(run): Id<RunId>) -> Result<CommandView> {
    let proof = api.control().proof(&caller.actor, run).await?;
    let signed = |signed: &sf_protocol::Signed| SignedView::from(signed);
    Ok(ok(CommandView {
        command_id: proof.command.id.uuid(),
        label: proof.kind.label().to_owned(),
        payload: base64(&proof.signed.payload),
        signature: base64(&proof.signed.signature),
        key_id: proof.signed.key_id.to_string(),
        public_key: base64(proof.key.bytes()),
        delegation: signed(&proof.delegation),
        root_public_key: Some(base64(proof.root.bytes())),
        root_fingerprint: api.control().root_fingerprint().to_string(),
        ack: proof.command.accepted.as_ref().map(|json| signed(&json.0)),
        result: proof.command.result.as_ref().map(|json| signed(&json.0)),
        node_public_key: base64(proof.node_key.bytes()),
    }))
}

/// Stops a run; what was true before stays true.
#[utoipa::path(post, path = "/api/v1/runs/{id}/cancel", tag = "runs", operation_id = "cancelRun",
    params(("id" = uuid::Uuid, Path), Write), responses((status = 200, body = Envelope<RunView>)))]
pub async fn cancel(
    State(api): State<Api>,
    caller: Caller,
    Id(run): Id<RunId>,
    Asked(write): Asked<Write>,
) -> Answered {
    act(&api, &caller, write, RunAction::Cancel(RunRef { run })).await
}

/// Lets a waiting run go ahead.
#[utoipa::path(post, path = "/api/v1/runs/{id}/approve", tag = "runs", operation_id = "approveRun",
    params(("id" = uuid::Uuid, Path), Write), request_body = DecideRun,
    responses((status = 200, body = Envelope<RunView>)))]
pub async fn approve(
    State(api): State<Api>,
    caller: Caller,
    Id(run): Id<RunId>,
    Asked(write): Asked<Write>,
    Strict(body): Strict<DecideRun>,
) -> Answered {
    let decide = Decide { run, hash: body.hash, comment: body.comment };
    act(&api, &caller, write, RunAction::Approve(decide)).await
}

/// Refuses a waiting run.
#[utoipa::path(post, path = "/api/v1/runs/{id}/reject", tag = "runs", operation_id = "rejectRun",
    params(("id" = uuid::Uuid, Path), Write), request_body = DecideRun,
    responses((status = 200, body = Envelope<RunView>)))]
pub async fn reject(
    State(api): State<Api>,
    caller: Caller,
    Id(run): Id<RunId>,
    Asked(write): Asked<Write>,
    Strict(body): Strict<DecideRun>,
) -> Answered {
    let decide = Decide { run, hash: body.hash, comment: body.comment };
    act(&api, &caller, write, RunAction::Reject(decide)).await
}

/// Which decision.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ReopenRun {
    /// Hash of what was decided.
    hash: String,
}

/// Takes an approval back while it is held, for 5 s: nothing has happened yet, and it waits for a decision again.
#[utoipa::path(post, path = "/api/v1/runs/{id}/reopen", tag = "runs", operation_id = "reopenRun",
    params(("id" = uuid::Uuid, Path), Write), request_body = ReopenRun,
    responses((status = 200, body = Envelope<RunView>)))]
pub async fn reopen(
    State(api): State<Api>,
    caller: Caller,
    Id(run): Id<RunId>,
    Asked(write): Asked<Write>,
    Strict(body): Strict<ReopenRun>,
) -> Answered {
    act(&api, &caller, write, RunAction::Reopen(Reopen { run, hash: body.hash })).await
}

/// What you think of a run that went by itself.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ReviewRun {
    /// Whether it was right that it ran.
    good: bool,
    /// Why, for the record.
    comment: Option<String>,
}

/// Says of an automatic run whether it was right; what is learnt from it opens or closes the gate for the next ones.
#[utoipa::path(post, path = "/api/v1/runs/{id}/review", tag = "runs", operation_id = "reviewRun",
    params(("id" = uuid::Uuid, Path), Write), request_body = ReviewRun,
    responses((status = 200, body = Envelope<RunView>)))]
pub async fn review(
    State(api): State<Api>,
    caller: Caller,
    Id(run): Id<RunId>,
    Asked(write): Asked<Write>,
    Strict(body): Strict<ReviewRun>,
) -> Answered {
    let review = Review { run, good: body.good, comment: body.comment };
    act(&api, &caller, write, RunAction::Review(review)).await
}

/// Does something to a run and shows that run.
async fn act(api: &Api, caller: &Caller, write: Write, action: RunAction) -> Answered {
    let run = action.run();
    match propose(api, caller, write, Action::Run(action)).await? {
        Carried::Answered(response) => Ok(response),
        Carried::Done(_) => Ok(ok(show(api, caller, run).await?).into_response()),
    }
}

async fn show(api: &Api, caller: &Caller, run: RunId) -> std::result::Result<RunView, Problem> {
    let record = api.control().run(&caller.actor, run).await?;
    Ok(Names::new(api, &caller.actor).run(record).await)
}

/// Lines of a run's log after a number: what a socket has to catch up with.
pub(crate) async fn newest_log(
    control: &Control,
    actor: &Actor,
    run: RunId,
    after: u64,
) -> std::result::Result<Option<(LogSource, Vec<LogLine>)>, Fault> {
    let found = observe::or_empty(control.run_log(actor, run, &LogPart::After(after)).await)?;
    Ok(Some((LogSource::Run { run }, found.lines)))
}
