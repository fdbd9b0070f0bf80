//! The panel: servers and their consoles, templates, ports of machines.

pub mod console;
pub mod ports;
pub mod servers;
