//! Calls of tools by AI hosts.

use std::collections::HashMap;

use axum::extract::State;
use serde::Deserialize;
use sf_store::mcp_calls::{CallDecision, CallFilter};
use utoipa::IntoParams;

use crate::body::Asked;
use crate::caller::Caller;
use crate::envelope::{Envelope, Result, page};
use crate::fault::Problem;
use crate::route::page_request;
use crate::state::Api;
use crate::view::activity::McpCallView;
use crate::view::names::Names;

/// Which calls.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ListCalls {
    /// A text in the tool, the client or the code of what was refused.
    q: Option<String>,
    /// Of this tool.
    tool: Option<String>,
    /// What it came to: `allowed`, `held`, `denied`, `refused`, `failed`, `limited`.
    decision: Option<String>,
    /// Of hosts whose name holds this text.
    client: Option<String>,
    /// By this credential: the id of a token.
    token: Option<String>,
    /// Rows wanted, 1 to 200.
    limit: Option<u16>,
    /// Continue after this cursor.
    after: Option<String>,
}

/// Calls of tools by AI hosts, newest first: kept for 90 days. Arguments and answers are not kept, only the arguments' digest.
#[utoipa::path(get, path = "/api/v1/mcp/calls", tag = "activity", operation_id = "listMcpCalls", params(ListCalls),
    responses((status = 200, body = Envelope<Vec<McpCallView>>)))]
pub async fn list(State(api): State<Api>, caller: Caller, Asked(query): Asked<ListCalls>) -> Result<Vec<McpCallView>> {
    let given = |text: Option<String>| text.filter(|text| !text.trim().is_empty());
    let decision = match given(query.decision) {
        None => None,
        Some(word) => Some(CallDecision::from_word(&word).ok_or_else(|| {
            let message = format!("`{word}` is no decision: allowed, held, denied, refused, failed, limited.");
            Problem::invalid("mcp.decision", message).field("decision")
        })?),
    };
    let token = match given(query.token) {
        None => None,
        Some(text) => Some(text.parse().map_err(|error: sf_types::id::BadId| {
            Problem::invalid("value.refused", error.to_string()).field("token")
        })?),
    };
    let filter =
        CallFilter { tool: given(query.tool), decision, client: given(query.client), q: given(query.q), token };
    let found = api.control().mcp_calls(&caller.actor, &filter, &page_request(query.limit, query.after)).await?;
    let mut names = Names::new(&api, &caller.actor);
    let mut known = HashMap::new();
    for call in &found.items {
        let (agent, user) = (names.agent(call.token).await, names.user(call.user).await);
        known.insert(call.id, (agent, user));
    }
    Ok(page(found, |call| {
        let (agent, user) = known.remove(&call.id).unwrap_or_default();
        McpCallView::of(call, agent, user)
    }))
}
