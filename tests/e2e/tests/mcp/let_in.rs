//! How a host is let in, what that is worth, and how it ends: over HTTP, from the first refusal on.

mod parties;

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use http::StatusCode;
use serde_json::{Value, json};
use sf_actions::Action;
use sf_actions::run::{Decide, RunAction};
use sf_store::testing::Postgres;
use sf_testkit::plane::WAIT;
use sf_testkit::{Database, Script};
use sf_types::RunId;

pub use self::parties::{Person, Program};
use self::parties::{VERIFIER, only};
use super::host::Host;
use super::world::{Behind, World, listen};

/// A person agrees to what a run would do.
async fn approved(world: &World, run: RunId) -> Result<()> {
    let card = world.plane.control.card_of(&world.admin, run).await?.context("a card")?;
    let approve = RunAction::Approve(Decide { run, hash: card.hash, comment: None });
    world.plane.propose(&world.admin, Action::Run(approve)).await?;
    world.plane.pass(Duration::from_secs(5)).await?;
    world.plane.ended(run).await?;
    Ok(())
}

/// What a tool answered.
async fn called(host: &Host, tool: &str, arguments: Value) -> Result<Value> {
    Ok(host.call(tool, arguments).await?.result()?["structuredContent"].clone())
}

/// Signed in, let in, looking, held, agreed to, found in the log, ended: by two control planes over one database.
async fn from_the_first_refusal_to_the_last(database: Database<'_>) -> Result<()> {
    let world = World::letting_in(database).await?;
    let node = world.plane.enrol(&world.admin).await?;
    world.plane.app(&world.admin, node.id(), "shop").await?;
    node.serve(&world.plane.nodes, &world.plane.dial(), Script::Succeed).await?;
    let person = Person::sign_in(world.address).await?;
    let program = Program::find_out(world.address).await?;
    let (host, refresh) = program.let_in(&person, &["read", "deploy"]).await?;

    let seen = called(&host, "status", json!({ "target": "shop" })).await?;
    ensure!(seen["status"]["name"] == "shop", "{seen}");
    world.plane.pass(Duration::from_millis(1)).await?;
    let deploy = json!({ "app": "shop" });
    let held = called(&host, "deploy", deploy.clone()).await?;
    ensure!(held["status"] == "pending_approval", "{held}");
    // Any control plane over the database knows the grant, the call and its card.
    let second = world.plane.second().await?;
    let there = listen(&second, &world.tasks, Behind::Ours, |options| {
        options.public_url = format!("http://{}", world.address);
        options.patience = Duration::from_millis(300);
    });
    let there = Host::new(there.await?, host.token.clone());
    world.plane.pass(Duration::from_millis(1)).await?;
    ensure!(called(&there, "deploy", deploy.clone()).await?["run_id"] == held["run_id"], "one call is one card");
    approved(&world, held["run_id"].as_str().context("a run")?.parse()?).await?;
    let done = host.call("deploy", deploy).await?.result()?;
    ensure!(
        (&done["structuredContent"]["status"], &done["structuredContent"]["run_id"])
            == (&json!("succeeded"), &held["run_id"]),
        "{done}"
    );
    // What it said while it was made is read where its answer leads.
    let log = format!("serverflow://deployments/{}/log", held["run_id"].as_str().unwrap_or_default());
    ensure!(
        (&done["content"][1]["type"], &done["content"][1]["uri"]) == (&json!("resource_link"), &json!(log)),
        "{done}"
    );
    let read = host.modern("resources/read", json!({ "uri": log })).await?.result()?;
    ensure!(read["contents"][0]["text"].as_str().is_some_and(|text| text.contains("\"of\":\"run\"")), "{read}");

    // A call that only reads is kept a moment after its answer.
    let calls = tokio::time::timeout(WAIT, async {
        loop {
            let calls = person.asks("GET", "/api/v1/mcp/calls", Value::Null).await?.message()?["data"].clone();
            if calls.as_array().is_some_and(|calls| calls.len() == 5) {
                return anyhow::Ok(calls);
            }
        }
    });
    let calls = calls.await.context("five calls")??;
    let mut told: Vec<_> = calls.as_array().into_iter().flatten().map(|one| (&one["tool"], &one["decision"])).collect();
    told.sort_by_key(|(tool, decision)| (tool.to_string(), decision.to_string()));
    let expected = json!([
        ["deploy", "allowed"],
        ["deploy", "held"],
        ["deploy", "held"],
        ["read_resource", "allowed"],
        ["status", "allowed"],
    ]);
    ensure!(json!(told) == expected, "{calls}");
    let grants = person.asks("GET", "/api/v1/mcp/grants", Value::Null).await?.message()?["data"].clone();
    ensure!(calls[0]["tokenId"] == grants[0]["id"] && grants[1].is_null(), "{calls} {grants}");

    let grant = grants[0]["id"].as_str().context("a grant")?;
    let next = program.refreshes(&refresh).await?.message()?;
    let ended = person.asks("DELETE", &format!("/api/v1/mcp/grants/{grant}"), Value::Null).await?;
    ensure!(ended.status == StatusCode::OK, "{ended:?}");
    let renewed = next["access_token"].as_str().context("a token")?.to_owned();
    for host in [&host, &there, &Host { token: renewed, ..host.clone() }] {
        let refused = host.call("status", json!({ "target": "shop" })).await?;
        ensure!(refused.status == StatusCode::UNAUTHORIZED, "{refused:?}");
        ensure!(refused.header("www-authenticate").contains("error=\"invalid_token\""), "{refused:?}");
    }
    let refused = program.refreshes(next["refresh_token"].as_str().context("a token")?).await?;
    ensure!(refused.status == StatusCode::BAD_REQUEST && refused.message()?["error"] == "invalid_grant", "{refused:?}");
    world.stop().await;
    Ok(())
}

#[tokio::test]
async fn a_host_is_let_in_held_agreed_to_and_ended() -> Result<()> {
    from_the_first_refusal_to_the_last(Database::Sqlite).await
}

#[tokio::test]
async fn a_host_is_let_in_held_agreed_to_and_ended_on_postgresql() -> Result<()> {
    let Some(server) = Postgres::start_or_skip().await else { return Ok(()) };
    from_the_first_refusal_to_the_last(Database::Postgres(&server)).await
}

#[tokio::test]
async fn what_a_program_has_to_say_is_asked_of_it_at_both_steps() -> Result<()> {
    let world = World::letting_in(Database::Sqlite).await?;
    let person = Person::sign_in(world.address).await?;
    let program = Program::find_out(world.address).await?;
    for (name, list) in [
        ("code_challenge_methods_supported", json!(["S256"])),
        ("response_types_supported", json!(["code"])),
        ("token_endpoint_auth_methods_supported", json!(["none"])),
        ("client_id_metadata_document_supported", json!(true)),
        ("authorization_response_iss_parameter_supported", json!(true)),
    ] {
        ensure!(program.server[name] == list, "{name}: {}", program.server);
    }
    let other = "https://other.example.org/mcp/v1";
    for (change, word) in [
        (("code_challenge", None), "invalid_request"),
        (("code_challenge", Some("short")), "invalid_request"),
        (("code_challenge_method", None), "invalid_request"),
        (("code_challenge_method", Some("plain")), "invalid_request"),
        (("response_type", Some("token")), "unsupported_response_type"),
        (("resource", None), "invalid_target"),
        (("resource", Some(other)), "invalid_target"),
    ] {
        let address = program.address("read", change)?;
        let seen = person.sees(&address).await?.message()?["data"].clone();
        let back = seen["refused"]["backTo"].as_str().with_context(|| format!("{change:?} refused, in {seen}"))?;
        ensure!(only(back, "error")? == word && only(back, "iss")? == program.issuer, "{change:?}: {back}");
        ensure!(person.agrees(&address, &["read"]).await.is_err(), "{change:?} is granted");
    }
    for (resource, verifier, word) in [
        (other, VERIFIER, "invalid_target"),
        (program.resource.as_str(), "another-verifier-of-at-least-forty-three-characters", "invalid_grant"),
        (program.resource.as_str(), parties::CHALLENGE, "invalid_grant"),
    ] {
        let answer = person.agrees(&program.address("read", ("", None))?, &["read"]).await?;
        let code = program.code(&answer)?;
        let refused = program.redeems(&code, resource, verifier).await?;
        ensure!(
            refused.status == StatusCode::BAD_REQUEST && refused.message()?["error"] == word,
            "{word}: {refused:?}"
        );
        let spent = program.redeems(&code, &program.resource, VERIFIER).await?;
        ensure!(spent.message()?["error"] == "invalid_grant", "a code is spent by being shown: {spent:?}");
    }
    world.stop().await;
    Ok(())
}

#[tokio::test]
async fn a_token_that_was_made_for_another_endpoint_is_worth_nothing_here() -> Result<()> {
    let world = World::letting_in(Database::Sqlite).await?;
    let person = Person::sign_in(world.address).await?;
    let (host, _) = Program::find_out(world.address).await?.let_in(&person, &["read"]).await?;
    ensure!(host.call("overview", json!({})).await?.status == StatusCode::OK, "good where it was made for");
    // The same keys, the same rows, a grant that is good: only the endpoint goes by another name.
    let moved = |options: &mut sf_mcp::wire::WireOptions| options.public_url = "http://moved.example.org".to_owned();
    let elsewhere = listen(&world.plane.control, &world.tasks, Behind::Ours, moved).await?;
    let replayed = Host::new(elsewhere, host.token.clone());
    let session = replayed.initialize().await?;
    for refused in [replayed.call("overview", json!({})).await?, session] {
        ensure!(refused.status == StatusCode::UNAUTHORIZED, "{refused:?}");
        let challenge = refused.header("www-authenticate");
        ensure!(challenge.contains("error=\"invalid_token\""), "{challenge}");
        ensure!(
            challenge.contains("http://moved.example.org/.well-known/oauth-protected-resource/mcp/v1"),
            "{challenge}"
        );
    }
    let key = Host::new(elsewhere, world.key(None).await?);
    ensure!(key.call("overview", json!({})).await?.status == StatusCode::OK, "a key is bound to no endpoint");
    ensure!(host.call("overview", json!({})).await?.status == StatusCode::OK, "it was not used up");
    world.stop().await;
    Ok(())
}

#[tokio::test]
async fn a_host_that_needs_more_is_told_all_of_it_and_asks_its_person_again() -> Result<()> {
    let world = World::letting_in(Database::Sqlite).await?;
    let node = world.plane.enrol(&world.admin).await?;
    world.plane.app(&world.admin, node.id(), "shop").await?;
    let person = Person::sign_in(world.address).await?;
    let program = Program::find_out(world.address).await?;
    let (host, _) = program.let_in(&person, &["read"]).await?;
    let deploy = json!({ "app": "shop" });
    let session = host.open().await?;
    let legacy = host.legacy(&session, "tools/call", json!({ "name": "deploy", "arguments": deploy })).await?;
    for refused in [host.call("deploy", deploy.clone()).await?, legacy] {
        ensure!(refused.status == StatusCode::FORBIDDEN, "{refused:?}");
        let challenge = refused.header("www-authenticate");
        ensure!(challenge.contains("error=\"insufficient_scope\", scope=\"deploy\""), "{challenge}");
    }
    // What it has and what it was told, together.
    let (wider, _) = program.let_in(&person, &["read", "deploy"]).await?;
    let held = called(&wider, "deploy", deploy.clone()).await?;
    ensure!(held["status"] == "pending_approval", "{held}");
    ensure!(host.call("deploy", deploy).await?.status == StatusCode::FORBIDDEN, "what was granted before grew with it");
    world.stop().await;
    Ok(())
}

#[tokio::test]
async fn who_registers_too_often_is_told_when() -> Result<()> {
    let world = World::letting_in(Database::Sqlite).await?;
    let narrow = super::world::listen_narrowly(&world.plane.control, &world.tasks, world.tools.clone()).await?;
    let mut told = Vec::new();
    for _ in 0..3 {
        let made = parties::register(narrow, "/oauth/register").await?;
        told.push((made.status.as_u16(), made.header("retry-after").to_owned()));
    }
    ensure!(told == [(201, String::new()), (201, String::new()), (429, "1".to_owned())], "{told:?}");
    world.stop().await;
    Ok(())
}
