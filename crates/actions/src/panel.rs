//! The panel: templates, servers made from them, their power, their console, their files, their ports, and what is watched of them.

pub mod alert;
pub mod allocation;
pub mod console;
pub mod file;
pub mod power;
pub mod server;
pub mod template;
