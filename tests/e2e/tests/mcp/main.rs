//! AI hosts against a whole control plane: what comes in by the door, and what tools make of it.

mod door;
mod evals;
