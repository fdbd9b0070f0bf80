//! Orders: accepted one by one in the order of their numbers, carried out side by side, answered with a signed outcome
//! that is on disk before it is sent.
//!
//! Orders for one app wait for each other; different apps do not. Start reading at [`Executor::run`], then `deploy`.

mod act;
pub mod app;
mod converge;
mod deploy;
mod launch;
mod logs;
mod machine;
mod make;
mod node;
mod observe;
mod patch;
mod progress;
mod query;
mod recover;
mod turn;

use std::collections::HashMap;
use std::convert::Infallible;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use sf_protocol::accept::{self, BodyHash, Decision, Refusal, State};
use sf_protocol::command::{Class, Command};
use sf_protocol::frame::Frame;
use sf_protocol::order::Order;
use sf_protocol::outcome::{self as report, Facts};
use sf_protocol::report::Stream;
use sf_protocol::schedule::Whose;
use sf_protocol::server::ServerVerb;
use sf_protocol::{Kind, Outcome, Signed, Verdict};
use sf_runtime::{OnError, Shutdown};
use sf_types::{AppId, CommandId, ErrorKind, Fault, Millis, RunId, ServerId, Timestamp};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

pub use crate::traffic::port::{OWN, Ports, STABLE, any_is_apart};
pub use converge::Start;
pub use deploy::DRAIN_MAX;
pub(crate) use logs::prune as prune_logs;
pub use logs::{GONE_LOGS_KEPT, RUN_LOGS_KEPT};
pub use node::{DEPLOYS_AT_ONCE, Node};
pub use observe::Observer;
pub(crate) use progress::Progress;
pub use query::LOOKS_AT_ONCE;
pub(crate) use recover::interrupted;
use turn::Turn;

use crate::journal::{Accepted, JournalError};
use crate::link::Incoming;
use crate::policy;

/// Longest message of a fault in an outcome, in bytes.
const FAULT_BYTES: usize = 4000;
/// Pause before an outcome that the disk refused is written again.
const OUTCOME_AGAIN: Duration = Duration::from_secs(2);
/// How long the id of a read is remembered: its longest life and the clock differences on both ends.
const READ_KEPT: Duration = accept::MAX_READ_LIFETIME.saturating_add(accept::SKEW).saturating_add(accept::SKEW);
/// Reads answered at the same time; further ones are refused.
pub const READS_AT_ONCE: usize = 32;

/// How an order ended when it did not succeed.
#[derive(Debug)]
pub(crate) enum End {
    /// What was true before is true now.
    Failed(Fault),
    /// Done, found bad and undone.
    RolledBack(Fault),
    /// Stopped on request; what was true before is true now.
    Cancelled,
    /// What was agreed on has changed; nothing was done.
    GuardMoved(Fault),
}

impl From<Fault> for End {
    fn from(fault: Fault) -> Self {
        Self::Failed(fault)
    }
}

impl End {
    pub(crate) fn verdict(self) -> (Verdict, Option<Fault>) {
        match self {
            Self::Failed(fault) => (Verdict::Failed, Some(fault)),
            Self::RolledBack(fault) => (Verdict::RolledBack, Some(fault)),
            Self::GuardMoved(fault) => (Verdict::GuardMoved, Some(fault)),
            Self::Cancelled => (Verdict::Cancelled, Some(turn::cancelled())),
        }
    }
}

/// An outcome of now.
pub(crate) fn outcome(
    node: &Node,
    command: CommandId,
    (verdict, fault): (Verdict, Option<Fault>),
    facts: Facts,
    started_at: Timestamp,
) -> Outcome {
    let fault = fault.map(|mut fault| {
        // Its last words are lines of a log: they are cleaned like every other line that leaves the node.
        fault.message = node.outbox.redacted(&fault.message);
        fault.message.truncate(fault.message.floor_char_boundary(FAULT_BYTES));
        fault
    });
    Outcome { command, node: node.id, verdict, fault, facts, started_at, finished_at: node.clock.now() }
}

/// A length of time as the protocol has it.
pub(crate) fn millis(time: Duration) -> Millis {
    Millis(u64::try_from(time.as_millis()).unwrap_or(u64::MAX))
}

/// Takes orders. One per agent.
#[derive(Debug)]
pub struct Executor {
    node: Arc<Node>,
    running: Running,
    /// For each app and server the end of the order that was accepted last.
    lanes: HashMap<Lane, CancellationToken>,
    /// For each app its newest deploy.
    newest: HashMap<AppId, Turn>,
    /// Reads of the last minutes.
    reads: HashMap<CommandId, (BodyHash, Timestamp)>,
    reading: Arc<tokio::sync::Semaphore>,
}

/// Orders under way, and how to cancel them.
#[derive(Clone, Debug, Default)]
struct Running(Arc<Mutex<HashMap<CommandId, Turn>>>);

impl Running {
    fn all(&self) -> MutexGuard<'_, HashMap<CommandId, Turn>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Executor {
    /// For this node.
    pub fn new(node: Arc<Node>) -> Self {
        let reading = Arc::new(tokio::sync::Semaphore::new(READS_AT_ONCE));
        let (running, lanes, newest, reads) = Default::default();
        Self { node, running, lanes, newest, reads, reading }
    }

    /// Takes orders until the agent stops. `unfinished` are promises of a predecessor: they are ended truthfully
    /// first, each in its app's turn.
    pub async fn run(mut self, unfinished: Vec<Accepted>, mut orders: mpsc::Receiver<Incoming>, shutdown: Shutdown) {
        for accepted in unfinished {
            self.reconcile(accepted);
        }
        loop {
            let incoming = tokio::select! {
                () = shutdown.requested() => return,
                incoming = orders.recv() => incoming,
            };
            let Some(incoming) = incoming else { return };
            self.receive(incoming).await;
        }
    }

    async fn receive(&mut self, incoming: Incoming) {
        let Incoming { kind, signed, delegation } = incoming;
        let now = self.node.clock.now();
        let decided = {
            let (epoch, high_water) = self.node.journal.position();
            let known = |command| match self.reads.get(&command) {
                Some((hash, _)) => Some(*hash),
                None => self.node.journal.known(command).map(|known| known.hash),
            };
            let (node, node_key) = (self.node.id, self.node.key_id());
            accept::accept(&State { node, node_key, epoch, high_water, known: &known }, &signed, kind, &delegation, now)
        };
        match decided {
            Err(refusal) => self.refuse(kind, &refusal),
            Ok(accepted) if accepted.decision == Decision::Duplicate => self.again(&accepted.command),
            Ok(accepted) if accepted.command.class == Class::Read => {
                self.reads.retain(|_, (_, at)| now.since(*at) < READ_KEPT);
                self.reads.insert(accepted.command.id, (accepted.hash, now));
                self.read(accepted.command);
            }
            Ok(accepted) => self.obey(kind, signed, accepted.command).await,
        }
    }

    fn refuse(&self, kind: Kind, refusal: &Refusal) {
        // A repeated number is everyday life after a lost connection; the control plane knows what to do.
        self.node.outbox.refused(kind.wire(), format!("{}: {refusal}", refusal.code()));
    }

    /// Known: its outcome is sent again, or that it is being worked on.
    fn again(&self, command: &Command) {
        match self.node.journal.known(command.id) {
            Some(known) if known.finished => self.node.outbox.result(command.id),
            _ => self.acknowledge(command.id, command.sequence),
        }
    }

    fn acknowledge(&self, command: CommandId, sequence: u64) {
        let accepted = report::Accepted { command, sequence, accepted_at: self.node.clock.now() };
        self.node.outbox.say(Frame::Ack(Signed::seal(Kind::Ack, &accepted, &self.node.key)));
    }

    fn read(&self, command: Command) {
        let (node, reading) = (self.node.clone(), self.reading.clone());
        self.node.tasks.spawn("order.read", OnError::Log, async move {
            let Ok(_room) = reading.try_acquire_owned() else {
                node.answer_busy(&command);
                return Ok(());
            };
            Box::pin(node.answer(&command)).await;
            Ok::<(), Infallible>(())
        });
    }

    /// Written down before anything is done; then done, in its app's turn.
    async fn obey(&mut self, kind: Kind, signed: Signed, command: Command) {
        let node = self.node.clone();
        let promised = self.promise(kind, signed, &command).await;
        if let Err(error) = promised {
            let reason = match &error {
                JournalError::Damaged => "the node's journal was damaged; it obeys again in a higher epoch".to_owned(),
                error => format!("it could not be written down, so nothing was done: {error}"),
            };
            return node.outbox.refused(kind.wire(), format!("journal: {reason}"));
        }
        tracing::info!(command = %command.id, %kind, correlation_id = %command.authz.request, "order accepted");
        self.acknowledge(command.id, command.sequence);
        let denied = node.policy().and_then(|policy| policy::decide(&policy, &command.order)).err();
        match (denied, &command.order) {
            (Some(fault), _) => self.finish_now(&command, (Verdict::Refused, Some(fault))),
            (None, Order::Void(_)) => self.finish_now(&command, (Verdict::Voided, None)),
            (None, Order::Cancel(cancel)) => {
                let found = self.running.all().get(&cancel.command).cloned();
                let verdict = match found {
                    Some(turn) => {
                        turn.cancel();
                        (Verdict::Succeeded, None)
                    }
                    None => (Verdict::Failed, Some(nothing_to_cancel())),
                };
                self.finish_now(&command, verdict);
            }
            (None, Order::Query(_)) => {}
            (
                None,
                Order::Deploy(_)
                | Order::AppAction(_)
                | Order::ProvisionDomain(_)
                | Order::DeleteProxy(_)
                | Order::Patch(_)
                | Order::ServiceAction(_)
                | Order::Schedule(_)
                | Order::ServerAction(_)
                | Order::FileAction(_)
                | Order::DesiredState(_),
            ) => self.work(command),
        }
    }

    async fn promise(&self, kind: Kind, signed: Signed, command: &Command) -> Result<(), JournalError> {
        let journal = &self.node.journal;
        if command.epoch > journal.position().0 {
            journal.raise_epoch(command.epoch).await?;
        }
        let at = self.node.clock.now();
        let (command, epoch, sequence) = (command.id, command.epoch, command.sequence);
        journal.accept(Accepted { command, kind, epoch, sequence, at, signed }).await
    }

    fn finish_now(&self, command: &Command, verdict: (Verdict, Option<Fault>)) {
        let node = self.node.clone();
        let done = outcome(&node, command.id, verdict, Facts::None, node.clock.now());
        self.node.tasks.spawn("order.finish", OnError::Log, async move {
            node.finish(done).await;
            Ok::<(), Infallible>(())
        });
    }

    fn work(&mut self, command: Command) {
        let (node, turn, id) = (self.node.clone(), Turn::default(), command.id);
        self.running.all().insert(id, turn.clone());
        if let Order::Deploy(deploy) = &command.order
            && let Some(earlier) = self.newest.insert(deploy.app.app, turn.clone())
        {
            earlier.supersede();
        }
        if let Order::ServerAction(action) = &command.order
            && action.verb == ServerVerb::Delete
        {
            let (node, server) = (node.clone(), action.spec.server);
            self.node.tasks.spawn("order.give_way", OnError::Log, async move {
                node.give_way(server).await;
                Ok::<(), Infallible>(())
            });
        }
        let (cancel, behind) = (turn.asked().clone(), Behind { run: command.authz.run, id });
        let lanes = if overtakes(&command.order) { Vec::new() } else { lanes_of(&node, &command.order) };
        self.in_turn(lanes, behind, turn, async move {
            match &command.order {
                Order::Deploy(deploy) => node.deploy(&command, deploy, &cancel).await,
                Order::AppAction(action) => node.act(&command, action, &cancel).await,
                Order::ProvisionDomain(wanted) => node.provision(&command, wanted, &cancel).await,
                Order::DeleteProxy(gone) => node.unprovision(&command, gone).await,
                Order::Patch(patch) => node.patch(&command, patch, &cancel).await,
                Order::ServiceAction(wanted) => node.steer(&command, wanted, &cancel).await,
                Order::Schedule(order) => node.schedule(&command, order).await,
                Order::ServerAction(action) => node.serve(&command, action, &cancel).await,
                Order::FileAction(action) => node.change_files(&command, action, &cancel).await,
                Order::DesiredState(desired) => node.converge_to(&command, desired).await,
                Order::Query(_) | Order::Cancel(_) | Order::Void(_) => {
                    outcome(&node, command.id, (Verdict::Succeeded, None), Facts::None, node.clock.now())
                }
            }
        });
    }

    /// Ends what a predecessor promised, by looking at what is there.
    fn reconcile(&mut self, accepted: Accepted) {
        let node = self.node.clone();
        let Ok(command) = sf_protocol::wire::parse::<Command>(&accepted.signed.payload) else {
            tracing::error!(command = %accepted.command, "a promise in the journal cannot be read");
            return;
        };
        let behind = Behind { run: command.authz.run, id: command.id };
        let lanes = lanes_of(&node, &command.order);
        self.in_turn(lanes, behind, Turn::default(), async move { node.reconcile(&command, accepted.at).await });
    }

    /// Runs `work` when the earlier orders for the same apps and servers have ended, unless `turn` is left before.
    fn in_turn<F>(&mut self, lanes: Vec<Lane>, order: Behind, turn: Turn, work: F)
    where
        F: Future<Output = Outcome> + Send + 'static,
    {
        self.lanes.retain(|_, ended| !ended.is_cancelled());
        self.newest.retain(|_, turn| turn.is_waiting());
        let ended = CancellationToken::new();
        let before: Vec<_> = lanes.iter().filter_map(|lane| self.lanes.insert(*lane, ended.clone())).collect();
        let (node, running) = (self.node.clone(), self.running.clone());
        self.node.tasks.spawn("order", OnError::Log, async move {
            // Also when the work panics or is dropped: those behind must not wait for ever.
            let _ended = ended.drop_guard();
            if !before.is_empty() {
                node.say_waiting(order);
            }
            let first = async {
                for earlier in &before {
                    earlier.cancelled().await;
                }
            };
            tokio::select! {
                biased;
                () = turn.left() => {}
                () = first => {}
            }
            if let Err(fault) = turn.begin() {
                running.all().remove(&order.id);
                let early = (Verdict::Cancelled, Some(fault));
                node.finish(outcome(&node, order.id, early, Facts::None, node.clock.now())).await;
                // Those behind wait for those before all the same.
                for earlier in &before {
                    earlier.cancelled().await;
                }
                return Ok(());
            }
            let outcome = Box::pin(work).await;
            running.all().remove(&order.id);
            let deployed = matches!(outcome.facts, Facts::Deploy(_) | Facts::Patch(_));
            node.finish(outcome).await;
            node.prune_run_logs().await;
            // The journal has it: what was kept beside the app for a restarted agent may go.
            let apps = lanes.iter().filter_map(|lane| if let Lane::App(app) = lane { Some(app) } else { None });
            for app in apps.filter(|_| deployed) {
                node.apps.settled(*app).unwrap_or_else(|fault| tracing::warn!(%fault, "a deploy's file stays"));
                node.prune_app_logs(*app).await;
            }
            node.sites_follow().await;
            Ok::<(), Infallible>(())
        });
    }
}

/// An order that may have to wait.
#[derive(Clone, Copy, Debug)]
struct Behind {
    id: CommandId,
    run: Option<RunId>,
}

impl Node {
    /// Says in the run's log why nothing happens.
    fn say_waiting(&self, order: Behind) {
        let progress = Progress::new(order.id, order.run, &self.state, &self.outbox, &self.clock);
        progress.line(Stream::Note, "Waits until the earlier order has ended.");
    }

    /// Writes an outcome down, then sends it. A disk that refuses is asked again: what was done must not be lost.
    pub(crate) async fn finish(&self, outcome: Outcome) {
        let command = outcome.command;
        tracing::info!(%command, verdict = ?outcome.verdict, fault = outcome.fault.as_ref().map(|fault| &*fault.code), "order ended");
        let signed = Signed::seal(Kind::Result, &outcome, &self.key);
        let mut told = false;
        loop {
            match self.journal.finish(command, signed.clone()).await {
                Ok(()) => break,
                Err(JournalError::Stopping) => return,
                Err(error) => {
                    if !std::mem::replace(&mut told, true) {
                        self.outbox.notice("journal.disk", format!("An outcome cannot be written down: {error}."));
                    }
                    tokio::time::sleep(OUTCOME_AGAIN).await;
                }
            }
        }
        self.outbox.result(command);
        fail::fail_point!("agent-after-send");
    }
}

/// Orders of one lane follow one another.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
enum Lane {
    App(AppId),
    Server(ServerId),
    /// Changes of a server's files among themselves: a start may take long, and needs what somebody writes meanwhile.
    Files(ServerId),
    /// Changes of a server's schedules among themselves.
    Schedules(ServerId),
    /// Commands of a server among themselves, where they need not wait for its other orders.
    Input(ServerId),
}

/// Whether an order waits for nobody: what ends a server also ends what waits for it.
fn overtakes(order: &Order) -> bool {
    matches!(order, Order::ServerAction(action) if action.verb == ServerVerb::Kill)
}

/// What an order is about.
fn lanes_of(node: &Node, order: &Order) -> Vec<Lane> {
    if let Order::ServerAction(action) = order {
        let server = action.spec.server;
        // A start may wait for an answer that a person has to type.
        let at_once = matches!(action.verb, ServerVerb::Command { .. }) && node.takes_input(server);
        let whole = matches!(action.verb, ServerVerb::Install { .. } | ServerVerb::Delete);
        let first = if at_once { Lane::Input(server) } else { Lane::Server(server) };
        let schedules = (action.verb == ServerVerb::Delete).then_some(Lane::Schedules(server));
        return std::iter::once(first).chain(whole.then_some(Lane::Files(server))).chain(schedules).collect();
    }
    if let Order::FileAction(action) = order {
        return vec![Lane::Files(action.server)];
    }
    if let Order::Schedule(order) = order
        && let Whose::Server(server) = order.whose()
    {
        // Nothing that is done to the server is waited for: only what it shall do later is changed.
        return vec![Lane::Schedules(server)];
    }
    let servers = match order {
        Order::DesiredState(desired) => desired.servers.iter().map(|spec| Lane::Server(spec.server)).collect(),
        _ => Vec::new(),
    };
    apps_of(node, order).into_iter().map(Lane::App).chain(servers).collect()
}

/// The apps an order is about.
fn apps_of(node: &Node, order: &Order) -> Vec<AppId> {
    match order {
        Order::Deploy(deploy) => vec![deploy.app.app],
        Order::AppAction(action) => vec![action.app],
        Order::ProvisionDomain(wanted) => vec![wanted.site.app],
        Order::DeleteProxy(gone) => vec![gone.app],
        Order::Patch(patch) => vec![patch.app],
        Order::Schedule(order) => match order.whose() {
            Whose::App(app) => vec![app],
            Whose::Server(_) => Vec::new(),
        },
        Order::DesiredState(desired) => {
            let known = node.apps.list().into_iter().map(|record| record.spec.app);
            let mut apps: Vec<_> = desired.apps.iter().map(|one| one.spec.app).chain(known).collect();
            apps.sort_unstable();
            apps.dedup();
            apps
        }
        Order::Query(_)
        | Order::ServiceAction(_)
        | Order::ServerAction(_)
        | Order::FileAction(_)
        | Order::Cancel(_)
        | Order::Void(_) => Vec::new(),
    }
}

fn nothing_to_cancel() -> Fault {
    Fault::new(ErrorKind::Conflict, "cancel.nothing", "That command is not under way on this node.")
        .fix("Look at how it ended.")
}
