//! The verbs where others do their worst: one program, so that it is linked once.

mod bench;
mod crowd;
mod fallback;
mod model;
mod races;
