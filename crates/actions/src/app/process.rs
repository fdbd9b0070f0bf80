//! Processes of an app: start, stop, restart.

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::{Deserialize, Serialize};
use sf_types::AppId;

use crate::permission::Permission;
use crate::spec::{Effect, Place, Spec, minutes};
use crate::target::TargetKind;

/// A change of what an app's processes do. Written like every action: `{"action": "app.stop", "args": {"app": …}}`.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(try_from = "Written", into = "Written")]
pub struct ProcessAction {
    /// Which app.
    pub app: AppId,
    /// What to do.
    pub verb: ProcessVerb,
}

/// What can be done to an app's processes.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum ProcessVerb {
    /// Start the live release.
    Start,
    /// Stop it and keep it stopped.
    Stop,
    /// Replace its process by a fresh one.
    Restart,
}

#[derive(Clone, Copy, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "action", content = "args", deny_unknown_fields)]
enum Written {
    #[serde(rename = "app.start")]
    Start(crate::app::AppRef),
    #[serde(rename = "app.stop")]
    Stop(crate::app::AppRef),
    #[serde(rename = "app.restart")]
    Restart(crate::app::AppRef),
}

impl From<Written> for ProcessAction {
    fn from(written: Written) -> Self {
        let (args, verb) = match written {
            Written::Start(args) => (args, ProcessVerb::Start),
            Written::Stop(args) => (args, ProcessVerb::Stop),
            Written::Restart(args) => (args, ProcessVerb::Restart),
        };
        Self { app: args.app, verb }
    }
}

impl From<ProcessAction> for Written {
    fn from(action: ProcessAction) -> Self {
        let args = crate::app::AppRef { app: action.app };
        match action.verb {
            ProcessVerb::Start => Self::Start(args),
            ProcessVerb::Stop => Self::Stop(args),
            ProcessVerb::Restart => Self::Restart(args),
        }
    }
}

/// In the order of [`ProcessVerb`].
pub const SPECS: &[Spec] = &[
    spec("app.start", "Start an app", "Starts the live release.", 10, "app.stop"),
    spec("app.stop", "Stop an app", "Stops it gracefully; visitors see that it is stopped.", 50, "app.start"),
    spec("app.restart", "Restart an app", "Replaces its process by a fresh one.", 20, "app.restart"),
];

const fn spec(name: &'static str, title: &'static str, help: &'static str, risk: u8, undo: &'static str) -> Spec {
    Spec {
        name,
        title,
        help,
        permission: Permission::AppOperate,
        target: TargetKind::App,
        effect: Effect::Change,
        risk,
        time_limit: minutes(5),
        undo: Some(undo),
        place: Place::Node,
    }
}

impl ProcessAction {
    /// What is fixed about it.
    pub const fn spec(&self) -> &'static Spec {
        match self.verb {
            ProcessVerb::Start => &SPECS[0],
            ProcessVerb::Stop => &SPECS[1],
            ProcessVerb::Restart => &SPECS[2],
        }
    }
}

impl JsonSchema for ProcessAction {
    fn schema_name() -> Cow<'static, str> {
        "ProcessAction".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        Written::json_schema(generator)
    }
}
