//! Bugs that others had with workflows, by their numbers: what a restart must not do. Those of pure decisions stand beside
//! them (`engine/src/workflow/advance/tests.rs`), those of takeovers in the store's suite.

use std::time::Duration;

use serde_json::{Value, json};

use super::workflows::{begin, ended, keep, look, send, until};
use crate::world::World;

/// Restarts in the middle of a run.
const RESTARTS: u64 = 4;
/// Steps of the run that is interrupted.
const STEPS: usize = 24;

/// dbos #805: a recovered workflow stopped between two steps, and blocked a queue that lets one run at a time.
#[tokio::test]
async fn a_run_that_was_taken_up_goes_on_to_its_end_and_the_queue_behind_it_moves() {
    let mut world = World::new().await;
    let steps: String = (0..STEPS)
        .map(|n| {
            format!("  - {{ id: s{n}, action: project.create, with: {{ name: \"${{{{ inputs.of }}}}-{n}\" }} }}\n")
        })
        .collect();
    let document = format!(
        "workflow: 1\nname: one\ninputs: {{ type: object, properties: {{ of: {{ type: string }} }}, required: [of] }}\n\
         concurrency: {{ limit: 1 }}\nsteps:\n{steps}  - {{ id: w, wait: {{ event: go }} }}\n"
    );
    let workflow = keep(&world, &document).await;
    let first = begin(&world, &workflow, json!({ "of": "a" })).await;
    let second = begin(&world, &workflow, json!({ "of": "b" })).await;
    for restart in 1..=RESTARTS {
        // Wherever it is then: within a step, or between two.
        let few = restart * STEPS as u64 / (RESTARTS + 2);
        until(&world, &first, |seen| seen["stepsEnded"].as_u64() >= Some(few)).await;
        world = world.started_again(Duration::from_secs(1)).await;
    }
    until(&world, &first, |seen| seen["state"] == "waiting").await;
    assert_eq!(look(&world, &second).await["state"], "queued");
    let world = world.started_again(Duration::from_secs(1)).await;
    send(&world, &first).await.expect(200);
    assert_eq!(ended(&world, &first).await.0["done"], "succeeded");
    until(&world, &second, |seen| seen["state"] == "waiting").await;
    let world = world.started_again(Duration::from_secs(1)).await;
    send(&world, &second).await.expect(200);
    assert_eq!(ended(&world, &second).await.0["done"], "succeeded");
    let projects = world.get("/api/v1/projects").await.expect(200);
    assert_eq!(projects.as_array().unwrap().len(), 1 + 2 * STEPS, "each step was done once");
    assert_eq!(world.get(&format!("/api/v1/workflows/{workflow}")).await.expect(200)["openRuns"], 0);
}

/// n8n #23807: a restart marked runs as crashed that had succeeded.
#[tokio::test]
async fn a_run_that_has_ended_well_has_ended_well_however_often_one_starts_again() {
    let mut world = World::new().await;
    let document = "workflow: 1\nname: well\nsteps: [{ id: a, query: /projects }]\noutput: ${{ size(steps.a.output) }}";
    let workflow = keep(&world, document).await;
    let quiet = begin(&world, &workflow, Value::Null).await;
    let before = ended(&world, &quiet).await;
    assert_eq!(before.0["done"], "succeeded");
    for _ in 0..3 {
        // One that ends in the moment in which the process does.
        let hasty = begin(&world, &workflow, Value::Null).await;
        until(&world, &hasty, |seen| seen["stepsEnded"] == 1).await;
        world = world.started_again(Duration::from_secs(3600)).await;
        let (run, seen) = ended(&world, &hasty).await;
        assert_eq!((run["done"].as_str(), seen["output"].as_u64()), (Some("succeeded"), Some(1)), "{seen:#}");
        assert_eq!((&run["fault"], &seen["poison"]), (&Value::Null, &json!(false)));
        let after = ended(&world, &quiet).await;
        assert_eq!(after, before, "nothing about it is touched");
    }
    let aside = format!("/api/v1/workflow-executions?workflowId={workflow}&poison=true");
    assert_eq!(world.get(&aside).await.expect(200), json!([]));
}
