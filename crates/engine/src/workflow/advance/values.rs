//! What expressions see.

use serde_json::{Value, json};
use sf_types::Fault;

use super::begin::expression;
use super::{FrameId, Turn};
use crate::workflow::definition::{BlockId, Kind};
use crate::workflow::execution::{At, Execution};
use crate::workflow::expr::{Binding, Expr, ExprError, References, Root, Scope, Template};

impl Turn<'_> {
    pub(super) fn eval(&self, frame: FrameId, expr: &Expr) -> Result<Value, ExprError> {
        let values = Values::of(self.execution, frame, expr.references());
        expr.eval(&values.scope(self.execution, frame))
    }

    pub(super) fn holds(&self, frame: FrameId, expr: &Expr) -> Result<bool, ExprError> {
        let values = Values::of(self.execution, frame, expr.references());
        expr.holds(&values.scope(self.execution, frame))
    }

    pub(super) fn render(&self, frame: FrameId, template: &Template, place: &str) -> Result<Value, Fault> {
        let values = Values::of(self.execution, frame, template.references());
        template.render(&values.scope(self.execution, frame)).map_err(|error| expression(&error, place))
    }
}

/// A template that sees nothing but the input.
pub(super) fn of_inputs(template: &Template, input: &Value) -> Result<Value, ExprError> {
    template.render(&Scope::new().with(Root::Inputs, input))
}

/// A template that sees nothing but what started the workflow.
pub(super) fn of_trigger(template: &Template, trigger: &Value) -> Result<Value, ExprError> {
    template.render(&Scope::new().with(Root::Trigger, trigger))
}

/// Small values that are made for an expression; large ones are borrowed from the execution.
struct Values {
    run: Value,
    index: Value,
    error: Value,
    steps: Vec<Seen>,
}

/// A step as another one sees it.
struct Seen {
    id: String,
    at: Option<At>,
    state: Value,
    attempts: Value,
    error: Value,
}

/// The output of a step that has none.
static NOTHING: Value = Value::Null;

impl Values {
    fn of(execution: &Execution, frame: FrameId, references: &References) -> Self {
        let of = execution.frame(frame);
        let began = execution.began.map(|at| at.as_millis());
        Self {
            run: json!({ "id": execution.run, "startedAt": began }),
            index: of.items.last().copied().into(),
            error: of.error.as_ref().map_or(Value::Null, told),
            // Of other steps only those that are named.
            steps: references.steps.iter().filter_map(|id| seen(execution, frame, id)).collect(),
        }
    }

    fn scope<'a>(&'a self, execution: &'a Execution, frame: FrameId) -> Scope<'a> {
        let of = execution.frame(frame);
        let steps = self.steps.iter().map(|seen| {
            let output = seen.at.map_or(&NOTHING, |at| &execution.instance(at).output);
            let fields =
                [("output", output), ("state", &seen.state), ("attempts", &seen.attempts), ("error", &seen.error)];
            (seen.id.as_str(), Binding::fields(fields))
        });
        let scope = Scope::new()
            .with(Root::Inputs, &execution.input)
            .with(Root::Trigger, &execution.trigger)
            .with(Root::Run, &self.run)
            .with(Root::Error, &self.error)
            .with(Root::Steps, Binding::fields(steps));
        match &of.item {
            Some(item) => scope.with(Root::Item, item.as_ref()).with(Root::Index, &self.index),
            None => scope,
        }
    }
}

fn told(fault: &Fault) -> Value {
    json!({ "code": fault.code, "message": fault.message })
}

/// A step in the same item of each map around both.
fn seen(execution: &Execution, frame: FrameId, id: &str) -> Option<Seen> {
    let (block, step) = *execution.definition.places.get(id)?;
    let around = &execution.frame(frame).items;
    let found = execution.frame_of(block, around.get(..depth(execution, block))?);
    let at = found.map(|frame| At { frame, step: u32::try_from(step).unwrap_or(u32::MAX) });
    let (state, attempts, error) = match at.map(|at| execution.instance(at)) {
        Some(of) => (of.state.word(), of.attempts, of.fault.as_ref().map_or(Value::Null, told)),
        // Its block was not entered.
        None => ("pending", 0, Value::Null),
    };
    Some(Seen { id: id.to_owned(), at, state: state.into(), attempts: attempts.into(), error })
}

/// How many maps stand around a block.
fn depth(execution: &Execution, mut block: BlockId) -> usize {
    let mut depth = 0;
    while let Some((parent, step)) = execution.definition.block(block).parent {
        let kind = &execution.definition.step(parent, step).kind;
        depth += usize::from(matches!(kind, Kind::Map { block: of, .. } if *of == block));
        block = parent;
    }
    depth
}
