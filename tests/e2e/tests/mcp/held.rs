//! What a person has to decide: how a host hears of it by what it can do, and that only the person counts.

use std::sync::atomic::Ordering;
use std::time::Duration;

use anyhow::{Context, Result};
use serde_json::{Value, json};
use sf_actions::Action;
use sf_actions::run::{Decide, RunAction};
use sf_engine::{Done, RunState};
use sf_runtime::Tasks;
use sf_store::approvals::ApprovalState;
use sf_store::runs::RunFilter;
use sf_testkit::Script;
use sf_types::{AppId, PageRequest, RunId};

use super::host::Host;
use super::world::{Behind, World, listen};

/// As `wire` has it where a test does not want to wait.
const IMPATIENT: Duration = Duration::from_millis(300);

struct Shop {
    world: World,
    app: AppId,
}

impl Shop {
    async fn open(patience: Duration) -> Result<Self> {
        let world = World::with(|options| options.patience = patience).await?;
        let node = world.plane.enrol(&world.admin).await?;
        let app = world.plane.app(&world.admin, node.id(), "shop").await?;
        node.serve(&world.plane.nodes, &world.plane.dial(), Script::Succeed).await?;
        world.plane.ended(world.plane.deploy(&world.admin, app).await?).await?;
        Ok(Self { world, app })
    }

    fn arguments(&self) -> Value {
        json!({ "app": self.app })
    }

    /// The runs that wait for somebody, and their hashes.
    async fn cards(&self) -> Result<Vec<(RunId, String)>> {
        let open = Some(ApprovalState::Open);
        let open = self.world.plane.control.approvals(&self.world.admin, open, &PageRequest::default()).await?;
        Ok(open.items.into_iter().filter_map(|card| Some((card.run?, card.hash))).collect())
    }

    /// The one that waits.
    async fn waiting(&self) -> Result<(RunId, String)> {
        self.cards().await?.pop().context("a card waits")
    }

    /// A person agrees to this very run.
    async fn approve(&self, run: RunId) -> Result<()> {
        let card = self.cards().await?.into_iter().find(|(of, _)| *of == run).context("its card")?;
        let decide = Decide { run, hash: card.1, comment: None };
        self.world.plane.propose(&self.world.admin, Action::Run(RunAction::Approve(decide))).await?;
        self.world.plane.pass(Duration::from_secs(5)).await?;
        self.world.plane.ended(run).await?;
        Ok(())
    }

    /// The person decides in the dashboard.
    async fn decide(&self, yes: bool) -> Result<RunId> {
        let (run, hash) = self.waiting().await?;
        if yes {
            self.approve(run).await?;
        } else {
            let decide = Decide { run, hash, comment: Some("Not today.".to_owned()) };
            self.world.plane.propose(&self.world.admin, Action::Run(RunAction::Reject(decide))).await?;
        }
        Ok(run)
    }
}

#[tokio::test]
async fn a_host_that_can_nothing_gets_a_link_and_no_error() -> Result<()> {
    let shop = Shop::open(IMPATIENT).await?;
    let host = shop.world.host().await?;
    let session = host.open().await?;
    let params = json!({ "name": "delete", "arguments": shop.arguments() });
    let legacy = host.legacy(&session, "tools/call", params).await?;
    for reply in [legacy, host.call("delete", shop.arguments()).await?] {
        let held = reply.result()?;
        assert_ne!(held["isError"], true);
        let said = &held["structuredContent"];
        assert_eq!(said["status"], "pending_approval", "{held}");
        for field in ["approval_id", "run_id", "url", "expires_at", "next"] {
            assert!(!said[field].is_null(), "{field} in {held}");
        }
    }
    shop.world.stop().await;
    Ok(())
}

#[tokio::test]
async fn a_host_of_today_that_shows_links_repeats_the_call_once_with_its_state() -> Result<()> {
    let shop = Shop::open(IMPATIENT).await?;
    let host = shop.world.host().await?.which_can(json!({ "elicitation": { "url": {} } }));
    let asked = host.call("delete", shop.arguments()).await?.result()?;
    assert_eq!(asked["resultType"], "input_required", "{asked}");
    let question = &asked["inputRequests"]["decision"];
    assert_eq!((&question["method"], &question["params"]["mode"]), (&json!("elicitation/create"), &json!("url")));
    let state = asked["requestState"].as_str().context("a state")?.to_owned();
    let again = |arguments: Value, state: &str| {
        json!({
            "name": "delete", "arguments": arguments, "requestState": state,
            "inputResponses": { "decision": { "action": "accept" } },
        })
    };

    // Changed arguments, somebody else's key, a changed state, none of ours.
    let other = shop.world.host().await?.which_can(json!({ "elicitation": { "url": {} } }));
    let flipped = format!("{}{}", &state[..state.len() - 1], if state.ends_with('A') { 'B' } else { 'A' });
    for (host, params) in [
        (&host, again(json!({ "app": AppId::from_uuid(shop.app.uuid()), "more": 1 }), &state)),
        (&other, again(shop.arguments(), &state)),
        (&host, again(shop.arguments(), &flipped)),
        (&host, again(shop.arguments(), "rs1.AAAA.AAAA")),
    ] {
        assert_eq!(host.modern("tools/call", params.clone()).await?.code()?, -32602, "{params}");
    }
    // What the host says is no decision: nobody has decided yet.
    let still = host.modern("tools/call", again(shop.arguments(), &state)).await?.result()?;
    assert_eq!(still["structuredContent"]["status"], "pending_approval", "{still}");
    assert_eq!(host.modern("tools/call", again(shop.arguments(), &state)).await?.code()?, -32602, "used");
    assert_eq!(shop.world.tools.deletes.load(Ordering::SeqCst), 1, "the call was carried out once");
    shop.world.stop().await;
    Ok(())
}

#[tokio::test]
async fn what_the_person_decided_is_told_by_another_control_plane_too() -> Result<()> {
    let shop = Shop::open(IMPATIENT).await?;
    let host = shop.world.host().await?.which_can(json!({ "elicitation": { "url": {} } }));
    let asked = host.call("delete", shop.arguments()).await?.result()?;
    let state = asked["requestState"].as_str().context("a state")?;
    let run = shop.decide(true).await?;
    assert_eq!(shop.world.plane.run(run).await?.state, RunState::Done(Done::Succeeded));

    let tasks = Tasks::new();
    let second = shop.world.plane.second_under(&tasks).await?;
    let tools = super::toolbox::Sample::new(second.clone());
    let address = listen(&second, &tasks, Behind::Sample(tools), |options| options.patience = IMPATIENT).await?;
    let there = Host { address, ..host.clone() };
    let params = json!({ "name": "delete", "arguments": shop.arguments(), "requestState": state });
    let told = there.modern("tools/call", params.clone()).await?.result()?;
    assert_eq!(told["structuredContent"]["status"], "succeeded", "{told}");
    assert_eq!(host.modern("tools/call", params).await?.code()?, -32602, "used there is used here");
    tasks.stop(Duration::from_secs(2)).await;
    shop.world.stop().await;
    Ok(())
}

#[tokio::test]
async fn a_host_that_follows_tasks_gets_a_name_that_is_its_own() -> Result<()> {
    let shop = Shop::open(IMPATIENT).await?;
    let can = json!({ "extensions": { "io.modelcontextprotocol/tasks": {} } });
    let host = shop.world.host().await?.which_can(can.clone());
    let made = host.call("delete", shop.arguments()).await?.result()?;
    assert_eq!((made["resultType"].as_str(), made["status"].as_str()), (Some("task"), Some("working")), "{made}");
    let task = json!({ "taskId": made["taskId"] });
    let stands = host.modern("tasks/get", task.clone()).await?.result()?;
    assert_eq!((&stands["status"], &stands["statusMessage"]), (&json!("working"), &json!("Waits for a person.")));

    let other = shop.world.host().await?.which_can(can);
    let guessed = json!({ "taskId": shop.waiting().await?.0 });
    assert_eq!(other.modern("tasks/get", task.clone()).await?.code()?, -32602, "somebody else's");
    assert_eq!(other.modern("tasks/cancel", task.clone()).await?.code()?, -32602, "somebody else's");
    assert_eq!(host.modern("tasks/get", guessed).await?.code()?, -32602, "an id of a run is no name of a task");
    assert_eq!(host.which_can(json!({})).modern("tasks/get", task.clone()).await?.code()?, -32021, "not declared");

    shop.decide(false).await?;
    let ended = host.modern("tasks/get", task).await?.result()?;
    assert_eq!((&ended["status"], &ended["result"]["isError"]), (&json!("completed"), &json!(true)), "{ended}");
    assert_eq!(ended["result"]["structuredContent"]["status"], "rejected");
    shop.world.stop().await;
    Ok(())
}

#[tokio::test]
async fn to_cancel_a_task_is_proposed_like_anything_else() -> Result<()> {
    let shop = Shop::open(IMPATIENT).await?;
    let host = shop.world.host().await?;
    let host = host.which_can(json!({ "extensions": { "io.modelcontextprotocol/tasks": {} } }));
    let made = host.call("delete", shop.arguments()).await?.result()?;
    let task = json!({ "taskId": made["taskId"] });
    let held = shop.waiting().await?.0;
    host.modern("tasks/cancel", task.clone()).await?.result()?;
    // An agent without a record is asked about this, too.
    assert_eq!(host.modern("tasks/get", task.clone()).await?.result()?["status"], "working");
    let cancel =
        shop.world.plane.control.runs(&shop.world.admin, &RunFilter::default(), &PageRequest::default()).await?;
    let cancel = cancel.items.into_iter().find(|record| record.run.action.spec().name == "run.cancel");
    let cancel = cancel.context("a run that cancels")?.run;
    assert_eq!((cancel.state, cancel.id == held), (RunState::Waiting, false));
    shop.approve(cancel.id).await?;
    assert_eq!(host.modern("tasks/get", task).await?.result()?["status"], "cancelled");
    shop.world.stop().await;
    Ok(())
}

#[tokio::test]
async fn a_host_of_yesterday_that_shows_links_is_asked_and_the_dashboard_answers() -> Result<()> {
    let shop = Shop::open(sf_testkit::plane::WAIT).await?;
    let host = shop.world.host().await?.which_can(json!({ "elicitation": { "url": {} } }));
    let session = host.open().await?;
    let params = json!({ "name": "delete", "arguments": shop.arguments() });
    let call = host.legacy(&session, "tools/call", params);
    let decide = async {
        // The host says nothing to the question: the person decides all the same.
        while shop.waiting().await.is_err() {
            tokio::task::yield_now().await;
        }
        shop.decide(true).await
    };
    let (reply, decided) = tokio::join!(call, decide);
    decided?;
    let reply = reply?;
    assert!(reply.text.contains("\"elicitation/create\"") && reply.text.contains("\"mode\":\"url\""), "{reply:?}");
    assert_eq!(reply.result()?["structuredContent"]["status"], "succeeded", "{reply:?}");
    shop.world.stop().await;
    Ok(())
}
