//! One file of a release: found, read, judged and replaced, without a step out of the release.
//!
//! [`file`] opens by descriptor and follows no link; [`change`] is pure; [`syntax`] has the new text read in a process of
//! its own; [`replace`] puts it in place so that a reader sees the old file or the new one.

pub mod change;
pub mod file;
pub mod list;
pub mod replace;
pub mod syntax;

pub use change::{Changed, apply};
pub use file::Found;
pub use syntax::{Checker, main as syntax_main};
