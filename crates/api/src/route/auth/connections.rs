//! Which AI hosts people have let in.

use axum::extract::State;
use axum::response::Response;
use serde::Deserialize;
use sf_types::TokenId;
use utoipa::IntoParams;

use crate::body::{Asked, Id};
use crate::caller::Caller;
use crate::envelope::{Envelope, Result, page};
use crate::fault::Problem;
use crate::route::tokens::revoked;
use crate::route::{Write, page_request};
use crate::state::Api;
use crate::view::Nothing;
use crate::view::host::HostGrantView;

/// Which of them.
#[derive(Clone, Debug, Default, Deserialize, IntoParams)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct Whose {
    /// Those of the whole team, for who may change its people (`user:update`); one's own where left out.
    all: Option<bool>,
    /// Rows wanted, 1 to 200; 50 where absent.
    limit: Option<u16>,
    /// Continue after this cursor.
    after: Option<String>,
}

/// AI hosts that were let in, newest first.
#[utoipa::path(get, path = "/api/v1/mcp/grants", tag = "mcp", operation_id = "listHostGrants", params(Whose),
    responses((status = 200, body = Envelope<Vec<HostGrantView>>)))]
pub async fn list(State(api): State<Api>, caller: Caller, Asked(query): Asked<Whose>) -> Result<Vec<HostGrantView>> {
    let wanted = page_request(query.limit, query.after);
    let found = api.control().connections(&caller.actor, query.all.unwrap_or(false), &wanted).await?;
    Ok(page(found, HostGrantView::of))
}

/// Ends what was granted to an AI host: from its next request on it is refused. One's own; those of others for who may change
/// people.
#[utoipa::path(delete, path = "/api/v1/mcp/grants/{id}", tag = "mcp", operation_id = "revokeHostGrant",
    params(("id" = uuid::Uuid, Path), Write), responses((status = 200, body = Envelope<Nothing>)))]
pub async fn revoke(
    State(api): State<Api>,
    caller: Caller,
    Id(token): Id<TokenId>,
    Asked(write): Asked<Write>,
) -> std::result::Result<Response, Problem> {
    revoked(&api, &caller, write, token).await
}
