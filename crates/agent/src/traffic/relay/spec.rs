//! What a relay is told and what it says.

use std::net::IpAddr;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};
use sf_protocol::app::TrafficMode;
use sf_types::{AppId, Millis, ReleaseId};

use crate::confine::Confinement;
use crate::process::tree::Identity;

/// Version of [`RelaySpec`] that this program writes and reads.
pub const SPEC_VERSION: u16 = 1;

/// One stable port.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct RelaySpec {
    /// [`SPEC_VERSION`].
    pub version: u16,
    /// The app.
    pub app: AppId,
    /// Where it listens: `127.0.0.1`, or `0.0.0.0` for a public app.
    pub address: IpAddr,
    /// The stable port; 0 for the one it had before, or any free one the first time.
    pub port: u16,
    /// What it speaks; [`TrafficMode::None`] has no relay.
    pub mode: TrafficMode,
    /// What it may touch once it listens, besides what it keeps.
    #[serde(default)]
    pub confinement: Confinement,
}

/// Where requests go.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Pointer {
    /// The release behind it.
    pub release: Option<ReleaseId>,
    /// What answers.
    pub target: Target,
}

/// What answers requests.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "camelCase", deny_unknown_fields)]
pub enum Target {
    /// Nothing: the app is stopped.
    Nothing,
    /// A process on a port of `127.0.0.1`.
    Port {
        /// The release's own port.
        port: u16,
    },
    /// The relay itself, from a folder of files.
    Folder {
        /// Absolute path.
        path: PathBuf,
    },
}

impl Pointer {
    /// The app is stopped.
    pub const NOTHING: Self = Self { release: None, target: Target::Nothing };
}

/// A request on the control socket: one JSON object a line.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(tag = "op", rename_all = "camelCase", deny_unknown_fields)]
pub enum Request {
    /// How is it?
    Status,
    /// Send new requests there, from now on and after a restart of the relay. Ends a hold.
    Switch {
        /// Where.
        pointer: Pointer,
    },
    /// Answer when nothing is in flight any more on what it pointed at before, or at the deadline.
    Drain {
        /// Longest wait.
        within: Millis,
    },
    /// Let new requests wait, at most this long.
    Hold {
        /// Longest wait.
        within: Millis,
    },
    /// End a hold without a switch.
    Resume,
    /// Believe what a proxy on this machine says about who asks (`X-Forwarded-*`, `Forwarded`), or stop believing
    /// it; from now on and after a restart of the relay. It is off until asked for: any program on this machine could
    /// say anything.
    Trust {
        /// Whether.
        proxy: bool,
    },
    /// Take nothing new, finish what is in flight within this time, then end.
    Stop {
        /// Longest wait.
        within: Millis,
    },
}

/// What a relay says on its control socket.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(tag = "message", content = "value", rename_all = "camelCase")]
pub enum Message {
    /// How it is.
    Status(Box<RelayStatus>),
    /// How a drain ended.
    Drained(Drained),
    /// It cannot do that; why.
    Refused(String),
}

/// How a drain ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Drained {
    /// Requests still in flight on old releases; 0 unless the deadline passed.
    pub in_flight: usize,
    /// How long it took.
    pub took: Millis,
}

/// How a relay is.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RelayStatus {
    /// The app.
    pub app: AppId,
    /// The relay's process.
    pub relay: Identity,
    /// Where it listens.
    pub address: IpAddr,
    /// On which port.
    pub port: u16,
    /// What it speaks.
    pub mode: TrafficMode,
    /// Whether a proxy on this machine is believed.
    #[serde(default)]
    pub trusts_proxy: bool,
    /// Where new requests go.
    pub pointer: Pointer,
    /// Requests (connections, for TCP) taken since it was started.
    pub requests: u64,
    /// In flight on what it points at now.
    pub in_flight: usize,
    /// In flight on what it pointed at before.
    pub draining: Vec<Draining>,
    /// Requests that wait because of a hold.
    pub waiting: usize,
    /// The latest failures, oldest first.
    pub errors: Vec<String>,
}

/// What is still in flight on an old release.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Draining {
    /// The release.
    pub release: Option<ReleaseId>,
    /// Requests in flight.
    pub in_flight: usize,
}
