//! A whole control plane in one process, and simulated nodes that speak the real protocol to it.
//!
//! Floor 7. Tests and benchmarks start a [`Plane`] (SQLite file or private PostgreSQL, TLS, free ports) and connect
//! [`SimNode`]s: real keys, real handshake, the agent's own rule for accepting orders ([`sf_protocol::accept`]), and a
//! [`Script`] instead of work. Nothing of the product is replaced by a double.
//!
//! Start reading at [`plane`], then [`node`].

pub mod journal;
pub mod node;
pub mod panel;
pub mod people;
pub mod plane;
pub mod script;
pub mod session;
pub mod wire;

pub use journal::Journal;
pub use node::{SimNode, Words};
pub use plane::{Database, Plane};
pub use script::Script;
pub use session::Session;
pub use wire::{Dial, Wire, WireError};
