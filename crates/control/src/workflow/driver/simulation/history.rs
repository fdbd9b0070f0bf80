//! One history: control planes that live and die, people who decide, nodes that do what they are told, until calm comes
//! and all has to end well.

use std::collections::{BTreeMap, BTreeSet};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::rc::Rc;
use std::time::Duration;

use futures_util::FutureExt;
use serde_json::{Value, json};
use sf_engine::workflow::{Call, Definition, Event};
use sf_types::{Fault, InstanceId, RunId, UserId, WorkflowId};
use uuid::Uuid;

use super::super::Driver;
use super::super::ground::Start;
use super::count::Count;
use super::database::{Try, row};
use super::world::{Faults, Happening, Here, Life, World, answer, failed};
use crate::workflow::{INSTALLED, Message, calls, journal};

/// More than any history has; one that goes on for ever fails here.
const MAX_HAPPENINGS: usize = 400_000;
/// After the last run has ended: so long until nothing of it may go on.
const REST: Duration = Duration::from_secs(120);
/// How often the lane of timers looks and people come by.
const ROUND: Duration = Duration::from_secs(7);

/// Every kind of step, with everything that can happen to one. `last` differs in its versions.
fn document(version: u32) -> String {
    let more = if version == 1 { "" } else { ", { id: more, query: /more, needs: [w] }" };
    format!(
        "workflow: 1
name: everything
inputs: {{ type: object }}
timeout: 3h
steps: [
  {{ id: a, query: /a, retry: {{ attempts: 3, delay: 1s }}, timeout: 30s }},
  {{ id: m, map: {{ over: inputs.list, limit: 3, steps: [
    {{ id: x, action: app.restart, with: {{ app: {APP} }}, timeout: 1m, retry: {{ attempts: 2, delay: 2s }},
       catch: [{{ id: y, query: /y }}] }},
    {{ id: ask, if: index == 0, approval: {{ message: 'Go?', expires: 10m }}, allowFailure: true }},
    {{ id: z, action: app.stop, with: {{ app: {APP} }}, allowFailure: true, timeout: 2m }}] }} }},
  {{ id: b, needs: [a], allowFailure: true, branch: [{{ if: inputs.n > 2, steps: [{{ id: p, wait: {{ for: 5m }} }}] }},
    {{ steps: [{{ id: e, wait: {{ event: go }}, timeout: 20m }}] }}] }},
  {{ id: w, workflow: other, needs: [m, b], timeout: 30m }},
  {{ id: last, action: app.start, with: {{ app: {APP} }}, needs: [w], allowFailure: true }}{more}]
onFailure: [{{ id: f, action: app.restart, with: {{ app: {APP} }}, timeout: 5m }}]"
    )
}

const APP: &str = "0193a1b2-7c3d-7e4f-8a5b-6c7d8e9f0a1b";

pub(super) struct History {
    pub(super) seed: u64,
    pub(super) world: Rc<World>,
    /// Control planes that live, with the number of their last alarm.
    lives: BTreeMap<InstanceId, (Life, Driver<Here>, u64)>,
    next_life: Life,
    pub(super) count: Count,
    trace: DefaultHasher,
    pub(super) calm: bool,
    pub(super) torn: BTreeSet<RunId>,
    /// Events sent to each run.
    pub(super) sent: BTreeMap<RunId, usize>,
}

impl History {
    pub(super) fn of(seed: u64) -> Self {
        let rng = sf_runtime::Rng::seeded(seed ^ 0x5eed);
        let up_to = |most: u64| rng.below(most);
        // Some histories are calm but for one thing, some have it all.
        let mut faults =
            Faults { read: up_to(40), write: up_to(60), lost_answer: up_to(40), death: up_to(30), call: up_to(200) };
        if up_to(4) == 0 {
            faults.death *= 8;
        }
        let shared = up_to(3) == 0;
        let world = Rc::new(World::new(seed, shared, faults));
        for version in [1, 2] {
            let definition = Definition::parse(&document(version), INSTALLED).unwrap_or_else(|why| panic!("{why:?}"));
            world.database.borrow_mut().define(workflow(), version, definition);
        }
        let lives = BTreeMap::new();
        let (count, trace) = (Count::default(), DefaultHasher::new());
        let mut history = Self {
            seed,
            world,
            lives,
            next_life: 0,
            count,
            trace,
            calm: false,
            torn: BTreeSet::new(),
            sent: BTreeMap::new(),
        };
        for engine in 0..=u8::from(shared) {
            history.world.after(Duration::ZERO, Happening::Lives(engine_id(engine)));
        }
        history.plan();
        history
    }

    /// What happens by itself in the time before calm.
    fn plan(&mut self) {
        let world = &self.world;
        let minutes = 20 + world.rng.below(40);
        let chaos = Duration::from_secs(60 * minutes);
        for _ in 0..3 + world.rng.below(12) {
            world.after(world.a_while(chaos), Happening::Started);
        }
        for _ in 0..world.rng.below(if self.seed.is_multiple_of(5) { 60 } else { 6 }) {
            world.after(world.a_while(chaos), Happening::Dies(engine_id(u8::from(world.shared && world.chance(500)))));
        }
        for _ in 0..world.rng.below(4) {
            let millis = world.rng.below(7_200_000);
            let millis = i64::try_from(millis).expect("two hours") - 3_600_000;
            world.after(world.a_while(chaos), Happening::ClockSet(engine_id(0), millis));
        }
        world.after(chaos, Happening::Calm);
        world.after(ROUND, Happening::Lane);
    }

    /// Lets it all happen, and looks whether it ended well.
    pub(super) fn told(mut self) -> Count {
        let mut ended_at = None;
        while let Some(happening) = self.world.next() {
            self.count.happenings += 1;
            assert!(
                self.count.happenings < MAX_HAPPENINGS as u64,
                "seed {}: it never ends: {}",
                self.seed,
                self.open()
            );
            self.happens(happening);
            let over = self.calm && self.world.database.borrow().rows.values().all(|row| row.closed_at.is_some());
            let now = self.world.uptime();
            if over && now > *ended_at.get_or_insert(now) + REST {
                break;
            }
        }
        self.check();
        self.count.trace = self.trace.finish();
        self.count
    }

    pub(super) fn note(&mut self, what: &str, more: impl Hash) {
        (self.world.uptime(), what, more).hash(&mut self.trace);
    }

    fn happens(&mut self, happening: Happening) {
        match happening {
            Happening::Turn(life) => self.turn(life),
            Happening::Wake(life, number) => {
                if self.lives.values().any(|(of, _, last)| (*of, *last) == (life, number)) {
                    self.turn(life);
                }
            }
            Happening::Sweep(life) => self.sweep(life),
            Happening::Told(life, message) => self.world.tell(life, *message),
            Happening::Arrives(life, start) => self.arrives(life, *start),
            Happening::Back(life, (run, step, attempt), result) => {
                self.world.tell(life, Message::Back { run, step, attempt, result });
            }
            Happening::Stops(life, of) => {
                if self.is_alive(life) {
                    self.stops(life, &of);
                }
            }
            Happening::Ends(of, well) => self.ends(of, well),
            Happening::Started => self.starts(),
            Happening::Decided(card) => self.decided(card),
            Happening::Sent(run) => self.put_in(run, Event::Sent { name: "go".into(), data: json!({ "by": "us" }) }),
            Happening::Cancelled(run) => self.put_in(run, Event::Cancel),
            Happening::Moved(run) => {
                self.count.moved += 1;
                self.put_in(run, Event::Move { version: 2 });
            }
            Happening::Torn(run) => {
                let open = self.world.database.borrow().rows[&run].closed_at.is_none();
                if !self.calm && open {
                    self.torn.insert(run);
                    self.world.database.borrow_mut().tear(run);
                }
            }
            Happening::Dies(engine) => {
                if !self.calm && self.lives.contains_key(&engine) {
                    self.dies(engine);
                }
            }
            Happening::Lives(engine) => self.lives(engine),
            Happening::ClockSet(engine, millis) => {
                if !self.calm {
                    self.world.skew.borrow_mut().insert(engine, millis);
                }
            }
            Happening::Lane => self.round(),
            Happening::Lifted => *self.world.cursed.borrow_mut() = None,
            Happening::Calm => {
                self.calm = true;
                self.world.faults.set(Faults::default());
                *self.world.cursed.borrow_mut() = None;
            }
        }
    }

    fn is_alive(&self, life: Life) -> bool {
        self.lives.values().any(|(of, ..)| *of == life)
    }

    /// Any control plane that lives.
    fn anyone(&self) -> Option<(InstanceId, Life)> {
        let living: Vec<_> = self.lives.iter().map(|(engine, (life, ..))| (*engine, *life)).collect();
        let nth = self.world.rng.below(living.len() as u64);
        living.get(usize::try_from(nth).ok()?).copied()
    }

    fn lives(&mut self, engine: InstanceId) {
        self.next_life += 1;
        let life = self.next_life;
        self.world.inboxes.borrow_mut().insert(life, Vec::new());
        let mut driver = Driver::on(Here { world: self.world.clone(), engine, life });
        match driver.register().now_or_never() {
            Some(Ok(())) => {
                self.lives.insert(engine, (life, driver, 0));
                self.rest(engine);
                if self.world.shared {
                    self.world.after(super::super::SWEEP, Happening::Sweep(life));
                }
            }
            _ => self.buried(engine, life),
        }
    }

    fn dies(&mut self, engine: InstanceId) {
        if let Some((life, ..)) = self.lives.remove(&engine) {
            self.note("dies", life);
            self.buried(engine, life);
        }
    }

    fn buried(&mut self, engine: InstanceId, life: Life) {
        self.count.deaths += 1;
        self.world.inboxes.borrow_mut().remove(&life);
        let wait = self.world.a_while(Duration::from_secs(if self.world.chance(200) { 120 } else { 5 }));
        self.world.after(wait, Happening::Lives(engine));
    }

    pub(super) fn engine_of(&self, life: Life) -> Option<InstanceId> {
        self.lives.iter().find(|(_, (of, ..))| *of == life).map(|(engine, _)| *engine)
    }

    fn turn(&mut self, life: Life) {
        let Some(engine) = self.engine_of(life) else { return };
        let messages = self.world.inboxes.borrow_mut().get_mut(&life).map(std::mem::take).unwrap_or_default();
        self.note("turn", (life, messages.len()));
        self.count.turns += 1;
        let (_, driver, _) = self.lives.get_mut(&engine).expect("it lives");
        if driver.turn(messages).now_or_never().is_none() {
            self.count.torn_turns += 1;
            return self.dies(engine);
        }
        self.remembers(engine);
        self.rest(engine);
    }

    fn sweep(&mut self, life: Life) {
        let Some(engine) = self.engine_of(life) else { return };
        let (_, driver, _) = self.lives.get_mut(&engine).expect("it lives");
        match driver.sweep().now_or_never() {
            None => return self.dies(engine),
            Some(_) => self.world.after(super::super::SWEEP, Happening::Sweep(life)),
        }
        self.rest(engine);
    }

    /// It sleeps until its next alarm.
    fn rest(&mut self, engine: InstanceId) {
        let (life, driver, number) = self.lives.get_mut(&engine).expect("it lives");
        *number += 1;
        self.world.after(driver.sleeps_for(), Happening::Wake(*life, *number));
    }

    /// What is in memory is what the journal says.
    fn remembers(&self, engine: InstanceId) {
        if !self.world.chance(100) {
            return;
        }
        let (_, driver, _) = &self.lives[&engine];
        let database = self.world.database.borrow();
        for (run, hot) in &driver.hot {
            let row = &database.rows[run];
            let Ok(facts) = database.facts(*run) else { continue };
            if row.engine != Some(engine) || row.closed_at.is_some() {
                continue;
            }
            let definition = database.definition(row.workflow, hot.version);
            let (stored, seq) = journal::execution(definition, *run, facts).expect("a journal");
            let same = stored.steps().eq(hot.execution.steps()) && stored.phase() == hot.execution.phase();
            assert!(same && seq == hot.seq, "seed {}: {run} is another one in memory", self.seed);
        }
    }

    fn starts(&mut self) {
        let Some((engine, life)) = self.anyone() else {
            return self.world.after(Duration::from_secs(1), Happening::Started);
        };
        self.count.runs += 1;
        let (world, now) = (self.world.clone(), self.world.now(engine));
        let run =
            RunId::from_uuid(Uuid::from_u128(u128::from(self.count.runs) << 32 | u128::from(world.rng.u64() >> 32)));
        let items: Vec<u64> = (0..world.rng.below(6)).collect();
        let input = json!({ "list": items, "n": world.rng.below(5) });
        let begun = world.database.borrow_mut().begin(row(workflow(), run, engine, now), input, now);
        world.tell(life, Message::Begun(Box::new(begun)));
        let soon = |most| world.a_while(Duration::from_secs(most));
        for (permille, what) in
            [(700, Happening::Sent(run)), (150, Happening::Cancelled(run)), (200, Happening::Moved(run))]
        {
            if world.chance(permille) {
                world.after(soon(2_000), what);
            }
        }
        if world.chance(30) && self.torn.is_empty() {
            world.after(soon(600), Happening::Torn(run));
        }
        if world.chance(60) && !self.calm {
            *world.cursed.borrow_mut() = Some(run);
            world.after(soon(400), Happening::Lifted);
        }
    }

    /// Something is put in for a run, and whoever recorded it tells its own driver.
    fn put_in(&mut self, run: RunId, event: Event) {
        let Some((engine, life)) = self.anyone() else {
            return self.world.after(
                Duration::from_secs(1),
                match event {
                    Event::Sent { .. } => Happening::Sent(run),
                    Event::Move { .. } => Happening::Moved(run),
                    _ => Happening::Cancelled(run),
                },
            );
        };
        if self.world.database.borrow().rows[&run].closed_at.is_none() {
            *self.sent.entry(run).or_default() += usize::from(matches!(event, Event::Sent { .. }));
            self.happened(engine, life, run, event);
        }
    }

    fn happened(&mut self, engine: InstanceId, life: Life, run: RunId, event: Event) {
        let id = self.world.database.borrow_mut().put_in(run, &event, self.world.now(engine));
        self.note("put in", id);
        let told = Message::Happened { run, event, id: Some(id) };
        if self.world.chance(100) {
            // Meanwhile the driver may have found it in the table.
            self.world.after(self.world.a_while(Duration::from_secs(20)), Happening::Told(life, Box::new(told)));
        } else {
            self.world.tell(life, told);
        }
    }

    fn arrives(&mut self, life: Life, mut start: Start) {
        if !self.is_alive(life) {
            return;
        }
        let world = self.world.clone();
        let of: Try = (start.context.run, start.step.clone(), start.attempt);
        let fails = world.chance(world.faults.get().call);
        let result = match start.call {
            Call::Query { .. } if start.stopped.try_recv().is_ok() => Some(Err(calls::stopped())),
            Call::Query { .. } if fails => Some(Err(failed())),
            Call::Query { .. } => Some(Ok(answer(&start.step))),
            // What was begun before is found before anything can fail.
            _ if fails && !world.database.borrow().children.contains_key(&of) => Some(Err(failed())),
            _ if self.in_time(life, &of) => {
                self.made(&of);
                None
            }
            _ => Some(Err(calls::too_late())),
        };
        let wait = world.a_while(Duration::from_millis(if world.chance(20) { 50_000 } else { 200 }));
        world.after(wait, Happening::Back(life, of, result));
    }

    /// Whether the one door opens for a call: its execution goes on, and on that control plane.
    fn in_time(&self, life: Life, of: &Try) -> bool {
        let database = self.world.database.borrow();
        let row = &database.rows[&of.0];
        database.children.contains_key(of) || row.closed_at.is_none() && row.engine == self.engine_of(life)
    }

    /// The one door has a call: it begins a run of its own, or finds the one that it began before.
    fn made(&mut self, of: &Try) {
        let world = self.world.clone();
        if world.database.borrow().children.contains_key(of) {
            return;
        }
        self.note("made", of);
        self.count.calls += 1;
        world.database.borrow_mut().children.insert(of.clone(), Default::default());
        // Some end only when somebody stops them.
        if !world.chance(150) {
            let well = !world.chance(200);
            world.after(world.a_while(Duration::from_secs(20)), Happening::Ends(of.clone(), well));
        }
    }

    fn ends(&mut self, of: Try, well: bool) {
        let Some((engine, life)) = self.anyone() else {
            return self.world.after(Duration::from_secs(1), Happening::Ends(of, well));
        };
        let result = if well { Ok(answer(&of.1)) } else { Err(failed()) };
        self.over(engine, life, &of, result);
    }

    /// A child is over, once; its step is told.
    pub(super) fn over(&mut self, engine: InstanceId, life: Life, of: &Try, result: Result<Value, Fault>) {
        let child = |world: &World| {
            world.database.borrow_mut().children.get_mut(of).map(|child| std::mem::replace(&mut child.ended, true))
        };
        if child(&self.world) == Some(false) {
            let (run, step, attempt) = of.clone();
            self.happened(engine, life, run, Event::Done { step, attempt, result });
        }
    }

    fn decided(&mut self, id: sf_types::ApprovalId) {
        let Some((engine, life)) = self.anyone() else { return };
        let approved = self.world.chance(700);
        let asked = {
            let mut database = self.world.database.borrow_mut();
            let card = database.cards.get_mut(&id).expect("a card");
            if !std::mem::replace(&mut card.open, false) {
                return;
            }
            card.approved = Some(approved);
            card.clone()
        };
        self.count.decided += 1;
        let by = UserId::from_uuid(Uuid::from_u128(9));
        let event = Event::Decided { approval: id, step: asked.step, approved, by, comment: None };
        self.happened(engine, life, asked.run, event);
    }

    /// The lane of timers looks after stops that were forgotten; people look at their cards.
    fn round(&mut self) {
        self.world.after(ROUND, Happening::Lane);
        let Some((engine, life)) = self.anyone() else { return };
        let (due, open) = {
            let (database, now) = (self.world.database.borrow(), self.world.now(engine));
            let due: Vec<Try> = database.stops.iter().filter(|(_, at)| **at <= now).map(|(of, _)| of.clone()).collect();
            let open: Vec<_> = database.cards.iter().filter(|(_, card)| card.open).map(|(id, _)| *id).collect();
            (due, open)
        };
        due.into_iter().for_each(|of| self.looks_after(engine, life, of));
        for card in open {
            if self.world.chance(100) {
                self.world.after(self.world.a_while(ROUND), Happening::Decided(card));
            }
        }
    }
}

fn engine_id(nth: u8) -> InstanceId {
    InstanceId::from_uuid(Uuid::from_u128(100 + u128::from(nth)))
}

fn workflow() -> WorkflowId {
    WorkflowId::from_uuid(Uuid::from_u128(7))
}
