//! What a reported score is worth: learnt from verdicts, rollbacks and reviews, never from the report alone.
//!
//! A [`Sample`] is added to five small rows, one for each [`Level`](sf_actions::admission::Level) of its [`Key`]; the
//! rows of a proposal are its [`Levels`], and [`calibrate`] reads them. The mathematics, its constants and its sources:
//! `docs/reference/confidence.md`.

mod bound;
mod calibrate;
mod counts;
mod curve;
mod key;
mod rings;
mod sample;
mod state;
mod words;

pub use calibrate::{INHERITED_AT_MOST, ISOTONIC_FROM, PRIOR_RUNS, calibrate};
pub use counts::Counts;
pub use curve::{Bin, Curve, Curves, Forecast};
pub use key::{Key, Levels, Row};
pub use rings::{AGENT_RUNS, FAR_RUNS};
pub use sample::{Sample, Source};
pub use state::{BINS, HALF_LIFE, LevelState, MAX_STATE_BYTES, RECENT_KEPT, StateError};
pub use words::told;
