//! What people want done, and what waits for them.

mod approvals;
mod secrets;
mod triggers;
mod workflows;
