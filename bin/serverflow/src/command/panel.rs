//! The panel: servers and their consoles, templates, ports of machines.

pub mod alts;
pub mod console;
pub mod ctrls;
pub mod ports;
pub mod servers;
