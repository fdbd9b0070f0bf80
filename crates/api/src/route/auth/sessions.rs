//! One's own sessions.

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use sf_actions::ActorKind;
use sf_types::SessionId;

use crate::body::{Asked, Id};
use crate::caller::Caller;
use crate::envelope::{Envelope, Result, ok, page};
use crate::fault::Problem;
use crate::route::{Paged, Write, page_request};
use crate::state::Api;
use crate::view::Nothing;
use crate::view::plan::PlannedSteps;
use crate::view::sign_in::EndedView;
use crate::view::user::SessionView;

/// One's own sessions that are alive, newest first.
#[utoipa::path(get, path = "/api/v1/sessions", tag = "sessions", operation_id = "listSessions", params(Paged),
    responses((status = 200, body = Envelope<Vec<SessionView>>)))]
pub async fn list(State(api): State<Api>, caller: Caller, Asked(query): Asked<Paged>) -> Result<Vec<SessionView>> {
    let asking = match caller.actor.kind {
        ActorKind::Person { session, .. } => Some(session),
        _ => None,
    };
    let asked = page_request(query.limit, query.after);
    let sessions = api.control().sessions(&caller.actor, &asked).await?;
    Ok(page(sessions, |session| SessionView::of(session, asking)))
}

/// Ends one of one's own sessions.
#[utoipa::path(delete, path = "/api/v1/sessions/{id}", tag = "sessions", operation_id = "endSession",
    params(("id" = uuid::Uuid, Path), Write), responses((status = 200, body = Envelope<Nothing>)))]
pub async fn end(
    State(api): State<Api>,
    caller: Caller,
    Id(session): Id<SessionId>,
    Asked(write): Asked<Write>,
) -> std::result::Result<Response, Problem> {
    if write.is_dry() {
        api.control().own_session(&caller.actor, session).await?;
        let step = "End this session: its browser or program has to sign in again";
        return Ok(ok(PlannedSteps::of(step)).into_response());
    }
    api.control().end_session(&caller.actor, session).await?;
    Ok(ok(Nothing {}).into_response())
}

/// Signs out everywhere but here.
#[utoipa::path(delete, path = "/api/v1/sessions", tag = "sessions", operation_id = "endOtherSessions",
    params(Write), responses((status = 200, body = Envelope<EndedView>)))]
pub async fn end_others(
    State(api): State<Api>,
    caller: Caller,
    Asked(write): Asked<Write>,
) -> std::result::Result<Response, Problem> {
    if write.is_dry() {
        let step = "End every session but this one: their browsers and programs have to sign in again";
        return Ok(ok(PlannedSteps::of(step)).into_response());
    }
    let ended = api.control().sign_out_elsewhere(&caller.actor, caller.request).await?;
    Ok(ok(EndedView { ended }).into_response())
}
