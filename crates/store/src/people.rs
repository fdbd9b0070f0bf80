//! Whose it is and who may: tenants, users, how they sign in, sessions, tokens, grants.

pub mod cli_logins;
pub mod deputies;
pub mod factors;
pub mod grants;
pub mod invitations;
pub mod lockout;
pub mod notices;
pub mod permissions;
pub mod resets;
pub mod roles;
pub mod sessions;
pub mod tenants;
pub mod tickets;
pub mod tokens;
pub mod users;
