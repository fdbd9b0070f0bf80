//! AI agents by tokens of their own: how one earns that it is not asked any more, how it loses that, and what none of
//! them reaches.

use http::Method;
use serde_json::{Value, json};
use sf_actions::Permission;
use sf_identity::Audience;

use super::{DECIDES, Loop};
use crate::work::workflows;
use crate::world::{Answer, id, request};

/// An AI agent that acts for somebody.
struct Agent {
    id: String,
    secret: String,
}

impl Loop {
    /// One that acts for the administrator.
    async fn agent(&self, name: &str) -> Agent {
        self.agent_of(&self.world.token, json!({ "name": name, "days": 1, "speaksFor": "ai" })).await
    }

    async fn agent_of(&self, person: &str, wanted: Value) -> Agent {
        let made = self.world.send(Method::POST, "/api/v1/tokens", Some(person), Some(wanted)).await.expect(201);
        assert_eq!(made["token"]["speaksFor"], "ai");
        Agent { id: id(&made["token"]), secret: made["secret"].as_str().unwrap().to_owned() }
    }

    async fn asks(&self, agent: &Agent, method: Method, path: &str, body: Option<Value>) -> Answer {
        self.world.send(method, path, Some(&agent.secret), body).await
    }

    /// The agent gives a project another name: what policy said to it, and the run.
    async fn renames(&self, agent: &Agent, project: &str, name: &str) -> (String, Value) {
        let path = format!("/api/v1/projects/{project}");
        self.asks(agent, Method::PATCH, &path, Some(json!({ "name": name }))).await;
        // Time stands still, so that ids of one moment are in no order.
        let runs = self.world.get("/api/v1/runs?action=project.rename&limit=200").await.expect(200);
        let run = runs.as_array().unwrap().iter().find(|run| run["args"]["name"] == name);
        let run = run.unwrap_or_else(|| panic!("{name}: {runs}")).clone();
        (run["policy"]["admission"].as_str().unwrap().to_owned(), run)
    }

    /// The administrator agrees, and the time to take it back passes.
    async fn agrees(&self, run: &str) {
        let hash = self.hash(run).await;
        self.decide(&self.world.token, "approve", (run, &hash)).await.expect(200);
        self.world.hold_is_over().await;
        assert_eq!(self.state(run).await["done"], "succeeded");
    }

    /// The administrator answers the card that looks back at a run.
    async fn looks_back(&self, run: &str, good: bool) {
        let cards = self.world.get("/api/v1/inbox?kind=review").await.expect(200);
        assert!(cards.as_array().unwrap().iter().any(|card| card["runId"] == run), "{cards}");
        self.world.post(&format!("/api/v1/runs/{run}/review"), json!({ "good": good })).await.expect(200);
    }
}

#[tokio::test]
async fn an_agent_earns_its_gate_by_what_went_well_and_two_bad_runs_close_it() {
    let mut own = Loop::new(json!({ "samplePermille": 1000 })).await;
    let (agent, other) = (own.agent("namer").await, own.agent("other").await);
    let project = own.project().await;
    // Nothing is known of it: people decide, whatever it might say.
    let (mut asked, mut told) = (0, 0);
    let silent = loop {
        let (said, run) = own.renames(&agent, &project, &format!("name {asked} {told}")).await;
        let of = id(&run);
        match said.as_str() {
            "ask" => {
                assert_eq!(told, 0, "once it ran by itself nothing went badly: {run}");
                asked += 1;
                own.agrees(&of).await;
            }
            "autoNotify" => {
                told += 1;
                own.looks_back(&of, true).await;
            }
            _ => break of,
        }
        if told % 10 == 9 {
            own.world.sign_in().await;
        }
        assert!(asked + told < 60, "{run}");
    };
    // docs/reference/confidence.md: at this risk people are told from 4 good runs, and it runs by itself from 23. A run
    // that people were told of and that a review found good counts one and a half.
    assert_eq!(asked, 4);
    assert_eq!(told, 13, "4 + 13 × 1.5 > 23");
    // Its record is its own: another agent of the same person still asks.
    let (said, run) = own.renames(&other, &project, "by the other").await;
    assert_eq!(said, "ask", "{run}");
    own.world.post(&format!("/api/v1/runs/{}/cancel", id(&run)), json!({})).await.expect(200);

    own.looks_back(&silent, true).await;
    let learnt = own.world.get("/api/v1/learning").await.expect(200);
    let group = &learnt["groups"][0];
    assert_eq!(
        (group["agentId"].as_str(), group["agentName"].as_str(), group["action"].as_str()),
        (Some(agent.id.as_str()), Some("namer"), Some("project.rename"))
    );
    assert!(group["score"].as_u64().unwrap() >= 90, "{learnt}");
    assert_eq!(learnt["curves"]["calibrated"]["count"], learnt["curves"]["calibrated"]["good"]);
    let samples = own.world.get(&format!("/api/v1/learning/samples?agent={}", agent.id)).await.expect(200);
    assert_eq!(
        (samples[0]["source"].as_str(), samples[0]["agentName"].as_str()),
        (Some("reviewedGood"), Some("namer"))
    );
    assert_eq!(own.world.get(&format!("/api/v1/learning/samples?agent={}", other.id)).await.expect(200), json!([]));

    // One bad run and people are told; a third at the latest and they decide.
    let mut said = Vec::new();
    for nth in 0..3 {
        let (admission, run) = own.renames(&agent, &project, &format!("bad {nth}")).await;
        said.push(admission);
        if said[nth] == "ask" {
            break;
        }
        own.looks_back(&id(&run), false).await;
    }
    let (now, run) = own.renames(&agent, &project, "after them").await;
    assert_eq!((said[0].as_str(), said[1].as_str(), now.as_str()), ("auto", "autoNotify", "ask"), "{said:?}");
    let because = run["policy"]["because"].as_str().unwrap();
    assert!(because.contains("a person decides") && because.starts_with("confidence "), "{because}");
}

#[tokio::test]
async fn a_card_of_an_agent_says_which_one_how_sure_it_was_and_why_that_was_not_enough() {
    let own = Loop::new(json!({})).await;
    let agent = own.agent("deployer").await;
    let deploy = format!("/api/v1/apps/{}/deploy", own.app);
    let opened = own.asks(&agent, Method::POST, &deploy, Some(json!({ "confidence": 95 }))).await.expect(202);
    let run = &opened["run"];
    assert_eq!(run["state"], "waiting");
    let cards = own.world.get("/api/v1/inbox").await.expect(200);
    let proposer = &cards[0]["proposer"];
    assert_eq!(
        (proposer["kind"].as_str(), proposer["name"].as_str(), proposer["agentName"].as_str()),
        (Some("ai"), Some("Ada"), Some("deployer"))
    );
    assert_eq!(proposer["agentId"], agent.id.as_str());
    assert!(cards[0]["confidence"].as_u64().unwrap() < 70, "{cards}");
    let because = cards[0]["because"].as_str().unwrap();
    assert!(because.contains("it reported 95") && because.contains("a person decides"), "{because}");
    assert_eq!(run["policy"]["inputs"]["proposer"], "ai");
    // Whoever reads the record afterwards is told which token it came with.
    let lines = own.world.get("/api/v1/activity?action=app.deploy").await.expect(200);
    let line = &lines[0];
    assert_eq!(line["actorKind"], "ai", "{line}");
    assert!(line.to_string().contains(&agent.id), "{line}");
    let me = own.asks(&agent, Method::GET, "/api/v1/auth/me", None).await.expect(200);
    assert_eq!(me["via"], "ai");
    // A revoked one is nobody.
    let path = format!("/api/v1/tokens/{}", agent.id);
    own.world.call(Method::DELETE, &path, None).await.expect(200);
    assert_eq!(own.asks(&agent, Method::POST, &deploy, Some(json!({}))).await.status.as_u16(), 401);
}

#[tokio::test]
async fn what_a_workflow_does_that_an_agent_started_is_the_agents_doing() {
    let own = Loop::new(json!({ "autoAt": 0, "notifyAt": 0 })).await;
    let agent = own.agent("starter").await;
    let project = own.project().await;
    let document = format!(
        "workflow: 1\nname: w\nsteps:\n  - id: rename\n    action: project.rename\n    with: {{ project: {project}, name: stepped }}"
    );
    let workflow = workflows::keep(&own.world, &document).await;
    let path = format!("/api/v1/workflows/{workflow}/execute");
    let opened = own.asks(&agent, Method::POST, &path, Some(json!({}))).await.expect(202);
    let (done, _) = workflows::ended(&own.world, &id(&opened["run"])).await;
    assert_eq!(done["done"], "succeeded", "{done}");
    let runs = own.world.get("/api/v1/runs?action=project.rename").await.expect(200);
    let actor = &runs[0]["actor"];
    assert_eq!((actor["kind"].as_str(), actor["agentName"].as_str()), (Some("workflow"), Some("starter")), "{runs}");
    assert_eq!(runs[0]["policy"]["inputs"]["proposer"], "ai");
    let samples = own.world.get(&format!("/api/v1/learning/samples?agent={}", agent.id)).await.expect(200);
    let learnt: Vec<_> = samples.as_array().unwrap().iter().map(|one| one["action"].as_str().unwrap()).collect();
    assert!(learnt.contains(&"project.rename"), "{samples}");
    // What it writes into a workflow would be carried out with a person's rights one day: that asks, at any threshold.
    let body = json!({ "document": document.replace("stepped", "changed") });
    let changed = own.asks(&agent, Method::PUT, &format!("/api/v1/workflows/{workflow}"), Some(body)).await.expect(202);
    assert_eq!(changed["run"]["state"], "waiting");
}

#[tokio::test]
async fn an_agent_is_no_larger_than_its_token_and_stands_in_for_nobody() {
    let own = Loop::new(json!({ "autoAt": 0, "notifyAt": 0 })).await;
    let deploy = format!("/api/v1/apps/{}/deploy", own.app);
    let limited = json!({ "name": "reader", "days": 1, "speaksFor": "ai", "scopes": ["app:view"] });
    let reader = own.agent_of(&own.world.token, limited).await;
    own.asks(&reader, Method::GET, "/api/v1/apps", None).await.expect(200);
    assert_eq!(own.asks(&reader, Method::POST, &deploy, Some(json!({}))).await.code(), "permission.missing");
    // A person of no rights who stands in for one of many sees what is decided about; their agent does not.
    let (bo, _) = own.member("bo", DECIDES).await;
    let (cy, cys) = own.member("cy", &[Permission::TokenManage]).await;
    let until = own.world.clock.now().plus(std::time::Duration::from_secs(600)).to_string();
    let named = json!({ "to": cys, "endsAt": until });
    own.world.send(Method::POST, "/api/v1/deputies", Some(&bo), Some(named)).await.expect(201);
    own.world.send(Method::GET, "/api/v1/approvals", Some(&cy), None).await.expect(200);
    let agent = own.agent_of(&cy, json!({ "name": "cy's", "days": 1, "speaksFor": "ai" })).await;
    assert_eq!(own.asks(&agent, Method::GET, "/api/v1/approvals", None).await.status.as_u16(), 403);
}

/// With every gate open that opens, and every waiver given.
#[tokio::test]
async fn an_agent_decides_nothing_and_opens_no_way_in() {
    let own = Loop::new(json!({ "autoAt": 0, "notifyAt": 0, "waived": ["*"], "neverAuto": ["project.rename"] })).await;
    let agent = own.agent("clever").await;
    let project = own.project().await;
    let (_, run) = own.renames(&agent, &project, "waits").await;
    let run = id(&run);
    let hash = own.hash(&run).await;
    let post = async |path: &str, body: Value| own.asks(&agent, Method::POST, path, Some(body)).await;
    // Its own card, in every way there is.
    for verb in ["approve", "reject", "reopen"] {
        let answer = post(&format!("/api/v1/runs/{run}/{verb}"), json!({ "hash": hash })).await;
        assert_eq!((answer.status.as_u16(), answer.code()), (403, "actor.not_a_person"), "{verb}");
    }
    let edit = json!({ "hash": hash, "args": { "project": project, "name": "mine" } });
    assert_eq!(post(&format!("/api/v1/runs/{run}/edit"), edit).await.code(), "actor.not_a_person");
    assert_eq!(post(&format!("/api/v1/runs/{run}/review"), json!({ "good": true })).await.code(), "actor.not_a_person");
    for (verdict, code) in [("approve", "batch.dangerous"), ("reject", "actor.not_a_person")] {
        let batch = json!({ "verdict": verdict, "cards": [{ "runId": run, "hash": hash }] });
        let answers = post("/api/v1/inbox/batch", batch).await.expect(200);
        assert_eq!(answers[0]["error"]["code"], code, "{verdict}");
    }
    assert_eq!(own.asks(&agent, Method::GET, "/api/v1/inbox", None).await.code(), "actor.not_a_person");
    assert_eq!(own.state(&run).await["state"], "waiting");
    // A token that speaks for its person, another agent, the end of one, the sessions of its person, a deputy.
    for speaks_for in ["person", "ai"] {
        let made = post("/api/v1/tokens", json!({ "name": "more", "days": 1, "speaksFor": speaks_for })).await;
        assert_eq!((made.status.as_u16(), made.code()), (403, "actor.not_a_person"), "{speaks_for}");
    }
    assert_eq!(own.world.get("/api/v1/tokens").await.expect(200).as_array().unwrap().len(), 1, "there is no new one");
    let me = own.world.get("/api/v1/auth/me").await.expect(200);
    let session = id(&own.world.get("/api/v1/sessions").await.expect(200)[0]);
    for (method, path, body) in [
        (Method::DELETE, format!("/api/v1/tokens/{}", agent.id), None),
        (Method::GET, "/api/v1/tokens".to_owned(), None),
        (Method::GET, "/api/v1/sessions".to_owned(), None),
        (Method::DELETE, format!("/api/v1/sessions/{session}"), None),
        (
            Method::POST,
            "/api/v1/deputies".to_owned(),
            Some(json!({ "to": me["user"]["id"], "endsAt": "2036-01-01T00:00:00Z" })),
        ),
        (Method::POST, "/api/v1/invitations".to_owned(), Some(json!({ "email": "e@example.org", "role": "owner" }))),
        (Method::POST, "/api/v1/device-codes/deny".to_owned(), Some(json!({ "id": agent.id }))),
        (Method::POST, "/api/v1/enrol-tokens".to_owned(), Some(json!({}))),
        (Method::POST, "/api/v1/mail/test".to_owned(), Some(json!({ "to": "e@example.org" }))),
    ] {
        let answer = own.asks(&agent, method.clone(), &path, body).await;
        assert_eq!((answer.status.as_u16(), answer.code()), (403, "actor.not_a_person"), "{method} {path}");
    }
    // Rules and rights wait for a person, though every threshold is 0 and everything is waived.
    let rules = json!({ "from": 1, "rules": { "autoAt": 0 } });
    let role = json!({ "role": "owner", "object": { "kind": "tenant" } });
    let grants = format!("/api/v1/users/{}/grants", own.member("bo", DECIDES).await.1);
    for (method, path, body) in [
        (Method::PUT, "/api/v1/routing-rules", rules),
        (Method::POST, grants.as_str(), role),
        (Method::POST, "/api/v1/roles", json!({ "name": "crew", "permissions": ["app:view"] })),
    ] {
        let answer = own.asks(&agent, method, path, Some(body)).await.expect(202);
        assert_eq!(answer["run"]["state"], "waiting", "{path}");
        let because = answer["run"]["policy"]["because"].as_str().unwrap();
        assert!(because.contains("never changed by an AI alone"), "{because}");
    }
    assert_eq!(own.world.get("/api/v1/routing-rules").await.expect(200)["version"], 1);
}

/// Who it is stands in its token, and how sure it is in one field that is a number.
#[tokio::test]
async fn an_agent_forges_neither_itself_nor_its_confidence() {
    let own = Loop::new(json!({ "autoAt": 0, "notifyAt": 0 })).await;
    let agent = own.agent("forger").await;
    let deploy = format!("/api/v1/apps/{}/deploy", own.app);
    for (field, value) in [
        ("speaksFor", json!("person")),
        ("speaks_for", json!("person")),
        ("actor", json!({ "kind": "person" })),
        ("proposer", json!("person")),
        ("agentId", json!("0193a1b2-7c3d-7e4f-8a5b-6c7d8e9f0a1b")),
        ("admission", json!("auto")),
        ("calibration", json!({ "score": 100 })),
    ] {
        let answer = own.asks(&agent, Method::POST, &deploy, Some(json!({ (field): value }))).await;
        assert_eq!(answer.status.as_u16(), 400, "{field}: {}", answer.body);
        let answer = own.asks(&agent, Method::POST, &format!("{deploy}?{field}=person"), Some(json!({}))).await;
        assert_eq!(answer.status.as_u16(), 400, "?{field}: {}", answer.body);
    }
    for confidence in ["\"100\"", "1e400", "null, \"confidence\": 100", "[100]", "true"] {
        let bare = request(Method::POST, &deploy, Some(&agent.secret), Some(json!({})), &[]);
        let (parts, _) = bare.into_parts();
        let body = axum::body::Body::from(format!("{{\"confidence\": {confidence}}}"));
        let answer = own.world.raw(http::Request::from_parts(parts, body)).await;
        assert_eq!(answer.status.as_u16(), 400, "{confidence}: {}", answer.body);
    }
    // Numbers out of range are read, and ask although every threshold is 0.
    for confidence in [json!(-1), json!(100.5), json!(1e308)] {
        let opened =
            own.asks(&agent, Method::POST, &deploy, Some(json!({ "confidence": confidence }))).await.expect(202);
        assert_eq!(opened["run"]["state"], "waiting", "{confidence}");
    }
    // Headers make nobody of it, and the answer to its person's request is not its own.
    let headers = [("x-speaks-for", "person"), ("x-actor", "person"), ("idempotency-key", "once")];
    let rename = format!("/api/v1/projects/{}", own.project().await);
    let body = || Some(json!({ "name": "renamed" }));
    own.world.raw(request(Method::PATCH, &rename, Some(&own.world.token), body(), &headers[2..])).await.expect(200);
    own.world.raw(request(Method::PATCH, &rename, Some(&agent.secret), body(), &headers)).await.expect(200);
    let runs = own.world.get("/api/v1/runs?action=project.rename").await.expect(200);
    let kinds: Vec<_> = runs.as_array().unwrap().iter().map(|run| run["actor"]["kind"].as_str().unwrap()).collect();
    assert_eq!(kinds, ["ai", "person"], "each has a run of its own");
    // What is lost asks at any threshold; only a waiver for its place lets it go.
    let gone = own.asks(&agent, Method::DELETE, &format!("/api/v1/apps/{}", own.app), None).await.expect(202);
    assert_eq!(gone["run"]["state"], "waiting");
    assert!(gone["run"]["policy"]["because"].as_str().unwrap().contains("something would be lost"), "{gone}");
    // A token says who speaks in one of two words.
    for word in [json!("system"), json!("AI"), json!(""), json!(null), json!(1)] {
        let body = json!({ "name": "x", "days": 1, "speaksFor": word });
        assert_eq!(own.world.post("/api/v1/tokens", body).await.status.as_u16(), 400, "{word}");
    }
    let known = own.world.control.authenticate(Audience::Api, &agent.secret, None).await.unwrap();
    assert_eq!(known.kind.agent().map(|token| token.to_string()), Some(agent.id));
}
