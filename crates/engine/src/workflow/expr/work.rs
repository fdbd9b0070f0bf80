//! The budget of one evaluation.

use super::error::{ExprError, Refusal};
use super::limit::{BYTES_PER_UNIT, RESULT_BYTES, WORK_UNITS};

/// What is left to spend. One for an expression, or for all expressions of a template together.
#[derive(Debug)]
pub(super) struct Work {
    units: u64,
}

impl Work {
    pub(super) fn new() -> Self {
        Self { units: WORK_UNITS }
    }

    pub(super) fn spend(&mut self, units: u64) -> Result<(), ExprError> {
        self.units = self.units.checked_sub(units).ok_or_else(|| {
            ExprError::new(
                Refusal::Limit,
                format!("It takes more than {WORK_UNITS} units of work."),
                "Walk shorter lists, or compute it in a script step.",
            )
        })?;
        Ok(())
    }

    /// Work on this many bytes.
    pub(super) fn touch(&mut self, bytes: usize) -> Result<(), ExprError> {
        self.spend(1 + (bytes / BYTES_PER_UNIT) as u64)
    }

    /// A string of this many bytes is about to be made.
    pub(super) fn make(&mut self, bytes: usize) -> Result<(), ExprError> {
        self.fits(bytes)?;
        self.touch(bytes)
    }

    /// A string of this many bytes may be.
    pub(super) fn fits(&self, bytes: usize) -> Result<(), ExprError> {
        if bytes > RESULT_BYTES { Err(too_large()) } else { Ok(()) }
    }
}

pub(super) fn too_large() -> ExprError {
    ExprError::new(
        Refusal::Limit,
        format!("The result has more than {RESULT_BYTES} bytes."),
        "Keep large data in an artifact and pass its name.",
    )
}
