//! Machines.

pub mod device;

use serde::Serialize;
use sf_protocol::order::ServiceVerb;
use sf_protocol::report::{NodeFacts, NodeSample, ServiceReport, ServiceState};
use sf_store::nodes::{Node, NodeKey};
use utoipa::ToSchema;
use uuid::Uuid;

use super::Time;
use super::metrics::NodePointView;

/// A machine with an agent.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Node)]
pub struct NodeView {
    /// Its id.
    pub id: Uuid,
    /// Its name.
    pub name: String,
    /// `online`, `offline` or `locked`.
    pub status: String,
    /// Host name.
    pub host: String,
    /// `Debian GNU/Linux 12`.
    pub os: String,
    /// `x86_64`.
    pub arch: String,
    /// Version of its agent.
    pub agent_version: String,
    /// Name of its key.
    pub key_id: String,
    /// The same as six words, to compare with the machine's own screen.
    pub key_words: String,
    /// When it last said anything.
    pub last_seen_at: Option<Time>,
    /// Since when it is connected.
    pub connected_at: Option<Time>,
    /// When it was enrolled.
    pub created_at: Time,
    /// What it is.
    pub facts: Option<NodeFactsView>,
    /// Its newest metrics.
    pub latest: Option<NodeSampleView>,
    /// Why it is locked.
    pub locked_reason: Option<String>,
}

/// A key a machine proves itself with, or once did. The private half never leaves the machine.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = NodeKey)]
pub struct NodeKeyView {
    /// Its name: the fingerprint of the public half.
    pub key_id: String,
    /// The same as six words.
    pub key_words: String,
    /// Since when it counts.
    pub created_at: Time,
    /// Until when it counted; absent for the one in use.
    pub retired_at: Option<Time>,
}

impl From<NodeKey> for NodeKeyView {
    fn from(key: NodeKey) -> Self {
        Self {
            key_id: key.key_id.to_string(),
            key_words: key.key_id.words(),
            created_at: Time(key.created_at),
            retired_at: key.retired_at.map(Time),
        }
    }
}

/// A service of a machine that can be steered.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = NodeService)]
pub struct NodeServiceView {
    /// Its name.
    pub name: String,
    /// What steers it, in words.
    pub by: String,
    /// `running`, `stopped`, or `unknown` where the machine's owner names no way to see it.
    #[schema(value_type = String)]
    pub state: ServiceState,
    /// What can be done to it: `start`, `stop`, `restart`, `reload`.
    #[schema(value_type = Vec<String>)]
    pub verbs: Vec<ServiceVerb>,
}

impl From<ServiceReport> for NodeServiceView {
    fn from(report: ServiceReport) -> Self {
        let ServiceReport { name, by, state, verbs } = report;
        Self { name: name.to_string(), by, state, verbs }
    }
}

/// What a machine is.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = NodeFacts)]
pub struct NodeFactsView {
    /// Host name.
    pub host: String,
    /// Operating system.
    pub os: String,
    /// Kernel release.
    pub kernel: String,
    /// Processor architecture.
    pub arch: String,
    /// Logical processors.
    pub cpus: u32,
    /// Memory, bytes.
    pub memory: u64,
    /// Agent version.
    pub agent_version: String,
    /// Whether the agent runs as root.
    pub root: bool,
    /// What confinement the machine enforces, in words.
    pub enforces: Vec<String>,
    /// Who owns the node's policy file, and which classes it opens.
    pub policy: String,
    /// Tools found.
    pub tools: Vec<String>,
}

/// A machine at one moment, or on the mean of a while: counts are added, what is a state is the last.
#[derive(Clone, Copy, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = NodeSample)]
pub struct NodeSampleView {
    /// When.
    pub at: Time,
    /// CPU use, thousandths of all cores together.
    pub cpu_permille: u32,
    /// One-minute load average, thousandths.
    pub load_permille: u32,
    /// Memory in use, bytes.
    pub memory_used: u64,
    /// Memory of the machine, bytes.
    pub memory_total: u64,
    /// Disk in use, bytes.
    pub disk_used: u64,
    /// Size of the disk, bytes.
    pub disk_total: u64,
    /// Bytes received since the last sample.
    pub net_received: u64,
    /// Bytes sent since the last sample.
    pub net_sent: u64,
    /// Seconds since boot.
    pub uptime_secs: u64,
    /// Memory of the agent itself, bytes.
    pub agent_rss: u64,
    /// What the while holds, in a course.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub within: Option<NodePointView>,
}

impl NodeView {
    /// A machine with its newest sample.
    pub fn of(node: Node, latest: Option<(sf_types::Timestamp, NodeSample)>) -> Self {
        let facts = node.facts.map(|facts| NodeFactsView::from(facts.0));
        let told = |of: fn(&NodeFactsView) -> &String| facts.as_ref().map(of).cloned().unwrap_or_default();
        Self {
            id: node.id.uuid(),
            name: node.name,
            status: node.status.word().to_owned(),
            host: told(|facts| &facts.host),
            os: told(|facts| &facts.os),
            arch: told(|facts| &facts.arch),
            agent_version: node.agent_version,
            key_id: node.key_id.to_string(),
            key_words: node.key_id.words(),
            last_seen_at: node.last_seen_at.map(Time),
            connected_at: node.connected_at.map(Time),
            created_at: Time(node.created_at),
            facts,
            latest: latest.map(|(at, sample)| NodeSampleView::of(at, sample)),
            locked_reason: node.locked_reason,
        }
    }
}

impl From<NodeFacts> for NodeFactsView {
    fn from(facts: NodeFacts) -> Self {
        let NodeFacts { host, os, kernel, arch, cpus, memory, agent_version, root, enforces, policy, tools } = facts;
        Self { host, os, kernel, arch, cpus, memory, agent_version, root, enforces, policy, tools }
    }
}

impl NodeSampleView {
    /// One sample and its time.
    pub fn of(at: sf_types::Timestamp, sample: NodeSample) -> Self {
        Self {
            at: Time(at),
            cpu_permille: sample.cpu_permille,
            load_permille: sample.load_permille,
            memory_used: sample.memory_used,
            memory_total: sample.memory_total,
            disk_used: sample.disk_used,
            disk_total: sample.disk_total,
            net_received: sample.net_received,
            net_sent: sample.net_sent,
            uptime_secs: sample.uptime_secs,
            agent_rss: sample.agent_rss,
            within: None,
        }
    }
}
