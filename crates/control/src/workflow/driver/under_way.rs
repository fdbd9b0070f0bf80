//! Calls that wait for their turn, and calls that are being made. Each try of a step is here once at the most, whatever
//! its execution goes through meanwhile.

use std::collections::HashMap;

use sf_engine::workflow::{Call, StepKey};
use sf_types::{RunId, TenantId, WorkflowId};
use tokio::sync::oneshot;

use super::ground::Start;
use crate::workflow::Context;
use crate::workflow::fair::Fair;

/// Calls under way at a time at the most.
const MAX_CALLS: usize = 256;

type Key = (RunId, StepKey, u32);

/// Those calls.
pub(super) struct UnderWay {
    waiting: Fair<(TenantId, WorkflowId), Start>,
    known: HashMap<Key, Known>,
    /// How many of them are being made.
    made: usize,
}

struct Known {
    context: Context,
    call: Call,
    stop: Option<oneshot::Sender<()>>,
    begun: bool,
    unwanted: bool,
}

/// What was to be made and is not wanted any more: what it may have begun has to be stopped.
pub(super) type Unwanted = (Context, StepKey, u32, Call);

/// Whose turn it is.
pub(super) enum Next {
    /// It is made.
    Begin(Start),
    /// It is not made, but may have been before a restart.
    Stop(Unwanted),
}

impl UnderWay {
    pub(super) fn new() -> Self {
        Self { waiting: Fair::new(), known: HashMap::new(), made: 0 }
    }

    /// Puts a call in its group's line, unless it is here already.
    pub(super) fn queue(&mut self, context: Context, step: StepKey, attempt: u32, call: Call) {
        let key = (context.run, step.clone(), attempt);
        if self.known.contains_key(&key) {
            return;
        }
        let (stop, stopped) = oneshot::channel();
        let known = Known { context, call: call.clone(), stop: Some(stop), begun: false, unwanted: false };
        self.known.insert(key, known);
        self.waiting.push((context.tenant, context.workflow), Start { context, step, attempt, call, stopped });
    }

    /// The next whose turn it is, while there is room.
    pub(super) fn next(&mut self) -> Option<Next> {
        if self.made >= MAX_CALLS {
            return None;
        }
        let start = self.waiting.pop()?;
        let key = (start.context.run, start.step.clone(), start.attempt);
        match self.known.get_mut(&key) {
            Some(known) if !known.unwanted => {
                known.begun = true;
                self.made += 1;
                Some(Next::Begin(start))
            }
            _ => {
                self.known.remove(&key);
                Some(Next::Stop((start.context, start.step, start.attempt, start.call)))
            }
        }
    }

    /// A call is not wanted any more. `false` where it is not here: what it began has to be stopped.
    ///
    /// One that is being made is let come back first. Otherwise what it is about to begin would be looked for before it
    /// has begun, and go on with nobody who waits for it.
    pub(super) fn unwant(&mut self, run: RunId, step: &StepKey, attempt: u32) -> bool {
        let Some(known) = self.known.get_mut(&(run, step.clone(), attempt)) else { return false };
        known.unwanted = true;
        if known.begun
            && matches!(known.call, Call::Query { .. })
            && let Some(stop) = known.stop.take()
        {
            // A read can be broken off at any moment.
            let _gone = stop.send(());
        }
        true
    }

    /// A call has come back. Answers what has to be stopped, where it began something that nobody wants any more.
    pub(super) fn back(&mut self, run: RunId, step: &StepKey, attempt: u32, goes_on: bool) -> Option<Unwanted> {
        let known = self.known.remove(&(run, step.clone(), attempt))?;
        self.made -= usize::from(known.begun);
        (known.unwanted && goes_on).then(|| (known.context, step.clone(), attempt, known.call))
    }
}
