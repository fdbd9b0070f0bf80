//! Whether mail goes.

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use sf_types::Email;
use utoipa::ToSchema;

use crate::body::{Asked, Strict};
use crate::caller::Caller;
use crate::envelope::{Envelope, Result, accepted, ok};
use crate::fault::Problem;
use crate::route::Write;
use crate::state::Api;
use crate::view::Nothing;
use crate::view::person::MailView;
use crate::view::plan::PlannedSteps;

/// Where a test letter goes.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct TestMail {
    /// An address.
    #[schema(value_type = String)]
    to: Email,
}

/// Whether mail goes, and what stands in its way.
#[utoipa::path(get, path = "/api/v1/mail", tag = "people", operation_id = "mailState",
    responses((status = 200, body = Envelope<MailView>)))]
pub async fn get(State(api): State<Api>, caller: Caller) -> Result<MailView> {
    Ok(ok(api.control().mail(&caller.actor).await?.into()))
}

/// Sends a letter that says nothing but that mail arrives.
#[utoipa::path(post, path = "/api/v1/mail/test", tag = "people", operation_id = "testMail", params(Write),
    request_body = TestMail, responses((status = 202, body = Envelope<Nothing>)))]
pub async fn test(
    State(api): State<Api>,
    caller: Caller,
    Asked(write): Asked<Write>,
    Strict(body): Strict<TestMail>,
) -> std::result::Result<Response, Problem> {
    api.control().test_mail(&caller.actor, caller.request, body.to, write.is_dry()).await?;
    if write.is_dry() {
        return Ok(ok(PlannedSteps::of("Send a letter that says nothing but that mail arrives")).into_response());
    }
    Ok(accepted(Nothing {}).into_response())
}
