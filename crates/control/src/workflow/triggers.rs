//! What starts workflows besides people.

use crate::Control;

impl Control {
    pub(crate) fn start_triggers(&self) {}
}
