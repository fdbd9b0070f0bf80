//! Which card a person means. A card is of exactly what it shows: another one takes its place when that changes.

use serde_json::Value;

use crate::client::Client;
use crate::failure::Failure;
use crate::value;

/// Decided cards looked at for the one of a run.
const DECIDED: u16 = 200;

/// A card with all that is shown of it, by its own id or its run's.
///
/// # Errors
/// There is none; several steps of one run ask; the control plane's.
pub async fn card(client: &Client, wanted: &str) -> Result<Value, Failure> {
    Ok(client.get(&format!("/inbox/{wanted}"), &[]).await?.data)
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
    // What was decided and has failed since is a card of another kind.
    let query = [("state", "decided".to_owned()), ("limit", DECIDED.to_string())];
    let decided = client.get("/approvals", &query).await?.data;
    let of_run = |approval: &&Value| value::maybe(approval, "/runId").as_deref() == Some(wanted);
    match value::items(&decided).iter().find(of_run) {
        Some(approval) => card(client, &value::text(approval, "/id")).await,
        None => Ok(found),
    }
}

/// An open card of a run: the newest, where several of its steps ask.
///
/// # Errors
/// The control plane's.
pub async fn of_run(client: &Client, run: &str) -> Result<Option<String>, Failure> {
    let open = client.list("/approvals", &[("state", "open".to_owned())]).await?;
    let of_run = |approval: &&Value| value::maybe(approval, "/runId").as_deref() == Some(run);
    Ok(open.iter().find(of_run).map(|approval| value::text(approval, "/id")))
}

/// Whether it waits, or has waited, for a decision.
pub fn is_of_approval(details: &Value) -> bool {
    value::maybe(details, "/card/kind").as_deref() == Some("approval")
}
