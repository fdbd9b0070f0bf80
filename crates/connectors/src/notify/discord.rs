//! Discord's webhooks: an embed, in which nobody is mentioned whatever it says. Source: Discord, "Execute Webhook",
//! "Embed limits", "Allowed mentions object".

use serde::Serialize;
use sf_engine::notify::Kind;

use crate::message::Message;

#[derive(Serialize)]
struct Body {
    embeds: [Embed; 1],
    allowed_mentions: Mentions,
}

#[derive(Serialize)]
struct Embed {
    title: String,
    description: String,
    url: String,
    timestamp: String,
    color: u32,
}

/// Nobody.
#[derive(Serialize)]
struct Mentions {
    parse: [&'static str; 0],
}

/// Characters that may begin markup, a mention or a link.
const MARKUP: &str = "\\*_~`|>#[]()<@:-+.";

/// The request's body.
pub fn body(message: &Message) -> Vec<u8> {
    let mut parts = Vec::new();
    if !message.text.is_empty() {
        parts.push(escaped(&message.text));
    }
    parts.extend(message.lines.iter().map(|line| format!("• [{}]({})", escaped(&line.title), line.url)));
    parts.extend(message.and_more());
    let embed = Embed {
        title: escaped(&message.title).chars().take(256).collect(),
        description: parts.join("\n"),
        url: message.url.clone(),
        timestamp: message.at.to_string(),
        color: color(message.kind),
    };
    let body = Body { embeds: [embed], allowed_mentions: Mentions { parse: [] } };
    serde_json::to_vec(&body).expect("texts and numbers")
}

/// Discord shows any of these as it is behind a backslash.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        if MARKUP.contains(c) {
            out.push('\\');
        }
        out.push(c);
    }
    out
}

const fn color(kind: Option<Kind>) -> u32 {
    match kind {
        Some(Kind::Escalated | Kind::Failed | Kind::Alert) => 0x00d6_4545,
        Some(Kind::Approval) => 0x00e0_a030,
        Some(Kind::Review | Kind::Automatic) | None => 0x004a_7dd6,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::message::tests::{many, message};

    #[test]
    fn a_message_is_an_embed_that_mentions_nobody() {
        let made = message("Deploy @everyone", "[click](https://evil.example.org) <@1> **now**");
        let body: serde_json::Value = serde_json::from_slice(&body(&made)).unwrap();
        let expected = serde_json::json!({
            "embeds": [{
                "title": "Deploy \\@everyone",
                "description": "\\[click\\]\\(https\\://evil\\.example\\.org\\) \\<\\@1\\> \\*\\*now\\*\\*",
                "url": "https://sf.example.org/inbox/1",
                "timestamp": "2026-11-21T06:27:41.007Z",
                "color": 0x00e0_a030,
            }],
            "allowed_mentions": { "parse": [] },
        });
        assert_eq!(body, expected);
    }

    #[test]
    fn several_are_a_list_of_links() {
        let body: serde_json::Value = serde_json::from_slice(&body(&many(21, "a](https://evil.example.org)"))).unwrap();
        let text = body["embeds"][0]["description"].as_str().unwrap();
        assert!(
            text.starts_with("• [a\\]\\(https\\://evil\\.example\\.org\\)](https://sf.example.org/runs/1)\n"),
            "{text}"
        );
        assert!(text.ends_with("and 1 more"), "{text}");
    }
}
