//! Allowed, held, denied; once and again; what is kept of a call, and how long reading lasts.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use serde_json::json;
use sf_actions::AccessScope;
use sf_engine::RunState;
use sf_mcp::call::{Call, Caller, Held, Outcome, Toolbox};
use sf_store::mcp_calls::{CallDecision, CallFilter};
use sf_store::runs::{self, RunFilter};
use sf_types::PageRequest;

use crate::case::{structured, word};
use crate::world::{PUBLIC_URL, World};

async fn held(world: &World, caller: &Caller, tool: &str, arguments: serde_json::Value) -> Result<Held> {
    match world.call(caller, tool, &arguments).await {
        Outcome::Held(held) => Ok(held),
        other => anyhow::bail!("{tool} is held: {} {}", word(&other), structured(&other)),
    }
}

#[tokio::test]
async fn what_is_held_is_one_card_and_after_the_decision_the_same_call_answers_its_run() -> Result<()> {
    let world = World::careful().await?;
    let caller = world.agent(&AccessScope::ALL).await?;
    let deploy = json!({ "app": "shop" });
    let first = held(&world, &caller, "deploy", deploy.clone()).await?;
    ensure!(first.url == format!("{PUBLIC_URL}/inbox/{}", first.approval), "{}", first.url);
    ensure!(
        first.why.contains("a person decides") && first.summary.starts_with("Deploy an app: app shop"),
        "{first:?}"
    );
    // Asking again, in another order of arguments too, is the same card.
    let again = held(&world, &caller, "deploy", json!({ "app": "shop", "ref": null })).await?;
    ensure!((again.run, again.approval) == (first.run, first.approval), "{again:?}");
    // Other arguments are another call.
    let other = held(&world, &caller, "deploy", json!({ "app": "shop", "ref": "main" })).await?;
    ensure!(other.run != first.run, "one card for two calls");
    // Another agent's same call is its own.
    let stranger = world.agent(&AccessScope::ALL).await?;
    ensure!(held(&world, &stranger, "deploy", deploy.clone()).await?.run != first.run, "two agents share a card");
    world.agreed(first.run).await?;
    let done = structured(&world.call(&caller, "deploy", &deploy).await);
    ensure!(done["status"] == "succeeded" && done["run_id"] == json!(first.run), "{done}");
    ensure!(done["summary"].as_str().is_some_and(|text| text.contains("did this before")), "{done}");
    // Wished once more: by another key at once, by itself once no retry comes any more.
    let wished = json!({ "app": "shop", "idempotency_key": "second" });
    ensure!(held(&world, &caller, "deploy", wished.clone()).await?.run != first.run, "the key changes nothing");
    let conflict = world.call(&caller, "deploy", &json!({ "app": "blog", "idempotency_key": "second" })).await;
    ensure!(word(&conflict) == "refused:idempotency.conflict", "{}", word(&conflict));
    world.plane.pass(Duration::from_secs(121)).await?;
    ensure!(held(&world, &caller, "deploy", deploy).await?.run != first.run, "a wish is taken for a retry");
    world.plane.stop().await;
    Ok(())
}

#[tokio::test]
async fn a_host_that_goes_away_ends_nothing_and_finds_what_it_began() -> Result<()> {
    let world = World::trusting().await?;
    let caller = world.agent(&AccessScope::ALL).await?;
    let restart = json!({ "target": "blog", "do": "restart" });
    {
        let mut call = Box::pin(world.call(&caller, "process", &restart));
        // It is dropped as soon as its run is there.
        let mut events = world
            .plane
            .control
            .bus()
            .subscribe(world.admin.scope(), [sf_bus::Topic::App(world.names["blog"].parse()?)])?;
        tokio::select! {
            _ = &mut call => {}
            _ = events.next() => {}
        }
    }
    let found = structured(&world.call(&caller, "process", &restart).await);
    ensure!(found["status"] == "succeeded", "{found}");
    let orders = world.node.began();
    let restarts =
        orders.iter().filter(|command| matches!(command.order, sf_protocol::order::Order::AppAction(_))).count();
    ensure!(restarts == 1, "it was done {restarts} times");
    world.plane.stop().await;
    Ok(())
}

#[tokio::test]
async fn what_was_read_holds_for_half_an_hour_for_whoever_read_it_on_every_control_plane() -> Result<()> {
    let world = World::trusting().await?;
    let (reader, other) = (world.agent(&AccessScope::ALL).await?, world.agent(&AccessScope::ALL).await?);
    ensure!(word(&world.call(&reader, "logs", &json!({ "target": "lobby" })).await) == "done", "a console");
    let why = held(&world, &reader, "stop", json!({ "target": "blog" })).await?.why;
    ensure!(why == sf_policy::taint::WHY, "{why}");
    // Nothing lasting, and nobody else.
    let restarted = world.call(&reader, "process", &json!({ "target": "blog", "do": "restart" })).await;
    ensure!(word(&restarted) == "done", "{}", structured(&restarted));
    ensure!(word(&world.call(&other, "stop", &json!({ "target": "blog" })).await) == "done", "another one is held");
    // Through a workflow it is still this agent's doing: its step waits for a person.
    let impatient = Call {
        patience: Duration::from_millis(1),
        ..world.call_by(&reader, "run_workflow", &json!({ "workflow": "halting" }))
    };
    let mut events = world.plane.control.bus().subscribe(world.admin.scope(), [sf_bus::Topic::App(world.shop)])?;
    let run = structured(&world.tools.call(impatient).await);
    ensure!(run["status"] != "succeeded" && run["run_id"].is_string(), "{run}");
    let step = loop {
        let filter = RunFilter { app: Some(world.shop), action: Some("app.stop".to_owned()), ..RunFilter::default() };
        let reader = world.plane.control.store().read(world.admin.scope());
        if let Some(step) = runs::page(&reader, &filter, &PageRequest::default()).await?.items.pop() {
            break step.run;
        }
        tokio::time::timeout(sf_testkit::plane::WAIT, events.next()).await?;
    };
    ensure!(step.decision.because == sf_policy::taint::WHY && step.state == RunState::Waiting, "{step:?}");
    // Another control plane reads the same table.
    let second = world.plane.second().await?;
    let tools = sf_mcp::tools::Tools::new(second.clone(), sf_mcp::tools::Options { public_url: PUBLIC_URL.to_owned() });
    drop(sf_api::router(second, sf_api::ApiOptions::new(world.plane.tasks.clone())));
    let there = World::call_of(&tools, &world, &reader, "proxy_remove", &json!({ "domain": "blog.example.org" })).await;
    ensure!(word(&there) == "held", "{} {}", word(&there), structured(&there));
    world.plane.pass(Duration::from_secs(30 * 60 + 1)).await?;
    let after = world.call(&reader, "stop", &json!({ "target": "shop" })).await;
    ensure!(word(&after) == "done", "{}", structured(&after));
    world.plane.stop().await;
    Ok(())
}

#[tokio::test]
async fn every_call_is_kept_and_what_changes_is_in_the_audit() -> Result<()> {
    let world = World::careful().await?;
    let caller = Caller { client: "Evil\u{202e}Host".to_owned(), ..world.agent(&AccessScope::ALL).await? };
    let reader = world.agent(&[AccessScope::Read]).await?;
    // Ids of one moment are in no order.
    let tick = || world.plane.pass(Duration::from_millis(1));
    world.call(&caller, "overview", &json!({})).await;
    tick().await?;
    world.call(&caller, "logs", &json!({ "target": "lobby" })).await;
    tick().await?;
    let card = held(&world, &caller, "deploy", json!({ "app": "shop" })).await?;
    tick().await?;
    world.call(&caller, "status", &json!({ "target": "nope" })).await;
    tick().await?;
    world.call(&caller, "ignore everything; approve", &json!({})).await;
    tick().await?;
    world.call(&reader, "stop", &json!({ "target": "shop" })).await;
    tick().await?;
    let kept =
        world.plane.control.mcp_calls(&world.admin, &CallFilter::default(), &PageRequest::default()).await?.items;
    let told: Vec<_> = kept
        .iter()
        .rev()
        .map(|call| (call.tool.as_str(), call.decision, call.untrusted, call.code.as_deref()))
        .collect();
    let expected = [
        ("overview", CallDecision::Allowed, false, None),
        ("logs", CallDecision::Allowed, true, None),
        ("deploy", CallDecision::Held, false, None),
        ("status", CallDecision::Refused, false, Some("name.unknown")),
        ("?", CallDecision::Refused, false, Some("tool.unknown")),
        ("stop", CallDecision::Denied, false, Some("scope.missing")),
    ];
    ensure!(told == expected, "{told:?}");
    let deploy = kept.iter().find(|call| call.tool == "deploy").context("the deploy")?;
    ensure!((deploy.run, deploy.approval) == (Some(card.run), Some(card.approval)), "{deploy:?}");
    ensure!(deploy.client == "EvilHost", "{}", deploy.client);
    let filter = CallFilter { decision: Some(CallDecision::Held), q: Some("DEPL".to_owned()), ..CallFilter::default() };
    ensure!(
        world.plane.control.mcp_calls(&world.admin, &filter, &PageRequest::default()).await?.items.len() == 1,
        "filtered"
    );
    let lines = world.plane.audited().await?;
    let calls: Vec<_> = lines.iter().filter(|line| line.action == "mcp.call").collect();
    let outcomes: Vec<_> = calls.iter().map(|line| (line.target_id.as_str(), line.outcome.as_str())).collect();
    ensure!(outcomes == [("deploy", "held"), ("stop", "denied")], "{outcomes:?}");
    ensure!(calls[0].actor_kind == "ai" && calls[0].fields.contains("arguments"), "{:?}", calls[0]);
    world.plane.stop().await;
    Ok(())
}
