//! What machines tell by themselves, and what they serve.

pub mod alerts;
pub mod domains;
pub mod patches;
