//! What the control plane and an agent say to each other, and how either knows that the other said it.
//!
//! Floor 1. No I/O, no clock, no randomness: bytes and times are handed in, decisions come out. Both sides use the
//! same code, so that a rule cannot differ between them. This crate must never know a table, an action or a policy.
//!
//! Start reading at [`frame`] (what a message looks like), [`dsse`] (what a signature covers), [`command`] (what an
//! order says), [`accept`] (when an agent obeys) and [`handshake`].

pub mod accept;
pub mod app;
pub mod build;
pub mod command;
pub mod enrol;
pub mod frame;
pub mod handshake;
pub mod kind;
pub mod order;
pub mod outcome;
pub mod query;
pub mod report;
pub mod trust;
pub mod wire;

pub use app::{patch, schedule, server, site};
pub use trust::{delegation, dsse, key, sealed, witness};

pub use command::{Authz, Class, Command, Guard};
pub use delegation::Delegation;
pub use dsse::{Signed, VerifyError};
pub use frame::{Frame, FrameError};
pub use key::{KeyId, PublicKey, SecretKey};
pub use kind::Kind;
pub use order::Order;
pub use outcome::{Outcome, Verdict};
pub use sealed::Sealed;
pub use witness::Witness;
