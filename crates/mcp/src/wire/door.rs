//! What every request passes on its way to the protocol, in this order: who it is, whose session, how often; and on the way
//! back, what it lacked.

use std::collections::BTreeSet;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::body::{Body, Bytes, to_bytes};
use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::Response;
use futures_util::StreamExt;
use http::request::Parts;
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use sf_control::Control;
use sf_types::{ErrorKind, Fault};

use super::challenge::{self, Lacking, code};
use super::glance::{Glance, NoMessage};
use super::rates::{Counted, Limiter, Principal};
use super::sessions::Sessions;
use super::{MAX_BODY_BYTES, WireOptions, numbers};
use crate::call::Caller;

const SESSION: HeaderName = HeaderName::from_static("mcp-session-id");
const VERSION: HeaderName = HeaderName::from_static("mcp-protocol-version");
const UNBUFFERED: HeaderName = HeaderName::from_static("x-accel-buffering");
/// The first revision without sessions. They are dates, so they compare as text.
const STATELESS: &str = "2026-07-28";
/// What a request without a message is counted as.
const STREAM: &str = "stream";
/// How long it may take until a call is known to lack nothing.
const SETTLES_WITHIN: Duration = Duration::from_millis(500);
/// Characters of a client's own name that are kept.
const MAX_CLIENT_CHARS: usize = 120;

/// What it needs to know.
#[derive(Clone)]
pub(super) struct Door {
    pub(super) control: Control,
    pub(super) options: WireOptions,
    pub(super) sessions: Arc<Sessions>,
    pub(super) rates: Arc<Limiter>,
    pub(super) tools: Arc<BTreeSet<&'static str>>,
}

/// The layer.
pub(super) async fn pass(State(door): State<Door>, request: Request, next: Next) -> Response {
    let began = Instant::now();
    let (mut parts, body) = request.into_parts();
    let caller = match door.know(&parts).await {
        Ok(caller) => caller,
        Err(response) => return door.counted("unknown", None, began, response),
    };
    let glance = match look(&parts, body).await {
        Ok(seen) => seen,
        Err(response) => return door.counted("unreadable", None, began, response),
    };
    let (glance, bytes) = glance;
    let method = glance.as_ref().map_or(STREAM, |glance| glance.method);
    let tool = glance.as_ref().and_then(|glance| glance.tool.clone());
    let response = match door.admit(&mut parts, caller, glance.as_ref()).await {
        Ok(lacking) => {
            let id = glance.and_then(|glance| glance.id);
            let response = next.run(Request::from_parts(parts, Body::from(bytes))).await;
            let response = begun(response, tool.is_some()).await;
            match lacking.said() {
                Some(needed) => challenge::step_up(&door.options.metadata(), needed, id),
                None => as_specified(response),
            }
        }
        Err(response) => response,
    };
    door.counted(method, tool.as_deref(), began, response)
}

impl Door {
    /// Who sent it.
    async fn know(&self, parts: &Parts) -> Result<Caller, Response> {
        let presented = bearer(&parts.headers);
        let refused = |fault: &Fault| challenge::unknown(&self.options.metadata(), presented.is_some(), fault);
        let Some(text) = presented else {
            let fault = Fault::new(ErrorKind::Unauthenticated, "auth.missing", "This needs a credential.");
            return Err(refused(
                &fault.fix("Connect through the sign-in page, or send an API key: Authorization: Bearer sf_..."),
            ));
        };
        let address = parts.extensions.get::<IpAddr>().copied();
        let known = self.control.mcp_caller(&self.options.resource(), text, address).await;
        let known = known.map_err(|fault| match fault.kind {
            ErrorKind::Unauthenticated => refused(&fault),
            ErrorKind::Forbidden => challenge::refuse(StatusCode::FORBIDDEN, code::REFUSED, None, &fault),
            _ => challenge::refuse(StatusCode::SERVICE_UNAVAILABLE, code::INTERNAL, None, &fault),
        })?;
        let client = known.client.chars().take(MAX_CLIENT_CHARS).collect();
        Ok(Caller { actor: known.actor, scopes: known.scopes.into(), client })
    }

    /// Whether it may come in now; puts what the protocol's side needs beside the request.
    async fn admit(&self, parts: &mut Parts, caller: Caller, glance: Option<&Glance>) -> Result<Lacking, Response> {
        let id = || glance.and_then(|glance| glance.id.clone());
        let Some(principal) = Principal::of(&caller.actor) else {
            let fault = Fault::new(ErrorKind::Forbidden, "access.actor", "Only AI hosts call here.");
            return Err(challenge::refuse(StatusCode::FORBIDDEN, code::REFUSED, id(), &fault.fix("Use the REST API.")));
        };
        self.rates
            .take((principal, &caller), Counted::Request, self.called(glance), self.control.now())
            .map_err(|wait| challenge::slow_down(wait, id()))?;
        let version = parts.headers.get(&VERSION).and_then(|value| value.to_str().ok());
        if version.is_some_and(|version| version >= STATELESS) {
            // No session may be reached by it, so whose it is need not be known.
            parts.headers.remove(&SESSION);
        }
        if let Some(session) = parts.headers.get(&SESSION) {
            if !session.to_str().is_ok_and(|session| self.sessions.is_of(session, principal)) {
                return Err(challenge::no_session(id()));
            }
        } else if glance.is_some_and(|glance| glance.method == "initialize") {
            let room = self.sessions.make_room(principal).await.ok_or_else(|| challenge::full(id()))?;
            parts.extensions.insert(room);
        }
        let lacking = Lacking::default();
        parts.extensions.insert(caller);
        parts.extensions.insert(lacking.clone());
        Ok(lacking)
    }

    /// What stands for a request where it is noted: the tool that it calls, else its method.
    fn called(&self, glance: Option<&Glance>) -> &'static str {
        match glance {
            None => STREAM,
            Some(Glance { tool: Some(tool), .. }) => self.tools.get(tool.as_str()).copied().unwrap_or("?"),
            Some(glance) => glance.method,
        }
    }

    /// Counts it.
    fn counted(&self, method: &'static str, tool: Option<&str>, began: Instant, response: Response) -> Response {
        let tool = tool.map_or("", |tool| self.tools.get(tool).copied().unwrap_or("other"));
        numbers::answered(method, tool, response.status().as_u16(), began.elapsed());
        numbers::sessions(self.sessions.count());
        tracing::debug!(target: "mcp", method, tool, status = response.status().as_u16(), "answered");
        response
    }
}

/// The body and what can be seen of it. Streams that are only listened to have none.
async fn look(parts: &Parts, body: Body) -> Result<(Option<Glance>, Bytes), Response> {
    let bytes = to_bytes(body, MAX_BODY_BYTES).await.map_err(|_| {
        let message = format!("A message has at most {MAX_BODY_BYTES} bytes.");
        let fault = Fault::new(ErrorKind::TooLarge, "body.too_large", message).fix("Send less at once.");
        challenge::refuse(StatusCode::PAYLOAD_TOO_LARGE, code::INVALID, None, &fault)
    })?;
    if parts.method != Method::POST {
        return Ok((None, bytes));
    }
    let glance = Glance::at(&bytes).map_err(|why| {
        let (code, message) = match why {
            NoMessage::Unreadable => (code::PARSE, "This is no JSON."),
            NoMessage::Other => (code::INVALID, "This is no message of JSON-RPC 2.0."),
            NoMessage::Batch => (code::INVALID, "Messages come one by one: batches are not taken."),
        };
        let fault = Fault::new(ErrorKind::Invalid, "mcp.message", message).fix("Send one JSON-RPC message.");
        challenge::refuse(StatusCode::BAD_REQUEST, code, None, &fault)
    })?;
    Ok((Some(glance), bytes))
}

/// Waits a moment until an answer that is a stream has begun: what a call lacks is known before anything is done, and has to
/// be told by the status. A host that is to come back later is told where without waiting for the end of a long call.
async fn begun(response: Response, is_call: bool) -> Response {
    let is_stream = response
        .headers()
        .get(header::CONTENT_TYPE)
        .is_some_and(|value| value.as_bytes().starts_with(b"text/event-stream"));
    if !is_stream {
        return response;
    }
    let (mut parts, body) = response.into_parts();
    parts.headers.insert(UNBUFFERED, HeaderValue::from_static("no"));
    if !is_call {
        return Response::from_parts(parts, body);
    }
    let mut stream = body.into_data_stream();
    let mut read = Vec::new();
    let first = async {
        while let Some(piece) = stream.next().await {
            let is_over = piece.as_ref().map_or(true, |piece| !is_prelude(piece));
            read.push(piece);
            if is_over {
                break;
            }
        }
    };
    // Whether in time or not: what was read goes first.
    drop(tokio::time::timeout(SETTLES_WITHIN, first).await);
    Response::from_parts(parts, Body::from_stream(futures_util::stream::iter(read).chain(stream)))
}

/// Where to come back to, which an answer of the older protocol begins with: an event without data.
fn is_prelude(piece: &Bytes) -> bool {
    let text = String::from_utf8_lossy(piece);
    !text.starts_with(':')
        && text.lines().filter_map(|line| line.strip_prefix("data:")).all(|data| data.trim().is_empty())
}

/// What is JSON and no message is a bad request, not an unknown kind of medium.
fn as_specified(response: Response) -> Response {
    if response.status() != StatusCode::UNSUPPORTED_MEDIA_TYPE {
        return response;
    }
    let fault = Fault::new(ErrorKind::Invalid, "mcp.message", "This is no message of the Model Context Protocol.");
    let fault = fault.fix("Send one JSON-RPC 2.0 message as application/json.");
    challenge::refuse(StatusCode::BAD_REQUEST, code::INVALID, None, &fault)
}

/// The text after `Bearer `.
fn bearer(headers: &HeaderMap) -> Option<&str> {
    let value = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    let (scheme, token) = value.split_once(' ')?;
    (scheme.eq_ignore_ascii_case("bearer") && !token.trim().is_empty()).then(|| token.trim())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_begins_with_its_first_words() {
        for (piece, expected) in [
            ("id: 0/0\nretry: 3000\ndata: \n\n", true),
            ("data:\nretry: 3000\n\n", true),
            ("data: {\"jsonrpc\":\"2.0\"}\n\n", false),
            (":\n\n", false),
            (": ping\n\n", false),
        ] {
            assert_eq!(is_prelude(&Bytes::from(piece)), expected, "{piece:?}");
        }
    }
}
