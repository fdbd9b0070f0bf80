//! What people want done, and what waits for them.

pub mod approvals;
mod batches;
mod inbox;
mod journal;
mod logs;
mod named;
mod panel;
pub mod people;
mod pushes;
mod secrets;
mod server_files;
mod stopping;
mod triggers;
mod webhooks;
mod workflows;
