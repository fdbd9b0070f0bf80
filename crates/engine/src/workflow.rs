//! Durable workflows: what starts them and what they do next. Pure like the rest of this crate.

pub mod schedule;
pub mod webhook;
