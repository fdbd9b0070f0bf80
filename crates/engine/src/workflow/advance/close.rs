//! A block whose steps have ended.

use serde_json::Value;
use sf_types::{ErrorKind, Fault};

use super::{At, End, Fact, Finish, FrameId, Phase, State, Turn};

impl Turn<'_> {
    /// Ends what a frame was opened for, unless that was seen to before.
    pub(super) fn close(&mut self, id: FrameId) {
        if !matches!(self.execution.phase(), Phase::Running | Phase::Failing(_)) || self.execution.frame(id).done {
            return;
        }
        let frame = self.execution.frame(id);
        match frame.parent {
            None => self.close_outermost(id),
            Some(parent) => match &self.execution.instance(parent).state {
                State::Mapping(_) => self.close_item(id, parent),
                State::Branching | State::Catching => match self.outcome(id) {
                    Ok(output) => self.end(parent, End::Succeeded { output }),
                    Err(fault) => self.fail(parent, fault),
                },
                _ => {}
            },
        }
    }

    fn close_item(&mut self, id: FrameId, map: At) {
        let Some(item) = self.execution.frame(id).items.last().copied() else { return };
        let end = match self.outcome(id) {
            Ok(output) => End::Succeeded { output },
            Err(fault) => End::Failed { fault },
        };
        let step = self.execution.key(map);
        self.record(Fact::Item { step, item, end });
        let State::Mapping(mapping) = &self.execution.instance(map).state else { return };
        if mapping.open > 0 {
            return;
        }
        match &mapping.failed {
            Some(fault) => {
                let fault = fault.clone();
                self.fail(map, fault);
            }
            None => {
                let output = Value::Array(mapping.outputs.clone());
                self.end(map, End::Succeeded { output });
            }
        }
    }

    fn close_outermost(&mut self, id: FrameId) {
        let (phase, definition) = (self.execution.phase().clone(), self.execution.definition.clone());
        let outermost = self.execution.frame(id).block == definition.root;
        let finish = match phase {
            // Its failure was seen to before a restart: the last steps are being done.
            Phase::Failing(_) if outermost => return,
            Phase::Failing(fault) => Finish::Failed { fault },
            _ => match self.outcome(id).and_then(|_| self.output()) {
                Ok(output) => Finish::Succeeded { output },
                Err(fault) if definition.on_failure.is_some() => return self.record(Fact::Failing { fault }),
                Err(fault) => Finish::Failed { fault },
            },
        };
        self.finish(finish);
    }

    /// What a block comes to: its `output`, or that of its last step.
    fn outcome(&self, id: FrameId) -> Result<Value, Fault> {
        let frame = self.execution.frame(id);
        if let Some(fault) = &frame.failed {
            return Err(fault.clone());
        }
        match &self.execution.definition.block(frame.block).output {
            Some(output) => self.render(id, output, "output"),
            None => Ok(frame.steps.last().map_or(Value::Null, |step| step.output.clone())),
        }
    }

    /// The output of the whole.
    fn output(&self) -> Result<Value, Fault> {
        let definition = &self.execution.definition;
        let Some(output) = &definition.output else { return Ok(Value::Null) };
        let root = self.execution.frame_of(definition.root, &[]).expect("the outermost steps have ended");
        let output = self.render(root, output, "output")?;
        match definition.outputs.as_ref().map(|contract| contract.check(&output, "output")) {
            Some(Err(problems)) => {
                let first = problems.first().map_or(String::new(), |one| format!("{}: {}", one.place, one.message));
                let message = format!("The output is not as `outputs` says: {first}");
                Err(Fault::new(ErrorKind::Invalid, "workflow.output", message).fix("Mend `output` or `outputs`."))
            }
            _ => Ok(output),
        }
    }
}
