//! Whose it is and who may: tenants, users, sessions, tokens, grants.

pub mod grants;
pub mod invitations;
pub mod permissions;
pub mod resets;
pub mod roles;
pub mod sessions;
pub mod tenants;
pub mod tokens;
pub mod users;
