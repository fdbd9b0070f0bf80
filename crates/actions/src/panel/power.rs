//! Power of servers: start, stop, restart, kill.

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::{Deserialize, Serialize};
use sf_types::ServerId;

use super::server::ServerRef;
use crate::permission::Permission;
use crate::spec::{Effect, Place, Spec, minutes};
use crate::target::TargetKind;

/// A change of whether a server runs. Written like every action: `{"action": "server.stop", "args": {"server": …}}`.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(try_from = "Written", into = "Written")]
pub struct PowerAction {
    /// Which server.
    pub server: ServerId,
    /// What to do.
    pub verb: PowerVerb,
}

/// What can be done to a server's process.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum PowerVerb {
    /// Start it and wait until it is ready.
    Start,
    /// Stop it by its template's rule.
    Stop,
    /// Both.
    Restart,
    /// End it at once.
    Kill,
}

#[derive(Clone, Copy, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "action", content = "args", deny_unknown_fields)]
enum Written {
    #[serde(rename = "server.start")]
    Start(ServerRef),
    #[serde(rename = "server.stop")]
    Stop(ServerRef),
    #[serde(rename = "server.restart")]
    Restart(ServerRef),
    #[serde(rename = "server.kill")]
    Kill(ServerRef),
}

impl From<Written> for PowerAction {
    fn from(written: Written) -> Self {
        let (args, verb) = match written {
            Written::Start(args) => (args, PowerVerb::Start),
            Written::Stop(args) => (args, PowerVerb::Stop),
            Written::Restart(args) => (args, PowerVerb::Restart),
            Written::Kill(args) => (args, PowerVerb::Kill),
        };
        Self { server: args.server, verb }
    }
}

impl From<PowerAction> for Written {
    fn from(action: PowerAction) -> Self {
        let args = ServerRef { server: action.server };
        match action.verb {
            PowerVerb::Start => Self::Start(args),
            PowerVerb::Stop => Self::Stop(args),
            PowerVerb::Restart => Self::Restart(args),
            PowerVerb::Kill => Self::Kill(args),
        }
    }
}

/// In the order of [`PowerVerb`].
pub const SPECS: &[Spec] = &[
    spec("server.start", "Start a server", "Starts it and waits until it is ready.", Permission::ServerStart, 10),
    spec(
        "server.stop",
        "Stop a server",
        "By its template's command or signal; says which was needed.",
        Permission::ServerStop,
        40,
    ),
    spec("server.restart", "Restart a server", "Stops it and starts it again.", Permission::ServerRestart, 25),
    spec("server.kill", "Kill a server", "Ends it at once; what it has not saved is lost.", Permission::ServerStop, 60),
];

const fn spec(name: &'static str, title: &'static str, help: &'static str, permission: Permission, risk: u8) -> Spec {
    Spec {
        name,
        title,
        help,
        permission,
        target: TargetKind::Server,
        effect: Effect::Change,
        risk,
        time_limit: minutes(15),
        undo: None,
        place: Place::Node,
    }
}

impl PowerAction {
    /// What is fixed about it.
    pub const fn spec(&self) -> &'static Spec {
        match self.verb {
            PowerVerb::Start => &SPECS[0],
            PowerVerb::Stop => &SPECS[1],
            PowerVerb::Restart => &SPECS[2],
            PowerVerb::Kill => &SPECS[3],
        }
    }
}

impl JsonSchema for PowerAction {
    fn schema_name() -> Cow<'static, str> {
        "PowerAction".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        Written::json_schema(generator)
    }
}
