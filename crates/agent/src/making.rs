//! How a repository becomes a release on disk: fetched, planned, built in a confined child, kept immutable.

pub mod build;
pub mod hot;
pub mod release;
pub mod source;
pub mod user;
