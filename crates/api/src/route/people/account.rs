//! One's own account.

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use sf_types::Name;
use utoipa::ToSchema;

use crate::body::{Asked, Strict};
use crate::caller::Caller;
use crate::envelope::{Envelope, ok};
use crate::fault::Problem;
use crate::route::Write;
use crate::state::Api;
use crate::view::plan::PlannedSteps;
use crate::view::user::UserView;

/// What is to change; the rest stays.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ChangeAccount {
    /// What they are called.
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    name: Option<Name>,
    /// The language they read: `en`, `de-AT`.
    #[serde(default)]
    locale: Option<String>,
}

/// Changes one's own name or language.
#[utoipa::path(patch, path = "/api/v1/auth/me", tag = "auth", operation_id = "changeAccount", params(Write),
    request_body = ChangeAccount, responses((status = 200, body = Envelope<UserView>)))]
pub async fn change(
    State(api): State<Api>,
    caller: Caller,
    Asked(write): Asked<Write>,
    Strict(body): Strict<ChangeAccount>,
) -> std::result::Result<Response, Problem> {
    if write.is_dry() {
        return Ok(ok(PlannedSteps::of("Change your own name or language")).into_response());
    }
    let user = api.control().change_account(&caller.actor, caller.request, body.name, body.locale).await?;
    Ok(ok(UserView::from(user)).into_response())
}
