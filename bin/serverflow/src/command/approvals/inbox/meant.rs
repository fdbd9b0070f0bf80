//! Which card a person means. A card is of exactly what it shows: another one takes its place when that changes.

use serde_json::Value;

use crate::client::Client;
use crate::failure::{Exit, Failure};
use crate::value;

/// Decided cards looked at for the one of a run.
const DECIDED: u16 = 200;

/// A card with all that is shown of it, by its own id or its run's.
///
/// # Errors
/// There is none; several steps of one run ask; the control plane's.
pub async fn card(client: &Client, wanted: &str) -> Result<Value, Failure> {
    let found = client.get(&format!("/inbox/{wanted}"), &[]).await?.data;
    if is_of_approval(&found) || value::maybe(&found, "/card/runId").is_none() {
        return Ok(found);
    }
    match of_run(client, wanted).await? {
        Some(card) => Ok(client.get(&format!("/inbox/{card}"), &[]).await?.data),
        None => Ok(found),
    }
}

/// The card that somebody has decided last, by its own id or its run's; the open one where there is one.
///
/// # Errors
/// As [`card`].
pub async fn decided(client: &Client, wanted: &str) -> Result<Value, Failure> {
    let found = card(client, wanted).await?;
    if is_of_approval(&found) {
        return Ok(found);
    }
    let query = [("state", "decided".to_owned()), ("limit", DECIDED.to_string())];
    let decided = client.get("/approvals", &query).await?.data;
    let of_run = |approval: &&Value| value::maybe(approval, "/runId").as_deref() == Some(wanted);
    match value::items(&decided).iter().find(of_run) {
        Some(card) => Ok(client.get(&format!("/inbox/{}", value::text(card, "/id")), &[]).await?.data),
        None => Ok(found),
    }
}

/// The open card of a run.
///
/// # Errors
/// Several of its steps ask; the control plane's.
pub async fn of_run(client: &Client, run: &str) -> Result<Option<String>, Failure> {
    let mut open = client.list("/approvals", &[("state", "open".to_owned())]).await?;
    open.retain(|approval| value::maybe(approval, "/runId").as_deref() == Some(run));
    match open.as_slice() {
        [] => Ok(None),
        [one] => Ok(Some(value::text(one, "/id"))),
        several => {
            let ids: Vec<_> = several
                .iter()
                .map(|card| format!("{} (step {})", value::text(card, "/id"), value::text(card, "/step")))
                .collect();
            let message = format!("Several steps of run {run} wait for a person.");
            Err(Failure::new(Exit::Failed, "inbox.ambiguous", message)
                .fix(format!("Give the card's id: {}.", ids.join(", "))))
        }
    }
}

/// Whether it waits, or has waited, for a decision.
pub fn is_of_approval(details: &Value) -> bool {
    value::maybe(details, "/card/kind").as_deref() == Some("approval")
}
