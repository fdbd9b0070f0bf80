//! A workflow as people write it: JSON or YAML. The shape only; [`super::definition`] decides whether it makes sense.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::schedule::{Missed, Schedule, ScheduleError};
use super::span::Span;
use super::webhook::{Encoding, HeaderName, Scheme};

/// The version of this form.
pub const VERSION: u32 = 1;
/// Bytes of a document at the most: 1 MiB.
pub const MAX_BYTES: usize = 1 << 20;
/// Characters of a step's id at the most.
pub const MAX_ID_CHARS: usize = 64;

/// A workflow: steps, and what starts them.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Document {
    /// Version of this form: 1.
    pub workflow: u32,
    /// Its name within the project: `a-z`, `0-9` and `-`.
    pub name: String,
    /// What it is for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// A JSON Schema of its input; an object. Without one it takes no input.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub inputs: Option<Value>,
    /// What starts it besides people.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub triggers: Vec<Trigger>,
    /// How many of it run at a time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub concurrency: Option<Concurrency>,
    /// The whole takes no longer; 30 days unless it says otherwise.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timeout: Option<Span>,
    /// What is done. A step begins when those it needs have ended.
    pub steps: Vec<Step>,
    /// Done last when a step has failed, before the whole ends as failed.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub on_failure: Vec<Step>,
    /// Its output: a value whose texts may hold `${{ … }}`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub output: Option<Value>,
    /// A JSON Schema of that output, checked when it ends.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub outputs: Option<Value>,
}

/// One step. Exactly one of the kinds stands in it.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Step {
    /// Its id, unique in the whole workflow: `a-z`, `0-9` and `_`, begins with a letter.
    pub id: String,
    /// What people read instead of the id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// Ids of the steps beside it that have to end first; the step before it unless given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub needs: Option<Vec<String>>,
    /// Only if this expression holds; else it is skipped, which ends it well.
    #[serde(default, rename = "if", skip_serializing_if = "Option::is_none")]
    pub condition: Option<String>,
    /// Arguments of its kind; texts may hold `${{ … }}`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub with: Option<Value>,
    /// Tried again when it fails.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry: Option<Retry>,
    /// One try takes no longer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timeout: Option<Span>,
    /// Done when it has failed for good; if these end well, so has it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub catch: Vec<Step>,
    /// Its failure stops nothing.
    #[serde(default, skip_serializing_if = "is_false")]
    pub allow_failure: bool,

    /// A change, by the name of its action: `app.deploy`. Goes through policy as any other.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub action: Option<String>,
    /// A read of the API, by its path: `/apps/${{ inputs.app }}/releases`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub query: Option<String>,
    /// A person decides.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub approval: Option<Approval>,
    /// Time passes, or something happens.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub wait: Option<Wait>,
    /// The same steps for each item of a list.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub map: Option<Map>,
    /// The steps of the first case that holds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub branch: Option<Vec<Case>>,
    /// Another workflow of the project, by its name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub workflow: Option<String>,
    /// A tool of an MCP adapter.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tool: Option<String>,
    /// An AI agent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub agent: Option<String>,
    /// A script in a sandbox.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub script: Option<Value>,
}

/// How often and when a failed step is tried again.
#[derive(Clone, Copy, PartialEq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Retry {
    /// Tries in all, the first one included: 2 to 100.
    pub attempts: u32,
    /// Before the second try; 1 s unless given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub delay: Option<Span>,
    /// Each wait is this many times the one before: 1 to 10; 2 unless given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub factor: Option<f64>,
    /// No wait is longer; 5 min unless given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_delay: Option<Span>,
    /// Each wait is up to this share shorter, so that not all come back at once: 0 to 1; 0.5 unless given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub jitter: Option<f64>,
}

/// What a person is asked.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Approval {
    /// The question; may hold `${{ … }}`.
    pub message: String,
    /// Facts shown beside it. A decision counts for exactly these.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub show: Option<Value>,
    /// Nobody decided until then: the step fails. 72 h unless given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires: Option<Span>,
    /// Nobody decided until then: it is marked as pressing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub escalate_after: Option<Span>,
}

/// What a step waits for: a length of time, a moment, or an event.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Wait {
    /// This long.
    #[serde(default, rename = "for", skip_serializing_if = "Option::is_none")]
    pub span: Option<Span>,
    /// Until a moment: an expression that gives milliseconds since 1970 or an RFC 3339 text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<String>,
    /// Until an event of this name is sent to the run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub event: Option<String>,
}

/// Steps for each item of a list.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Map {
    /// An expression that gives the list. In the steps `item` is the item and `index` its place.
    pub over: String,
    /// Items at a time: 1 to 1,000; 10 unless given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit: Option<u32>,
    /// For each item.
    pub steps: Vec<Step>,
    /// What an item comes to; the output of its last step unless given. The map's output is the list of these.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub output: Option<Value>,
}

/// One way of a branch.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Case {
    /// Taken if this holds; the last case may stand without.
    #[serde(default, rename = "if", skip_serializing_if = "Option::is_none")]
    pub condition: Option<String>,
    /// Its steps; may be none.
    pub steps: Vec<Step>,
}

/// How many executions run at a time.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Concurrency {
    /// Those with the same key count together; may hold `${{ … }}` of the inputs. All of the workflow unless given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
    /// So many: 1 to 1,000.
    pub limit: u32,
    /// What becomes of one too many.
    #[serde(default)]
    pub on_limit: OnLimit,
}

/// What becomes of an execution that is one too many.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum OnLimit {
    /// It waits for its turn.
    #[default]
    Queue,
    /// It is refused.
    Refuse,
    /// The oldest is cancelled.
    Replace,
}

/// What starts a workflow besides people. Exactly one of the kinds stands in it.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Trigger {
    /// A name for it, unique in the workflow.
    pub id: String,
    /// At moments of a calendar.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cron: Option<Cron>,
    /// A signed request.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub webhook: Option<Webhook>,
    /// The input it starts with; texts may hold `${{ trigger.… }}`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub input: Option<Value>,
}

/// At moments of a calendar.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Cron {
    /// Five fields, or `@daily` and the like.
    pub at: String,
    /// Whose calendar: `Europe/Berlin`; UTC unless given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timezone: Option<String>,
    /// What becomes of moments that passed while nobody was there: `skip`, `once` or `all`; `once` unless given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub missed: Option<String>,
}

/// A signed request.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Webhook {
    /// How it is signed: `standard`, `github`, `hmac-sha256` or `token`.
    pub scheme: String,
    /// The secret of the project that signs it, by its name.
    pub secret: String,
    /// The header that holds the signature, for `hmac-sha256` and `token`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub header: Option<String>,
}

impl Webhook {
    /// How its requests are signed.
    ///
    /// # Errors
    /// A scheme that there is not, or a header that can be none.
    pub fn scheme(&self) -> Result<Scheme, &'static str> {
        let header = || {
            let name = self.header.as_deref().unwrap_or_default();
            HeaderName::parse(name).map_err(|_| "its header's name can be none")
        };
        match self.scheme.as_str() {
            "standard" => Ok(Scheme::Standard),
            "github" => Ok(Scheme::GitHub),
            "hmac-sha256" => Ok(Scheme::HmacSha256 { header: header()?, encoding: Encoding::Hex }),
            "token" => Ok(Scheme::Token { header: header()? }),
            _ => Err("there is no such scheme"),
        }
    }
}

impl Cron {
    /// Its calendar.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn schedule(&self) -> Result<Schedule, ScheduleError> {
        let missed = self.missed.as_deref().map_or(Ok(Missed::Once), str::parse)?;
        Schedule::parse(&self.at, self.timezone.as_deref().unwrap_or("UTC"), missed)
    }
}

/// Whether a text can be a step's id.
pub fn is_step_id(text: &str) -> bool {
    text.len() <= MAX_ID_CHARS
        && text.starts_with(|c: char| c.is_ascii_lowercase())
        && text.chars().all(|c| matches!(c, 'a'..='z' | '0'..='9' | '_'))
}

/// The JSON Schema of [`Document`], as it is published.
pub fn schema() -> Value {
    let mut schema = schemars::schema_for!(Document);
    schema.insert("title".to_owned(), "ServerFlow workflow".into());
    schema.to_value()
}

fn is_false(value: &bool) -> bool {
    !*value
}
