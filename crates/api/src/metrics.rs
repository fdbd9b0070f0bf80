//! `/metrics`: numbers of this process for Prometheus, behind a token of their own.

use std::sync::OnceLock;

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::{HeaderMap, HeaderValue, header};
use metrics_exporter_prometheus::{PrometheusBuilder, PrometheusHandle};
use sf_types::{ErrorKind, Fault};
use subtle::ConstantTimeEq;

use crate::caller;
use crate::fault::Problem;
use crate::state::Api;

/// Upper bounds of the duration histogram, seconds.
const BUCKETS: [f64; 11] = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1.0, 5.0, 30.0];

/// The recorder of this process, installed at the first call; `None` when somebody else installed another.
pub(crate) fn recorder() -> Option<&'static PrometheusHandle> {
    static HANDLE: OnceLock<Option<PrometheusHandle>> = OnceLock::new();
    HANDLE
        .get_or_init(|| {
            let builder = PrometheusBuilder::new().set_buckets(&BUCKETS).ok()?;
            let recorder = builder.build_recorder();
            let handle = recorder.handle();
            metrics::set_global_recorder(recorder).ok()?;
            metrics::describe_counter!("http_requests_total", "Requests answered, by method, route and status.");
            metrics::describe_histogram!("http_request_duration_seconds", "Time to answer, by method and route.");
            metrics::describe_gauge!("event_sockets", "Open event sockets.");
            metrics::describe_gauge!("nodes_connected", "Machines connected to this control plane.");
            Some(handle)
        })
        .as_ref()
}

/// Numbers in the Prometheus text format.
#[utoipa::path(get, path = "/metrics", tag = "system", operation_id = "metrics",
    responses((status = 200, description = "Prometheus text format", content_type = "text/plain")))]
pub(crate) async fn get(State(api): State<Api>, headers: HeaderMap) -> Response {
    let Some(expected) = &api.options().metrics_token else {
        let fault = Fault::new(ErrorKind::NotFound, "metrics.off", "Metrics are not served here.");
        return Problem::from(fault.fix("Set `metrics.token` in serverflow.toml.")).into_response();
    };
    let given = caller::bearer(&headers).unwrap_or_default();
    if !bool::from(given.as_bytes().ct_eq(expected.expose().as_bytes())) {
        let fault = Fault::new(ErrorKind::Unauthenticated, "metrics.token", "Metrics need their own token.");
        return Problem::from(fault.fix("Send Authorization: Bearer <metrics.token>.")).into_response();
    }
    metrics::gauge!("nodes_connected").set(api.control().connected() as f64);
    let Some(handle) = recorder() else {
        let fault = Fault::new(ErrorKind::Unavailable, "metrics.recorder", "Metrics are recorded elsewhere.");
        return Problem::from(fault).into_response();
    };
    handle.run_upkeep();
    let mut response = handle.render().into_response();
    let text = HeaderValue::from_static("text/plain; version=0.0.4");
    response.headers_mut().insert(header::CONTENT_TYPE, text);
    response
}
