//! Many executions share a transaction: what keeps one of them from being stored keeps no other waiting.

use std::time::Duration;

use serde_json::{Value, json};
use sf_store::executions;
use sf_store::testing::forge;
use sf_types::Scope;

use crate::world::{World, id};

/// Long enough for a busy machine; each wait ends as soon as what it waits for is there.
const PATIENCE: Duration = Duration::from_secs(20);
/// What waits for a moment is due together once the clock has moved.
const WAITS: &str = "workflow: 1\nname: waits\nsteps: [{ id: w, wait: { for: 100ms } }]\noutput: done";
const RUNS: usize = 8;

async fn begin(world: &World, workflow: &str) -> String {
    let path = format!("/api/v1/workflows/{workflow}/execute");
    id(&world.post(&path, json!({})).await.expect(202)["run"])
}

/// Waits until a run is in this state.
pub async fn until(world: &World, run: &str, state: &str) {
    let mut events = world.control.bus().subscribe(Scope::System, [sf_bus::Topic::Run(run.parse().unwrap())]).unwrap();
    let look = async || world.get(&format!("/api/v1/workflow-executions/{run}")).await.expect(200);
    let wait = async {
        while look().await["state"] != state {
            drop(tokio::time::timeout(Duration::from_millis(100), events.next()).await);
        }
    };
    if tokio::time::timeout(PATIENCE, wait).await.is_err() {
        panic!("not {state} in time: {:#}", look().await);
    }
}

/// Runs that wait for the same moment, by their ids.
async fn waiting(world: &World) -> (String, Vec<String>) {
    let document = json!({ "document": WAITS });
    let workflow = id(&world.post("/api/v1/workflows", document).await.expect(201));
    let mut runs = Vec::new();
    for _ in 0..RUNS {
        runs.push(begin(world, &workflow).await);
    }
    for run in &runs {
        until(world, run, "waiting").await;
    }
    runs.sort_unstable();
    (workflow, runs)
}

fn moment_comes(world: &World) {
    world.clock.set(world.clock.now().plus(Duration::from_secs(1)));
}

/// Whether what happened had to be read anew, since a transaction with it was not stored.
async fn was_read_anew(world: &World, run: &str) -> bool {
    let reader = world.control.store().read(Scope::System);
    let journal = executions::journal(&reader, run.parse().unwrap()).await.unwrap();
    journal.iter().any(|entry| {
        let facts: Value = serde_json::from_str(&entry.facts).unwrap();
        facts.as_array().unwrap().iter().any(|fact| fact["fact"] == "recovered")
    })
}

#[tokio::test]
async fn what_one_failed_commit_held_is_stored_one_by_one() {
    let scenario = fail::FailScenario::setup();
    let world = World::new().await;
    let (_, runs) = waiting(&world).await;
    fail::cfg("store::commit::before", "1*return").unwrap();
    moment_comes(&world);
    for run in &runs {
        until(&world, run, "done").await;
        assert!(!was_read_anew(&world, run).await, "the failure of the whole was no failure of {run}");
    }
    scenario.teardown();
}

/// The database refuses one of them for as long as it likes.
#[tokio::test]
async fn one_that_can_never_be_stored_keeps_no_other_waiting() {
    let world = World::new().await;
    let (workflow, runs) = waiting(&world).await;
    let refuse = "CREATE TRIGGER refuses BEFORE INSERT ON workflow_journal \
                  WHEN NEW.run_id = (SELECT min(run_id) FROM workflow_executions) \
                  BEGIN SELECT RAISE(ABORT, 'not this one'); END";
    forge(world.control.store(), refuse).await;
    moment_comes(&world);
    let (refused, others) = runs.split_first().unwrap();
    for run in others {
        until(&world, run, "done").await;
        assert!(!was_read_anew(&world, run).await, "{run} could be stored");
    }
    // It is tried again and again, and whoever comes meanwhile goes on.
    for _ in 0..3 {
        let later = begin(&world, &workflow).await;
        until(&world, &later, "waiting").await;
        moment_comes(&world);
        until(&world, &later, "done").await;
    }
    until(&world, refused, "waiting").await;
    forge(world.control.store(), "DROP TRIGGER refuses").await;
    until(&world, refused, "done").await;
}
