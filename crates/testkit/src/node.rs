//! A simulated node: its key, its join counter, its promises, and the words it can say.

mod facts;
mod joining;
mod panel;
mod words;

pub use joining::WaitingMachine;
pub use words::Words;

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use sf_protocol::accept::{self, BodyHash, Decision, Refusal, State};
use sf_protocol::app::AppState;
use sf_protocol::enrol::{EnrolToken, Enrolled, Progress};
use sf_protocol::handshake::{AgentHello, BindingKind, Nonce, Open, VERSIONS, Versions};
use sf_protocol::order::Order;
use sf_protocol::outcome::{Accepted, AppFacts, Facts, Outcome, Step};
use sf_protocol::query::{Answer, AppReport, JournalEntry, Query, Reply};
use sf_protocol::report::{NodeEvent, NodeFacts, StatusUpdate, StepState};
use sf_protocol::server::ServerReport;
use sf_protocol::{Command, Frame, KeyId, Kind, SecretKey, Signed, Verdict};
use sf_runtime::{Clock, Rng};
use sf_types::{AppId, CommandId, ErrorKind, Fault, Name, NodeId, Port, ReleaseId, ServerId};

use crate::journal::Journal;
use crate::wire::{Dial, Wire, WireError};

/// A simulated node. Clones are the same node; [`SimNode::copied`] is a machine that got a copy of its disk.
#[derive(Clone, Debug)]
pub struct SimNode(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    id: NodeId,
    key: SecretKey,
    root: KeyId,
    binding: BindingKind,
    clock: Clock,
    rng: Rng,
    journal: Journal,
    memory: Mutex<Memory>,
}

/// What a node has on its disk.
#[derive(Clone, Debug, Default)]
struct Memory {
    /// The protocol it speaks, where that is not the newest.
    versions: Option<Versions>,
    counter: u64,
    epoch: u64,
    high_water: u64,
    known: HashMap<CommandId, BodyHash>,
    /// Outcomes by number, until they are confirmed.
    waiting: BTreeMap<u64, (CommandId, Signed)>,
    /// All outcomes.
    outcomes: HashMap<CommandId, Signed>,
    events: u64,
    apps: HashMap<AppId, App>,
    servers: HashMap<ServerId, ServerReport>,
    refused: Vec<Refusal>,
    began: Vec<Command>,
    words: Words,
}

/// An app's folder on a simulated node's disk.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct App {
    live: Option<ReleaseId>,
    kept: Vec<ReleaseId>,
    stopped: bool,
    generation: u64,
}

impl App {
    /// Whether it should run and does.
    pub const fn is_running(&self) -> bool {
        self.live.is_some() && !self.stopped
    }
}

/// Who a node is, for those made in bulk without enrolling one by one.
#[derive(Clone, Debug)]
pub struct Identity {
    /// The node.
    pub id: NodeId,
    /// Its key.
    pub key: SecretKey,
    /// The root it trusts.
    pub root: KeyId,
    /// How its connections are bound.
    pub binding: BindingKind,
    /// The join counter it holds.
    pub counter: u64,
    /// The epoch its journal begins in.
    pub epoch: u64,
}

/// An order that passed every check.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Taken {
    /// Promised now; to be done.
    New(Box<Command>),
    /// Promised before: the stored outcome, where there is one.
    Again(Option<Frame>),
    /// Refused; what to tell.
    Refused(Frame),
}

impl SimNode {
    /// A node that exists already.
    pub fn new(identity: Identity, clock: Clock, rng: Rng, journal: Journal) -> Self {
        let Identity { id, key, root, binding, counter, epoch } = identity;
        let memory = Mutex::new(Memory { counter, epoch, ..Memory::default() });
        Self(Arc::new(Inner { id, key, root, binding, clock, rng, journal, memory }))
    }

    /// Enrols a new machine with the token of an install line.
    ///
    /// # Errors
    /// [`WireError`], from either side.
    pub async fn enrol(dial: &Dial, token: &str, root: KeyId, clock: Clock, rng: Rng) -> Result<Self, WireError> {
        let token: EnrolToken = token.parse().map_err(|_| WireError::Gone)?;
        match joining::register(dial, Some(token), root, &clock, &rng).await? {
            (key, _, Progress::Done(enrolled)) => Ok(Self::enrolled(*enrolled, key, root, clock, rng)),
            (_, _, Progress::Wait(..)) => Err(sf_protocol::enrol::EnrolError::NotPending.into()),
        }
    }

    /// Begins the device flow: shows a code.
    ///
    /// # Errors
    /// [`WireError`], from either side.
    pub async fn ask(dial: &Dial, root: KeyId, clock: &Clock, rng: &Rng) -> Result<WaitingMachine, WireError> {
        match joining::register(dial, None, root, clock, rng).await? {
            (key, wire, Progress::Wait(pending, waiting)) => Ok(WaitingMachine { pending, key, root, wire, waiting }),
            (_, _, Progress::Done(_)) => Err(WireError::Gone),
        }
    }

    fn enrolled(enrolled: Enrolled, key: SecretKey, root: KeyId, clock: Clock, rng: Rng) -> Self {
        let Enrolled { node, counter, epoch, binding, .. } = enrolled;
        let identity = Identity { id: node, key, root, binding, counter, epoch };
        Self::new(identity, clock, rng, Journal::in_memory())
    }

    /// The node.
    pub fn id(&self) -> NodeId {
        self.0.id
    }

    /// Its key.
    pub fn key(&self) -> &SecretKey {
        &self.0.key
    }

    /// Another machine with a copy of this one's disk as it is now.
    #[must_use]
    pub fn copied(&self) -> Self {
        let Inner { id, key, root, binding, clock, rng, journal, .. } = &*self.0;
        Self(Arc::new(Inner {
            id: *id,
            key: key.clone(),
            root: *root,
            binding: *binding,
            clock: clock.clone(),
            rng: rng.clone(),
            journal: journal.clone(),
            memory: Mutex::new(self.memory().clone()),
        }))
    }

    /// Its journal is damaged behind this number; everything else of it stays.
    pub fn forget_after(&self, sequence: u64) {
        let mut memory = self.memory();
        memory.high_water = sequence;
        let lost: Vec<_> =
            memory.began.iter().filter(|order| order.sequence > sequence).map(|order| order.id).collect();
        memory.known.retain(|id, _| !lost.contains(id));
        memory.outcomes.retain(|id, _| !lost.contains(id));
        memory.waiting.retain(|number, _| *number <= sequence);
    }

    /// Orders it has begun to carry out, each once; reads and snapshots of what should be true are not among them.
    pub fn began(&self) -> Vec<Command> {
        self.memory().began.clone()
    }

    /// What it refused.
    pub fn refused(&self) -> Vec<Refusal> {
        self.memory().refused.clone()
    }

    /// From its next connection on it speaks these versions of the protocol, as an older or newer agent does.
    pub fn speak(&self, versions: Versions) {
        self.memory().versions = Some(versions);
    }

    /// The highest number it has promised.
    pub fn high_water(&self) -> u64 {
        self.memory().high_water
    }

    /// The release of an app that serves here.
    pub fn live(&self, app: AppId) -> Option<ReleaseId> {
        self.memory().apps.get(&app).and_then(|app| app.live)
    }

    /// The folder of an app, as a backup of the machine would hold it.
    pub fn app(&self, app: AppId) -> Option<App> {
        self.memory().apps.get(&app).cloned()
    }

    /// Puts an app's folder back, as a restore from a backup would.
    pub fn restore(&self, app: AppId, folder: App) {
        self.memory().apps.insert(app, folder);
    }

    fn memory(&self) -> MutexGuard<'_, Memory> {
        self.0.memory.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Dials and shakes hands.
    ///
    /// # Errors
    /// [`WireError`], from either side.
    pub async fn connect(&self, dial: &Dial) -> Result<(Wire, Open), WireError> {
        let versions = self.memory().versions.unwrap_or(VERSIONS);
        self.connect_speaking(dial, versions).await
    }

    /// A second connection, for a ticket: bytes can be moved on it, unless it is refused.
    ///
    /// # Errors
    /// [`WireError`], from either side.
    pub async fn second(&self, dial: &Dial, ticket: Nonce) -> Result<Wire, WireError> {
        let mut wire = Wire::dial(dial).await?;
        let nonce = Nonce::from_bytes(self.0.rng.bytes());
        let (text, waiting) = self.hello(VERSIONS).connect_for(ticket, wire.channel(), nonce)?;
        wire.say_text(text).await?;
        let challenge = wire.answer().await?;
        let (text, _) = waiting.challenge(&challenge, &self.0.key, self.0.clock.now())?;
        wire.say_text(text).await?;
        Ok(wire)
    }

    fn hello(&self, versions: Versions) -> AgentHello {
        let memory = self.memory();
        AgentHello {
            node: self.0.id,
            key: self.0.key.public(),
            root: self.0.root,
            binding: self.0.binding,
            versions,
            agent_version: version(),
            epoch: memory.epoch,
            high_water: memory.high_water,
            counter: memory.counter,
        }
    }

    /// The same as an agent that speaks these versions. Errors as above.
    pub async fn connect_speaking(&self, dial: &Dial, versions: Versions) -> Result<(Wire, Open), WireError> {
        let mut wire = Wire::dial(dial).await?;
        let hello = self.hello(versions);
        let (text, waiting) = hello.connect(wire.channel(), Nonce::from_bytes(self.0.rng.bytes()))?;
        wire.say_text(text).await?;
        let challenge = wire.answer().await?;
        let (text, waiting) = waiting.challenge(&challenge, &self.0.key, self.0.clock.now())?;
        wire.say_text(text).await?;
        let open = waiting.authorized(&wire.answer().await?)?;
        let mut memory = self.memory();
        memory.counter = open.counter;
        if open.delegation.epoch > memory.epoch {
            (memory.epoch, memory.high_water) = (open.delegation.epoch, 0);
        }
        drop(memory);
        Ok((wire, open))
    }

    /// Decides about an order by the agent's own rule; a new one is in the journal when this returns.
    pub async fn take(&self, open: &Open, kind: Kind, signed: &Signed) -> Taken {
        let now = self.0.clock.now();
        let decided = {
            let memory = self.memory();
            let known = |id| memory.known.get(&id).copied();
            let state = State {
                node: self.0.id,
                node_key: self.0.key.public().id(),
                epoch: memory.epoch,
                high_water: memory.high_water,
                known: &known,
            };
            accept::accept(&state, signed, kind, &open.delegation, now)
        };
        match decided {
            Ok(accepted) if accepted.decision == Decision::Duplicate => {
                let outcome = self.memory().outcomes.get(&accepted.command.id).cloned();
                Taken::Again(outcome.map(Frame::Result))
            }
            Ok(accepted) => {
                self.0.journal.append(&signed.payload).await;
                let mut memory = self.memory();
                memory.known.insert(accepted.command.id, accepted.hash);
                if accepted.command.sequence > 0 {
                    memory.high_water = accepted.command.sequence;
                    if !matches!(accepted.command.order, Order::DesiredState(_)) {
                        memory.began.push(accepted.command.clone());
                    }
                }
                Taken::New(Box::new(accepted.command))
            }
            Err(refusal) => {
                let reason = refusal.to_string();
                self.memory().refused.push(refusal);
                Taken::Refused(self.event(NodeEvent::Refused { kind: kind.to_string(), reason }))
            }
        }
    }

    /// ACK.
    pub fn promise(&self, command: &Command) -> Frame {
        let accepted = Accepted { command: command.id, sequence: command.sequence, accepted_at: self.0.clock.now() };
        Frame::Ack(Signed::seal(Kind::Ack, &accepted, &self.0.key))
    }

    /// One step, as an event of its own number.
    pub fn step(&self, command: &Command, step: Step, state: StepState) -> Frame {
        let note = format!("{step:?}").to_lowercase();
        self.event(NodeEvent::Step { command: command.id, step, state, note })
    }

    /// Something that happened, under the next number.
    pub fn event(&self, event: NodeEvent) -> Frame {
        let mut memory = self.memory();
        memory.events += 1;
        Frame::StatusUpdate(StatusUpdate { sequence: memory.events, at: self.0.clock.now(), event })
    }

    /// RESULT, in the journal when this returns. What is true afterwards follows from the verdict.
    pub async fn result(&self, command: &Command, verdict: Verdict) -> Frame {
        let facts = self.facts(&command.order, verdict);
        let signed = self.word(command.id, verdict, facts);
        self.0.journal.append(&signed.payload).await;
        let mut memory = self.memory();
        memory.outcomes.insert(command.id, signed.clone());
        if command.sequence > 0 {
            memory.waiting.insert(command.sequence, (command.id, signed.clone()));
        }
        Frame::Result(signed)
    }

    /// RESULT of an order that is under way and was stopped; `None` when it is not, or has ended.
    pub async fn stopped(&self, command: CommandId) -> Option<Frame> {
        let under_way = {
            let memory = self.memory();
            let ended = memory.outcomes.contains_key(&command);
            memory.began.iter().find(|began| began.id == command && !ended).cloned()
        };
        Some(self.result(&under_way?, Verdict::Cancelled).await)
    }

    /// ANSWER to a read: what the machine and its journal know; there is nothing else.
    pub fn answer(&self, command: &Command, query: &Query) -> Frame {
        let reply = match query {
            Query::Node => Reply::Node(Box::new(machine())),
            Query::Journal { command } => Reply::Journal(Box::new(self.entry(*command))),
            Query::App { app } => self.report(*app),
            Query::ServerFiles(wanted) => panel::file(&self.memory().words, &wanted.look, self.0.clock.now()),
            Query::Console(wanted) => panel::console(&self.memory().words, wanted, self.0.clock.now()),
            Query::Files(wanted) => self.files(wanted),
            Query::File { app, path, .. } => self.file(*app, path),
            Query::Preview(proposed) => self.preview(proposed),
            _ => Reply::Fault(Fault::new(ErrorKind::NotFound, "simulated", "A simulated node knows only itself.")),
        };
        self.reply(command.id, reply)
    }

    /// ANSWER to a read, whatever it says.
    pub fn reply(&self, command: CommandId, reply: Reply) -> Frame {
        let answer = Answer { command, node: self.0.id, at: self.0.clock.now(), reply };
        Frame::Answer(Signed::seal(Kind::Answer, &answer, &self.0.key))
    }

    fn report(&self, app: AppId) -> Reply {
        match self.memory().apps.get(&app) {
            Some(App { live, kept, stopped, generation }) => {
                let state = if *stopped { AppState::Stopped } else { AppState::Running };
                let (live_release, generation) = (*live, *generation);
                let facts = AppFacts { state, live_release, generation, port: port(), stopped_by: None };
                Reply::App(Box::new(AppReport { facts, kept: kept.clone(), processes: Vec::new() }))
            }
            None => Reply::Fault(Fault::new(ErrorKind::NotFound, "app.unknown", "This node does not know the app.")),
        }
    }

    fn entry(&self, command: CommandId) -> JournalEntry {
        let memory = self.memory();
        let outcome = memory.outcomes.get(&command);
        let outcome = outcome.and_then(|signed| signed.open(Kind::Result, &self.0.key.public()).ok());
        JournalEntry { accepted: memory.known.contains_key(&command), outcome, high_water: memory.high_water }
    }

    /// The node's signed word on any command, its own or not; nothing is written down.
    pub fn word(&self, command: CommandId, verdict: Verdict, facts: Facts) -> Signed {
        let now = self.0.clock.now();
        let fault = match verdict {
            Verdict::Succeeded | Verdict::Voided => None,
            _ => Some(Fault::new(ErrorKind::Unavailable, "simulated", "The simulated node was told to say so.")),
        };
        let node = self.0.id;
        let outcome = Outcome { command, node, verdict, fault, facts, started_at: now, finished_at: now };
        Signed::seal(Kind::Result, &outcome, &self.0.key)
    }

    /// Outcomes that were never confirmed, in the order of their numbers: said again after a reconnect.
    pub fn unconfirmed(&self) -> Vec<Frame> {
        self.memory().waiting.values().map(|(_, signed)| Frame::Result(signed.clone())).collect()
    }

    /// STORED: these may be forgotten.
    pub fn confirmed(&self, results: &[CommandId]) {
        self.memory().waiting.retain(|_, (command, _)| !results.contains(command));
    }
}

/// What a simulated machine says it is.
pub fn machine() -> NodeFacts {
    NodeFacts {
        host: "sim".to_owned(),
        os: "Simulated 1".to_owned(),
        kernel: "1.0".to_owned(),
        arch: "x86_64".to_owned(),
        cpus: 2,
        memory: 1 << 30,
        agent_version: env!("CARGO_PKG_VERSION").to_owned(),
        root: false,
        enforces: Vec::new(),
        policy: "none".to_owned(),
        tools: Vec::new(),
    }
}

fn version() -> Name {
    env!("CARGO_PKG_VERSION").parse().expect("a version is a name")
}

fn port() -> Option<Port> {
    Port::try_from(20_000).ok()
}
