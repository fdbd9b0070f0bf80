//! What deciding takes: about a request, and about what an AI proposes.

pub mod authority;
pub mod policy;
