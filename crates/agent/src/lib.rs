//! The program on a node: holds the connection to the control plane, verifies every order, runs apps.
//!
//! Floor 4, but it imports only `types`, `runtime` and `protocol` (the No-Leak Rule): it never knows a table, an
//! action or a policy of the control plane.
//!
//! Processes outlive the daemon: [`shim`] holds one app process, [`relay`] holds one stable port; both are modes of
//! the same binary.

pub mod build;
pub mod confine;
pub mod daemon;
pub mod execute;
pub mod facts;
pub mod health;
pub mod journal;
pub mod link;
pub mod outbox;
pub mod policy;
pub mod process;
pub mod relay;
pub mod release;
pub mod shim;
pub mod source;
pub mod state;
pub mod user;
