//! A step whose needs have ended.

use serde_json::Value;
use sf_types::{ErrorKind, Fault, Timestamp};

use super::{At, Call, Effect, End, Fact, Kind, MAX_ITEMS, Phase, State, Turn, Wait, approval_id};
use crate::workflow::definition::action_of;

impl Turn<'_> {
    /// Begins a step, unless something has changed since it became ready.
    pub(super) fn begin(&mut self, at: At) {
        let frame = self.execution.frame(at.frame);
        let begun = !matches!(self.execution.instance(at).state, State::Pending);
        if !matches!(self.execution.phase(), Phase::Running | Phase::Failing(_)) || begun || frame.failed.is_some() {
            return;
        }
        if let Some(condition) = &self.execution.step(at).condition {
            match self.holds(at.frame, condition) {
                Ok(true) => {}
                Ok(false) => return self.end(at, End::Skipped),
                Err(error) => return self.fail(at, expression(&error, "if")),
            }
        }
        if let Err(fault) = self.enter(at) {
            self.fail(at, fault);
        }
    }

    fn enter(&mut self, at: At) -> Result<(), Fault> {
        let (step, now) = (self.execution.step(at), self.now);
        let key = self.execution.key(at);
        match &step.kind {
            Kind::Action { .. } | Kind::Query { .. } | Kind::Workflow { .. } => {
                self.call(at)?;
                self.run(at);
            }
            Kind::Approval { message, show, expires, escalates } => {
                let message = match self.render(at.frame, message, "approval.message")? {
                    Value::String(text) => text,
                    other => other.to_string(),
                };
                let show = self.render(at.frame, show, "approval.show")?;
                let (expires, escalates) = (now.plus(*expires), escalates.map(|after| now.plus(after)));
                let approval = approval_id(self.execution, &key, now);
                self.record(Fact::Asked { step: key.clone(), approval, message, show, escalates, expires });
                self.out.effects.push(Effect::Ask { step: key, approval });
            }
            Kind::Wait(wait) => {
                let (until, event) = match wait {
                    Wait::For(span) => (Some(now.plus(*span)), None),
                    Wait::Until(expr) => {
                        let value = self.eval(at.frame, expr).map_err(|error| expression(&error, "wait.until"))?;
                        (Some(moment(&value)?), None)
                    }
                    Wait::Event(name) => (Some(now.plus(step.timeout)), Some(name.clone())),
                };
                self.record(Fact::Waits { step: key, until, event });
            }
            Kind::Map { over, block, .. } => {
                let block = *block;
                let value = self.eval(at.frame, over).map_err(|error| expression(&error, "map.over"))?;
                let Value::Array(items) = value else {
                    let message = "`map.over` gives no list.";
                    return Err(Fault::new(ErrorKind::Invalid, "workflow.no_list", message).fix("Give it a list."));
                };
                if items.len() > MAX_ITEMS || !self.execution.has_room_for(block, items.len()) {
                    let message = format!("A list of {} items is too long for this map.", items.len());
                    let fault = Fault::new(ErrorKind::TooLarge, "workflow.too_many_items", message);
                    return Err(fault.fix("Filter the list, or run a workflow for each part of it."));
                }
                let empty = items.is_empty();
                self.record(Fact::Opened { step: key, items });
                if empty {
                    self.end(at, End::Succeeded { output: Value::Array(Vec::new()) });
                }
            }
            Kind::Branch { cases } => {
                let mut chosen = None;
                for (nth, (condition, _)) in cases.iter().enumerate() {
                    let holds = match condition {
                        None => true,
                        Some(condition) => {
                            self.holds(at.frame, condition).map_err(|error| expression(&error, "branch.if"))?
                        }
                    };
                    if holds {
                        chosen = u32::try_from(nth).ok();
                        break;
                    }
                }
                match chosen {
                    Some(case) => self.record(Fact::Chosen { step: key, case }),
                    None => self.end(at, End::Succeeded { output: Value::Null }),
                }
            }
        }
        Ok(())
    }

    /// Begins the next try of a call.
    pub(super) fn run(&mut self, at: At) {
        let call = match self.call(at) {
            Ok(call) => call,
            Err(fault) => return self.fail(at, fault),
        };
        let (step, attempt) = (self.execution.key(at), self.execution.instance(at).attempts + 1);
        let deadline = Some(self.now.plus(self.execution.step(at).timeout));
        self.record(Fact::Started { step: step.clone(), attempt, call: call.clone(), deadline });
        self.out.effects.push(Effect::Run { step, attempt, call });
    }

    /// What a step does outside of the engine; a later try does the same as the first.
    fn call(&self, at: At) -> Result<Call, Fault> {
        if let Some(call) = &self.execution.instance(at).call {
            return Ok(call.as_ref().clone());
        }
        match &self.execution.step(at).kind {
            Kind::Action { spec, with } => {
                let args = self.render(at.frame, with, "with")?;
                action_of(spec.name, &args).map_err(|why| {
                    let message = format!("`{}` does not take these arguments: {why}.", spec.name);
                    Fault::new(ErrorKind::Invalid, "workflow.arguments", message)
                        .fix("Look at what the expressions in `with` came to.")
                })?;
                Ok(Call::Action { action: spec.name.to_owned(), args })
            }
            Kind::Query { path } => match self.render(at.frame, path, "query")? {
                Value::String(path) => Ok(Call::Query { path }),
                other => Ok(Call::Query { path: other.to_string() }),
            },
            Kind::Workflow { name, with } => {
                Ok(Call::Workflow { workflow: name.clone(), input: self.render(at.frame, with, "with")? })
            }
            _ => unreachable!("only these kinds make calls"),
        }
    }
}

/// An expression that failed, as a fault.
pub(super) fn expression(error: &crate::workflow::expr::ExprError, place: &str) -> Fault {
    let place = error.place.as_ref().map_or_else(|| place.to_owned(), |within| format!("{place}{within}"));
    Fault::new(
        ErrorKind::Invalid,
        "workflow.expression",
        format!("The expression in `{place}` failed: {}", error.message),
    )
    .fix(error.fix.clone())
}

/// Milliseconds since 1970 or RFC 3339.
fn moment(value: &Value) -> Result<Timestamp, Fault> {
    let found = match value {
        Value::Number(number) => number.as_i64().map(Timestamp::from_millis),
        Value::String(text) => {
            let read = text.parse::<jiff::Timestamp>().ok();
            read.map(|at| Timestamp::from_millis(at.as_millisecond()))
        }
        _ => None,
    };
    found.ok_or_else(|| {
        let shown: String = value.to_string().chars().take(60).collect();
        Fault::new(ErrorKind::Invalid, "workflow.no_moment", format!("`wait.until` gives {shown}, which is no moment."))
            .fix("Give milliseconds since 1970, or a text such as 2027-03-01T06:00:00Z.")
    })
}
