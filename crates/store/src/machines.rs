//! Nodes: how they join, what they were ordered, what they measured.

pub mod commands;
pub mod delegations;
pub mod devices;
pub mod enrol;
pub mod metrics;
pub mod nodes;
pub mod panel;
pub mod proxies;
pub mod schedules;
