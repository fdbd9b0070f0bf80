//! What is changed about people: accounts, credentials, second factors, roles.

pub mod access;
pub mod factor;
pub mod role;
pub mod tenant;
pub mod user;
