//! What was recorded of a run, by pages; and when the schedules of a workflow come round next.

use serde_json::{Value, json};

use super::workflows::{begin, ended, keep, until};
use crate::world::World;

const CHILD: &str = "workflow: 1\nname: child\ninputs: { type: object, properties: { text: { type: string } } }\n\
                     steps: [{ id: look, query: /projects }]";
const PARENT: &str = r#"
workflow: 1
name: parent
inputs: { type: object, properties: { text: { type: string } } }
steps:
  - { id: sub, workflow: child, with: { text: "${{ inputs.text }}" } }
  - { id: go, wait: { event: go } }
  - { id: each, map: { over: "['a', 'b']", steps: [{ id: look, query: "/projects?q=${{ item }}" }] } }
  - { id: bad, query: /projects/nowhere, allowFailure: true }
"#;

fn facts(entries: &[Value]) -> Vec<&Value> {
    entries.iter().flat_map(|entry| entry["facts"].as_array().unwrap()).collect()
}

/// Pages of two, and again from any entry on, tell the same as all at once; what is large is left out, what was done is not.
#[tokio::test]
async fn a_journal_is_read_by_pages_and_followed() {
    let world = World::new().await;
    keep(&world, CHILD).await;
    let workflow = keep(&world, PARENT).await;
    let text = "x".repeat(40_000);
    let run = begin(&world, &workflow, json!({ "text": text })).await;
    until(&world, &run, |seen| seen["state"] == "waiting").await;
    let path = format!("/api/v1/workflow-executions/{run}/journal");
    let early = world.get(&format!("{path}?limit=200")).await.expect(200);
    let seen = early.as_array().unwrap().len();
    let events = format!("/api/v1/workflow-executions/{run}/events");
    world.post(&events, json!({ "event": "go", "data": { "by": "me" } })).await.expect(200);
    ended(&world, &run).await;

    let all = world.get(&format!("{path}?limit=200")).await.expect(200);
    let all = all.as_array().unwrap();
    let numbers: Vec<_> = all.iter().map(|entry| entry["seq"].as_u64().unwrap()).collect();
    assert_eq!(numbers, (1..=all.len() as u64).collect::<Vec<_>>());
    let mut paged = Vec::new();
    let mut next = String::new();
    loop {
        let answer = world.get(&format!("{path}?limit=2{next}")).await;
        paged.extend(answer.body["data"].as_array().unwrap().clone());
        let Some(cursor) = answer.body["meta"]["page"]["next"].as_str() else { break };
        next = format!("&after={cursor}");
    }
    assert_eq!(&paged, all);
    // Entries never change: what is new comes behind the last one that was seen.
    let later = world.get(&format!("{path}?limit=200&after={seen}")).await.expect(200);
    assert_eq!([early.as_array().unwrap().as_slice(), later.as_array().unwrap()].concat(), *all);

    let facts = facts(all);
    let of = |fact: &str, step: Option<&str>| {
        let found = facts.iter().find(|one| one["fact"] == fact && one["step"].as_str() == step);
        *found.unwrap_or_else(|| panic!("{fact} of {step:?} in {facts:#?}"))
    };
    let began = of("began", None);
    assert_eq!((&began["valueLeftOut"], &began["value"]), (&json!(true), &Value::Null));
    assert_eq!(of("started", Some("sub"))["call"]["input"]["text"], text, "what was done is told whole");
    assert_eq!(of("received", None)["value"], json!({ "by": "me" }));
    assert_eq!(of("opened", Some("each"))["value"], json!(["a", "b"]));
    assert_eq!(of("ended", Some("look@1"))["end"], "succeeded");
    let bad = of("ended", Some("bad"));
    assert_eq!((&bad["end"], bad["fault"]["code"].is_string()), (&json!("failed"), true));
    assert_eq!(facts.last().unwrap()["fact"], "finished");
    for wrong in ["-1", "x", "99999999999999999999"] {
        assert_eq!(world.get(&format!("{path}?after={wrong}")).await.code(), "page.cursor", "{wrong}");
    }
}

#[tokio::test]
async fn schedules_say_when_they_come_round_whatever_else_is_wrong() {
    let world = World::new().await;
    let document = "workflow: 1\nname: night\ntriggers:\n  - { id: night, cron: { at: '0 3 * * *', timezone: Asia/Tokyo, \
                    missed: all } }\n  - { id: push, webhook: { scheme: github, secret: KEY } }\n\
                    steps: [{ id: look, query: /projects }]";
    let told = world.post("/api/v1/workflows/lint", json!({ "document": document })).await.expect(200);
    let [schedule] = told["schedules"].as_array().unwrap().as_slice() else { panic!("{told:#}") };
    assert_eq!((&schedule["trigger"], &schedule["timezone"]), (&json!("night"), &json!("Asia/Tokyo")));
    assert_eq!((&schedule["cron"], &schedule["missed"]), (&json!("0 3 * * *"), &json!("all")));
    let moments: Vec<_> = schedule["upcoming"].as_array().unwrap().iter().map(|at| at.as_str().unwrap()).collect();
    assert!(moments.len() == 5 && moments.is_sorted() && moments.iter().all(|at| at.contains("T18:00")), "{moments:?}");
    let wrong = document.replace("query: /projects", "action: no.such");
    let told = world.post("/api/v1/workflows/lint", json!({ "document": wrong })).await.expect(200);
    assert_eq!((&told["ok"], &told["schedules"][0]), (&json!(false), schedule));

    let id = keep(&world, document).await;
    let one = world.get(&format!("/api/v1/workflows/{id}")).await.expect(200);
    let triggers = one["triggers"].as_array().unwrap();
    let [night, push] = ["night", "push"].map(|name| triggers.iter().find(|one| one["name"] == name).unwrap());
    assert_eq!((&night["schedule"], &push["schedule"]), (schedule, &Value::Null));
}
