//! ntfy: published as JSON to the server itself, so that no text becomes a header or a path. Its texts are plain.
//! Source: ntfy, "Publishing", "Publish as JSON".

use serde::Serialize;
use sf_engine::notify::Kind;

use crate::message::Message;

#[derive(Serialize)]
struct Body<'m> {
    topic: &'m str,
    title: &'m str,
    message: String,
    priority: u8,
    tags: [&'static str; 1],
    click: &'m str,
}

/// The request's body.
pub fn body(message: &Message, topic: &str) -> Vec<u8> {
    let mut parts = Vec::new();
    if !message.text.is_empty() {
        parts.push(message.text.clone());
    }
    parts.extend(message.lines.iter().map(|line| format!("• {}", line.title)));
    parts.extend(message.and_more());
    let (priority, tag) = weight(message.kind);
    let body =
        Body { topic, title: &message.title, message: parts.join("\n"), priority, tags: [tag], click: &message.url };
    serde_json::to_vec(&body).expect("texts and numbers")
}

/// 5 wakes, 3 is usual, 2 is silent; the tag is shown as a picture.
const fn weight(kind: Option<Kind>) -> (u8, &'static str) {
    match kind {
        Some(Kind::Escalated) => (5, "rotating_light"),
        Some(Kind::Approval) => (4, "raised_hand"),
        Some(Kind::Alert | Kind::Failed) => (4, "warning"),
        Some(Kind::Review) => (3, "mag"),
        Some(Kind::Automatic) => (2, "robot"),
        None => (3, "wave"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::message::tests::{many, message};

    #[test]
    fn a_message_is_published_as_json() {
        let body: serde_json::Value =
            serde_json::from_slice(&body(&message("Deploy \"shop\"", "a\nb"), "ops")).unwrap();
        let expected = serde_json::json!({
            "topic": "ops", "title": "Deploy \"shop\"", "message": "a\nb", "priority": 4, "tags": ["raised_hand"],
            "click": "https://sf.example.org/inbox/1",
        });
        assert_eq!(body, expected);
    }

    #[test]
    fn several_are_a_list() {
        let body: serde_json::Value = serde_json::from_slice(&body(&many(2, "It failed"), "ops")).unwrap();
        assert_eq!(body["message"], "• It failed\n• It failed");
    }
}
