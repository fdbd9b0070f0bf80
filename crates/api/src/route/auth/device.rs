//! Signing a CLI in by a code. In the spirit of RFC 8628.

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::{HeaderMap, StatusCode, header};
use serde::Deserialize;
use sf_control::sign_in::Polled;
use sf_types::Name;
use utoipa::{IntoParams, ToSchema};

use super::{Client, Kind, answer};
use crate::body::{Asked, Strict};
use crate::caller::Caller;
use crate::envelope::{Envelope, Result, ok};
use crate::fault::Problem;
use crate::route::Write;
use crate::state::Api;
use crate::view::Nothing;
use crate::view::plan::PlannedSteps;
use crate::view::sign_in::{DeviceLoginView, WaitingDeviceView};
use crate::view::user::SignedInView;

/// A program that wants to be signed in.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct BeginDevice {
    /// What it is and where it runs, for the person who decides: `serverflow on laptop`.
    #[schema(value_type = String)]
    client: Name,
}

/// A program that asks.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct PollDevice {
    /// `sfd_…`, from `POST /auth/device`.
    device_code: String,
}

/// The code a person typed.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct DecideDevice {
    /// As the program shows it; case and hyphens do not matter.
    user_code: String,
}

/// Which program.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct FindDevice {
    /// As the program shows it; case and hyphens do not matter.
    user_code: String,
}

/// Begins to sign a program in by a code.
#[utoipa::path(post, path = "/api/v1/auth/device", tag = "auth", operation_id = "beginDevice", security(()),
    request_body = BeginDevice, responses((status = 200, body = Envelope<DeviceLoginView>)))]
pub async fn begin(
    State(api): State<Api>,
    client: Client,
    headers: HeaderMap,
    Strict(body): Strict<BeginDevice>,
) -> Result<DeviceLoginView> {
    let login = api.control().begin_device_login(&body.client, client.origin(Kind::Cli)).await?;
    Ok(ok(DeviceLoginView::of(login, &base(&api, &headers))))
}

/// Asks whether a person approved; the session is in the answer once.
#[utoipa::path(post, path = "/api/v1/auth/device/token", tag = "auth", operation_id = "pollDevice", security(()),
    request_body = PollDevice, responses((status = 200, body = Envelope<SignedInView>),
    (status = 400, description = "device.pending, device.slow_down, device.denied or device.expired")))]
pub async fn poll(
    State(api): State<Api>,
    client: Client,
    Strict(body): Strict<PollDevice>,
) -> std::result::Result<Response, Problem> {
    match api.control().poll_device_login(&body.device_code, client.origin(Kind::Cli)).await? {
        Polled::SignedIn(signed_in) => Ok(answer(&api, *signed_in, Kind::Cli, StatusCode::OK)),
        Polled::Refused(fault) => Err(fault.into()),
    }
}

/// The program that waits with a code, to be looked at before it is approved.
#[utoipa::path(get, path = "/api/v1/auth/device", tag = "auth", operation_id = "findDevice", params(FindDevice),
    responses((status = 200, body = Envelope<WaitingDeviceView>)))]
pub async fn find(
    State(api): State<Api>,
    caller: Caller,
    Asked(query): Asked<FindDevice>,
) -> Result<WaitingDeviceView> {
    Ok(ok(api.control().device_login(&caller.actor, &query.user_code).await?.into()))
}

/// Signs the program that waits with a code in as oneself.
#[utoipa::path(post, path = "/api/v1/auth/device/approve", tag = "auth", operation_id = "approveDeviceLogin",
    params(Write), request_body = DecideDevice, responses((status = 200, body = Envelope<Nothing>)))]
pub async fn approve(
    State(api): State<Api>,
    caller: Caller,
    client: Client,
    Asked(write): Asked<Write>,
    Strict(body): Strict<DecideDevice>,
) -> std::result::Result<Response, Problem> {
    if write.is_dry() {
        let login = api.control().device_login(&caller.actor, &body.user_code).await?;
        let step = format!("Sign `{}` in as you; it may do what you may do until its session ends", login.client);
        return Ok(ok(PlannedSteps::of(&step)).into_response());
    }
    let origin = client.origin(Kind::Browser);
    api.control().decide_device_login(&caller.actor, &body.user_code, true, origin).await?;
    Ok(ok(Nothing {}).into_response())
}

/// Refuses the program that waits with a code.
#[utoipa::path(post, path = "/api/v1/auth/device/deny", tag = "auth", operation_id = "denyDeviceLogin",
    params(Write), request_body = DecideDevice, responses((status = 200, body = Envelope<Nothing>)))]
pub async fn deny(
    State(api): State<Api>,
    caller: Caller,
    client: Client,
    Asked(write): Asked<Write>,
    Strict(body): Strict<DecideDevice>,
) -> std::result::Result<Response, Problem> {
    if write.is_dry() {
        let login = api.control().device_login(&caller.actor, &body.user_code).await?;
        let step = format!("Refuse `{}`: its code is worth nothing any more", login.client);
        return Ok(ok(PlannedSteps::of(&step)).into_response());
    }
    let origin = client.origin(Kind::Browser);
    api.control().decide_device_login(&caller.actor, &body.user_code, false, origin).await?;
    Ok(ok(Nothing {}).into_response())
}

/// The dashboard's address as the program itself reached it; the host was checked before.
fn base(api: &Api, headers: &HeaderMap) -> String {
    let scheme = if api.options().https { "https" } else { "http" };
    let host = headers.get(header::HOST).and_then(|value| value.to_str().ok()).unwrap_or("localhost");
    format!("{scheme}://{host}")
}
