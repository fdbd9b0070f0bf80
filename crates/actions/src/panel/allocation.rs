//! Ports of nodes and whose they are.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use sf_types::{AllocationId, NodeId, ServerId};

use crate::permission::Permission;
use crate::spec::{Effect, Place, Spec, minutes};
use crate::target::{Target, TargetKind};
use crate::valid::Refused;

/// Changes to ports.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "action", content = "args", deny_unknown_fields)]
pub enum AllocationAction {
    /// Add ports to a node.
    #[serde(rename = "allocation.create")]
    Create(CreateAllocations),
    /// Remove a free port from a node.
    #[serde(rename = "allocation.delete")]
    Delete(DeleteAllocation),
    /// Give a server another port of its own.
    #[serde(rename = "allocation.assign")]
    Assign(AssignAllocation),
    /// Take a port from a server.
    #[serde(rename = "allocation.unassign")]
    Unassign(OfServer),
    /// Make a port a server's first one.
    #[serde(rename = "allocation.default")]
    Default(OfServer),
}

/// Arguments of `allocation.create`.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct CreateAllocations {
    /// The machine.
    #[schemars(schema_with = "crate::spec::arguments::node")]
    pub node: NodeId,
    /// Address of that machine: `0.0.0.0` for all of version 4, `::` for all.
    #[serde(default = "CreateAllocations::everywhere")]
    pub ip: String,
    /// Ports and ranges: `25565, 25570-25580`.
    pub ports: String,
    /// What people connect to in place of the address: `play.example.org`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub alias: Option<String>,
}

/// Arguments of `allocation.delete`.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct DeleteAllocation {
    /// The machine.
    #[schemars(schema_with = "crate::spec::arguments::node")]
    pub node: NodeId,
    /// Which port.
    #[schemars(schema_with = "crate::spec::arguments::text")]
    pub allocation: AllocationId,
}

/// Arguments of `allocation.assign`.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct AssignAllocation {
    /// The server.
    #[schemars(schema_with = "crate::spec::arguments::server")]
    pub server: ServerId,
    /// Which port; the lowest free one of its node unless given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "crate::spec::arguments::text")]
    pub allocation: Option<AllocationId>,
}

/// A port of a server.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct OfServer {
    /// The server.
    #[schemars(schema_with = "crate::spec::arguments::server")]
    pub server: ServerId,
    /// Which port.
    #[schemars(schema_with = "crate::spec::arguments::text")]
    pub allocation: AllocationId,
}

impl CreateAllocations {
    /// Ports added at once at the most.
    pub const MAX_PORTS: usize = 1_000;
    /// The lowest port: below are the machine's own.
    pub const MIN_PORT: u16 = 1_024;
    /// Characters of an alias at the most.
    pub const MAX_ALIAS_CHARS: usize = 253;

    fn everywhere() -> String {
        "0.0.0.0".to_owned()
    }

    /// The address.
    ///
    /// # Errors
    /// [`Refused`].
    pub fn address(&self) -> Result<std::net::IpAddr, Refused> {
        self.ip.parse().map_err(|_| Refused::new("ip", "an address of version 4 or 6 is expected, such as 0.0.0.0"))
    }

    /// The ports, ascending, each once.
    ///
    /// # Errors
    /// [`Refused`] says which part is none.
    pub fn each_port(&self) -> Result<Vec<u16>, Refused> {
        let bad = |part: &str| {
            Refused::new("ports", format!("`{part}` is no port and no range of ports from 1,024 to 65,535"))
        };
        let mut ports = std::collections::BTreeSet::new();
        for part in self.ports.split(',').map(str::trim) {
            let (first, last) = part.split_once('-').unwrap_or((part, part));
            let number = |text: &str| text.trim().parse::<u16>().ok().filter(|port| *port >= Self::MIN_PORT);
            let (first, last) = number(first).zip(number(last)).ok_or_else(|| bad(part))?;
            if first > last {
                return Err(bad(part));
            }
            ports.extend(first..=last);
            if ports.len() > Self::MAX_PORTS {
                return Err(Refused::new("ports", "at most 1,000 ports at once"));
            }
        }
        Ok(ports.into_iter().collect())
    }
}

/// In the order of the enum.
pub const SPECS: &[Spec] = &[
    spec(
        "allocation.create",
        "Add ports to a machine",
        "Servers can be given them.",
        Permission::NodeUpdate,
        TargetKind::Node,
        20,
    ),
    spec(
        "allocation.delete",
        "Remove a port from a machine",
        "Only a free one.",
        Permission::NodeUpdate,
        TargetKind::Node,
        20,
    ),
    spec(
        "allocation.assign",
        "Give a server a port",
        "It counts from its next start on.",
        Permission::NetworkCreate,
        TargetKind::Server,
        20,
    ),
    spec(
        "allocation.unassign",
        "Take a port from a server",
        "It counts from its next start on.",
        Permission::NetworkDelete,
        TargetKind::Server,
        35,
    ),
    spec(
        "allocation.default",
        "Choose a server's first port",
        "It counts from its next start on.",
        Permission::NetworkCreate,
        TargetKind::Server,
        30,
    ),
];

const fn spec(
    name: &'static str,
    title: &'static str,
    help: &'static str,
    permission: Permission,
    target: TargetKind,
    risk: u8,
) -> Spec {
    Spec {
        name,
        title,
        help,
        permission,
        target,
        effect: Effect::Change,
        risk,
        time_limit: minutes(1),
        undo: None,
        place: Place::ControlPlane,
    }
}

impl AllocationAction {
    /// What is fixed about it.
    pub const fn spec(&self) -> &'static Spec {
        match self {
            Self::Create(_) => &SPECS[0],
            Self::Delete(_) => &SPECS[1],
            Self::Assign(_) => &SPECS[2],
            Self::Unassign(_) => &SPECS[3],
            Self::Default(_) => &SPECS[4],
        }
    }

    /// What it acts on.
    pub const fn target(&self) -> Target {
        match self {
            Self::Create(args) => Target::Node(args.node),
            Self::Delete(args) => Target::Node(args.node),
            Self::Assign(args) => Target::Server(args.server),
            Self::Unassign(args) | Self::Default(args) => Target::Server(args.server),
        }
    }

    /// Refuses what is no port.
    ///
    /// # Errors
    /// [`Refused`] names the field.
    pub fn check(&self) -> Result<(), Refused> {
        let Self::Create(create) = self else { return Ok(()) };
        create.address()?;
        create.each_port()?;
        let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | ':' | '_');
        match &create.alias {
            Some(alias)
                if alias.is_empty()
                    || alias.len() > CreateAllocations::MAX_ALIAS_CHARS
                    || !alias.chars().all(plain) =>
            {
                Err(Refused::new("alias", "a host name or an address is expected"))
            }
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use sf_types::{Timestamp, TypedId};

    #[test]
    fn ports_are_read_as_they_are_meant_or_refused() {
        let check = |text: &str, expected: Option<&[u16]>| {
            let node = NodeId::from_parts(Timestamp::EPOCH, [0; 10]);
            let create = CreateAllocations { node, ip: "::".into(), ports: text.into(), alias: None };
            assert_eq!(create.each_port().ok().as_deref(), expected, "{text}");
        };
        check("25565", Some(&[25565]));
        check("2000-2002, 2001,1999", Some(&[1999, 2000, 2001, 2002]));
        for bad in ["", "80", "70000", "3000-2000", "a", "2000-", "-1", "2000--2001", "1024-65535"] {
            check(bad, None);
        }
    }
}
