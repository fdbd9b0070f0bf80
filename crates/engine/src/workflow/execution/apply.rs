//! What a fact changes: the only place where an execution changes.

use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;
use sf_types::{Fault, Timestamp};

use super::{Alarm, At, Card, Execution, Frame, FrameId, Instance, Mapping, Phase, State};
use crate::workflow::definition::{BlockId, Kind};
use crate::workflow::fact::{End, Fact, Finish};
use crate::workflow::key::StepKey;

/// A control plane that lives so long after it took an execution up was not ended by it.
const SURVIVED: Duration = Duration::from_secs(60);

impl Execution {
    /// Takes a fact in.
    pub(crate) fn apply(&mut self, fact: &Fact, now: Timestamp) -> Result<(), String> {
        self.last = now;
        if !matches!(fact, Fact::Recovered) {
            self.recoveries = 0;
        }
        match fact {
            Fact::Began { input, trigger, deadline } => {
                if self.phase != Phase::New {
                    return Err("it began twice".to_owned());
                }
                (self.input, self.trigger, self.began) = (input.clone(), trigger.clone(), Some(now));
                self.phase = Phase::Running;
                self.alarms.insert((*deadline, Alarm::Deadline));
                self.open(self.definition.root, None, Vec::new(), None, None);
            }
            Fact::Started { step, attempt, call, deadline } => {
                let at = self.at(step)?;
                let instance = self.instance_mut(at);
                instance.attempts = *attempt;
                instance.call = Some(Arc::new(call.clone()));
                instance.started.get_or_insert(now);
                self.become_active(at, State::Running);
                self.set_alarm(at, *deadline);
            }
            Fact::Asked { step, approval, message, show, escalates, expires } => {
                let at = self.at(step)?;
                let card =
                    Card { approval: *approval, message: message.clone(), show: show.clone(), expires: *expires };
                let instance = self.instance_mut(at);
                instance.started.get_or_insert(now);
                instance.attempts += 1;
                instance.escalation = *escalates;
                self.become_active(at, State::Asked(Arc::new(card)));
                self.set_alarm(at, Some(*expires));
                self.alarms.extend(escalates.map(|when| (when, Alarm::Escalate(at))));
            }
            Fact::Escalated { step } => {
                let at = self.at(step)?;
                self.drop_escalation(at);
            }
            Fact::Waits { step, until, event } => {
                let at = self.at(step)?;
                let instance = self.instance_mut(at);
                instance.started.get_or_insert(now);
                instance.attempts += 1;
                self.become_active(at, State::Waiting { event: event.clone() });
                self.set_alarm(at, *until);
            }
            Fact::Opened { step, items } => {
                let at = self.at(step)?;
                let Kind::Map { limit, .. } = self.step(at).kind else { return Err(format!("`{step}` is no map")) };
                self.instance_mut(at).started.get_or_insert(now);
                let mapping = Mapping {
                    items: items.clone().into(),
                    outputs: vec![Value::Null; items.len()],
                    next: 0,
                    open: 0,
                    failed: None,
                };
                self.become_active(at, State::Mapping(mapping));
                (0..limit).for_each(|_| self.open_next_item(at));
            }
            Fact::Item { step, item, end } => self.item_ended(step, *item, end)?,
            Fact::Chosen { step, case } => {
                let at = self.at(step)?;
                let block = match &self.step(at).kind {
                    Kind::Branch { cases } => cases.get(*case as usize).map(|(_, block)| *block),
                    _ => None,
                };
                let block = block.ok_or_else(|| format!("`{step}` has no case {case}"))?;
                self.instance_mut(at).started.get_or_insert(now);
                self.become_active(at, State::Branching);
                let around = self.frame(at.frame);
                let (items, item, error) = (around.items.clone(), around.item.clone(), around.error.clone());
                self.open(block, Some(at), items, item, error);
            }
            Fact::Retries { step, attempt, fault, at: when } => {
                let at = self.at(step)?;
                let instance = self.instance_mut(at);
                instance.tries.push((*attempt, fault.clone()));
                self.become_active(at, State::Retrying);
                self.set_alarm(at, Some(*when));
            }
            Fact::Caught { step, fault } => {
                let at = self.at(step)?;
                let block = self.step(at).catch.ok_or_else(|| format!("`{step}` has no catch"))?;
                self.instance_mut(at).fault = Some(fault.clone());
                self.become_active(at, State::Catching);
                self.set_alarm(at, None);
                let around = self.frame(at.frame);
                let (items, item) = (around.items.clone(), around.item.clone());
                self.open(block, Some(at), items, item, Some(fault.clone()));
            }
            Fact::Ended { step, end } => {
                let at = self.at(step)?;
                self.ended(at, end, now);
            }
            Fact::Received { name, data } => self.mail.push((name.clone(), data.clone())),
            Fact::Recovered => {
                let again = self.recovered.is_some_and(|before| now.since(before) < SURVIVED);
                self.recoveries = if again { self.recoveries + 1 } else { 1 };
                self.recovered = Some(now);
            }
            Fact::Cancelling { finish } => {
                self.phase = Phase::Stopping(finish.clone());
                self.ready.clear();
                self.alarms.retain(|(_, alarm)| *alarm != Alarm::Deadline);
            }
            Fact::Failing { fault } => {
                self.phase = Phase::Failing(fault.clone());
                let block = self.definition.on_failure.ok_or("it has no onFailure")?;
                self.open(block, None, Vec::new(), None, Some(fault.clone()));
            }
            Fact::Moved { .. } => {}
            Fact::Finished { finish } => self.finished(finish),
        }
        Ok(())
    }

    fn at(&self, key: &StepKey) -> Result<At, String> {
        self.find(key).ok_or_else(|| format!("there is no step `{key}`"))
    }

    /// Opens a block: its steps may begin.
    fn open(
        &mut self,
        block: BlockId,
        parent: Option<At>,
        items: Vec<u32>,
        item: Option<Arc<Value>>,
        error: Option<Fault>,
    ) {
        let id = FrameId(u32::try_from(self.frames.len()).unwrap_or(u32::MAX));
        let steps = &self.definition.block(block).steps;
        let needs_left: Vec<u32> =
            steps.iter().map(|step| u32::try_from(step.needs.len()).unwrap_or(u32::MAX)).collect();
        let first = needs_left.iter().enumerate().filter(|(_, left)| **left == 0);
        self.ready.extend(first.map(|(step, _)| At { frame: id, step: u32::try_from(step).unwrap_or(u32::MAX) }));
        self.instances += steps.len();
        let unfinished = steps.len();
        if unfinished == 0 {
            self.closable.push_back(id);
        }
        self.places.insert((block, items.clone()), id);
        self.frames.push(Frame {
            block,
            parent,
            items,
            item,
            error,
            steps: vec![Instance::default(); unfinished],
            needs_left,
            unfinished,
            active: 0,
            failed: None,
            done: false,
        });
    }

    fn open_next_item(&mut self, map: At) {
        let Kind::Map { block, .. } = self.step(map).kind else { return };
        let around = self.frame(map.frame);
        let (mut items, error) = (around.items.clone(), around.error.clone());
        let State::Mapping(mapping) = &mut self.instance_mut(map).state else { return };
        let Some(item) = mapping.items.get(mapping.next).filter(|_| mapping.failed.is_none()).cloned() else { return };
        items.push(u32::try_from(mapping.next).unwrap_or(u32::MAX));
        mapping.next += 1;
        mapping.open += 1;
        self.open(block, Some(map), items, Some(Arc::new(item)), error);
    }

    fn item_ended(&mut self, step: &StepKey, item: u32, end: &End) -> Result<(), String> {
        let at = self.at(step)?;
        if let Kind::Map { block, .. } = self.step(at).kind {
            let mut items = step.items.clone();
            items.push(item);
            if let Some(frame) = self.frame_of(block, &items) {
                self.frames[frame.0 as usize].done = true;
            }
        }
        let State::Mapping(mapping) = &mut self.instance_mut(at).state else {
            return Err(format!("`{step}` has no items"));
        };
        let place = mapping.outputs.get_mut(item as usize).ok_or_else(|| format!("`{step}` has no item {item}"))?;
        mapping.open = mapping.open.saturating_sub(1);
        match end {
            End::Succeeded { output } => *place = output.clone(),
            End::Failed { fault } => mapping.failed = mapping.failed.take().or_else(|| Some(fault.clone())),
            End::Skipped | End::Cancelled => {}
        }
        self.open_next_item(at);
        Ok(())
    }

    fn become_active(&mut self, at: At, state: State) {
        if !self.instance(at).state.is_active() {
            self.active += 1;
            self.frames[at.frame.0 as usize].active += 1;
        }
        self.instance_mut(at).state = state;
    }

    /// The one alarm of a step.
    fn set_alarm(&mut self, at: At, when: Option<Timestamp>) {
        if let Some(old) = std::mem::replace(&mut self.instance_mut(at).alarm, when) {
            self.alarms.remove(&(old, Alarm::Step(at)));
        }
        self.alarms.extend(when.map(|when| (when, Alarm::Step(at))));
    }

    fn drop_escalation(&mut self, at: At) {
        if let Some(old) = self.instance_mut(at).escalation.take() {
            self.alarms.remove(&(old, Alarm::Escalate(at)));
        }
    }

    fn ended(&mut self, at: At, end: &End, now: Timestamp) {
        if let (State::Waiting { event: Some(name) }, End::Succeeded { .. }) = (&self.instance(at).state, end)
            && let Some(place) = self.mail.iter().position(|(sent, _)| sent == name)
        {
            self.mail.remove(place);
        }
        self.set_alarm(at, None);
        self.drop_escalation(at);
        let allowed = self.step(at).allow_failure;
        let frame = &mut self.frames[at.frame.0 as usize];
        let instance = &mut frame.steps[at.step as usize];
        if instance.state.is_active() {
            self.active -= 1;
            frame.active -= 1;
        }
        instance.ended = Some(now);
        let mut failed = None;
        instance.state = match end {
            End::Succeeded { output } => {
                instance.output = output.clone();
                State::Succeeded
            }
            End::Failed { fault } => {
                instance.fault = Some(fault.clone());
                failed = Some(fault.clone()).filter(|_| !allowed);
                State::Failed
            }
            End::Skipped => State::Skipped,
            End::Cancelled => State::Cancelled,
        };
        frame.unfinished -= 1;
        self.ended += 1;
        if let Some(fault) = failed {
            frame.failed.get_or_insert(fault);
        } else {
            let block = frame.block;
            for dependant in &self.definition.block(block).steps[at.step as usize].dependants {
                let left = &mut frame.needs_left[*dependant];
                *left -= 1;
                if *left == 0 {
                    self.ready.push_back(At { frame: at.frame, step: u32::try_from(*dependant).unwrap_or(u32::MAX) });
                }
            }
        }
        if frame.unfinished == 0 || (frame.failed.is_some() && frame.active == 0) {
            self.closable.push_back(at.frame);
        }
    }

    fn finished(&mut self, finish: &Finish) {
        self.phase = Phase::Finished(finish.clone());
        self.ready.clear();
        self.closable.clear();
        self.alarms.clear();
    }
}
