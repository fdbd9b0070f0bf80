//! What the driver stands on. The control plane's own ground is the database, the clock and the one door; a simulation
//! has another one, on which everything can go wrong on purpose.

use std::sync::Arc;
use std::time::{Duration, Instant};

use sf_engine::workflow::{Call, Definition, Fact, StepKey};
use sf_runtime::OnError;
use sf_store::executions::{self, ExecutionRow, Incoming};
use sf_store::runs;
use sf_types::{Fault, RunId, Scope, Timestamp, WorkflowId};
use tokio::sync::oneshot;

use crate::control::Control;
use crate::workflow::calls::Stop;
use crate::workflow::commit::{self, LEASE, Turn};
use crate::workflow::{Context, Message, calls, journal};

/// A call that may begin.
#[derive(Debug)]
pub(super) struct Start {
    pub(super) context: Context,
    pub(super) step: StepKey,
    pub(super) attempt: u32,
    pub(super) call: Call,
    /// It is not wanted any more.
    pub(super) stopped: oneshot::Receiver<()>,
}

/// Facts of one entry of a journal, with its number and moment.
pub(super) type Entries = Vec<(u64, Timestamp, Vec<Fact>)>;

/// The world of a driver.
pub(super) trait Ground {
    /// The time; it may be set.
    fn now(&self) -> Timestamp;
    /// The time since some moment; it only goes on.
    fn uptime(&self) -> Duration;
    /// Whether other control planes may work on the same database.
    fn is_shared(&self) -> bool;

    /// Begins, or begins anew, as an engine: answers the fence.
    async fn register(&self) -> sf_store::Result<u64>;
    /// Takes over what belongs to engines whose lease is over.
    async fn take_over(&self, fence: u64) -> sf_store::Result<()>;
    /// Executions of this engine that have not ended.
    async fn own(&self) -> sf_store::Result<Vec<ExecutionRow>>;
    /// What came in for these and was not taken in.
    async fn incoming(&self) -> sf_store::Result<Vec<Incoming>>;
    /// Stops of these, and of what is over, that were kept and are not done.
    async fn stops(&self) -> sf_store::Result<Vec<Stop>>;
    /// An execution with what it has in common with its run, where it is this engine's.
    async fn find(&self, run: RunId) -> sf_store::Result<Option<(ExecutionRow, Context)>>;
    /// A version of a workflow.
    async fn definition(&self, workflow: WorkflowId, version: u32) -> sf_store::Result<Arc<Definition>>;
    /// The journal of an execution.
    async fn facts(&self, run: RunId) -> sf_store::Result<Entries>;
    /// Records all of it, or nothing; what others are told of it follows by itself.
    async fn commit(&self, fence: u64, turns: Arc<Vec<Turn>>) -> sf_store::Result<()>;

    /// Says something to the driver itself.
    fn send(&self, message: Message);
    /// Begins a call; in the end it says [`Message::Back`].
    fn begin(&self, start: Start);
    /// Stops what a call began, and says [`Message::Stopped`] where that was nothing.
    fn stop(&self, stop: Stop);
}

/// The ground of a control plane.
pub(super) struct Real {
    control: Control,
    since: Instant,
}

impl Real {
    pub(super) fn of(control: Control) -> Self {
        Self { control, since: Instant::now() }
    }
}

impl Ground for Real {
    fn now(&self) -> Timestamp {
        self.control.now()
    }

    fn uptime(&self) -> Duration {
        self.since.elapsed()
    }

    fn is_shared(&self) -> bool {
        self.control.core().options.store.sqlite_path().is_none()
    }

    async fn register(&self) -> sf_store::Result<u64> {
        let store = &self.control.core().store;
        let engine = store.instance();
        store
            .write(Scope::System, move |tx| Box::pin(async move { executions::register(tx, engine, LEASE).await }))
            .await
    }

    async fn take_over(&self, fence: u64) -> sf_store::Result<()> {
        let store = &self.control.core().store;
        let engine = store.instance();
        let taken = store.write(Scope::System, move |tx| {
            Box::pin(async move {
                executions::renew(tx, engine, fence, LEASE).await?;
                executions::take_over(tx, engine).await
            })
        });
        taken.await.map(drop)
    }

    async fn own(&self) -> sf_store::Result<Vec<ExecutionRow>> {
        let store = &self.control.core().store;
        executions::of_engine(&store.read(Scope::System), store.instance()).await
    }

    async fn incoming(&self) -> sf_store::Result<Vec<Incoming>> {
        let store = &self.control.core().store;
        executions::incoming(&store.read(Scope::System), store.instance()).await
    }

    async fn stops(&self) -> sf_store::Result<Vec<Stop>> {
        calls::kept(&self.control.core().store).await
    }

    async fn find(&self, run: RunId) -> sf_store::Result<Option<(ExecutionRow, Context)>> {
        let store = &self.control.core().store;
        let reader = store.read(Scope::System);
        let row = match executions::get(&reader, run).await {
            Err(sf_store::StoreError::NotFound(_)) => return Ok(None),
            row => row?,
        };
        if row.engine != Some(store.instance()) {
            return Ok(None);
        }
        let actor = runs::get(&reader, run).await?.actor;
        let (project, workflow, keyed) = (row.project, row.workflow, row.key.is_some());
        let context = Context { run, tenant: row.tenant, project, workflow, actor, keyed };
        Ok(Some((row, context)))
    }

    async fn definition(&self, workflow: WorkflowId, version: u32) -> sf_store::Result<Arc<Definition>> {
        let core = self.control.core();
        core.workflows.definition(&core.store.read(Scope::System), workflow, version).await
    }

    async fn facts(&self, run: RunId) -> sf_store::Result<Entries> {
        journal::facts(&self.control.core().store.read(Scope::System), run).await
    }

    async fn commit(&self, fence: u64, turns: Arc<Vec<Turn>>) -> sf_store::Result<()> {
        let after = commit::commit(self.control.core(), fence, turns).await?;
        self.control.deliver(after);
        Ok(())
    }

    fn send(&self, message: Message) {
        self.control.core().workflows.send(message);
    }

    fn begin(&self, start: Start) {
        let control = self.control.clone();
        self.control.core().tasks.spawn("workflow step", OnError::Log, async move {
            let Start { context, step, attempt, call, stopped } = start;
            let mut back =
                Back { control: &control, run: context.run, step: &step, attempt, result: Some(Err(broken())) };
            let performed = calls::perform(&control, &context, &step, attempt, &call);
            back.result = tokio::select! {
                biased;
                // Where the sender is gone, nobody can want to stop it.
                Ok(()) = stopped => Some(Err(calls::stopped())),
                result = performed => result,
            };
            Ok::<(), Fault>(())
        });
    }

    fn stop(&self, stop: Stop) {
        let control = self.control.clone();
        let tasks = &self.control.core().tasks;
        tasks.spawn("workflow stop", OnError::Log, async move { calls::stop(&control, stop).await });
    }
}

/// Says that a call is back, however its task ends.
struct Back<'a> {
    control: &'a Control,
    run: RunId,
    step: &'a StepKey,
    attempt: u32,
    result: Option<Result<serde_json::Value, Fault>>,
}

impl Drop for Back<'_> {
    fn drop(&mut self) {
        let (step, result) = (self.step.clone(), self.result.take());
        self.control.core().workflows.send(Message::Back { run: self.run, step, attempt: self.attempt, result });
    }
}

fn broken() -> Fault {
    Fault::new(sf_types::ErrorKind::Internal, "workflow.broken", "The call ended without an answer.")
        .fix("Look at the control plane's log, and run the step again.")
}
