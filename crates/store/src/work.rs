//! What people want done: apps and their releases, runs and all that belongs to them.

pub mod approvals;
pub mod apps;
pub mod executions;
pub mod idempotency;
pub mod inbox;
pub mod learning;
pub mod logs;
pub mod outbox;
pub mod releases;
pub mod rules;
pub mod runs;
pub mod secrets;
pub mod timeline;
pub mod votes;
pub mod workflows;
