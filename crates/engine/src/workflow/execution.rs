//! What happened so far in one execution: built from facts, and from nothing else.

use std::collections::{BTreeSet, HashMap, VecDeque};
use std::sync::Arc;

use serde_json::Value;
use sf_types::{ApprovalId, Fault, RunId, Timestamp};

use super::advance::Call;
use super::definition::{BlockId, Definition, Step};
use super::fact::{End, Fact, Finish};
use super::key::StepKey;

mod apply;

/// Steps of one execution at the most, those of all items of all maps counted.
pub const MAX_INSTANCES: usize = 100_000;

/// One execution.
#[derive(Clone, Debug)]
pub struct Execution {
    pub(crate) definition: Arc<Definition>,
    pub(crate) run: RunId,
    pub(crate) input: Value,
    pub(crate) trigger: Value,
    pub(crate) began: Option<Timestamp>,
    phase: Phase,
    pub(crate) frames: Vec<Frame>,
    places: HashMap<(BlockId, Vec<u32>), FrameId>,
    /// May begin, unless something has changed since.
    pub(crate) ready: VecDeque<At>,
    /// Have ended, unless somebody has seen to it since.
    pub(crate) closable: VecDeque<FrameId>,
    pub(crate) alarms: BTreeSet<(Timestamp, Alarm)>,
    /// Events that no step has waited for yet, oldest first.
    pub(crate) mail: Vec<(String, Value)>,
    instances: usize,
    active: usize,
    ended: usize,
    /// Times it was taken up in a row without anything having happened.
    pub(crate) recoveries: u32,
    /// The last of these times.
    recovered: Option<Timestamp>,
    last: Timestamp,
}

/// Where an execution stands.
#[derive(Clone, PartialEq, Debug)]
pub enum Phase {
    /// Nothing has happened.
    New,
    /// Steps are done.
    Running,
    /// What runs is stopped; it ends like this afterwards.
    Stopping(Finish),
    /// A step has failed for good; the last steps are done.
    Failing(Fault),
    /// Over.
    Finished(Finish),
}

/// Which frame.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub(crate) struct FrameId(u32);

/// A step of a frame.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub(crate) struct At {
    pub(crate) frame: FrameId,
    pub(crate) step: u32,
}

/// What comes due.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub(crate) enum Alarm {
    /// The whole takes too long.
    Deadline,
    /// A step's next try, its time limit, the end of its wait or of its approval.
    Step(At),
    /// A card becomes pressing.
    Escalate(At),
}

/// A block that is being done.
#[derive(Clone, Debug)]
pub(crate) struct Frame {
    pub(crate) block: BlockId,
    pub(crate) parent: Option<At>,
    /// Places in the maps around it.
    pub(crate) items: Vec<u32>,
    pub(crate) item: Option<Arc<Value>>,
    /// Why it is done, for the steps of `catch` and `onFailure`.
    pub(crate) error: Option<Fault>,
    pub(crate) steps: Vec<Instance>,
    needs_left: Vec<u32>,
    pub(crate) unfinished: usize,
    pub(crate) active: usize,
    pub(crate) failed: Option<Fault>,
    /// An item of a map that has been counted.
    pub(crate) done: bool,
}

/// A step of an execution.
#[derive(Clone, Debug, Default)]
pub(crate) struct Instance {
    pub(crate) state: State,
    pub(crate) attempts: u32,
    pub(crate) call: Option<Arc<Call>>,
    pub(crate) output: Value,
    pub(crate) fault: Option<Fault>,
    pub(crate) started: Option<Timestamp>,
    pub(crate) ended: Option<Timestamp>,
    /// Failures of earlier tries.
    pub(crate) tries: Vec<(u32, Fault)>,
    alarm: Option<Timestamp>,
    escalation: Option<Timestamp>,
}

#[derive(Clone, Debug, Default)]
pub(crate) enum State {
    #[default]
    Pending,
    Running,
    Retrying,
    Waiting {
        event: Option<String>,
    },
    Asked(Arc<Card>),
    Mapping(Mapping),
    Branching,
    Catching,
    Succeeded,
    Failed,
    Skipped,
    Cancelled,
}

/// What a person was asked.
#[derive(Clone, PartialEq, Debug)]
pub struct Card {
    /// The card.
    pub approval: ApprovalId,
    /// The question.
    pub message: String,
    /// Facts shown.
    pub show: Value,
    /// Until when.
    pub expires: Timestamp,
}

#[derive(Clone, Debug)]
pub(crate) struct Mapping {
    pub(crate) items: Arc<[Value]>,
    pub(crate) outputs: Vec<Value>,
    pub(crate) next: usize,
    pub(crate) open: usize,
    pub(crate) failed: Option<Fault>,
}

/// A fact that does not belong to this definition, or not to this moment.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("fact {number} of the journal does not fit: {why}")]
pub struct BadJournal {
    /// The how manieth fact, from 0.
    pub number: usize,
    /// Why not.
    pub why: String,
}

impl Execution {
    /// One in which nothing has happened.
    pub fn new(definition: Arc<Definition>, run: RunId) -> Self {
        Self {
            definition,
            run,
            input: Value::Null,
            trigger: Value::Null,
            began: None,
            phase: Phase::New,
            frames: Vec::new(),
            places: HashMap::new(),
            ready: VecDeque::new(),
            closable: VecDeque::new(),
            alarms: BTreeSet::new(),
            mail: Vec::new(),
            instances: 0,
            active: 0,
            ended: 0,
            recoveries: 0,
            recovered: None,
            last: Timestamp::EPOCH,
        }
    }

    /// What its journal says.
    ///
    /// # Errors
    /// [`BadJournal`] when the facts are not of this definition.
    pub fn rebuild(
        definition: Arc<Definition>,
        run: RunId,
        facts: impl IntoIterator<Item = (Timestamp, Fact)>,
    ) -> Result<Self, BadJournal> {
        let facts: Vec<_> = facts.into_iter().collect();
        // What it did by an earlier version stands as far as this one has a place for it.
        let moved = facts.iter().rposition(|(_, fact)| matches!(fact, Fact::Moved { .. })).unwrap_or(0);
        let mut execution = Self::new(definition, run);
        for (number, (at, fact)) in facts.iter().enumerate() {
            match execution.apply(fact, *at) {
                Err(why) if number >= moved => return Err(BadJournal { number, why }),
                _ => {}
            }
        }
        Ok(execution)
    }

    /// Takes in a fact that was recorded elsewhere.
    ///
    /// # Errors
    /// Why it does not fit.
    pub fn take_in(&mut self, fact: &Fact, at: Timestamp) -> Result<(), String> {
        self.apply(fact, at)
    }

    /// Where it stands.
    pub const fn phase(&self) -> &Phase {
        &self.phase
    }

    /// The version of the definition that it goes by.
    pub const fn definition(&self) -> &Arc<Definition> {
        &self.definition
    }

    /// Its run.
    pub const fn run(&self) -> RunId {
        self.run
    }

    /// What it began with.
    pub const fn input(&self) -> &Value {
        &self.input
    }

    /// How it ended.
    pub const fn finish(&self) -> Option<&Finish> {
        match &self.phase {
            Phase::Finished(finish) => Some(finish),
            _ => None,
        }
    }

    /// Steps that have ended, and steps there are so far.
    pub const fn progress(&self) -> (usize, usize) {
        (self.ended, self.instances)
    }

    /// When something comes due by itself.
    pub fn wakes_at(&self) -> Option<Timestamp> {
        self.alarms.first().map(|(at, _)| *at)
    }

    /// Whether something of it runs at this moment: it may not be put aside.
    pub fn is_busy(&self) -> bool {
        self.frames
            .iter()
            .any(|frame| frame.active > 0 && frame.steps.iter().any(|step| matches!(step.state, State::Running)))
    }

    pub(crate) fn frame(&self, id: FrameId) -> &Frame {
        &self.frames[id.0 as usize]
    }

    pub(crate) fn frame_of(&self, block: BlockId, items: &[u32]) -> Option<FrameId> {
        self.places.get(&(block, items.to_vec())).copied()
    }

    pub(crate) fn instance(&self, at: At) -> &Instance {
        &self.frame(at.frame).steps[at.step as usize]
    }

    fn instance_mut(&mut self, at: At) -> &mut Instance {
        &mut self.frames[at.frame.0 as usize].steps[at.step as usize]
    }

    pub(crate) fn step(&self, at: At) -> &Step {
        self.definition.step(self.frame(at.frame).block, at.step as usize)
    }

    pub(crate) fn key(&self, at: At) -> StepKey {
        StepKey { id: self.step(at).id.clone(), items: self.frame(at.frame).items.clone() }
    }

    /// The step a key names, where it has come so far.
    pub(crate) fn find(&self, key: &StepKey) -> Option<At> {
        let (block, step) = *self.definition.places.get(&key.id)?;
        let frame = self.frame_of(block, &key.items)?;
        Some(At { frame, step: u32::try_from(step).ok()? })
    }

    /// Everything in the order in which it stands in the definition, items of maps behind their map.
    pub(crate) fn all(&self) -> impl Iterator<Item = At> {
        self.frames.iter().enumerate().flat_map(|(frame, of)| {
            let frame = FrameId(u32::try_from(frame).unwrap_or(u32::MAX));
            (0..u32::try_from(of.steps.len()).unwrap_or(0)).map(move |step| At { frame, step })
        })
    }

    pub(crate) const fn active(&self) -> usize {
        self.active
    }

    pub(crate) fn has_room_for(&self, block: BlockId, times: usize) -> bool {
        let wanted = self.definition.block(block).steps.len().saturating_mul(times);
        self.instances.saturating_add(wanted) <= MAX_INSTANCES
    }
}

impl State {
    /// Begun and not ended.
    pub(crate) const fn is_active(&self) -> bool {
        !matches!(self, Self::Pending | Self::Succeeded | Self::Failed | Self::Skipped | Self::Cancelled)
    }

    /// The word of the API.
    pub(crate) const fn word(&self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Running | Self::Mapping(_) | Self::Branching => "running",
            Self::Retrying => "retrying",
            Self::Waiting { .. } => "waiting",
            Self::Asked(_) => "asked",
            Self::Catching => "catching",
            Self::Succeeded => "succeeded",
            Self::Failed => "failed",
            Self::Skipped => "skipped",
            Self::Cancelled => "cancelled",
        }
    }
}

/// A step of an execution as people see it.
#[derive(Clone, PartialEq, Debug)]
pub struct StepView {
    /// Which.
    pub key: StepKey,
    /// What it is called.
    pub title: Option<String>,
    /// `action`, `query`, `approval`, `wait`, `map`, `branch` or `workflow`.
    pub kind: &'static str,
    /// The step it stands in.
    pub parent: Option<StepKey>,
    /// `pending`, `running`, `retrying`, `waiting`, `asked`, `catching`, `succeeded`, `failed`, `skipped`, `cancelled`.
    pub state: &'static str,
    /// Tries so far.
    pub attempts: u32,
    /// What was done, with the arguments as they were.
    pub call: Option<Arc<Call>>,
    /// What came of it.
    pub output: Value,
    /// Why it failed.
    pub fault: Option<Fault>,
    /// Failures of earlier tries.
    pub tries: Vec<(u32, Fault)>,
    /// What a person was asked.
    pub card: Option<Arc<Card>>,
    /// When it began.
    pub started: Option<Timestamp>,
    /// When it ended.
    pub ended: Option<Timestamp>,
    /// When it goes on by itself.
    pub wakes: Option<Timestamp>,
}

impl Execution {
    /// All steps as people see them.
    pub fn steps(&self) -> impl Iterator<Item = StepView> {
        self.all().map(|at| self.view(at))
    }

    /// One step as people see it.
    pub fn look(&self, key: &StepKey) -> Option<StepView> {
        self.find(key).map(|at| self.view(at))
    }

    fn view(&self, at: At) -> StepView {
        let (step, instance) = (self.step(at), self.instance(at));
        StepView {
            key: self.key(at),
            title: step.title.clone(),
            kind: step.kind.word(),
            parent: self.frame(at.frame).parent.map(|parent| self.key(parent)),
            state: instance.state.word(),
            attempts: instance.attempts,
            call: instance.call.clone(),
            output: instance.output.clone(),
            fault: instance.fault.clone(),
            tries: instance.tries.clone(),
            card: match &instance.state {
                State::Asked(card) => Some(card.clone()),
                _ => None,
            },
            started: instance.started,
            ended: instance.ended,
            wakes: instance.alarm,
        }
    }
}

impl End {
    /// The word of the API.
    pub const fn word(&self) -> &'static str {
        match self {
            Self::Succeeded { .. } => "succeeded",
            Self::Failed { .. } => "failed",
            Self::Skipped => "skipped",
            Self::Cancelled => "cancelled",
        }
    }
}
