//! One call of a tool, and what comes of it: all that the two rooms of this crate tell each other.

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Map, Value};
use sf_actions::{AccessScope, Actor};
use sf_types::{ApprovalId, Fault, RequestId, RunId, Timestamp};

/// Who calls: an AI's actor, never a person's.
#[derive(Clone, Debug)]
pub struct Caller {
    /// Its rights are its person's, within its scopes.
    pub actor: Actor,
    /// What it was granted; for an API key, the scopes that its rights fill.
    pub scopes: Arc<[AccessScope]>,
    /// What the host calls itself, for people to read: never trusted, at most 120 characters.
    pub client: String,
}

/// What the host can do besides being answered. Said by itself, at each call or at its session's start.
#[derive(Clone, Copy, Debug, Default)]
pub struct Abilities {
    /// Ask its person with a form.
    pub forms: bool,
    /// Send its person to a page.
    pub links: bool,
    /// Follow a task.
    pub tasks: bool,
}

/// A call of a tool.
#[derive(Clone, Debug)]
pub struct Call {
    /// Who.
    pub caller: Caller,
    /// The request it came in.
    pub request: RequestId,
    /// The tool's name, as the host wrote it.
    pub tool: String,
    /// Its arguments, as the host wrote them.
    pub arguments: Map<String, Value>,
    /// What the host can do.
    pub abilities: Abilities,
    /// How long the call may wait for what it began: at most 30 s. A call that is dropped ends nothing it began.
    pub patience: Duration,
}

/// What a tool is, in the list.
#[derive(Clone, Debug)]
pub struct ToolSpec {
    /// `[a-z_]`, at most 64 characters.
    pub name: &'static str,
    /// For people.
    pub title: &'static str,
    /// When to use it first, then how; at most 2 KB.
    pub description: &'static str,
    /// JSON Schema 2020-12 of its arguments: flat, without unions.
    pub input: Map<String, Value>,
    /// JSON Schema 2020-12 of its structured answer.
    pub output: Map<String, Value>,
    /// What it needs at least to be listed.
    pub scope: AccessScope,
    /// It changes nothing.
    pub read_only: bool,
    /// What it changes may be lost. Never said of a tool that only reads.
    pub destructive: bool,
    /// A second call with the same arguments changes nothing more.
    pub idempotent: bool,
}

/// What a call came to.
#[derive(Clone, Debug)]
pub enum Outcome {
    /// It is done, or nothing had to be.
    Done(Answer),
    /// A person has to decide first.
    Held(Held),
    /// Not now, not so, or not by this caller: the model can read why and what to do. In the protocol a result with `isError`.
    Refused(Refusal),
    /// It lacks scopes: all that this call needs. In the protocol a challenge, so that the host can ask for more.
    Scopes(Vec<AccessScope>),
    /// There is no such tool for this caller. In the protocol an error.
    Unknown,
}

/// What a tool says.
#[derive(Clone, Debug)]
pub struct Answer {
    /// By the tool's output schema; holds `next`.
    pub structured: Value,
    /// The same for those who read text: parts of it that others wrote stand between the lines of a boundary.
    pub text: String,
    /// Holds words that others wrote (logs, files, names): the conversation is tainted from here on.
    pub untrusted: bool,
    /// Things that can be read later, instead of being here: address and title.
    pub links: Vec<(String, String)>,
}

/// What waits for a person.
#[derive(Clone, Debug)]
pub struct Held {
    /// The card.
    pub approval: ApprovalId,
    /// The run that waits.
    pub run: RunId,
    /// Where a person decides it.
    pub url: String,
    /// What would happen, in a few sentences: no word of it is the caller's.
    pub summary: String,
    /// Why it asks.
    pub why: String,
    /// It is over then.
    pub expires_at: Timestamp,
}

/// Why not.
#[derive(Clone, Debug)]
pub struct Refusal {
    /// Code, words and what to do.
    pub fault: Fault,
    /// Whether the same call may be made again without doing anything twice.
    pub retry_safe: bool,
    /// Suggested calls: the tool and why.
    pub next: Vec<(String, String)>,
}
