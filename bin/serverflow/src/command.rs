//! The commands, a file a noun.

pub mod admin;
pub mod approvals;
pub mod apps;
pub mod audit;
pub mod completion;
pub mod config;
pub mod deploy;
pub mod doctor;
pub mod nodes;
pub mod panel;
pub mod people;
pub mod runs;
pub mod server;
pub mod session;
pub mod workflow;
