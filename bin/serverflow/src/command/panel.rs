//! The panel: servers, their consoles and files, templates, ports of machines, and how servers are doing.

pub mod alts;
pub mod console;
pub mod ctrls;
pub mod files;
pub mod monitoring;
pub mod people;
pub mod ports;
pub mod schedules;
pub mod servers;
