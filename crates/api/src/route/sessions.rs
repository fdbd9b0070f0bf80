//! One's own sessions.

use axum::extract::State;
use sf_actions::ActorKind;
use sf_types::SessionId;

use crate::body::Id;
use crate::caller::Caller;
use crate::envelope::{Envelope, Result, ok};
use crate::state::Api;
use crate::view::Nothing;
use crate::view::user::SessionView;

/// One's own sessions that are alive.
#[utoipa::path(get, path = "/api/v1/sessions", tag = "sessions", operation_id = "listSessions",
    responses((status = 200, body = Envelope<Vec<SessionView>>)))]
pub async fn list(State(api): State<Api>, caller: Caller) -> Result<Vec<SessionView>> {
    let asking = match caller.actor.kind {
        ActorKind::Person { session, .. } => Some(session),
        _ => None,
    };
    let sessions = api.control().sessions(&caller.actor).await?;
    Ok(ok(sessions.into_iter().map(|session| SessionView::of(session, asking)).collect()))
}

/// Ends one of one's own sessions.
#[utoipa::path(delete, path = "/api/v1/sessions/{id}", tag = "sessions", operation_id = "endSession",
    params(("id" = uuid::Uuid, Path)), responses((status = 200, body = Envelope<Nothing>)))]
pub async fn end(State(api): State<Api>, caller: Caller, Id(session): Id<SessionId>) -> Result<Nothing> {
    api.control().end_session(&caller.actor, session).await?;
    Ok(ok(Nothing {}))
}
