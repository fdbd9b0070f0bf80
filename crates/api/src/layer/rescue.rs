//! What a caller gets when a handler takes too long or panics.

use std::any::Any;
use std::time::Duration;

use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use sf_types::{ErrorKind, Fault};

use crate::fault::Problem;
use crate::state::Api;

/// Time a request may take.
pub const REQUEST_TIMEOUT: Duration = Duration::from_secs(30);
/// Time a request may take that a node has to answer, with a fetch from elsewhere in it.
pub const NODE_TIMEOUT: Duration = Duration::from_secs(180);
/// Time one piece of an upload may take, and a download until its first byte.
pub const TRANSFER_TIMEOUT: Duration = Duration::from_secs(1800);
/// Time until the answer to an AI host has to begin. Its calls end by themselves before.
pub const HOST_TIMEOUT: Duration = Duration::from_secs(60);
/// Time the verification of the whole audit chain may take.
pub const CHAIN_TIMEOUT: Duration = Duration::from_secs(600);

pub(crate) async fn limit_time(State(api): State<Api>, request: Request, next: Next) -> Response {
    let path = request.uri().path();
    // Each ends by itself where nothing moves for two minutes.
    let moves =
        path.contains("/uploads") || path.ends_with("/files/download") || path.starts_with("/api/v1/downloads/");
    const ASKING: [&str; 6] = ["/inspect", "/status", "/files", "/files/content", "/patches/preview", "/patch"];
    let asks_node = ASKING.iter().any(|end| path.ends_with(end));
    let limit = match path {
        _ if moves => TRANSFER_TIMEOUT,
        _ if asks_node => NODE_TIMEOUT,
        "/api/v1/activity/verify" => CHAIN_TIMEOUT,
        "/mcp/v1" => HOST_TIMEOUT,
        _ => api.options().request_within,
    };
    match tokio::time::timeout(limit, next.run(request)).await {
        Ok(response) => response,
        Err(_) => {
            let message = format!("This took longer than {} s and was given up.", limit.as_secs_f32());
            let fault = Fault::new(ErrorKind::Timeout, "request.timeout", message);
            Problem::from(fault.fix("Look whether it was done all the same, then try again.")).into_response()
        }
    }
}

/// A panic is our defect: its text goes to the log, never to the caller.
pub(crate) fn panicked(panic: Box<dyn Any + Send + 'static>) -> Response {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    let text = text.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("no text");
    tracing::error!(correlation_id = %crate::request::current().id, panic = text, "a handler panicked");
    let fault = Fault::new(ErrorKind::Internal, "request.panicked", "The control plane made a mistake.");
    Problem::from(fault.fix("Look for this request's id in the control plane's log.")).into_response()
}
