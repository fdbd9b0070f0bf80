//! How a repository becomes a release on disk: fetched, planned, built in a confined child, kept immutable; and how one file
//! of a release is changed.

pub mod build;
pub mod hot;
pub mod image;
pub mod patching;
pub mod release;
pub mod source;
pub mod user;
