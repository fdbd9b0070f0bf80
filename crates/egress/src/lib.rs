//! The guarded HTTP client: the only way out to an address that a person has typed.
//!
//! Floor 2. Whoever can name an address can name one that only this machine reaches: a database on loopback, a router,
//! a cloud's metadata service. So every address is judged after its name was resolved, the connection goes to exactly
//! what was judged, nothing is followed anywhere else, and what comes back is bounded in size and time. This crate must
//! never know what is sent, to whom, or why.
//!
//! Start reading at [`target`] (what may be named), then [`address`] (what may be dialled), then [`client`].

pub mod address;
pub mod client;
pub mod error;
mod names;
pub mod options;
pub mod target;

pub use client::{Answer, Egress, Page, Post};
pub use error::{Failed, Refused};
pub use options::{BadOptions, Options};
pub use target::Target;
