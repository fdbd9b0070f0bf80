//! Workflows: what carries their executions out.
//!
//! One task, the [`driver`], owns every execution of this control plane that is under way. It takes in what has
//! happened, asks [`sf_engine::workflow`] what follows, records the answers of many executions in one transaction, and
//! then performs the effects. What comes from outside (a decision, an event, the end of a run) is first put into the
//! inbox table in the transaction that makes it true, so that a crash in between loses nothing.
//!
//! Start reading at [`begin`], then [`driver`], [`commit`] and [`calls`].

pub(crate) mod begin;
pub(crate) mod calls;
mod commit;
mod driver;
mod fair;
pub mod hooks;
mod journal;
pub mod look;
mod moving;
mod notices;
pub(crate) mod perform;
pub mod told;
pub mod triggers;
pub mod upcoming;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures_util::future::BoxFuture;
use serde_json::Value;
use sf_actions::{Actor, ActorKind};
use sf_engine::workflow::definition::Installed;
use sf_engine::workflow::{Definition, Event, StepKey};
use sf_store::{Look, StoreError, workflows};
use sf_types::{ErrorKind, Fault, ProjectId, RequestId, RunId, TenantId, WorkflowId};
use tokio::sync::{mpsc, watch};
use uuid::Uuid;

pub(crate) use begin::Begun;
pub use begin::{MAX_DEPTH, MAX_QUEUED};
pub(crate) use calls::result_of;
pub use journal::{MAX_INLINE_BYTES, Recorded};
pub use perform::MAX_EVENT_BYTES;

/// Definitions kept at hand.
pub const CACHED_DEFINITIONS: usize = 500;
/// What there is to be used by workflows: the runners of tools, AI agents and scripts come later.
pub(crate) const INSTALLED: Installed = Installed { tools: false, agents: false, scripts: false };

/// How long a read waits for the API of a control plane that has just started.
const READS_WITHIN: Duration = Duration::from_secs(60);

/// Reads of the API on behalf of a workflow; the edge that knows the routes does them.
pub trait Reads: Send + Sync {
    /// Answers the data of `GET /api/v1{path}` as `who` sees it.
    fn read(&self, who: Principal, path: String) -> BoxFuture<'static, Result<Value, Fault>>;

    /// The same as an actor that a credential made, with its narrower rights, in its own request.
    fn read_as(&self, actor: Actor, request: RequestId, path: String) -> BoxFuture<'static, Result<Seen, Fault>>;
}

/// What a read answers.
#[derive(Clone, Debug)]
pub struct Seen {
    /// The data.
    pub data: Value,
    /// Where the next page begins; `None` on the last one, and where there are no pages.
    pub next: Option<String>,
}

/// For whom a step acts.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Principal {
    /// In which team.
    pub tenant: TenantId,
    /// A workflow's run, and the person behind it.
    pub kind: ActorKind,
}

/// The part of the control plane that workflows live in.
pub(crate) struct Workflows {
    inbox: mpsc::UnboundedSender<Message>,
    /// Taken by the driver when it starts.
    receiver: Mutex<Option<mpsc::UnboundedReceiver<Message>>>,
    reads: watch::Sender<Option<Arc<dyn Reads>>>,
    definitions: Mutex<HashMap<(WorkflowId, u32), Arc<Definition>>>,
    pub(crate) triggers_changed: tokio::sync::Notify,
}

impl std::fmt::Debug for Workflows {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Workflows").finish_non_exhaustive()
    }
}

impl Default for Workflows {
    fn default() -> Self {
        // Unbounded: each message belongs to a run that was admitted, and quotas bound these.
        let (inbox, receiver) = mpsc::unbounded_channel();
        Self {
            inbox,
            receiver: Mutex::new(Some(receiver)),
            reads: watch::Sender::default(),
            definitions: Mutex::default(),
            triggers_changed: Default::default(),
        }
    }
}

/// Something for the driver.
pub(crate) enum Message {
    /// An execution was recorded: it goes on from here.
    Begun(Box<Begun>),
    /// Something has happened to one.
    Happened {
        /// To which.
        run: RunId,
        /// What.
        event: Event,
        /// Its row of the inbox.
        id: Option<Uuid>,
    },
    /// A call of it has come back.
    Back {
        /// Of which.
        run: RunId,
        /// Which step.
        step: StepKey,
        /// Which try.
        attempt: u32,
        /// With what; nothing where the end comes through the inbox.
        result: Option<Result<Value, Fault>>,
    },
    /// What a call began was to be stopped, and it began nothing.
    Stopped {
        /// Of which.
        run: RunId,
        /// Which step.
        step: StepKey,
        /// Which try.
        attempt: u32,
    },
    /// What a call begins is not wanted any more, and it may still be on its way.
    Unwanted(calls::Stop),
    /// One that was recorded by somebody else: look at it.
    Recover(RunId),
}

/// What all that an execution does has in common.
#[derive(Clone, Copy, PartialEq, Debug)]
pub(crate) struct Context {
    pub(crate) run: RunId,
    pub(crate) tenant: TenantId,
    pub(crate) project: ProjectId,
    pub(crate) workflow: WorkflowId,
    /// Who started it.
    pub(crate) actor: ActorKind,
    /// Others of its key may wait for its end.
    pub(crate) keyed: bool,
}

impl Context {
    /// For whom its steps act.
    pub(crate) fn principal(&self) -> Result<Principal, Fault> {
        let user = self.actor.user().ok_or_else(|| {
            let message = "The workflow was started by nobody, so its steps may do nothing.";
            Fault::new(ErrorKind::Forbidden, "workflow.nobody", message)
        })?;
        Ok(Principal { tenant: self.tenant, kind: ActorKind::Workflow { user, run: self.run, ai: self.actor.agent() } })
    }
}

impl Workflows {
    pub(crate) fn send(&self, message: Message) {
        // The driver is gone when the process ends; what was sent is in the database.
        drop(self.inbox.send(message));
    }

    fn take_receiver(&self) -> Option<mpsc::UnboundedReceiver<Message>> {
        self.receiver.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    /// Who reads. What was under way when the last process ended is taken up before the API of this one is there, and
    /// must not fail by that.
    pub(crate) async fn reads(&self) -> Option<Arc<dyn Reads>> {
        let mut reads = self.reads.subscribe();
        let told = tokio::time::timeout(READS_WITHIN, reads.wait_for(Option::is_some)).await;
        told.ok()?.ok()?.clone()
    }

    /// A version of a workflow, laid out. It was checked when it was kept; a newer program may refuse what it finds.
    pub(crate) async fn definition(
        &self,
        at: &impl Look,
        workflow: WorkflowId,
        version: u32,
    ) -> sf_store::Result<Arc<Definition>> {
        let known = |all: &HashMap<(WorkflowId, u32), Arc<Definition>>| all.get(&(workflow, version)).cloned();
        if let Some(definition) = known(&self.definitions.lock().unwrap_or_else(PoisonError::into_inner)) {
            // A reader with a narrower view must not get it from here.
            return Ok(definition);
        }
        let row = workflows::version(at, workflow, version).await?;
        let definition = Definition::parse(&row.document, INSTALLED).map_err(|problems| {
            let first = problems.first().map_or(String::new(), |one| format!("{}: {}", one.place, one.message));
            StoreError::from(
                Fault::new(
                    ErrorKind::Conflict,
                    "workflow.refused",
                    format!("Version {version} of the workflow is not accepted by this ServerFlow any more: {first}"),
                )
                .fix("Save a version that is."),
            )
        })?;
        let definition = Arc::new(definition);
        let mut all = self.definitions.lock().unwrap_or_else(PoisonError::into_inner);
        if all.len() >= CACHED_DEFINITIONS {
            all.clear();
        }
        all.insert((workflow, version), definition.clone());
        Ok(definition)
    }
}

impl crate::Control {
    /// What `GET /api/v1{path}` shows this actor. Views are the API's, whoever asks.
    ///
    /// # Errors
    /// What the route refuses; no API to ask.
    pub async fn see(&self, actor: &Actor, request: RequestId, path: &str) -> Result<Seen, Fault> {
        let Some(reads) = self.core().workflows.reads().await else {
            let fault = Fault::new(ErrorKind::Unavailable, "api.starting", "The API is starting.");
            return Err(fault.fix("Try again in a moment."));
        };
        reads.read_as(actor.clone(), request, path.to_owned()).await
    }

    /// Who does the reads of workflows' steps. Told once, by the edge that knows the routes: the first is kept.
    pub fn set_reads(&self, reads: Arc<dyn Reads>) {
        self.core().workflows.reads.send_if_modified(|told| {
            let first = told.is_none();
            if first {
                *told = Some(reads);
            }
            first
        });
    }
}
