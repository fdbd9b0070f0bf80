//! People: those of the team, and whether mail reaches them.

pub mod mail;
pub mod users;
