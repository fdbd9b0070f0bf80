//! One call of a tool, and what comes of it: all that the two rooms of this crate tell each other.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Map, Value, json};
use sf_actions::{AccessScope, Actor};
use sf_types::{ApprovalId, Fault, RequestId, RunId, Timestamp};

/// What stands behind the protocol: ServerFlow's own tools, or the fixtures of the conformance runner.
///
/// Cheap to clone; every request may get a clone of its own, so nothing in it belongs to a session.
pub trait Toolbox: Clone + Send + Sync + 'static {
    /// What a host is told first: what this is good for, and when to use it; at most 2 KB.
    fn instructions(&self) -> String;

    /// The tools these scopes reach, in an order that never changes.
    fn list(&self, scopes: &[AccessScope]) -> Vec<ToolSpec>;

    /// Calls a tool. Dropping the call ends nothing that it began.
    fn call(&self, call: Call) -> impl Future<Output = Outcome> + Send;

    /// Addresses that can be read, and templates of such, that these scopes reach; in an order that never changes.
    fn resources(&self, scopes: &[AccessScope]) -> Vec<ResourceSpec>;

    /// Reads what is at an address.
    ///
    /// # Errors
    /// `NotFound` where nothing is for this caller, and for addresses that are none.
    fn read(&self, caller: &Caller, uri: &str) -> impl Future<Output = Result<Reading, Fault>> + Send;

    /// Texts a person can start from; in an order that never changes.
    fn prompts(&self) -> Vec<PromptSpec>;

    /// One of them, filled in: what the person would say.
    ///
    /// # Errors
    /// `NotFound`, or `Invalid` where an argument is missing or wrong.
    fn prompt(&self, name: &str, arguments: &Map<String, Value>) -> Result<String, Fault>;

    /// How an argument could go on: at most 100 values, the likeliest first. Nothing for what it does not know.
    fn complete(&self, caller: &Caller, partial: Partial) -> impl Future<Output = Vec<String>> + Send;
}

/// Something that can be read.
#[derive(Clone, Debug)]
pub struct ResourceSpec {
    /// Its address, or a template by RFC 6570 level 1: `serverflow://servers/{id}`.
    pub uri: &'static str,
    /// `[a-z_]`.
    pub name: &'static str,
    /// For people.
    pub title: &'static str,
    /// What is in it.
    pub description: &'static str,
    /// What reading it answers with.
    pub mime: &'static str,
    /// What it needs to be listed.
    pub scope: AccessScope,
}

impl ResourceSpec {
    /// Whether it stands for many.
    pub fn is_template(&self) -> bool {
        self.uri.contains('{')
    }
}

/// What was read.
#[derive(Clone, Debug)]
pub struct Reading {
    /// Of `text`.
    pub mime: &'static str,
    /// The whole of it; what others wrote stands between the lines of a boundary.
    pub text: String,
}

/// A text a person can start from.
#[derive(Clone, Debug)]
pub struct PromptSpec {
    /// `[a-z_]`.
    pub name: &'static str,
    /// For people.
    pub title: &'static str,
    /// What it is for.
    pub description: &'static str,
    /// What is filled in: name, meaning, whether it has to be.
    pub arguments: Vec<(&'static str, &'static str, bool)>,
}

/// An argument that is being typed.
#[derive(Clone, Debug)]
pub struct Partial {
    /// Of which prompt, or of which template of resources.
    pub of: PartOf,
    /// The argument, or the variable of the template.
    pub argument: String,
    /// What is there so far; at most 200 characters.
    pub value: String,
}

/// What an argument belongs to.
#[derive(Clone, Debug)]
pub enum PartOf {
    /// A prompt, by name.
    Prompt(String),
    /// A template, by its text.
    Template(String),
}

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
    /// JSON Schema 2020-12 of its structured answer. Of a tool that changes something it has to admit [`Held::structured`]
    /// as well, since a host may refuse an answer that is not by its schema: `status` is any text there, and only `next`
    /// and `status` are required.
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

impl Held {
    /// As an answer: `{status: "pending_approval", approval_id, run_id, url, expires_at, summary, why, next}`.
    pub fn structured(&self) -> Value {
        let next = json!([{ "tool": "approvals", "why": "Ask whether a person has decided. Do not repeat the call." }]);
        json!({
            "status": "pending_approval", "approval_id": self.approval, "run_id": self.run, "url": self.url,
            "expires_at": self.expires_at.to_string(), "summary": self.summary, "why": self.why, "next": next,
        })
    }
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
