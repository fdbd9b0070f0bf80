//! What a sample is about, and the five rows it goes to.

use serde::{Deserialize, Serialize};
use sf_actions::admission::Level;
use sf_types::Timestamp;

use super::sample::Sample;
use super::state::LevelState;

/// What a run was: which action, by which AI agent, through which tool. All within one team; teams never share a record.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Key<'a> {
    /// The action's name.
    pub action: &'a str,
    /// Identifies the AI agent.
    pub agent: &'a str,
    /// The tool or adapter it called through; `None` where it called none.
    pub tool: Option<&'a str>,
}

/// One row of the store: a level, and those parts of the key that the level knows.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Row {
    /// The level.
    pub level: Level,
    /// Action; empty where the level knows none.
    pub action: String,
    /// AI agent; empty where the level knows none.
    pub agent: String,
    /// Tool; empty where the level knows none, and where there was none.
    pub tool: String,
}

impl Key<'_> {
    /// The row of a level.
    pub fn at(&self, level: Level) -> Row {
        let (action, agent) = match level {
            Level::Own | Level::Pair => (self.action, self.agent),
            Level::Action => (self.action, ""),
            Level::Agent => ("", self.agent),
            Level::All => ("", ""),
        };
        let tool = if level == Level::Own { self.tool.unwrap_or_default() } else { "" };
        Row { level, action: action.to_owned(), agent: agent.to_owned(), tool: tool.to_owned() }
    }

    /// All five rows: a sample goes to each, in one transaction.
    pub fn rows(&self) -> [Row; 5] {
        [Level::Own, Level::Pair, Level::Action, Level::Agent, Level::All].map(|level| self.at(level))
    }
}

/// The five records that a proposal is judged by. A row that does not exist is an empty one.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Levels {
    /// This action, agent and tool.
    pub own: LevelState,
    /// This action and agent.
    pub pair: LevelState,
    /// This action.
    pub action: LevelState,
    /// This agent.
    pub agent: LevelState,
    /// The team.
    pub all: LevelState,
}

impl Levels {
    /// The record of a level, to be filled from its row.
    pub const fn at_mut(&mut self, level: Level) -> &mut LevelState {
        match level {
            Level::Own => &mut self.own,
            Level::Pair => &mut self.pair,
            Level::Action => &mut self.action,
            Level::Agent => &mut self.agent,
            Level::All => &mut self.all,
        }
    }

    /// Takes a sample of this very key in, at every level.
    pub fn add(&mut self, sample: &Sample, now: Timestamp) {
        for state in [&mut self.own, &mut self.pair, &mut self.action, &mut self.agent, &mut self.all] {
            state.add(sample, now);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_level_knows_its_part_of_the_key() {
        let key = Key { action: "app.deploy", agent: "a", tool: Some("git") };
        let told = key.rows().map(|row| format!("{:?} {} {} {}", row.level, row.action, row.agent, row.tool));
        let expected = ["Own app.deploy a git", "Pair app.deploy a ", "Action app.deploy  ", "Agent  a ", "All   "];
        assert_eq!(told, expected);
        assert_ne!(Key { tool: None, ..key }.at(Level::Own), Key { tool: None, ..key }.at(Level::Pair));
    }
}
