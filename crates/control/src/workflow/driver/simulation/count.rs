//! What came about in a history, so that one in which nothing did is seen.

/// What came about.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(super) struct Count {
    pub(super) runs: u64,
    pub(super) succeeded: u64,
    pub(super) happenings: u64,
    pub(super) turns: u64,
    pub(super) deaths: u64,
    pub(super) torn_turns: u64,
    pub(super) calls: u64,
    pub(super) stopped: u64,
    pub(super) decided: u64,
    pub(super) moved: u64,
    pub(super) put_aside: u64,
    /// Of everything that happened, in its order.
    pub(super) trace: u64,
}

impl Count {
    pub(super) fn add(&mut self, other: &Self) {
        self.runs += other.runs;
        self.succeeded += other.succeeded;
        self.happenings += other.happenings;
        self.turns += other.turns;
        self.deaths += other.deaths;
        self.torn_turns += other.torn_turns;
        self.calls += other.calls;
        self.stopped += other.stopped;
        self.decided += other.decided;
        self.moved += other.moved;
        self.put_aside += other.put_aside;
    }

    /// Everything happened, and more than once.
    pub(super) fn is_wild(&self, seeds: u64) -> bool {
        let often = [self.succeeded, self.deaths, self.torn_turns, self.stopped, self.decided, self.moved];
        often.iter().all(|count| *count > seeds / 4) && self.put_aside > 0
    }
}
