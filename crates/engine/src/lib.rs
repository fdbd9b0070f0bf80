//! What a run does next, and how an action becomes a command: pure functions from state and input to state and
//! effects.
//!
//! Floor 3. No I/O, no clock, no randomness. Effects are data; the control plane records them with the row and
//! performs them afterwards, after a crash exactly as in normal life. This crate must never know a table or a socket.
//!
//! Start reading at [`run`], then [`step`], then [`plan`]; workflows have a module of their own,
//! [`workflow`]; whom something is told, and when, is [`notify`]; why something failed is [`explain`]; what a push to a git
//! host starts is [`push`], which branches have previews is [`preview`], and what servers cross lines is [`alert`].

pub mod alert;
pub mod explain;
pub mod notify;
pub mod plan;
pub mod preview;
pub mod push;
pub mod run;
pub mod step;
pub mod workflow;

pub use run::{Done, Parent, Run, RunState};
pub use step::{Effect, Ignored, Input, open, step};
