//! Who acts, and what they may do where.

pub mod access;
pub mod actor;
pub mod object;
pub mod permission;
pub mod rights;
