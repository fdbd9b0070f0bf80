//! Standing orders: what a node does for an app or a server by the clock.

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::{Deserialize, Serialize};
use sf_protocol::schedule::{ChainStep, ScheduleSettings, StepDoes, Whose};
use sf_protocol::server::ServerVerb;
use sf_schedule::{Missed, Schedule};
use sf_types::{AppId, ServerId, Slug};

use crate::permission::Permission;
use crate::spec::{Effect, Place, Spec, minutes};
use crate::target::{Target, TargetKind};
use crate::valid::Refused;

/// Changes to schedules. Written as `schedule.set` of an app and as `chain.set` of a server, and so on.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(from = "Written", into = "Written")]
pub enum ScheduleAction {
    /// Have something done by the clock, or change when and how.
    Set(Box<SetSchedule>),
    /// Have it done no more.
    Delete(ScheduleRef),
    /// Do it once now.
    Run(ScheduleRef),
}

/// A schedule as it shall be, whole.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct SetSchedule {
    /// Whose it is.
    pub whose: Whose,
    /// Its name, unique within the app or server: `nightly-report`.
    pub name: Slug,
    /// When, what and how.
    pub settings: ScheduleSettings,
}

/// One schedule of an app or a server.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ScheduleRef {
    /// Whose it is.
    pub whose: Whose,
    /// Its name.
    pub name: Slug,
}

#[derive(Clone, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "action", content = "args", deny_unknown_fields)]
enum Written {
    #[serde(rename = "schedule.set")]
    Set(Box<OfApp>),
    #[serde(rename = "schedule.delete")]
    Delete(RefOfApp),
    #[serde(rename = "schedule.run")]
    Run(RefOfApp),
    #[serde(rename = "chain.set")]
    SetChain(Box<OfServer>),
    #[serde(rename = "chain.delete")]
    DeleteChain(RefOfServer),
    #[serde(rename = "chain.run")]
    RunChain(RefOfServer),
}

#[derive(Clone, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct OfApp {
    /// The app whose command it runs.
    #[schemars(schema_with = "crate::spec::arguments::app")]
    app: AppId,
    /// Its name, unique within the app: `nightly-report`.
    #[schemars(schema_with = "crate::spec::arguments::text")]
    name: Slug,
    /// When, what and how.
    #[schemars(schema_with = "crate::spec::arguments::any_object")]
    settings: ScheduleSettings,
}

#[derive(Clone, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct RefOfApp {
    /// The app.
    #[schemars(schema_with = "crate::spec::arguments::app")]
    app: AppId,
    /// The schedule's name.
    #[schemars(schema_with = "crate::spec::arguments::text")]
    name: Slug,
}

#[derive(Clone, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct OfServer {
    /// The server that its steps are done to.
    #[schemars(schema_with = "crate::spec::arguments::server")]
    server: ServerId,
    /// Its name, unique within the server: `nightly-restart`.
    #[schemars(schema_with = "crate::spec::arguments::text")]
    name: Slug,
    /// When, what and how.
    #[schemars(schema_with = "crate::spec::arguments::any_object")]
    settings: ScheduleSettings,
}

#[derive(Clone, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct RefOfServer {
    /// The server.
    #[schemars(schema_with = "crate::spec::arguments::server")]
    server: ServerId,
    /// The schedule's name.
    #[schemars(schema_with = "crate::spec::arguments::text")]
    name: Slug,
}

impl From<RefOfApp> for ScheduleRef {
    fn from(of: RefOfApp) -> Self {
        Self { whose: Whose::App(of.app), name: of.name }
    }
}

impl From<RefOfServer> for ScheduleRef {
    fn from(of: RefOfServer) -> Self {
        Self { whose: Whose::Server(of.server), name: of.name }
    }
}

impl From<Written> for ScheduleAction {
    fn from(written: Written) -> Self {
        let set = |whose, name, settings| Self::Set(Box::new(SetSchedule { whose, name, settings }));
        match written {
            Written::Set(args) => set(Whose::App(args.app), args.name, args.settings),
            Written::SetChain(args) => set(Whose::Server(args.server), args.name, args.settings),
            Written::Delete(of) => Self::Delete(of.into()),
            Written::DeleteChain(of) => Self::Delete(of.into()),
            Written::Run(of) => Self::Run(of.into()),
            Written::RunChain(of) => Self::Run(of.into()),
        }
    }
}

impl From<ScheduleAction> for Written {
    fn from(action: ScheduleAction) -> Self {
        match action {
            ScheduleAction::Set(args) => {
                let SetSchedule { whose, name, settings } = *args;
                match whose {
                    Whose::App(app) => Self::Set(Box::new(OfApp { app, name, settings })),
                    Whose::Server(server) => Self::SetChain(Box::new(OfServer { server, name, settings })),
                }
            }
            ScheduleAction::Delete(ScheduleRef { whose, name }) => match whose {
                Whose::App(app) => Self::Delete(RefOfApp { app, name }),
                Whose::Server(server) => Self::DeleteChain(RefOfServer { server, name }),
            },
            ScheduleAction::Run(ScheduleRef { whose, name }) => match whose {
                Whose::App(app) => Self::Run(RefOfApp { app, name }),
                Whose::Server(server) => Self::RunChain(RefOfServer { server, name }),
            },
        }
    }
}

impl JsonSchema for ScheduleAction {
    fn schema_name() -> Cow<'static, str> {
        "ScheduleAction".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        Written::json_schema(generator)
    }
}

impl SetSchedule {
    /// Refuses what no node could carry out.
    ///
    /// # Errors
    /// [`Refused`] names the field.
    pub fn check(&self) -> Result<(), Refused> {
        let settings = &self.settings;
        Schedule::parse(&settings.cron, &settings.timezone, Missed::Skip).map_err(|error| {
            Refused::new(format!("settings.{}", error.field()), format!("{error}. {}", error.fix()))
        })?;
        match self.whose {
            Whose::App(_) => command(settings)?,
            Whose::Server(_) => steps(settings)?,
        }
        if settings.time_limit < ScheduleSettings::MIN_TIME_LIMIT
            || settings.time_limit > ScheduleSettings::MAX_TIME_LIMIT
        {
            return Err(Refused::new("settings.timeLimit", "between 1 s and 24 h are allowed"));
        }
        Ok(())
    }
}

/// What an app's schedule does.
fn command(settings: &ScheduleSettings) -> Result<(), Refused> {
    let command = &settings.command;
    let bytes: usize = command.iter().map(String::len).sum();
    if command.first().is_none_or(String::is_empty)
        || command.len() > ScheduleSettings::MAX_ARGS
        || bytes > ScheduleSettings::MAX_ARG_BYTES
        || command.iter().any(|word| word.contains('\0'))
    {
        let reason = "a command is a list of 1 to 64 words without NUL, 8 KiB together; it is no line for a shell";
        return Err(Refused::new("settings.command", reason));
    }
    if !settings.steps.is_empty() || settings.only_when_online {
        return Err(Refused::new("settings.steps", "steps are what a server's schedule does; an app's runs a command"));
    }
    Ok(())
}

/// What a server's schedule does.
fn steps(settings: &ScheduleSettings) -> Result<(), Refused> {
    if !settings.command.is_empty() {
        let reason = "a command of words is what an app's schedule runs; a server's has steps";
        return Err(Refused::new("settings.command", reason));
    }
    if settings.steps.is_empty() || settings.steps.len() > ScheduleSettings::MAX_STEPS {
        return Err(Refused::new("settings.steps", "between 1 and 20 steps are allowed"));
    }
    for (at, step) in settings.steps.iter().enumerate() {
        let refused = |field: &str, reason| Err(Refused::new(format!("settings.steps.{at}.{field}"), reason));
        if step.delay > ChainStep::MAX_DELAY {
            return refused("delay", "between 0 and 900 s are allowed");
        }
        if let StepDoes::Command(line) = &step.does
            && (line.is_empty() || line.len() > ServerVerb::COMMAND_BYTES || line.chars().any(char::is_control))
        {
            return refused("command", "one line of 1 to 1,024 bytes without control characters is allowed");
        }
    }
    Ok(())
}

/// In the order of the enum: of apps, then of servers.
pub const SPECS: &[Spec] = &[
    Spec {
        name: "schedule.set",
        title: "Have a command run by the clock",
        help: "The app's node runs it as the app, in its live release, also while the control plane is away.",
        permission: Permission::ScheduleManage,
        target: TargetKind::App,
        effect: Effect::Change,
        risk: 40,
        time_limit: minutes(2),
        undo: Some("schedule.delete"),
        place: Place::Node,
    },
    Spec {
        name: "schedule.delete",
        title: "Remove a schedule",
        help: "Its command runs no more; a run under way is stopped, and its history is deleted.",
        permission: Permission::ScheduleManage,
        target: TargetKind::App,
        effect: Effect::Destroy,
        risk: 45,
        time_limit: minutes(2),
        undo: None,
        place: Place::Node,
    },
    Spec {
        name: "schedule.run",
        title: "Run a schedule now",
        help: "Once, by hand; it never runs beside itself.",
        permission: Permission::ScheduleManage,
        target: TargetKind::App,
        effect: Effect::Change,
        risk: 30,
        time_limit: minutes(2),
        undo: None,
        place: Place::Node,
    },
    Spec {
        name: "chain.set",
        title: "Have steps done to a server by the clock",
        help: "The server's node does them, also while the control plane is away.",
        permission: Permission::ScheduleManage,
        target: TargetKind::Server,
        effect: Effect::Change,
        risk: 40,
        time_limit: minutes(2),
        undo: Some("chain.delete"),
        place: Place::Node,
    },
    Spec {
        name: "chain.delete",
        title: "Remove a schedule of a server",
        help: "Its steps are done no more; no further step of a run under way is begun, and its history is deleted.",
        permission: Permission::ScheduleManage,
        target: TargetKind::Server,
        effect: Effect::Destroy,
        risk: 45,
        time_limit: minutes(2),
        undo: None,
        place: Place::Node,
    },
    Spec {
        name: "chain.run",
        title: "Run a schedule of a server now",
        help: "Once, by hand; it never runs beside itself.",
        permission: Permission::ScheduleManage,
        target: TargetKind::Server,
        effect: Effect::Change,
        risk: 30,
        time_limit: minutes(2),
        undo: None,
        place: Place::Node,
    },
];

impl ScheduleAction {
    /// What is fixed about it.
    pub const fn spec(&self) -> &'static Spec {
        match (self, self.whose()) {
            (Self::Set(_), Whose::App(_)) => &SPECS[0],
            (Self::Delete(_), Whose::App(_)) => &SPECS[1],
            (Self::Run(_), Whose::App(_)) => &SPECS[2],
            (Self::Set(_), Whose::Server(_)) => &SPECS[3],
            (Self::Delete(_), Whose::Server(_)) => &SPECS[4],
            (Self::Run(_), Whose::Server(_)) => &SPECS[5],
        }
    }

    /// Whose schedule it is about.
    pub const fn whose(&self) -> Whose {
        match self {
            Self::Set(args) => args.whose,
            Self::Delete(of) | Self::Run(of) => of.whose,
        }
    }

    /// What it acts on.
    pub const fn target(&self) -> Target {
        match self.whose() {
            Whose::App(app) => Target::App(app),
            Whose::Server(server) => Target::Server(server),
        }
    }

    /// The schedule's name.
    pub const fn name(&self) -> &Slug {
        match self {
            Self::Set(args) => &args.name,
            Self::Delete(of) | Self::Run(of) => &of.name,
        }
    }

    /// Refuses what no node could carry out.
    ///
    /// # Errors
    /// [`Refused`] names the field.
    pub fn check(&self) -> Result<(), Refused> {
        match self {
            Self::Set(args) => args.check(),
            Self::Delete(_) | Self::Run(_) => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use sf_types::{Timestamp, TypedId};

    /// The field that is refused; none where it is taken, and reads as it was written.
    fn checked(action: &str, args: &serde_json::Value) -> Option<String> {
        let written = serde_json::json!({ "action": action, "args": args });
        let set: ScheduleAction = serde_json::from_value(written).unwrap();
        assert_eq!(set.spec().name, action);
        let again = serde_json::to_value(&set).unwrap();
        assert_eq!(serde_json::from_value::<ScheduleAction>(again).unwrap(), set);
        set.check().err().map(|refused| refused.field)
    }

    #[test]
    fn a_chain_is_of_steps_that_a_server_can_take() {
        let server = ServerId::from_parts(Timestamp::from_millis(1), [2; 10]);
        let check = |settings: serde_json::Value, field: Option<&str>| {
            let args = serde_json::json!({ "server": server, "name": "nightly", "settings": settings });
            assert_eq!(checked("chain.set", &args), field.map(|field| format!("settings.{field}")), "{args}");
        };
        let steps = |steps: serde_json::Value| serde_json::json!({ "cron": "@daily", "steps": steps });
        let one = serde_json::json!({ "command": "say hello" });
        check(
            steps(serde_json::json!([one, { "delay": 900_000, "power": "restart", "continueOnFailure": true }])),
            None,
        );
        check(steps(serde_json::json!(vec![&one; 20])), None);
        check(steps(serde_json::json!(vec![&one; 21])), Some("steps"));
        check(steps(serde_json::json!([])), Some("steps"));
        check(steps(serde_json::json!([one, { "delay": 900_001, "power": "stop" }])), Some("steps.1.delay"));
        for line in ["", "a\nb", "a\u{1b}[2J", &"x".repeat(1025)] {
            check(steps(serde_json::json!([{ "command": line }])), Some("steps.0.command"));
        }
        check(serde_json::json!({ "cron": "@daily", "command": ["x"], "steps": [one] }), Some("command"));
        check(serde_json::json!({ "cron": "61 * * * *", "steps": [one] }), Some("cron"));
        // One name, one kind of thing: an app's schedule is no server's.
        let mixed =
            serde_json::json!({ "action": "chain.set", "args": { "app": server, "name": "x", "settings": {} } });
        assert!(serde_json::from_value::<ScheduleAction>(mixed).is_err());
    }

    #[test]
    fn what_no_node_could_run_is_refused_by_its_field() {
        let app = AppId::from_parts(Timestamp::from_millis(1), [1; 10]);
        let check = |change: serde_json::Value, field: Option<&str>| {
            let mut settings = serde_json::json!({ "cron": "30 2 * * *", "command": ["./tidy", "--all"] });
            for (name, value) in change.as_object().unwrap() {
                settings[name] = value.clone();
            }
            let args = serde_json::json!({ "app": app, "name": "tidy", "settings": settings });
            assert_eq!(checked("schedule.set", &args), field.map(|field| format!("settings.{field}")), "{change}");
        };
        check(serde_json::json!({}), None);
        check(serde_json::json!({ "cron": "@daily", "timezone": "Europe/Berlin", "overlap": "queue" }), None);
        check(serde_json::json!({ "cron": "61 * * * *" }), Some("cron"));
        check(serde_json::json!({ "cron": "* * * * * *" }), Some("cron"));
        check(serde_json::json!({ "cron": "0 0 30 2 *" }), Some("cron"));
        check(serde_json::json!({ "timezone": "Mars/Olympus" }), Some("timezone"));
        check(serde_json::json!({ "command": [] }), Some("command"));
        check(serde_json::json!({ "command": [""] }), Some("command"));
        check(serde_json::json!({ "command": ["a\0b"] }), Some("command"));
        check(serde_json::json!({ "command": vec!["x"; 65] }), Some("command"));
        check(serde_json::json!({ "steps": [{ "command": "say x" }] }), Some("steps"));
        check(serde_json::json!({ "onlyWhenOnline": true }), Some("steps"));
        check(serde_json::json!({ "timeLimit": 0 }), Some("timeLimit"));
        check(serde_json::json!({ "timeLimit": 86_400_001 }), Some("timeLimit"));
    }
}
