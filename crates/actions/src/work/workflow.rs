//! Workflows: what they are, and what runs of them are told.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sf_types::{ProjectId, RunId, TriggerId, WorkflowId};

use crate::permission::Permission;
use crate::spec::{Effect, Place, Spec, minutes};
use crate::target::{Target, TargetKind};

/// Changes to workflows and their runs.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "action", content = "args", deny_unknown_fields)]
pub enum WorkflowAction {
    /// Make one.
    #[serde(rename = "workflow.create")]
    Create(CreateWorkflow),
    /// Give it a new version.
    #[serde(rename = "workflow.update")]
    Update(UpdateWorkflow),
    /// Switch its triggers on or off.
    #[serde(rename = "workflow.enable")]
    Enable(EnableWorkflow),
    /// Delete it with its runs' journals.
    #[serde(rename = "workflow.delete")]
    Delete(WorkflowRef),
    /// Run it.
    #[serde(rename = "workflow.run")]
    Run(RunWorkflow),
    /// Run it again from one of its steps on.
    #[serde(rename = "workflow.fork")]
    Fork(ForkRun),
    /// Let a run go on by another version.
    #[serde(rename = "workflow.move")]
    Move(MoveRun),
    /// Send an event to a run.
    #[serde(rename = "workflow.send")]
    Send(SendEvent),
}

/// Arguments of `workflow.create`.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct CreateWorkflow {
    /// In which project; the team's first unless given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "crate::spec::arguments::project")]
    pub project: Option<ProjectId>,
    /// The document, JSON or YAML, as its writer formed it.
    pub document: String,
}

/// Arguments of `workflow.update`.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct UpdateWorkflow {
    /// Which workflow.
    #[schemars(schema_with = "crate::spec::arguments::workflow")]
    pub workflow: WorkflowId,
    /// The document, JSON or YAML.
    pub document: String,
    /// The version it was made from: refused if there is a newer one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<u32>,
}

/// Arguments of `workflow.enable`.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct EnableWorkflow {
    /// Which workflow.
    #[schemars(schema_with = "crate::spec::arguments::workflow")]
    pub workflow: WorkflowId,
    /// Whether its triggers start it.
    pub enabled: bool,
}

/// One workflow.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct WorkflowRef {
    /// Which workflow.
    #[schemars(schema_with = "crate::spec::arguments::workflow")]
    pub workflow: WorkflowId,
}

/// Arguments of `workflow.run`.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct RunWorkflow {
    /// Which workflow.
    #[schemars(schema_with = "crate::spec::arguments::workflow")]
    pub workflow: WorkflowId,
    /// By which version; the newest unless given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<u32>,
    /// With this input.
    #[serde(default, skip_serializing_if = "Value::is_null")]
    pub input: Value,
    /// What started it, where it was no person; set by ServerFlow.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trigger: Option<Fired>,
}

/// A trigger that fired.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Fired {
    /// Which trigger.
    #[schemars(schema_with = "crate::spec::arguments::trigger")]
    pub trigger: TriggerId,
    /// What expressions see as `trigger`.
    pub data: Value,
}

/// Arguments of `workflow.fork`.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ForkRun {
    /// Which run.
    #[schemars(schema_with = "crate::spec::arguments::run")]
    pub run: RunId,
    /// The step that is done again with all that follow from it; from the beginning unless given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub step: Option<String>,
    /// Another input; the same unless given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub input: Option<Value>,
    /// By which version; the run's own unless given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<u32>,
}

/// Arguments of `workflow.move`.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct MoveRun {
    /// Which run.
    #[schemars(schema_with = "crate::spec::arguments::run")]
    pub run: RunId,
    /// To which version.
    pub version: u32,
}

/// Arguments of `workflow.send`.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SendEvent {
    /// To which run.
    #[schemars(schema_with = "crate::spec::arguments::run")]
    pub run: RunId,
    /// The event's name.
    pub event: String,
    /// What it brings.
    #[serde(default, skip_serializing_if = "Value::is_null")]
    pub data: Value,
}

impl WorkflowAction {
    /// What is fixed about it.
    pub const fn spec(&self) -> &'static Spec {
        match self {
            Self::Create(_) => &SPECS[0],
            Self::Update(_) => &SPECS[1],
            Self::Enable(_) => &SPECS[2],
            Self::Delete(_) => &SPECS[3],
            Self::Run(_) => &SPECS[4],
            Self::Fork(_) => &SPECS[5],
            Self::Move(_) => &SPECS[6],
            Self::Send(_) => &SPECS[7],
        }
    }

    /// What it acts on.
    pub const fn target(&self) -> Target {
        match self {
            Self::Create(_) => Target::Tenant,
            Self::Update(args) => Target::Workflow(args.workflow),
            Self::Enable(args) => Target::Workflow(args.workflow),
            Self::Delete(args) => Target::Workflow(args.workflow),
            Self::Run(args) => Target::Workflow(args.workflow),
            Self::Fork(args) => Target::Run(args.run),
            Self::Move(args) => Target::Run(args.run),
            Self::Send(args) => Target::Run(args.run),
        }
    }
}

/// In the order of the enum.
pub const SPECS: &[Spec] = &[
    Spec {
        undo: Some("workflow.delete"),
        target: TargetKind::Tenant,
        ..spec(
            "workflow.create",
            "Create a workflow",
            "Checks and keeps its first version.",
            Permission::WorkflowCreate,
            15,
        )
    },
    Spec {
        undo: Some("workflow.update"),
        ..spec(
            "workflow.update",
            "Change a workflow",
            "Keeps a new version; what runs goes on by the version it began with.",
            Permission::WorkflowUpdate,
            20,
        )
    },
    Spec {
        undo: Some("workflow.enable"),
        ..spec(
            "workflow.enable",
            "Switch a workflow's triggers",
            "Lets its triggers start it, or stops them. Who switches them on is who it acts for.",
            Permission::WorkflowUpdate,
            20,
        )
    },
    Spec {
        effect: Effect::Destroy,
        ..spec(
            "workflow.delete",
            "Delete a workflow",
            "Deletes its versions and triggers; refused while it runs. Its runs stay listed.",
            Permission::WorkflowDelete,
            40,
        )
    },
    Spec {
        place: Place::Engine,
        ..spec(
            "workflow.run",
            "Run a workflow",
            "Does its steps, each through policy as any other change.",
            Permission::WorkflowRun,
            20,
        )
    },
    Spec {
        place: Place::Engine,
        target: TargetKind::Run,
        ..spec(
            "workflow.fork",
            "Run a workflow again from a step",
            "Begins a new run that keeps what the old one did before that step.",
            Permission::WorkflowRun,
            20,
        )
    },
    Spec {
        target: TargetKind::Run,
        ..spec(
            "workflow.move",
            "Move a run to another version",
            "What has ended stays; what is left is done by the other version.",
            Permission::WorkflowUpdate,
            30,
        )
    },
    Spec {
        target: TargetKind::Run,
        ..spec("workflow.send", "Send an event to a run", "Ends a step that waits for it.", Permission::WorkflowRun, 15)
    },
];

const fn spec(name: &'static str, title: &'static str, help: &'static str, permission: Permission, risk: u8) -> Spec {
    Spec {
        name,
        title,
        help,
        permission,
        target: TargetKind::Workflow,
        effect: Effect::Change,
        risk,
        time_limit: minutes(1),
        undo: None,
        place: Place::ControlPlane,
    }
}
