//! What machines tell by themselves, and what they serve.

pub mod alerts;
pub mod builders;
pub mod domains;
pub mod patches;
pub mod schedules;
