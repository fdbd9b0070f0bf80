//! Something that happened, as its readers get it.

use std::borrow::Cow;
use std::sync::Arc;

use sf_types::{ProjectId, Scope, TenantId, Timestamp};

use crate::topic::Topic;

/// Something that happened. Made once and shared by all its readers.
#[derive(Clone, PartialEq, Debug)]
pub struct Event {
    /// Its number in the store, rising by publication, by which a reader resumes; 0 for what is not stored
    /// (metrics, log lines: they carry numbers of their own in `data`).
    pub seq: u64,
    /// Whose it is; `None` only for the control plane itself, which no tenant's reader hears.
    pub tenant: Option<TenantId>,
    /// Narrower, where it belongs to one project.
    pub project: Option<ProjectId>,
    /// Everything it concerns, the closest first: a deploy's step is for its run, its app and its project. A reader
    /// of several of them gets it once.
    pub topics: Vec<Topic>,
    /// Dotted name: `run.update`.
    pub name: Cow<'static, str>,
    /// When it happened.
    pub at: Timestamp,
    /// JSON.
    pub data: Arc<str>,
}

impl Event {
    /// Whether a reader bound to `scope` may get it. Without a tenant only the system may.
    pub fn is_visible_to(&self, scope: Scope) -> bool {
        match self.tenant {
            Some(tenant) => scope.contains(tenant, self.project),
            None => scope == Scope::System,
        }
    }
}

/// A reader was too slow and has a gap here. What was stored can be read again from `missed_from` on; events after
/// the gap follow and may repeat what the store also answers, so a reader that resumes ignores numbers it has seen
/// ([`crate::Subscription::skip_through`]).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Lagged {
    /// Number of the first stored event missed; `None` when only events that are not stored were.
    pub missed_from: Option<u64>,
    /// How many events were missed, stored or not.
    pub missed: u64,
}
