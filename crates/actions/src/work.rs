//! Runs and workflows: what is being done.

pub mod policy;
pub mod rules;
pub mod run;
pub mod workflow;
