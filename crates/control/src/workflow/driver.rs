//! The one task that owns all executions of this control plane.
//!
//! It takes in everything that has come meanwhile, records what follows of it in one transaction, and performs the
//! effects. While one transaction is being written, the next one gathers: the more there is to do, the more executions
//! share an fsync. When nothing is to be done it sleeps, and asks the database nothing.

mod ground;
mod performing;
mod reading;
mod seen;
#[cfg(test)]
mod simulation;
mod under_way;

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;
use std::time::{Duration, Instant};

use sf_engine::workflow::{Effect, Event, Execution, Fact};
use sf_runtime::{OnError, Shutdown};
use sf_store::StoreError;
use sf_store::executions::ExecutionState;
use sf_types::{Fault, RunId, Timestamp};
use tokio::sync::mpsc;
use uuid::Uuid;

use self::ground::{Ground, Real};
use self::seen::Seen;
use self::under_way::UnderWay;
use super::calls::{self, Stop};
use super::commit::{self, Turn};
use super::{Begun, Context, Message, journal};
use crate::control::Control;

/// Messages taken in for one transaction at the most.
const MAX_MESSAGES: usize = 1_024;
/// Executions that wait for something and are kept in memory at the most.
const MAX_IDLE: usize = 256;
/// Those who follow an execution are told this often at the most.
const TELL_EVERY: Duration = Duration::from_millis(250);
/// After a failure of the database: how long until the same is tried again.
const AGAIN: Duration = Duration::from_secs(1);
/// How often the leases of other control planes are looked at, where there can be any.
const SWEEP: Duration = Duration::from_secs(10);

struct Driver<G> {
    ground: G,
    fence: u64,
    hot: HashMap<RunId, Hot>,
    alarms: BTreeSet<(Timestamp, RunId)>,
    calls: UnderWay,
    /// Executions whose last transaction failed: they are read anew.
    lost: BTreeSet<RunId>,
    /// Not before this uptime.
    again_at: Duration,
    /// What of the inbox was taken in, so that a look at the table brings nothing a second time.
    seen: Seen,
}

/// An execution in memory.
struct Hot {
    context: Context,
    execution: Execution,
    version: u32,
    seq: u64,
    /// As the database knows it.
    state: ExecutionState,
    alarm: Option<Timestamp>,
    /// The uptime when those who follow it were last told.
    told: Option<Duration>,
}

/// What one execution shall take in.
#[derive(Default)]
struct Intake {
    events: Vec<Event>,
    taken_in: Vec<Uuid>,
    /// Effects that were recorded with its beginning.
    begun: Vec<Effect>,
    /// It goes on by another version: recorded before anything else.
    moved: Vec<Fact>,
}

impl Control {
    /// Begins as this control plane's engine: what was under way goes on.
    pub(crate) async fn start_workflows(&self) -> Result<(), Fault> {
        let Some(inbox) = self.core().workflows.take_receiver() else { return Ok(()) };
        let mut driver = Driver::on(Real::of(self.clone()));
        driver.register().await?;
        let shutdown = self.core().tasks.shutdown();
        self.core().tasks.spawn("workflows", OnError::Stop, async move {
            driver.serve(inbox, &shutdown).await;
            Ok::<(), Fault>(())
        });
        Ok(())
    }
}

impl<G: Ground> Driver<G> {
    fn on(ground: G) -> Self {
        Self {
            ground,
            fence: 0,
            hot: HashMap::new(),
            alarms: BTreeSet::new(),
            calls: UnderWay::new(),
            lost: BTreeSet::new(),
            again_at: Duration::ZERO,
            seen: Seen::default(),
        }
    }

    async fn serve(mut self, mut inbox: mpsc::UnboundedReceiver<Message>, shutdown: &Shutdown) {
        let mut swept = Instant::now();
        let mut messages = Vec::with_capacity(MAX_MESSAGES);
        loop {
            let until = self.sleeps_for();
            tokio::select! {
                biased;
                () = shutdown.requested() => break,
                _ = inbox.recv_many(&mut messages, MAX_MESSAGES) => {}
                () = tokio::time::sleep(until) => {}
            }
            if self.ground.is_shared() && swept.elapsed() >= SWEEP {
                swept = Instant::now();
                if let Err(error) = self.sweep().await {
                    tracing::warn!(%error, "executions of other control planes could not be looked at");
                }
            }
            self.turn(std::mem::take(&mut messages)).await;
        }
    }

    /// How long there is nothing to do by itself.
    fn sleeps_for(&self) -> Duration {
        let alarm = self.alarms.first().map(|(at, _)| at.since(self.ground.now()));
        let again = (!self.lost.is_empty()).then(|| self.again_at.saturating_sub(self.ground.uptime()));
        let sweep = self.ground.is_shared().then_some(SWEEP);
        // A clock that is set forward wakes nobody, so no sleep is longer than a minute while something is due.
        let longest = if alarm.is_some() { Duration::from_secs(60) } else { Duration::from_secs(86_400) };
        [alarm, again, sweep].into_iter().flatten().min().unwrap_or(longest).min(longest)
    }

    /// Begins with a fence of its own, and takes up what this control plane had.
    async fn register(&mut self) -> sf_store::Result<()> {
        self.fence = self.ground.register().await?;
        self.hot.clear();
        self.alarms.clear();
        self.take_up().await
    }

    /// Takes up all that the database says is this control plane's.
    async fn take_up(&mut self) -> sf_store::Result<()> {
        for row in self.ground.own().await? {
            match row.state {
                _ if self.hot.contains_key(&row.run) => {}
                ExecutionState::Running => self.ground.send(Message::Recover(row.run)),
                ExecutionState::Waiting => self.alarms.extend(row.wake_at.map(|at| (at, row.run))),
                ExecutionState::Queued | ExecutionState::Done => {}
            }
        }
        self.read_kept().await
    }

    /// Takes in what is kept and nobody has told of, in the inbox and of stops: after a start, and after a transaction
    /// that failed.
    async fn read_kept(&mut self) -> sf_store::Result<()> {
        for incoming in self.ground.incoming().await? {
            match serde_json::from_value(incoming.event.0) {
                Ok(event) => {
                    self.ground.send(Message::Happened { run: incoming.run, event, id: Some(incoming.id) });
                }
                Err(error) => tracing::error!(run = %incoming.run, %error, "an event in the inbox cannot be read"),
            }
        }
        for stop in self.ground.stops().await? {
            self.ground.send(Message::Unwanted(stop));
        }
        Ok(())
    }

    /// Looks after executions of control planes that are gone, and after what others have put in.
    async fn sweep(&mut self) -> sf_store::Result<()> {
        match self.ground.take_over(self.fence).await {
            Err(StoreError::Stale(_)) => self.register().await,
            Err(error) => Err(error),
            Ok(()) => self.take_up().await,
        }
    }

    /// Takes in what has come, records what follows, performs it.
    async fn turn(&mut self, messages: Vec<Message>) {
        let mut intake = self.gather(messages);
        let now = self.ground.now();
        while let Some((at, run)) = self.alarms.first().copied()
            && at <= now
        {
            self.alarms.pop_first();
            if let Some(hot) = self.hot.get_mut(&run) {
                hot.alarm = None;
            }
            intake.entry(run).or_default().events.push(Event::Tick);
        }
        let again = !self.lost.is_empty() && self.ground.uptime() >= self.again_at;
        if again && let Err(error) = self.read_kept().await {
            tracing::warn!(%error, "the inbox of workflows could not be read; tried again");
        }
        for run in if again { std::mem::take(&mut self.lost) } else { BTreeSet::new() } {
            intake.entry(run).or_default().events.push(Event::Recover);
        }
        let (mut turns, mut effects) = (Vec::new(), Vec::new());
        for (run, intake) in intake {
            if !self.load(run).await {
                intake.taken_in.iter().for_each(|id| self.seen.forget(id));
                continue;
            }
            let mut intake = intake;
            if let Err(error) = self.exchange(run, &mut intake, now).await {
                // Nothing of it was taken in: all of it is read and tried again.
                tracing::warn!(%run, %error, "a run could not be moved to another version; tried again");
                self.forget(run);
                self.lose(run);
                intake.taken_in.iter().for_each(|id| self.seen.forget(id));
                continue;
            }
            if let Some((turn, todo)) = self.advance(run, intake, now) {
                turns.push(turn);
                effects.push((run, todo));
            }
        }
        if turns.is_empty() {
            return self.perform(effects);
        }
        let turns = Arc::new(turns);
        match self.ground.commit(self.fence, turns.clone()).await {
            Ok(()) => self.perform(effects),
            Err(error) if turns.len() > 1 && !matches!(error, StoreError::Stale("engine")) => {
                tracing::warn!(%error, executions = turns.len(), "what executions came to is stored one by one");
                self.one_by_one(&turns, effects).await;
            }
            Err(error) => self.failed(&turns, &error).await,
        }
        self.forget_idle();
    }

    /// One execution whose facts cannot be stored must not keep the others from going on.
    async fn one_by_one(&mut self, turns: &[Turn], effects: Vec<(RunId, Vec<Effect>)>) {
        let mut effects: HashMap<RunId, Vec<Effect>> = effects.into_iter().collect();
        for turn in turns {
            let run = turn.context.run;
            match self.ground.commit(self.fence, Arc::new(vec![turn.clone()])).await {
                Ok(()) => self.perform(effects.remove(&run).map(|todo| (run, todo)).into_iter().collect()),
                Err(error) => self.failed(std::slice::from_ref(turn), &error).await,
            }
        }
    }

    /// In the order of their runs, so that the same messages lead to the same transaction.
    fn gather(&mut self, messages: Vec<Message>) -> BTreeMap<RunId, Intake> {
        let mut intake: BTreeMap<RunId, Intake> = BTreeMap::new();
        for message in messages {
            match message {
                Message::Begun(begun) => {
                    let (run, effects) = self.begun(*begun);
                    intake.entry(run).or_default().begun = effects;
                }
                Message::Happened { id: Some(id), .. } if !self.seen.insert(id) => {}
                Message::Happened { run, event, id } => {
                    let of_run = intake.entry(run).or_default();
                    of_run.events.push(event);
                    of_run.taken_in.extend(id);
                }
                Message::Back { run, step, attempt, result } => {
                    if let Some(unwanted) = self.calls.back(run, &step, attempt, result.is_none()) {
                        self.stop_begun(unwanted);
                    }
                    if matches!(&result, Some(Err(fault)) if fault.code == calls::TOO_LATE) {
                        // It was not made. Where the execution has come back meanwhile, it is read anew and made then.
                        self.forget(run);
                        self.lose(run);
                    } else if let Some(result) = result {
                        intake.entry(run).or_default().events.push(Event::Done { step, attempt, result });
                    }
                }
                Message::Unwanted(stop) => {
                    if !self.calls.unwant(stop.run, &stop.step, stop.attempt) {
                        self.ground.stop(stop);
                    }
                }
                Message::Stopped { run, step, attempt } => {
                    let result = Err(calls::stopped());
                    intake.entry(run).or_default().events.push(Event::Done { step, attempt, result });
                }
                Message::Recover(run) if !self.hot.contains_key(&run) => {
                    intake.entry(run).or_default().events.push(Event::Recover);
                }
                Message::Recover(_) => {}
            }
        }
        self.start_calls();
        intake
    }

    fn begun(&mut self, begun: Begun) -> (RunId, Vec<Effect>) {
        let Begun { context, execution, version, seq, effects } = begun;
        let (state, _) = commit::state(&execution);
        let hot = Hot { context, execution, version, seq, state, alarm: None, told: None };
        self.hot.insert(context.run, hot);
        self.set_alarm(context.run);
        (context.run, effects)
    }

    /// It is read anew in a moment.
    fn lose(&mut self, run: RunId) {
        self.lost.insert(run);
        self.again_at = self.ground.uptime() + AGAIN;
    }

    /// Lets an execution go on by another version, where it was asked for.
    async fn exchange(&mut self, run: RunId, intake: &mut Intake, now: Timestamp) -> sf_store::Result<()> {
        let wanted = intake.events.iter().rev().find_map(|event| match event {
            Event::Move { version } => Some(*version),
            _ => None,
        });
        intake.events.retain(|event| !matches!(event, Event::Move { .. }));
        let (Some(version), Some(hot)) = (wanted, self.hot.get_mut(&run)) else { return Ok(()) };
        let definition = self.ground.definition(hot.context.workflow, version).await?;
        let mut entries = self.ground.facts(run).await?;
        let moved = Fact::Moved { version };
        entries.push((hot.seq + 1, now, vec![moved.clone()]));
        (hot.execution, _) = journal::execution(definition, run, entries)?;
        hot.version = version;
        intake.moved = vec![moved];
        // Steps that the other version adds may begin at once.
        intake.events.push(Event::Tick);
        Ok(())
    }

    /// What an execution comes to by what it takes in. Nothing to record where nothing came of it.
    fn advance(&mut self, run: RunId, intake: Intake, now: Timestamp) -> Option<(Turn, Vec<Effect>)> {
        let uptime = self.ground.uptime();
        let hot = self.hot.get_mut(&run)?;
        let (mut facts, mut effects) = (intake.moved, intake.begun);
        // Cards of its beginning were recorded with it.
        let begun = effects.len();
        for event in intake.events {
            let advanced = hot.execution.advance(event, now);
            facts.extend(advanced.facts);
            effects.extend(advanced.effects);
        }
        // A crash came between the last fact and the end of the run.
        if facts.is_empty()
            && let Some(finish) = hot.execution.finish()
            && !effects.iter().any(|effect| matches!(effect, Effect::Finish(_)))
        {
            effects.push(Effect::Finish(finish.clone()));
        }
        let finish = effects.iter().find_map(|effect| match effect {
            Effect::Finish(finish) => Some(finish.clone()),
            _ => None,
        });
        let (entry, blobs) = match facts.as_slice() {
            [] => (None, Vec::new()),
            facts => {
                hot.seq += 1;
                let (entry, blobs) = journal::entry(run, hot.seq, now, facts);
                (Some(entry), blobs)
            }
        };
        let standing = commit::standing(&hot.execution, hot.version);
        let moved = standing.state != hot.state
            || standing.state == ExecutionState::Waiting
            || facts.iter().any(|fact| matches!(fact, Fact::Moved { .. }));
        hot.state = standing.state;
        let due = hot.told.is_none_or(|told| uptime.saturating_sub(told) >= TELL_EVERY)
            || standing.state != ExecutionState::Running;
        let told = (due && (entry.is_some() || finish.is_some())).then(|| {
            hot.told = Some(uptime);
            commit::progress(&hot.context, &hot.execution, last_step(&facts).as_deref())
        });
        let context = hot.context;
        let fresh = || effects.iter().skip(begun);
        let cards = fresh().filter_map(|effect| commit::card(&context, &hot.execution, effect, now)).collect();
        let stops = fresh().filter_map(|effect| Stop::for_effect(&context, effect)).collect();
        self.set_alarm(run);
        let nothing = entry.is_none() && finish.is_none() && intake.taken_in.is_empty();
        let turn = Turn {
            context,
            entry,
            blobs,
            cards,
            stops,
            standing: moved.then_some(standing),
            finish,
            taken_in: intake.taken_in,
            told,
        };
        if nothing {
            self.perform(vec![(run, effects)]);
            return None;
        }
        Some((turn, effects))
    }

    fn set_alarm(&mut self, run: RunId) {
        let Some(hot) = self.hot.get_mut(&run) else { return };
        let wanted = hot.execution.wakes_at();
        if hot.alarm == wanted {
            return;
        }
        if let Some(old) = std::mem::replace(&mut hot.alarm, wanted) {
            self.alarms.remove(&(old, run));
        }
        self.alarms.extend(wanted.map(|at| (at, run)));
    }

    /// Takes an execution out of memory.
    pub(super) fn forget(&mut self, run: RunId) {
        if let Some(alarm) = self.hot.remove(&run).and_then(|hot| hot.alarm) {
            self.alarms.remove(&(alarm, run));
        }
    }

    /// Nothing of a transaction is true: what was in memory is forgotten and read anew.
    async fn failed(&mut self, turns: &[Turn], error: &StoreError) {
        for turn in turns {
            self.forget(turn.context.run);
            self.lose(turn.context.run);
            turn.taken_in.iter().for_each(|id| self.seen.forget(id));
        }
        tracing::error!(%error, executions = turns.len(), "what executions came to was not stored; tried again");
        if matches!(error, StoreError::Stale("engine"))
            && let Err(error) = self.register().await
        {
            tracing::error!(%error, "this control plane could not begin anew as an engine");
        }
    }
}

/// The step that people are told of.
fn last_step(facts: &[Fact]) -> Option<String> {
    facts.iter().rev().find_map(|fact| match fact {
        Fact::Started { step, .. } | Fact::Ended { step, .. } | Fact::Asked { step, .. } => Some(step.to_string()),
        _ => None,
    })
}
