//! People: those of the team, those asked to join it, and what each does with their own account.

pub mod account;
pub mod invitations;
pub mod mail;
pub mod notifications;
pub mod passwords;
pub mod rights;
pub mod roles;
pub mod tenants;
pub mod users;
