//! What waits for a person.

pub mod deputies;
pub mod inbox;
pub mod routing;

use axum::extract::State;
use serde::Deserialize;
use sf_store::approvals::ApprovalState;
use utoipa::IntoParams;

use super::page_request;
use crate::body::Asked;
use crate::caller::Caller;
use crate::envelope::{Envelope, Result, page};
use crate::fault::Problem;
use crate::state::Api;
use crate::view::approval::ApprovalView;

/// Which approvals.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ListApprovals {
    /// `open` (default), `decided`, `expired`, `withdrawn` or `all`.
    state: Option<String>,
    /// Rows wanted, 1 to 200.
    limit: Option<u16>,
    /// Continue after this cursor.
    after: Option<String>,
}

/// Approvals, newest first; the open ones unless told otherwise.
#[utoipa::path(get, path = "/api/v1/approvals", tag = "runs", operation_id = "listApprovals", params(ListApprovals),
    responses((status = 200, body = Envelope<Vec<ApprovalView>>)))]
pub async fn list(
    State(api): State<Api>,
    caller: Caller,
    Asked(query): Asked<ListApprovals>,
) -> Result<Vec<ApprovalView>> {
    let state = match query.state.as_deref().unwrap_or("open") {
        "all" => None,
        word => Some(ApprovalState::from_word(word).ok_or_else(|| {
            Problem::invalid("query.state", "`state` is open, decided, expired, withdrawn or all.").field("state")
        })?),
    };
    let asked = page_request(query.limit, query.after);
    Ok(page(api.control().approvals(&caller.actor, state, &asked).await?, ApprovalView::from))
}
