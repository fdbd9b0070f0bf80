//! Whether a text is one of its language: where it breaks the grammar, in lines and columns. Tree-sitter's grammars read
//! it; they recover from errors, so that one typing error is one finding and not hundreds.
//!
//! Floor 1 and pure. The grammars are C and the text may be a stranger's: call [`check`] in a process of its own, with
//! limits on its time and memory (`sf_agent::patching::syntax`). This crate must never know a file, a release or a node.
//!
//! Start reading at [`Language::of`] (which language a file is in) and [`check`].

mod check;
mod language;

pub use check::{FINDINGS_MAX, Finding, Unparsed, check};
pub use language::Language;
