//! The panel: templates, servers made from them, their power, their console and their ports.

pub mod allocation;
pub mod console;
pub mod power;
pub mod server;
pub mod template;
