//! People: those of the team, other teams, whether mail reaches them, and the keys they give to programs and AI agents.

pub mod hosts;
pub mod keys;
pub mod mail;
pub mod tenants;
pub mod users;
