//! The two places from which rows are seen: a transaction of the writer, and a reader.

use sea_orm::DatabaseConnection;
use sf_runtime::{Clock, Rng};
use sf_types::{ProjectId, Scope, Sight, TenantId, Timestamp, TypedId};

use crate::audit::Entry;
use crate::dialect::Dialect;
use crate::events::NewEvent;
use crate::script::{Script, SharedCounters};
use crate::session::Session;
use crate::{Result, StoreError};

/// One write in the writer's batch, bound to a scope. What it changes is stored with COMMIT or not at all.
#[derive(Debug)]
pub struct Tx {
    pub(crate) session: Session,
    pub(crate) scope: Scope,
    pub(crate) now: Timestamp,
    pub(crate) clock: Clock,
    pub(crate) rng: Rng,
    pub(crate) said: Said,
    pub(crate) script: Script,
    pub(crate) counters: SharedCounters,
}

/// What a write said besides its rows: numbered and stored at the end of the batch, in the same transaction.
#[derive(Debug, Default)]
pub(crate) struct Said {
    pub(crate) events: Vec<NewEvent>,
    pub(crate) audit: Vec<Entry>,
}

impl Said {
    /// Takes everything out of `other`.
    pub(crate) fn append(&mut self, other: &mut Self) {
        self.events.append(&mut other.events);
        self.audit.append(&mut other.audit);
    }
}

/// A view bound to a scope that changes nothing. Cheap to make.
#[derive(Clone, Debug)]
pub struct Reader {
    pub(crate) database: DatabaseConnection,
    pub(crate) scope: Scope,
    pub(crate) sight: Sight,
    pub(crate) now: Timestamp,
    pub(crate) counters: SharedCounters,
}

impl Reader {
    /// The same view, of nothing but what `sight` shows: apps, machines, runs, releases, approvals and lines outside
    /// of it are not there.
    #[must_use]
    pub fn seeing(self, sight: Sight) -> Self {
        Self { sight, ..self }
    }
}

/// Where rows are seen from: both of the above.
pub trait Look: Sync {
    /// What is visible.
    fn scope(&self) -> Scope;
    /// What is visible of that; everything unless narrowed.
    fn sight(&self) -> Sight {
        Sight::all()
    }
    /// The time of this look.
    fn now(&self) -> Timestamp;
    /// The connection; of no use outside this crate.
    #[doc(hidden)]
    fn conn(&self) -> Conn<'_>;
}

/// A connection of either kind.
#[doc(hidden)]
#[derive(Debug)]
pub enum Conn<'a> {
    /// The writer's.
    Tx(&'a Tx),
    /// Readers'.
    Pool(&'a Reader),
}

impl Conn<'_> {
    pub(crate) fn dialect(&self) -> Dialect {
        match self {
            Self::Tx(tx) => tx.dialect(),
            Self::Pool(reader) => Dialect::of(reader.database.get_database_backend()),
        }
    }
}

impl Look for Tx {
    fn scope(&self) -> Scope {
        self.scope
    }

    fn now(&self) -> Timestamp {
        self.now
    }

    fn conn(&self) -> Conn<'_> {
        Conn::Tx(self)
    }
}

impl Look for Reader {
    fn scope(&self) -> Scope {
        self.scope
    }

    fn sight(&self) -> Sight {
        self.sight.clone()
    }

    fn now(&self) -> Timestamp {
        self.now
    }

    fn conn(&self) -> Conn<'_> {
        Conn::Pool(self)
    }
}

impl Tx {
    /// A new id, stamped with the time now.
    pub fn new_id<I: TypedId>(&self) -> I {
        self.rng.id(&self.clock)
    }

    /// A new UUIDv7 for rows without an id type of their own.
    pub fn new_uuid(&self) -> uuid::Uuid {
        let millis = u64::try_from(self.now.as_millis()).unwrap_or(0);
        uuid::Builder::from_unix_timestamp_millis(millis, &self.rng.bytes()).into_uuid()
    }

    /// Adds an event: stored in this transaction, handed on after COMMIT, in order.
    pub fn publish(&mut self, event: NewEvent) {
        self.said.events.push(event);
    }

    /// Adds a line to this control plane's audit chain: hashed and stored in this transaction.
    pub fn audit(&mut self, entry: Entry) {
        self.said.audit.push(entry);
    }

    /// The same write under another scope: control-plane work on behalf of a request. Use sparingly.
    pub fn set_scope(&mut self, scope: Scope) {
        self.scope = scope;
    }

    pub(crate) const fn dialect(&self) -> Dialect {
        self.session.dialect()
    }

    /// Refuses to write a row outside the scope.
    pub(crate) fn own(&self, what: &'static str, tenant: TenantId, project: Option<ProjectId>) -> Result<()> {
        if self.scope.contains(tenant, project) { Ok(()) } else { Err(StoreError::OutOfScope(what)) }
    }
}
