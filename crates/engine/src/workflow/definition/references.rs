//! Whether expressions fit what they name: each sees the input, what started the workflow, and the steps that have
//! certainly ended when it is looked at.

use std::rc::Rc;

use serde_json::Value;

use super::compile::wrong;
use super::{BlockId, Definition, Kind, Problem, Step, Wait};
use crate::workflow::document;
use crate::workflow::expr::{Env, Expr, References, Root, Template, Type};

/// Checks all expressions of a definition.
pub(super) fn check(definition: &Definition, problems: &mut Vec<Problem>) {
    let mut checker = Checker { definition, problems, any: Rc::new(Type::Any) };
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
struct Around<'a> {
    /// Steps by id with the type of their output.
    known: Vec<(&'a str, Rc<Type>)>,
    item: Option<Type>,
    error: Option<Type>,
}

struct Checker<'a, 'p> {
    definition: &'a Definition,
    problems: &'p mut Vec<Problem>,
    any: Rc<Type>,
}

impl<'a> Checker<'a, '_> {
    fn tell(&mut self, place: &str, error: Option<crate::workflow::expr::ExprError>) {
        self.problems.extend(error.map(|error| wrong(place, &error)));
    }

    /// What an expression sees that names these: of the steps no others, or a long workflow would be looked at once for
    /// each of its steps. Where it names an unknown one it sees all, so that it can be told what there is.
    fn env(&self, around: &Around<'_>, names: &References) -> Env {
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
        let named = |(id, _): &&(&str, Rc<Type>)| names.steps.contains(*id);
        let seen = |(id, output): &(&str, Rc<Type>)| ((*id).to_owned(), step(output.as_ref().clone()));
        let known: Vec<_> = match names.steps.is_empty() {
            true => Vec::new(),
            false => around.known.iter().filter(named).map(seen).collect(),
        };
        let all_known = known.len() >= names.steps.len();
        let known = if all_known { known } else { around.known.iter().map(seen).collect() };
        env.with(Root::Steps, Type::closed(known))
    }

    fn expr(&mut self, place: &str, expr: &Expr, around: &Around<'a>) -> Type {
        match expr.check(&self.env(around, expr.references())) {
            Ok(kind) => kind,
            Err(error) => {
                self.tell(place, Some(error));
                Type::Any
            }
        }
    }

    fn condition(&mut self, place: &str, expr: &Expr, around: &Around<'_>) {
        let found = expr.check_condition(&self.env(around, expr.references()));
        self.tell(place, found.err());
    }

    fn template(&mut self, place: &str, template: &Template, around: &Around<'_>) {
        let found = template.check(&self.env(around, template.references()));
        self.tell(place, found.err());
    }

    /// Checks the steps of a block; answers the type of its last one's output.
    fn block(&mut self, id: BlockId, place: &str, docs: &[document::Step], around: &Around<'a>) -> Type {
        let block = self.definition.block(id);
        let mut kinds: Vec<Option<Rc<Type>>> = vec![None; block.steps.len()];
        // Behind what they need, whatever the order in which they stand.
        let order = block.order.clone();
        for at in order {
            let step = &block.steps[at];
            let mut here = around.clone();
            let before = (0..block.steps.len()).filter(|other| block.is_before(*other, at));
            here.known.extend(before.filter_map(|other| Some((&*block.steps[other].id, kinds[other].clone()?))));
            kinds[at] = Some(Rc::new(self.step(step, &format!("{place}[{at}]"), &docs[at], &here)));
        }
        let output = match &block.output {
            Some(output) => {
                let mut here = around.clone();
                let all = block.steps.iter().zip(&kinds);
                here.known.extend(all.filter_map(|(step, kind)| Some((&*step.id, kind.clone()?))));
                let place = place.trim_end_matches(".steps").to_owned() + ".output";
                let found = output.check(&self.env(&here, output.references()));
                let kind = found.as_ref().map_or(Type::Any, Clone::clone);
                self.tell(&place, found.err());
                return kind;
            }
            None => kinds.pop().flatten(),
        };
        output.map_or(Type::Null, |kind| kind.as_ref().clone())
    }

    /// What is known once all steps of a block have ended: any of them may not have run.
    fn all_of(&self, id: BlockId, around: &Around<'a>) -> Around<'a> {
        let mut ended = around.clone();
        ended.known.extend(self.definition.block(id).steps.iter().map(|step| (&*step.id, self.any.clone())));
        ended
    }

    fn step(&mut self, step: &Step, place: &str, doc: &document::Step, around: &Around<'a>) -> Type {
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
