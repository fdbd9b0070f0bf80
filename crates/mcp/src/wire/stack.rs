//! The door, the sessions and the protocol on top of each other: the same for our tools and for the conformance runner.

use std::collections::BTreeSet;
use std::convert::Infallible;
use std::sync::Arc;

use axum::Router;
use axum::middleware::from_fn_with_state;
use rmcp::ServerHandler;
use rmcp::transport::streamable_http_server::{StreamableHttpServerConfig, StreamableHttpService};
use sf_control::Control;
use sf_runtime::OnError;
use tokio_util::sync::CancellationToken;

use super::door::{self, Door};
use super::rates::Limiter;
use super::sessions::Sessions;
use super::{KEEP_ALIVE, MAX_BODY_BYTES, PATH, WireOptions, numbers};

/// What it is made of.
pub(crate) struct Stack {
    pub(crate) control: Control,
    pub(crate) options: WireOptions,
    pub(crate) rates: Arc<Limiter>,
    /// Names of all tools: labels of numbers.
    pub(crate) tools: BTreeSet<&'static str>,
}

/// One route.
pub(crate) fn stack<H: ServerHandler + Clone>(stack: Stack, handler: H) -> Router {
    let Stack { control, options, rates, tools } = stack;
    numbers::describe();
    let (each, max) = (options.sessions_per_principal, options.max_sessions);
    let sessions = Arc::new(Sessions::new(control.clock().clone(), each, max, options.session_idle));
    let service = StreamableHttpService::new(move || Ok(handler.clone()), Arc::clone(&sessions), config(&options));
    let door = Door { control, options, sessions, rates, tools: Arc::new(tools) };
    Router::new().route_service(PATH, service).layer(from_fn_with_state(door, door::pass))
}

/// Names and origins are checked outside, by the rules of all routes (`sf_api::layer`): there is one list of each.
fn config(options: &WireOptions) -> StreamableHttpServerConfig {
    let mut config = StreamableHttpServerConfig::default()
        .disable_allowed_hosts()
        .disable_allowed_origins()
        .with_json_response(true)
        .with_sse_keep_alive(Some(KEEP_ALIVE));
    config.max_request_body_bytes = MAX_BODY_BYTES;
    config.cancellation_token = ends_with(options);
    config
}

/// Open streams and sessions end when the control plane is asked to.
fn ends_with(options: &WireOptions) -> CancellationToken {
    let (token, shutdown) = (CancellationToken::new(), options.tasks.shutdown());
    let ended = token.clone();
    options.tasks.spawn("mcp streams", OnError::Log, async move {
        shutdown.requested().await;
        ended.cancel();
        Ok::<(), Infallible>(())
    });
    token
}
