//! Effects, once what they follow from is recorded: calls begin in turns, are stopped, and come back as messages.

use sf_engine::workflow::{Call, Effect, StepKey};
use sf_runtime::OnError;
use sf_store::executions::ExecutionState;
use sf_types::{Fault, RunId};
use tokio::sync::oneshot;

use super::{Driver, MAX_CALLS, MAX_IDLE, Start};
use crate::workflow::{Context, Message, calls};

impl Driver {
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
        let Some(hot) = self.hot.get_mut(&run) else { return };
        let (stop, stopped) = oneshot::channel();
        hot.stops.insert((step.clone(), attempt), stop);
        let context = hot.context;
        self.waiting.push((context.tenant, context.workflow), Start { context, step, attempt, call, stopped });
    }

    pub(super) fn start_calls(&mut self) {
        while self.calls < MAX_CALLS
            && let Some(Start { context, step, attempt, call, stopped }) = self.waiting.pop()
        {
            self.calls += 1;
            if self.stopping.contains_key(&(context.run, step.clone(), attempt)) {
                let result = Some(Err(calls::stopped()));
                self.control.core().workflows.send(Message::Back { run: context.run, step, attempt, result });
                continue;
            }
            let control = self.control.clone();
            self.control.core().tasks.spawn("workflow step", OnError::Log, async move {
                let call = calls::perform(&control, &context, &step, attempt, &call);
                let result = tokio::select! {
                    biased;
                    // Dropped with its execution's memory, which stops nothing.
                    Ok(()) = stopped => Some(Err(calls::stopped())),
                    result = call => result,
                };
                control.core().workflows.send(Message::Back { run: context.run, step, attempt, result });
                Ok::<(), Fault>(())
            });
        }
    }

    fn stop(&mut self, run: RunId, step: StepKey, attempt: u32, call: Call) {
        let Some(hot) = self.hot.get_mut(&run) else { return };
        if matches!(call, Call::Query { .. }) {
            // Its end comes back from the call itself, or it was never there.
            match hot.stops.remove(&(step.clone(), attempt)) {
                Some(stop) => drop(stop.send(())),
                None => self.control.core().workflows.send(Message::Back {
                    run,
                    step,
                    attempt,
                    result: Some(Err(calls::stopped())),
                }),
            }
            return;
        }
        let context = hot.context;
        // What is being proposed is looked for once it is there: missed now, it would go on after its workflow's end.
        if hot.stops.contains_key(&(step.clone(), attempt)) {
            self.stopping.insert((run, step, attempt), context);
            return;
        }
        self.stop_proposed(context, step, attempt);
    }

    /// Stops the run that a try has proposed.
    pub(super) fn stop_proposed(&self, context: Context, step: StepKey, attempt: u32) {
        let control = self.control.clone();
        self.control
            .core()
            .tasks
            .spawn("workflow stop", OnError::Log, async move { calls::stop(&control, &context, &step, attempt).await });
    }

    /// Executions that only wait are read again when something happens.
    pub(super) fn forget_idle(&mut self) {
        if self.hot.len() <= MAX_IDLE {
            return;
        }
        self.hot.retain(|_, hot| hot.state == ExecutionState::Running || !hot.stops.is_empty());
    }
}
