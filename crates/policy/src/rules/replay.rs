//! "What would have been different": decisions that were made, made again under other rules.

use std::collections::BTreeMap;

use serde::Serialize;
use sf_actions::admission::{Admission, Decision};
use sf_types::Timestamp;

use super::Routing;
use crate::admit;

/// A decision that was made.
#[derive(Clone, Copy, Debug)]
pub struct Past<'a> {
    /// The decision, with everything it looked at.
    pub decision: &'a Decision,
    /// When.
    pub at: Timestamp,
}

/// What these rules would have decided from what was known then.
pub fn again(past: Past<'_>, rules: &Routing) -> Decision {
    admit(rules.apply(&past.decision.inputs, past.at))
}

/// How the answers would have differed.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Difference {
    /// Decisions looked at.
    pub decisions: u64,
    /// Answered as they were.
    pub same: u64,
    /// Would have needed more of people: asked instead of run, denied instead of asked.
    pub stricter: u64,
    /// Would have needed less.
    pub looser: u64,
    /// What became what, the loosest first.
    pub changes: Vec<Change>,
}

impl Difference {
    /// Both together: of two places.
    pub fn add(&mut self, other: Self) {
        self.decisions += other.decisions;
        self.same += other.same;
        self.stricter += other.stricter;
        self.looser += other.looser;
        for change in other.changes {
            match self.changes.iter_mut().find(|known| (known.from, known.to) == (change.from, change.to)) {
                Some(known) => known.count += change.count,
                None => self.changes.push(change),
            }
        }
    }
}

/// So many answers of one kind would have been of another.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Change {
    /// What was answered.
    pub from: Admission,
    /// What would have been.
    pub to: Admission,
    /// How often.
    pub count: u64,
}

/// Makes each decision again and counts. Nothing is written and nothing learnt.
pub fn replay<'a>(decisions: impl IntoIterator<Item = Past<'a>>, rules: &Routing) -> Difference {
    let mut counts: BTreeMap<(u8, u8), Change> = BTreeMap::new();
    let mut difference = Difference::default();
    for past in decisions {
        let (from, to) = (past.decision.admission, again(past, rules).admission);
        difference.decisions += 1;
        match strictness(to).cmp(&strictness(from)) {
            std::cmp::Ordering::Equal => difference.same += 1,
            std::cmp::Ordering::Greater => difference.stricter += 1,
            std::cmp::Ordering::Less => difference.looser += 1,
        }
        if from != to {
            counts.entry((strictness(to), strictness(from))).or_insert(Change { from, to, count: 0 }).count += 1;
        }
    }
    difference.changes = counts.into_values().collect();
    difference
}

/// How much an answer needs of people.
const fn strictness(admission: Admission) -> u8 {
    match admission {
        Admission::Auto => 0,
        Admission::AutoNotify => 1,
        Admission::Ask => 2,
        Admission::Deny => 3,
    }
}
