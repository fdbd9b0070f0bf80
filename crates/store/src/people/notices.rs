//! What people are told: where it goes, when they want it, and what waits to go with others.

pub mod channels;
pub mod held;
pub mod preferences;
