//! People in the loop, over the API: who may decide, once, about exactly what was shown, in time; and what an AI cannot
//! reach by asking cleverly.

mod agents;
mod model;

use std::time::Duration;

use http::Method;
use serde_json::{Value, json};
use sf_actions::deploy::{Deploy, DeployAction};
use sf_actions::project::{ProjectAction, RenameProject};
use sf_actions::{Action, Actor, ActorKind, Permission};
use sf_control::{Proposal, Proposed};
use sf_engine::RunState;
use sf_identity::Audience;
use sf_policy::learning::Source;
use sf_store::{Scope, learning, runs};
use sf_types::{Fault, TokenId, UserId};

use crate::world::{Answer, World, id};

/// A control plane with an app, an AI that acts for its administrator, and others who may decide.
struct Loop {
    world: World,
    app: String,
    ai: Actor,
}

impl Loop {
    async fn new(rules: Value) -> Self {
        let world = World::new().await;
        let app = world.app("shop", world.node("n").await).await;
        let person = world.control.authenticate(Audience::Api, &world.token, None).await.unwrap();
        let ai = Actor {
            kind: ActorKind::Ai {
                user: person.user().unwrap(),
                token: TokenId::from_uuid(person.user().unwrap().uuid()),
            },
            ..person
        };
        world.call(Method::PUT, "/api/v1/routing-rules", Some(json!({ "from": 0, "rules": rules }))).await.expect(200);
        Self { world, app, ai }
    }

    fn deploy(&self) -> Action {
        let app = self.app.parse().unwrap();
        Action::Deploy(DeployAction::Deploy(Deploy { app, reference: None, commit: None, full: false }))
    }

    async fn propose(&self, confidence: Option<f64>, action: Action) -> Result<Proposed, Fault> {
        let proposal = Proposal { confidence, ..Proposal::of(action) };
        let request = self.world.control.rng().id(self.world.control.clock());
        self.world.control.propose(&self.ai, request, proposal).await
    }

    /// The AI proposes a deploy and has to wait: the run and the hash of its card.
    async fn waits(&self) -> (String, String) {
        let run = match self.propose(Some(99.0), self.deploy()).await.unwrap() {
            Proposed::Open(run) => run,
            other => panic!("{other:?}"),
        };
        assert_eq!(run.state, RunState::Waiting, "{:?}", run.decision);
        (run.id.to_string(), self.hash(&run.id.to_string()).await)
    }

    async fn hash(&self, run: &str) -> String {
        let cards = self.world.get("/api/v1/approvals").await.expect(200);
        let card =
            cards.as_array().unwrap().iter().find(|card| card["runId"] == run).unwrap_or_else(|| panic!("{cards}"));
        card["hash"].as_str().unwrap().to_owned()
    }

    async fn decide(&self, token: &str, verb: &str, (run, hash): (&str, &str)) -> Answer {
        let path = format!("/api/v1/runs/{run}/{verb}");
        self.world.send(Method::POST, &path, Some(token), Some(json!({ "hash": hash }))).await
    }

    async fn member(&self, name: &str, rights: &'static [Permission]) -> (String, UserId) {
        let token = self.world.member(self.world.tenant().await, &format!("{name}@example.org"), rights).await;
        let me = self.world.send(Method::GET, "/api/v1/auth/me", Some(&token), None).await.expect(200);
        (token, id(&me["user"]).parse().unwrap())
    }

    async fn state(&self, run: &str) -> Value {
        self.world.get(&format!("/api/v1/runs/{run}")).await.expect(200)
    }
}

fn rename(project: &str) -> Action {
    let rename = RenameProject { project: project.parse().unwrap(), name: "other".parse().unwrap() };
    Action::Project(ProjectAction::Rename(rename))
}

const DECIDES: &[Permission] = &[Permission::ApprovalView, Permission::ApprovalDecide, Permission::AppView];

#[tokio::test]
async fn two_have_to_agree_each_once_and_not_whom_it_acts_for() {
    let own = Loop::new(json!({ "approvals": [{ "actions": ["app.*"], "quorum": 2, "fourEyes": true }] })).await;
    let (bo, _) = own.member("bo", DECIDES).await;
    let (cy, _) = own.member("cy", DECIDES).await;
    let (run, hash) = own.waits().await;
    let card = (run.as_str(), hash.as_str());
    assert_eq!(own.decide(&own.world.token, "approve", card).await.code(), "approval.own");
    own.decide(&bo, "approve", card).await.expect(200);
    assert_eq!(own.state(&run).await["state"], "waiting");
    assert_eq!(own.decide(&bo, "approve", card).await.code(), "approval.again");
    let seen = own.world.send(Method::GET, "/api/v1/inbox?kind=approval", Some(&cy), None).await.expect(200);
    assert_eq!(seen[0]["quorum"], json!({ "needed": 2, "given": 1 }));
    let before = own.world.send(Method::GET, "/api/v1/inbox?kind=approval", Some(&bo), None).await.expect(200);
    assert_eq!(before, json!([]), "who has spoken has nothing more to do");
    let agreed = own.decide(&cy, "approve", card).await.expect(200);
    assert_eq!(agreed["state"], "ready");
    assert!(agreed["heldUntil"].is_string());
    let late = own.decide(&bo, "reject", card).await;
    assert_eq!(late.code(), "approval.decided");
    assert!(late.body["error"]["message"].as_str().unwrap().contains("was faster"), "{}", late.body);
    // One refusal is enough.
    let (run, hash) = own.waits().await;
    own.decide(&bo, "reject", (&run, &hash)).await.expect(200);
    assert_eq!(own.state(&run).await["done"], "rejected");
}

#[tokio::test]
async fn of_many_who_decide_at_once_one_wins_and_the_others_are_told() {
    let own = Loop::new(json!({ "neverAuto": ["app.*"] })).await;
    let mut people = Vec::new();
    for name in ["bo", "cy", "di", "ed", "fy"] {
        people.push(own.member(name, DECIDES).await.0);
    }
    for round in 0..4 {
        let (run, hash) = own.waits().await;
        let verbs = ["approve", "reject"];
        let all = people.iter().enumerate().map(|(n, token)| own.decide(token, verbs[(n + round) % 2], (&run, &hash)));
        let answers = futures_util::future::join_all(all).await;
        let won = answers.iter().filter(|answer| answer.status == 200).count();
        assert_eq!(won, 1, "{:?}", answers.iter().map(|answer| answer.body.to_string()).collect::<Vec<_>>());
        for answer in answers.iter().filter(|answer| answer.status != 200) {
            assert!(["approval.decided", "approval.moved"].contains(&answer.code()), "{}", answer.body);
        }
        let cards = own.world.get("/api/v1/approvals?state=decided").await.expect(200);
        let of_run = cards.as_array().unwrap().iter().filter(|card| card["runId"] == run.as_str()).count();
        assert_eq!(of_run, 1);
    }
}

#[tokio::test]
async fn a_decision_is_taken_back_in_time_by_who_made_it_and_by_nobody_later() {
    let own = Loop::new(json!({ "neverAuto": ["*"] })).await;
    let (bo, _) = own.member("bo", DECIDES).await;
    let (run, hash) = own.waits().await;
    own.decide(&bo, "approve", (&run, &hash)).await.expect(200);
    assert_eq!(own.decide(&own.world.token, "reopen", (&run, &hash)).await.code(), "approval.not_yours");
    let waits = own.decide(&bo, "reopen", (&run, &hash)).await.expect(200);
    assert_eq!((waits["state"].as_str(), waits["heldUntil"].is_null()), (Some("waiting"), true));
    // The old card is good for nothing; the new one is.
    let fresh = own.hash(&run).await;
    assert_ne!(fresh, hash);
    assert_eq!(own.decide(&bo, "approve", (&run, &hash)).await.status.as_u16(), 409);
    own.world.hold_is_over().await;
    assert_eq!(own.state(&run).await["state"], "waiting", "its first hold was taken back with it");
    own.decide(&bo, "approve", (&run, &fresh)).await.expect(200);
    own.world.hold_is_over().await;
    assert!(own.state(&run).await["heldUntil"].is_null());
    assert_eq!(own.decide(&bo, "reopen", (&run, &fresh)).await.code(), "run.not_now");
}

#[tokio::test]
async fn only_named_people_decide_until_it_is_pressing_and_nobody_when_it_is_over() {
    let own = Loop::new(json!({})).await;
    let (bo, bos) = own.member("bo", DECIDES).await;
    let (cy, cys) = own.member("cy", DECIDES).await;
    let (blind, _) = own.member("blind", &[Permission::AppView, Permission::ApprovalView]).await;
    let rule = json!({ "actions": ["app.deploy"], "approvers": [bos], "escalateTo": [cys],
        "escalateMinutes": 2, "expiresMinutes": 5 });
    let rules = json!({ "from": 1, "rules": { "approvals": [rule] } });
    own.world.call(Method::PUT, "/api/v1/routing-rules", Some(rules)).await.expect(200);
    let (run, hash) = own.waits().await;
    let card = (run.as_str(), hash.as_str());
    assert_eq!(own.decide(&blind, "approve", card).await.status.as_u16(), 403);
    assert_eq!(own.decide(&cy, "approve", card).await.code(), "approval.not_named");
    let inbox = async |token: &str| {
        let cards = own.world.send(Method::GET, "/api/v1/inbox?kind=approval", Some(token), None).await.expect(200);
        cards.as_array().unwrap().len()
    };
    assert_eq!((inbox(&bo).await, inbox(&cy).await), (1, 0));
    let details =
        own.world.send(Method::GET, &format!("/api/v1/inbox/{}", own.card(&run).await), Some(&cy), None).await;
    let details = details.expect(200);
    assert!(details["notYou"].as_str().unwrap().contains("named"), "{details}");
    assert_eq!(details["deciders"].as_array().unwrap().len(), 1);
    own.world.pass(Duration::from_secs(120)).await;
    assert_eq!((inbox(&bo).await, inbox(&cy).await), (1, 1));
    let cards = own.world.send(Method::GET, "/api/v1/inbox?kind=approval", Some(&cy), None).await.expect(200);
    assert_eq!(cards[0]["pressing"], true);
    // A suspended approver decides nothing, and nobody does when the time is over.
    own.world.post(&format!("/api/v1/users/{bos}/suspend"), json!({})).await.expect(200);
    assert_eq!(own.decide(&bo, "approve", card).await.status.as_u16(), 401);
    own.world.pass(Duration::from_secs(180)).await;
    assert_eq!(own.state(&run).await["done"], "expired");
    assert_eq!(own.decide(&cy, "approve", card).await.code(), "approval.expired");
}

impl Loop {
    async fn project(&self) -> String {
        id(&self.world.get("/api/v1/projects").await.expect(200)[0])
    }

    async fn card(&self, run: &str) -> String {
        let cards = self.world.get("/api/v1/approvals").await.expect(200);
        id(cards.as_array().unwrap().iter().find(|card| card["runId"] == run).unwrap())
    }
}

#[tokio::test]
async fn a_deputy_decides_for_a_while_and_no_longer() {
    let own = Loop::new(json!({ "neverAuto": ["*"] })).await;
    let (bo, _) = own.member("bo", DECIDES).await;
    let (cy, cys) = own.member("cy", &[]).await;
    let (run, hash) = own.waits().await;
    assert_eq!(own.decide(&cy, "approve", (&run, &hash)).await.status.as_u16(), 404, "it sees nothing of its own");
    let named = json!({ "to": cys, "endsAt": own.world.clock.now().plus(Duration::from_secs(60)).to_string() });
    let named = own.world.send(Method::POST, "/api/v1/deputies", Some(&bo), Some(named)).await.expect(201);
    let cards = own.world.send(Method::GET, "/api/v1/inbox", Some(&cy), None).await.expect(200);
    assert_eq!(cards[0]["runId"], run.as_str());
    own.decide(&cy, "approve", (&run, &hash)).await.expect(200);
    let details = own.world.get(&format!("/api/v1/inbox/{}", cards[0]["id"].as_str().unwrap())).await.expect(200);
    assert!(details["votes"][0]["deputy"].is_string(), "{details}");
    // What is lent is not given on, and ends.
    let grant = json!({ "permissions": ["approval:decide"], "object": { "kind": "tenant" } });
    let given = own.world.send(Method::POST, &format!("/api/v1/users/{cys}/grants"), Some(&cy), Some(grant)).await;
    assert!(!given.status.is_success(), "{}", given.body);
    let (run, hash) = own.waits().await;
    own.world.pass(Duration::from_secs(60)).await;
    assert_eq!(own.decide(&cy, "approve", (&run, &hash)).await.status.as_u16(), 404);
    let back = own.world.send(Method::DELETE, &format!("/api/v1/deputies/{}", id(&named)), Some(&bo), None).await;
    back.expect(200);
    for (to, ends) in [(cys.to_string(), "2020-01-01T00:00:00Z"), (cys.to_string(), "2036-01-01T00:00:00Z")] {
        let body = json!({ "to": to, "endsAt": ends });
        let refused = own.world.send(Method::POST, "/api/v1/deputies", Some(&bo), Some(body)).await;
        assert_eq!(refused.code(), "value.refused", "{ends}");
    }
}

#[tokio::test]
async fn edited_it_is_another_proposal_and_the_first_is_refused_with_it() {
    let own = Loop::new(json!({ "neverAuto": ["*"] })).await;
    let (bo, _) = own.member("bo", DECIDES).await;
    let (run, hash) = own.waits().await;
    let edit = async |token: &str, args: Value| {
        let body = json!({ "hash": hash, "args": args });
        own.world.send(Method::POST, &format!("/api/v1/runs/{run}/edit"), Some(token), Some(body)).await
    };
    let args = json!({ "app": own.app, "reference": "main" });
    assert_eq!(edit(&bo, args.clone()).await.status.as_u16(), 403, "who may decide may not deploy for that");
    assert_eq!(edit(&own.world.token, json!({ "app": own.app, "force": true })).await.code(), "edit.args");
    let opened = edit(&own.world.token, args.clone()).await.expect(202);
    assert_eq!(
        (opened["run"]["args"]["reference"].as_str(), opened["run"]["actor"]["kind"].as_str()),
        (Some("main"), Some("person"))
    );
    let first = own.state(&run).await;
    assert_eq!(first["done"], "rejected");
    assert!(first["fault"]["message"].as_str().unwrap().contains(opened["run"]["id"].as_str().unwrap()));
    assert_eq!(edit(&own.world.token, args).await.status.as_u16(), 409, "it is edited once");
}

#[tokio::test]
async fn a_batch_holds_nothing_dangerous_and_says_what_became_of_each() {
    let own = Loop::new(json!({ "approvals": [{ "actions": ["*"], "expiresMinutes": 60 }] })).await;
    let (one, other) = (own.waits().await, own.waits().await);
    let delete =
        Action::App(sf_actions::app::AppAction::Delete(sf_actions::app::AppRef { app: own.app.parse().unwrap() }));
    let Proposed::Open(lost) = own.propose(Some(100.0), delete).await.unwrap() else { panic!() };
    let lost = (lost.id.to_string(), own.hash(&lost.id.to_string()).await);
    let card = |(run, hash): &(String, String)| json!({ "runId": run, "hash": hash });
    let batch =
        json!({ "verdict": "approve", "cards": [card(&one), card(&lost), card(&(other.0.clone(), "0".into()))] });
    let answers = own.world.post("/api/v1/inbox/batch", batch).await.expect(200);
    assert!(answers[0]["error"].is_null(), "{answers}");
    assert_eq!(answers[1]["error"]["code"], "batch.dangerous");
    assert_eq!(answers[2]["error"]["code"], "approval.moved");
    assert_eq!(own.state(&one.0).await["state"], "ready");
    for bad in [json!({ "verdict": "approve", "cards": [] }), json!({ "verdict": "maybe", "cards": [card(&other)] })] {
        assert_eq!(own.world.post("/api/v1/inbox/batch", bad).await.status.as_u16(), 400);
    }
    let reject = json!({ "verdict": "reject", "cards": [card(&lost), card(&other)] });
    let answers = own.world.post("/api/v1/inbox/batch", reject).await.expect(200);
    assert!(answers.as_array().unwrap().iter().all(|answer| answer["error"].is_null()), "{answers}");
}

#[tokio::test]
async fn freezes_budgets_and_waivers_hold_where_they_are_set() {
    let own = Loop::new(json!({
        "autoAt": 0, "notifyAt": 0,
        "freezes": [{ "name": "no new names", "actions": ["project.*"], "when": { "kind": "now" } }],
        "budgets": [{ "actions": ["app.deploy"], "runs": 2, "minutes": 5 }],
    }))
    .await;
    // With thresholds of 0 the AI's deploys run by themselves, until its budget is used up.
    for _ in 0..2 {
        let Proposed::Open(run) = own.propose(None, own.deploy()).await.unwrap() else { panic!() };
        assert_eq!(run.state, RunState::Ready, "{:?}", run.decision);
    }
    let (over, _) = own.waits().await;
    assert!(own.state(&over).await["policy"]["because"].as_str().unwrap().contains("budget"));
    own.world.pass(Duration::from_secs(301)).await;
    let Proposed::Open(run) = own.propose(None, own.deploy()).await.unwrap() else { panic!() };
    assert_eq!(run.state, RunState::Ready);
    // A freeze refuses the AI, and a person needs another one.
    let project = own.project().await;
    let refused = own.propose(None, rename(&project)).await.unwrap_err();
    assert!(refused.message.contains("no new names"), "{refused}");
    let mut own = own;
    own.world.sign_in().await;
    let (bo, _) = own.member("bo", Permission::ALL).await;
    let opened =
        own.world.call(Method::PATCH, &format!("/api/v1/projects/{project}"), Some(json!({ "name": "new" }))).await;
    let opened = opened.expect(202);
    let run = id(&opened["run"]);
    let hash = own.hash(&run).await;
    assert_eq!(own.decide(&own.world.token, "approve", (&run, &hash)).await.code(), "approval.own");
    own.decide(&bo, "approve", (&run, &hash)).await.expect(200);
}

#[tokio::test]
async fn what_a_change_of_rules_would_have_made_different_is_told_before_it_is_made() {
    let own = Loop::new(json!({})).await;
    for _ in 0..3 {
        own.waits().await;
    }
    let wanted = json!({ "from": 1, "rules": { "autoAt": 0, "notifyAt": 0 } });
    let told = own.world.post("/api/v1/routing-rules/try", wanted.clone()).await.expect(200);
    assert_eq!((told["looser"].as_u64(), told["stricter"].as_u64()), (Some(3), Some(0)), "{told}");
    let change = told["changes"].as_array().unwrap().iter().find(|change| change["from"] == "ask").unwrap();
    assert_eq!((change["to"].as_str(), change["count"].as_u64()), (Some("auto"), Some(3)));
    let plan = own.world.call(Method::PUT, "/api/v1/routing-rules?dryRun=true", Some(wanted.clone())).await.expect(200);
    assert!(plan["plan"]["steps"].to_string().contains("3 × "), "{plan}");
    assert_eq!(own.world.get("/api/v1/routing-rules").await.expect(200)["version"], 1, "nothing was changed");
    own.world.call(Method::PUT, "/api/v1/routing-rules", Some(wanted.clone())).await.expect(200);
    let late = own.world.call(Method::PUT, "/api/v1/routing-rules", Some(wanted)).await;
    assert_eq!(late.code(), "policy.changed");
    let Proposed::Open(run) = own.propose(None, own.deploy()).await.unwrap() else { panic!() };
    assert_eq!(run.state, RunState::Ready, "they hold at once");
    for bad in [
        json!({ "autoAt": 101 }),
        json!({ "autoAt": 50, "notifyAt": 60 }),
        json!({ "neverAuto": ["app.fly"] }),
        json!({ "freezes": [{ "name": "x", "when": { "kind": "weekly", "days": [1], "from": "9:00", "minutes": 5, "timezone": "UTC" } }] }),
        json!({ "freezes": [{ "name": "x", "when": { "kind": "weekly", "days": [1], "from": "09:00", "minutes": 5, "timezone": "Mars/Base" } }] }),
        json!({ "approvals": [{ "actions": ["*"], "quorum": 0 }] }),
        json!({ "budgets": [{ "runs": 1, "minutes": 0 }] }),
        json!({ "approvals": [{ "actions": ["*"], "approvers": ["0193a1b2-7c3d-7e4f-8a5b-6c7d8e9f0a1b"] }] }),
        json!({ "unknown": 1 }),
    ] {
        let body = json!({ "from": 2, "rules": bad });
        let refused = own.world.call(Method::PUT, "/api/v1/routing-rules", Some(body)).await;
        assert!((400..=422).contains(&refused.status.as_u16()), "{bad}: {}", refused.body);
    }
}

/// Whatever a proposer says or does, these never run by themselves.
#[tokio::test]
async fn an_ai_reaches_nothing_by_asking_cleverly() {
    let own = Loop::new(json!({ "autoAt": 0, "notifyAt": 0, "waived": ["*"], "neverAuto": ["project.rename"] })).await;
    let project = own.project().await;
    let renamed = || rename(&project);
    for confidence in [Some(100.0), Some(f64::NAN), Some(f64::INFINITY), Some(1e308), Some(-1.0), Some(100.1), None] {
        let Proposed::Open(run) = own.propose(confidence, renamed()).await.unwrap() else { panic!() };
        assert_eq!(run.state, RunState::Waiting, "{confidence:?}: on the never-auto list");
    }
    for confidence in [Some(f64::NAN), Some(f64::NEG_INFINITY), Some(1e308), Some(-0.5), Some(101.0)] {
        let Proposed::Open(run) = own.propose(confidence, own.deploy()).await.unwrap() else { panic!() };
        assert_eq!(run.state, RunState::Waiting, "{confidence:?}: malformed");
    }
    // It opens no gate, whatever the thresholds and waivers say.
    let rules = sf_actions::policy::UpdatePolicy { project: None, from: 1, rules: sf_actions::rules::Rules::default() };
    let gates = Action::Policy(sf_actions::policy::PolicyAction::Update(Box::new(rules)));
    let Proposed::Open(run) = own.propose(Some(100.0), gates).await.unwrap() else { panic!() };
    assert_eq!(run.state, RunState::Waiting);
    // It decides about nothing, its own or another's.
    let (run, hash) = (run.id, own.hash(&run.id.to_string()).await);
    let decide = |hash: &str| sf_actions::run::Decide { run, hash: hash.to_owned(), comment: None };
    let review = sf_actions::run::Review { run, good: true, comment: None };
    for action in [
        sf_actions::run::RunAction::Approve(decide(&hash)),
        sf_actions::run::RunAction::Reject(decide(&hash)),
        sf_actions::run::RunAction::Reopen(sf_actions::run::Reopen { run, hash: hash.clone() }),
        sf_actions::run::RunAction::Review(review),
    ] {
        let refused = own.propose(Some(100.0), Action::Run(action)).await.unwrap_err();
        assert_eq!(refused.code, "actor.not_a_person");
    }
    // Over HTTP a body cannot say how sure it is in any other way than as a number.
    for confidence in ["\"100\"", "1e400", "null, \"confidence\": 100", "[100]", "true"] {
        let body = format!("{{\"confidence\": {confidence}}}");
        let request = http::Request::post(format!("/api/v1/apps/{}/deploy", own.app))
            .header("host", "localhost")
            .header("content-type", "application/json")
            .header("authorization", format!("Bearer {}", own.world.token))
            .body(axum::body::Body::from(body))
            .unwrap();
        let answer = own.world.raw(request).await;
        assert_eq!(answer.status.as_u16(), 400, "{confidence}: {}", answer.body);
    }
    // A key without the right decides nothing; arguments that changed after the card was shown are not agreed to.
    let key = json!({ "name": "k", "days": 1, "scopes": ["approval:view", "app:view"] });
    let key = own.world.post("/api/v1/tokens", key).await.expect(201)["secret"].as_str().unwrap().to_owned();
    assert_eq!(own.decide(&key, "approve", (&run.to_string(), &hash)).await.status.as_u16(), 403);
    let (other, _) = own.waits_for(renamed()).await;
    assert_eq!(own.decide(&own.world.token, "approve", (&other, &hash)).await.code(), "approval.moved");
    // A decision counts once.
    let mine = own.hash(&other).await;
    own.decide(&own.world.token, "reject", (&other, &mine)).await.expect(200);
    assert_eq!(own.decide(&own.world.token, "approve", (&other, &mine)).await.code(), "approval.decided");
}

impl Loop {
    async fn waits_for(&self, action: Action) -> (String, String) {
        let Proposed::Open(run) = self.propose(Some(99.0), action).await.unwrap() else { panic!() };
        assert_eq!(run.state, RunState::Waiting);
        (run.id.to_string(), self.hash(&run.id.to_string()).await)
    }
}

#[tokio::test]
async fn verdicts_are_learnt_from_and_close_the_gate() {
    let own = Loop::new(json!({ "samplePermille": 1000 })).await;
    let agent = own.ai.kind.agent().unwrap();
    // Many were right: the gate opens by what is known, and not by what is said.
    let first = own.waits().await;
    let of = runs::get(&own.world.control.store().read(Scope::System), first.0.parse().unwrap()).await.unwrap();
    assert!(of.decision.confidence.unwrap() < 70, "{:?}", of.decision);
    own.decide(&own.world.token, "reject", (&first.0, &first.1)).await.expect(200);
    let samples = own.world.get("/api/v1/learning/samples").await.expect(200);
    assert_eq!(
        (samples[0]["source"].as_str(), samples[0]["good"].as_bool(), samples[0]["score"].as_u64()),
        (Some("rejected"), Some(false), Some(99))
    );
    let learnt = own.world.get("/api/v1/learning").await.expect(200);
    assert_eq!(
        (learnt["curves"]["reported"]["count"].as_u64(), learnt["groups"][0]["count"].as_u64()),
        (Some(1), Some(1))
    );
    let second = own.waits().await;
    let after = runs::get(&own.world.control.store().read(Scope::System), second.0.parse().unwrap()).await.unwrap();
    assert!(after.decision.confidence < of.decision.confidence, "{:?}", after.decision);
    let all =
        learning::newest(&own.world.control.store().read(own.ai.scope()), &learning::SampleFilter::default(), 10).await;
    let all = all.unwrap();
    assert_eq!(all.iter().map(|sample| (sample.agent, sample.source)).collect::<Vec<_>>(), [(agent, Source::Rejected)]);
}

#[tokio::test]
async fn an_inbox_is_put_aside_by_one_person_for_themselves() {
    let own = Loop::new(json!({ "neverAuto": ["*"] })).await;
    let (bo, _) = own.member("bo", DECIDES).await;
    let (run, _) = own.waits().await;
    let card = own.card(&run).await;
    let count = async |token: &str| {
        own.world.send(Method::GET, "/api/v1/inbox/count", Some(token), None).await.expect(200)["approvals"].as_u64()
    };
    let aside = async |until: Value| {
        own.world.call(Method::PUT, &format!("/api/v1/inbox/{card}/aside"), Some(json!({ "until": until }))).await
    };
    assert_eq!(aside(Value::Null).await.code(), "inbox.waits");
    assert_eq!(aside(json!("2020-01-01T00:00:00Z")).await.code(), "inbox.until");
    assert_eq!(aside(json!("2036-01-01T00:00:00Z")).await.code(), "inbox.until");
    let later = own.world.clock.now().plus(Duration::from_secs(600)).to_string();
    aside(json!(later)).await.expect(200);
    assert_eq!((count(&own.world.token).await, count(&bo).await), (Some(0), Some(1)));
    own.world.call(Method::DELETE, &format!("/api/v1/inbox/{card}/aside"), None).await.expect(200);
    assert_eq!(count(&own.world.token).await, Some(1));
    let found = own.world.get(&format!("/api/v1/inbox/{card}")).await.expect(200);
    assert_eq!(
        (found["card"]["about"].as_str(), found["card"]["title"].as_str()),
        (Some("shop"), Some("Deploy an app"))
    );
    assert_eq!(own.world.get("/api/v1/inbox?kind=nothing").await.code(), "query.kind");
}
