//! Alert rules: what of servers is watched, and from where on somebody is told.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use sf_types::{AlertRuleId, AltId, Name, NodeId, ProjectId, ServerId};

use crate::permission::Permission;
use crate::spec::{Effect, Place, Spec, minutes};
use crate::target::{Target, TargetKind};
use crate::valid::Refused;

/// Changes to alert rules.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "action", content = "args", deny_unknown_fields)]
pub enum AlertAction {
    /// Make a rule.
    #[serde(rename = "alert.create")]
    Create(CreateRule),
    /// Change one.
    #[serde(rename = "alert.update")]
    Update(UpdateRule),
    /// Delete one.
    #[serde(rename = "alert.delete")]
    Delete(RuleRef),
}

/// Arguments of `alert.create`.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct CreateRule {
    /// Its name, unique within the team.
    #[schemars(schema_with = "crate::spec::arguments::text")]
    pub name: Name,
    /// Of which servers; of all of the team where left out. Stays as it is.
    #[serde(default)]
    pub scope: RuleScope,
    /// What it says.
    pub settings: RuleSettings,
}

/// Arguments of `alert.update`.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct UpdateRule {
    /// Which rule.
    #[schemars(schema_with = "crate::spec::arguments::alert_rule")]
    pub rule: AlertRuleId,
    /// Its name from now on.
    #[schemars(schema_with = "crate::spec::arguments::text")]
    pub name: Name,
    /// What it says from now on, whole.
    pub settings: RuleSettings,
}

/// One rule.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct RuleRef {
    /// Which rule.
    #[schemars(schema_with = "crate::spec::arguments::alert_rule")]
    pub rule: AlertRuleId,
}

/// Of which servers a rule is.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "kind", content = "id", rename_all = "camelCase", deny_unknown_fields)]
pub enum RuleScope {
    /// All of the team.
    #[default]
    Team,
    /// All of a project.
    Project(#[schemars(schema_with = "crate::spec::arguments::project")] ProjectId),
    /// All of a machine.
    Node(#[schemars(schema_with = "crate::spec::arguments::node")] NodeId),
    /// All that are made from a template.
    Alt(#[schemars(schema_with = "crate::spec::arguments::alt")] AltId),
    /// One.
    Server(#[schemars(schema_with = "crate::spec::arguments::server")] ServerId),
}

/// What of a server is compared.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum Metric {
    /// CPU use, thousandths of one core. While it runs.
    Cpu,
    /// Memory of its processes, bytes. While it runs.
    Memory,
    /// Bytes of its files. Also while it is stopped.
    Disk,
    /// Bytes received and sent in a second, where it has a network of its own. While it runs.
    Network,
    /// Processes. While it runs.
    Processes,
}

/// On which side of the threshold something is wrong.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum Comparison {
    /// At it, or above.
    Above,
    /// Below it.
    Below,
}

/// Where it lies.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub enum Threshold {
    /// At a value, in the unit of the metric.
    Value(u64),
    /// At so many percent of the server's own limit; of one without a limit the rule says nothing.
    Percent(u32),
}

/// What a rule says.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct RuleSettings {
    /// What is compared.
    pub metric: Metric,
    /// On which side something is wrong.
    pub comparison: Comparison,
    /// With what.
    pub threshold: Threshold,
    /// For how long it has to be so, without a gap, seconds.
    #[serde(default = "RuleSettings::default_for")]
    pub for_secs: u32,
    /// By how many percent of the threshold it has to be better again before the alert ends.
    #[serde(default = "RuleSettings::default_margin")]
    pub margin_percent: u8,
    /// One that comes back within so many seconds is the same alert, and nobody is told again.
    #[serde(default = "RuleSettings::default_cooldown")]
    pub cooldown_secs: u32,
    /// Whether it is judged at all.
    #[serde(default = "RuleSettings::default_enabled")]
    pub enabled: bool,
}

/// The highest value that samples are believed in, so that no threshold lies where nothing ever comes: 512 Ti.
pub const MAX_VALUE: u64 = 1 << 49;
/// The most percent of a limit: CPU alone can go above 100.
pub const MAX_PERCENT: u32 = 1_000;
/// The longest time something has to be so: an hour, which is read back at each sample that is on the wrong side.
pub const MAX_FOR_SECS: u32 = 3_600;
/// The widest margin, percent.
pub const MAX_MARGIN_PERCENT: u8 = 50;
/// The longest cooldown: a day.
pub const MAX_COOLDOWN_SECS: u32 = 86_400;

impl RuleSettings {
    const fn default_for() -> u32 {
        300
    }

    const fn default_margin() -> u8 {
        10
    }

    const fn default_cooldown() -> u32 {
        900
    }

    const fn default_enabled() -> bool {
        true
    }

    /// Refuses what nothing could be compared with.
    ///
    /// # Errors
    /// [`Refused`] names the field.
    pub fn check(&self) -> Result<(), Refused> {
        match self.threshold {
            Threshold::Value(value) if !(1..=MAX_VALUE).contains(&value) => {
                return Err(Refused::new("settings.threshold.value", "between 1 and 562,949,953,421,312"));
            }
            Threshold::Percent(percent) if !(1..=MAX_PERCENT).contains(&percent) => {
                return Err(Refused::new("settings.threshold.percent", "between 1 and 1,000 percent of the limit"));
            }
            Threshold::Percent(_) if self.metric == Metric::Network => {
                return Err(Refused::new(
                    "settings.threshold.percent",
                    "a server's network has no limit: give a value",
                ));
            }
            Threshold::Value(_) | Threshold::Percent(_) => {}
        }
        if self.for_secs > MAX_FOR_SECS {
            return Err(Refused::new("settings.forSecs", "at most 3,600 seconds"));
        }
        if self.margin_percent > MAX_MARGIN_PERCENT {
            return Err(Refused::new("settings.marginPercent", "at most 50 percent"));
        }
        if self.cooldown_secs > MAX_COOLDOWN_SECS {
            return Err(Refused::new("settings.cooldownSecs", "at most 86,400 seconds"));
        }
        Ok(())
    }
}

/// In the order of the enum.
pub const SPECS: &[Spec] = &[
    Spec {
        target: TargetKind::Server,
        undo: Some("alert.delete"),
        ..spec("alert.create", "Make an alert rule", "People are told when servers cross a line for some time.", 5)
    },
    Spec {
        undo: Some("alert.update"),
        ..spec("alert.update", "Change an alert rule", "What it has raised is judged anew by the next sample.", 10)
    },
    Spec {
        effect: Effect::Destroy,
        ..spec("alert.delete", "Delete an alert rule", "What it has raised ends; its history stays.", 20)
    },
];

const fn spec(name: &'static str, title: &'static str, help: &'static str, risk: u8) -> Spec {
    Spec {
        name,
        title,
        help,
        permission: Permission::MonitoringAlerts,
        target: TargetKind::AlertRule,
        effect: Effect::Change,
        risk,
        time_limit: minutes(1),
        undo: None,
        place: Place::ControlPlane,
    }
}

impl AlertAction {
    /// What is fixed about it.
    pub const fn spec(&self) -> &'static Spec {
        match self {
            Self::Create(_) => &SPECS[0],
            Self::Update(_) => &SPECS[1],
            Self::Delete(_) => &SPECS[2],
        }
    }

    /// What it acts on: a rule that is made, on what it is about.
    pub const fn target(&self) -> Target {
        match self {
            Self::Create(create) => match create.scope {
                RuleScope::Team => Target::Tenant,
                RuleScope::Project(project) => Target::Project(project),
                RuleScope::Node(node) => Target::Node(node),
                RuleScope::Alt(alt) => Target::Alt(alt),
                RuleScope::Server(server) => Target::Server(server),
            },
            Self::Update(update) => Target::AlertRule(update.rule),
            Self::Delete(of) => Target::AlertRule(of.rule),
        }
    }

    /// Refuses what cannot be judged.
    ///
    /// # Errors
    /// [`Refused`] names the field.
    pub fn check(&self) -> Result<(), Refused> {
        match self {
            Self::Create(CreateRule { settings, .. }) | Self::Update(UpdateRule { settings, .. }) => settings.check(),
            Self::Delete(_) => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_be_compared_with_is_refused() {
        let read = |text: &str| serde_json::from_str::<RuleSettings>(text);
        let with = |threshold: &str, more: &str| {
            format!(r#"{{"metric":"memory","comparison":"above","threshold":{threshold}{more}}}"#)
        };
        let settings = read(&with(r#"{"percent":90}"#, "")).unwrap();
        assert_eq!((settings.for_secs, settings.margin_percent, settings.enabled), (300, 10, true));
        assert_eq!(settings.check(), Ok(()));
        for (threshold, more, field) in [
            (r#"{"value":0}"#, "", "settings.threshold.value"),
            (r#"{"value":18446744073709551615}"#, "", "settings.threshold.value"),
            (r#"{"percent":0}"#, "", "settings.threshold.percent"),
            (r#"{"percent":4294967295}"#, "", "settings.threshold.percent"),
            (r#"{"percent":90}"#, r#","forSecs":3601"#, "settings.forSecs"),
            (r#"{"percent":90}"#, r#","marginPercent":51"#, "settings.marginPercent"),
            (r#"{"percent":90}"#, r#","cooldownSecs":86401"#, "settings.cooldownSecs"),
        ] {
            let refused = read(&with(threshold, more)).unwrap().check().unwrap_err();
            assert_eq!(refused.field, field, "{threshold}{more}");
        }
        let network = with(r#"{"percent":90}"#, "").replace("memory", "network");
        assert_eq!(read(&network).unwrap().check().unwrap_err().field, "settings.threshold.percent");
        // What is no number of ours is not even read.
        for threshold in ["NaN", "-1", "1.5", "1e400", r#"{"value":-1}"#, r#"{"value":1.5}"#, r#"{"value":1e19}"#, "{}"]
        {
            assert!(read(&with(threshold, "")).is_err(), "{threshold}");
        }
        assert!(read(&with(r#"{"percent":90}"#, r#","every":1"#)).is_err());
    }

    #[test]
    fn a_rule_is_made_at_what_it_is_about() {
        let id = "0193a1b2-7c3d-7e4f-8a5b-6c7d8e9f0a1b";
        for (kind, expected) in [("project", "project"), ("node", "node"), ("alt", "alt"), ("server", "server")] {
            let scope: RuleScope = serde_json::from_value(serde_json::json!({ "kind": kind, "id": id })).unwrap();
            let settings = RuleSettings {
                metric: Metric::Cpu,
                comparison: Comparison::Above,
                threshold: Threshold::Value(1),
                for_secs: 0,
                margin_percent: 0,
                cooldown_secs: 0,
                enabled: true,
            };
            let action = AlertAction::Create(CreateRule { name: "busy".parse().unwrap(), scope, settings });
            let target = serde_json::to_value(action.target()).unwrap();
            assert_eq!((target["kind"].as_str(), target["id"].as_str()), (Some(expected), Some(id)));
        }
        assert_eq!(serde_json::from_str::<RuleScope>(r#"{"kind":"team"}"#).unwrap(), RuleScope::Team);
        assert!(serde_json::from_str::<RuleScope>(r#"{"kind":"server"}"#).is_err());
    }
}
