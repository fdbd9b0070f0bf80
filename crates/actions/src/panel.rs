//! The panel: templates, servers made from them, their power, their console, their files and their ports.

pub mod allocation;
pub mod console;
pub mod file;
pub mod power;
pub mod server;
pub mod template;
