//! Whether expressions fit what they name.

use super::{Definition, Problem};

pub(super) fn check(_definition: &Definition, _problems: &mut Vec<Problem>) {}
