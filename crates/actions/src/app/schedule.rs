//! Standing orders: commands that an app's node runs by the clock.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use sf_protocol::schedule::ScheduleSettings;
use sf_schedule::{Missed, Schedule};
use sf_types::{AppId, Slug};

use crate::permission::Permission;
use crate::spec::{Effect, Place, Spec, minutes};
use crate::target::TargetKind;
use crate::valid::Refused;

/// Changes to schedules.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "action", content = "args", deny_unknown_fields)]
pub enum ScheduleAction {
    /// Have a command run by the clock, or change when and how.
    #[serde(rename = "schedule.set")]
    Set(Box<SetSchedule>),
    /// Have it run no more.
    #[serde(rename = "schedule.delete")]
    Delete(ScheduleRef),
    /// Run it once now.
    #[serde(rename = "schedule.run")]
    Run(ScheduleRef),
}

/// Arguments of `schedule.set`: the schedule as it shall be, whole.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SetSchedule {
    /// The app whose command it runs.
    #[schemars(schema_with = "crate::spec::arguments::app")]
    pub app: AppId,
    /// Its name, unique within the app: `nightly-report`.
    #[schemars(schema_with = "crate::spec::arguments::text")]
    pub name: Slug,
    /// When, what and how.
    #[schemars(schema_with = "crate::spec::arguments::any_object")]
    pub settings: ScheduleSettings,
}

/// One schedule of an app.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ScheduleRef {
    /// The app.
    #[schemars(schema_with = "crate::spec::arguments::app")]
    pub app: AppId,
    /// The schedule's name.
    #[schemars(schema_with = "crate::spec::arguments::text")]
    pub name: Slug,
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
        if settings.time_limit < ScheduleSettings::MIN_TIME_LIMIT
            || settings.time_limit > ScheduleSettings::MAX_TIME_LIMIT
        {
            return Err(Refused::new("settings.timeLimit", "between 1 s and 24 h are allowed"));
        }
        Ok(())
    }
}

/// In the order of the enum.
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
];

impl ScheduleAction {
    /// What is fixed about it.
    pub const fn spec(&self) -> &'static Spec {
        match self {
            Self::Set(_) => &SPECS[0],
            Self::Delete(_) => &SPECS[1],
            Self::Run(_) => &SPECS[2],
        }
    }

    /// The app.
    pub const fn app(&self) -> AppId {
        match self {
            Self::Set(args) => args.app,
            Self::Delete(of) | Self::Run(of) => of.app,
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

    #[test]
    fn what_no_node_could_run_is_refused_by_its_field() {
        let app = AppId::from_parts(Timestamp::from_millis(1), [1; 10]);
        let check = |change: serde_json::Value, field: Option<&str>| {
            let mut settings = serde_json::json!({ "cron": "30 2 * * *", "command": ["./tidy", "--all"] });
            for (name, value) in change.as_object().unwrap() {
                settings[name] = value.clone();
            }
            let args = serde_json::json!({ "app": app, "name": "tidy", "settings": settings });
            let set: SetSchedule = serde_json::from_value(args).unwrap();
            let expected = field.map_or(Ok(()), |field| Err(format!("settings.{field}")));
            assert_eq!(set.check().map_err(|refused| refused.field), expected, "{change}");
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
        check(serde_json::json!({ "timeLimit": 0 }), Some("timeLimit"));
        check(serde_json::json!({ "timeLimit": 86_400_001 }), Some("timeLimit"));
    }
}
