//! What expressions see.

use serde_json::{Value, json};
use sf_types::Fault;

use super::begin::expression;
use super::{FrameId, Turn};
use crate::workflow::execution::{At, Execution};
use crate::workflow::expr::{References, Scope, Template};

impl Turn<'_> {
    pub(super) fn scope(&self, frame: FrameId, references: &References) -> Scope {
        scope(self.execution, frame, references)
    }

    pub(super) fn render(&self, frame: FrameId, template: &Template, place: &str) -> Result<Value, Fault> {
        if let Some(value) = template.constant() {
            return Ok(value);
        }
        let scope = self.scope(frame, template.references());
        template.render(&scope).map_err(|error| expression(&error, place))
    }
}

/// What steps of a frame see: of other steps only those that are named, since outputs may be large.
fn scope(execution: &Execution, frame: FrameId, references: &References) -> Scope {
    let mut scope = Scope::default();
    let of = execution.frame(frame);
    let began = execution.began.map(|at| at.as_millis());
    let mut root = |name: &str, value: Value| scope.roots.insert(name.to_owned(), value);
    root("inputs", execution.input.clone());
    root("trigger", execution.trigger.clone());
    root("run", json!({ "id": execution.run, "startedAt": began }));
    if let Some(item) = &of.item {
        root("item", item.as_ref().clone());
        root("index", of.items.last().copied().into());
    }
    if let Some(fault) = &of.error {
        root("error", json!({ "code": fault.code, "message": fault.message }));
    }
    let steps = references.steps.iter().filter_map(|id| Some((id.clone(), seen(execution, frame, id)?)));
    root("steps", Value::Object(steps.collect()));
    scope
}

/// A step as another one sees it: in the same item of each map around both.
fn seen(execution: &Execution, frame: FrameId, id: &str) -> Option<Value> {
    let (block, step) = *execution.definition.places.get(id)?;
    let around = &execution.frame(frame).items;
    let depth = depth(execution, block);
    let frame = execution.frame_of(block, around.get(..depth)?);
    let instance = frame.map(|frame| execution.instance(At { frame, step: u32::try_from(step).unwrap_or(u32::MAX) }));
    Some(match instance {
        Some(instance) => json!({
            "output": instance.output, "state": instance.state.word(), "attempts": instance.attempts,
            "error": instance.fault.as_ref().map(|fault| json!({ "code": fault.code, "message": fault.message })),
        }),
        // Its block was not entered.
        None => json!({ "output": null, "state": "pending", "attempts": 0, "error": null }),
    })
}

/// How many maps stand around a block.
fn depth(execution: &Execution, mut block: crate::workflow::definition::BlockId) -> usize {
    use crate::workflow::definition::Kind;
    let mut depth = 0;
    while let Some((parent, step)) = execution.definition.block(block).parent {
        let within = matches!(&execution.definition.step(parent, step).kind, Kind::Map { block: of, .. } if *of == block);
        depth += usize::from(within);
        block = parent;
    }
    depth
}

/// A template that sees nothing but the input.
pub(super) fn of_inputs(template: &Template, input: &Value) -> Result<Value, crate::workflow::expr::ExprError> {
    let mut scope = Scope::default();
    scope.roots.insert("inputs".to_owned(), input.clone());
    template.render(&scope)
}
