//! The panel: templates (a Ctrl holds Alts, an Alt has versions), servers made from them, and the ports of nodes.

pub mod alert_rules;
pub mod alerts;
pub mod allocations;
pub mod alts;
pub mod ctrls;
pub mod servers;
