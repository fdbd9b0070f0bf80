//! What waits for a person. An AI looks, and decides nothing: there is no tool that approves.

use serde_json::{Value, json};

use super::super::asked::{Asked, Result, Said};
use super::super::output::{pick, rows, text};

/// Cards of a list.
const LISTED: usize = 20;

pub(in crate::tools) async fn call(asked: &Asked<'_>) -> Result<Said> {
    match asked.input.text("id") {
        Some(id) => one(asked, id).await,
        None => list(asked).await,
    }
}

async fn list(asked: &Asked<'_>) -> Result<Said> {
    let state = asked.input.text("state").unwrap_or("open");
    let cards = asked.data(&format!("/approvals?state={state}&limit={LISTED}")).await?;
    let told: Vec<Value> = rows(&cards).iter().map(|card| shown(asked, card)).collect();
    let next: &[(&str, &str)] = match told.is_empty() {
        true => &[("overview", "Nothing waits for a person.")],
        false => &[("approvals", "See one of them, by its id.")],
    };
    Ok(asked.done(&[("approvals", Value::Array(told))], next))
}

/// By its own id, or by its run's.
async fn one(asked: &Asked<'_>, id: &str) -> Result<Said> {
    let cards = asked.data("/approvals?state=all&limit=200").await?;
    let named = |card: &&Value| text(card, "/id") == id || text(card, "/runId") == id;
    let Some(card) = rows(&cards).iter().find(named) else {
        let fault =
            sf_types::Fault::new(sf_types::ErrorKind::NotFound, "approval.unknown", "There is no such approval.");
        return Err(fault.fix("Leave `id` out to list what waits.").into());
    };
    let run = asked.maybe(&format!("/runs/{}", text(card, "/runId"))).await;
    let mut told = shown(asked, card);
    told["run"] = pick(&run, &["id", "state", "done", "action", "title", "appId", "serverId", "closedAt"]);
    let next: &[(&str, &str)] = match text(card, "/state") {
        "open" | "escalated" => &[("approvals", "Ask again later: only a person decides, on the card's page.")],
        _ => &[("status", "See what became of the run, by its run_id.")],
    };
    Ok(asked.done(&[("approval", told)], next))
}

fn shown(asked: &Asked<'_>, card: &Value) -> Value {
    let mut told = pick(card, &["id", "action", "state", "decision", "because", "openedAt", "expiresAt"]);
    told["run_id"] = card["runId"].clone();
    told["url"] = json!(asked.page(&format!("/inbox/{}", text(card, "/id"))));
    if let Some(comment) = card["comment"].as_str() {
        told["comment"] = json!(asked.fence.text(comment, 500));
    }
    told
}
