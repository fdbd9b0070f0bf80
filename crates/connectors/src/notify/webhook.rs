//! Messages for programs: JSON, signed. Source: Standard Webhooks 1.0.0 (standardwebhooks.com): headers `webhook-id`,
//! `webhook-timestamp`, `webhook-signature`; a payload of type, time and data.

use serde::Serialize;
use sf_engine::notify::Kind;

use crate::message::Message;

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Body<'m> {
    r#type: String,
    timestamp: String,
    data: Data<'m>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Data<'m> {
    title: &'m str,
    text: &'m str,
    url: &'m str,
    notices: Vec<Notice<'m>>,
    more: u64,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Notice<'m> {
    kind: Kind,
    title: &'m str,
    url: &'m str,
}

/// The request's body.
pub fn body(message: &Message) -> Vec<u8> {
    let notices: Vec<_> =
        message.lines.iter().map(|line| Notice { kind: line.kind, title: &line.title, url: &line.url }).collect();
    let word = match message.kind {
        None => "test",
        Some(_) if !notices.is_empty() || message.more > 0 => "digest",
        Some(kind) => kind.word(),
    };
    let data = Data { title: &message.title, text: &message.text, url: &message.url, notices, more: message.more };
    let body = Body { r#type: format!("notification.{word}"), timestamp: message.at.to_string(), data };
    serde_json::to_vec(&body).expect("texts and numbers")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::message::tests::{many, message};

    #[test]
    fn a_message_is_typed_json() {
        let read = |message: &Message| -> serde_json::Value { serde_json::from_slice(&body(message)).unwrap() };
        let expected = serde_json::json!({
            "type": "notification.approval", "timestamp": "2026-11-21T06:27:41.007Z",
            "data": { "title": "Deploy", "text": "so", "url": "https://sf.example.org/inbox/1", "notices": [], "more": 0 },
        });
        assert_eq!(read(&message("Deploy", "so")), expected);
        let digest = read(&many(21, "It failed"));
        assert_eq!(
            (&digest["type"], digest["data"]["notices"].as_array().unwrap().len()),
            (&"notification.digest".into(), 20)
        );
        assert_eq!(digest["data"]["more"], 1);
        assert_eq!(read(&Message { kind: None, ..message("Hello", "") })["type"], "notification.test");
    }
}
