//! From a proposal to its end: [`propose`] opens a run, [`transition`] moves it, [`timers`] bring it back.

pub(crate) mod admission;
pub mod approval;
pub(crate) mod due;
pub mod key;
pub(crate) mod moments;
pub(crate) mod perform;
pub mod proposal;
mod propose;
pub(crate) mod quota;
pub mod refusals;
pub(crate) mod rehearsal;
pub(crate) mod secrets;
pub(crate) mod subject;
pub(crate) mod timers;
pub(crate) mod transition;
