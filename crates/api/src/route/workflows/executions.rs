//! Runs of workflows, step by step.

use axum::extract::{Path, State};
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use serde_json::Value;
use sf_actions::Action;
use sf_actions::workflow::{ForkRun, MoveRun, SendEvent, WorkflowAction};
use sf_engine::Done;
use sf_engine::workflow::StepKey;
use sf_store::executions::{ExecutionFilter, ExecutionState};
use sf_types::{ErrorKind, Fault, RunId, WorkflowId};
use utoipa::{IntoParams, ToSchema};

use crate::body::{Asked, Id, Strict};
use crate::caller::Caller;
use crate::envelope::{Envelope, Result, ok, page};
use crate::fault::Problem;
use crate::route::{Carried, Paged, Write, ordered, page_request, propose};
use crate::state::Api;
use crate::view::Nothing;
use crate::view::run::RunOpened;
use crate::view::workflow::journal::EntryView;
use crate::view::workflow::{ExecutionDetail, ExecutionView, StepView};

/// Which runs of workflows.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ListExecutions {
    /// Of this workflow.
    #[param(value_type = Option<uuid::Uuid>)]
    workflow_id: Option<WorkflowId>,
    /// `queued`, `running`, `waiting` or `done`, or how it ended: `succeeded`, `failed`, `cancelled`…
    state: Option<String>,
    /// Forks of this run.
    #[param(value_type = Option<uuid::Uuid>)]
    forked_from: Option<RunId>,
    /// Only those that were put aside.
    poison: Option<bool>,
    /// Rows wanted, 1 to 200; 50 where absent.
    limit: Option<u16>,
    /// Continue after this cursor.
    after: Option<String>,
}

/// Where a run is done again.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Fork {
    /// The step that is done again with all that follow from it; from the beginning unless given.
    #[serde(default)]
    step: Option<String>,
    /// Another input; the same unless given.
    #[serde(default)]
    #[schema(value_type = Option<Object>)]
    input: Option<Value>,
    /// By which version; the run's own unless given.
    #[serde(default)]
    version: Option<u32>,
}

/// An event for a run.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Event {
    /// Its name.
    event: String,
    /// What it brings.
    #[serde(default)]
    #[schema(value_type = Option<Object>)]
    data: Value,
}

/// Another version for a run.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Move {
    /// Which version.
    version: u32,
}

type Answered = std::result::Result<Response, Problem>;

/// Runs of workflows, newest first.
#[utoipa::path(get, path = "/api/v1/workflow-executions", tag = "workflows", operation_id = "listExecutions",
    params(ListExecutions), responses((status = 200, body = Envelope<Vec<ExecutionView>>)))]
pub async fn list(
    State(api): State<Api>,
    caller: Caller,
    Asked(query): Asked<ListExecutions>,
) -> Result<Vec<ExecutionView>> {
    let ListExecutions { workflow_id, state, forked_from, poison, limit, after } = query;
    let (state, done) = state.map(|word| standing(&word)).transpose()?.unwrap_or_default();
    let filter = ExecutionFilter { workflow: workflow_id, state, done, forked_from, poison: poison.unwrap_or(false) };
    let found = api.control().executions(&caller.actor, &filter, &page_request(limit, after)).await?;
    Ok(page(found, ExecutionView::from))
}

/// Where a run stands, or how it ended, by its word.
fn standing(word: &str) -> std::result::Result<(Option<ExecutionState>, Option<Done>), Problem> {
    if let Some(state) = ExecutionState::from_word(word) {
        return Ok((Some(state), None));
    }
    if let Some(done) = Done::ALL.into_iter().find(|done| done.word() == word) {
        return Ok((None, Some(done)));
    }
    let ends: Vec<_> = Done::ALL.iter().map(|done| done.word()).collect();
    let message = format!("`state` is one of queued, running, waiting, done, {}.", ends.join(", "));
    Err(Problem::from(Fault::new(ErrorKind::Invalid, "query.state", message)).field("state"))
}

/// A run of a workflow with its steps. Large outputs are left out: ask for the step alone.
#[utoipa::path(get, path = "/api/v1/workflow-executions/{id}", tag = "workflows", operation_id = "getExecution",
    params(("id" = uuid::Uuid, Path)), responses((status = 200, body = Envelope<ExecutionDetail>)))]
pub async fn get(State(api): State<Api>, caller: Caller, Id(run): Id<RunId>) -> Result<ExecutionDetail> {
    Ok(ok(ExecutionDetail::of(api.control().execution(&caller.actor, run).await?)))
}

/// The tree of forks that a run stands in, itself included, oldest first; 200 runs at the most.
#[utoipa::path(get, path = "/api/v1/workflow-executions/{id}/forks", tag = "workflows", operation_id = "listForks",
    params(("id" = uuid::Uuid, Path)), responses((status = 200, body = Envelope<Vec<ExecutionView>>)))]
pub async fn forks(State(api): State<Api>, caller: Caller, Id(run): Id<RunId>) -> Result<Vec<ExecutionView>> {
    let found = api.control().execution_forks(&caller.actor, run).await?;
    Ok(ok(found.into_iter().map(ExecutionView::from).collect()))
}

/// What was recorded of a run, oldest first. Large values are left out: ask for the step alone. `after` takes the number
/// of an entry, so that whoever follows a run asks for what is new.
#[utoipa::path(get, path = "/api/v1/workflow-executions/{id}/journal", tag = "workflows",
    operation_id = "executionJournal", params(("id" = uuid::Uuid, Path), Paged),
    responses((status = 200, body = Envelope<Vec<EntryView>>)))]
pub async fn journal(
    State(api): State<Api>,
    caller: Caller,
    Id(run): Id<RunId>,
    Asked(query): Asked<Paged>,
) -> Result<Vec<EntryView>> {
    let found = api.control().execution_journal(&caller.actor, run, &query.into()).await?;
    Ok(page(found, EntryView::of))
}

/// One step of a run, whole.
#[utoipa::path(get, path = "/api/v1/workflow-executions/{id}/steps/{key}", tag = "workflows",
    operation_id = "getExecutionStep", params(("id" = uuid::Uuid, Path), ("key" = String, Path)),
    responses((status = 200, body = Envelope<StepView>)))]
pub async fn step(
    State(api): State<Api>,
    caller: Caller,
    Path((run, key)): Path<(String, String)>,
) -> Result<StepView> {
    let invalid = |message: String| Problem::from(Fault::new(ErrorKind::Invalid, "path.invalid", message));
    let run: RunId = run.parse().map_err(|why: sf_types::id::BadId| invalid(why.to_string()))?;
    let key: StepKey = key.parse().map_err(|why: sf_engine::workflow::key::BadKey| invalid(why.to_string()))?;
    let step = api.control().execution_step(&caller.actor, run, &key).await?;
    Ok(ok(StepView::of(step, &[], false)))
}

/// Runs a workflow again from one of its steps on, keeping what the old run did before.
#[utoipa::path(post, path = "/api/v1/workflow-executions/{id}/fork", tag = "workflows", operation_id = "forkExecution",
    params(("id" = uuid::Uuid, Path), Write), request_body = Fork,
    responses((status = 202, body = Envelope<RunOpened>)))]
pub async fn fork(
    State(api): State<Api>,
    caller: Caller,
    Id(run): Id<RunId>,
    Asked(write): Asked<Write>,
    Strict(body): Strict<Fork>,
) -> Answered {
    let fork = ForkRun { run, step: body.step, input: body.input, version: body.version };
    ordered(&api, &caller, write, Action::Workflow(WorkflowAction::Fork(fork)), None).await
}

/// Sends an event to a run: a step that waits for it goes on.
#[utoipa::path(post, path = "/api/v1/workflow-executions/{id}/events", tag = "workflows", operation_id = "sendEvent",
    params(("id" = uuid::Uuid, Path), Write), request_body = Event,
    responses((status = 200, body = Envelope<Nothing>)))]
pub async fn send(
    State(api): State<Api>,
    caller: Caller,
    Id(run): Id<RunId>,
    Asked(write): Asked<Write>,
    Strict(body): Strict<Event>,
) -> Answered {
    act(&api, &caller, write, WorkflowAction::Send(SendEvent { run, event: body.event, data: body.data })).await
}

/// Lets a run go on by another version of its workflow; `dryRun` says what that would mean for its steps.
#[utoipa::path(post, path = "/api/v1/workflow-executions/{id}/move", tag = "workflows", operation_id = "moveExecution",
    params(("id" = uuid::Uuid, Path), Write), request_body = Move, responses((status = 200, body = Envelope<Nothing>)))]
pub async fn move_to(
    State(api): State<Api>,
    caller: Caller,
    Id(run): Id<RunId>,
    Asked(write): Asked<Write>,
    Strict(body): Strict<Move>,
) -> Answered {
    act(&api, &caller, write, WorkflowAction::Move(MoveRun { run, version: body.version })).await
}

async fn act(api: &Api, caller: &Caller, write: Write, action: WorkflowAction) -> Answered {
    match propose(api, caller, write, Action::Workflow(action)).await? {
        Carried::Answered(response) => Ok(response),
        Carried::Done(_) => Ok(ok(Nothing {}).into_response()),
    }
}
