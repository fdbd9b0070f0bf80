//! The limits of the door, for the page with everybody's.

use std::time::Duration;

use sf_actions::admission::TAINT_MINUTES;
use sf_control::audit::calls::LIMITED_WINDOW;
use sf_runtime::Rate;
use sf_store::mcp_calls;
use sf_types::ByteSize;

use crate::tools::{self, catalog, output, verdict};
use crate::wire::{self, Rates};

/// What is limited, how much, and by which constant.
pub type Row = (&'static str, String, &'static str);

fn bytes(count: usize) -> String {
    ByteSize(u64::try_from(count).unwrap_or(u64::MAX)).to_string()
}

fn secs(time: Duration) -> String {
    format!("{} s", time.as_secs())
}

fn rate(rate: Rate) -> String {
    format!("{} at once, {} a minute", rate.burst, rate.per_minute)
}

/// All of them.
pub fn limits() -> Vec<Row> {
    let mut rows = door();
    rows.extend(calls());
    rows.extend(answers());
    rows
}

fn door() -> Vec<Row> {
    let rates = Rates::default();
    vec![
        ("message of an AI host", bytes(wire::MAX_BODY_BYTES), "mcp::wire::MAX_BODY_BYTES"),
        ("requests by one credential of an AI host", rate(rates.all), "mcp::wire::Rates::all"),
        ("calls of one tool that reads", rate(rates.reading), "mcp::wire::Rates::reading"),
        ("calls of one tool that changes something", rate(rates.acting), "mcp::wire::Rates::acting"),
        ("calls of one tool that may lose something", rate(rates.destroying), "mcp::wire::Rates::destroying"),
        ("credentials and tools counted", wire::MAX_BUCKETS.to_string(), "mcp::wire::MAX_BUCKETS"),
        ("sessions of one credential", wire::SESSIONS_PER_PRINCIPAL.to_string(), "mcp::wire::SESSIONS_PER_PRINCIPAL"),
        ("sessions of one process", wire::MAX_SESSIONS.to_string(), "mcp::wire::MAX_SESSIONS"),
        ("time a session may lie idle", secs(wire::SESSION_IDLE), "mcp::wire::SESSION_IDLE"),
        ("time between two signs of life on an open stream", secs(wire::KEEP_ALIVE), "mcp::wire::KEEP_ALIVE"),
    ]
}

fn calls() -> Vec<Row> {
    vec![
        ("time a call waits for what it began, or for a person", secs(wire::PATIENCE), "mcp::wire::PATIENCE"),
        ("the same at the most", secs(tools::MAX_PATIENCE), "mcp::tools::MAX_PATIENCE"),
        ("time of its answer", secs(wire::ANSWER_WITHIN), "mcp::wire::ANSWER_WITHIN"),
        ("time a state that a host brings back is good", secs(wire::STATE_GOOD_FOR), "mcp::wire::STATE_GOOD_FOR"),
        (
            "time after which an equal call is a wish and no retry",
            secs(verdict::repeat::RETRY_WINDOW),
            "mcp::tools::verdict::repeat::RETRY_WINDOW",
        ),
        (
            "the same after a person refused it",
            secs(verdict::repeat::REFUSED_WINDOW),
            "mcp::tools::verdict::repeat::REFUSED_WINDOW",
        ),
        (
            "time for which what lasts asks after others' words were read",
            format!("{TAINT_MINUTES} min"),
            "actions::admission::TAINT_MINUTES",
        ),
        ("time a call is kept", secs(mcp_calls::KEPT), "store::mcp_calls::KEPT"),
        (
            "name of a host that is kept",
            format!("{} characters", mcp_calls::MAX_CLIENT_CHARS),
            "store::mcp_calls::MAX_CLIENT_CHARS",
        ),
        (
            "time for which calls that a limit refused are one row",
            secs(LIMITED_WINDOW),
            "control::audit::calls::LIMITED_WINDOW",
        ),
        ("time between two writes of them", secs(wire::WRITTEN_EVERY), "mcp::wire::WRITTEN_EVERY"),
        ("credentials and tools that wait for one", wire::MAX_WAITING.to_string(), "mcp::wire::MAX_WAITING"),
    ]
}

fn answers() -> Vec<Row> {
    vec![
        ("tools", catalog::MAX_TOOLS.to_string(), "mcp::tools::catalog::MAX_TOOLS"),
        (
            "tokens of their list",
            catalog::schema::MAX_LIST_TOKENS.to_string(),
            "mcp::tools::catalog::schema::MAX_LIST_TOKENS",
        ),
        ("answer of a tool", bytes(output::MAX_ANSWER_BYTES), "mcp::tools::output::MAX_ANSWER_BYTES"),
        ("next steps it suggests", output::MAX_NEXT.to_string(), "mcp::tools::output::MAX_NEXT"),
        (
            "argument that is being completed",
            format!("{} characters", wire::MAX_PARTIAL_CHARS),
            "mcp::wire::MAX_PARTIAL_CHARS",
        ),
    ]
}
