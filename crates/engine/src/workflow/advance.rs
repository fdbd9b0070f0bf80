//! What happens next: from an event to facts and effects.
//!
//! | a step in state | event | becomes | effects |
//! |---|---|---|---|
//! | pending, its needs ended | (any) | skipped; running, asked, waiting, a block | Run, Ask |
//! | running | Done, well | succeeded | |
//! | running | Done, badly; its time is over | retrying; catching; failed | Stop |
//! | retrying | its moment | running, one try more | Run |
//! | asked | Decided for it | succeeded; catching; failed | |
//! | asked | its moment | catching; failed | Withdraw |
//! | waiting | its moment; an event of the name | succeeded; failed if the event never came | |
//! | a block | all within has ended | succeeded; catching; failed | |
//! | any active | Cancel; the whole takes too long | cancelled, a running one once it says so | Stop, Withdraw |
//! | running | Recover | the same | Run |
//!
//! Facts are recorded in one transaction, effects performed afterwards: at least once, each under a key of its own, so
//! that the receiver can tell repetitions.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use sf_types::{ApprovalId, ErrorKind, Fault, Slug, Timestamp, TypedId, UserId};
use sha2::{Digest, Sha256};

use super::definition::{Kind, MAX_ITEMS, Wait};
use super::execution::{Alarm, At, Execution, FrameId, Phase, State};
use super::expr::{ExprError, Template};
use super::fact::{End, Fact, Finish};
use super::key::StepKey;

mod begin;
mod close;
mod values;

/// Times an execution is taken up in quick succession without anything happening in between; after that it is put aside.
pub const MAX_RECOVERIES: u32 = 20;
/// Events that were sent before a step waited for them, kept at the most.
pub const MAX_MAIL: usize = 100;

/// Something that happened to an execution.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "camelCase", rename_all_fields = "camelCase")]
pub enum Event {
    /// It shall begin.
    Begin {
        /// With this input.
        input: Value,
        /// Started by this, where it was no person.
        trigger: Value,
    },
    /// A call came to its end.
    Done {
        /// Of which step.
        step: StepKey,
        /// Which try.
        attempt: u32,
        /// What came of it.
        result: Result<Value, Fault>,
    },
    /// A person decided.
    Decided {
        /// The card.
        approval: ApprovalId,
        /// Of which step.
        step: StepKey,
        /// Whether it goes on.
        approved: bool,
        /// Who.
        by: UserId,
        /// Why.
        comment: Option<String>,
    },
    /// An event was sent to it.
    Sent {
        /// Its name.
        name: String,
        /// What it brings.
        data: Value,
    },
    /// It shall go on by another version; whoever drives it exchanges the definition.
    Move {
        /// Which.
        version: u32,
    },
    /// Time has passed.
    Tick,
    /// Somebody wants it stopped.
    Cancel,
    /// A control plane has taken it up again.
    Recover,
}

/// What has to be done, once the facts are recorded.
#[derive(Clone, PartialEq, Debug)]
pub enum Effect {
    /// Make a call; its end comes back as [`Event::Done`].
    Run {
        /// For which step.
        step: StepKey,
        /// Which try.
        attempt: u32,
        /// What.
        call: Call,
    },
    /// Stop a call; its end comes back as [`Event::Done`], unless the step has ended already.
    Stop {
        /// Of which step.
        step: StepKey,
        /// Which try.
        attempt: u32,
        /// What.
        call: Call,
    },
    /// Put a card before people, in the transaction that records the facts.
    Ask {
        /// For which step.
        step: StepKey,
        /// The card.
        approval: ApprovalId,
    },
    /// Take a card back, in that transaction.
    Withdraw {
        /// The card.
        approval: ApprovalId,
        /// Nobody decided in time.
        expired: bool,
    },
    /// Mark a card as pressing, in that transaction.
    Escalate {
        /// The card.
        approval: ApprovalId,
    },
    /// It is over: close its run, in that transaction.
    Finish(Finish),
}

/// What a step does outside of the engine.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(tag = "call", rename_all = "camelCase")]
pub enum Call {
    /// Propose an action.
    Action {
        /// Its name.
        action: String,
        /// Its arguments.
        args: Value,
    },
    /// Read the API.
    Query {
        /// The path behind `/api/v1`.
        path: String,
    },
    /// Run another workflow of the project.
    Workflow {
        /// Its name.
        workflow: Slug,
        /// Its input.
        input: Value,
    },
}

/// Facts to record, effects to perform.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Advanced {
    /// In order.
    pub facts: Vec<Fact>,
    /// In order.
    pub effects: Vec<Effect>,
}

impl Advanced {
    /// Whether nothing came of it: late, repeated, or meant for another.
    pub fn is_nothing(&self) -> bool {
        self.facts.is_empty() && self.effects.is_empty()
    }
}

/// A template that sees nothing but the input.
///
/// # Errors
/// When an expression fails.
pub fn of_inputs(template: &Template, input: &Value) -> Result<Value, ExprError> {
    values::of_inputs(template, input)
}

/// A template that sees nothing but what started the workflow.
///
/// # Errors
/// When an expression fails.
pub fn of_trigger(template: &Template, trigger: &Value) -> Result<Value, ExprError> {
    values::of_trigger(template, trigger)
}

/// One event being worked through.
struct Turn<'a> {
    execution: &'a mut Execution,
    now: Timestamp,
    out: Advanced,
}

impl Execution {
    /// What `event` does at `now`. Nothing where it changes nothing.
    pub fn advance(&mut self, event: Event, now: Timestamp) -> Advanced {
        let mut turn = Turn { execution: self, now, out: Advanced::default() };
        turn.take(event);
        turn.settle();
        turn.out
    }
}

impl Turn<'_> {
    fn take(&mut self, event: Event) {
        match event {
            Event::Begin { input, trigger } if *self.execution.phase() == Phase::New => {
                let deadline = self.execution.definition.deadline(self.now);
                self.record(Fact::Began { input, trigger, deadline });
            }
            Event::Done { step, attempt, result } => self.done(&step, attempt, result),
            Event::Decided { approval, step, approved, by, comment } => {
                self.decided(&step, approval, approved, by, comment);
            }
            Event::Sent { name, data } if self.is_open() && self.execution.mail.len() < MAX_MAIL => {
                self.record(Fact::Received { name, data });
            }
            Event::Tick => self.tick(),
            Event::Cancel if self.is_open() => self.stop(Finish::Cancelled),
            Event::Recover => self.recover(),
            Event::Move { version } if self.is_open() => self.record(Fact::Moved { version }),
            Event::Begin { .. } | Event::Sent { .. } | Event::Cancel | Event::Move { .. } => {}
        }
    }

    fn is_open(&self) -> bool {
        matches!(self.execution.phase(), Phase::Running | Phase::Failing(_))
    }

    /// Records and takes in.
    fn record(&mut self, fact: Fact) {
        self.execution.apply(&fact, self.now).expect("keys of facts made here are of this execution");
        self.out.facts.push(fact);
    }

    /// Lets everything begin and end that can.
    fn settle(&mut self) {
        loop {
            if let Some(at) = self.execution.ready.pop_front() {
                self.begin(at);
            } else if let Some(frame) = self.execution.closable.pop_front() {
                self.close(frame);
            } else if !self.deliver_mail() {
                break;
            }
        }
        if let Phase::Stopping(finish) = self.execution.phase()
            && self.execution.active() == 0
        {
            let finish = finish.clone();
            self.finish(finish);
        }
    }

    fn finish(&mut self, finish: Finish) {
        self.record(Fact::Finished { finish: finish.clone() });
        self.out.effects.push(Effect::Finish(finish));
    }

    fn done(&mut self, key: &StepKey, attempt: u32, result: Result<Value, Fault>) {
        let Some(at) = self.execution.find(key) else { return };
        let instance = self.execution.instance(at);
        if !matches!(instance.state, State::Running) || instance.attempts != attempt {
            return;
        }
        if !self.is_open() {
            return self.end(at, End::Cancelled);
        }
        match result {
            Ok(output) => self.end(at, End::Succeeded { output }),
            Err(fault) => self.fail(at, fault),
        }
    }

    fn decided(&mut self, key: &StepKey, approval: ApprovalId, approved: bool, by: UserId, comment: Option<String>) {
        let Some(at) = self.execution.find(key) else { return };
        if !matches!(&self.execution.instance(at).state, State::Asked(card) if card.approval == approval) {
            return;
        }
        if approved {
            let output = json!({ "decision": "approved", "by": by, "comment": comment });
            return self.end(at, End::Succeeded { output });
        }
        let why = comment.map_or_else(|| "A person rejected it.".into(), |why| format!("A person rejected it: {why}"));
        self.fail(at, Fault::new(ErrorKind::Forbidden, "workflow.rejected", why));
    }

    /// An event ends the first step that waits for it; until there is one it is kept.
    fn deliver_mail(&mut self) -> bool {
        if !self.is_open() || self.execution.mail.is_empty() {
            return false;
        }
        let waiting = self.execution.all().find_map(|at| match &self.execution.instance(at).state {
            State::Waiting { event: Some(name) } => {
                let data = self.execution.mail.iter().find(|(sent, _)| sent == name)?.1.clone();
                Some((at, data))
            }
            _ => None,
        });
        let Some((at, output)) = waiting else { return false };
        self.end(at, End::Succeeded { output });
        true
    }

    fn tick(&mut self) {
        while let Some((when, alarm)) = self.execution.alarms.first().copied()
            && when <= self.now
        {
            self.execution.alarms.pop_first();
            match alarm {
                Alarm::Deadline if self.is_open() => {
                    let message = "The workflow takes longer than its time limit.";
                    let fault = Fault::new(ErrorKind::Timeout, "workflow.timeout", message);
                    self.stop(Finish::Failed {
                        fault: fault.fix("Raise its `timeout`, or look at what it waits for."),
                    });
                }
                Alarm::Deadline => {}
                Alarm::Step(at) => self.due(at),
                Alarm::Escalate(at) => {
                    if let State::Asked(card) = &self.execution.instance(at).state {
                        self.out.effects.push(Effect::Escalate { approval: card.approval });
                        let step = self.execution.key(at);
                        self.record(Fact::Escalated { step });
                    }
                }
            }
        }
    }

    /// A step's moment has come.
    fn due(&mut self, at: At) {
        let instance = self.execution.instance(at);
        match &instance.state {
            State::Retrying => self.run(at),
            State::Running => {
                self.stop_call(at);
                let limit = self.execution.step(at).timeout.as_secs_f64();
                let message = format!("The step took longer than its {limit} s.");
                let fault = Fault::new(ErrorKind::Timeout, "workflow.step_timeout", message);
                self.fail(at, fault.fix("Raise its `timeout`."));
            }
            State::Waiting { event: None } => self.end(at, End::Succeeded { output: Value::Null }),
            State::Waiting { event: Some(name) } => {
                let message = format!("The event `{name}` did not come in time.");
                let fault = Fault::new(ErrorKind::Timeout, "workflow.no_event", message);
                self.fail(at, fault.fix("Raise the step's `timeout`, or give it a `catch`."));
            }
            State::Asked(card) => {
                self.out.effects.push(Effect::Withdraw { approval: card.approval, expired: true });
                let fault = Fault::new(ErrorKind::Timeout, "workflow.nobody_decided", "Nobody decided in time.");
                self.fail(at, fault.fix("Raise the approval's `expires`, or tell those who decide."));
            }
            _ => {}
        }
    }

    /// A try failed, or what a step waited for did not come.
    fn fail(&mut self, at: At, fault: Fault) {
        if !self.is_open() {
            return self.end(at, End::Cancelled);
        }
        let (step, instance) = (self.execution.step(at), self.execution.instance(at));
        let (attempt, key) = (instance.attempts, self.execution.key(at));
        if matches!(instance.state, State::Running)
            && let Some(retry) = step.retry.filter(|retry| attempt < retry.attempts && may_pass(&fault))
        {
            let when = self.now.plus(retry.wait(attempt, self.draw(&key, attempt)));
            return self.record(Fact::Retries { step: key, attempt, fault, at: when });
        }
        if step.catch.is_some() && !matches!(instance.state, State::Catching) {
            return self.record(Fact::Caught { step: key, fault });
        }
        self.end(at, End::Failed { fault });
    }

    fn end(&mut self, at: At, end: End) {
        let step = self.execution.key(at);
        self.record(Fact::Ended { step, end });
    }

    /// Nothing begins any more. What waits ends at once, what runs when it says so.
    fn stop(&mut self, finish: Finish) {
        self.record(Fact::Cancelling { finish });
        let active: Vec<At> =
            self.execution.all().filter(|at| self.execution.instance(*at).state.is_active()).collect();
        for at in active {
            match &self.execution.instance(at).state {
                State::Running => self.stop_call(at),
                State::Asked(card) => {
                    self.out.effects.push(Effect::Withdraw { approval: card.approval, expired: false });
                    self.end(at, End::Cancelled);
                }
                _ => self.end(at, End::Cancelled),
            }
        }
    }

    fn stop_call(&mut self, at: At) {
        let instance = self.execution.instance(at);
        if let Some(call) = &instance.call {
            let (attempt, call) = (instance.attempts, call.as_ref().clone());
            self.out.effects.push(Effect::Stop { step: self.execution.key(at), attempt, call });
        }
    }

    /// Takes up what was running. Counted first, so that an execution which ends its control plane does not for ever.
    fn recover(&mut self) {
        if !matches!(self.execution.phase(), Phase::Running | Phase::Failing(_) | Phase::Stopping(_)) {
            return;
        }
        self.record(Fact::Recovered);
        if self.execution.recoveries > MAX_RECOVERIES {
            let message = format!("It was taken up {MAX_RECOVERIES} times, and each time its control plane ended.");
            let fault = Fault::new(ErrorKind::Internal, "workflow.poison", message);
            let fault = fault.fix("Look at its last steps and at the control plane's log; fork it to go on.");
            return self.put_aside(Finish::Failed { fault });
        }
        let stopping = matches!(self.execution.phase(), Phase::Stopping(_));
        for at in self.running() {
            let instance = self.execution.instance(at);
            let (step, attempt) = (self.execution.key(at), instance.attempts);
            if let Some(call) = instance.call.as_deref().cloned() {
                self.out.effects.push(Effect::Run { step, attempt, call });
            }
            if stopping {
                self.stop_call(at);
            }
        }
    }

    /// Ends it as it stands: what it waits for is withdrawn, what runs is stopped and not waited for.
    fn put_aside(&mut self, finish: Finish) {
        match self.execution.phase() {
            Phase::Stopping(_) => self.running().into_iter().for_each(|at| self.stop_call(at)),
            _ => self.stop(finish),
        }
        for at in self.running() {
            self.end(at, End::Cancelled);
        }
    }

    fn running(&self) -> Vec<At> {
        self.execution.all().filter(|at| matches!(self.execution.instance(*at).state, State::Running)).collect()
    }

    /// A number from 0 to 1 that is the same whenever this try of this step is looked at.
    fn draw(&self, key: &StepKey, attempt: u32) -> f64 {
        let digest = digest(self.execution, key, attempt);
        f64::from(u32::from_le_bytes([digest[0], digest[1], digest[2], digest[3]])) / f64::from(u32::MAX)
    }
}

/// Ids that need no randomness: of this step of this run, whenever they are made.
fn approval_id(execution: &Execution, key: &StepKey, now: Timestamp) -> ApprovalId {
    let digest = digest(execution, key, 0);
    ApprovalId::from_parts(now, std::array::from_fn(|at| digest[at]))
}

fn digest(execution: &Execution, key: &StepKey, attempt: u32) -> [u8; 32] {
    let mut hash = Sha256::new();
    hash.update(execution.run.uuid().as_bytes());
    hash.update(key.to_string());
    hash.update(attempt.to_le_bytes());
    hash.finalize().into()
}

/// Whether trying again may help: not where somebody or policy said no, or the arguments are wrong.
const fn may_pass(fault: &Fault) -> bool {
    !matches!(fault.kind, ErrorKind::Invalid | ErrorKind::Forbidden | ErrorKind::Unauthenticated | ErrorKind::TooLarge)
}

#[cfg(test)]
mod tests;
