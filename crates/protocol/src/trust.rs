//! What a signature covers, whose it is, and who vouches for the key.

pub mod delegation;
pub mod dsse;
pub mod key;
pub mod sealed;
pub mod witness;
