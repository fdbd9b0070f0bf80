//! The commands, a file a noun.

pub mod activity;
pub mod admin;
pub mod apps;
pub mod completion;
pub mod config;
pub mod deploy;
pub mod doctor;
pub mod enrol;
pub mod inspect;
pub mod logs;
pub mod mail;
pub mod nodes;
pub mod power;
pub mod runs;
pub mod server;
pub mod session;
pub mod users;
