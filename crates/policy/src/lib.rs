//! Who may, and whether it runs at once: two pure functions.
//!
//! Floor 3. No I/O, no clock, no randomness: the caller gathers every input, stores them with the run, and can ask
//! again later what would have been decided. This crate must never know a table or a route.
//!
//! Start reading at [`authorise`], then [`admit`]; what makes a confidence, at [`learning`]; what a place may set, at
//! [`rules`]; who decides about what waits, at [`ballot`]; what reading somebody's words does, at [`taint`].

pub mod admit;
pub mod authorise;
pub mod ballot;
pub mod confidence;
pub mod learning;
pub mod rules;
pub mod taint;
#[cfg(any(test, feature = "testing"))]
pub mod testing;

pub use admit::admit;
pub use authorise::{Access, Owned, authorise, beyond, reaches};
