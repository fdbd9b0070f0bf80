//! Workflows whose steps do nothing: what recording them durably costs. One step is a call of its own, begun after it is
//! recorded and recorded again when it has come back, as a step that does something is.

mod way;

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use futures_util::future::BoxFuture;
use futures_util::{StreamExt, stream};
use serde_json::{Value, json};
use sf_actions::workflow::{CreateWorkflow, WorkflowAction};
use sf_actions::{Action, Actor};
use sf_control::workflow::{Principal, Reads, Seen};
use sf_control::{Made, Proposal, Proposed};
use sf_runtime::Tasks;
use sf_store::testing::Postgres;
use sf_testkit::{Database, Plane};
use sf_types::{Fault, RequestId, RunId, WorkflowId};
use tokio::sync::oneshot;

use self::way::{Ends, Way};
use crate::agents;
use crate::floors;
use crate::line::{Line, Times};

/// Workflows in flight in the second part.
const CONCURRENT: usize = 50;
/// Times the way from the trigger to the first step is measured.
const TRIGGERS: usize = 500;
/// How long nothing is done when the idle cost is measured.
const IDLE: Duration = Duration::from_secs(10);
/// How long what was begun may take to come to rest before.
const SETTLING: Duration = Duration::from_secs(2);
/// How long what listens may take to stop.
const STOP: Duration = Duration::from_secs(5);

/// A read that answers at once, and says when the first one of a run was asked.
struct Nothing {
    asked: Mutex<HashMap<String, oneshot::Sender<Instant>>>,
    reads: AtomicU64,
}

impl Reads for Nothing {
    fn read(&self, _: Principal, path: String) -> BoxFuture<'static, Result<Value, Fault>> {
        self.reads.fetch_add(1, Ordering::Relaxed);
        if let Some(waiting) = self.asked.lock().unwrap_or_else(PoisonError::into_inner).remove(&path) {
            // Whoever waited may have given up.
            let _ = waiting.send(Instant::now());
        }
        Box::pin(std::future::ready(Ok(Value::Null)))
    }

    fn read_as(&self, _: Actor, _: RequestId, _: String) -> BoxFuture<'static, Result<Seen, Fault>> {
        Box::pin(std::future::ready(Ok(Seen { data: Value::Null, next: None })))
    }
}

/// Where and how it is measured, each in a process of its own: what one has used is not another's.
#[derive(Clone, Copy, Debug)]
struct Part {
    /// As on the command line.
    name: &'static str,
    /// As in results.
    bench: &'static str,
    peers: Peers,
}

/// What others did on a like machine, with fsync on.
#[derive(Clone, Copy, Debug)]
struct Peers {
    trigger: [f64; 2],
    sequence: f64,
    many: f64,
    each: [f64; 2],
    fan_out: f64,
    resident: f64,
}

/// Restate 1.7, whose log is its own.
const RESTATE: Peers = Peers {
    trigger: [3.1, 13.9],
    sequence: 600.0,
    many: 1_390.0,
    each: [347.0, 633.0],
    fan_out: 1_277.0,
    resident: 416.0,
};
/// DBOS 3.4 on PostgreSQL, without the database's own memory.
const DBOS: Peers = Peers {
    trigger: [9.0, 36.0],
    sequence: 145.0,
    many: 390.0,
    each: [1_253.0, 1_736.0],
    fan_out: 4_371.0,
    resident: 123.0,
};

const PARTS: [Part; 3] = [
    Part { name: "sqlite", bench: "workflow", peers: RESTATE },
    Part { name: "http", bench: "workflow_http", peers: RESTATE },
    Part { name: "postgres", bench: "workflow_postgres", peers: DBOS },
];

struct Bench {
    part: Part,
    plane: Plane,
    admin: Actor,
    way: Way,
    ends: Arc<Ends>,
    nothing: Arc<Nothing>,
}

/// One part, or all.
pub async fn measure(part: Option<&str>) -> Result<()> {
    if let Some(name) = part {
        let part = PARTS.into_iter().find(|part| part.name == name);
        return part.context("no such part: sqlite, http or postgres")?.measure().await;
    }
    for part in PARTS {
        let mut process = tokio::process::Command::new(std::env::current_exe()?);
        let done = process.args(["workflow", part.name]).status().await?;
        ensure!(done.success(), "the part `{}` failed: {done}", part.name);
    }
    Ok(())
}

impl Part {
    async fn measure(self) -> Result<()> {
        if self.name != "postgres" {
            return self.on(Plane::real_time(false).await?).await;
        }
        match Postgres::start_durable().await {
            Ok(server) => self.on(Plane::real_time_on(Database::Postgres(&server)).await?).await,
            Err(error) => Line::new(self.bench, "left_out", 1.0, "part").note(error.to_string()).print(),
        }
    }

    async fn on(self, plane: Plane) -> Result<()> {
        let fsync = floors::disk().await?;
        let admin = plane.admin().await?;
        let nothing = Arc::new(Nothing { asked: Mutex::default(), reads: AtomicU64::new(0) });
        // Before the API is there, which would read for itself.
        plane.control.set_reads(nothing.clone());
        let (ends, tasks) = (Arc::new(Ends::default()), Tasks::new());
        let way = match self.name {
            "http" => Way::http(&plane, &ends, &tasks).await?,
            _ => Way::within(&plane, admin.clone(), &ends, &tasks)?,
        };
        let bench = Bench { part: self, plane, admin, way, ends, nothing };
        bench.idle("idle_statements_before", "resident_idle").await?;
        bench.trigger().await?;
        bench.sequence().await?;
        bench.many(&fsync).await?;
        bench.fan_out().await?;
        bench.idle("idle_statements", "resident_after").await?;
        tasks.stop(STOP).await;
        bench.plane.stop().await;
        Ok(())
    }
}

impl Bench {
    const fn line(&self, metric: &'static str, value: f64, unit: &'static str) -> Line {
        Line::new(self.part.bench, metric, value, unit)
    }

    async fn keep(&self, document: String) -> Result<WorkflowId> {
        let create = Action::Workflow(WorkflowAction::Create(CreateWorkflow { project: None, document }));
        match self.plane.control.propose(&self.admin, self.plane.request(), Proposal::of(create)).await? {
            Proposed::Done(_, Made::Workflow(id)) => Ok(id),
            other => anyhow::bail!("it was not kept: {other:?}"),
        }
    }

    async fn begin(&self, workflow: WorkflowId, input: Value) -> Result<RunId> {
        self.way.begin(&self.plane, workflow, input).await
    }

    /// From the trigger to the first step.
    async fn trigger(&self) -> Result<()> {
        let document =
            "workflow: 1\nname: trigger\ninputs: { type: object }\nsteps: [{ id: a, query: '/${{ inputs.n }}' }]";
        let workflow = self.keep(document.to_owned()).await?;
        let mut times = Vec::with_capacity(TRIGGERS);
        for n in 0..TRIGGERS {
            let (tell, asked) = oneshot::channel();
            self.nothing.asked.lock().unwrap_or_else(PoisonError::into_inner).insert(format!("/{n}"), tell);
            let began = Instant::now();
            let run = self.begin(workflow, json!({ "n": n })).await?;
            times.push(asked.await?.duration_since(began));
            self.ends.of(run).await?;
        }
        let times = Times::new(times);
        let [p50, p99] = self.part.peers.trigger;
        self.line("trigger_p50", times.at(500), "ms").floor(1.0).peer(p50).print()?;
        self.line("trigger_p99", times.at(990), "ms").floor(10.0).peer(p99).print()
    }

    /// One workflow of 1,000 steps, one behind the other.
    async fn sequence(&self) -> Result<()> {
        let steps: String = (0..1_000).map(|n| format!("  - {{ id: s{n}, query: /x }}\n")).collect();
        let workflow = self.keep(format!("workflow: 1\nname: sequence\nsteps:\n{steps}")).await?;
        let began = Instant::now();
        let run = self.begin(workflow, Value::Null).await?;
        self.ends.of(run).await?;
        let rate = 1_000.0 / began.elapsed().as_secs_f64();
        self.line("sequential_steps", rate, "1/s").peer(self.part.peers.sequence).print()
    }

    /// 1,000 workflows of 10 steps each, 50 at a time.
    async fn many(&self, fsync: &Times) -> Result<()> {
        let steps: String = (0..10).map(|n| format!("  - {{ id: s{n}, query: /x }}\n")).collect();
        let workflow = self.keep(format!("workflow: 1\nname: many\nsteps:\n{steps}")).await?;
        let (began, statements) = (Instant::now(), self.plane.control.store().statements());
        let one = |_: usize| async move {
            let began = Instant::now();
            self.ends.of(self.begin(workflow, Value::Null).await?).await?;
            anyhow::Ok(began.elapsed())
        };
        let times: Vec<_> = stream::iter((0..1_000).map(one)).buffer_unordered(CONCURRENT).collect().await;
        let took = began.elapsed().as_secs_f64();
        let times = Times::new(times.into_iter().collect::<Result<_>>()?);
        let statements = (self.plane.control.store().statements() - statements) as f64;
        let [p50, p99] = self.part.peers.each;
        self.line("many_steps", 10_000.0 / took, "1/s").floor(5_000.0).peer(self.part.peers.many).print()?;
        self.line("many_p50", times.at(500), "ms").peer(p50).print()?;
        self.line("many_p99", times.at(990), "ms").peer(p99).print()?;
        self.line("statements_each_step", statements / 10_000.0, "statements").print()?;
        self.line("fsync_p50_of_run", fsync.at(500), "ms").print()
    }

    /// 1,000 steps at a time, and what follows when all have ended.
    async fn fan_out(&self) -> Result<()> {
        let document = "workflow: 1\nname: fan\ninputs: { type: object }\nsteps: [{ id: m, map: { over: inputs.list, \
                        limit: 1000, steps: [{ id: a, query: /x }] } }]";
        let workflow = self.keep(document.to_owned()).await?;
        let list: Vec<u32> = (0..1_000).collect();
        let mut times = Vec::new();
        for _ in 0..10 {
            let reads = self.nothing.reads.load(Ordering::Relaxed);
            let began = Instant::now();
            let run = self.begin(workflow, json!({ "list": list })).await?;
            self.ends.of(run).await?;
            times.push(began.elapsed());
            ensure!(self.nothing.reads.load(Ordering::Relaxed) - reads == 1_000, "each item is read once");
        }
        let times = Times::new(times);
        self.line("fan_out_p50", times.at(500), "ms").floor(150.0).peer(self.part.peers.fan_out).print()
    }

    /// What it costs when nothing is to be done: statements of writer and readers, and memory.
    async fn idle(&self, statements: &'static str, resident: &'static str) -> Result<()> {
        let store = self.plane.control.store();
        let asked = || store.statements() + store.looks();
        tokio::time::sleep(SETTLING).await;
        let before = asked();
        tokio::time::sleep(IDLE).await;
        let line = self.line(statements, (asked() - before) as f64 / IDLE.as_secs_f64(), "1/s");
        match self.way {
            Way::Within(_) => line.print()?,
            Way::Http(_) => line.note("an event socket is open: its token is asked about every 4 s").print()?,
        }
        let of_process = agents::resident_kb()? / 1024.0;
        self.line(resident, of_process, "MB").peer(self.part.peers.resident).print()
    }
}
