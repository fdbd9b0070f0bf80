//! The panel: templates, servers, their files, ports.

pub mod file;
pub mod server;
pub mod template;
