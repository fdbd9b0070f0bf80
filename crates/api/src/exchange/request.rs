//! One request from its first byte to its answer: its id, its log line, its numbers.

use std::future::Future;
use std::time::Duration;

use axum::extract::{MatchedPath, Request, State};
use axum::middleware::Next;
use axum::response::Response;
use http::{HeaderName, HeaderValue};
use sf_types::{RequestId, Timestamp};
use tokio::time::Instant;
use tracing::Instrument;

use crate::state::Api;

/// The header that names a request, in both directions.
pub const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// What an answer says of its request.
#[derive(Clone, Copy, Debug)]
pub struct Current {
    /// The correlation id.
    pub id: RequestId,
    /// When it came.
    pub at: Timestamp,
}

tokio::task_local! {
    static CURRENT: Current;
}

/// The request being answered; a nil id outside of any.
pub fn current() -> Current {
    CURRENT
        .try_with(|current| *current)
        .unwrap_or(Current { id: RequestId::from_uuid(uuid::Uuid::nil()), at: Timestamp::EPOCH })
}

/// Runs `work` as part of `current`: for tasks that go on when a caller leaves.
pub fn within<F: Future>(current: Current, work: F) -> impl Future<Output = F::Output> {
    CURRENT.scope(current, work)
}

/// The outermost layer: names the request, times it, logs it, counts it.
pub(crate) async fn trace(State(api): State<Api>, mut request: Request, next: Next) -> Response {
    let given = request.headers().get(&REQUEST_ID).and_then(|value| value.to_str().ok());
    let id: RequestId =
        given.and_then(|text| text.parse().ok()).unwrap_or_else(|| api.control().rng().id(api.control().clock()));
    let current = Current { id, at: api.control().now() };
    request.extensions_mut().insert(id);
    let method = request.method().clone();
    let route = request.extensions().get::<MatchedPath>().map_or("unmatched", MatchedPath::as_str).to_owned();
    let span = tracing::info_span!("request", correlation_id = %id, method = %method, route);
    let began = Instant::now();
    let mut response = CURRENT.scope(current, next.run(request)).instrument(span).await;
    let took = began.elapsed();
    let text = id.to_string();
    let value = HeaderValue::from_str(&text).expect("a UUID is visible ASCII");
    response.headers_mut().insert(REQUEST_ID, value);
    finish(&text, method.as_str(), &route, response.status().as_u16(), took);
    response
}

/// The access log and the numbers. Paths appear as routes only: ids and queries stay out of both.
fn finish(id: &str, method: &str, route: &str, status: u16, took: Duration) {
    let took_ms = u64::try_from(took.as_millis()).unwrap_or(u64::MAX);
    tracing::info!(target: "access", correlation_id = id, method, route, status, took_ms, "answered");
    let labels = [("method", method.to_owned()), ("route", route.to_owned()), ("status", status.to_string())];
    metrics::counter!("http_requests_total", &labels).increment(1);
    metrics::histogram!("http_request_duration_seconds", &labels[..2]).record(took.as_secs_f64());
}
