//! What is written to a server's console.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use sf_protocol::server::ServerVerb;
use sf_types::ServerId;

use crate::permission::Permission;
use crate::spec::{Effect, Place, Spec, minutes};
use crate::target::TargetKind;
use crate::valid::Refused;

/// Something written to a console.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "action", content = "args", deny_unknown_fields)]
pub enum ConsoleAction {
    /// Write one line to its standard input.
    #[serde(rename = "server.command")]
    Command(ConsoleCommand),
}

/// Arguments of `server.command`.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ConsoleCommand {
    /// Which server.
    #[schemars(schema_with = "crate::spec::arguments::server")]
    pub server: ServerId,
    /// The line, without its end.
    pub line: String,
}

/// In the order of the enum.
pub const SPECS: &[Spec] = &[Spec {
    name: "server.command",
    title: "Send a command to a server's console",
    help: "Writes one line to its standard input.",
    permission: Permission::ConsoleCommand,
    target: TargetKind::Server,
    effect: Effect::Change,
    risk: 35,
    time_limit: minutes(1),
    undo: None,
    place: Place::Node,
}];

impl ConsoleAction {
    /// What is fixed about it.
    pub const fn spec(&self) -> &'static Spec {
        &SPECS[0]
    }

    /// The server.
    pub const fn server(&self) -> ServerId {
        let Self::Command(args) = self;
        args.server
    }

    /// Refuses what is no line.
    ///
    /// # Errors
    /// [`Refused`] names the field.
    pub fn check(&self) -> Result<(), Refused> {
        let Self::Command(args) = self;
        if args.line.is_empty() || args.line.len() > ServerVerb::COMMAND_BYTES {
            return Err(Refused::new("line", "between 1 and 1,024 bytes are allowed"));
        }
        if args.line.chars().any(char::is_control) {
            return Err(Refused::new("line", "one line without control characters is allowed"));
        }
        Ok(())
    }
}
