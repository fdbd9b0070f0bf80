//! The edge as its callers meet it: a whole control plane on a temporary database behind the real router.

mod authority;
mod envelopes;
mod idempotency;
mod lists;
mod sign_in;
mod sockets;
mod world;
