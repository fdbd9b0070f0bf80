//! Who is asking. The only place that knows credentials.

use std::net::IpAddr;

use axum::extract::{FromRequestParts, MatchedPath, Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use http::request::Parts;
use http::{HeaderMap, Method, header};
use sf_actions::{Actor, ActorKind};
use sf_control::sign_in::Duty;
use sf_identity::Audience;
use sf_types::{ErrorKind, Fault, RequestId};

use crate::fault::Problem;
use crate::layer::address::From;
use crate::layer::rates;
use crate::state::Api;

/// Routes that answer without a credential. Everything else asks for one, also what is added later. The files of
/// [`crate::dashboard`] are no routes: they stand behind all of them and hold no data.
pub const OPEN: &[(Method, &str)] = &[
    (Method::GET, "/api/v1/health"),
    (Method::GET, "/api/v1/setup"),
    (Method::POST, "/api/v1/setup"),
    (Method::POST, "/api/v1/auth/login"),
    // Asks for a ticket that a right password gave.
    (Method::POST, "/api/v1/auth/login/factor"),
    (Method::POST, "/api/v1/auth/device"),
    // Asks for a device code.
    (Method::POST, "/api/v1/auth/device/token"),
    (Method::POST, "/api/v1/auth/refresh"),
    (Method::POST, "/api/v1/auth/logout"),
    (Method::POST, "/api/v1/auth/invitation"),
    (Method::POST, "/api/v1/auth/accept"),
    (Method::POST, "/api/v1/auth/forgot"),
    (Method::POST, "/api/v1/auth/reset"),
    (Method::GET, "/api/v1/openapi.json"),
    // Asks for a credential itself: a browser brings it in another header there.
    (Method::GET, "/api/v1/ws"),
    // Asks for a token in its first frame.
    (Method::GET, "/api/servers/{id}/ws"),
    // Asks for a signature over the request.
    (Method::POST, "/api/v1/hooks/{id}"),
    (Method::POST, "/api/v1/hooks/apps/{id}"),
    // The link is the credential, once.
    (Method::GET, "/api/v1/downloads/{token}"),
    // Has a token of its own.
    (Method::GET, "/metrics"),
    // What an AI host has to know before anybody has let it in, and what it redeems then: a code or a token is the credential.
    (Method::GET, "/.well-known/oauth-protected-resource"),
    (Method::GET, "/.well-known/oauth-protected-resource/mcp/v1"),
    (Method::GET, "/.well-known/oauth-authorization-server"),
    (Method::GET, "/oauth/authorize"),
    (Method::POST, "/oauth/token"),
    (Method::POST, "/oauth/register"),
    (Method::POST, "/oauth/revoke"),
];

/// Routes that answer a session (and no key) that has to do something first ([`Duty`]), and that duty; everything else is refused to
/// it. Signing out is [`OPEN`].
pub const OWING: &[(Method, &str, &[Duty])] = &[
    (Method::GET, "/api/v1/auth/me", &[Duty::Password, Duty::Factor]),
    (Method::POST, "/api/v1/auth/password", &[Duty::Password, Duty::Factor]),
    (Method::GET, "/api/v1/auth/factors", &[Duty::Factor]),
    (Method::POST, "/api/v1/auth/factors/totp", &[Duty::Factor]),
    (Method::POST, "/api/v1/auth/factors/totp/confirm", &[Duty::Factor]),
];

/// Whether a route answers without a credential.
pub fn is_open(method: &Method, route: &str) -> bool {
    OPEN.iter().any(|(open, path)| open == method && *path == route)
}

/// An authenticated request.
#[derive(Clone, Debug)]
pub struct Caller {
    /// Who.
    pub actor: Actor,
    /// What they have to do first, on the routes that answer them nevertheless.
    pub owes: Option<Duty>,
    /// Through which request.
    pub request: RequestId,
    /// The request's `Idempotency-Key`, once it was begun.
    pub key: Option<String>,
}

/// A principal whose credential was good a moment ago.
#[derive(Clone, Debug)]
pub struct Known {
    /// Who.
    pub actor: Actor,
    /// From where.
    pub(crate) address: Option<IpAddr>,
}

/// The layer: nobody passes without a credential but to [`OPEN`].
pub(crate) async fn require(State(api): State<Api>, mut request: Request, next: Next) -> Response {
    let route = request.extensions().get::<MatchedPath>().map(MatchedPath::as_str).unwrap_or_default();
    if is_open(request.method(), route) {
        return next.run(request).await;
    }
    let from = request.extensions().get::<From>().copied();
    let token = bearer(request.headers()).map(str::to_owned);
    let known = match token {
        Some(token) => authenticate_owing(&api, &token, &[Audience::Api], from).await,
        None => Err(missing()),
    };
    match known {
        Ok((known, Some(duty))) if !is_session(&known.actor) || !is_open_to(duty, request.method(), route) => {
            Problem::from(duty.fault()).into_response()
        }
        Ok((known, owes)) => {
            let request_id = crate::request::current().id;
            request.extensions_mut().insert(Caller { actor: known.actor, owes, request: request_id, key: None });
            next.run(request).await
        }
        Err(problem) => problem.into_response(),
    }
}

const fn is_session(actor: &Actor) -> bool {
    matches!(actor.kind, ActorKind::Person { .. })
}

fn is_open_to(duty: Duty, method: &Method, route: &str) -> bool {
    OWING.iter().any(|(open, path, duties)| open == method && *path == route && duties.contains(&duty))
}

/// The text after `Bearer `.
pub(crate) fn bearer(headers: &HeaderMap) -> Option<&str> {
    let value = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    let (scheme, token) = value.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}

/// Checks a credential; one that is refused counts against its address.
pub(crate) async fn authenticate(
    api: &Api,
    token: &str,
    audiences: &[Audience],
    from: Option<From>,
) -> Result<Known, Problem> {
    done(authenticate_owing(api, token, audiences, from).await?)
}

/// The same, also for who has to do something first.
async fn authenticate_owing(
    api: &Api,
    token: &str,
    audiences: &[Audience],
    from: Option<From>,
) -> Result<(Known, Option<Duty>), Problem> {
    let checked = recheck_owing(api, token, audiences, from.map(|from| from.0)).await;
    if checked.is_err()
        && let Err(wait) = rates::failed(api, from)
    {
        let secs = wait.as_secs();
        let fault = Fault::new(ErrorKind::RateLimited, "rate.limited", "Too many refused credentials.");
        return Err(Problem::from(fault.fix(format!("Wait {secs} s."))).retry_after(secs));
    }
    checked
}

/// Checks a credential, also one that was accepted before, for any of `audiences`.
pub(crate) async fn recheck(
    api: &Api,
    token: &str,
    audiences: &[Audience],
    address: Option<IpAddr>,
) -> Result<Known, Problem> {
    done(recheck_owing(api, token, audiences, address).await?)
}

fn done((known, owes): (Known, Option<Duty>)) -> Result<Known, Problem> {
    owes.map_or(Ok(known), |duty| Err(duty.fault().into()))
}

/// The same, also for who has to do something first.
pub(crate) async fn recheck_owing(
    api: &Api,
    token: &str,
    audiences: &[Audience],
    address: Option<IpAddr>,
) -> Result<(Known, Option<Duty>), Problem> {
    let mut refused = missing();
    for audience in audiences {
        match api.control().authenticate_owing(*audience, token, address).await {
            Ok((actor, owes)) => return Ok((Known { actor, address }, owes)),
            // Not knowing is not the same as knowing that it is bad.
            Err(fault) if fault.kind != ErrorKind::Unauthenticated => return Err(fault.into()),
            Err(fault) => refused = fault.into(),
        }
    }
    Err(refused)
}

/// No credential at all.
pub(crate) fn missing() -> Problem {
    let fault = Fault::new(ErrorKind::Unauthenticated, "auth.missing", "This needs a credential.");
    fault.fix("Sign in, or send Authorization: Bearer <token>.").into()
}

impl FromRequestParts<Api> for Caller {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &Api) -> Result<Self, Problem> {
        parts.extensions.get::<Self>().cloned().ok_or_else(missing)
    }
}
