//! Tasks: what a person asks for, and the calls that do it. Each call is one that a model can come to: a tool to begin with, or
//! one that the answer before suggested.

use std::collections::BTreeMap;

use anyhow::{Context, Result, ensure};
use serde_json::Value;
use sf_actions::AccessScope;
use sf_mcp::call::{Caller, Outcome, Toolbox};
use sf_mcp::tools::output::MAX_ANSWER_BYTES;

use crate::case::{cases, filled, structured, word};
use crate::world::World;

/// Tools that a model begins with, knowing their descriptions alone.
const FIRST: [&str; 8] = ["overview", "find", "status", "diagnose", "logs", "search_docs", "env", "approvals"];
/// Bytes of a usual answer: about 2,000 tokens.
const USUAL_BYTES: usize = 7_000;

#[tokio::test]
async fn forty_tasks_are_done_by_the_calls_that_are_expected() -> Result<()> {
    let tasks = cases("tasks.json")?;
    ensure!(tasks.len() == 40, "{} tasks", tasks.len());
    let mut world = World::trusting().await?;
    world.logs(&["listening on 3000", "GET /health 200", "ERROR: connection refused to db:5432"]).await?;
    let (mut failed, mut bytes) = (Vec::new(), Vec::new());
    for task in &tasks {
        if let Err(why) = done(&world, task, &mut bytes).await {
            failed.push(format!("{}: {why:#}", task["name"]));
        }
    }
    ensure!(failed.is_empty(), "{} of {} tasks failed:\n{}", failed.len(), tasks.len(), failed.join("\n"));
    bytes.sort_unstable();
    let median = bytes[bytes.len() / 2];
    ensure!(median <= USUAL_BYTES, "half of the answers have more than {median} bytes");
    world.plane.stop().await;
    Ok(())
}

async fn done(world: &World, task: &Value, bytes: &mut Vec<usize>) -> Result<()> {
    ensure!(task["ask"].as_str().is_some_and(|ask| ask.len() > 10), "it has no ask");
    let scopes: Vec<AccessScope> = match task["scopes"].as_array() {
        Some(words) => words.iter().filter_map(|word| word.as_str()?.parse().ok()).collect(),
        None => AccessScope::ALL.to_vec(),
    };
    let caller = world.agent(&scopes).await?;
    let (mut names, mut suggested) = (world.names.clone(), Vec::<String>::new());
    for (at, step) in task["calls"].as_array().context("calls")?.iter().enumerate() {
        let tool = step["tool"].as_str().context("a tool")?;
        let is_listed = world.tools.list(&scopes).iter().any(|listed| listed.name == tool);
        // What is asked for by the person is known from the task itself.
        let known = FIRST.contains(&tool) || suggested.iter().any(|one| one == tool) || step["asked"] == true;
        ensure!(known, "call {at}: nothing leads to `{tool}`: {suggested:?}");
        let outcome = world.call(&caller, tool, &filled(&step["arguments"], &names)).await;
        expect(step, &filled(&step["expect"], &names), &outcome).with_context(|| format!("call {at}, {tool}"))?;
        ensure!(is_listed || !matches!(outcome, Outcome::Done(_)), "`{tool}` is not listed and answers");
        let told = structured(&outcome);
        if let Outcome::Done(answer) = &outcome {
            ensure!(answer.text.len() <= MAX_ANSWER_BYTES, "{} bytes", answer.text.len());
            bytes.push(answer.text.len());
        }
        let next = told["next"].as_array().cloned().unwrap_or_default();
        ensure!(next.len() <= 3, "{} suggestions", next.len());
        suggested = next.iter().filter_map(|one| Some(one["tool"].as_str()?.to_owned())).collect();
        remember(&told, &mut names);
        decide(world, &caller, step, &outcome).await?;
    }
    Ok(())
}

/// What later calls name.
fn remember(told: &Value, names: &mut BTreeMap<String, String>) {
    for (name, at) in [("run", "/run_id"), ("approval", "/approval_id"), ("hash", "/hash"), ("cursor", "/cursor")] {
        if let Some(text) = told.pointer(at).and_then(Value::as_str) {
            names.insert(name.to_owned(), text.to_owned());
        }
    }
}

/// What a person does between two calls.
async fn decide(world: &World, _: &Caller, step: &Value, outcome: &Outcome) -> Result<()> {
    match (step["then"].as_str(), outcome) {
        (Some("approve"), Outcome::Held(held)) => world.agreed(held.run).await,
        (Some("reject"), Outcome::Held(held)) => world.refused(held.run, "not today").await,
        (Some(other), _) => anyhow::bail!("nobody can `{other}` this"),
        (None, _) => Ok(()),
    }
}

/// `outcome` is its word; every other field is a place in the answer and what stands there, or a part of it.
fn expect(step: &Value, expected: &Value, outcome: &Outcome) -> Result<()> {
    let (told, wanted) = (structured(outcome), expected["outcome"].as_str().unwrap_or("done"));
    ensure!(word(outcome) == wanted, "{} instead of {wanted}: {told}", word(outcome));
    for (place, value) in expected.as_object().into_iter().flatten().filter(|(place, _)| place.starts_with('/')) {
        let found = told.pointer(place).cloned().unwrap_or_default();
        let fits = match (&found, value) {
            (Value::String(found), Value::String(part)) => found.contains(part.as_str()),
            (Value::Array(found), Value::String(part)) => {
                found.iter().any(|one| one.to_string().contains(part.as_str()))
            }
            (Value::Object(_), Value::String(part)) => found.to_string().contains(part.as_str()),
            (found, value) => found == value,
        };
        ensure!(fits, "{place} is {found} and not {value}; {} says {told}", step["tool"]);
    }
    Ok(())
}
