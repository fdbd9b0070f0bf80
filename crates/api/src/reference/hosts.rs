//! The limits of letting AI hosts in. Those of the door behind it are told by its own crate.

use sf_control::sign_in::mcp::{CODE_LIFETIME, MAX_STATE_BYTES, program};
use sf_identity::{client, host, refresh};
use sf_store::{clients, granted};

use super::{Row, bytes, secs};
use crate::route::auth::oauth;

pub(super) fn limits() -> Vec<Row> {
    let mut rows = grants();
    rows.extend(programs());
    rows
}

fn grants() -> Vec<Row> {
    vec![
        (
            "address by which an AI host asks to be let in",
            bytes(oauth::MAX_QUERY_BYTES),
            "api::route::auth::oauth::MAX_QUERY_BYTES",
        ),
        ("state it gets back", bytes(MAX_STATE_BYTES), "control::sign_in::mcp::MAX_STATE_BYTES"),
        ("life of the code it gets", secs(CODE_LIFETIME), "control::sign_in::mcp::CODE_LIFETIME"),
        ("life of its access token", secs(host::LIFETIME), "identity::host::LIFETIME"),
        ("life of its refresh token without use", secs(refresh::IDLE), "identity::refresh::IDLE"),
        ("time until it has to be let in again", secs(refresh::ABSOLUTE), "identity::refresh::ABSOLUTE"),
        ("time a spent refresh token is good for races", secs(refresh::RACE), "identity::refresh::RACE"),
        ("AI hosts that one person has let in", granted::MAX_LIVING.to_string(), "store::granted::MAX_LIVING"),
    ]
}

fn programs() -> Vec<Row> {
    vec![
        (
            "what a program says when it registers",
            bytes(oauth::MAX_REGISTRATION_BYTES),
            "api::route::auth::oauth::MAX_REGISTRATION_BYTES",
        ),
        ("programs that have registered", clients::MAX_CLIENTS.to_string(), "store::clients::MAX_CLIENTS"),
        ("the same from one network", clients::MAX_PER_NETWORK.to_string(), "store::clients::MAX_PER_NETWORK"),
        (
            "time until one that nobody let in is forgotten",
            secs(program::UNUSED_PROGRAM),
            "control::sign_in::mcp::program::UNUSED_PROGRAM",
        ),
        (
            "the same of one that somebody let in",
            secs(program::USED_PROGRAM),
            "control::sign_in::mcp::program::USED_PROGRAM",
        ),
        ("name of a program", format!("{} characters", client::MAX_NAME_CHARS), "identity::client::MAX_NAME_CHARS"),
        ("addresses it may be answered at", client::MAX_REDIRECTS.to_string(), "identity::client::MAX_REDIRECTS"),
        ("one of them, or its document's", bytes(client::MAX_URI_BYTES), "identity::client::MAX_URI_BYTES"),
        (
            "time to fetch a program's document",
            secs(program::FETCH_WITHIN),
            "control::sign_in::mcp::program::FETCH_WITHIN",
        ),
        (
            "documents fetched at a time",
            program::FETCHES_AT_ONCE.to_string(),
            "control::sign_in::mcp::program::FETCHES_AT_ONCE",
        ),
        (
            "time a document is kept at least",
            secs(program::KEPT_AT_LEAST),
            "control::sign_in::mcp::program::KEPT_AT_LEAST",
        ),
        ("the same at most", secs(program::KEPT_AT_MOST), "control::sign_in::mcp::program::KEPT_AT_MOST"),
        ("documents kept", program::MAX_KEPT.to_string(), "control::sign_in::mcp::program::MAX_KEPT"),
    ]
}
