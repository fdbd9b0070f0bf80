//! The hot path: what a deploy may leave out because it is proven to come out as before.
//!
//! [`Inputs`] says what a making depends on, [`Record`] keeps it beside each release, [`decide`] compares the two and is
//! pure. Where anything is not known, everything is done. Which proof counts is in
//! `docs/adr/0049-a-skip-needs-a-proof.md`.

mod decide;
mod inputs;
mod install;
mod machine;
mod record;

pub use decide::{Decision, Take, decide, full};
pub use inputs::{Inputs, Sources, inputs};
pub use install::{CACHES, Install};
pub use record::{Installed, Record, path_of};
