//! Counts requests before they cost anything.

use axum::extract::{MatchedPath, Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use sf_actions::ActorKind;
use sf_types::{ErrorKind, Fault};

use crate::caller::{self, Caller};
use crate::fault::Problem;
use crate::layer::address::From;
use crate::rate;
use crate::state::Api;

/// Routes that cost a password hash or guess a secret.
const SIGN_IN: [&str; 4] = ["/api/v1/auth/login", "/api/v1/auth/login/factor", "/api/v1/auth/device", "/api/v1/setup"];

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
    match counted.map(|caller| api.limiter().take(caller, api.control().now())) {
        Some(Err(secs)) => refuse(secs),
        _ => next.run(request).await,
    }
}

/// Counts a credential that was refused: guessing costs as much as asking without one.
pub(crate) fn failed(api: &Api, from: Option<From>) -> Result<(), u64> {
    let Some(From(ip)) = from else { return Ok(()) };
    api.limiter().take(rate::Caller::address(ip), api.control().now())
}

/// After authentication: by principal.
pub(crate) async fn by_principal(State(api): State<Api>, request: Request, next: Next) -> Response {
    let counted = request.extensions().get::<Caller>().and_then(|caller| match caller.actor.kind {
        ActorKind::Person { session, .. } => Some(rate::Caller::Session(session)),
        ActorKind::Token { token, .. } => Some(rate::Caller::Token(token)),
        ActorKind::Ai { .. } | ActorKind::System => None,
    });
    match counted.map(|caller| api.limiter().take(caller, api.control().now())) {
        Some(Err(secs)) => refuse(secs),
        _ => next.run(request).await,
    }
}

fn refuse(secs: u64) -> Response {
    let fault = Fault::new(ErrorKind::RateLimited, "rate.limited", "Too many requests in too short a time.");
    Problem::from(fault.fix(format!("Wait {secs} s."))).retry_after(secs).into_response()
}
