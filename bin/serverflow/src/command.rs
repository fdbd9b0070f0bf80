//! The commands, a file a noun.

pub mod activity;
pub mod apps;
pub mod completion;
pub mod deploy;
pub mod enrol;
pub mod inspect;
pub mod logs;
pub mod nodes;
pub mod power;
pub mod runs;
pub mod session;
