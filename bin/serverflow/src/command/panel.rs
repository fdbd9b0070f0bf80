//! The panel: servers, their consoles and files, templates, ports of machines.

pub mod alts;
pub mod console;
pub mod ctrls;
pub mod files;
pub mod people;
pub mod ports;
pub mod servers;
