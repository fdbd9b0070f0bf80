//! Durable workflows, the pure part: what a definition says and what it computes.

pub mod expr;
