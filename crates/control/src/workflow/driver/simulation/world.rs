//! Virtual time, the happenings that are due in it, and everything that can go wrong, all drawn from one seed.

use std::cell::{Cell, RefCell};
use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap};
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};
use sf_engine::workflow::{Definition, StepKey};
use sf_runtime::Rng;
use sf_store::StoreError;
use sf_store::executions::{ExecutionRow, Incoming};
use sf_types::{ApprovalId, ErrorKind, Fault, InstanceId, RunId, Timestamp, WorkflowId};

use super::super::ground::{Entries, Ground, Start};
use super::database::{Database, Try};
use crate::workflow::calls::Stop;
use crate::workflow::commit::Turn;
use crate::workflow::{Context, Message};

/// One life of a control plane; after a crash comes another one.
pub(super) type Life = u64;

/// Something that is due.
pub(super) enum Happening {
    /// The driver takes in what it was told.
    Turn(Life),
    /// The driver's own alarm, unless it has set another one since.
    Wake(Life, u64),
    /// It looks after the others' leases.
    Sweep(Life),
    /// What was recorded a while ago is told.
    Told(Life, Box<Message>),
    /// A call reaches the one door, or the API.
    Arrives(Life, Box<Start>),
    /// A call has come back.
    Back(Life, Try, Option<Result<Value, Fault>>),
    /// What a call began is stopped.
    Stops(Life, Try),
    /// What a call began ends by itself.
    Ends(Try, bool),
    /// Somebody starts a workflow.
    Started,
    Decided(ApprovalId),
    Sent(RunId),
    Cancelled(RunId),
    Moved(RunId),
    /// Its journal is torn on disk.
    Torn(RunId),
    /// A control plane dies, and comes back after a while.
    Dies(InstanceId),
    Lives(InstanceId),
    /// A clock is set.
    ClockSet(InstanceId, i64),
    /// The lane of timers looks.
    Lane,
    /// What one of them says is not too much for the database any more.
    Lifted,
    /// From here on nothing goes wrong any more.
    Calm,
}

/// What goes wrong, of a thousand times.
#[derive(Clone, Copy, Default)]
pub(super) struct Faults {
    /// A question to the database fails.
    pub(super) read: u64,
    /// A commit fails, with nothing of it stored.
    pub(super) write: u64,
    /// A commit is stored, and said to have failed.
    pub(super) lost_answer: u64,
    /// The process dies in a commit, before or after it is stored.
    pub(super) death: u64,
    /// A call fails.
    pub(super) call: u64,
}

pub(super) struct World {
    pub(super) rng: Rng,
    pub(super) database: RefCell<Database>,
    pub(super) faults: Cell<Faults>,
    /// What the drivers were told and have not taken in.
    pub(super) inboxes: RefCell<BTreeMap<Life, Vec<Message>>>,
    /// The life that died in the middle of a turn.
    pub(super) dead: Cell<Option<Life>>,
    /// Whose commits never get through: what it says is too much for the database.
    pub(super) cursed: RefCell<Option<RunId>>,
    pub(super) shared: bool,
    /// How far clocks are off, in milliseconds.
    pub(super) skew: RefCell<BTreeMap<InstanceId, i64>>,
    uptime: Cell<Duration>,
    agenda: RefCell<BinaryHeap<Reverse<(Duration, u64)>>>,
    due: RefCell<BTreeMap<u64, Happening>>,
    count: Cell<u64>,
}

impl World {
    pub(super) fn new(seed: u64, shared: bool, faults: Faults) -> Self {
        Self {
            rng: Rng::seeded(seed),
            database: RefCell::default(),
            faults: Cell::new(faults),
            inboxes: RefCell::default(),
            dead: Cell::new(None),
            cursed: RefCell::default(),
            shared,
            skew: RefCell::default(),
            uptime: Cell::new(Duration::ZERO),
            agenda: RefCell::default(),
            due: RefCell::default(),
            count: Cell::new(0),
        }
    }

    pub(super) fn uptime(&self) -> Duration {
        self.uptime.get()
    }

    pub(super) fn now(&self, engine: InstanceId) -> Timestamp {
        let skew = self.skew.borrow().get(&engine).copied().unwrap_or(0);
        let at = i64::try_from(self.uptime.get().as_millis()).expect("no simulation is that long");
        Timestamp::from_millis(1_795_242_461_007 + at + skew)
    }

    pub(super) fn chance(&self, permille: u64) -> bool {
        permille > 0 && self.rng.below(1_000) < permille
    }

    /// A while of up to `most`.
    pub(super) fn a_while(&self, most: Duration) -> Duration {
        Duration::from_micros(self.rng.below(u64::try_from(most.as_micros()).expect("not that long")))
    }

    pub(super) fn after(&self, wait: Duration, what: Happening) {
        let number = self.count.replace(self.count.get() + 1);
        self.agenda.borrow_mut().push(Reverse((self.uptime.get() + wait, number)));
        self.due.borrow_mut().insert(number, what);
    }

    /// Time passes until the next thing is due.
    pub(super) fn next(&self) -> Option<Happening> {
        let Reverse((at, number)) = self.agenda.borrow_mut().pop()?;
        self.uptime.set(at.max(self.uptime.get()));
        self.due.borrow_mut().remove(&number)
    }

    /// Tells the driver of a life, if it lives.
    pub(super) fn tell(&self, life: Life, message: Message) {
        if let Some(inbox) = self.inboxes.borrow_mut().get_mut(&life) {
            if inbox.is_empty() {
                self.after(self.a_while(Duration::from_millis(3)), Happening::Turn(life));
            }
            inbox.push(message);
        }
    }

    fn question<T>(&self, answer: impl FnOnce(&Database) -> sf_store::Result<T>) -> sf_store::Result<T> {
        if self.chance(self.faults.get().read) {
            return Err(away());
        }
        answer(&self.database.borrow())
    }
}

/// The world as one life of one control plane sees it.
pub(super) struct Here {
    pub(super) world: std::rc::Rc<World>,
    pub(super) engine: InstanceId,
    pub(super) life: Life,
}

impl Here {
    /// Writes, if nothing goes wrong.
    async fn write(&self, write: impl FnOnce(&mut Database) -> sf_store::Result<()>) -> sf_store::Result<()> {
        let (world, faults) = (&self.world, self.world.faults.get());
        let (dies, first) = (world.chance(faults.death), world.chance(500));
        if dies && first {
            return self.die().await;
        }
        if world.chance(faults.write) {
            return Err(away());
        }
        write(&mut world.database.borrow_mut())?;
        if dies {
            return self.die().await;
        }
        if world.chance(faults.lost_answer) { Err(away()) } else { Ok(()) }
    }

    /// Nothing behind this is done.
    async fn die<T>(&self) -> T {
        self.world.dead.set(Some(self.life));
        std::future::pending().await
    }
}

impl Ground for Here {
    fn now(&self) -> Timestamp {
        self.world.now(self.engine)
    }

    fn uptime(&self) -> Duration {
        self.world.uptime()
    }

    fn is_shared(&self) -> bool {
        self.world.shared
    }

    async fn register(&self) -> sf_store::Result<u64> {
        let mut fence = 0;
        let write = |database: &mut Database| {
            fence = database.register(self.engine, self.now());
            Ok(())
        };
        self.write(write).await?;
        Ok(fence)
    }

    async fn take_over(&self, fence: u64) -> sf_store::Result<()> {
        self.write(|database| database.take_over(self.engine, fence, self.now())).await
    }

    async fn own(&self) -> sf_store::Result<Vec<ExecutionRow>> {
        self.world.question(|database| Ok(database.own(self.engine)))
    }

    async fn incoming(&self) -> sf_store::Result<Vec<Incoming>> {
        self.world.question(|database| Ok(database.incoming(self.engine)))
    }

    async fn stops(&self) -> sf_store::Result<Vec<Stop>> {
        self.world.question(|database| Ok(database.stops_of(self.engine)))
    }

    async fn find(&self, run: RunId) -> sf_store::Result<Option<(ExecutionRow, Context)>> {
        self.world.question(|database| Ok(database.find(run, self.engine)))
    }

    async fn definition(&self, workflow: WorkflowId, version: u32) -> sf_store::Result<Arc<Definition>> {
        self.world.question(|database| Ok(database.definition(workflow, version)))
    }

    async fn facts(&self, run: RunId) -> sf_store::Result<Entries> {
        self.world.question(|database| database.facts(run))
    }

    async fn commit(&self, fence: u64, turns: Arc<Vec<Turn>>) -> sf_store::Result<()> {
        let cursed = *self.world.cursed.borrow();
        if turns.iter().any(|turn| Some(turn.context.run) == cursed) {
            return Err(StoreError::malformed("a row", "too much for this database"));
        }
        self.write(|database| database.commit((self.engine, fence), self.now(), &turns)).await
    }

    fn send(&self, message: Message) {
        self.world.tell(self.life, message);
    }

    fn begin(&self, start: Start) {
        // Some are on their way longer than their step may take.
        let slow = self.world.chance(30);
        let wait = self.world.a_while(if slow { Duration::from_secs(150) } else { Duration::from_millis(40) });
        self.world.after(wait, Happening::Arrives(self.life, Box::new(start)));
    }

    fn stop(&self, stop: Stop) {
        let wait = self.world.a_while(Duration::from_millis(40));
        self.world.after(wait, Happening::Stops(self.life, stop.of_try()));
    }
}

pub(super) fn away() -> StoreError {
    StoreError::Away("simulated".into())
}

pub(super) fn failed() -> Fault {
    Fault::new(ErrorKind::Unavailable, "simulated.failed", "It failed.")
}

pub(super) fn answer(of: &StepKey) -> Value {
    // Now and then it is too large for a row of the journal.
    let text = if of.items == [4] { "x".repeat(20_000) } else { String::new() };
    json!({ "of": of, "text": text })
}
