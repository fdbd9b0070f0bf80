//! Whether expressions fit what they name: each sees the input, what started the workflow, and the steps that have
//! certainly ended when it is looked at.

use serde_json::Value;

use super::compile::wrong;
use super::{BlockId, Definition, Kind, Problem, Step, Wait};
use crate::workflow::document;
use crate::workflow::expr::{Env, Expr, Root, Template, Type};

/// Checks all expressions of a definition.
pub(super) fn check(definition: &Definition, problems: &mut Vec<Problem>) {
    let mut checker = Checker { definition, problems };
    let around = Around { known: Vec::new(), item: None, error: None };
    checker.block(definition.root, "steps", &definition.document.steps, &around);
    let ended = checker.all_of(definition.root, &around);
    if let Some(on_failure) = definition.on_failure {
        let around = Around { error: Some(error()), ..ended.clone() };
        checker.block(on_failure, "onFailure", &definition.document.on_failure, &around);
    }
    if let Some(output) = &definition.output {
        checker.template("output", output, &ended);
    }
    if let Some(key) = definition.concurrency.as_ref().and_then(|concurrency| concurrency.key.as_ref()) {
        let env = Env::new().with(Root::Inputs, definition.inputs.kind().clone());
        checker.tell("concurrency.key", key.check(&env).err());
    }
    for (nth, trigger) in definition.triggers.iter().enumerate() {
        let env = Env::new().with(Root::Trigger, Type::Any);
        checker.tell(&format!("triggers[{nth}].input"), trigger.input.check(&env).err());
    }
}

/// What is known where a step stands.
#[derive(Clone)]
struct Around {
    /// Steps by id with the type of their output.
    known: Vec<(String, Type)>,
    item: Option<Type>,
    error: Option<Type>,
}

struct Checker<'a> {
    definition: &'a Definition,
    problems: &'a mut Vec<Problem>,
}

impl Checker<'_> {
    fn tell(&mut self, place: &str, error: Option<crate::workflow::expr::ExprError>) {
        self.problems.extend(error.map(|error| wrong(place, &error)));
    }

    fn env(&self, around: &Around) -> Env {
        let run = Type::closed([("id", Type::String), ("startedAt", Type::Int)]);
        let mut env = Env::new()
            .with(Root::Inputs, self.definition.inputs.kind().clone())
            .with(Root::Trigger, Type::Any)
            .with(Root::Run, run);
        if let Some(item) = &around.item {
            env = env.with(Root::Item, item.clone()).with(Root::Index, Type::Int);
        }
        if let Some(error) = &around.error {
            env = env.with(Root::Error, error.clone());
        }
        let seen = |(id, output): &(String, Type)| (id.clone(), step(output.clone()));
        env.with(Root::Steps, Type::closed(around.known.iter().map(seen)))
    }

    fn expr(&mut self, place: &str, expr: &Expr, around: &Around) -> Type {
        match expr.check(&self.env(around)) {
            Ok(kind) => kind,
            Err(error) => {
                self.tell(place, Some(error));
                Type::Any
            }
        }
    }

    fn condition(&mut self, place: &str, expr: &Expr, around: &Around) {
        let found = expr.check_condition(&self.env(around));
        self.tell(place, found.err());
    }

    fn template(&mut self, place: &str, template: &Template, around: &Around) {
        let found = template.check(&self.env(around));
        self.tell(place, found.err());
    }

    /// Checks the steps of a block; answers the type of its last one's output.
    fn block(&mut self, id: BlockId, place: &str, docs: &[document::Step], around: &Around) -> Type {
        let block = self.definition.block(id);
        let mut kinds: Vec<Option<Type>> = vec![None; block.steps.len()];
        // Behind what they need, whatever the order in which they stand.
        let order = block.order.clone();
        for at in order {
            let step = &block.steps[at];
            let mut here = around.clone();
            let before = (0..block.steps.len()).filter(|other| block.is_before(*other, at));
            here.known
                .extend(before.filter_map(|other| Some((block.steps[other].id.to_string(), kinds[other].clone()?))));
            kinds[at] = Some(self.step(step, &format!("{place}[{at}]"), &docs[at], &here));
        }
        let output = match &block.output {
            Some(output) => {
                let mut here = around.clone();
                let all = block.steps.iter().zip(&kinds);
                here.known.extend(all.filter_map(|(step, kind)| Some((step.id.to_string(), kind.clone()?))));
                let place = place.trim_end_matches(".steps").to_owned() + ".output";
                let found = output.check(&self.env(&here));
                let kind = found.as_ref().map_or(Type::Any, Clone::clone);
                self.tell(&place, found.err());
                return kind;
            }
            None => kinds.pop().flatten(),
        };
        output.unwrap_or(Type::Null)
    }

    /// What is known once all steps of a block have ended: any of them may not have run.
    fn all_of(&self, id: BlockId, around: &Around) -> Around {
        let mut ended = around.clone();
        ended.known.extend(self.definition.block(id).steps.iter().map(|step| (step.id.to_string(), Type::Any)));
        ended
    }

    fn step(&mut self, step: &Step, place: &str, doc: &document::Step, around: &Around) -> Type {
        if let Some(condition) = &step.condition {
            self.condition(&format!("{place}.if"), condition, around);
        }
        let mut output = match &step.kind {
            Kind::Action { with, .. } => {
                self.template(&format!("{place}.with"), with, around);
                Type::Any
            }
            Kind::Workflow { with, .. } => {
                self.template(&format!("{place}.with"), with, around);
                Type::Any
            }
            Kind::Query { path } => {
                self.template(&format!("{place}.query"), path, around);
                Type::Any
            }
            Kind::Approval { message, show, .. } => {
                self.template(&format!("{place}.approval.message"), message, around);
                self.template(&format!("{place}.approval.show"), show, around);
                Type::closed([("decision", Type::String), ("by", Type::String), ("comment", Type::Any)])
            }
            Kind::Wait(Wait::Until(until)) => {
                self.expr(&format!("{place}.wait.until"), until, around);
                Type::Null
            }
            Kind::Wait(Wait::For(_)) => Type::Null,
            Kind::Wait(Wait::Event(_)) => Type::Any,
            Kind::Map { over, block, .. } => {
                let item = match self.expr(&format!("{place}.map.over"), over, around) {
                    Type::List(item) => *item,
                    Type::Any => Type::Any,
                    other => {
                        self.problems.push(super::compile::problem(
                            format!("{place}.map.over"),
                            format!("It gives {other}, and a map needs a list."),
                            "Give it a list.",
                        ));
                        Type::Any
                    }
                };
                let within = Around { item: Some(item), ..around.clone() };
                let docs = doc.map.as_ref().map_or(&[][..], |map| &map.steps);
                Type::List(Box::new(self.block(*block, &format!("{place}.map.steps"), docs, &within)))
            }
            Kind::Branch { cases } => {
                for (nth, (condition, block)) in cases.iter().enumerate() {
                    let place = format!("{place}.branch[{nth}]");
                    if let Some(condition) = condition {
                        self.condition(&format!("{place}.if"), condition, around);
                    }
                    let docs = doc.branch.as_ref().and_then(|cases| cases.get(nth)).map_or(&[][..], |case| &case.steps);
                    self.block(*block, &format!("{place}.steps"), docs, around);
                }
                Type::Any
            }
        };
        if let Some(catch) = step.catch {
            let within = Around { error: Some(error()), ..around.clone() };
            self.block(catch, &format!("{place}.catch"), &doc.catch, &within);
            output = Type::Any;
        }
        // What may not have run may have no output.
        if step.condition.is_some() || step.allow_failure { Type::Any } else { output }
    }
}

/// A step as another one sees it.
fn step(output: Type) -> Type {
    Type::closed([("output", output), ("state", Type::String), ("attempts", Type::Int), ("error", Type::Any)])
}

fn error() -> Type {
    Type::closed([("code", Type::String), ("message", Type::String)])
}

/// A value that was written without expressions.
pub(super) fn constant(template: &Template) -> Option<Value> {
    let plain = template.references().roots.is_empty();
    if plain { template.render(&crate::workflow::expr::Scope::new()).ok() } else { None }
}
