//! The first administrator.

use axum::extract::State;
use axum::response::Response;
use serde::{Deserialize, Serialize};
use sf_types::Secret;
use utoipa::ToSchema;

use super::Client;
use crate::body::Strict;
use crate::envelope::{Envelope, Result, ok};
use crate::fault::Problem;
use crate::state::Api;
use crate::view::user::SignedInView;

/// Whether there is nobody yet.
#[derive(Clone, Copy, Debug, Serialize, ToSchema)]
#[schema(as = SetupState)]
pub struct SetupView {
    /// The first administrator is still to be made.
    pub needed: bool,
}

/// The first administrator.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SetUp {
    /// The code the control plane printed at its start.
    code: String,
    /// Their address.
    email: String,
    /// What they are called.
    name: String,
    /// At least 15 characters.
    password: String,
    /// `browser` (default) or `cli`.
    #[serde(default)]
    kind: super::Kind,
}

/// Whether the first administrator is still to be made.
#[utoipa::path(get, path = "/api/v1/setup", tag = "auth", operation_id = "setupState", security(()),
    responses((status = 200, body = Envelope<SetupView>)))]
pub async fn get(State(api): State<Api>) -> Result<SetupView> {
    Ok(ok(SetupView { needed: api.control().needs_setup().await? }))
}

/// Makes the first administrator and signs them in.
#[utoipa::path(post, path = "/api/v1/setup", tag = "auth", operation_id = "setUp", security(()),
    request_body = SetUp, responses((status = 201, body = Envelope<SignedInView>)))]
pub async fn post(
    State(api): State<Api>,
    client: Client,
    Strict(body): Strict<SetUp>,
) -> std::result::Result<Response, Problem> {
    let SetUp { code, email, name, password, kind } = body;
    let origin = client.origin(kind);
    let signed_in = api.control().set_up(&code, &email, &name, Secret::new(password), origin).await?;
    Ok(super::answer(&api, signed_in, kind, http::StatusCode::CREATED))
}
