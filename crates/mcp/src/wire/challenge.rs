//! Answers of the door itself, before or instead of one of the protocol: each is a status that the protocol names, and a
//! JSON-RPC error with what to do.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use axum::body::Body;
use axum::response::Response;
use http::{HeaderValue, StatusCode, header};
use serde_json::{Value, json};
use sf_actions::AccessScope;
use sf_types::{ErrorKind, Fault};

/// Where a call says which scopes it lacks: it is answered inside of what knows no status.
#[derive(Clone, Debug, Default)]
pub(super) struct Lacking(Arc<OnceLock<Vec<AccessScope>>>);

impl Lacking {
    pub(super) fn say(&self, scopes: Vec<AccessScope>) {
        drop(self.0.set(scopes));
    }

    pub(super) fn said(&self) -> Option<&[AccessScope]> {
        self.0.get().map(Vec::as_slice)
    }
}

/// Codes of JSON-RPC 2.0, section 5.1; the last two are of those it leaves to servers.
pub(super) mod code {
    /// Not JSON.
    pub const PARSE: i64 = -32700;
    /// JSON, and no message.
    pub const INVALID: i64 = -32600;
    /// Our own trouble.
    pub const INTERNAL: i64 = -32603;
    /// Whoever calls may not, or not now.
    pub const REFUSED: i64 = -32000;
    /// No such session, as the other implementations say it.
    pub const SESSION: i64 = -32001;
}

/// An error with an HTTP status.
pub(super) fn refuse(status: StatusCode, code: i64, id: Option<Value>, fault: &Fault) -> Response {
    let error = json!({ "jsonrpc": "2.0", "id": id, "error": {
        "code": code,
        "message": format!("{} {}", fault.message, fault.fix).trim(),
        "data": { "code": fault.code, "fix": fault.fix },
    }});
    let mut response = Response::new(Body::from(error.to_string()));
    *response.status_mut() = status;
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}

/// Nobody we know: where to get a token, and for what. Source: RFC 9728, section 5.1; RFC 6750, section 3.
pub(super) fn unknown(metadata: &str, presented: bool, fault: &Fault) -> Response {
    let error = if presented { ", error=\"invalid_token\"" } else { "" };
    let first = AccessScope::FIRST.map(AccessScope::name).join(" ");
    let value = format!("Bearer resource_metadata=\"{metadata}\", scope=\"{first}\"{error}");
    challenged(refuse(StatusCode::UNAUTHORIZED, code::REFUSED, None, fault), &value)
}

/// Somebody who needs more: all that this call needs, at once. Source: RFC 6750, section 3.1.
pub(super) fn step_up(metadata: &str, needed: &[AccessScope], id: Option<Value>) -> Response {
    let scopes = needed.iter().map(|scope| scope.name()).collect::<Vec<_>>().join(" ");
    let message = format!("This call needs what was not granted: {scopes}.");
    let fault = Fault::new(ErrorKind::Forbidden, "access.scope", message)
        .fix("Ask your person to grant it: connect again with these scopes, or use a key that has these rights.");
    let value = format!("Bearer error=\"insufficient_scope\", scope=\"{scopes}\", resource_metadata=\"{metadata}\"");
    challenged(refuse(StatusCode::FORBIDDEN, code::REFUSED, id, &fault), &value)
}

/// Too much in too short a time.
pub(super) fn slow_down(wait: Duration, id: Option<Value>) -> Response {
    let fault = Fault::new(ErrorKind::RateLimited, "rate.limited", "Too many requests in too short a time.")
        .fix(format!("Wait {} s. Asking again is safe.", wait.as_secs()));
    later(refuse(StatusCode::TOO_MANY_REQUESTS, code::REFUSED, id, &fault), wait)
}

/// Too many sessions of everybody.
pub(super) fn full(id: Option<Value>) -> Response {
    let fault = Fault::new(ErrorKind::Unavailable, "mcp.sessions", "There are too many open sessions.")
        .fix("Try again in a minute, or use protocol 2026-07-28, which needs no session.");
    later(refuse(StatusCode::SERVICE_UNAVAILABLE, code::REFUSED, id, &fault), Duration::from_secs(60))
}

/// A session that is over, or somebody else's.
pub(super) fn no_session(id: Option<Value>) -> Response {
    let fault = Fault::new(ErrorKind::NotFound, "mcp.session", "There is no such session.");
    refuse(StatusCode::NOT_FOUND, code::SESSION, id, &fault.fix("Initialize a new one."))
}

fn challenged(mut response: Response, value: &str) -> Response {
    if let Ok(value) = HeaderValue::from_str(value) {
        response.headers_mut().insert(header::WWW_AUTHENTICATE, value);
    }
    response
}

fn later(mut response: Response, wait: Duration) -> Response {
    response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(wait.as_secs()));
    response
}
