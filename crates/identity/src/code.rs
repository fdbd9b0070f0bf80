//! Codes that people read and type: the first set-up, a CLI that waits, an authenticator app, paper.

pub mod device;
pub mod pkce;
pub mod recovery;
pub mod setup;
pub mod totp;
