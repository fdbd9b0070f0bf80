//! Second factors: the second step of signing in, and setting up one's own.

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use serde::Deserialize;
use sf_actions::Action;
use sf_actions::factor::{FactorAction, PersonRef};
use sf_control::sign_in::Method;
use sf_types::{Secret, UserId};
use utoipa::ToSchema;

use super::{Client, Kind, answer};
use crate::body::{Asked, Id, Strict};
use crate::caller::Caller;
use crate::envelope::{Envelope, Result, created, ok};
use crate::fault::Problem;
use crate::route::{Carried, Write, propose};
use crate::state::Api;
use crate::view::Nothing;
use crate::view::plan::PlannedSteps;
use crate::view::sign_in::{FactorsView, NewTotpView, RecoveryCodesView};
use crate::view::user::SignedInView;

/// How a second factor is shown.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub enum Way {
    /// A code of the authenticator app.
    Totp,
    /// A recovery code.
    Recovery,
}

/// The answer to the question for a second factor.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct FactorLogin {
    /// `sft_…`, from `POST /auth/login`.
    ticket: String,
    /// The code.
    code: String,
    /// What kind of code.
    method: Way,
    /// `browser` (default) or `cli`.
    #[serde(default)]
    kind: Kind,
}

/// One's password, once more.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct PasswordAgain {
    /// The password.
    password: String,
}

/// A code.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Code {
    /// Of the authenticator app; a recovery code where one is taken.
    code: String,
}

/// Answers the question for a second factor.
#[utoipa::path(post, path = "/api/v1/auth/login/factor", tag = "auth", operation_id = "loginFactor", security(()),
    request_body = FactorLogin, responses((status = 200, body = Envelope<SignedInView>)))]
pub async fn login(
    State(api): State<Api>,
    client: Client,
    Strict(body): Strict<FactorLogin>,
) -> std::result::Result<Response, Problem> {
    let method = match body.method {
        Way::Totp => Method::Totp,
        Way::Recovery => Method::Recovery,
    };
    let origin = client.origin(body.kind);
    let signed_in = api.control().sign_in_with_code(&body.ticket, method, &body.code, origin).await?;
    Ok(answer(&api, signed_in, body.kind, StatusCode::OK))
}

/// One's own second factors.
#[utoipa::path(get, path = "/api/v1/auth/factors", tag = "factors", operation_id = "factors",
    responses((status = 200, body = Envelope<FactorsView>)))]
pub async fn get(State(api): State<Api>, caller: Caller) -> Result<FactorsView> {
    Ok(ok(api.control().factors(&caller.actor).await?.into()))
}

/// Begins to set up an authenticator app. It counts once a code confirmed it.
#[utoipa::path(post, path = "/api/v1/auth/factors/totp", tag = "factors", operation_id = "addTotp",
    params(Write), request_body = PasswordAgain, responses((status = 201, body = Envelope<NewTotpView>)))]
pub async fn add(
    State(api): State<Api>,
    caller: Caller,
    client: Client,
    Asked(write): Asked<Write>,
    Strict(body): Strict<PasswordAgain>,
) -> std::result::Result<Response, Problem> {
    if write.is_dry() {
        api.control().may_add_totp(&caller.actor).await?;
        let step = "Begin to set up an authenticator app, if the password is right; it counts once a code confirms it";
        return Ok(ok(PlannedSteps::of(step)).into_response());
    }
    let origin = client.origin(Kind::Browser);
    let made: NewTotpView = api.control().add_totp(&caller.actor, Secret::new(body.password), origin).await?.into();
    Ok(created(made).into_response())
}

/// Confirms the authenticator app with its first code.
#[utoipa::path(post, path = "/api/v1/auth/factors/totp/confirm", tag = "factors", operation_id = "confirmTotp",
    params(Write), request_body = Code, responses((status = 200, body = Envelope<RecoveryCodesView>)))]
pub async fn confirm(
    State(api): State<Api>,
    caller: Caller,
    client: Client,
    Asked(write): Asked<Write>,
    Strict(body): Strict<Code>,
) -> std::result::Result<Response, Problem> {
    if write.is_dry() {
        api.control().may_add_totp(&caller.actor).await?;
        let step = "Ask for a code at each sign-in, if this one is right, and show recovery codes once";
        return Ok(ok(PlannedSteps::of(step)).into_response());
    }
    let origin = client.origin(Kind::Browser);
    let codes: RecoveryCodesView = api.control().confirm_totp(&caller.actor, &body.code, origin).await?.into();
    Ok(ok(codes).into_response())
}

/// Makes new recovery codes in place of all earlier ones.
#[utoipa::path(post, path = "/api/v1/auth/factors/recovery-codes", tag = "factors",
    operation_id = "newRecoveryCodes", params(Write), request_body = Code,
    responses((status = 200, body = Envelope<RecoveryCodesView>)))]
pub async fn recovery_codes(
    State(api): State<Api>,
    caller: Caller,
    client: Client,
    Asked(write): Asked<Write>,
    Strict(body): Strict<Code>,
) -> std::result::Result<Response, Problem> {
    if write.is_dry() {
        let left = api.control().factors_in_use(&caller.actor).await?.recovery_codes_left;
        let step = "Make new recovery codes, if the code is right, and show them once";
        return Ok(ok(PlannedSteps::of(step).losing(format!("{left} recovery codes that are left"))).into_response());
    }
    let origin = client.origin(Kind::Browser);
    let codes: RecoveryCodesView = api.control().new_recovery_codes(&caller.actor, &body.code, origin).await?.into();
    Ok(ok(codes).into_response())
}

/// Turns the authenticator app off.
#[utoipa::path(delete, path = "/api/v1/auth/factors/totp", tag = "factors", operation_id = "removeTotp",
    params(Write), request_body = Code, responses((status = 200, body = Envelope<Nothing>)))]
pub async fn remove(
    State(api): State<Api>,
    caller: Caller,
    client: Client,
    Asked(write): Asked<Write>,
    Strict(body): Strict<Code>,
) -> std::result::Result<Response, Problem> {
    if write.is_dry() {
        let left = api.control().factors_in_use(&caller.actor).await?.recovery_codes_left;
        let step = "Turn the authenticator app off, if the code is right: the password alone signs you in";
        let plan = PlannedSteps::of(step).losing(format!("the authenticator app and {left} recovery codes"));
        return Ok(ok(plan).into_response());
    }
    let origin = client.origin(Kind::Browser);
    api.control().remove_totp(&caller.actor, &body.code, origin).await?;
    Ok(ok(Nothing {}).into_response())
}

/// Takes somebody's second factors away, for who has lost phone and recovery codes.
#[utoipa::path(post, path = "/api/v1/users/{id}/reset-factors", tag = "users", operation_id = "resetFactors",
    params(("id" = uuid::Uuid, Path), Write), responses((status = 200, body = Envelope<Nothing>)))]
pub async fn reset(
    State(api): State<Api>,
    caller: Caller,
    Id(user): Id<UserId>,
    Asked(write): Asked<Write>,
) -> std::result::Result<Response, Problem> {
    let action = Action::Factor(FactorAction::Reset(PersonRef { user }));
    match propose(&api, &caller, write, action).await? {
        Carried::Answered(response) => Ok(response),
        Carried::Done(_) => Ok(ok(Nothing {}).into_response()),
    }
}
