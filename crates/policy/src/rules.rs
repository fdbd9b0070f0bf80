//! What people set for a scope, and what another setting would have changed.

mod freeze;
mod replay;

pub use freeze::Freeze;
pub use replay::{Change, Difference, Past, again, replay};

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use sf_actions::admission::Inputs;
use sf_types::Timestamp;

/// Confidence from which an AI's action runs at once, unless told otherwise. 0-100.
pub const AUTO_AT: u8 = 90;
/// Confidence from which it runs and people are told, unless told otherwise. 0-100.
pub const NOTIFY_AT: u8 = 70;
/// Automatic runs of AIs that are reviewed afterwards unless told otherwise, of a thousand.
pub const SAMPLE_PERMILLE: u16 = 30;
/// A threshold nothing reaches.
pub const NEVER: u8 = 101;

/// Names on one list of a scope.
pub const MAX_NAMES: usize = 200;
/// Freezes of a scope.
pub const MAX_FREEZES: usize = 100;

/// What one scope (team, project) sets: one row. What it leaves out is as in the wider scope.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Rules {
    /// At or above: automatic. 0-100, or [`NEVER`].
    pub auto_at: Option<u8>,
    /// At or above: automatic, and people are told. 0-100, or [`NEVER`].
    pub notify_at: Option<u8>,
    /// Actions that never run without a person, by name. A narrower scope adds to the list and takes nothing off.
    pub never_auto: BTreeSet<String>,
    /// Actions that lose something and need not ask for that reason, by name. They hold for exactly this scope.
    pub waived: BTreeSet<String>,
    /// Changes are frozen until somebody says otherwise.
    pub frozen: bool,
    /// Times in which changes are frozen.
    pub freezes: Vec<Freeze>,
    /// Automatic runs of AIs that are reviewed afterwards, of a thousand.
    pub sample_permille: Option<u16>,
}

/// Why rules are refused.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum RulesError {
    /// A threshold is no score.
    #[error("a threshold of {0} is none: give 0 to 100, or 101 where nothing is to reach it")]
    Threshold(u8),
    /// The thresholds, as this scope and the wider ones make them, stand the wrong way round.
    #[error("people would be told from {notify_at}, and nothing be said from {auto_at}: the first must not be higher")]
    Order {
        /// From here people are told.
        notify_at: u8,
        /// From here nothing is said.
        auto_at: u8,
    },
    /// More than all.
    #[error("{0} of a thousand runs cannot be reviewed: give 0 to 1000")]
    Sample(u16),
    /// A list is too long.
    #[error("a list of {0} names is too long: {MAX_NAMES} is the limit")]
    Names(usize),
    /// Too many freezes.
    #[error("{0} freezes are too many: {MAX_FREEZES} is the limit; delete those that are over")]
    Freezes(usize),
    /// A freeze ends before it begins.
    #[error("the freeze from {from} ends at {until}: let it end after it begins")]
    Empty {
        /// It begins.
        from: Timestamp,
        /// It ends.
        until: Timestamp,
    },
}

impl Rules {
    /// Refuses what makes no sense by itself. Thresholds of several scopes together: [`Policy::check`].
    ///
    /// # Errors
    /// The first thing that makes no sense.
    pub fn check(&self) -> Result<(), RulesError> {
        if let Some(threshold) = [self.auto_at, self.notify_at].into_iter().flatten().find(|it| *it > NEVER) {
            return Err(RulesError::Threshold(threshold));
        }
        if let Some(sample) = self.sample_permille.filter(|sample| *sample > 1000) {
            return Err(RulesError::Sample(sample));
        }
        if let Some(names) = [&self.never_auto, &self.waived].into_iter().find(|names| names.len() > MAX_NAMES) {
            return Err(RulesError::Names(names.len()));
        }
        if self.freezes.len() > MAX_FREEZES {
            return Err(RulesError::Freezes(self.freezes.len()));
        }
        match self.freezes.iter().find(|freeze| freeze.until <= freeze.from) {
            Some(Freeze { from, until, .. }) => Err(RulesError::Empty { from: *from, until: *until }),
            None => Ok(()),
        }
    }
}

/// What holds at a place: the rules of all its scopes together.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Policy {
    auto_at: u8,
    notify_at: u8,
    never_auto: BTreeSet<String>,
    waived: BTreeSet<String>,
    frozen: bool,
    freezes: Vec<Freeze>,
    sample_permille: u16,
}

impl Default for Policy {
    fn default() -> Self {
        Self::of([])
    }
}

impl Policy {
    /// Of rules from the widest scope (configuration, team) to the narrowest (project). The last one is the scope at
    /// hand: only its waivers hold.
    pub fn of<'a>(rules: impl IntoIterator<Item = &'a Rules>) -> Self {
        let empty = Self {
            auto_at: AUTO_AT,
            notify_at: NOTIFY_AT,
            never_auto: BTreeSet::new(),
            waived: BTreeSet::new(),
            frozen: false,
            freezes: Vec::new(),
            sample_permille: SAMPLE_PERMILLE,
        };
        rules.into_iter().fold(empty, Self::within)
    }

    /// What holds in a narrower scope: its numbers where it sets them, its lists and freezes added, its waivers alone.
    fn within(mut self, rules: &Rules) -> Self {
        self.never_auto.extend(rules.never_auto.iter().cloned());
        self.freezes.extend(rules.freezes.iter().cloned());
        Self {
            auto_at: rules.auto_at.unwrap_or(self.auto_at),
            notify_at: rules.notify_at.unwrap_or(self.notify_at),
            never_auto: self.never_auto,
            waived: rules.waived.clone(),
            frozen: self.frozen || rules.frozen,
            freezes: self.freezes,
            sample_permille: rules.sample_permille.unwrap_or(self.sample_permille),
        }
    }

    /// Refuses thresholds that stand the wrong way round. To be asked for every scope within the one that changes.
    ///
    /// # Errors
    /// [`RulesError::Order`].
    pub const fn check(&self) -> Result<(), RulesError> {
        if self.notify_at > self.auto_at {
            return Err(RulesError::Order { notify_at: self.notify_at, auto_at: self.auto_at });
        }
        Ok(())
    }

    /// The freeze that holds at this moment, and why: for the sentence beside it. `Some(None)` where somebody froze
    /// changes without an end.
    pub fn freeze(&self, at: Timestamp) -> Option<Option<&Freeze>> {
        let freeze = self.freezes.iter().find(|freeze| freeze.holds(at));
        freeze.map(Some).or_else(|| self.frozen.then_some(None))
    }

    /// The same inputs under this policy: everything else stays what it was. `at` is when it was proposed.
    pub fn apply(&self, inputs: &Inputs, at: Timestamp) -> Inputs {
        Inputs {
            auto_at: self.auto_at,
            notify_at: self.notify_at,
            never_auto: self.never_auto.contains(&inputs.action),
            waived: self.waived.contains(&inputs.action),
            frozen: !inputs.passes_freeze && self.freeze(at).is_some(),
            sample_permille: self.sample_permille,
            ..inputs.clone()
        }
    }
}

#[cfg(test)]
mod tests;
