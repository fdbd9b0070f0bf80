//! How many orders a second the store opens and closes, against a bare writer that commits the same rows.
//!
//! `cargo run --profile release -p sf-store --example orders --features testing`; prints one JSON line a result.
#![expect(clippy::unwrap_used, clippy::print_stdout, reason = "a benchmark")]

use std::time::Instant;

use sf_actions::admission::{Admission, Decision, Inputs, Proposer, SelfReport};
use sf_actions::app::Settings;
use sf_actions::deploy::{Deploy, DeployAction};
use sf_actions::{Action, ActorKind};
use sf_engine::{Done, Run, RunState};
use sf_protocol::report::NodeFacts;
use sf_protocol::{Guard, Kind, SecretKey, Signed};
use sf_runtime::{Clock, Rng, Tasks};
use sf_store::audit::Entry;
use sf_store::commands::{CommandState, StoredCommand};
use sf_store::events::NewEvent;
use sf_store::nodes::NewNode;
use sf_store::{Scope, Store, StoreOptions, apps, commands, nodes, runs, tenants, users};
use sf_types::{AppId, NodeId, ProjectId, TenantId, UserId};
use sqlx::Connection;

/// Orders of one measurement.
const ORDERS: usize = 4_000;
/// Orders in flight.
const IN_FLIGHT: usize = 64;

#[derive(Clone)]
struct Place {
    store: Store,
    clock: Clock,
    rng: Rng,
    tenant: TenantId,
    project: ProjectId,
    user: UserId,
    node: NodeId,
    app: AppId,
    sealed: Signed,
}

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let folder = tempfile::tempdir().unwrap();
    let orders = measure_store(&format!("sqlite://{}/store.db", folder.path().display())).await;
    let bare = measure_bare(&format!("{}/bare.db", folder.path().display())).await;
    for (metric, value) in [("store", orders), ("bare writer, same rows", bare)] {
        println!(r#"{{"bench":"store.orders","metric":"{metric}","value":{value:.0},"unit":"orders/s"}}"#);
    }
    println!(
        r#"{{"bench":"store.orders","metric":"ratio","value":{:.2},"unit":"of bare","floor":0.5}}"#,
        orders / bare
    );
}

async fn measure_store(url: &str) -> f64 {
    let (clock, rng, tasks) = (Clock::system(), Rng::seeded(1), Tasks::new());
    let store = Store::open(&StoreOptions::new(url), clock.clone(), rng.clone(), &tasks).await.unwrap();
    let place = prepare(store, clock, rng).await;
    let began = Instant::now();
    let lanes = (0..IN_FLIGHT).map(|_| async {
        for _ in 0..ORDERS / IN_FLIGHT {
            order(&place).await;
        }
    });
    futures_util::future::join_all(lanes).await;
    let took = began.elapsed().as_secs_f64();
    ORDERS as f64 / took
}

async fn prepare(store: Store, clock: Clock, rng: Rng) -> Place {
    let key = SecretKey::from_seed(&[5; 32]);
    let sealed = Signed::seal_bytes(Kind::Deploy, vec![b'x'; 1200], &key);
    let facts = NodeFacts {
        host: "bench".into(),
        os: String::new(),
        kernel: String::new(),
        arch: String::new(),
        cpus: 1,
        memory: 1,
        agent_version: "0".into(),
        root: false,
        enforces: Vec::new(),
        policy: String::new(),
        tools: Vec::new(),
    };
    let (tenant, project, user, node, app) = store
        .write(Scope::System, move |tx| {
            Box::pin(async move {
                let (tenant, project) = tenants::create(tx, "bench").await?;
                let user = users::create(tx, tenant.id, "bench@example.org", "bench").await?;
                let new = NewNode {
                    tenant: tenant.id,
                    name: "bench".into(),
                    public_key: key.public(),
                    facts,
                    epoch: 1,
                    join_counter: 1,
                    binding: "exporter".into(),
                };
                let node = nodes::create(tx, new).await?;
                let app: AppId = tx.new_id();
                apps::create(tx, app, project.id, node.id, &"bench".parse().unwrap(), &Settings::of("x")).await?;
                Ok((tenant.id, project.id, user.id, node.id, app))
            })
        })
        .await
        .unwrap();
    Place { store, clock, rng, tenant, project, user, node, app, sealed }
}

/// Opens and closes one order: two awaited writes.
async fn order(place: &Place) {
    let run = new_run(place);
    let (at, opened) = (place.clone(), run.clone());
    let command = place
        .store
        .write(Scope::Tenant(place.tenant), move |tx| {
            Box::pin(async move {
                runs::insert(tx, &opened)?;
                let nodes::Reserved { epoch, sequence, .. } = nodes::reserve_sequence(tx, at.node).await?;
                let command = new_command(&at, &opened, epoch, sequence);
                commands::insert(tx, &command)?;
                tx.audit(line(&at, &opened, "opened"));
                tx.publish(event(&at, &opened));
                Ok(command.id)
            })
        })
        .await
        .unwrap();
    let (at, mut closed) = (place.clone(), run);
    (closed.version, closed.state, closed.closed_at) = (2, RunState::Done(Done::Succeeded), Some(place.clock.now()));
    place
        .store
        .write(Scope::Tenant(place.tenant), move |tx| {
            Box::pin(async move {
                runs::update(tx, &closed, None).await?;
                commands::done(tx, command, Some(&at.sealed), None);
                tx.audit(line(&at, &closed, "succeeded"));
                tx.publish(event(&at, &closed));
                Ok(())
            })
        })
        .await
        .unwrap();
}

fn new_run(place: &Place) -> Run {
    let now = place.clock.now();
    let inputs = Inputs {
        action: "app.deploy".into(),
        risk: 35,
        destroys: false,
        proposer: Proposer::Person,
        report: SelfReport::None,
        calibration: None,
        record: None,
        auto_at: 90,
        notify_at: 70,
        never_auto: false,
        opens_gates: false,
        tainted: false,
        undoable: true,
        waived: false,
        frozen: false,
        frozen_by: None,
        passes_freeze: false,
        over_budget: None,
        quota_left: 10,
        draw_permille: 999,
        sample_permille: 30,
        undo: false,
    };
    Run {
        id: place.rng.id(&place.clock),
        tenant: place.tenant,
        project: Some(place.project),
        action: Action::Deploy(DeployAction::Deploy(Deploy {
            app: place.app,
            reference: None,
            commit: None,
            full: false,
        })),
        actor: ActorKind::Person { user: place.user, session: place.rng.id(&place.clock) },
        request: place.rng.id(&place.clock),
        node: Some(place.node),
        app: Some(place.app),
        server: None,
        state: RunState::Ready,
        stale: false,
        step: None,
        fault: None,
        decision: Decision {
            admission: Admission::Auto,
            because: "bench".into(),
            confidence: None,
            sampled: false,
            inputs,
        },
        guard: Guard::default(),
        command: None,
        version: 1,
        opened_at: now,
        updated_at: now,
        closed_at: None,
        expires_at: now,
        held_until: None,
        parent: None,
    }
}

fn new_command(place: &Place, run: &Run, epoch: u64, sequence: u64) -> StoredCommand {
    let now = place.clock.now();
    StoredCommand {
        id: place.rng.id(&place.clock),
        tenant: place.tenant,
        run: Some(run.id),
        node: place.node,
        epoch,
        sequence,
        kind: Kind::Deploy,
        payload: place.sealed.payload.clone(),
        signature: place.sealed.signature,
        key_id: place.sealed.key_id,
        delegation: run.id.uuid(),
        state: CommandState::Ready,
        not_before: now,
        expires_at: now,
        created_at: now,
        sent_at: None,
        acked_at: None,
        done_at: None,
        accepted: None,
        result: None,
    }
}

fn line(place: &Place, run: &Run, outcome: &str) -> Entry {
    Entry {
        tenant: Some(place.tenant),
        project: Some(place.project),
        actor_kind: "person".into(),
        actor_ref: place.user.to_string(),
        action: "app.deploy".into(),
        target_kind: "app".into(),
        target_id: place.app.to_string(),
        run: Some(run.id),
        request: Some(run.request),
        outcome: outcome.into(),
        fields: vec![("version", run.version.to_string())],
        personal: Vec::new(),
    }
}

fn event(place: &Place, run: &Run) -> NewEvent {
    NewEvent {
        tenant: Some(place.tenant),
        project: Some(place.project),
        topics: vec![format!("run:{}", run.id), format!("app:{}", place.app)],
        name: "run.update".into(),
        data: r#"{"state":"ready","note":"about as long as a real one is, with ids and times in it"}"#.into(),
    }
}

/// One connection, 64 orders' halves a COMMIT, the same number of rows of the same size, nothing else.
async fn measure_bare(path: &str) -> f64 {
    let options = sqlx::sqlite::SqliteConnectOptions::new()
        .filename(path)
        .create_if_missing(true)
        .journal_mode(sqlx::sqlite::SqliteJournalMode::Wal)
        .synchronous(sqlx::sqlite::SqliteSynchronous::Full);
    let mut connection = sqlx::SqliteConnection::connect_with(&options).await.unwrap();
    for table in ["run", "command", "audit", "event"] {
        let sql = format!("CREATE TABLE {table} (id INTEGER PRIMARY KEY, body BLOB, state TEXT)");
        sqlx::query(sqlx::AssertSqlSafe(sql)).execute(&mut connection).await.unwrap();
    }
    let began = Instant::now();
    let mut done = 0_i64;
    while (done as usize) < ORDERS {
        sqlx::query("BEGIN IMMEDIATE").execute(&mut connection).await.unwrap();
        for n in done..done + IN_FLIGHT as i64 / 2 {
            insert(&mut connection, "INSERT INTO run (id, body, state) VALUES ($1, $2, 'ready')", n, 1000).await;
            insert(&mut connection, "INSERT INTO command (id, body, state) VALUES ($1, $2, 'ready')", n, 1400).await;
            for half in [2 * n, 2 * n + 1] {
                insert(&mut connection, "INSERT INTO audit (id, body) VALUES ($1, $2)", half, 400).await;
                insert(&mut connection, "INSERT INTO event (id, body) VALUES ($1, $2)", half, 300).await;
            }
            for sql in
                ["UPDATE run SET state = 'done' WHERE id = $1", "UPDATE command SET state = 'done' WHERE id = $1"]
            {
                sqlx::query(sql).bind(n).execute(&mut connection).await.unwrap();
            }
        }
        sqlx::query("COMMIT").execute(&mut connection).await.unwrap();
        done += IN_FLIGHT as i64 / 2;
    }
    ORDERS as f64 / began.elapsed().as_secs_f64()
}

async fn insert(connection: &mut sqlx::SqliteConnection, sql: &'static str, id: i64, bytes: usize) {
    sqlx::query(sql).bind(id).bind(vec![b'x'; bytes]).execute(connection).await.unwrap();
}
