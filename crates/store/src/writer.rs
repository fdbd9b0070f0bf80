//! The one task that changes the database: closures, in batches of one COMMIT. One that fails takes back itself and
//! nothing else.
//!
//! Why one writer on PostgreSQL, too: every batch ends by giving out event numbers without gaps and by extending the
//! audit chain, which only one transaction can do at a time; a batch pays for that lock and for the fsync once.

use std::panic::AssertUnwindSafe;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use futures_util::FutureExt;
use sf_runtime::{Clock, Rng, Shutdown};
use sf_types::{InstanceId, Scope};
use tokio::sync::mpsc;

use crate::dialect::Dialect;
use crate::error::Grave;
use crate::events::StoredEvent;
use crate::script::SharedCounters;
use crate::session::{Session, Writable};
use crate::sql::settle;
use crate::store::{ACQUIRE, Sink, StoreOptions, connect_writer};
use crate::tx::{Look, Said, Tx};
use crate::{Result, StoreError};

mod checkpoint;
mod flush;
mod job;
mod tail;
mod thread;

pub(crate) use checkpoint::Checkpoints;
pub(crate) use job::{Job, awaited, unawaited};
pub(crate) use tail::Tail;
pub(crate) use thread::start;

/// Writes of one COMMIT at the most: more bring nothing (measured), and the first would wait longer.
pub const MAX_BATCH: usize = 64;
/// Times a write is tried again after a conflict with another control plane.
const MAX_TRIES: u32 = 5;
/// The pause before the second of these tries is twice as long; each one doubles it.
const PAUSE: Duration = Duration::from_millis(5);
/// How long writes nobody waits for may wait for company.
const LINGER: Duration = Duration::from_millis(5);
/// After a stop was asked for: how long the writer waits for a last write.
const LAST_WRITE: Duration = Duration::from_millis(500);

/// A write in the queue.
pub(crate) struct Queued {
    pub(crate) scope: Scope,
    pub(crate) job: Box<dyn Job>,
    pub(crate) awaited: bool,
}

/// Whether the connection can be trusted with writes.
pub(crate) enum Health {
    Good,
    /// A small write has to succeed first.
    Full,
    Poisoned(String),
}

/// The writer with all that it needs.
pub(crate) struct Writer {
    pub(crate) database: Writable,
    pub(crate) options: StoreOptions,
    pub(crate) instance: InstanceId,
    pub(crate) clock: Clock,
    pub(crate) rng: Rng,
    pub(crate) sinks: Arc<RwLock<Vec<Sink>>>,
    pub(crate) health: Health,
    pub(crate) counters: SharedCounters,
    pub(crate) checkpoints: Checkpoints,
    pub(crate) tail: Tail,
}

impl Writer {
    /// Whether it holds a thread up while it works.
    const fn blocks(&self) -> bool {
        matches!(self.database, Writable::File(_))
    }

    /// Serves the queue until it is closed, or quiet after a stop was asked for.
    pub(crate) async fn serve(mut self, mut queue: mpsc::Receiver<Queued>, shutdown: Shutdown) {
        let mut batch = Vec::with_capacity(MAX_BATCH);
        loop {
            if queue.is_empty() && !self.wait(&mut queue, &mut batch, &shutdown).await {
                break;
            }
            collect(&mut queue, &mut batch).await;
            self.commit(std::mem::take(&mut batch)).await;
        }
        queue.close();
        while queue.recv_many(&mut batch, MAX_BATCH).await > 0 {
            self.commit(std::mem::take(&mut batch)).await;
        }
        self.database.close().await;
    }

    /// Waits for the first write of a batch; `false` when there will be none.
    async fn wait(&self, queue: &mut mpsc::Receiver<Queued>, batch: &mut Vec<Queued>, shutdown: &Shutdown) -> bool {
        let first = tokio::select! {
            biased;
            first = queue.recv() => first,
            () = shutdown.requested() => tokio::time::timeout(LAST_WRITE, queue.recv()).await.ok().flatten(),
        };
        let more = first.is_some();
        batch.extend(first);
        more
    }

    /// Runs a batch and answers everybody in it.
    async fn commit(&mut self, mut batch: Vec<Queued>) {
        if let Health::Poisoned(why) = &self.health {
            let error = StoreError::Poisoned(why.clone());
            return batch.into_iter().for_each(|queued| queued.job.answer(Err(error.clone())));
        }
        let ran = match self.ready().await {
            Ok(()) => self.run_with_rivals(&mut batch).await,
            Err(error) => Err(error),
        };
        fail::fail_point!("store::reply::before");
        match ran {
            Ok(Ran { results, events }) => {
                self.hand_on(&events);
                for (queued, result) in batch.into_iter().zip(results) {
                    queued.job.answer(result);
                }
                self.checkpoints.changed(self.database.changes());
            }
            Err(error) => {
                tracing::error!(%error, writes = batch.len(), "a batch of writes was not stored");
                self.after_failure(&error).await;
                let error = self.seen_from_outside(error);
                batch.into_iter().for_each(|queued| queued.job.answer(Err(error.clone())));
            }
        }
    }

    /// Where another control plane is in the way, all of it runs again, and then each write alone.
    async fn run_with_rivals(&mut self, batch: &mut [Queued]) -> Result<Ran> {
        let mut ran = self.run(batch).await;
        let mut tries = 1;
        // Numbers were given meanwhile: where they go on is asked for now.
        while matches!(ran, Err(StoreError::Contended)) && self.tail.has_rivals() && tries < MAX_TRIES {
            ran = self.run(batch).await;
            tries += 1;
        }
        match ran {
            Err(error) if error.grave() == Grave::Contention && !self.blocks() => self.one_by_one(batch).await,
            ran => ran,
        }
    }

    /// After a full disk a small write has to succeed first.
    async fn ready(&mut self) -> Result<()> {
        if matches!(self.health, Health::Full) {
            let mut tx = self.begin().await?;
            crate::meta::probe(&mut tx).await?;
            tx.session.commit().await?;
            tracing::info!("there is space again; writes go on");
            self.health = Health::Good;
        }
        Ok(())
    }

    /// One transaction: all writes, then what they said, then COMMIT. First without SAVEPOINTs, which would be almost
    /// half of all statements; when one of several fails, all is taken back and run again, each in its own.
    async fn run(&mut self, batch: &mut [Queued]) -> Result<Ran> {
        let mut tx = self.begin().await?;
        let error = match run_all(&mut tx, batch).await {
            Ok(said) => return self.finish(tx, said, batch.iter().map(|_| Ok(())).collect()).await,
            Err(error) => error,
        };
        // SQLite takes back the whole transaction by itself when the disk is full.
        if error.grave() == Grave::Disk || tx.session.rollback().await.is_err() {
            return Err(error);
        }
        // On a server the locks of this transaction are part of the conflict: it is begun anew, not gone on with.
        if error.grave() == Grave::Contention && !self.blocks() {
            return Err(error);
        }
        if batch.len() == 1 && error.grave() != Grave::Contention {
            return Ok(Ran { results: vec![Err(error)], events: Vec::new() });
        }
        let mut tx = self.begin().await?;
        let mut said = Said::default();
        let mut results = Vec::with_capacity(batch.len());
        for queued in batch.iter_mut() {
            tx.scope = queued.scope;
            let result = run_one(&mut tx, queued.job.as_mut()).await?;
            if result.is_ok() {
                said.append(&mut tx.said);
            }
            results.push(result);
        }
        self.finish(tx, said, results).await
    }

    /// After a conflict with another control plane, each write has a transaction of its own: one that holds the locks
    /// of many is what runs into others. Each is tried again with growing pauses.
    async fn one_by_one(&mut self, batch: &mut [Queued]) -> Result<Ran> {
        let mut all = Ran { results: Vec::with_capacity(batch.len()), events: Vec::new() };
        for queued in batch.chunks_mut(1) {
            let ran = self.patiently(queued).await;
            match ran {
                Ok(ran) => {
                    all.results.extend(ran.results);
                    all.events.extend(ran.events);
                }
                // What was committed stays true: only this one and those behind it hear of the failure.
                Err(error) => all.results.push(Err(error)),
            }
        }
        Ok(all)
    }

    async fn patiently(&mut self, queued: &mut [Queued]) -> Result<Ran> {
        let mut tries = 1;
        loop {
            match self.run(queued).await {
                Err(error) if error.grave() == Grave::Contention && tries < MAX_TRIES => {
                    let jitter = u64::from(self.rng.bytes::<1>()[0] % 16);
                    tokio::time::sleep(PAUSE * 2_u32.pow(tries) + Duration::from_millis(jitter)).await;
                    tries += 1;
                }
                Err(error) if error.grave() == Grave::Contention => return Err(StoreError::Contended),
                ran => return ran,
            }
        }
    }

    async fn begin(&mut self) -> Result<Tx> {
        let session = match self.first_word().await {
            // Cut while nobody asked anything: nothing is lost by asking again.
            Err(error) if !self.blocks() => {
                tracing::info!(%error, "the writer's connection is made anew");
                let old = std::mem::replace(&mut self.database, connect_writer(&self.options).await?);
                old.close().await;
                self.first_word().await?
            }
            session => session?,
        };
        Ok(Tx {
            session,
            scope: Scope::System,
            now: self.clock.now(),
            clock: self.clock.clone(),
            rng: self.rng.clone(),
            said: Said::default(),
            script: Default::default(),
            counters: self.counters.clone(),
        })
    }

    async fn first_word(&self) -> Result<Session> {
        let begun = tokio::time::timeout(ACQUIRE, self.database.begin()).await;
        begun.unwrap_or_else(|_| Err(StoreError::Away("it did not answer".into())))
    }

    async fn finish(&mut self, tx: Tx, said: Said, results: Vec<Result<()>>) -> Result<Ran> {
        let audited = said.audit.len();
        let known = self.tail.take();
        let flushed = flush::flush(&tx, self.instance, said, known).await;
        if matches!(flushed, Err(StoreError::Contended)) {
            self.tail.met_a_rival();
        }
        let (events, ends) = flushed?;
        fail::fail_point!("store::commit::before", |kind| Err(injected(kind.as_deref())));
        let dialect = tx.conn().dialect();
        tx.session.commit().await.map_err(|error| commit_failed(dialect, error))?;
        self.counters.committed(audited);
        if let Some(ends) = ends.filter(|_| dialect == Dialect::Postgres) {
            self.tail.keep(ends);
        }
        fail::fail_point!("store::commit::after");
        Ok(Ran { results, events })
    }

    fn hand_on(&self, events: &[StoredEvent]) {
        if events.is_empty() {
            return;
        }
        for sink in self.sinks.read().unwrap_or_else(PoisonError::into_inner).iter() {
            sink(events);
        }
    }

    /// Decides what becomes of the connection. It is always made anew: after a failed COMMIT nobody knows in which
    /// state the old one is.
    async fn after_failure(&mut self, error: &StoreError) {
        match (error, error.grave()) {
            (StoreError::Poisoned(why), _) => self.health = Health::Poisoned(why.clone()),
            (StoreError::DiskFull, _) | (_, Grave::Full) => self.health = Health::Full,
            (_, Grave::Disk) => self.health = Health::Poisoned(error.to_string()),
            _ => {}
        }
        let old = self.database.clone();
        match connect_writer(&self.options).await {
            Ok(fresh) => self.database = fresh,
            Err(error) => tracing::error!(%error, "the writer's connection could not be made anew"),
        }
        old.close().await;
    }

    fn seen_from_outside(&self, error: StoreError) -> StoreError {
        match &self.health {
            Health::Poisoned(why) => StoreError::Poisoned(why.clone()),
            Health::Full => StoreError::DiskFull,
            Health::Good if error.grave() == Grave::Contention => StoreError::Contended,
            Health::Good => error,
        }
    }
}

/// What a batch came to.
struct Ran {
    results: Vec<Result<()>>,
    events: Vec<StoredEvent>,
}

/// Fills the batch. Writes nobody waits for alone do not pay for an fsync at once.
async fn collect(queue: &mut mpsc::Receiver<Queued>, batch: &mut Vec<Queued>) {
    take_ready(queue, batch);
    if batch.iter().any(|queued| queued.awaited) || batch.len() >= MAX_BATCH {
        return;
    }
    let company = async {
        while let Some(queued) = queue.recv().await {
            let awaited = queued.awaited;
            batch.push(queued);
            if awaited || batch.len() >= MAX_BATCH {
                break;
            }
        }
    };
    if tokio::time::timeout(LINGER, company).await.is_ok() {
        take_ready(queue, batch);
    }
}

fn take_ready(queue: &mut mpsc::Receiver<Queued>, batch: &mut Vec<Queued>) {
    while batch.len() < MAX_BATCH {
        let Ok(queued) = queue.try_recv() else { break };
        batch.push(queued);
    }
}

/// Runs all writes without SAVEPOINTs, up to the first that fails.
async fn run_all(tx: &mut Tx, batch: &mut [Queued]) -> Result<Said> {
    for queued in batch {
        tx.scope = queued.scope;
        let ran = AssertUnwindSafe(queued.job.run(tx)).catch_unwind().await;
        ran.unwrap_or(Err(StoreError::Panicked))?;
    }
    settle(tx).await?;
    Ok(std::mem::take(&mut tx.said))
}

/// Runs one write in its SAVEPOINT. The outer error means that the transaction itself is gone.
async fn run_one(tx: &mut Tx, job: &mut dyn Job) -> Result<Result<()>> {
    let mut tries = 0;
    loop {
        tries += 1;
        tx.session.script("SAVEPOINT w").await?;
        let ran = AssertUnwindSafe(job.run(tx)).catch_unwind().await;
        let mut result = ran.unwrap_or(Err(StoreError::Panicked));
        if result.is_ok() {
            result = settle(tx).await;
        }
        let Err(error) = result else {
            tx.session.script("RELEASE w").await?;
            return Ok(Ok(()));
        };
        tx.said = Said::default();
        tx.script.forget();
        let contended = error.grave() == Grave::Contention;
        if error.grave() == Grave::Disk || (contended && tx.dialect() == Dialect::Postgres) {
            return Err(error);
        }
        if tx.session.script("ROLLBACK TO w; RELEASE w").await.is_err() {
            return Err(error);
        }
        if !contended || tries == MAX_TRIES {
            return Ok(Err(if contended { StoreError::Contended } else { error }));
        }
    }
}

// Named by a failpoint only, which another crate of the same build may have switched on or not.
const _: fn(Option<&str>) -> StoreError = injected;

/// What a test wants a COMMIT to fail with.
fn injected(kind: Option<&str>) -> StoreError {
    match kind {
        Some("full") => StoreError::DiskFull,
        Some("io") => StoreError::Poisoned("injected I/O error".into()),
        _ => StoreError::Contended,
    }
}

/// A COMMIT of SQLite that fails for another reason than space or rivals leaves unknown what is on disk. One of
/// PostgreSQL leaves unknown whether it happened, which concerns this batch only.
fn commit_failed(dialect: Dialect, error: StoreError) -> StoreError {
    match (&error, error.grave()) {
        (StoreError::DiskFull, _) | (_, Grave::Contention) => error,
        _ if dialect == Dialect::Postgres => error,
        _ => StoreError::Poisoned(error.to_string()),
    }
}
