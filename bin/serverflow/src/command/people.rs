//! People: those of the team, other teams, whether mail reaches them, the keys they give to programs and AI agents, and a bridge for
//! those.

pub mod hosts;
pub mod keys;
pub mod mail;
pub mod mcp;
pub mod tenants;
pub mod users;
