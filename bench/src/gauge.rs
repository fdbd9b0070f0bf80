//! What measuring stands on: results, floors, callers, and a whole installation.

pub mod caller;
pub mod floors;
pub mod house;
pub mod line;
pub mod rows;
