//! The edge as its callers meet it: a whole control plane on a temporary database behind the real router.

#![expect(clippy::unwrap_used, reason = "a test says by panicking")]

mod authority;
mod crashes;
mod cross_use;
mod dashboard;
mod envelopes;
mod idempotency;
mod idle;
mod listening;
mod lists;
mod people;
mod sign_in;
mod sockets;
mod work;
mod world;
