//! The program on a node: holds the connection to the control plane, verifies every order, runs apps.
//!
//! Floor 4, but it imports only `types`, `runtime`, `protocol`, `schedule`, `syntax` and `containers` (the No-Leak Rule): it never
//! knows a table, an action or a policy of the control plane.
//!
//! Processes outlive the daemon: [`shim`] holds one app process, [`relay`] holds one stable port; both are modes of
//! the same binary.

pub mod confine;
pub mod daemon;
pub mod execute;
pub mod facts;
pub mod health;
pub mod journal;
pub mod link;
pub mod making;
pub mod outbox;
pub mod policy;
pub mod process;
pub mod shim;
pub mod state;
pub mod traffic;

pub use making::{build, image, patching, release, source, user};
pub use traffic::{proxy, relay};
