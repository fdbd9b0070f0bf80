//! New passwords.

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use sf_types::Secret;
use utoipa::ToSchema;

use crate::body::{Asked, Strict};
use crate::caller::Caller;
use crate::envelope::{Answer, Envelope, Result, accepted, ok};
use crate::fault::Problem;
use crate::route::Write;
use crate::route::auth::{Client, Kind};
use crate::state::Api;
use crate::view::Nothing;
use crate::view::plan::PlannedSteps;

/// Who lost their password.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ForgotPassword {
    /// Their address.
    email: String,
}

/// A new password by a link.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ResetPassword {
    /// `sfp_…`: what stands behind the `#` of the link.
    token: String,
    /// At least 15 characters.
    password: String,
}

/// A new password in the place of the one that is known.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ChangePassword {
    /// The password as it is.
    current: String,
    /// At least 15 characters.
    new: String,
}

/// Sends a link for a new password, if the address has an account. The answer is the same for every address.
#[utoipa::path(post, path = "/api/v1/auth/forgot", tag = "auth", operation_id = "forgotPassword", security(()),
    request_body = ForgotPassword, responses((status = 202, body = Envelope<Nothing>)))]
pub async fn forgot(State(api): State<Api>, client: Client, Strict(body): Strict<ForgotPassword>) -> Answer<Nothing> {
    api.control().forgot_password(&body.email, client.origin(Kind::Browser));
    accepted(Nothing {})
}

/// Sets a new password by a link, and ends all sessions.
#[utoipa::path(post, path = "/api/v1/auth/reset", tag = "auth", operation_id = "resetPassword", security(()),
    request_body = ResetPassword, responses((status = 200, body = Envelope<Nothing>)))]
pub async fn reset(State(api): State<Api>, client: Client, Strict(body): Strict<ResetPassword>) -> Result<Nothing> {
    let password = Secret::new(body.password);
    api.control().choose_password(&body.token, password, client.origin(Kind::Browser)).await?;
    Ok(ok(Nothing {}))
}

/// Changes one's own password, and ends all other sessions.
#[utoipa::path(post, path = "/api/v1/auth/password", tag = "auth", operation_id = "changePassword", params(Write),
    request_body = ChangePassword, responses((status = 200, body = Envelope<Nothing>)))]
pub async fn change(
    State(api): State<Api>,
    caller: Caller,
    client: Client,
    Asked(write): Asked<Write>,
    Strict(body): Strict<ChangePassword>,
) -> std::result::Result<Response, Problem> {
    if write.is_dry() {
        let step = "Set your new password and end all your other sessions, if the current one is right";
        return Ok(ok(PlannedSteps::of(step)).into_response());
    }
    let (current, new) = (Secret::new(body.current), Secret::new(body.new));
    api.control().change_password(&caller.actor, current, new, client.origin(Kind::Browser)).await?;
    Ok(ok(Nothing {}).into_response())
}
