//! What the journal holds, in memory: a small entry per command.

use std::collections::{BTreeMap, HashMap};

use sf_types::CommandId;
use sha2::{Digest, Sha256};

use super::file::Place;
use super::{COMPACT_ABOVE_BYTES, KEPT_OUTCOMES, Record};

/// What is known of a command.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Known {
    /// SHA-256 of its exact bytes: another command under the same id is an alarm.
    pub hash: [u8; 32],
    /// Whether it has an outcome.
    pub finished: bool,
}

#[derive(Debug, Default)]
pub(super) struct Index {
    pub(super) epoch: u64,
    pub(super) high_water: u64,
    pub(super) damaged: bool,
    entries: HashMap<CommandId, Entry>,
    /// Order of acceptance, for delivery and pruning.
    order: BTreeMap<u64, CommandId>,
    next: u64,
    delivered: usize,
    file_bytes: u64,
}

#[derive(Debug)]
struct Entry {
    turn: u64,
    hash: [u8; 32],
    accepted: Place,
    outcome: Option<Place>,
    delivered: bool,
}

impl Index {
    pub(super) fn apply(&mut self, record: &Record, place: Place) {
        self.file_bytes = self.file_bytes.max(place.offset + u64::from(place.bytes));
        match record {
            Record::Start { epoch, high_water } => {
                if *epoch > self.epoch {
                    (self.epoch, self.high_water, self.damaged) = (*epoch, *high_water, false);
                } else {
                    self.high_water = self.high_water.max(*high_water);
                }
            }
            Record::Damaged => self.damaged = true,
            Record::Accepted(accepted) => {
                if accepted.epoch == self.epoch {
                    self.high_water = self.high_water.max(accepted.sequence);
                } else if accepted.epoch > self.epoch {
                    (self.epoch, self.high_water) = (accepted.epoch, accepted.sequence);
                }
                let hash = Sha256::digest(&accepted.signed.payload).into();
                let entry = Entry { turn: self.next, hash, accepted: place, outcome: None, delivered: false };
                self.order.insert(self.next, accepted.command);
                self.next += 1;
                self.entries.insert(accepted.command, entry);
            }
            Record::Outcome { command, .. } => {
                if let Some(entry) = self.entries.get_mut(command) {
                    entry.outcome = Some(place);
                }
            }
            Record::Delivered { command } => {
                if let Some(entry) = self.entries.get_mut(command).filter(|entry| !entry.delivered) {
                    entry.delivered = true;
                    self.delivered += 1;
                    self.prune();
                }
            }
        }
    }

    /// Forgets the oldest delivered entries beyond the ones kept. A repeated command is refused by its number then.
    fn prune(&mut self) {
        while self.delivered > KEPT_OUTCOMES {
            let oldest = self.order.iter().find(|(_, command)| self.entries[*command].delivered);
            let Some((turn, command)) = oldest.map(|(turn, command)| (*turn, *command)) else { return };
            self.order.remove(&turn);
            self.entries.remove(&command);
            self.delivered -= 1;
        }
    }

    /// Whether the file is large and mostly of commands that are forgotten.
    pub(super) fn wants_compaction(&self) -> bool {
        let bytes = |place: Place| u64::from(place.bytes);
        let live = |entry: &Entry| bytes(entry.accepted) + entry.outcome.map_or(0, bytes);
        self.file_bytes > COMPACT_ABOVE_BYTES && self.entries.values().map(live).sum::<u64>() * 2 < self.file_bytes
    }

    pub(super) fn known(&self, command: CommandId) -> Option<Known> {
        self.entries.get(&command).map(|entry| Known { hash: entry.hash, finished: entry.outcome.is_some() })
    }

    pub(super) fn is_unfinished(&self, command: CommandId) -> bool {
        self.entries.get(&command).is_some_and(|entry| entry.outcome.is_none())
    }

    pub(super) fn outcome_place(&self, command: CommandId) -> Option<Place> {
        self.entries.get(&command).and_then(|entry| entry.outcome)
    }

    pub(super) fn accepted_place(&self, command: CommandId) -> Option<Place> {
        self.entries.get(&command).map(|entry| entry.accepted)
    }

    pub(super) fn undelivered(&self) -> Vec<CommandId> {
        let waiting = |command: &&CommandId| {
            self.entries.get(command).is_some_and(|entry| entry.outcome.is_some() && !entry.delivered)
        };
        self.order.values().filter(waiting).copied().collect()
    }

    /// The first record of a file that goes on from here.
    pub(super) fn start(&self) -> Record {
        Record::Start { epoch: self.epoch, high_water: self.high_water }
    }

    /// Commands still in the index, oldest first, with the places of their records and whether they are delivered.
    pub(super) fn live(&self) -> Vec<(CommandId, Place, Option<Place>, bool)> {
        let entry = |command: &CommandId| {
            let entry = &self.entries[command];
            debug_assert!(self.order.contains_key(&entry.turn), "every entry has its turn");
            (*command, entry.accepted, entry.outcome, entry.delivered)
        };
        self.order.values().map(entry).collect()
    }

    /// After a rewrite: the new places, in the order of [`Index::live`].
    pub(super) fn moved(&mut self, places: &[(CommandId, Place, Option<Place>)], file_bytes: u64) {
        self.file_bytes = file_bytes;
        for (command, accepted, outcome) in places {
            if let Some(entry) = self.entries.get_mut(command) {
                entry.accepted = *accepted;
                entry.outcome = *outcome;
            }
        }
    }
}
