//! Workflows over the API: kept, run, decided about, taken up after a crash, forked, stopped.

use std::collections::HashMap;
use std::time::Duration;

use http::Method;
use serde_json::{Value, json};
use sf_actions::Permission;
use sf_types::Scope;

use crate::world::{Answer, World};

/// Long enough for a busy machine; each wait ends as soon as what it waits for is there.
const PATIENCE: Duration = Duration::from_secs(20);

pub async fn keep(world: &World, document: &str) -> String {
    let made = world.post("/api/v1/workflows", json!({ "document": document })).await.expect(201);
    made["id"].as_str().unwrap().to_owned()
}

pub async fn begin(world: &World, workflow: &str, input: Value) -> String {
    let path = format!("/api/v1/workflows/{workflow}/execute");
    let opened = world.post(&path, json!({ "input": input })).await.expect(202);
    opened["run"]["id"].as_str().unwrap().to_owned()
}

pub async fn look(world: &World, run: &str) -> Value {
    world.get(&format!("/api/v1/workflow-executions/{run}")).await.expect(200)
}

/// Looks until it is as wanted.
pub async fn until(world: &World, run: &str, wanted: impl Fn(&Value) -> bool) -> Value {
    let mut events = world.control.bus().subscribe(Scope::System, [sf_bus::Topic::Run(run.parse().unwrap())]).unwrap();
    let look_until = async {
        loop {
            let seen = look(world, run).await;
            if wanted(&seen) {
                return seen;
            }
            // Told of each change; a change between looking and listening is told of, too.
            drop(tokio::time::timeout(Duration::from_millis(300), events.next()).await);
        }
    };
    match tokio::time::timeout(PATIENCE, look_until).await {
        Ok(seen) => seen,
        Err(_) => panic!("{:#}", look(world, run).await),
    }
}

pub async fn ended(world: &World, run: &str) -> (Value, Value) {
    let seen = until(world, run, |seen| seen["state"] == "done").await;
    (world.get(&format!("/api/v1/runs/{run}")).await.expect(200), seen)
}

fn state<'a>(execution: &'a Value, step: &str) -> &'a str {
    let steps = execution["steps"].as_array().unwrap();
    steps.iter().find(|one| one["key"] == step).map_or("nowhere", |one| one["state"].as_str().unwrap())
}

const PROJECTS: &str = r#"
workflow: 1
name: projects
inputs: { type: object, properties: { name: { type: string } }, required: [name] }
steps:
  - id: before
    query: /projects
  - id: make
    action: project.create
    with: { name: "${{ inputs.name }}" }
  - id: after
    query: /projects/${{ steps.make.output.made.project }}
output: { name: "${{ steps.after.output.name }}", before: "${{ size(steps.before.output) }}" }
"#;

#[tokio::test]
async fn a_workflow_reads_and_changes_through_the_one_door() {
    let world = World::new().await;
    let workflow = keep(&world, PROJECTS).await;
    let run = begin(&world, &workflow, json!({ "name": "games" })).await;
    let (ended, seen) = ended(&world, &run).await;
    assert_eq!((ended["state"].as_str(), ended["done"].as_str()), (Some("done"), Some("succeeded")), "{seen:#}");
    assert_eq!(seen["output"], json!({ "name": "games", "before": 1 }));
    assert_eq!((seen["stepsEnded"].as_u64(), seen["stepsKnown"].as_u64()), (Some(3), Some(3)));
    // The change is a run of its own, proposed by the workflow.
    let children = seen["steps"][1]["runs"].as_array().unwrap();
    let child = world.get(&format!("/api/v1/runs/{}", children[0].as_str().unwrap())).await.expect(200);
    assert_eq!((child["action"].as_str(), child["actor"]["kind"].as_str()), (Some("project.create"), Some("workflow")));
    let audit = world.get("/api/v1/activity?limit=50").await.expect(200);
    let lines: Vec<_> = audit.as_array().unwrap().iter().map(|line| line["action"].as_str().unwrap()).collect();
    assert!(lines.contains(&"workflow.run") && lines.contains(&"project.create"), "{lines:?}");
}

#[tokio::test]
async fn documents_inputs_and_stale_changes_are_refused() {
    let world = World::new().await;
    let bad = world.post("/api/v1/workflows", json!({ "document": "workflow: 1\nname: x\nsteps: [{ id: a }]" })).await;
    assert_eq!(bad.code(), "workflow.refused");
    let lint =
        world.post("/api/v1/workflows/lint", json!({ "document": "workflow: 1\nname: x\nsteps: [{ id: a }]" })).await;
    assert_eq!(lint.expect(200)["problems"][0]["place"], "steps[0]");
    let workflow = keep(&world, PROJECTS).await;
    assert_eq!(world.post("/api/v1/workflows", json!({ "document": PROJECTS })).await.code(), "name.taken");
    let path = format!("/api/v1/workflows/{workflow}");
    assert_eq!(world.post(&format!("{path}/execute"), json!({})).await.code(), "workflow.input");
    let other = PROJECTS.replace("size(steps.before.output)", "7");
    let put = |body: Value| world.call(Method::PUT, &path, Some(body));
    assert_eq!(put(json!({ "document": other, "from": 1 })).await.expect(200)["version"], 2);
    assert_eq!(put(json!({ "document": PROJECTS, "from": 1 })).await.code(), "workflow.changed");
    // The same again is no new version.
    assert_eq!(put(json!({ "document": other })).await.expect(200)["version"], 2);
    let first = world.get(&format!("{path}/document?version=1")).await.expect(200);
    assert_eq!(first["document"], PROJECTS);
    world.call(Method::DELETE, &path, None).await.expect(200);
    assert_eq!(world.get(&path).await.status.as_u16(), 404);
}

const ASKED: &str = r#"
workflow: 1
name: asked
steps:
  - { id: make, action: project.create, with: { name: first } }
  - { id: ask, approval: { message: "Make another one?", show: { first: "${{ steps.make.output.made.project }}" } } }
  - { id: more, action: project.create, with: { name: second } }
"#;

async fn card(world: &World) -> Value {
    let open = world.get("/api/v1/approvals?state=open").await.expect(200);
    open[0].clone()
}

/// A decision is a row: whatever ends in between, what came before the question is not done again.
#[tokio::test]
async fn a_question_outlives_the_control_plane_and_is_answered_once() {
    let world = World::new().await;
    let workflow = keep(&world, ASKED).await;
    let run = begin(&world, &workflow, Value::Null).await;
    until(&world, &run, |seen| state(seen, "ask") == "asked").await;
    let world = world.started_again(Duration::from_secs(60)).await;
    let card = card(&world).await;
    assert_eq!((card["runId"].as_str(), card["step"].as_str()), (Some(run.as_str()), Some("ask")));
    let approve = format!("/api/v1/runs/{run}/approve");
    assert_eq!(world.post(&approve, json!({ "hash": "0" })).await.code(), "approval.moved");
    world.post(&approve, json!({ "hash": card["hash"] })).await.expect(200);
    assert_eq!(world.post(&approve, json!({ "hash": card["hash"] })).await.status.as_u16(), 409);
    world.hold_is_over().await;
    let (ended, seen) = ended(&world, &run).await;
    assert_eq!(ended["done"], "succeeded", "{seen:#}");
    let projects = world.get("/api/v1/projects").await.expect(200);
    let mut names: Vec<_> = projects.as_array().unwrap().iter().map(|one| one["name"].as_str().unwrap()).collect();
    // Ids of one millisecond are in any order.
    names.sort_unstable();
    assert_eq!(names, ["default", "first", "second"]);
}

#[tokio::test]
async fn a_rejection_ends_it_and_a_fork_asks_again_without_doing_the_rest_again() {
    let world = World::new().await;
    let workflow = keep(&world, ASKED).await;
    let run = begin(&world, &workflow, Value::Null).await;
    until(&world, &run, |seen| state(seen, "ask") == "asked").await;
    let first = card(&world).await;
    world
        .post(&format!("/api/v1/runs/{run}/reject"), json!({ "hash": first["hash"], "comment": "no" }))
        .await
        .expect(200);
    world.hold_is_over().await;
    let (failed, seen) = ended(&world, &run).await;
    assert_eq!((failed["done"].as_str(), seen["failedStep"].as_str()), (Some("failed"), Some("ask")));
    let fork =
        world.post(&format!("/api/v1/workflow-executions/{run}/fork"), json!({ "step": "ask" })).await.expect(202);
    let fork = fork["run"]["id"].as_str().unwrap().to_owned();
    let seen = until(&world, &fork, |seen| state(seen, "ask") == "asked").await;
    assert_eq!((state(&seen, "make"), seen["forkedFrom"].as_str()), ("succeeded", Some(run.as_str())));
    let again = card(&world).await;
    assert_ne!(again["hash"], first["hash"]);
    world.post(&format!("/api/v1/runs/{fork}/approve"), json!({ "hash": again["hash"] })).await.expect(200);
    world.hold_is_over().await;
    assert_eq!(ended(&world, &fork).await.0["done"], "succeeded");
    let tree = world.get(&format!("/api/v1/workflow-executions?forkedFrom={run}")).await.expect(200);
    assert_eq!(tree[0]["runId"], fork.as_str());
    // What these runs are about is told by name, and what a step has proposed by the step.
    for id in [&run, &fork] {
        assert_eq!(world.get(&format!("/api/v1/runs/{id}")).await.expect(200)["workflowName"], seen["workflowName"]);
    }
    let seen = look(&world, &run).await;
    let made = seen["steps"].as_array().unwrap().iter().find(|one| one["key"] == "make").unwrap();
    let made = made["runs"][0].as_str().unwrap();
    let made = world.get(&format!("/api/v1/runs/{made}")).await.expect(200);
    assert_eq!((made["parentRunId"].as_str(), made["parentStep"].as_str()), (Some(run.as_str()), Some("make")));
    assert_eq!(made["workflowName"], Value::Null);
    let lines = world.get("/api/v1/activity").await.expect(200);
    let line = lines.as_array().unwrap().iter().find(|line| line["actorRef"] == run.as_str()).expect("a step's line");
    assert_eq!((line["actorKind"].as_str(), &line["actorName"]), (Some("workflow"), &seen["workflowName"]));
    // Each run of a tree knows all of it: what it came from, its own forks, and those beside it.
    let forked = async |from: &str| {
        let path = format!("/api/v1/workflow-executions/{from}/fork");
        world.post(&path, json!({})).await.expect(202)["run"]["id"].as_str().unwrap().to_owned()
    };
    let (beside, below) = (forked(&run).await, forked(&fork).await);
    for one in [&run, &fork, &beside, &below] {
        let tree = world.get(&format!("/api/v1/workflow-executions/{one}/forks")).await.expect(200);
        let tree: HashMap<_, _> = tree
            .as_array()
            .unwrap()
            .iter()
            .map(|one| (one["runId"].as_str().unwrap(), one["forkedFrom"].as_str()))
            .collect();
        let expected = [(&run, None), (&fork, Some(&run)), (&beside, Some(&run)), (&below, Some(&fork))];
        assert_eq!(tree, expected.map(|(run, from)| (run.as_str(), from.map(String::as_str))).into());
    }
}

#[tokio::test]
async fn a_list_tells_how_each_run_ended_and_finds_those_that_ended_so() {
    let world = World::new().await;
    let document = "workflow: 1\nname: ends\ninputs: { type: object, properties: { path: { type: string } } }\n\
                    steps: [{ id: w, wait: { event: go } }, { id: look, query: '/projects/${{ inputs.path }}' }]";
    let workflow = keep(&world, document).await;
    let project = world.get("/api/v1/projects").await.expect(200)[0]["id"].clone();
    let [open, cancelled, succeeded, failed] =
        [&project, &project, &project, &json!("nowhere")].map(|path| begin(&world, &workflow, json!({ "path": path })));
    let (open, cancelled, succeeded, failed) = (open.await, cancelled.await, succeeded.await, failed.await);
    world.post(&format!("/api/v1/runs/{cancelled}/cancel"), json!({})).await.expect(200);
    for run in [&succeeded, &failed] {
        send(&world, run).await.expect(200);
    }
    for (run, done) in [(&cancelled, "cancelled"), (&succeeded, "succeeded"), (&failed, "failed")] {
        assert_eq!(ended(&world, run).await.1["done"], done);
        let list = format!("/api/v1/workflow-executions?workflowId={workflow}&state={done}");
        let found = world.get(&list).await.expect(200);
        let found: Vec<_> = found.as_array().unwrap().iter().map(|one| (&one["runId"], &one["done"])).collect();
        assert_eq!(found, [(&json!(run), &json!(done))]);
    }
    let all = world.get(&format!("/api/v1/workflow-executions?workflowId={workflow}")).await.expect(200);
    // The clock of this world stands still: what began in one moment has no order.
    let ends: HashMap<_, _> = all.as_array().unwrap().iter().map(|one| (one["runId"].as_str(), &one["done"])).collect();
    let expected = [(&open, Value::Null), (&cancelled, "cancelled".into()), (&succeeded, "succeeded".into())];
    for (run, done) in expected.into_iter().chain([(&failed, "failed".into())]) {
        assert_eq!(ends[&Some(run.as_str())], &done);
    }
    let wrong = world.get("/api/v1/workflow-executions?state=finished").await;
    assert_eq!(wrong.code(), "query.state");
}

/// What a workflow does is what who started it may do.
#[tokio::test]
async fn steps_act_with_the_rights_of_whoever_started_it() {
    let world = World::new().await;
    let workflow = keep(&world, PROJECTS).await;
    let tenant = world.tenant().await;
    const RIGHTS: &[Permission] = &[Permission::WorkflowView, Permission::WorkflowRun, Permission::ProjectView];
    let member = world.member(tenant, "eve@example.org", RIGHTS).await;
    let path = format!("/api/v1/workflows/{workflow}/execute");
    let body = json!({ "input": { "name": "hers" } });
    let opened = world.send(Method::POST, &path, Some(&member), Some(body)).await.expect(202);
    let run = opened["run"]["id"].as_str().unwrap();
    let (ended, seen) = ended(&world, run).await;
    assert_eq!((ended["done"].as_str(), state(&seen, "make")), (Some("failed"), "failed"));
    let fault = &seen["steps"][1]["fault"];
    assert_eq!(fault["code"], "permission.missing");
}

#[tokio::test]
async fn a_map_a_child_and_a_catch_come_to_an_output() {
    let world = World::new().await;
    keep(&world, PROJECTS).await;
    let outer = r#"
workflow: 1
name: outer
steps:
  - id: each
    map:
      over: "['a', 'b', 'default']"
      limit: 2
      steps:
        - { id: child, workflow: projects, with: { name: "${{ item }}" }, catch: [{ id: mend, query: /projects }] }
      output: "${{ steps.child.state }}"
output: "${{ steps.each.output }}"
"#;
    let workflow = keep(&world, outer).await;
    let run = begin(&world, &workflow, Value::Null).await;
    let (ended, seen) = ended(&world, &run).await;
    assert_eq!(ended["done"], "succeeded", "{seen:#}");
    assert_eq!(seen["output"], json!(["succeeded", "succeeded", "succeeded"]));
    assert_eq!((state(&seen, "mend@2"), state(&seen, "mend@0")), ("succeeded", "nowhere"));
}

pub async fn send(world: &World, run: &str) -> Answer {
    world.post(&format!("/api/v1/workflow-executions/{run}/events"), json!({ "event": "go" })).await
}

#[tokio::test]
async fn one_at_a_time_means_one_at_a_time() {
    let world = World::new().await;
    let document = "workflow: 1\nname: one\nconcurrency: { limit: 1 }\nsteps: [{ id: w, wait: { event: go } }]";
    let workflow = keep(&world, document).await;
    let first = begin(&world, &workflow, Value::Null).await;
    let second = begin(&world, &workflow, Value::Null).await;
    let third = begin(&world, &workflow, Value::Null).await;
    assert_eq!(look(&world, &second).await["state"], "queued");
    world.post(&format!("/api/v1/runs/{third}/cancel"), json!({})).await.expect(200);
    assert_eq!(ended(&world, &third).await.0["done"], "cancelled");
    send(&world, &first).await.expect(200);
    assert_eq!(ended(&world, &first).await.0["done"], "succeeded");
    until(&world, &second, |seen| seen["state"] == "waiting").await;
    send(&world, &second).await.expect(200);
    assert_eq!(ended(&world, &second).await.0["done"], "succeeded");
    assert_eq!(send(&world, &second).await.code(), "workflow.over");
    let open = world.get(&format!("/api/v1/workflows/{workflow}")).await.expect(200);
    assert_eq!(open["openRuns"], 0);
}

#[tokio::test]
async fn a_run_goes_on_by_the_version_it_began_with() {
    let world = World::new().await;
    let document = |output: u8| {
        format!("workflow: 1\nname: v\nsteps: [{{ id: w, wait: {{ event: go }} }}]\noutput: '${{{{ {output} }}}}'")
    };
    let workflow = keep(&world, &document(1)).await;
    let old = begin(&world, &workflow, Value::Null).await;
    until(&world, &old, |seen| seen["state"] == "waiting").await;
    let path = format!("/api/v1/workflows/{workflow}");
    world.call(Method::PUT, &path, Some(json!({ "document": document(2) }))).await.expect(200);
    let world = world.started_again(Duration::from_secs(1)).await;
    let new = begin(&world, &workflow, Value::Null).await;
    for (run, output) in [(&old, 1), (&new, 2)] {
        world.post(&format!("/api/v1/workflow-executions/{run}/events"), json!({ "event": "go" })).await.expect(200);
        let (_, seen) = ended(&world, run).await;
        assert_eq!((seen["output"].as_u64(), seen["version"].as_u64()), (Some(output), Some(output)));
    }
    // Nothing runs: it can be deleted, and its runs stay listed.
    world.call(Method::DELETE, &path, None).await.expect(200);
    world.get(&format!("/api/v1/runs/{old}")).await.expect(200);
}

#[tokio::test]
async fn a_run_is_moved_to_another_version_and_keeps_what_it_has_done() {
    let world = World::new().await;
    let document = |more: &str| {
        format!(
            "workflow: 1\nname: v\nsteps:\n  - {{ id: make, action: project.create, with: {{ name: once }} }}\n  \
             - {{ id: w, wait: {{ event: go }} }}\n{more}"
        )
    };
    let workflow = keep(&world, &document("  - { id: gone, query: /apps }\n")).await;
    let run = begin(&world, &workflow, Value::Null).await;
    until(&world, &run, |seen| seen["state"] == "waiting").await;
    let path = format!("/api/v1/workflows/{workflow}");
    let put = |document: String| world.call(Method::PUT, &path, Some(json!({ "document": document })));
    put(document("  - { id: fresh, query: /nodes }\n")).await.expect(200);
    put("workflow: 1\nname: v\nsteps: [{ id: other, query: /nodes }]".to_owned()).await.expect(200);
    let move_to = format!("/api/v1/workflow-executions/{run}/move");
    let lost = world.post(&move_to, json!({ "version": 3 })).await;
    assert_eq!(lost.code(), "workflow.move", "{}", lost.body);
    let plan = world.post(&format!("{move_to}?dryRun=true"), json!({ "version": 2 })).await.expect(200);
    let steps = plan["plan"]["steps"].to_string();
    assert!(steps.contains("New: `fresh`") && steps.contains("Not done any more: `gone`"), "{steps}");
    world.post(&move_to, json!({ "version": 2 })).await.expect(200);
    until(&world, &run, |seen| seen["version"] == 2).await;
    let world = world.started_again(Duration::from_secs(1)).await;
    send(&world, &run).await.expect(200);
    let (ended, seen) = ended(&world, &run).await;
    assert_eq!(ended["done"], "succeeded", "{seen:#}");
    assert_eq!(
        (state(&seen, "make"), state(&seen, "fresh"), state(&seen, "gone")),
        ("succeeded", "succeeded", "nowhere")
    );
    let projects = world.get("/api/v1/projects").await.expect(200);
    assert_eq!(projects.as_array().unwrap().len(), 2, "nothing is done twice");
}

/// inngest #4060: what cannot be read is put aside with its reason, and others go on.
#[tokio::test]
async fn an_execution_that_cannot_be_read_is_put_aside_and_keeps_nobody_waiting() {
    let world = World::new().await;
    let document = "workflow: 1\nname: w\nsteps: [{ id: w, wait: { event: go } }]";
    let workflow = keep(&world, document).await;
    let (broken, whole) = (begin(&world, &workflow, Value::Null).await, begin(&world, &workflow, Value::Null).await);
    for run in [&broken, &whole] {
        until(&world, run, |seen| seen["state"] == "waiting").await;
    }
    // Ids of one millisecond are in any order.
    let (broken, whole) = if broken < whole { (broken, whole) } else { (whole, broken) };
    let first = "UPDATE workflow_journal SET facts = '[{\"fact\":\"odd\"}]' \
                 WHERE run_id = (SELECT min(run_id) FROM workflow_journal)";
    sf_store::testing::forge(world.control.store(), first).await;
    let world = world.started_again(Duration::from_secs(1)).await;
    for run in [&broken, &whole] {
        send(&world, run).await.expect(200);
    }
    assert_eq!(ended(&world, &whole).await.0["done"], "succeeded");
    let list = format!("/api/v1/workflow-executions?workflowId={workflow}&poison=true");
    let aside = async {
        while world.get(&list).await.expect(200).as_array().unwrap().is_empty() {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(PATIENCE, aside).await.expect("it is put aside");
    let run = world.get(&format!("/api/v1/runs/{broken}")).await.expect(200);
    assert_eq!((run["done"].as_str(), run["fault"]["code"].as_str()), (Some("failed"), Some("workflow.poison")));
}
