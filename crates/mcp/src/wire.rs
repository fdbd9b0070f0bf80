//! The protocol, in both its eras, at one address. Knows no tool: what stands behind it is a [`Toolbox`].
//!
//! Start reading at [`door`] (what every request passes), then [`host`] (each method), then [`held`] (what a person has to
//! decide). `docs/adr/0067-ai-hosts-come-in-by-one-door.md` says why.

mod answer;
mod challenge;
mod door;
mod glance;
mod held;
mod host;
mod lists;
mod numbers;
mod rates;
mod refused;
mod sealed;
mod sessions;
mod stack;
mod standing;

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use sf_control::Control;
use sf_runtime::Tasks;

use crate::call::Toolbox;

pub use self::held::STATE_GOOD_FOR;
pub use self::host::MAX_PARTIAL_CHARS;
pub use self::rates::{MAX_BUCKETS, Rates};
pub use self::refused::{MAX_WAITING, WRITTEN_EVERY};
pub(crate) use self::stack::{Stack, stack};

/// The library that speaks the protocol, and what of its log is ours to hear: it warns of each mistake that a host makes, so that
/// whoever calls tools that there are not would write our log. What came of a request is in the numbers, and at `debug` under `mcp`.
pub const LIBRARY: (&str, &str) = ("rmcp", "error");
/// Where it is.
pub const PATH: &str = "/mcp/v1";
/// Bytes of a request's body at the most: 1 MiB. What is longer belongs into a file.
pub const MAX_BODY_BYTES: usize = 1024 * 1024;
/// How long a call waits for what it began, or for a person, before it says how that stands: hosts give up after 60 s.
pub const PATIENCE: Duration = Duration::from_secs(25);
/// How long an answer may take at all. What the call began goes on behind it.
pub const ANSWER_WITHIN: Duration = Duration::from_secs(30);
/// Between two signs of life on an open stream: proxies close what is silent for a minute.
pub const KEEP_ALIVE: Duration = Duration::from_secs(15);
/// How long a session of the older protocol may lie idle.
pub const SESSION_IDLE: Duration = Duration::from_secs(300);
/// Sessions of one principal; one more ends the one that was idle longest.
pub const SESSIONS_PER_PRINCIPAL: usize = 50;
/// Sessions in this process. About 60 KiB each.
pub const MAX_SESSIONS: usize = 2_000;

/// Everything it has to be told.
#[derive(Clone, Debug)]
pub struct WireOptions {
    /// Owner of the calls that go on when their host leaves.
    pub tasks: Tasks,
    /// Where people and hosts reach this control plane, without a slash at the end: `https://panel.example.org`.
    pub public_url: String,
    /// How often one principal may call.
    pub rates: Rates,
    /// As [`SESSIONS_PER_PRINCIPAL`].
    pub sessions_per_principal: usize,
    /// As [`MAX_SESSIONS`].
    pub max_sessions: usize,
    /// As [`SESSION_IDLE`].
    pub session_idle: Duration,
    /// As [`PATIENCE`].
    pub patience: Duration,
}

impl WireOptions {
    /// The defaults.
    pub fn new(tasks: Tasks, public_url: impl Into<String>) -> Self {
        Self {
            tasks,
            public_url: public_url.into().trim_end_matches('/').to_owned(),
            rates: Rates::default(),
            sessions_per_principal: SESSIONS_PER_PRINCIPAL,
            max_sessions: MAX_SESSIONS,
            session_idle: SESSION_IDLE,
            patience: PATIENCE,
        }
    }

    /// What tokens have to be made for.
    pub fn resource(&self) -> String {
        format!("{}{PATH}", self.public_url)
    }

    /// Where a host reads how to get such a token. Source: RFC 9728, section 3.1.
    pub fn metadata(&self) -> String {
        format!("{}/.well-known/oauth-protected-resource{PATH}", self.public_url)
    }
}

/// The one route of the protocol. To be put beside the routes of `sf-api`, whose outer layers know addresses, names and
/// origins.
pub fn router<T: Toolbox>(control: Control, toolbox: T, options: WireOptions) -> Router {
    let tools = toolbox.list(&sf_actions::AccessScope::ALL).into_iter().map(|tool| tool.name).collect();
    let rates = limiter(&control, &options);
    let host = host::Host::new(control.clone(), toolbox, options.clone(), Arc::clone(&rates));
    stack(Stack { control, options, rates, tools }, host)
}

/// Counters for one endpoint.
pub(crate) fn limiter(control: &Control, options: &WireOptions) -> Arc<rates::Limiter> {
    let limiter = Arc::new(rates::Limiter::new(options.rates));
    refused::keep(control.clone(), &options.tasks, Arc::clone(&limiter));
    limiter
}
