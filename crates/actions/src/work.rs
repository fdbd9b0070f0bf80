//! Runs and workflows: what is being done.

pub mod run;
pub mod workflow;
