//! `Idempotency-Key`: a repeated write is answered with what it was answered first, and done once.

use axum::body::Body;
use axum::extract::{MatchedPath, Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::{HeaderName, HeaderValue, Method, StatusCode, header};
use serde::{Deserialize, Serialize};
use sf_control::key as keys;
use sf_runtime::OnError;
use sf_store::idempotency::{self, Begin};
use sf_types::{ErrorKind, Fault, Scope};

use crate::body;
use crate::caller::Caller;
use crate::fault::Problem;
use crate::state::Api;

/// The key, chosen by the caller.
pub const KEY: HeaderName = HeaderName::from_static("idempotency-key");
/// Says that an answer is a repetition.
pub const REPLAYED: HeaderName = HeaderName::from_static("idempotent-replayed");
/// Characters of a key at the most.
pub const MAX_KEY_CHARS: usize = 255;
/// Bytes of an answer that is kept at the most: 256 KiB.
pub const MAX_KEPT_BYTES: usize = 256 * 1024;
/// Bytes of an answer to a keyed write at the most: 4 MiB. One between the two is given once, and not repeated.
pub const MAX_ANSWER_BYTES: usize = 4 * 1024 * 1024;
/// Answers that hold a secret shown once. They are never kept: a repetition is refused instead.
const ONCE: [&str; 3] = ["/api/v1/tokens", "/api/v1/enrol-tokens", "/api/v1/invitations"];
/// The same for everything below: a webhook that gets another address gets another secret, too.
const ONCE_BELOW: [&str; 2] = ["/api/v1/me/notification-channels", "/api/v1/notification-channels"];
/// The same for these routes.
const ONCE_AT: [&str; 3] =
    ["/api/v1/apps/{id}/hook", "/api/v1/apps/{id}/hook/rotate", "/api/v1/servers/{id}/files/download-link"];
/// Repeated by the byte they begin at: bytes of an upload are neither kept nor held to the limit of other bodies.
const BY_OFFSET: &str = "/api/v1/servers/{id}/uploads/{upload}";

/// An answer as it is kept.
#[derive(Debug, Serialize, Deserialize)]
struct Kept {
    status: u16,
    /// Base64; `None` for what is shown once, or too large.
    body: Option<String>,
    /// Whether it was too large.
    #[serde(default)]
    large: bool,
}

/// Below this stand passwords and codes. They are not actions and not replayed: not even a hash of such a request is
/// kept.
const SECRETS: &str = "/api/v1/auth/";

/// One keyed write.
#[derive(Clone)]
struct Keyed {
    api: Api,
    scope: Scope,
    principal: String,
    key: String,
    once: bool,
}

pub(crate) async fn honour(State(api): State<Api>, request: Request, next: Next) -> Response {
    match keyed(&api, &request) {
        Ok(None) => next.run(request).await,
        Ok(Some(keyed)) => keyed.answer(request, next).await.unwrap_or_else(IntoResponse::into_response),
        Err(problem) => problem.into_response(),
    }
}

/// The key of a write by somebody known; reads and dry runs change nothing and need none.
fn keyed(api: &Api, request: &Request) -> Result<Option<Keyed>, Problem> {
    let query = request.uri().query().unwrap_or_default();
    let is_dry = query.split('&').any(|pair| pair == "dryRun=true");
    if is_dry
        || request.uri().path().starts_with(SECRETS)
        || matches!(*request.method(), Method::GET | Method::HEAD | Method::OPTIONS)
    {
        return Ok(None);
    }
    let (Some(value), Some(caller)) = (request.headers().get(&KEY), request.extensions().get::<Caller>()) else {
        return Ok(None);
    };
    let key = value.to_str().unwrap_or_default().trim();
    if key.is_empty() || key.len() > MAX_KEY_CHARS || !key.bytes().all(|byte| byte.is_ascii_graphic()) {
        let message = format!("An Idempotency-Key has 1 to {MAX_KEY_CHARS} visible ASCII characters.");
        return Err(Problem::invalid("idempotency.key", message).field("Idempotency-Key"));
    }
    let route = request.extensions().get::<MatchedPath>().map(MatchedPath::as_str).unwrap_or_default();
    if *request.method() == Method::PATCH && route == BY_OFFSET {
        return Ok(None);
    }
    let principal = keys::principal(&caller.actor);
    let path = request.uri().path();
    let shows = *request.method() == Method::POST && ONCE_AT.contains(&route);
    let once = shows || ONCE.contains(&path) || ONCE_BELOW.iter().any(|below| path.starts_with(below));
    Ok(Some(Keyed { api: api.clone(), scope: caller.actor.scope(), principal, key: key.to_owned(), once }))
}

impl Keyed {
    async fn answer(self, request: Request, next: Next) -> Result<Response, Problem> {
        let (parts, whole) = request.into_parts();
        let again = Request::from_parts(parts.clone(), whole);
        let bytes = body::read(again).await?;
        let target = parts.uri.path_and_query().map_or("", |target| target.as_str());
        let hash = [parts.method.as_str().as_bytes(), target.as_bytes(), &bytes];
        let hash = keys::request_hash(self.api.control(), &hash);
        match self.begin(hash).await? {
            Begin::New | Begin::Carried => self.carry_out(Request::from_parts(parts, Body::from(bytes)), next).await,
            Begin::Replay(kept) => replay(&kept),
            Begin::Running => Err(keys::running().into()),
            Begin::Conflict => {
                let message = "This Idempotency-Key was used for another request.";
                let fault = Fault::new(ErrorKind::Conflict, "idempotency.conflict", message);
                Err(fault.fix("Use a new key for a new request.").into())
            }
        }
    }

    async fn begin(&self, hash: [u8; 32]) -> Result<Begin, Problem> {
        let (principal, key) = (self.principal.clone(), self.key.clone());
        let begun = self.api.control().store().write(self.scope, move |tx| {
            Box::pin(async move { idempotency::begin(tx, &principal, &key, &hash).await })
        });
        Ok(begun.await?)
    }

    /// Goes on when the caller leaves: who has lost the answer comes back for it with the same key.
    async fn carry_out(self, mut request: Request, next: Next) -> Result<Response, Problem> {
        if let Some(caller) = request.extensions_mut().get_mut::<Caller>() {
            caller.key = Some(self.key.clone());
        }
        let (answer, wait) = tokio::sync::oneshot::channel();
        let current = crate::request::current();
        let tasks = self.api.options().tasks.clone();
        tasks.spawn("keyed write", OnError::Log, async move {
            let work = async {
                let response = next.run(request).await;
                self.keep(response).await
            };
            drop(answer.send(crate::request::within(current, work).await));
            Ok::<(), Fault>(())
        });
        wait.await.unwrap_or_else(|_| {
            let fault = Fault::new(ErrorKind::Unavailable, "control.stopping", "The control plane is stopping.");
            Err(fault.fix("Ask again with the same key once it is back.").into())
        })
    }

    /// Keeps what says how it went. A key whose answer only says "not now" is forgotten, so that it can be used again,
    /// unless a run was opened for it.
    async fn keep(&self, response: Response) -> Result<Response, Problem> {
        let status = response.status();
        let (principal, key) = (self.principal.clone(), self.key.clone());
        let store = self.api.control().store();
        if status.is_server_error() || matches!(status, StatusCode::TOO_MANY_REQUESTS | StatusCode::UNAUTHORIZED) {
            store
                .write(self.scope, move |tx| Box::pin(async move { idempotency::forget(tx, &principal, &key).await }))
                .await?;
            return Ok(response);
        }
        let (parts, body) = response.into_parts();
        let bytes = axum::body::to_bytes(body, MAX_ANSWER_BYTES).await.map_err(|_| {
            let fault = Fault::new(ErrorKind::Internal, "idempotency.answer", "The answer is too large to be kept.");
            Problem::from(fault.fix("Look at what was done; ask without a key."))
        })?;
        let secret = self.once && status.is_success();
        let large = bytes.len() > MAX_KEPT_BYTES;
        let body = (!secret && !large).then(|| STANDARD.encode(&bytes));
        let kept = Kept { status: status.as_u16(), body, large };
        let value = serde_json::to_value(&kept).expect("a number and a text");
        let finish = store.write(self.scope, move |tx| {
            Box::pin(async move { idempotency::finish(tx, &principal, &key, value).await })
        });
        finish.await?;
        Ok(Response::from_parts(parts, Body::from(bytes)))
    }
}

fn too_large() -> Fault {
    let message = "This was done, and its answer was too large to be kept.";
    Fault::new(ErrorKind::Conflict, "idempotency.large", message).fix("Read what was made in its list.")
}

fn replay(kept: &serde_json::Value) -> Result<Response, Problem> {
    let broken = || Fault::new(ErrorKind::Internal, "idempotency.kept", "The kept answer cannot be read.");
    let kept: Kept = serde_json::from_value(kept.clone()).map_err(|_| broken())?;
    let Some(body) = kept.body else {
        return Err(if kept.large { too_large() } else { keys::shown_once() }.into());
    };
    let mut response = Response::new(Body::from(STANDARD.decode(body).map_err(|_| broken())?));
    *response.status_mut() = StatusCode::from_u16(kept.status).map_err(|_| broken())?;
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response.headers_mut().insert(REPLAYED, HeaderValue::from_static("true"));
    Ok(response)
}
