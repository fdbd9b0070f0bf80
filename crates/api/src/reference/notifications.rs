//! Limits of notifications and of requests that go out.

use std::time::Duration;

use sf_connectors::{deliver, destination, message};
use sf_control::notify;
use sf_egress::{client, target};
use sf_store::{channels, held};
use sf_types::ByteSize;

pub(super) fn limits() -> Vec<(&'static str, String, &'static str)> {
    let secs = |time: Duration| format!("{} s", time.as_secs());
    let bytes = |n: usize| ByteSize(n as u64).to_string();
    let chars = |n: usize| format!("{n} characters");
    vec![
        (
            "notification channels of a person, and of a team",
            channels::MAX_CHANNELS.to_string(),
            "store::channels::MAX_CHANNELS",
        ),
        (
            "browsers of a person that take messages",
            channels::MAX_BROWSERS.to_string(),
            "store::channels::MAX_BROWSERS",
        ),
        ("projects of a channel", notify::own::MAX_PROJECTS.to_string(), "control::notify::own::MAX_PROJECTS"),
        ("one message", bytes(message::MAX_BODY_BYTES), "connectors::message::MAX_BODY_BYTES"),
        ("its title", chars(message::MAX_TITLE_CHARS), "connectors::message::MAX_TITLE_CHARS"),
        ("its text", chars(message::MAX_TEXT_CHARS), "connectors::message::MAX_TEXT_CHARS"),
        ("notices it names", message::MAX_LINES.to_string(), "connectors::message::MAX_LINES"),
        ("token of an ntfy server", chars(destination::MAX_TOKEN_CHARS), "connectors::destination::MAX_TOKEN_CHARS"),
        ("topic of ntfy", chars(destination::MAX_TOPIC_CHARS), "connectors::destination::MAX_TOPIC_CHARS"),
        (
            "time a receiver may ask to be left alone",
            secs(deliver::MAX_RETRY_AFTER),
            "connectors::deliver::MAX_RETRY_AFTER",
        ),
        ("time a push service keeps a message", secs(deliver::PUSH_KEPT), "connectors::deliver::PUSH_KEPT"),
        ("notices that wait for one channel", held::MAX_HELD.to_string(), "store::held::MAX_HELD"),
        (
            "messages of a channel before the next are collected",
            notify::MAX_WAITING.to_string(),
            "control::notify::MAX_WAITING",
        ),
        ("time they are collected", secs(notify::COLLECTED_FOR), "control::notify::COLLECTED_FOR"),
        ("time until a message is given up", secs(notify::GIVE_UP_AFTER), "control::notify::GIVE_UP_AFTER"),
        ("channels sent to at a time", notify::MAX_AT_ONCE.to_string(), "control::notify::MAX_AT_ONCE"),
        ("notices taken at a time", notify::BATCH.to_string(), "control::notify::BATCH"),
        ("time a message is in one control plane's hands", secs(notify::LEASE), "control::notify::LEASE"),
        ("time of a request that goes out", secs(client::REQUEST_TIMEOUT), "egress::client::REQUEST_TIMEOUT"),
        ("time for its connection", secs(client::CONNECT_TIMEOUT), "egress::client::CONNECT_TIMEOUT"),
        ("what is read of its answer", bytes(client::MAX_ANSWER_BYTES), "egress::client::MAX_ANSWER_BYTES"),
        ("address it goes to", bytes(target::MAX_URL_BYTES), "egress::target::MAX_URL_BYTES"),
    ]
}
