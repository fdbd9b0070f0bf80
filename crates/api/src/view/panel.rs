//! The panel: templates, servers, ports.

pub mod server;
pub mod template;
