//! Messages to browsers: encrypted for the browser alone ([`encrypt`], RFC 8291), from a sender that its push service
//! knows again ([`vapid`], RFC 8292).

mod curve;
pub mod encrypt;
pub mod vapid;

use serde::Serialize;

use crate::message::Message;

pub use curve::{AUTH_BYTES, PUBLIC_BYTES};
pub use vapid::VapidKey;

/// What the browser's service worker reads.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Body<'m> {
    title: &'m str,
    body: String,
    url: &'m str,
    /// The same message again replaces the one that is shown.
    tag: String,
    /// It stays until somebody looks.
    pressing: bool,
}

/// The message as it is shown by the browser, before it is encrypted.
pub fn body(message: &Message) -> Vec<u8> {
    let mut parts = Vec::new();
    if !message.text.is_empty() {
        parts.push(message.text.clone());
    }
    parts.extend(message.lines.iter().map(|line| line.title.clone()));
    parts.extend(message.and_more());
    let body = Body {
        title: &message.title,
        body: parts.join("\n"),
        url: &message.url,
        tag: message.id.simple().to_string(),
        pressing: message.kind.is_some_and(sf_engine::notify::Kind::is_pressing),
    };
    serde_json::to_vec(&body).expect("texts and flags")
}
