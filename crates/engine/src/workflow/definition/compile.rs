//! From a document to a definition. Everything that is wrong is collected, so that a person mends it in one go.

mod starts;

use std::collections::HashMap;
use std::time::Duration;

use serde_json::Value;
use sf_actions::{Action, Effect as ActionEffect, Spec};

use super::graph::{Graph, Unmet};
use super::{
    APPROVAL_EXPIRES, Block, BlockId, Contract, Definition, ITEMS_AT_A_TIME, Installed, Kind, MAX_ITEMS_AT_A_TIME,
    MAX_NESTING, MAX_PROBLEMS, MAX_STEPS, Problem, Retry, STEP_TIMEOUT, Step, TIMEOUT, Wait, references,
};
use crate::workflow::document::{self as doc, Document};
use crate::workflow::expr::{Expr, ExprError, Template};
use crate::workflow::span::Span;

/// Families of actions that only people propose: they are about who may do what, or decide for people.
const FOR_PEOPLE: [&str; 7] = ["run.", "token.", "role.", "user.", "factor.", "tenant.", "policy."];

pub(super) fn compile(document: Document, installed: Installed) -> Result<Definition, Vec<Problem>> {
    let mut compiler = Compiler { installed, problems: Vec::new(), blocks: Vec::new(), places: HashMap::new() };
    // Before anything that takes time for each step.
    let steps = count(&document);
    if steps > MAX_STEPS {
        let message = format!("It has {steps} steps, {MAX_STEPS} are allowed.");
        return Err(vec![problem("steps", message, "Split it: a step `workflow` runs another one.")]);
    }
    let definition = compiler.document(document);
    let Compiler { mut problems, .. } = compiler;
    match definition {
        Some(definition) if problems.is_empty() => {
            references::check(&definition, &mut problems);
            if problems.is_empty() { Ok(definition) } else { Err(cut(problems)) }
        }
        _ => Err(cut(problems)),
    }
}

fn cut(mut problems: Vec<Problem>) -> Vec<Problem> {
    problems.truncate(MAX_PROBLEMS);
    problems
}

pub(super) fn problem(place: impl Into<String>, message: impl Into<String>, fix: impl Into<String>) -> Problem {
    Problem { place: place.into(), message: message.into(), fix: fix.into() }
}

/// Says where an expression stands.
pub(super) fn wrong(place: &str, error: &ExprError) -> Problem {
    let place = match &error.place {
        Some(within) => format!("{place}{}", within.replace('/', ".")),
        None => place.to_owned(),
    };
    let message = match error.column {
        Some(column) => format!("{} (column {column})", error.message),
        None => error.message.clone(),
    };
    problem(place, message, error.fix.clone())
}

/// Steps of a document, however deep.
fn count(document: &Document) -> usize {
    fn of(steps: &[doc::Step]) -> usize {
        let within = |step: &doc::Step| {
            let map = step.map.as_ref().map_or(0, |map| of(&map.steps));
            let branch = step.branch.iter().flatten().map(|case| of(&case.steps)).sum::<usize>();
            1 + map + branch + of(&step.catch)
        };
        steps.iter().map(within).sum()
    }
    of(&document.steps) + of(&document.on_failure)
}

struct Compiler {
    installed: Installed,
    problems: Vec<Problem>,
    blocks: Vec<Block>,
    places: HashMap<Box<str>, (BlockId, usize)>,
}

impl Compiler {
    fn refuse(&mut self, place: impl Into<String>, message: impl Into<String>, fix: impl Into<String>) {
        if self.problems.len() < MAX_PROBLEMS {
            self.problems.push(problem(place, message, fix));
        }
    }

    fn document(&mut self, document: Document) -> Option<Definition> {
        let name = match document.name.parse() {
            Ok(name) => Some(name),
            Err(why) => {
                self.refuse("name", format!("The name is refused: {why}."), "Write it like `staged-deploy`.");
                None
            }
        };
        if document.steps.is_empty() {
            self.refuse("steps", "There are no steps.", "Write at least one.");
        }
        let inputs = self.contract("inputs", document.inputs.as_ref()).unwrap_or_else(Contract::nothing);
        let outputs = self.contract("outputs", document.outputs.as_ref());
        let root = self.block(&document.steps, "steps", None, 0);
        let on_failure = match document.on_failure.as_slice() {
            [] => None,
            steps => Some(self.block(steps, "onFailure", None, 0)),
        };
        let output = document.output.as_ref().and_then(|value| self.template("output", value));
        let timeout = self.positive("timeout", document.timeout).unwrap_or(TIMEOUT);
        let concurrency = document.concurrency.as_ref().and_then(|wanted| self.concurrency(wanted));
        let triggers = self.triggers(&document.triggers);
        Some(Definition {
            name: name?,
            description: document.description.clone(),
            hash: super::hash(&document),
            inputs,
            outputs,
            blocks: std::mem::take(&mut self.blocks),
            root,
            on_failure,
            output,
            places: std::mem::take(&mut self.places),
            timeout,
            concurrency,
            triggers,
            document,
        })
    }

    fn contract(&mut self, place: &str, schema: Option<&Value>) -> Option<Contract> {
        match Contract::new(schema?) {
            Ok(contract) => Some(contract),
            Err(why) => {
                self.refuse(place, format!("It is no JSON Schema: {why}."), "See json-schema.org.");
                None
            }
        }
    }

    fn block(&mut self, docs: &[doc::Step], place: &str, parent: Option<(BlockId, usize)>, depth: usize) -> BlockId {
        let id = BlockId(u32::try_from(self.blocks.len()).unwrap_or(u32::MAX));
        self.blocks.push(Block { parent, steps: Vec::new(), order: Vec::new(), before: Vec::new(), output: None });
        if depth > MAX_NESTING {
            self.refuse(
                place,
                format!("Steps stand more than {MAX_NESTING} deep in others."),
                "Use a step `workflow`.",
            );
            return id;
        }
        for (at, step) in docs.iter().enumerate() {
            let place = format!("{place}[{at}]");
            if !doc::is_step_id(&step.id) {
                let fix = "Begin with a letter and use `a-z`, `0-9` and `_`: at the most 64.";
                self.refuse(format!("{place}.id"), format!("`{}` can be no id.", cut_text(&step.id)), fix);
            } else if self.places.insert(step.id.as_str().into(), (id, at)).is_some() {
                let message = format!("There are two steps `{}`.", step.id);
                self.refuse(format!("{place}.id"), message, "Ids are unique in the whole workflow.");
            }
        }
        let graph = match Graph::of(docs) {
            Ok(graph) => graph,
            Err(unmet) => {
                unmet.into_iter().for_each(|unmet| self.unmet(docs, place, unmet));
                return id;
            }
        };
        for (at, step) in docs.iter().enumerate() {
            let place = format!("{place}[{at}]");
            if let Some(step) = self.step(step, &place, (id, at), &graph, depth) {
                self.blocks[id.0 as usize].steps.push(step);
            }
        }
        let block = &mut self.blocks[id.0 as usize];
        (block.order, block.before) = (graph.order, graph.before);
        id
    }

    fn unmet(&mut self, docs: &[doc::Step], place: &str, unmet: Unmet) {
        match unmet {
            Unmet::Unknown { step, need } => {
                let name = docs[step].needs.as_ref().map_or("", |needs| &needs[need]);
                let message = format!("There is no step `{}` beside it.", cut_text(name));
                self.refuse(format!("{place}[{step}].needs[{need}]"), message, "Name a step of the same list.");
            }
            Unmet::Cycle(cycle) => {
                let ids: Vec<_> = cycle.iter().take(10).map(|at| docs[*at].id.as_str()).collect();
                let place = format!("{place}[{}].needs", cycle.first().copied().unwrap_or(0));
                let message = format!("These steps wait for each other in a circle: {}.", ids.join(" -> "));
                self.refuse(place, message, "Take one need away.");
            }
        }
    }

    fn step(
        &mut self,
        step: &doc::Step,
        place: &str,
        at: (BlockId, usize),
        graph: &Graph,
        depth: usize,
    ) -> Option<Step> {
        let kind = self.kind(step, place, at, depth);
        let condition = step.condition.as_ref().and_then(|text| self.expr(&format!("{place}.if"), text));
        let retry = step.retry.as_ref().and_then(|retry| self.retry(&format!("{place}.retry"), retry));
        let catch = match step.catch.as_slice() {
            [] => None,
            steps => Some(self.block(steps, &format!("{place}.catch"), Some(at), depth + 1)),
        };
        let timeout = self.positive(&format!("{place}.timeout"), step.timeout);
        let kind = kind?;
        if step.retry.is_some() && !matches!(kind, Kind::Action { .. } | Kind::Query { .. } | Kind::Workflow { .. }) {
            let message = format!("A step `{}` is never tried again.", kind.word());
            self.refuse(format!("{place}.retry"), message, "Give `retry` to the steps within it, or leave it out.");
        }
        let longest = match &kind {
            Kind::Action { spec, .. } => spec.time_limit.max(STEP_TIMEOUT),
            // They have limits of their own, or those of what is within them.
            Kind::Map { .. } | Kind::Branch { .. } | Kind::Workflow { .. } | Kind::Wait(_) => TIMEOUT,
            Kind::Approval { expires, .. } => *expires,
            Kind::Query { .. } => STEP_TIMEOUT,
        };
        Some(Step {
            id: step.id.as_str().into(),
            title: step.title.clone(),
            needs: graph.needs[at.1].clone(),
            dependants: graph.dependants[at.1].clone(),
            condition,
            kind,
            retry,
            timeout: timeout.unwrap_or(longest),
            catch,
            allow_failure: step.allow_failure,
        })
    }

    fn kind(&mut self, step: &doc::Step, place: &str, at: (BlockId, usize), depth: usize) -> Option<Kind> {
        let kinds = [
            ("action", step.action.is_some()),
            ("query", step.query.is_some()),
            ("approval", step.approval.is_some()),
            ("wait", step.wait.is_some()),
            ("map", step.map.is_some()),
            ("branch", step.branch.is_some()),
            ("workflow", step.workflow.is_some()),
            ("tool", step.tool.is_some()),
            ("agent", step.agent.is_some()),
            ("script", step.script.is_some()),
        ];
        let found: Vec<_> = kinds.iter().filter(|(_, there)| *there).map(|(word, _)| *word).collect();
        let [word] = found.as_slice() else {
            let fix = "Write exactly one of action, query, approval, wait, map, branch, workflow, tool, agent, script.";
            let message = match found.as_slice() {
                [] => "It does nothing.".to_owned(),
                several => format!("It does several things: {}.", several.join(", ")),
            };
            self.refuse(place, message, fix);
            return None;
        };
        if step.with.is_some() && !matches!(*word, "action" | "workflow" | "tool" | "agent" | "script") {
            let message = format!("A step `{word}` takes no `with`.");
            self.refuse(format!("{place}.with"), message, "Leave it out.");
        }
        let within = format!("{place}.{word}");
        match *word {
            "action" => self.action(step, place),
            "query" => self.query(&within, step.query.as_deref()?),
            "approval" => self.approval(&within, step.approval.as_ref()?),
            "wait" => self.wait(&within, step.wait.as_ref()?),
            "map" => self.map(&within, step.map.as_ref()?, at, depth),
            "branch" => self.branch(&within, step.branch.as_ref()?, at, depth),
            "workflow" => {
                let with = self.template(&format!("{place}.with"), step.with.as_ref().unwrap_or(&NOTHING))?;
                match step.workflow.as_deref()?.parse() {
                    Ok(name) => Some(Kind::Workflow { name, with }),
                    Err(why) => {
                        self.refuse(within, format!("That is no name of a workflow: {why}."), "Write its name.");
                        None
                    }
                }
            }
            kind => self.not_here(&within, kind),
        }
    }

    /// Kinds whose runner is not built yet or not switched on.
    fn not_here(&mut self, place: &str, kind: &str) -> Option<Kind> {
        let here = match kind {
            "tool" => self.installed.tools,
            "agent" => self.installed.agents,
            _ => self.installed.scripts,
        };
        debug_assert!(!here, "a kind that is installed has its own way in `kind`");
        let message = format!("Steps `{kind}` are not available on this installation.");
        self.refuse(place, message, "Use `action` or `query`, or install what runs them.");
        None
    }

    fn action(&mut self, step: &doc::Step, place: &str) -> Option<Kind> {
        let name = step.action.as_deref()?;
        let within = format!("{place}.action");
        let Some(spec) = Action::all_specs().find(|spec| spec.name == name) else {
            let near = nearest(name, Action::all_specs().map(|spec| spec.name));
            let message = format!("There is no action `{}`.", cut_text(name));
            self.refuse(within, message, format!("Did you mean `{near}`? docs/reference/actions.md lists them."));
            return None;
        };
        if FOR_PEOPLE.iter().any(|family| name.starts_with(family)) {
            let message =
                format!("`{name}` is for people: a workflow neither decides for them nor changes who may what.");
            self.refuse(within, message, "A step `approval` asks a person.");
            return None;
        }
        let with = self.template(&format!("{place}.with"), step.with.as_ref().unwrap_or(&NOTHING))?;
        if let Some(value) = references::constant(&with) {
            self.arguments(place, spec, &value);
        }
        Some(Kind::Action { spec, with })
    }

    /// Arguments without expressions are looked at now, not when it runs.
    fn arguments(&mut self, place: &str, spec: &Spec, value: &Value) {
        if let Err(why) = action_of(spec.name, value) {
            let kind = if spec.effect == ActionEffect::Destroy { " (which cannot be taken back)" } else { "" };
            let message = format!("`{}`{kind} does not take these arguments: {why}.", spec.name);
            self.refuse(format!("{place}.with"), message, "See docs/reference/actions.md.");
        }
    }

    fn query(&mut self, place: &str, path: &str) -> Option<Kind> {
        if !path.starts_with('/') || path.contains("..") || path.contains("://") {
            let message = format!("`{}` is no path of the API.", cut_text(path));
            self.refuse(place, message, "Write it without its first part: `/apps` for `/api/v1/apps`.");
            return None;
        }
        Some(Kind::Query { path: self.template(place, &Value::String(path.to_owned()))? })
    }

    fn approval(&mut self, place: &str, approval: &doc::Approval) -> Option<Kind> {
        let expires = self.positive(&format!("{place}.expires"), approval.expires).unwrap_or(APPROVAL_EXPIRES);
        let escalates = self.positive(&format!("{place}.escalateAfter"), approval.escalate_after);
        if escalates.is_some_and(|after| after >= expires) {
            let message = "It would be marked as pressing after it has expired.";
            self.refuse(format!("{place}.escalateAfter"), message, "Make it shorter than `expires`.");
        }
        let message = self.template(&format!("{place}.message"), &Value::String(approval.message.clone()))?;
        let show = self.template(&format!("{place}.show"), approval.show.as_ref().unwrap_or(&Value::Null))?;
        Some(Kind::Approval { message, show, expires, escalates })
    }

    fn wait(&mut self, place: &str, wait: &doc::Wait) -> Option<Kind> {
        match (wait.span, &wait.until, &wait.event) {
            (Some(span), None, None) => Some(Kind::Wait(Wait::For(span.duration()))),
            (None, Some(until), None) => Some(Kind::Wait(Wait::Until(self.expr(&format!("{place}.until"), until)?))),
            (None, None, Some(name)) if doc::is_step_id(name) => Some(Kind::Wait(Wait::Event(name.clone()))),
            (None, None, Some(name)) => {
                let message = format!("`{}` can be no name of an event.", cut_text(name));
                self.refuse(format!("{place}.event"), message, "Use `a-z`, `0-9` and `_`; begin with a letter.");
                None
            }
            _ => {
                self.refuse(place, "It waits for nothing or for several things.", "Write one of for, until, event.");
                None
            }
        }
    }

    fn map(&mut self, place: &str, map: &doc::Map, at: (BlockId, usize), depth: usize) -> Option<Kind> {
        let over = self.expr(&format!("{place}.over"), &map.over);
        let limit = map.limit.unwrap_or(ITEMS_AT_A_TIME);
        if limit == 0 || limit > MAX_ITEMS_AT_A_TIME {
            let message = format!("{limit} items at a time are not possible.");
            self.refuse(format!("{place}.limit"), message, format!("Write 1 to {MAX_ITEMS_AT_A_TIME}."));
        }
        if map.steps.is_empty() {
            self.refuse(format!("{place}.steps"), "There is nothing to do for an item.", "Write at least one step.");
        }
        let block = self.block(&map.steps, &format!("{place}.steps"), Some(at), depth + 1);
        let output = map.output.as_ref().and_then(|value| self.template(&format!("{place}.output"), value));
        self.blocks[block.0 as usize].output = output;
        Some(Kind::Map { over: over?, limit, block })
    }

    fn branch(&mut self, place: &str, cases: &[doc::Case], at: (BlockId, usize), depth: usize) -> Option<Kind> {
        let mut compiled = Vec::with_capacity(cases.len());
        if cases.is_empty() {
            self.refuse(place, "There is no case.", "Write at least one.");
        }
        for (nth, case) in cases.iter().enumerate() {
            let place = format!("{place}[{nth}]");
            if case.condition.is_none() && nth + 1 < cases.len() {
                self.refuse(&place, "Behind a case without `if` no other is ever taken.", "Put it last.");
            }
            let condition = case.condition.as_ref().map(|text| self.expr(&format!("{place}.if"), text));
            let block = self.block(&case.steps, &format!("{place}.steps"), Some(at), depth + 1);
            match condition {
                Some(None) => {}
                Some(Some(condition)) => compiled.push((Some(condition), block)),
                None => compiled.push((None, block)),
            }
        }
        Some(Kind::Branch { cases: compiled })
    }

    fn retry(&mut self, place: &str, retry: &doc::Retry) -> Option<Retry> {
        let delay = self.positive(&format!("{place}.delay"), retry.delay).unwrap_or(Duration::from_secs(1));
        let max_delay =
            self.positive(&format!("{place}.maxDelay"), retry.max_delay).unwrap_or(Duration::from_secs(300));
        let (factor, jitter) = (retry.factor.unwrap_or(2.0), retry.jitter.unwrap_or(0.5));
        let mut good = true;
        let mut check = |holds: bool, field: &str, found: String, fix: &str| {
            if !holds {
                good = false;
                self.refuse(format!("{place}.{field}"), format!("`{field}` is {found}."), fix);
            }
        };
        check((2..=100).contains(&retry.attempts), "attempts", retry.attempts.to_string(), "Write 2 to 100.");
        // NaN is in no range.
        check((1.0..=10.0).contains(&factor), "factor", factor.to_string(), "Write 1 to 10.");
        check((0.0..=1.0).contains(&jitter), "jitter", jitter.to_string(), "Write 0 to 1.");
        check(
            delay <= max_delay,
            "delay",
            Span::to_string(&retry.delay.unwrap_or(Span::secs(1))),
            "Not above `maxDelay`.",
        );
        good.then_some(Retry { attempts: retry.attempts, delay, factor, max_delay, jitter })
    }

    fn expr(&mut self, place: &str, text: &str) -> Option<Expr> {
        Expr::parse(text).map_err(|error| self.problems.push(wrong(place, &error))).ok()
    }

    fn template(&mut self, place: &str, value: &Value) -> Option<Template> {
        Template::parse(value).map_err(|error| self.problems.push(wrong(place, &error))).ok()
    }

    /// Zero is no length of time that anything could take.
    fn positive(&mut self, place: &str, span: Option<Span>) -> Option<Duration> {
        let span = span?;
        if span.is_zero() {
            self.refuse(place, "It is zero.", "Write a length of time, or leave it out.");
        }
        Some(span.duration())
    }
}

/// `{}`, where nothing is written.
static NOTHING: std::sync::LazyLock<Value> = std::sync::LazyLock::new(|| Value::Object(serde_json::Map::new()));

/// The action of this name with these arguments.
///
/// # Errors
/// Which argument is refused, and why.
pub fn action_of(name: &str, args: &Value) -> Result<Action, String> {
    let whole = serde_json::json!({ "action": name, "args": args });
    // `Action` is untagged over its families: its own error would only say that none matches.
    let family: Result<Action, _> = serde_path_to_error::deserialize(&whole);
    family.map_err(|error| error.inner().to_string())
}

fn cut_text(text: &str) -> String {
    text.chars().take(60).collect()
}

/// The one of `words` that is most like `text`.
fn nearest<'a>(text: &str, words: impl Iterator<Item = &'a str>) -> &'a str {
    let distance = |word: &&str| {
        let mut row: Vec<usize> = (0..=word.len()).collect();
        for (i, a) in text.bytes().take(60).enumerate() {
            let mut corner = std::mem::replace(&mut row[0], i + 1);
            for (j, b) in word.bytes().enumerate() {
                let cost = corner + usize::from(a != b);
                corner = row[j + 1];
                row[j + 1] = cost.min(row[j] + 1).min(corner + 1);
            }
        }
        row[word.len()]
    };
    words.min_by_key(distance).unwrap_or("")
}
