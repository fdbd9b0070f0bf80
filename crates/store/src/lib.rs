//! Everything that lasts: every table, every line of SQL, and the one writer through which all changes pass.
//!
//! Floor 4. A change is a closure given to [`Store::write`]; it runs in the writer's batch, is bound to a [`Scope`]
//! and is answered after COMMIT. Reads go through a [`Reader`] bound to a scope, too. SQLite and PostgreSQL run the
//! same code; the few true differences live in `dialect`. This crate must never know an HTTP route, a socket or a
//! decision: it keeps what the floors above decided.
//!
//! Start reading at [`store`], then [`tx`], then any noun: a file each.

pub mod audit;
pub mod dump;
pub mod error;
pub mod events;
pub mod machines;
pub mod meta;
mod migrate;
pub mod people;
mod sql;
pub mod store;
#[cfg(feature = "testing")]
pub mod testing;
pub mod tx;
pub mod work;
mod writer;

pub use audit::mcp_calls;
pub use error::StoreError;
pub use machines::panel::{alert_rules, alerts, allocations, alts, ctrls, servers};
pub use machines::{commands, delegations, devices, enrol, metrics, nodes, proxies, schedules};
pub use people::notices::{channels, held, preferences};
pub use people::tokens::{clients, granted};
pub use people::{
    cli_logins, deputies, factors, grants, invitations, lockout, permissions, resets, roles, sessions, tenants,
    tickets, tokens, users,
};
pub use sf_types::Scope;
pub use sql::row::Json;
pub(crate) use sql::{dialect, many, row, script, seen, session};
pub use store::{Store, StoreOptions};
pub use tx::{Look, Reader, Tx};
pub use work::apps::{deploy_keys, hooks, previews};
pub use work::{
    approvals, apps, executions, idempotency, inbox, learning, logs, outbox, releases, rules, runs, secrets, timeline,
    votes, workflows,
};

/// What a write's closure returns.
pub type Work<'t, T> = futures_util::future::BoxFuture<'t, Result<T>>;

/// The answer of every call of this crate.
pub type Result<T> = std::result::Result<T, StoreError>;
