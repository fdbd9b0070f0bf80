//! People: those of the team, other teams, and whether mail reaches them.

pub mod mail;
pub mod tenants;
pub mod users;
