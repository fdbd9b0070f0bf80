//! Workflows and their runs.

pub mod journal;

use serde::Serialize;
use serde_json::Value;
use sf_control::workflow::look::{ExecutionListed, ExecutionShown, WorkflowShown};
use sf_control::workflow::upcoming::Upcoming;
use sf_engine::workflow::definition::Problem;
use sf_engine::workflow::execution::StepView as Step;
use sf_engine::workflow::{Finish, StepKey};
use sf_store::workflows::{Trigger, Version};
use sf_types::RunId;
use utoipa::ToSchema;
use uuid::Uuid;

use super::Time;
use crate::view::FaultView;

/// The JSON Schema of a workflow's document.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(transparent)]
#[schema(as = WorkflowSchema, value_type = std::collections::BTreeMap<String, Value>)]
pub struct DocumentSchema(pub Value);

/// A workflow.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Workflow)]
pub struct WorkflowView {
    /// Its id.
    pub id: Uuid,
    /// Its project.
    pub project_id: Uuid,
    /// Its name, unique within the project.
    pub name: String,
    /// What it is for.
    pub description: Option<String>,
    /// Its newest version, from 1.
    pub version: u32,
    /// That version's hash.
    pub hash: String,
    /// Whether its triggers start it.
    pub enabled: bool,
    /// For whom its triggers act.
    pub owner_id: Uuid,
    /// What starts it besides people.
    pub triggers: Vec<TriggerView>,
    /// Runs of it that have not ended.
    pub open_runs: u64,
    /// When it was made.
    pub created_at: Time,
    /// When it last changed.
    pub updated_at: Time,
}

/// What starts a workflow.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Trigger)]
pub struct TriggerView {
    /// Its id.
    pub id: Uuid,
    /// Its id within the document.
    pub name: String,
    /// `cron` or `webhook`.
    pub kind: String,
    /// Where a webhook is called: a path of the API.
    pub path: Option<String>,
    /// When it fires next.
    pub next_at: Option<Time>,
    /// When it fired last.
    pub last_at: Option<Time>,
    /// Moments that passed without it, in all.
    pub missed: u64,
    /// Why it could not start the workflow last.
    pub last_fault: Option<FaultView>,
    /// The calendar of a `cron`; told of one workflow alone.
    pub schedule: Option<ScheduleView>,
}

/// A calendar that starts a workflow.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = WorkflowSchedule)]
pub struct ScheduleView {
    /// The trigger's id within the document.
    pub trigger: String,
    /// Its cron line.
    pub cron: String,
    /// Its time zone: `Europe/Berlin`.
    pub timezone: String,
    /// What becomes of moments that passed while nobody was there: `skip`, `once` or `all`.
    pub missed: String,
    /// Its next moments, five at the most, whether or not the triggers are on.
    pub upcoming: Vec<Time>,
}

/// One version of a workflow.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = WorkflowVersion)]
pub struct VersionView {
    /// From 1.
    pub version: u32,
    /// Its hash.
    pub hash: String,
    /// The document as it was written.
    pub document: String,
    /// Who saved it.
    pub created_by: Option<Uuid>,
    /// When.
    pub created_at: Time,
}

/// What is wrong with a document, and where.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = WorkflowProblem)]
pub struct ProblemView {
    /// Where: `steps[2].with.app`; empty for the whole.
    pub place: String,
    /// What is wrong there.
    pub message: String,
    /// What to do.
    pub fix: String,
}

/// What a check of a document says.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = WorkflowLint)]
pub struct LintView {
    /// Whether it can be saved.
    pub ok: bool,
    /// Its name.
    pub name: Option<String>,
    /// Its hash.
    pub hash: Option<String>,
    /// Steps, those within others included.
    pub steps: Option<u64>,
    /// All that is wrong.
    pub problems: Vec<ProblemView>,
    /// Its schedules that make sense, whatever else is wrong.
    pub schedules: Vec<ScheduleView>,
}

/// A run of a workflow in a list.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = WorkflowExecution)]
pub struct ExecutionView {
    /// Its run.
    pub run_id: Uuid,
    /// Of which workflow.
    pub workflow_id: Uuid,
    /// By which version.
    pub version: u32,
    /// `queued`, `running`, `waiting` or `done`.
    pub state: String,
    /// How it ended: `succeeded`, `failed`, `rejected`, `expired` or `cancelled`.
    pub done: Option<String>,
    /// When it goes on by itself.
    pub wake_at: Option<Time>,
    /// Those with the same key count together.
    pub concurrency_key: Option<String>,
    /// The run it was forked from.
    pub forked_from: Option<Uuid>,
    /// At which step.
    pub forked_step: Option<String>,
    /// The trigger that started it.
    pub trigger_id: Option<Uuid>,
    /// Steps that have ended.
    pub steps_ended: u64,
    /// Steps there are so far.
    pub steps_known: u64,
    /// Why it failed.
    pub fault: Option<FaultView>,
    /// It was put aside since its control planes ended again and again.
    pub poison: bool,
    /// When it began.
    pub opened_at: Time,
    /// When it ended.
    pub closed_at: Option<Time>,
}

/// A run of a workflow, with its steps.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = WorkflowExecutionDetail)]
pub struct ExecutionDetail {
    /// As in the list.
    #[serde(flatten)]
    pub execution: ExecutionView,
    /// Its workflow's name.
    pub workflow_name: String,
    /// What it began with.
    #[schema(value_type = Object)]
    pub input: Value,
    /// What came of it.
    #[schema(value_type = Option<Object>)]
    pub output: Option<Value>,
    /// The first step that failed.
    pub failed_step: Option<String>,
    /// Its steps, in the order of the definition; those of a map behind it.
    pub steps: Vec<StepView>,
}

/// A step of a run.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = WorkflowStep)]
pub struct StepView {
    /// Which: its id, and within a map `id@3` for the fourth item.
    pub key: String,
    /// What it is called.
    pub title: Option<String>,
    /// `action`, `query`, `approval`, `wait`, `map`, `branch` or `workflow`.
    pub kind: String,
    /// The step it stands in.
    pub parent: Option<String>,
    /// `pending`, `running`, `retrying`, `waiting`, `asked`, `catching`, `succeeded`, `failed`, `skipped`, `cancelled`.
    pub state: String,
    /// Tries so far.
    pub attempts: u32,
    /// What was done, with the arguments as they were.
    #[schema(value_type = Option<Object>)]
    pub call: Option<Value>,
    /// What came of it.
    #[schema(value_type = Option<Object>)]
    pub output: Option<Value>,
    /// The output is larger than an answer takes: ask for the step alone.
    pub output_left_out: bool,
    /// Why it failed.
    pub fault: Option<FaultView>,
    /// Failures of earlier tries.
    pub tries: Vec<TryView>,
    /// What a person is asked, while they are.
    pub question: Option<String>,
    /// The runs it has proposed, in order.
    pub runs: Vec<Uuid>,
    /// When it began.
    pub started_at: Option<Time>,
    /// When it ended.
    pub ended_at: Option<Time>,
    /// When it goes on by itself.
    pub wakes_at: Option<Time>,
}

/// A failed try.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = WorkflowTry)]
pub struct TryView {
    /// Which, from 1.
    pub attempt: u32,
    /// Why.
    pub fault: FaultView,
}

/// A signed request that was taken in.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct HookAccepted {
    /// The run that it started; the same for the same delivery.
    pub run_id: Uuid,
}

/// Bytes of a step's output in an answer with all steps: 4 KiB.
const MAX_OUTPUT_BYTES: usize = 4 * 1024;

impl WorkflowView {
    /// A workflow as it is shown.
    pub fn of(shown: WorkflowShown) -> Self {
        let WorkflowShown { workflow, triggers, open, upcoming } = shown;
        let schedule = |name: &str| upcoming.iter().find(|one| one.trigger == name).cloned().map(Into::into);
        Self {
            id: workflow.id.uuid(),
            project_id: workflow.project.uuid(),
            name: workflow.name.to_string(),
            description: workflow.description,
            version: workflow.version,
            hash: workflow.hash,
            enabled: workflow.enabled,
            owner_id: workflow.owner.uuid(),
            triggers: triggers
                .into_iter()
                .map(|trigger| TriggerView { schedule: schedule(&trigger.name), ..TriggerView::of(trigger) })
                .collect(),
            open_runs: open,
            created_at: Time(workflow.created_at),
            updated_at: Time(workflow.updated_at),
        }
    }
}

impl TriggerView {
    fn of(trigger: Trigger) -> Self {
        Self {
            id: trigger.id.uuid(),
            path: (trigger.kind == "webhook").then(|| format!("/api/v1/hooks/{}", trigger.id)),
            name: trigger.name,
            kind: trigger.kind,
            next_at: trigger.next_at.map(Time),
            last_at: trigger.last_at.map(Time),
            missed: trigger.missed,
            last_fault: trigger.last_fault.map(|fault| FaultView::from(fault.0)),
            schedule: None,
        }
    }
}

impl From<Upcoming> for ScheduleView {
    fn from(Upcoming { trigger, cron, timezone, missed, moments }: Upcoming) -> Self {
        Self { trigger, cron, timezone, missed, upcoming: moments.into_iter().map(Time).collect() }
    }
}

impl VersionView {
    /// A version as it is shown.
    pub fn of(version: Version) -> Self {
        Self {
            version: version.version,
            hash: version.hash,
            document: version.document,
            created_by: version.created_by.map(|user| user.uuid()),
            created_at: Time(version.created_at),
        }
    }
}

impl From<Problem> for ProblemView {
    fn from(problem: Problem) -> Self {
        Self { place: problem.place, message: problem.message, fix: problem.fix }
    }
}

impl From<ExecutionListed> for ExecutionView {
    fn from(ExecutionListed { row, done }: ExecutionListed) -> Self {
        Self {
            done: done.map(|done| done.word().to_owned()),
            run_id: row.run.uuid(),
            workflow_id: row.workflow.uuid(),
            version: row.version,
            state: row.state.word().to_owned(),
            wake_at: row.wake_at.map(Time),
            concurrency_key: row.key.filter(|key| !key.is_empty()),
            forked_from: row.forked_from.map(|run| run.uuid()),
            forked_step: row.forked_step,
            trigger_id: row.trigger.map(|trigger| trigger.uuid()),
            steps_ended: row.steps_ended,
            steps_known: row.steps_known,
            fault: row.first_fault.map(|fault| FaultView::from(fault.0)),
            poison: row.poison,
            opened_at: Time(row.opened_at),
            closed_at: row.closed_at.map(Time),
        }
    }
}

impl ExecutionDetail {
    /// A run with its steps. What runs has gone further than its row says.
    pub fn of(shown: ExecutionShown) -> Self {
        let ExecutionShown { listed, execution, children } = shown;
        let (ended, known) = execution.progress();
        let output = match execution.finish() {
            Some(Finish::Succeeded { output }) => Some(output.clone()),
            _ => None,
        };
        let steps: Vec<StepView> = execution.steps().map(|step| StepView::of(step, &children, true)).collect();
        let failed = execution.steps().filter(|step| step.state == "failed").min_by_key(|step| step.ended);
        let view = ExecutionView { steps_ended: ended as u64, steps_known: known as u64, ..listed.into() };
        Self {
            execution: view,
            workflow_name: execution.definition().name.to_string(),
            input: execution.input().clone(),
            output,
            failed_step: failed.map(|step| step.key.to_string()),
            steps,
        }
    }
}

impl StepView {
    /// A step; with `brief`, without an output that is large.
    pub fn of(step: Step, children: &[(StepKey, u32, RunId)], brief: bool) -> Self {
        let left_out = brief && step.output.to_string().len() > MAX_OUTPUT_BYTES;
        let runs = children.iter().filter(|(key, ..)| *key == step.key).map(|(.., run)| run.uuid()).collect();
        Self {
            key: step.key.to_string(),
            title: step.title,
            kind: step.kind.to_owned(),
            parent: step.parent.map(|parent| parent.to_string()),
            state: step.state.to_owned(),
            attempts: step.attempts,
            call: step.call.map(|call| serde_json::to_value(call.as_ref()).unwrap_or_default()),
            output: Some(step.output).filter(|output| !left_out && !output.is_null()),
            output_left_out: left_out,
            fault: step.fault.map(FaultView::from),
            tries: step
                .tries
                .into_iter()
                .map(|(attempt, fault)| TryView { attempt, fault: FaultView::from(fault) })
                .collect(),
            question: step.card.map(|card| card.message.clone()),
            runs,
            started_at: step.started.map(Time),
            ended_at: step.ended.map(Time),
            wakes_at: step.wakes.map(Time),
        }
    }
}
