//! Workflows whose steps do nothing: what recording them durably costs. One step is a call of its own, begun after it is
//! recorded and recorded again when it has come back, as a step that does something is.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use futures_util::future::BoxFuture;
use futures_util::{StreamExt, stream};
use serde_json::{Value, json};
use sf_actions::workflow::{CreateWorkflow, RunWorkflow, WorkflowAction};
use sf_actions::{Action, Actor};
use sf_bus::subscription::Delivery;
use sf_control::workflow::{Principal, Reads};
use sf_control::{Made, Proposal, Proposed};
use sf_store::Scope;
use sf_testkit::Plane;
use sf_types::{Fault, RunId, WorkflowId};
use tokio::sync::oneshot;

use crate::agents;
use crate::floors;
use crate::line::{Line, Times};

/// Workflows in flight in the second part.
const CONCURRENT: usize = 50;
/// Times the way from the trigger to the first step is measured.
const TRIGGERS: usize = 500;
/// How long nothing is done when the idle cost is measured.
const IDLE: Duration = Duration::from_secs(10);

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
}

/// Ends of runs, told to whoever waits for them.
#[derive(Default)]
struct Ends(Mutex<HashMap<RunId, oneshot::Sender<()>>>, Mutex<Vec<RunId>>);

struct Bench {
    plane: Plane,
    admin: Actor,
    ends: Arc<Ends>,
    nothing: Arc<Nothing>,
}

/// All parts on SQLite.
pub async fn measure() -> Result<()> {
    let fsync = floors::disk().await?;
    let plane = Plane::real_time(false).await?;
    let admin = plane.admin().await?;
    let nothing = Arc::new(Nothing { asked: Mutex::default(), reads: AtomicU64::new(0) });
    plane.control.set_reads(nothing.clone());
    let ends = Arc::new(Ends::default());
    let mut events = plane.control.bus().subscribe_all(Scope::Tenant(admin.tenant))?;
    let told = ends.clone();
    let tasks = sf_runtime::Tasks::new();
    tasks.spawn("ends of runs", sf_runtime::OnError::Log, async move {
        while let Some(Delivery::Event(event)) = events.next().await {
            if &*event.name == "run.update" && event.data.contains("\"state\":\"done\"") {
                let data: Value = serde_json::from_str(&event.data).unwrap_or_default();
                let run: Option<RunId> = data["id"].as_str().and_then(|id| id.parse().ok());
                run.into_iter().for_each(|run| told.end(run));
            }
        }
        Ok::<(), Fault>(())
    });
    let bench = Bench { plane, admin, ends, nothing };
    bench.trigger().await?;
    bench.sequence().await?;
    bench.many(&fsync).await?;
    bench.fan_out().await?;
    bench.idle().await?;
    tasks.stop(Duration::ZERO).await;
    bench.plane.stop().await;
    Ok(())
}

impl Ends {
    fn end(&self, run: RunId) {
        match self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(&run) {
            Some(waiting) => drop(waiting.send(())),
            None => self.1.lock().unwrap_or_else(PoisonError::into_inner).push(run),
        }
    }

    async fn of(&self, run: RunId) -> Result<()> {
        let wait = {
            let mut waiting = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            let mut early = self.1.lock().unwrap_or_else(PoisonError::into_inner);
            if let Some(at) = early.iter().position(|one| *one == run) {
                early.swap_remove(at);
                return Ok(());
            }
            let (tell, wait) = oneshot::channel();
            waiting.insert(run, tell);
            wait
        };
        wait.await.context("the listener is there")
    }
}

impl Bench {
    async fn keep(&self, document: String) -> Result<WorkflowId> {
        let create = Action::Workflow(WorkflowAction::Create(CreateWorkflow { project: None, document }));
        match self.plane.control.propose(&self.admin, self.plane.request(), Proposal::of(create)).await? {
            Proposed::Done(_, Made::Workflow(id)) => Ok(id),
            other => anyhow::bail!("it was not kept: {other:?}"),
        }
    }

    async fn begin(&self, workflow: WorkflowId, input: Value) -> Result<RunId> {
        let run = RunWorkflow { workflow, version: None, input, trigger: None };
        let run = Action::Workflow(WorkflowAction::Run(run));
        match self.plane.control.propose(&self.admin, self.plane.request(), Proposal::of(run)).await? {
            Proposed::Open(run) => Ok(run.id),
            other => anyhow::bail!("it did not begin: {other:?}"),
        }
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
        Line::new("workflow", "trigger_p50", times.at(500), "ms").floor(1.0).peer(3.1).print()?;
        Line::new("workflow", "trigger_p99", times.at(990), "ms").floor(10.0).peer(13.9).print()
    }

    /// One workflow of 1,000 steps, one behind the other.
    async fn sequence(&self) -> Result<()> {
        let steps: String = (0..1_000).map(|n| format!("  - {{ id: s{n}, query: /x }}\n")).collect();
        let workflow = self.keep(format!("workflow: 1\nname: sequence\nsteps:\n{steps}")).await?;
        let began = Instant::now();
        let run = self.begin(workflow, Value::Null).await?;
        self.ends.of(run).await?;
        Line::new("workflow", "sequential_steps", 1_000.0 / began.elapsed().as_secs_f64(), "1/s").peer(600.0).print()
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
        Line::new("workflow", "many_steps", 10_000.0 / took, "1/s").floor(5_000.0).peer(1_390.0).print()?;
        Line::new("workflow", "many_p50", times.at(500), "ms").peer(347.0).print()?;
        Line::new("workflow", "many_p99", times.at(990), "ms").peer(633.0).print()?;
        Line::new("workflow", "statements_each_step", statements / 10_000.0, "statements").print()?;
        Line::new("workflow", "fsync_p50_of_run", fsync.at(500), "ms").print()
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
        Line::new("workflow", "fan_out_p50", times.at(500), "ms").floor(150.0).peer(1_277.0).print()
    }

    /// What it costs when nothing is to be done.
    async fn idle(&self) -> Result<()> {
        tokio::time::sleep(Duration::from_secs(2)).await;
        let before = self.plane.control.store().statements();
        tokio::time::sleep(IDLE).await;
        let statements = (self.plane.control.store().statements() - before) as f64;
        Line::new("workflow", "idle_writes", statements / IDLE.as_secs_f64(), "1/s").print()?;
        Line::new("workflow", "resident_after", agents::resident_kb()? / 1024.0, "MB").peer(416.0).print()
    }
}
