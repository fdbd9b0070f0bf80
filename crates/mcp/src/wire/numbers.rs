//! Numbers for Prometheus. Labels are of fixed sets: nobody outside can make up another.

use std::time::Duration;

/// What they mean; told once.
pub(super) fn describe() {
    metrics::describe_counter!("mcp_requests_total", "Requests of AI hosts, by method, tool and status.");
    metrics::describe_histogram!("mcp_request_duration_seconds", "Time until the answer begins, by method and tool.");
    metrics::describe_gauge!("mcp_sessions", "Open sessions of the older protocol.");
}

/// One request is answered.
pub(super) fn answered(method: &'static str, tool: &'static str, status: u16, took: Duration) {
    let labels = [("method", method.to_owned()), ("tool", tool.to_owned()), ("status", status.to_string())];
    metrics::counter!("mcp_requests_total", &labels).increment(1);
    metrics::histogram!("mcp_request_duration_seconds", &labels[..2]).record(took.as_secs_f64());
}

/// How many sessions there are.
pub(super) fn sessions(count: usize) {
    metrics::gauge!("mcp_sessions").set(count as f64);
}
