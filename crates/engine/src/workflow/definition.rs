//! A workflow that makes sense: its document, checked as a whole and laid out for execution.

use std::collections::HashMap;
use std::time::Duration;

use serde::Serialize;
use serde_json::Value;
use sf_actions::Spec;
use sf_types::{Slug, Timestamp};
use sha2::{Digest, Sha256};

use super::document::{self, Document, OnLimit};
use super::expr::{Expr, Template};

mod compile;
mod contract;
mod graph;
mod read;
mod references;

pub use compile::action_of;
pub use contract::Contract;

/// Steps of a definition at the most, those within others included.
pub const MAX_STEPS: usize = 2_000;
/// Blocks within blocks at the most.
pub const MAX_NESTING: usize = 8;
/// Problems told of at the most.
pub const MAX_PROBLEMS: usize = 50;
/// Items of a map at the most.
pub const MAX_ITEMS: usize = 10_000;
/// Items of a map at a time at the most.
pub const MAX_ITEMS_AT_A_TIME: u32 = 1_000;
/// Items of a map at a time unless told otherwise.
pub const ITEMS_AT_A_TIME: u32 = 10;
/// Triggers of a definition at the most.
pub const MAX_TRIGGERS: usize = 20;
/// How long an execution may take unless told otherwise: 30 days.
pub const TIMEOUT: Duration = Duration::from_secs(30 * 86_400);
/// How long a person has to decide unless told otherwise: 72 h.
pub const APPROVAL_EXPIRES: Duration = Duration::from_secs(72 * 3_600);
/// How long one try of a step may take unless told otherwise: 1 h.
pub const STEP_TIMEOUT: Duration = Duration::from_secs(3_600);

/// What is wrong with a document, and where.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Problem {
    /// Where: `steps[2].with.app`.
    pub place: String,
    /// What is wrong there.
    pub message: String,
    /// What to do.
    pub fix: String,
}

/// A checked workflow.
#[derive(Debug)]
pub struct Definition {
    /// Its name.
    pub name: Slug,
    /// What it is for.
    pub description: Option<String>,
    /// SHA-256 of the document in its plain form, in hex.
    pub hash: String,
    /// The document it was made from.
    pub document: Document,
    pub(crate) inputs: Contract,
    pub(crate) outputs: Option<Contract>,
    pub(crate) blocks: Vec<Block>,
    pub(crate) root: BlockId,
    pub(crate) on_failure: Option<BlockId>,
    pub(crate) output: Option<Template>,
    pub(crate) places: HashMap<Box<str>, (BlockId, usize)>,
    /// The whole takes no longer.
    pub timeout: Duration,
    /// How many run at a time.
    pub concurrency: Option<Concurrency>,
    /// What starts it.
    pub triggers: Vec<Trigger>,
}

/// Which block of a definition.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(crate) struct BlockId(pub(crate) u32);

/// Steps beside each other.
#[derive(Debug)]
pub(crate) struct Block {
    /// The step it is within.
    pub(crate) parent: Option<(BlockId, usize)>,
    pub(crate) steps: Vec<Step>,
    /// Places of the steps, each behind what it needs.
    pub(crate) order: Vec<usize>,
    /// For each step: which others have certainly ended when it begins.
    before: Vec<Vec<u64>>,
    /// What it comes to; the output of its last step where there is none.
    pub(crate) output: Option<Template>,
}

#[derive(Debug)]
pub(crate) struct Step {
    pub(crate) id: Box<str>,
    pub(crate) title: Option<String>,
    pub(crate) needs: Vec<usize>,
    pub(crate) dependants: Vec<usize>,
    pub(crate) condition: Option<Expr>,
    pub(crate) kind: Kind,
    pub(crate) retry: Option<Retry>,
    pub(crate) timeout: Duration,
    pub(crate) catch: Option<BlockId>,
    pub(crate) allow_failure: bool,
}

#[derive(Debug)]
pub(crate) enum Kind {
    Action { spec: &'static Spec, with: Template },
    Query { path: Template },
    Workflow { name: Slug, with: Template },
    Approval { message: Template, show: Template, expires: Duration, escalates: Option<Duration> },
    Wait(Wait),
    Map { over: Expr, limit: u32, block: BlockId },
    Branch { cases: Vec<(Option<Expr>, BlockId)> },
}

#[derive(Debug)]
pub(crate) enum Wait {
    For(Duration),
    Until(Expr),
    /// The step's time limit is how long it waits.
    Event(String),
}

#[derive(Clone, Copy, Debug)]
pub(crate) struct Retry {
    pub(crate) attempts: u32,
    delay: Duration,
    factor: f64,
    max_delay: Duration,
    jitter: f64,
}

impl Retry {
    /// How long after try `attempt` (from 1) the next one begins; `draw` from 0 to 1 decides within the jitter.
    pub(crate) fn wait(&self, attempt: u32, draw: f64) -> Duration {
        let exponent = i32::try_from(attempt.saturating_sub(1)).unwrap_or(i32::MAX);
        let grown = self.delay.as_secs_f64() * self.factor.powi(exponent);
        let capped = grown.min(self.max_delay.as_secs_f64());
        Duration::try_from_secs_f64(capped * (1.0 - self.jitter * draw)).unwrap_or(self.max_delay)
    }
}

/// How many executions run at a time.
#[derive(Debug)]
pub struct Concurrency {
    /// Those with the same key count together.
    pub key: Option<Template>,
    /// So many.
    pub limit: u32,
    /// What becomes of one too many.
    pub on_limit: OnLimit,
}

/// What starts it.
#[derive(Debug)]
pub struct Trigger {
    /// Its name.
    pub id: String,
    /// When or by what.
    pub kind: document::Trigger,
    /// The input it starts with.
    pub input: Template,
}

/// What is there to be used by workflows.
#[derive(Clone, Copy, Debug, Default)]
pub struct Installed {
    /// Tools of MCP adapters.
    pub tools: bool,
    /// AI agents.
    pub agents: bool,
    /// Sandboxed scripts.
    pub scripts: bool,
}

impl Definition {
    /// Reads and checks a document, JSON or YAML.
    ///
    /// # Errors
    /// Everything that is wrong with it, at the most [`MAX_PROBLEMS`].
    pub fn parse(text: &str, installed: Installed) -> Result<Self, Vec<Problem>> {
        Self::compile(read::read(text)?, installed)
    }

    /// Reads a document and checks nothing but its form: for what can be said of it while it is still wrong.
    ///
    /// # Errors
    /// Why it is no document.
    pub fn read(text: &str) -> Result<Document, Vec<Problem>> {
        read::read(text)
    }

    /// Checks a document.
    ///
    /// # Errors
    /// Everything that is wrong with it, at the most [`MAX_PROBLEMS`].
    pub fn compile(document: Document, installed: Installed) -> Result<Self, Vec<Problem>> {
        compile::compile(document, installed)
    }

    /// Names of the workflows that its steps run.
    pub fn children(&self) -> impl Iterator<Item = &Slug> {
        self.blocks.iter().flat_map(|block| &block.steps).filter_map(|step| match &step.kind {
            Kind::Workflow { name, .. } => Some(name),
            _ => None,
        })
    }

    /// Names of the actions that its steps propose.
    pub fn actions(&self) -> impl Iterator<Item = &'static Spec> {
        self.blocks.iter().flat_map(|block| &block.steps).filter_map(|step| match &step.kind {
            Kind::Action { spec, .. } => Some(*spec),
            _ => None,
        })
    }

    /// Steps in the order in which they stand.
    pub fn steps(&self) -> usize {
        self.places.len()
    }

    /// Refuses input that is not as the workflow wants it.
    ///
    /// # Errors
    /// Each place that is wrong.
    pub fn check_input(&self, input: &Value) -> Result<(), Vec<Problem>> {
        self.inputs.check(input, "input")
    }

    /// When an execution that begins at `now` has to have ended.
    pub fn deadline(&self, now: Timestamp) -> Timestamp {
        now.plus(self.timeout)
    }

    pub(crate) fn block(&self, id: BlockId) -> &Block {
        &self.blocks[id.0 as usize]
    }

    pub(crate) fn step(&self, block: BlockId, step: usize) -> &Step {
        &self.block(block).steps[step]
    }
}

impl Block {
    /// Whether `other` has certainly ended when `step` begins.
    pub(crate) fn is_before(&self, other: usize, step: usize) -> bool {
        self.before[step][other / 64] >> (other % 64) & 1 == 1
    }
}

impl Kind {
    /// The word of the document.
    pub(crate) const fn word(&self) -> &'static str {
        match self {
            Self::Action { .. } => "action",
            Self::Query { .. } => "query",
            Self::Workflow { .. } => "workflow",
            Self::Approval { .. } => "approval",
            Self::Wait(_) => "wait",
            Self::Map { .. } => "map",
            Self::Branch { .. } => "branch",
        }
    }
}

/// SHA-256 of a document in its plain form: the same workflow has the same hash, however it was written.
fn hash(document: &Document) -> String {
    let plain = serde_json::to_vec(document).expect("a document is made of texts, numbers, lists and maps of texts");
    Sha256::digest(plain).iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests;
