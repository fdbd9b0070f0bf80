//! What touches the world outside a crate: tasks and shutdown, the clock, randomness, configuration, logging and
//! child processes. Everything above takes these as values, so tests own the world.
//!
//! Floor 1. This crate must never know an action, a table or a frame.
//!
//! Start reading at [`tasks`].

pub mod buckets;
pub mod child;
pub mod clock;
pub mod config;
pub mod env;
pub mod memory;
pub mod places;
pub mod redact;
pub mod rng;
pub mod tasks;
pub mod telemetry;

pub use buckets::{Buckets, Left, Rate};
pub use clock::Clock;
pub use places::{Place, Places};
pub use rng::Rng;
pub use tasks::{OnError, Shutdown, Tasks};
