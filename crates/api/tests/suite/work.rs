//! What people want done, and what waits for them.

mod approvals;
mod batches;
mod secrets;
mod stopping;
mod triggers;
mod workflows;
