//! What people want done, and what waits for them.

mod approvals;
mod named;
mod secrets;
mod triggers;
mod webhooks;
mod workflows;
