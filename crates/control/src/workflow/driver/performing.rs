//! Effects, once what they follow from is recorded: calls begin in turns, are stopped, and come back as messages.

use sf_engine::workflow::{Call, Effect, StepKey};
use sf_store::executions::ExecutionState;
use sf_types::RunId;

use super::ground::Ground;
use super::under_way::{Next, Unwanted};
use super::{Driver, MAX_IDLE};
use crate::workflow::Message;
use crate::workflow::calls::Stop;

impl<G: Ground> Driver<G> {
    /// Performs what was recorded.
    pub(super) fn perform(&mut self, effects: Vec<(RunId, Vec<Effect>)>) {
        for (run, effects) in effects {
            for effect in effects {
                match effect {
                    Effect::Run { step, attempt, call } => self.queue(run, step, attempt, call),
                    Effect::Stop { step, attempt, call } => self.stop(run, step, attempt, call),
                    Effect::Finish(_) => self.forget(run),
                    Effect::Ask { .. } | Effect::Withdraw { .. } | Effect::Escalate { .. } => {}
                }
            }
        }
        self.start_calls();
    }

    fn queue(&mut self, run: RunId, step: StepKey, attempt: u32, call: Call) {
        if let Some(hot) = self.hot.get(&run) {
            self.calls.queue(hot.context, step, attempt, call);
        }
    }

    pub(super) fn start_calls(&mut self) {
        while let Some(next) = self.calls.next() {
            match next {
                Next::Begin(start) => self.ground.begin(start),
                Next::Stop(unwanted) => self.stop_begun(unwanted),
            }
        }
    }

    fn stop(&mut self, run: RunId, step: StepKey, attempt: u32, call: Call) {
        if let Some(hot) = self.hot.get(&run)
            && !self.calls.unwant(run, &step, attempt)
        {
            self.stop_begun((hot.context, step, attempt, call));
        }
    }

    /// Stops what a call began that is not under way here.
    pub(super) fn stop_begun(&self, (context, step, attempt, call): Unwanted) {
        match call {
            // A read leaves nothing behind.
            Call::Query { .. } => self.ground.send(Message::Stopped { run: context.run, step, attempt }),
            Call::Action { .. } | Call::Workflow { .. } => self.ground.stop(Stop::of(&context, step, attempt)),
        }
    }

    /// Executions that only wait are read again when something happens.
    pub(super) fn forget_idle(&mut self) {
        if self.hot.len() > MAX_IDLE {
            self.hot.retain(|_, hot| hot.state == ExecutionState::Running);
        }
    }
}
