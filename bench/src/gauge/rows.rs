//! A bare writer: the same rows as an order, through the same store, without everything else (no policy, no
//! signature, no connection, no agent).

use std::time::Instant;

use anyhow::{Context, Result};
use futures_util::{StreamExt, stream};
use sf_actions::Actor;
use sf_engine::{Done, Run, RunState};
use sf_store::audit::Entry;
use sf_store::commands::StoredCommand;
use sf_store::events::NewEvent;
use sf_store::runs::RunFilter;
use sf_store::timeline::{self, Moment};
use sf_store::{Look, Scope, Tx, apps, commands, nodes, runs};
use sf_testkit::Plane;
use sf_types::{AppId, PageRequest};

use crate::orders::{COUNTING, IN_FLIGHT};

/// What a real order left behind, to be written again under other ids.
#[derive(Clone)]
struct Sample {
    run: Run,
    command: StoredCommand,
    moments: Vec<Moment>,
    data: std::sync::Arc<str>,
}

/// Orders' worth of rows a second, [`IN_FLIGHT`] at a time.
pub async fn throughput(plane: &Plane, admin: &Actor, apps: &[AppId]) -> Result<f64> {
    let sample = sample(plane, admin, apps[0]).await?;
    let began = Instant::now();
    let worker = |_| async {
        let mut done = 0_u64;
        while began.elapsed() < COUNTING {
            order(plane, sample.clone()).await?;
            done += 1;
        }
        anyhow::Ok(done)
    };
    let done: Vec<Result<u64>> = stream::iter((0..IN_FLIGHT).map(worker)).buffer_unordered(IN_FLIGHT).collect().await;
    let took = began.elapsed().as_secs_f64();
    Ok(done.into_iter().sum::<Result<u64>>()? as f64 / took)
}

async fn sample(plane: &Plane, admin: &Actor, app: AppId) -> Result<Sample> {
    let filter = RunFilter { app: Some(app), ..RunFilter::default() };
    let page = plane.control.runs(admin, &filter, &PageRequest::default()).await?;
    let run = page.items.into_iter().map(|record| record.run).find(|run| run.command.is_some()).context("a run")?;
    let command = plane.control.proof(admin, run.id).await?.command;
    let moments = plane.control.timeline(admin, run.id).await?;
    let data = serde_json::json!({
        "id": run.id, "action": run.action.spec().name, "state": "done", "done": "succeeded", "stale": false,
        "step": null, "fault": null, "appId": run.app, "nodeId": run.node, "version": run.version,
    });
    Ok(Sample { run, command, moments, data: data.to_string().into() })
}

/// Two awaited transactions and one that rides along, as an order has them.
async fn order(plane: &Plane, mut sample: Sample) -> Result<()> {
    let store = plane.control.store();
    sample.run.id = plane.rng.id(&plane.clock);
    sample.command.id = plane.rng.id(&plane.clock);
    let command = sample.command.id;
    let opened = sample.clone();
    store.write(Scope::System, move |tx| Box::pin(async move { open(tx, opened).await })).await?;
    let promised = sample.clone();
    store
        .write_unawaited(Scope::System, move |tx| {
            Box::pin(async move {
                commands::acked(tx, command, Some(&promised.command.signed()), Some(tx.now()));
                state(tx, promised, RunState::Working, 2)
            })
        })
        .await;
    store
        .write(Scope::System, move |tx| {
            Box::pin(async move {
                commands::done(tx, command, Some(&sample.command.signed()), None);
                let app = sample.run.app.ok_or(sf_store::StoreError::NotFound("app"))?;
                apps::heard(tx, app, &apps::AppChange { restarts: Some(0), ..Default::default() });
                tx.audit(entry(&sample.run, "succeeded"));
                state(tx, sample, RunState::Done(Done::Succeeded), 3)
            })
        })
        .await?;
    Ok(())
}

async fn open(tx: &mut Tx, mut sample: Sample) -> sf_store::Result<()> {
    let Sample { run, command, moments, .. } = &mut sample;
    (run.state, run.version, run.closed_at, run.command) = (RunState::Ready, 1, None, Some(command.id));
    let sequence = nodes::reserve_sequence(tx, command.node).await?.sequence;
    runs::insert(tx, run)?;
    timeline::append(tx, run, &moments[..3.min(moments.len())])?;
    tx.audit(entry(run, "proposed"));
    let fresh = StoredCommand { run: Some(run.id), sequence, created_at: tx.now(), ..command.clone() };
    commands::insert(tx, &unsent(fresh))?;
    publish(tx, &sample);
    Ok(())
}

fn unsent(command: StoredCommand) -> StoredCommand {
    let state = sf_store::commands::CommandState::Ready;
    StoredCommand { state, sent_at: None, acked_at: None, done_at: None, accepted: None, result: None, ..command }
}

fn state(tx: &mut Tx, mut sample: Sample, state: RunState, version: u64) -> sf_store::Result<()> {
    (sample.run.state, sample.run.version) = (state, version);
    sample.run.command = Some(sample.command.id);
    sample.run.closed_at = matches!(state, RunState::Done(_)).then(|| tx.now());
    runs::keep(tx, &sample.run, None);
    timeline::append(tx, &sample.run, &sample.moments[..2.min(sample.moments.len())])?;
    publish(tx, &sample);
    Ok(())
}

fn publish(tx: &mut Tx, sample: &Sample) {
    let run = &sample.run;
    let mut topics = vec![format!("run:{}", run.id), "runs".to_owned()];
    topics.extend(run.app.map(|app| format!("app:{app}")));
    let (tenant, project) = (Some(run.tenant), run.project);
    tx.publish(NewEvent { tenant, project, topics, name: "run.update".to_owned(), data: sample.data.clone() });
}

fn entry(run: &Run, outcome: &str) -> Entry {
    Entry {
        tenant: Some(run.tenant),
        project: run.project,
        actor_kind: "person".to_owned(),
        actor_ref: run.tenant.to_string(),
        action: run.action.spec().name.to_owned(),
        target_kind: "app".to_owned(),
        target_id: run.app.map_or_else(String::new, |app| app.to_string()),
        run: Some(run.id),
        request: Some(run.request),
        outcome: outcome.to_owned(),
        fields: vec![("because", run.decision.because.clone())],
        personal: Vec::new(),
    }
}
