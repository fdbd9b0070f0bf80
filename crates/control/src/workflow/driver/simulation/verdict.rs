//! Whether a history ended well.

use sf_engine::workflow::{Fact, Finish};

use super::history::History;
use crate::workflow::journal;

impl History {
    /// Executions that have not ended.
    pub(super) fn open(&self) -> String {
        let database = self.world.database.borrow();
        let open = database.rows.values().filter(|row| row.closed_at.is_none());
        open.map(|row| format!("{} {:?} of {:?}", row.run, row.state, row.engine)).collect::<Vec<_>>().join(", ")
    }

    /// Calm has come, and all has ended.
    pub(super) fn check(&mut self) {
        let (seed, database) = (self.seed, self.world.database.borrow());
        assert!(self.calm, "seed {seed}: it ended before calm");
        for row in database.rows.values() {
            assert!(row.closed_at.is_some(), "seed {seed}: {} has not ended: {}", row.run, self.open());
            let finish = database.finishes.get(&row.run);
            assert!(finish.is_some(), "seed {seed}: the run of {} was not closed", row.run);
            self.count.put_aside += u64::from(row.poison);
            self.count.succeeded += u64::from(matches!(finish, Some(Finish::Succeeded { .. })));
            if self.torn.contains(&row.run) {
                continue;
            }
            let facts = database.facts(row.run).expect("a journal");
            assert!(facts.iter().map(|(seq, ..)| *seq).eq(1..=facts.len() as u64), "seed {seed}: a gap in a journal");
            let all = || facts.iter().flat_map(|(.., facts)| facts);
            let (received, sent) =
                (all().filter(|fact| matches!(fact, Fact::Received { .. })), self.sent.get(&row.run));
            let sent = sent.copied().unwrap_or(0);
            assert!(received.count() <= sent, "seed {seed}: {} received more than {sent} events", row.run);
            let (execution, _) =
                journal::execution(database.definition(row.workflow, row.version), row.run, facts).expect("a journal");
            assert_eq!(execution.finish(), finish, "seed {seed}: {}", row.run);
            for step in execution.steps() {
                let active = ["running", "retrying", "waiting", "asked", "catching"].contains(&step.state);
                assert!(!active, "seed {seed}: step {} of {} is {}", step.key, row.run, step.state);
                assert!(step.attempts <= 3, "seed {seed}: {} tries of {}", step.attempts, step.key);
            }
            for card in database.cards.values().filter(|card| card.run == row.run) {
                let step = execution.look(&card.step).expect("it asked");
                let approved = step.output["decision"] == "approved";
                assert!(!approved || card.approved == Some(true), "seed {seed}: {} was approved by nobody", card.step);
            }
        }
        let left: Vec<_> = database
            .children
            .iter()
            .filter(|((run, ..), child)| !child.ended && !self.torn.contains(run))
            .map(|(of, _)| of)
            .collect();
        assert!(left.is_empty(), "seed {seed}: nobody wants it any more, and it goes on: {left:?}");
        assert!(database.cards.values().all(|card| !card.open), "seed {seed}: a card stays before people");
        assert!(database.stops.is_empty(), "seed {seed}: {:?}", database.stops);
        assert!(database.inbox.is_empty(), "seed {seed}: {:?}", database.inbox.values().next());
    }
}
