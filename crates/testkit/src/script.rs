//! What a simulated node does with an order, instead of working.

use sf_protocol::Verdict;

/// How a node treats its orders.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Script {
    /// Promises, reports its steps, says that it succeeded.
    Succeed,
    /// Says that it failed and nothing changed.
    Fail,
    /// Says that the release broke and the previous one serves again.
    RollBack,
    /// Promises, then says nothing more.
    Silent,
    /// Promises and works until it is told to stop; then says that it stopped.
    UntilStopped,
    /// Says everything twice.
    Duplicate,
    /// Says the result first, then the steps, then the promise.
    Reorder,
    /// Promises and says the result, without steps: the shortest order there is.
    Quick,
}

impl Script {
    /// What it says in the end.
    pub const fn verdict(self) -> Verdict {
        match self {
            Self::Fail => Verdict::Failed,
            Self::RollBack => Verdict::RolledBack,
            Self::UntilStopped => Verdict::Cancelled,
            Self::Succeed | Self::Silent | Self::Duplicate | Self::Reorder | Self::Quick => Verdict::Succeeded,
        }
    }
}
