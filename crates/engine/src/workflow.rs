//! Workflows: a graph of steps, written down once, carried out as often as asked, losing nothing in between.
//!
//! Pure. A [`Definition`] is a [`Document`] that was checked as a whole. An [`Execution`] is what happened so far: it is
//! built from [`Fact`]s alone, so a control plane that starts again knows exactly what it knew before. Everything that
//! happens is an [`Event`]; [`Execution::advance`] answers with facts to be recorded and effects to be performed once
//! they are.
//!
//! Start reading at [`document`], then [`definition`], [`fact`] and [`advance`].

pub mod advance;
pub mod definition;
pub mod document;
pub mod execution;
pub mod expr;
pub mod fact;
pub mod fork;
pub mod key;
pub mod span;
pub mod webhook;

pub use advance::{Call, Effect, Event};
pub use definition::{Definition, Problem};
pub use document::Document;
pub use execution::{Execution, Phase};
pub use fact::{End, Fact, Finish};
pub use key::StepKey;
pub use sf_schedule as schedule;
pub use span::Span;
