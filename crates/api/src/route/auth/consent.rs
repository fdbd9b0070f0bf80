//! A person lets an AI host in, or does not.

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::HeaderMap;
use serde::Deserialize;
use sf_actions::{AccessScope, ActorKind, UnknownScope};
use sf_control::sign_in::mcp::{Consent, Wish};
use sf_identity::csrf::CsrfRefusal;
use sf_types::{ErrorKind, Fault};
use subtle::ConstantTimeEq;
use utoipa::{IntoParams, ToSchema};

use super::{Client, Kind};
use crate::body::{Asked, Strict};
use crate::caller::Caller;
use crate::envelope::Envelope;
use crate::envelope::{Result, ok};
use crate::fault::Problem;
use crate::layer::origin::{self, CSRF};
use crate::route::Write;
use crate::state::Api;
use crate::view::host::{ConsentView, DecidedView};
use crate::view::plan::PlannedSteps;

/// What a program asks for, as it stands in the address that it sent its person to.
#[derive(Clone, Debug, Default, Deserialize, IntoParams, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
#[into_params(parameter_in = Query)]
pub struct WishQuery {
    /// `code`.
    response_type: String,
    /// Who: the address of its document, or the id it registered under.
    client_id: String,
    /// Where the answer goes.
    redirect_uri: String,
    /// SHA-256 of its proof, base 64 without padding.
    code_challenge: String,
    /// `S256`.
    code_challenge_method: String,
    /// Scopes, with blanks between them.
    scope: Option<String>,
    /// To be sent back as it is.
    state: Option<String>,
    /// The endpoint it wants a token for.
    resource: String,
}

/// What a person decides about it.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Decide {
    /// What was asked for, as the page was opened with.
    asked: WishQuery,
    /// Whether it is let in.
    allow: bool,
    /// With which scopes.
    #[serde(default)]
    scopes: Vec<String>,
}

impl From<WishQuery> for Wish {
    fn from(asked: WishQuery) -> Self {
        Self {
            response_type: asked.response_type,
            client_id: asked.client_id,
            redirect_uri: asked.redirect_uri,
            code_challenge: asked.code_challenge,
            code_challenge_method: asked.code_challenge_method,
            scope: asked.scope,
            state: asked.state,
            resource: asked.resource,
        }
    }
}

/// What an AI host asks for, to be looked at before it is let in.
#[utoipa::path(get, path = "/api/v1/auth/consent", tag = "auth", operation_id = "getConsent", params(WishQuery),
    responses((status = 200, body = Envelope<ConsentView>)))]
pub async fn get(State(api): State<Api>, caller: Caller, Asked(query): Asked<WishQuery>) -> Result<ConsentView> {
    let considered = api.control().consider(&caller.actor, &query.into()).await?;
    Ok(ok(ConsentView::of(considered)))
}

/// Lets an AI host in, or refuses it. For pages of ours that show their session's CSRF token, and for nobody else: not for
/// keys, not for other sites.
#[utoipa::path(post, path = "/api/v1/auth/consent", tag = "auth", operation_id = "decideConsent", params(Write),
    request_body = Decide,
    responses((status = 200, body = Envelope<DecidedView>)))]
pub async fn decide(
    State(api): State<Api>,
    caller: Caller,
    client: Client,
    headers: HeaderMap,
    Asked(write): Asked<Write>,
    Strict(body): Strict<Decide>,
) -> std::result::Result<Response, Problem> {
    check_page(&api, &caller, &headers)?;
    let wish = body.asked.into();
    if write.is_dry() {
        let considered = api.control().consider(&caller.actor, &wish).await?;
        let step = match body.allow {
            true => {
                format!("Let the program at `{}` act for you, within: {}", considered.redirect, body.scopes.join(", "))
            }
            false => format!("Tell the program at `{}` that you said no", considered.redirect),
        };
        return Ok(ok(PlannedSteps::of(&step)).into_response());
    }
    let consent = if body.allow { Consent::Allow(scopes(&body.scopes)?) } else { Consent::Deny };
    let to = api.control().decide_consent(&caller.actor, &wish, consent, client.origin(Kind::Browser)).await?;
    Ok(ok(DecidedView { redirect_to: to }).into_response())
}

fn scopes(names: &[String]) -> std::result::Result<Vec<AccessScope>, Problem> {
    let read = names.iter().map(|name| name.parse());
    let read: std::result::Result<_, UnknownScope> = read.collect();
    read.map_err(|unknown| Problem::invalid("oauth.scopes", format!("{unknown}.")).field("scopes"))
}

/// A click on our own page: from our origin, with the token of the session that asks. A session's bearer token alone is
/// not enough for this one.
fn check_page(api: &Api, caller: &Caller, headers: &HeaderMap) -> std::result::Result<(), Problem> {
    let ActorKind::Person { session, .. } = caller.actor.kind else {
        let fault =
            Fault::new(ErrorKind::Forbidden, "session.needed", "Only a signed-in person may do this, not a key.");
        return Err(fault.fix("Sign in with your password.").into());
    };
    if !origin::is_own(api, headers, "POST") {
        return Err(CsrfRefusal::Origin.fault().into());
    }
    let shown = headers.get(&CSRF).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let expected = api.control().csrf_token(session);
    if bool::from(shown.as_bytes().ct_eq(expected.as_bytes())) {
        Ok(())
    } else {
        Err(CsrfRefusal::Token.fault().into())
    }
}
