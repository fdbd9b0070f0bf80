//! What machines tell by themselves, what they serve, and their services.

pub mod alerts;
pub mod builders;
pub mod domains;
pub mod panel;
pub mod patches;
pub mod schedules;
pub mod services;
pub mod transfers;
