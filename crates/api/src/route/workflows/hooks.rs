//! Signed requests of other systems. No credential of ours: the signature says who may.

use axum::extract::{Path, Request, State};
use sf_control::workflow::hooks::{Delivered, unknown};
use sf_engine::workflow::webhook::MAX_BODY_BYTES;
use sf_types::TriggerId;

use crate::body;
use crate::envelope::{Envelope, Result, accepted};
use crate::route::apps::hooks::once;
use crate::state::Api;
use crate::view::workflow::HookAccepted;

/// Takes a signed request in and starts the webhook's workflow. The same delivery again answers the same run. An
/// address that is none, a webhook that is switched off and a request that is not its sender's are answered alike.
#[utoipa::path(post, path = "/api/v1/hooks/{id}", tag = "workflows", operation_id = "deliverHook", security(()),
    params(("id" = uuid::Uuid, Path)),
    request_body(content = Object, content_type = "application/json",
        description = "Whatever its sender sends, of any type, 1 MiB at the most."),
    responses((status = 202, body = Envelope<HookAccepted>)))]
pub async fn deliver(State(api): State<Api>, Path(id): Path<String>, request: Request) -> Result<HookAccepted> {
    let headers = once(request.headers());
    let body = body::read_within(request, MAX_BODY_BYTES).await?;
    let id: TriggerId = id.parse().map_err(|_| unknown())?;
    let run = api.control().delivered(id, Delivered { headers, body: body.into() }).await?;
    Ok(accepted(HookAccepted { run_id: run.uuid() }))
}
