//! Counts requests before they cost anything, and tells what is left.
//! Source: draft-ietf-httpapi-ratelimit-headers-10 (`RateLimit-Policy`, `RateLimit`), RFC 9110 (`Retry-After`).

use std::time::Duration;

use axum::extract::{MatchedPath, Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use http::{HeaderName, HeaderValue};
use sf_actions::ActorKind;
use sf_runtime::{Left, Rate};
use sf_types::{ErrorKind, Fault};

use crate::caller::{self, Caller};
use crate::fault::Problem;
use crate::layer::address::From;
use crate::rate;
use crate::state::Api;

/// How much a caller may do in which time.
const POLICY: HeaderName = HeaderName::from_static("ratelimit-policy");
/// What is left of it.
const LIMIT: HeaderName = HeaderName::from_static("ratelimit");

/// Routes that cost a password hash, a letter or a row, or guess a secret.
const SIGN_IN: [&str; 10] = [
    "/api/v1/auth/login",
    "/api/v1/auth/login/factor",
    "/api/v1/auth/device",
    "/api/v1/setup",
    "/api/v1/auth/invitation",
    "/api/v1/auth/accept",
    "/api/v1/auth/forgot",
    "/api/v1/auth/reset",
    "/api/v1/auth/password",
    "/oauth/register",
];

/// Before authentication: by address, and more strictly where secrets could be guessed.
pub(crate) async fn by_address(State(api): State<Api>, request: Request, next: Next) -> Response {
    let from = request.extensions().get::<From>().copied();
    let route = request.extensions().get::<MatchedPath>().map(MatchedPath::as_str);
    let guesses = route.is_some_and(|route| SIGN_IN.contains(&route)) && request.method() == http::Method::POST;
    // Where no credential is asked for, one sent along is not checked and must not lift the limit either.
    let is_open = route.is_some_and(|route| caller::is_open(request.method(), route));
    let is_known_later = !is_open && request.headers().contains_key(http::header::AUTHORIZATION);
    let counted = from.and_then(|From(ip)| match (guesses, is_known_later) {
        (true, _) => Some(rate::Caller::sign_in(ip)),
        (false, false) => Some(rate::Caller::address(ip)),
        (false, true) => None,
    });
    count(&api, counted, request, next).await
}

async fn count(api: &Api, counted: Option<rate::Caller>, request: Request, next: Next) -> Response {
    let Some(caller) = counted else { return next.run(request).await };
    match api.limiter().take(caller, api.control().now()) {
        Err(wait) => refuse(wait),
        Ok(left) => {
            let mut response = next.run(request).await;
            tell(&mut response, caller.policy(), api.limiter().rate(caller), left);
            response
        }
    }
}

/// What is left, in the standard's two headers.
fn tell(response: &mut Response, policy: &str, rate: Rate, left: Left) {
    let lines = [
        (POLICY, format!("\"{policy}\";q={};w={}", rate.burst, rate.window().as_secs())),
        (LIMIT, format!("\"{policy}\";r={};t={}", left.at_once, left.full_in.as_secs())),
    ];
    for (name, text) in lines {
        if let Ok(value) = HeaderValue::from_str(&text) {
            response.headers_mut().insert(name, value);
        }
    }
}

/// Counts a credential that was refused: guessing costs as much as asking without one.
pub(crate) fn failed(api: &Api, from: Option<From>) -> Result<(), Duration> {
    let Some(From(ip)) = from else { return Ok(()) };
    api.limiter().take(rate::Caller::address(ip), api.control().now()).map(drop)
}

/// Around an edge that knows its callers itself: a credential that it refused counts as one of ours would.
pub(crate) async fn by_refusal(State(api): State<Api>, request: Request, next: Next) -> Response {
    let from = request.extensions().get::<From>().copied();
    let presented = request.headers().contains_key(http::header::AUTHORIZATION);
    let response = next.run(request).await;
    if presented
        && response.status() == http::StatusCode::UNAUTHORIZED
        && let Err(wait) = failed(&api, from)
    {
        return refuse(wait);
    }
    response
}

/// After authentication: by principal.
pub(crate) async fn by_principal(State(api): State<Api>, request: Request, next: Next) -> Response {
    let counted = request.extensions().get::<Caller>().and_then(|caller| match caller.actor.kind {
        ActorKind::Person { session, .. } => Some(rate::Caller::Session(session)),
        ActorKind::Token { token, .. } | ActorKind::Ai { token, .. } => Some(rate::Caller::Token(token)),
        ActorKind::Workflow { .. } | ActorKind::Trigger { .. } | ActorKind::System => None,
    });
    count(&api, counted, request, next).await
}

fn refuse(wait: Duration) -> Response {
    let secs = wait.as_secs();
    let fault = Fault::new(ErrorKind::RateLimited, "rate.limited", "Too many requests in too short a time.");
    Problem::from(fault.fix(format!("Wait {secs} s."))).retry_after(secs).into_response()
}
