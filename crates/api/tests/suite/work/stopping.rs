//! What is stopped, or takes too long: nothing of it goes on by itself, and nothing of it is left behind.

use std::time::Duration;

use serde_json::json;
use sf_store::executions;
use sf_types::Scope;

use super::batches::until;
use crate::world::{World, id};

const PATIENCE: Duration = Duration::from_secs(20);
/// Runs that are stopped while they propose; some of them in the very moment.
const RUNS: usize = 40;

/// A workflow that deploys to a machine that is away: what it proposes stays open until it is stopped.
async fn deploying(world: &World, more: &str) -> String {
    let app = world.app("shop", world.node("n").await).await;
    let step = format!("{{ id: d, action: app.deploy, with: {{ app: {app} }}{more} }}");
    let document = json!({ "document": format!("workflow: 1\nname: deploys\nsteps: [{step}]") });
    id(&world.post("/api/v1/workflows", document).await.expect(201))
}

async fn begin(world: &World, workflow: &str) -> String {
    let path = format!("/api/v1/workflows/{workflow}/execute");
    id(&world.post(&path, json!({})).await.expect(202)["run"])
}

async fn deploys(world: &World, state: &str) -> usize {
    let path = format!("/api/v1/runs?action=app.deploy&limit=200&state={state}");
    world.get(&path).await.expect(200).as_array().unwrap().len()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_cancelled_run_was_about_to_propose_does_not_outlive_it() {
    let world = World::new().await;
    let workflow = deploying(&world, "").await;
    for _ in 0..RUNS {
        let run = begin(&world, &workflow).await;
        world.post(&format!("/api/v1/runs/{run}/cancel"), json!({})).await.expect(200);
        until(&world, &run, "done").await;
        assert_eq!(deploys(&world, "open").await, 0, "{run} is over, and what it proposed is not");
    }
}

#[tokio::test]
async fn the_end_of_what_nobody_waits_for_any_more_is_forgotten() {
    let world = World::new().await;
    let workflow = deploying(&world, ", timeout: 1s").await;
    let run = begin(&world, &workflow).await;
    let reader = world.control.store().read(Scope::System);
    let proposed = async {
        while deploys(&world, "open").await == 0 {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(PATIENCE, proposed).await.expect("it is proposed");
    world.clock.set(world.clock.now().plus(Duration::from_secs(2)));
    until(&world, &run, "done").await;
    let forgotten = async {
        while deploys(&world, "cancelled").await == 0
            || !executions::incoming(&reader, world.control.instance()).await.unwrap().is_empty()
        {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(PATIENCE, forgotten).await.expect("nothing is left in the inbox");
}
