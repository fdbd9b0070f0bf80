//! Workflows: what they are, and what starts them.

pub mod executions;
pub mod hooks;
pub mod reads;

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use serde_json::Value;
use sf_actions::Action;
use sf_actions::workflow::{CreateWorkflow, EnableWorkflow, RunWorkflow, UpdateWorkflow, WorkflowAction, WorkflowRef};
use sf_control::{Made, workflow};
use sf_engine::workflow::document;
use sf_types::{ProjectId, WorkflowId};
use utoipa::{IntoParams, ToSchema};

use super::{Carried, Write, page_request, propose};
use crate::body::{Asked, Id, Strict};
use crate::caller::Caller;
use crate::envelope::{Envelope, Result, created, ok, page};
use crate::fault::Problem;
use crate::state::Api;
use crate::view::Nothing;
use crate::view::run::RunOpened;
use crate::view::workflow::{DocumentSchema, LintView, VersionView, WorkflowView};

/// Which workflows.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ListWorkflows {
    /// Of this project.
    #[param(value_type = Option<uuid::Uuid>)]
    project_id: Option<ProjectId>,
    /// Looked for in the name.
    q: Option<String>,
    /// Rows wanted, 1 to 200; 50 where absent.
    limit: Option<u16>,
    /// Continue after this cursor.
    after: Option<String>,
}

/// A new workflow.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct NewWorkflow {
    /// In which project; the team's first unless given.
    #[serde(default)]
    #[schema(value_type = Option<uuid::Uuid>)]
    project_id: Option<ProjectId>,
    /// The document, JSON or YAML.
    document: String,
}

/// A new version of a workflow.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ChangedWorkflow {
    /// The document, JSON or YAML.
    document: String,
    /// The version it was made from: refused if there is a newer one.
    #[serde(default)]
    from: Option<u32>,
}

/// A document to be looked at.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct WorkflowDocument {
    /// The document, JSON or YAML.
    document: String,
}

/// Whether triggers start it.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Enabled {
    /// Whether its triggers start it.
    enabled: bool,
}

/// What a workflow is run with.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Execute {
    /// Its input.
    #[serde(default)]
    #[schema(value_type = Option<Object>)]
    input: Value,
    /// By which version; the newest unless given.
    #[serde(default)]
    version: Option<u32>,
}

/// Which versions.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct Before {
    /// Only older ones than this.
    before: Option<u32>,
}

/// One version.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct OneVersion {
    /// Which; the newest unless given.
    version: Option<u32>,
}

type Answered = std::result::Result<Response, Problem>;

/// Workflows, newest first.
#[utoipa::path(get, path = "/api/v1/workflows", tag = "workflows", operation_id = "listWorkflows",
    params(ListWorkflows), responses((status = 200, body = Envelope<Vec<WorkflowView>>)))]
pub async fn list(
    State(api): State<Api>,
    caller: Caller,
    Asked(query): Asked<ListWorkflows>,
) -> Result<Vec<WorkflowView>> {
    let ListWorkflows { project_id, q, limit, after } = query;
    let request = page_request(limit, after);
    let found = api.control().workflows(&caller.actor, project_id, q.as_deref(), &request).await?;
    Ok(page(found, WorkflowView::of))
}

/// One workflow.
#[utoipa::path(get, path = "/api/v1/workflows/{id}", tag = "workflows", operation_id = "getWorkflow",
    params(("id" = uuid::Uuid, Path)), responses((status = 200, body = Envelope<WorkflowView>)))]
pub async fn get(State(api): State<Api>, caller: Caller, Id(id): Id<WorkflowId>) -> Result<WorkflowView> {
    Ok(ok(WorkflowView::of(api.control().workflow(&caller.actor, id).await?)))
}

/// Checks and keeps a new workflow.
#[utoipa::path(post, path = "/api/v1/workflows", tag = "workflows", operation_id = "createWorkflow", params(Write),
    request_body = NewWorkflow, responses((status = 201, body = Envelope<WorkflowView>)))]
pub async fn create(
    State(api): State<Api>,
    caller: Caller,
    Asked(write): Asked<Write>,
    Strict(body): Strict<NewWorkflow>,
) -> Answered {
    let create = CreateWorkflow { project: body.project_id, document: body.document };
    match propose(&api, &caller, write, Action::Workflow(WorkflowAction::Create(create))).await? {
        Carried::Answered(response) => Ok(response),
        Carried::Done(made) => Ok(created(shown(&api, &caller, made).await?).into_response()),
    }
}

/// Checks and keeps a new version. What runs goes on by the version it began with.
#[utoipa::path(put, path = "/api/v1/workflows/{id}", tag = "workflows", operation_id = "updateWorkflow",
    params(("id" = uuid::Uuid, Path), Write), request_body = ChangedWorkflow,
    responses((status = 200, body = Envelope<WorkflowView>)))]
pub async fn update(
    State(api): State<Api>,
    caller: Caller,
    Id(workflow): Id<WorkflowId>,
    Asked(write): Asked<Write>,
    Strict(body): Strict<ChangedWorkflow>,
) -> Answered {
    let update = UpdateWorkflow { workflow, document: body.document, from: body.from };
    answer(&api, &caller, write, WorkflowAction::Update(update)).await
}

/// Lets its triggers start it with the caller's rights, or stops them.
#[utoipa::path(post, path = "/api/v1/workflows/{id}/triggers", tag = "workflows", operation_id = "enableWorkflow",
    params(("id" = uuid::Uuid, Path), Write), request_body = Enabled,
    responses((status = 200, body = Envelope<WorkflowView>)))]
pub async fn enable(
    State(api): State<Api>,
    caller: Caller,
    Id(workflow): Id<WorkflowId>,
    Asked(write): Asked<Write>,
    Strict(body): Strict<Enabled>,
) -> Answered {
    let enable = EnableWorkflow { workflow, enabled: body.enabled };
    answer(&api, &caller, write, WorkflowAction::Enable(enable)).await
}

/// Deletes a workflow that does not run.
#[utoipa::path(delete, path = "/api/v1/workflows/{id}", tag = "workflows", operation_id = "deleteWorkflow",
    params(("id" = uuid::Uuid, Path), Write), responses((status = 200, body = Envelope<Nothing>)))]
pub async fn delete(
    State(api): State<Api>,
    caller: Caller,
    Id(workflow): Id<WorkflowId>,
    Asked(write): Asked<Write>,
) -> Answered {
    let action = Action::Workflow(WorkflowAction::Delete(WorkflowRef { workflow }));
    match propose(&api, &caller, write, action).await? {
        Carried::Answered(response) => Ok(response),
        Carried::Done(_) => Ok(ok(Nothing {}).into_response()),
    }
}

/// Runs a workflow.
#[utoipa::path(post, path = "/api/v1/workflows/{id}/execute", tag = "workflows", operation_id = "executeWorkflow",
    params(("id" = uuid::Uuid, Path), Write), request_body = Execute,
    responses((status = 202, body = Envelope<RunOpened>)))]
pub async fn execute(
    State(api): State<Api>,
    caller: Caller,
    Id(workflow): Id<WorkflowId>,
    Asked(write): Asked<Write>,
    Strict(body): Strict<Execute>,
) -> Answered {
    let run = RunWorkflow { workflow, version: body.version, input: body.input, trigger: None };
    super::ordered(&api, &caller, write, Action::Workflow(WorkflowAction::Run(run)), None).await
}

/// Versions of a workflow, newest first; 50 at a time.
#[utoipa::path(get, path = "/api/v1/workflows/{id}/versions", tag = "workflows", operation_id = "workflowVersions",
    params(("id" = uuid::Uuid, Path), Before), responses((status = 200, body = Envelope<Vec<VersionView>>)))]
pub async fn versions(
    State(api): State<Api>,
    caller: Caller,
    Id(id): Id<WorkflowId>,
    Asked(query): Asked<Before>,
) -> Result<Vec<VersionView>> {
    let found = api.control().workflow_versions(&caller.actor, id, query.before).await?;
    Ok(ok(found.into_iter().map(VersionView::of).collect()))
}

/// A version of a workflow as it was written.
#[utoipa::path(get, path = "/api/v1/workflows/{id}/document", tag = "workflows", operation_id = "workflowDocument",
    params(("id" = uuid::Uuid, Path), OneVersion), responses((status = 200, body = Envelope<VersionView>)))]
pub async fn version(
    State(api): State<Api>,
    caller: Caller,
    Id(id): Id<WorkflowId>,
    Asked(query): Asked<OneVersion>,
) -> Result<VersionView> {
    let (row, _) = api.control().workflow_version(&caller.actor, id, query.version).await?;
    Ok(ok(VersionView::of(row)))
}

/// Says everything that is wrong with a document, and keeps nothing.
#[utoipa::path(post, path = "/api/v1/workflows/lint", tag = "workflows", operation_id = "lintWorkflow",
    request_body = WorkflowDocument, responses((status = 200, body = Envelope<LintView>)))]
pub async fn lint(State(api): State<Api>, _: Caller, Strict(body): Strict<WorkflowDocument>) -> Result<LintView> {
    let schedules = workflow::told::schedules(&body.document, api.control().now());
    let schedules = schedules.into_iter().map(Into::into).collect();
    Ok(ok(match workflow::told::lint(&body.document) {
        Ok(definition) => LintView {
            ok: true,
            name: Some(definition.name.to_string()),
            hash: Some(definition.hash.clone()),
            steps: Some(definition.steps() as u64),
            problems: Vec::new(),
            schedules,
        },
        Err(problems) => LintView {
            ok: false,
            name: None,
            hash: None,
            steps: None,
            problems: problems.into_iter().map(Into::into).collect(),
            schedules,
        },
    }))
}

/// The JSON Schema of a workflow's document.
#[utoipa::path(get, path = "/api/v1/workflows/schema", tag = "workflows", operation_id = "workflowSchema",
    responses((status = 200, body = Envelope<DocumentSchema>)))]
pub async fn schema(_: State<Api>, _: Caller) -> Result<DocumentSchema> {
    Ok(ok(DocumentSchema(document::schema())))
}

async fn answer(api: &Api, caller: &Caller, write: Write, action: WorkflowAction) -> Answered {
    match propose(api, caller, write, Action::Workflow(action)).await? {
        Carried::Answered(response) => Ok(response),
        Carried::Done(made) => Ok(ok(shown(api, caller, made).await?).into_response()),
    }
}

/// Who may make a workflow without seeing any is not shown it.
async fn shown(api: &Api, caller: &Caller, made: Made) -> std::result::Result<Option<WorkflowView>, Problem> {
    let Made::Workflow(id) = made else { return Ok(None) };
    Ok(api.control().workflow(&caller.actor, id).await.ok().map(WorkflowView::of))
}
