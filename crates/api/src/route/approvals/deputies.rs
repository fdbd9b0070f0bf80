//! Who decides for whom while they are away.

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use sf_types::{DeputyId, UserId};
use utoipa::ToSchema;

use crate::body::{Asked, Id, Strict};
use crate::caller::Caller;
use crate::envelope::{Envelope, Result, created, ok};
use crate::fault::Problem;
use crate::route::{Write, time};
use crate::state::Api;
use crate::view::Nothing;
use crate::view::plan::PlannedSteps;
use crate::view::routing::DeputyView;

/// Deputies that you have named, and for whom you are one.
#[utoipa::path(get, path = "/api/v1/deputies", tag = "inbox", operation_id = "listDeputies",
    responses((status = 200, body = Envelope<Vec<DeputyView>>)))]
pub async fn list(State(api): State<Api>, caller: Caller) -> Result<Vec<DeputyView>> {
    Ok(ok(api.control().deputies(&caller.actor).await?.into_iter().map(DeputyView::from).collect()))
}

/// Who decides instead, and for how long.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct NameDeputy {
    /// Who.
    #[schema(value_type = uuid::Uuid)]
    to: UserId,
    /// From when, RFC 3339; now where absent.
    starts_at: Option<String>,
    /// Until when, RFC 3339; 90 days at the most.
    ends_at: String,
}

/// Names somebody who decides instead of you, where you may decide, for a while.
#[utoipa::path(post, path = "/api/v1/deputies", tag = "inbox", operation_id = "nameDeputy", params(Write),
    request_body = NameDeputy, responses((status = 201, body = Envelope<DeputyView>)))]
pub async fn name(
    State(api): State<Api>,
    caller: Caller,
    Asked(write): Asked<Write>,
    Strict(body): Strict<NameDeputy>,
) -> std::result::Result<Response, Problem> {
    let starts = body.starts_at.as_deref().map(|text| time(text, "startsAt")).transpose()?;
    let span = (starts.unwrap_or_else(|| api.control().now()), time(&body.ends_at, "endsAt")?);
    if write.is_dry() {
        return Ok(
            ok(PlannedSteps::of("They may decide about what you may decide about, in that time.")).into_response()
        );
    }
    let deputy = api.control().name_deputy(&caller.actor, caller.request, body.to, span).await?;
    Ok(created(DeputyView::from(deputy)).into_response())
}

/// Takes a deputy back; both of you may.
#[utoipa::path(delete, path = "/api/v1/deputies/{id}", tag = "inbox", operation_id = "takeDeputyBack",
    params(("id" = uuid::Uuid, Path), Write), responses((status = 200, body = Envelope<Nothing>)))]
pub async fn take_back(
    State(api): State<Api>,
    caller: Caller,
    Id(id): Id<DeputyId>,
    Asked(write): Asked<Write>,
) -> std::result::Result<Response, Problem> {
    if write.is_dry() {
        return Ok(ok(PlannedSteps::of("They do not decide for you any more.")).into_response());
    }
    api.control().take_deputy_back(&caller.actor, caller.request, id).await?;
    Ok(ok(Nothing {}).into_response())
}
