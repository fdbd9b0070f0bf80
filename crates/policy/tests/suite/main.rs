//! Calibrated confidence on a history of 18,000 decisions, of which the last 10,000 are held out.

#![expect(clippy::unwrap_used, reason = "a test says by panicking")]

mod figures;
mod history;
mod process;
mod walk;
