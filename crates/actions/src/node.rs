//! Machines: how they join, what they are called, how they leave.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use sf_protocol::order::ServiceVerb;
use sf_types::{Name, NodeId, Slug};

use crate::permission::Permission;
use crate::spec::{Effect, Place, Spec, minutes};
use crate::target::{Target, TargetKind};

/// Changes to machines.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "action", content = "args", deny_unknown_fields)]
pub enum NodeAction {
    /// Make a one-time enrolment token.
    #[serde(rename = "node.invite")]
    Invite(Invite),
    /// Let a machine in that shows a device code.
    #[serde(rename = "node.admit")]
    Admit(Admit),
    /// Give a machine another name.
    #[serde(rename = "node.rename")]
    Rename(Rename),
    /// Let a locked machine back in.
    #[serde(rename = "node.unlock")]
    Unlock(NodeRef),
    /// Forget a machine.
    #[serde(rename = "node.remove")]
    Remove(NodeRef),
    /// Start, stop, restart or reload a service of a machine.
    #[serde(rename = "node.service")]
    Service(SteerService),
}

/// Arguments of `node.invite`.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Invite {
    /// Name of the node to be; its host name unless given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "crate::spec::arguments::text")]
    pub name: Option<Name>,
}

/// Arguments of `node.admit`.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Admit {
    /// The code shown by the agent, as typed.
    pub code: String,
    /// Name of the node; its host name unless given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "crate::spec::arguments::text")]
    pub name: Option<Name>,
}

/// Arguments of `node.rename`.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Rename {
    /// Which machine.
    #[schemars(schema_with = "crate::spec::arguments::node")]
    pub node: NodeId,
    /// Its new name.
    #[schemars(schema_with = "crate::spec::arguments::text")]
    pub name: Name,
}

/// One machine.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct NodeRef {
    /// Which machine.
    #[schemars(schema_with = "crate::spec::arguments::node")]
    pub node: NodeId,
}

/// Arguments of `node.service`.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SteerService {
    /// Which machine.
    #[schemars(schema_with = "crate::spec::arguments::node")]
    pub node: NodeId,
    /// Which service, by the name that the machine's owner gave it; `nginx` is there without.
    #[schemars(schema_with = "crate::spec::arguments::text")]
    pub service: Slug,
    /// `start`, `stop`, `restart` or `reload`.
    #[schemars(schema_with = "crate::spec::arguments::service_verb")]
    pub verb: ServiceVerb,
}

/// In the order of the enum.
pub const SPECS: &[Spec] = &[
    spec("node.invite", "Invite a machine", "Makes a one-time token, valid 15 minutes.", Permission::NodeCreate, 20),
    spec("node.admit", "Admit a machine", "Lets in the machine that shows this code.", Permission::NodeCreate, 40),
    Spec {
        target: TargetKind::Node,
        undo: Some("node.rename"),
        ..spec("node.rename", "Rename a machine", "Gives a machine another name.", Permission::NodeUpdate, 5)
    },
    Spec {
        target: TargetKind::Node,
        ..spec(
            "node.unlock",
            "Unlock a machine",
            "Lets a machine with a cloned key back in.",
            Permission::NodeUpdate,
            70,
        )
    },
    Spec {
        target: TargetKind::Node,
        effect: Effect::Destroy,
        ..spec("node.remove", "Remove a machine", "Cuts its connection and forgets it.", Permission::NodeDelete, 80)
    },
    Spec {
        target: TargetKind::Node,
        place: Place::Node,
        time_limit: minutes(2),
        ..spec(
            "node.service",
            "Steer a service",
            "Starts, stops, restarts or reloads a service that the machine's owner lists.",
            Permission::NodeUpdate,
            75,
        )
    },
];

const fn spec(name: &'static str, title: &'static str, help: &'static str, permission: Permission, risk: u8) -> Spec {
    Spec {
        name,
        title,
        help,
        permission,
        target: TargetKind::Tenant,
        effect: Effect::Change,
        risk,
        time_limit: minutes(1),
        undo: None,
        place: Place::ControlPlane,
    }
}

impl NodeAction {
    /// What is fixed about it.
    pub const fn spec(&self) -> &'static Spec {
        match self {
            Self::Invite(_) => &SPECS[0],
            Self::Admit(_) => &SPECS[1],
            Self::Rename(_) => &SPECS[2],
            Self::Unlock(_) => &SPECS[3],
            Self::Remove(_) => &SPECS[4],
            Self::Service(_) => &SPECS[5],
        }
    }

    /// What it acts on.
    pub const fn target(&self) -> Target {
        match self {
            Self::Invite(_) | Self::Admit(_) => Target::Tenant,
            Self::Rename(args) => Target::Node(args.node),
            Self::Unlock(args) | Self::Remove(args) => Target::Node(args.node),
            Self::Service(args) => Target::Node(args.node),
        }
    }
}
