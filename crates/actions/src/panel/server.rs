//! Servers: their existence, their settings, their installation.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use sf_protocol::app::RestartRule;
use sf_protocol::server::ServerLimits;
use sf_types::{AllocationId, AltId, NodeId, ProjectId, SecretName, ServerId, Slug, UserId};

use crate::permission::Permission;
use crate::spec::{Effect, Place, Spec, minutes};
use crate::target::{Target, TargetKind};
use crate::valid::Refused;

/// Changes to servers.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "action", content = "args", deny_unknown_fields)]
pub enum ServerAction {
    /// Make one from a template.
    #[serde(rename = "server.create")]
    Create(Box<Create>),
    /// Change its settings; they take effect with its next start.
    #[serde(rename = "server.update")]
    Update(Box<Update>),
    /// Run its template's install script.
    #[serde(rename = "server.install")]
    Install(ServerRef),
    /// The same again, with its files deleted before where asked.
    #[serde(rename = "server.reinstall")]
    Reinstall(Reinstall),
    /// Stop it and keep it stopped.
    #[serde(rename = "server.suspend")]
    Suspend(ServerRef),
    /// Let it be started again.
    #[serde(rename = "server.unsuspend")]
    Unsuspend(ServerRef),
    /// Kill it, delete its files on its node, then its rows.
    #[serde(rename = "server.delete")]
    Delete(ServerRef),
    /// Delete its rows though its node is silent; the node deletes its files when it is back.
    #[serde(rename = "server.forget")]
    Forget(ServerRef),
}

/// Arguments of `server.create`.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Create {
    /// Its name, unique within the project.
    #[schemars(schema_with = "crate::spec::arguments::text")]
    pub name: Slug,
    /// The template.
    #[schemars(schema_with = "crate::spec::arguments::alt")]
    pub alt: AltId,
    /// Which version of it; the newest unless given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub alt_version: Option<u32>,
    /// The machine it lives on; unless given, the one with the most room that fits it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "crate::spec::arguments::node")]
    pub node: Option<NodeId>,
    /// The project that owns it; the team's first unless given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "crate::spec::arguments::project")]
    pub project: Option<ProjectId>,
    /// Whose it is; who makes it unless given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "crate::spec::arguments::user")]
    pub owner: Option<UserId>,
    /// Ports that are its own, the first one by default; free ones are taken where none are named.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(schema_with = "crate::spec::arguments::texts")]
    pub allocations: Vec<AllocationId>,
    /// How many free ports are taken where none are named.
    #[serde(default = "Create::one_port")]
    pub ports: u16,
    /// How it is run.
    #[serde(default)]
    pub settings: ServerSettings,
    /// Whether its install script runs at once.
    #[serde(default = "yes")]
    pub install: bool,
}

impl Create {
    /// Ports of a new server at the most.
    pub const MAX_PORTS: u16 = 32;

    const fn one_port() -> u16 {
        1
    }
}

const fn yes() -> bool {
    true
}

/// Arguments of `server.update`: what is left out stays.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Update {
    /// Which server.
    #[schemars(schema_with = "crate::spec::arguments::server")]
    pub server: ServerId,
    /// Its name from now on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "crate::spec::arguments::text")]
    pub name: Option<Slug>,
    /// Whose it is from now on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "crate::spec::arguments::user")]
    pub owner: Option<UserId>,
    /// The version of its template from now on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub alt_version: Option<u32>,
    /// How it is run from now on, whole.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub settings: Option<ServerSettings>,
    /// Its generation when this change was made; refused where it is another one meanwhile.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<u64>,
}

/// Arguments of `server.reinstall`.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Reinstall {
    /// Which server.
    #[schemars(schema_with = "crate::spec::arguments::server")]
    pub server: ServerId,
    /// Whether its files are deleted before.
    #[serde(default)]
    pub wipe: bool,
}

/// One server.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ServerRef {
    /// Which server.
    #[schemars(schema_with = "crate::spec::arguments::server")]
    pub server: ServerId,
}

/// How a server is run. What is left out is as its template says.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ServerSettings {
    /// For people.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub description: String,
    /// One of its template's images.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub image: Option<String>,
    /// The label of one of its template's startups.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub startup: Option<String>,
    /// Values of its template's variables, by their names in the environment.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub variables: BTreeMap<String, String>,
    /// Secrets of its project that are the values of variables, by the variables' names. Their values stand nowhere else.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    #[schemars(schema_with = "crate::spec::arguments::any_object")]
    pub secrets: BTreeMap<String, SecretName>,
    /// What it may use.
    #[serde(default)]
    #[schemars(schema_with = "crate::spec::arguments::any_object")]
    pub limits: ServerLimits,
    /// Ports that its people may have in all.
    #[serde(default = "ServerSettings::default_allocations")]
    pub allocation_limit: u16,
    /// What happens when it ends by itself.
    #[serde(default)]
    #[schemars(schema_with = "crate::spec::arguments::any_object")]
    pub restart: RestartRule,
}

impl ServerSettings {
    /// Variables with a value at the most.
    pub const MAX_VARIABLES: usize = 200;
    /// Variables with a secret at the most.
    pub const MAX_SECRETS: usize = 20;
    /// Bytes of all values together at the most: an order has to hold them.
    pub const MAX_VARIABLE_BYTES: usize = 12 * 1024;
    /// Characters of a description at the most.
    pub const MAX_DESCRIPTION_CHARS: usize = 500;
    /// Ports of one server at the most.
    pub const MAX_ALLOCATIONS: u16 = 200;

    const fn default_allocations() -> u16 {
        1
    }

    /// Refuses what no node could carry out.
    ///
    /// # Errors
    /// [`Refused`] names the field.
    pub fn check(&self) -> Result<(), Refused> {
        if self.description.chars().count() > Self::MAX_DESCRIPTION_CHARS
            || self.description.chars().any(|c| c.is_control() && c != '\n')
        {
            return Err(Refused::new(
                "settings.description",
                "at most 500 characters, none of them a control character",
            ));
        }
        let bytes: usize = self.variables.iter().map(|(name, value)| name.len() + value.len()).sum();
        if self.variables.len() > Self::MAX_VARIABLES || bytes > Self::MAX_VARIABLE_BYTES {
            return Err(Refused::new("settings.variables", "at most 200 variables with 12 KiB together"));
        }
        for (name, value) in &self.variables {
            if value.chars().any(|c| c.is_control() && c != '\t') {
                let reason = "a value holds no control characters";
                return Err(Refused::new(format!("settings.variables.{name}"), reason));
            }
        }
        if self.secrets.len() > Self::MAX_SECRETS {
            return Err(Refused::new("settings.secrets", "at most 20 variables with secrets"));
        }
        if let Some(name) = self.secrets.keys().find(|name| self.variables.contains_key(*name)) {
            let reason = "a variable has either a value or a secret";
            return Err(Refused::new(format!("settings.secrets.{name}"), reason));
        }
        if self.allocation_limit > Self::MAX_ALLOCATIONS {
            return Err(Refused::new("settings.allocationLimit", "at most 200"));
        }
        limits(&self.limits)
    }
}

fn limits(limits: &ServerLimits) -> Result<(), Refused> {
    const MEMORY_MIN: u64 = 4 * 1024 * 1024;
    if limits.memory.is_some_and(|size| size.bytes() < MEMORY_MIN) {
        return Err(Refused::new("settings.limits.memory", "at least 4 MiB, or nothing for no limit"));
    }
    if limits.disk.is_some_and(|size| size.bytes() < MEMORY_MIN) {
        return Err(Refused::new("settings.limits.disk", "at least 4 MiB, or nothing for no limit"));
    }
    if limits.cpu_percent.is_some_and(|percent| percent == 0 || percent > 100_000) {
        return Err(Refused::new("settings.limits.cpuPercent", "between 1 and 100,000 percent of one core"));
    }
    if limits.pids.is_some_and(|pids| !(2..=100_000).contains(&pids)) {
        return Err(Refused::new("settings.limits.pids", "between 2 and 100,000"));
    }
    Ok(())
}

/// In the order of the enum.
pub const SPECS: &[Spec] = &[
    Spec {
        permission: Permission::ServerCreate,
        target: TargetKind::Tenant,
        place: Place::ControlPlane,
        undo: Some("server.delete"),
        ..spec("server.create", "Create a server", "Makes a server from a template and takes ports for it.", 20)
    },
    Spec {
        place: Place::ControlPlane,
        undo: Some("server.update"),
        ..spec("server.update", "Change a server", "Takes effect with its next start.", 25)
    },
    Spec {
        time_limit: minutes(120),
        ..spec("server.install", "Install a server", "Runs its template's install script in a step of its own.", 30)
    },
    Spec {
        time_limit: minutes(120),
        effect: Effect::Destroy,
        ..spec(
            "server.reinstall",
            "Reinstall a server",
            "Runs the install script again; its files may be overwritten.",
            70,
        )
    },
    Spec {
        undo: Some("server.unsuspend"),
        ..spec("server.suspend", "Suspend a server", "Stops it; nobody can start it until it is let.", 50)
    },
    Spec {
        undo: Some("server.suspend"),
        ..spec("server.unsuspend", "Let a server run again", "It can be started again; it is not started by this.", 15)
    },
    Spec {
        permission: Permission::ServerDelete,
        effect: Effect::Destroy,
        ..spec("server.delete", "Delete a server", "Kills it and deletes its files on its node.", 90)
    },
    Spec {
        permission: Permission::ServerDelete,
        effect: Effect::Destroy,
        place: Place::ControlPlane,
        ..spec(
            "server.forget",
            "Forget a server of a silent node",
            "Deletes its rows at once; its node deletes its files when it is back.",
            90,
        )
    },
];

const fn spec(name: &'static str, title: &'static str, help: &'static str, risk: u8) -> Spec {
    Spec {
        name,
        title,
        help,
        permission: Permission::ServerUpdate,
        target: TargetKind::Server,
        effect: Effect::Change,
        risk,
        time_limit: minutes(15),
        undo: None,
        place: Place::Node,
    }
}

impl ServerAction {
    /// What is fixed about it.
    pub const fn spec(&self) -> &'static Spec {
        match self {
            Self::Create(_) => &SPECS[0],
            Self::Update(_) => &SPECS[1],
            Self::Install(_) => &SPECS[2],
            Self::Reinstall(_) => &SPECS[3],
            Self::Suspend(_) => &SPECS[4],
            Self::Unsuspend(_) => &SPECS[5],
            Self::Delete(_) => &SPECS[6],
            Self::Forget(_) => &SPECS[7],
        }
    }

    /// The server, where there is one already.
    pub const fn server(&self) -> Option<ServerId> {
        match self {
            Self::Create(_) => None,
            Self::Update(args) => Some(args.server),
            Self::Reinstall(args) => Some(args.server),
            Self::Install(of) | Self::Suspend(of) | Self::Unsuspend(of) | Self::Delete(of) | Self::Forget(of) => {
                Some(of.server)
            }
        }
    }

    /// What it acts on.
    pub const fn target(&self) -> Target {
        match self.server() {
            Some(server) => Target::Server(server),
            None => Target::Tenant,
        }
    }

    /// Refuses what no node could carry out.
    ///
    /// # Errors
    /// [`Refused`] names the field.
    pub fn check(&self) -> Result<(), Refused> {
        match self {
            Self::Create(create) => {
                if create.ports > Create::MAX_PORTS || create.allocations.len() > usize::from(Create::MAX_PORTS) {
                    return Err(Refused::new("ports", "at most 32"));
                }
                create.settings.check()
            }
            Self::Update(update) => update.settings.as_ref().map_or(Ok(()), ServerSettings::check),
            Self::Install(_)
            | Self::Reinstall(_)
            | Self::Suspend(_)
            | Self::Unsuspend(_)
            | Self::Delete(_)
            | Self::Forget(_) => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use sf_types::ByteSize;

    #[test]
    fn settings_refuse_what_no_node_could_carry_out() {
        let with = |change: fn(&mut ServerSettings)| {
            let mut settings = ServerSettings::default();
            change(&mut settings);
            settings.check().map_err(|refused| refused.field)
        };
        let bad = |field: &str| Err(field.to_owned());
        assert_eq!(with(|_| {}), Ok(()));
        assert_eq!(with(|s| s.description = "a\u{1b}[2J".into()), bad("settings.description"));
        assert_eq!(with(|s| s.limits.memory = Some(ByteSize::kib(1))), bad("settings.limits.memory"));
        assert_eq!(with(|s| s.limits.cpu_percent = Some(0)), bad("settings.limits.cpuPercent"));
        assert_eq!(with(|s| s.limits.pids = Some(1)), bad("settings.limits.pids"));
        assert_eq!(with(|s| s.allocation_limit = 201), bad("settings.allocationLimit"));
        assert_eq!(with(|s| drop(s.variables.insert("MOTD".into(), "a\nb".into()))), bad("settings.variables.MOTD"));
        let long = |s: &mut ServerSettings| drop(s.variables.insert("MOTD".into(), "x".repeat(13_000)));
        assert_eq!(with(long), bad("settings.variables"));
    }
}
