//! Workflows, their executions and what belongs to them: whose they are, who drives them, what came in.

use std::time::Duration;

use serde_json::json;
use sf_engine::{Done, Parent};
use sf_store::executions::{self, Entry, ExecutionFilter, ExecutionRow, ExecutionState};
use sf_store::workflows::{self, Trigger, Version, Workflow};
use sf_store::{Look, Scope, StoreError, runs};
use sf_types::{InstanceId, PageRequest, RunId, WorkflowId};

use crate::fixture::{Side, World, id, new_run};
use crate::write;

const LEASE: Duration = Duration::from_secs(30);

/// A workflow of a side with a version, a trigger and an execution.
async fn fill(world: &World, side: Side, engine: InstanceId) -> (WorkflowId, RunId) {
    let (now, run) = (world.now(), world.run(side).await.id);
    let workflow = Workflow {
        id: id(),
        tenant: side.tenant,
        project: side.project,
        name: "nightly".parse().unwrap(),
        description: None,
        version: 1,
        hash: "h".into(),
        enabled: true,
        owner: side.user,
        created_at: now,
        updated_at: now,
    };
    let of = workflow.id;
    let version = Version {
        workflow: of,
        version: 1,
        tenant: side.tenant,
        hash: "h".into(),
        document: "d".into(),
        created_by: Some(side.user),
        created_at: now,
    };
    let trigger = Trigger {
        id: id(),
        tenant: side.tenant,
        project: side.project,
        workflow: of,
        name: "at_night".into(),
        kind: "cron".into(),
        next_at: Some(now),
        last_at: None,
        missed: 0,
        last_fault: None,
        created_at: now,
    };
    let row = ExecutionRow {
        run,
        tenant: side.tenant,
        project: side.project,
        workflow: of,
        version: 1,
        state: ExecutionState::Running,
        engine: Some(engine),
        wake_at: None,
        key: Some("k".into()),
        forked_from: None,
        forked_step: None,
        trigger: None,
        steps_ended: 0,
        steps_known: 1,
        first_fault: None,
        poison: false,
        opened_at: now,
        updated_at: now,
        closed_at: None,
    };
    write!(world.store, side.scope(), |tx| {
        workflows::create(tx, &workflow).await?;
        workflows::add_version(tx, &version).await?;
        workflows::set_triggers(tx, of, std::slice::from_ref(&trigger)).await?;
        executions::create(tx, &row)
    })
    .unwrap();
    (of, run)
}

fn page() -> PageRequest {
    PageRequest { limit: None, after: None }
}

pub async fn another_team_has_none_of_it(world: World) {
    let engine = world.store.instance();
    let (theirs, run) = fill(&world, world.b, engine).await;
    let mine = world.reader(world.a);
    assert!(matches!(workflows::get(&mine, theirs).await, Err(StoreError::NotFound(_))));
    assert!(matches!(workflows::version(&mine, theirs, 1).await, Err(StoreError::NotFound(_))));
    assert!(matches!(executions::get(&mine, run).await, Err(StoreError::NotFound(_))));
    assert!(workflows::page(&mine, None, None, &page()).await.unwrap().items.is_empty());
    assert!(workflows::triggers(&mine, theirs).await.unwrap().is_empty());
    assert!(executions::page(&mine, &ExecutionFilter::default(), &page()).await.unwrap().items.is_empty());
    assert_eq!(executions::open_of(&mine, theirs).await.unwrap(), 0);
    assert!(matches!(executions::family(&mine, run, 9).await, Err(StoreError::NotFound(_))));
    assert!(matches!(executions::journal_page(&mine, run, &page()).await, Err(StoreError::NotFound(_))));
    let scope = world.a.scope();
    let gone = write!(world.store, scope, |tx| workflows::delete(tx, theirs).await);
    assert!(matches!(gone, Err(StoreError::NotFound(_))));
    let switched = write!(world.store, scope, |tx| workflows::enable(tx, theirs, false, id()).await);
    assert!(matches!(switched, Err(StoreError::NotFound(_))));
    let theirs = world.reader(world.b);
    assert_eq!(workflows::page(&theirs, None, Some("night"), &page()).await.unwrap().items.len(), 1);
    assert!(workflows::page(&theirs, None, Some("day"), &page()).await.unwrap().items.is_empty());
}

/// dbos #716, #804: what a control plane had that is gone is taken over, by one, and the old one writes nothing more.
pub async fn executions_of_an_engine_that_is_gone_are_taken_over_once(world: World) {
    let (first, second): (InstanceId, InstanceId) = (id(), id());
    let (_, run) = fill(&world, world.a, first).await;
    let register = async |engine: InstanceId| {
        write!(world.store, Scope::System, |tx| executions::register(tx, engine, LEASE).await)
    };
    let fence = register(first).await.unwrap();
    register(second).await.unwrap();
    let take = async || write!(world.store, Scope::System, |tx| executions::take_over(tx, second).await);
    assert_eq!(take().await.unwrap(), 0, "its lease is not over");
    world.pass(31_000);
    assert_eq!(take().await.unwrap(), 1);
    assert_eq!(take().await.unwrap(), 0);
    let late = write!(world.store, Scope::System, |tx| {
        executions::renew(tx, first, fence, LEASE).await?;
        executions::append(tx, &[Entry { run, seq: 1, at: tx.now(), facts: "[]".into() }]).await
    });
    assert!(matches!(late, Err(StoreError::Stale("engine"))), "{late:?}");
    assert!(executions::journal(&world.system(), run).await.unwrap().is_empty());
    assert_eq!(executions::of_engine(&world.system(), second).await.unwrap().len(), 1);
    assert!(register(first).await.unwrap() > fence);
}

pub async fn a_number_of_a_journal_and_a_try_of_a_step_are_given_once(world: World) {
    let (_, run) = fill(&world, world.a, world.store.instance()).await;
    let entry = Entry { run, seq: 1, at: world.now(), facts: "[]".into() };
    let append = async || {
        let entry = entry.clone();
        write!(world.store, Scope::System, |tx| executions::append(tx, &[entry]).await)
    };
    append().await.unwrap();
    assert!(append().await.is_err());
    let child = async |step: &str| {
        let parent = Parent { run, step: step.parse().unwrap(), attempt: 1 };
        let child = sf_engine::Run { parent: Some(parent), ..new_run(world.a, world.now()) };
        (child.id, write!(world.store, Scope::System, |tx| runs::insert(tx, &child)))
    };
    let (first, kept) = child("deploy@3").await;
    kept.unwrap();
    assert!(child("deploy@3").await.1.is_err(), "one run for a try of a step");
    child("deploy@4").await.1.unwrap();
    let parent = Parent { run, step: "deploy@3".parse().unwrap(), attempt: 1 };
    assert_eq!(runs::of_parent(&world.reader(world.a), &parent).await.unwrap().unwrap().run.id, first);
    assert!(runs::of_parent(&world.reader(world.b), &parent).await.unwrap().is_none());
    assert_eq!(runs::children(&world.system(), run).await.unwrap().len(), 2);
}

pub async fn what_came_in_is_there_until_it_was_taken_in(world: World) {
    let engine = world.store.instance();
    let (_, run) = fill(&world, world.a, engine).await;
    let put = async |n: u8| {
        write!(world.store, Scope::System, |tx| {
            executions::put_in(tx, run, json!({ "event": "sent", "n": n })).await
        })
    };
    let first = put(1).await.unwrap();
    let second = put(2).await.unwrap();
    let waiting = executions::incoming(&world.system(), engine).await.unwrap();
    assert_eq!(waiting.iter().map(|one| one.id).collect::<Vec<_>>(), [first, second]);
    assert!(executions::incoming(&world.system(), id()).await.unwrap().is_empty(), "another's");
    write!(world.store, Scope::System, |tx| executions::taken_in(tx, &[first]).await).unwrap();
    assert_eq!(executions::incoming(&world.system(), engine).await.unwrap().len(), 1);
    let (running, next) = executions::turn_of_key(&world.system(), id(), "k").await.unwrap();
    assert_eq!((running, next), (0, None));
}

pub async fn what_came_in_within_one_millisecond_keeps_its_order(world: World) {
    let engine = world.store.instance();
    let (_, run) = fill(&world, world.a, engine).await;
    let (_, other) = fill(&world, world.b, engine).await;
    let put = async |run: RunId, n: u8| {
        write!(world.store, Scope::System, |tx| executions::put_in(tx, run, json!({ "n": n })).await).unwrap()
    };
    // The clock stands still, and the ids are random within it.
    let mut ids = Vec::new();
    for n in 0..20 {
        ids.push(put(run, n).await);
        put(other, n).await;
    }
    let events = async |of: RunId| {
        let waiting = executions::incoming(&world.system(), engine).await.unwrap();
        let of_run = waiting.into_iter().filter(|one| one.run == of);
        of_run.map(|one| one.event.0["n"].as_u64().unwrap()).collect::<Vec<_>>()
    };
    assert_eq!(events(run).await, (0..20).collect::<Vec<_>>());
    assert_eq!(events(other).await, (0..20).collect::<Vec<_>>());
    // What comes when some were taken in, the last one included, is behind those that are left.
    let gone = [ids[0], ids[7], ids[19]];
    write!(world.store, Scope::System, |tx| executions::taken_in(tx, &gone).await).unwrap();
    put(run, 20).await;
    let left: Vec<u64> = (0..=20).filter(|n| ![0, 7, 19].contains(n)).collect();
    assert_eq!(events(run).await, left);
    // Also for a program that opens the database anew, and another control plane that puts something in.
    let again = sf_store::testing::TestStore::at(world.db.options.clone()).await.unwrap();
    write!(again.store, Scope::System, |tx| executions::put_in(tx, run, json!({ "n": 21 })).await).unwrap();
    assert_eq!(events(run).await, left.into_iter().chain([21]).collect::<Vec<_>>());
}

pub async fn a_tree_of_forks_is_bounded_and_holds_what_a_run_came_from(world: World) {
    let (_, first) = fill(&world, world.a, world.store.instance()).await;
    let origin = executions::get(&world.system(), first).await.unwrap();
    let fork = async |from: RunId| {
        world.pass(1);
        let run = world.run(world.a).await.id;
        let row = ExecutionRow { run, forked_from: Some(from), ..origin.clone() };
        write!(world.store, world.a.scope(), |tx| executions::create(tx, &row)).unwrap();
        run
    };
    // Many beside it, all older than the branch it is on.
    for _ in 0..9 {
        fork(first).await;
    }
    let branch = fork(first).await;
    let own = fork(branch).await;
    let below = fork(own).await;
    let mine = world.reader(world.a);
    let family = async |run: RunId, limit: usize| {
        let found = executions::family(&mine, run, limit).await.unwrap();
        found.into_iter().map(|row| row.run).collect::<Vec<_>>()
    };
    assert_eq!(family(own, 99).await.len(), 13);
    let bounded = family(own, 6).await;
    assert_eq!(bounded.len(), 6);
    for kin in [first, branch, own, below] {
        assert!(bounded.contains(&kin), "{kin} in {bounded:?}");
    }
    assert_eq!(family(first, 99).await, family(below, 99).await, "each knows the same tree");
}

pub async fn how_runs_ended_is_told_of_those_that_have(world: World) {
    let (open, over) = (world.run(world.a).await, world.run(world.a).await);
    let mut failed = over.clone();
    failed.state = sf_engine::RunState::Done(Done::Failed);
    failed.version += 1;
    write!(world.store, world.a.scope(), |tx| runs::update(tx, &failed, None).await).unwrap();
    let ids = [open.id, over.id];
    let ends = runs::ends(&world.reader(world.a), &ids).await.unwrap();
    assert_eq!(ends.into_iter().collect::<Vec<_>>(), [(over.id, Done::Failed)]);
    assert!(runs::ends(&world.reader(world.b), &ids).await.unwrap().is_empty(), "another team's");
    assert!(runs::ends(&world.reader(world.a), &[]).await.unwrap().is_empty());
}
