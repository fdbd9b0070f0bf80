//! Slack's incoming webhooks. What people typed stands in plain text blocks, which know no markup; where there is no such
//! place it is escaped. Source: Slack, "Formatting text for app surfaces", "Reference: blocks".

use serde::Serialize;

use crate::message::Message;

#[derive(Serialize)]
struct Body {
    /// For notifications of the device, and for what cannot show blocks.
    text: String,
    blocks: Vec<Block>,
    mrkdwn: bool,
    unfurl_links: bool,
    unfurl_media: bool,
}

#[derive(Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum Block {
    Header { text: Text },
    Section { text: Text },
}

#[derive(Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum Text {
    PlainText { text: String, emoji: bool },
    Mrkdwn { text: String, verbatim: bool },
}

/// Characters of a section's text.
const MAX_SECTION_CHARS: usize = 3000;

/// The request's body.
pub fn body(message: &Message) -> Vec<u8> {
    let mut blocks = vec![Block::Header { text: plain(&message.title) }];
    if !message.text.is_empty() {
        blocks.push(Block::Section { text: plain(&message.text) });
    }
    blocks.push(Block::Section { text: Text::Mrkdwn { text: links(message.clone()), verbatim: true } });
    let body = Body { text: escaped(&message.title), blocks, mrkdwn: false, unfurl_links: false, unfurl_media: false };
    serde_json::to_vec(&body).expect("texts and flags")
}

fn links(mut message: Message) -> String {
    loop {
        let listed = message.lines.iter().map(|line| format!("• {}", link(&line.url, &line.title)));
        let mut links: Vec<_> = listed.collect();
        links.extend(message.and_more());
        links.push(link(&message.url, "Open in ServerFlow"));
        let text = links.join("\n");
        if text.chars().count() <= MAX_SECTION_CHARS || message.lines.pop().is_none() {
            return text;
        }
        message.more += 1;
    }
}

fn plain(text: &str) -> Text {
    Text::PlainText { text: text.to_owned(), emoji: false }
}

/// `|` and the brackets end a link's parts.
fn link(url: &str, words: &str) -> String {
    format!("<{}|{}>", escaped(url), quiet(&escaped(words)))
}

/// The three characters Slack gives a meaning to everywhere.
fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

/// Markup inside of a link's words: there is no escape for it, so what would begin it is kept from doing so.
fn quiet(text: &str) -> String {
    text.chars().map(|c| if matches!(c, '|' | '*' | '_' | '~' | '`') { '·' } else { c }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::message::tests::{many, message};

    #[test]
    fn a_message_has_slacks_form_and_no_markup_of_people() {
        let made = message("Deploy <!channel> *shop* & co", "because <https://evil.example.org|click> _so_");
        let body: serde_json::Value = serde_json::from_slice(&body(&made)).unwrap();
        let expected = serde_json::json!({
            "text": "Deploy &lt;!channel&gt; *shop* &amp; co",
            "blocks": [
                { "type": "header", "text":
                    { "type": "plain_text", "text": "Deploy <!channel> *shop* & co", "emoji": false } },
                { "type": "section", "text":
                    { "type": "plain_text", "text": "because <https://evil.example.org|click> _so_", "emoji": false } },
                { "type": "section", "text":
                    { "type": "mrkdwn", "text": "<https://sf.example.org/inbox/1|Open in ServerFlow>", "verbatim": true } },
            ],
            "mrkdwn": false, "unfurl_links": false, "unfurl_media": false,
        });
        assert_eq!(body, expected);
    }

    #[test]
    fn several_are_a_list_of_links() {
        let body = body(&many(22, "a|b> <!here> *x*"));
        let text = String::from_utf8(body).unwrap();
        assert!(text.contains("• <https://sf.example.org/runs/1|a·b&gt; &lt;!here&gt; ·x·>"), "{text}");
        assert!(text.contains("and 2 more"));
        let long = links(many(20, &"t".repeat(150)));
        assert!(long.chars().count() <= MAX_SECTION_CHARS && long.contains(" more\n<"), "{long}");
    }
}
