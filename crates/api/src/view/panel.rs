//! The panel: templates, servers, their files, ports, and how they are doing.

pub mod file;
pub mod monitoring;
pub mod server;
pub mod template;
