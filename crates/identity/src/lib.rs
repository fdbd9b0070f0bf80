//! Who somebody is, and how secrets are kept: passwords, sessions, tokens, the set-up code, sign-in throttling, the
//! master key and what is sealed under it, the root of trust that agents pin.
//!
//! Floor 4, but without the store: this crate is handed rows and times and answers decisions and new rows; `control`
//! joins the two. It must never know a table, a route or a permission.
//!
//! Start reading at [`password`] and [`refresh`] (people), [`token`] (programs), [`master`] (secrets at rest) and
//! [`root`] (what agents trust).

pub mod access;
pub mod alphabet;
pub mod bearer;
pub mod code;
pub mod commitment;
pub mod csrf;
pub mod error;
pub mod keyfile;
pub mod master;
pub mod password;
pub mod refresh;
pub mod root;
pub mod throttle;
pub mod token;

pub use access::{AccessKey, AccessKeys, Audience, Claims};
pub use access::{client, host};
pub use bearer::once;
pub use code::{device, pkce, recovery, setup, totp};
pub use error::IdentityError;
pub use master::{MasterKey, Sealed};
pub use password::{Passwords, Verified};
pub use root::{Online, Root};
