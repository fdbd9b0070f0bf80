//! The durable record of one action.

use std::fmt;

use crate::workflow::StepKey;
use serde::{Deserialize, Serialize};
use sf_actions::{Action, ActorKind, Decision};
use sf_protocol::command::Guard;
use sf_protocol::outcome::Step;
use sf_types::{AppId, CommandId, Fault, NodeId, ProjectId, RequestId, RunId, ServerId, TenantId, Timestamp};

/// One action, from proposal to end.
#[derive(Clone, PartialEq, Debug)]
pub struct Run {
    /// Its id.
    pub id: RunId,
    /// Whose.
    pub tenant: TenantId,
    /// In which project, where the target is in one.
    pub project: Option<ProjectId>,
    /// What.
    pub action: Action,
    /// Who.
    pub actor: ActorKind,
    /// Through which request; the correlation id.
    pub request: RequestId,
    /// Which machine works on it.
    pub node: Option<NodeId>,
    /// Which app it changes.
    pub app: Option<AppId>,
    /// Which server of the panel it changes.
    pub server: Option<ServerId>,
    /// Where it stands.
    pub state: RunState,
    /// The machine is silent: what is true there is not known at the moment.
    pub stale: bool,
    /// The last step reported.
    pub step: Option<Step>,
    /// Why it ended other than well.
    pub fault: Option<Fault>,
    /// What policy answered, with all it looked at.
    pub decision: Decision,
    /// Facts the decision depends on.
    pub guard: Guard,
    /// Its command, once signed.
    pub command: Option<CommandId>,
    /// Raised by every change; a writer with an older one loses.
    pub version: u64,
    /// When it was proposed.
    pub opened_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
    /// When it ended.
    pub closed_at: Option<Timestamp>,
    /// While it waits for a person or a machine: when it expires.
    pub expires_at: Timestamp,
    /// A person agreed and may still take it back: nothing is ordered before.
    pub held_until: Option<Timestamp>,
    /// The step of a workflow that proposed it.
    pub parent: Option<Parent>,
}

/// A try of a step of a workflow's run.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Parent {
    /// The workflow's run.
    pub run: RunId,
    /// The step.
    pub step: StepKey,
    /// Which try.
    pub attempt: u32,
}

/// Where a run stands.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum RunState {
    /// For a person.
    Waiting,
    /// To be sent as soon as its machine is connected.
    Ready,
    /// Written to the connection.
    Sent,
    /// In the machine's journal.
    Working,
    /// Done and live; watched.
    Checking,
    /// Ended; never changes again.
    Done(Done),
}

/// How a run ended.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Done {
    /// Done and verified.
    Succeeded,
    /// Not done; what was true before is true now.
    Failed,
    /// Done, found bad, undone.
    RolledBack,
    /// Policy said no.
    Denied,
    /// A person said no.
    Rejected,
    /// Nobody decided, or the machine did not come back, in time.
    Expired,
    /// Stopped on request.
    Cancelled,
}

impl Run {
    /// Whether it has ended.
    pub const fn is_done(&self) -> bool {
        matches!(self.state, RunState::Done(_))
    }

    /// Whether an approval is held back at `now`.
    pub fn is_held(&self, now: Timestamp) -> bool {
        self.held_until.is_some_and(|until| now < until)
    }
}

impl RunState {
    /// Word and, for ended runs, the second word: what the database and the API hold.
    pub const fn words(self) -> (&'static str, Option<&'static str>) {
        match self {
            Self::Waiting => ("waiting", None),
            Self::Ready => ("ready", None),
            Self::Sent => ("sent", None),
            Self::Working => ("working", None),
            Self::Checking => ("checking", None),
            Self::Done(done) => ("done", Some(done.word())),
        }
    }

    /// Reads [`RunState::words`] back.
    pub fn from_words(state: &str, done: Option<&str>) -> Option<Self> {
        Some(match (state, done) {
            ("waiting", None) => Self::Waiting,
            ("ready", None) => Self::Ready,
            ("sent", None) => Self::Sent,
            ("working", None) => Self::Working,
            ("checking", None) => Self::Checking,
            ("done", Some(word)) => Self::Done(Done::ALL.into_iter().find(|done| done.word() == word)?),
            _ => return None,
        })
    }
}

impl Done {
    /// All of them.
    pub const ALL: [Self; 7] =
        [Self::Succeeded, Self::Failed, Self::RolledBack, Self::Denied, Self::Rejected, Self::Expired, Self::Cancelled];

    /// The word in the database and the API.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Succeeded => "succeeded",
            Self::Failed => "failed",
            Self::RolledBack => "rolledBack",
            Self::Denied => "denied",
            Self::Rejected => "rejected",
            Self::Expired => "expired",
            Self::Cancelled => "cancelled",
        }
    }
}

impl fmt::Display for RunState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (state, done) = self.words();
        f.write_str(done.unwrap_or(state))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn states_read_back() {
        let open = [RunState::Waiting, RunState::Ready, RunState::Sent, RunState::Working, RunState::Checking];
        for state in open.into_iter().chain(Done::ALL.map(RunState::Done)) {
            let (word, done) = state.words();
            assert_eq!(RunState::from_words(word, done), Some(state));
        }
        assert_eq!(RunState::from_words("done", None), None);
        assert_eq!(RunState::from_words("done", Some("x")), None);
    }
}
