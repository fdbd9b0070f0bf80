//! What people are told, before it has a form.

use serde::{Deserialize, Serialize};
use sf_engine::notify::Kind;
use sf_types::Timestamp;
use sf_types::text::is_deceptive;
use uuid::Uuid;

/// Bytes of one message in its form: 4 KiB. Devices take no more (RFC 8030, section 7.2).
pub const MAX_BODY_BYTES: usize = 4096;
/// Characters of a title.
pub const MAX_TITLE_CHARS: usize = 150;
/// Characters of a text.
pub const MAX_TEXT_CHARS: usize = 1500;
/// Notices named in one message; more are counted.
pub const MAX_LINES: usize = 20;

/// One message. What is in it was cleaned by [`Message::new`]; it holds nothing that decides anything.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Message {
    /// The same at every try: receivers drop the second.
    pub id: Uuid,
    /// What it is about; `None` for a test.
    pub kind: Option<Kind>,
    /// What happened, one line.
    pub title: String,
    /// More about it; may have several lines.
    pub text: String,
    /// Where it is looked at, after signing in.
    pub url: String,
    /// When it happened.
    pub at: Timestamp,
    /// The notices it holds, where they are several.
    pub lines: Vec<Line>,
    /// Notices beyond those.
    pub more: u64,
}

/// One notice among several.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Line {
    /// What it is about.
    pub kind: Kind,
    /// What happened.
    pub title: String,
    /// Where it is looked at.
    pub url: String,
}

impl Message {
    /// A message about one thing.
    pub fn new(id: Uuid, kind: Option<Kind>, title: &str, text: &str, url: &str, at: Timestamp) -> Self {
        Self {
            id,
            kind,
            title: one_line(title),
            text: lines(text),
            url: url.to_owned(),
            at,
            lines: Vec::new(),
            more: 0,
        }
    }

    /// A message about several things; those beyond [`MAX_LINES`] are counted.
    #[must_use]
    pub fn with(self, lines: Vec<Line>) -> Self {
        let more = self.more + lines.len().saturating_sub(MAX_LINES) as u64;
        let lines = lines.into_iter().take(MAX_LINES).map(|line| Line { title: one_line(&line.title), ..line });
        Self { lines: lines.collect(), more, ..self }
    }

    /// Its form, if that is not too long; else that of a shorter one. What is left out can be read where it leads.
    pub fn bounded(&self, form: impl Fn(&Self) -> Vec<u8>) -> Vec<u8> {
        let mut shown = self.clone();
        loop {
            let body = form(&shown);
            if body.len() <= MAX_BODY_BYTES || (shown.lines.is_empty() && shown.text.is_empty()) {
                return body;
            }
            if shown.lines.pop().is_some() {
                shown.more += 1;
            } else {
                let half = shown.text.chars().count() / 2;
                shown.text = shown.text.chars().take(half).collect();
                if half > 0 {
                    shown.text.push('…');
                }
            }
        }
    }

    /// "and 3 more", where there are more.
    pub fn and_more(&self) -> Option<String> {
        (self.more > 0).then(|| format!("and {} more", self.more))
    }
}

/// One line of bounded length, without what hides or reorders text.
fn one_line(text: &str) -> String {
    let shown: String = text.chars().map(|c| if is_deceptive(c) { ' ' } else { c }).collect();
    let words: Vec<_> = shown.split_whitespace().collect();
    shortened(&words.join(" "), MAX_TITLE_CHARS)
}

/// The same with line breaks kept.
fn lines(text: &str) -> String {
    let clean: String = text.chars().map(|c| if c != '\n' && is_deceptive(c) { ' ' } else { c }).collect();
    shortened(clean.trim(), MAX_TEXT_CHARS)
}

fn shortened(text: &str, max: usize) -> String {
    if text.chars().count() <= max {
        return text.to_owned();
    }
    text.chars().take(max - 1).chain(['…']).collect()
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use proptest::prelude::*;

    pub(crate) const NOW: Timestamp = Timestamp::from_millis(1_795_242_461_007);

    pub(crate) fn message(title: &str, text: &str) -> Message {
        Message::new(Uuid::from_u128(7), Some(Kind::Approval), title, text, "https://sf.example.org/inbox/1", NOW)
    }

    pub(crate) fn many(count: usize, title: &str) -> Message {
        let line = Line { kind: Kind::Failed, title: title.to_owned(), url: "https://sf.example.org/runs/1".into() };
        message("Several things happened", "").with(vec![line; count])
    }

    #[test]
    fn texts_are_bounded_and_deceive_nobody() {
        let made = message("Deploy\r\n \u{202e}shop\u{0}", "a\u{202e}b\nc\r\u{7}d");
        assert_eq!((made.title.as_str(), made.text.as_str()), ("Deploy shop", "a b\nc  d"));
        let long = message(&"t".repeat(1000), &"x".repeat(9000));
        assert_eq!((long.title.chars().count(), long.text.chars().count()), (MAX_TITLE_CHARS, MAX_TEXT_CHARS));
        let digest = many(50, "a\nb");
        assert_eq!((digest.lines.len(), digest.more, digest.lines[0].title.as_str()), (MAX_LINES, 30, "a b"));
        assert_eq!(digest.and_more().as_deref(), Some("and 30 more"));
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn no_form_is_longer_than_devices_take(title in "\\PC{0,200}", text in "[\\PC\"<>&\u{0}-\u{1f}\n]{0,2000}", count in 0_usize..60) {
            let line = Line { kind: Kind::Failed, title: title.clone(), url: "https://sf.example.org/runs/1".into() };
            let made = message(&title, &text).with(vec![line; count]);
            for body in crate::notify::tests::every_form(&made) {
                prop_assert!(body.len() <= MAX_BODY_BYTES, "{} bytes", body.len());
            }
        }
    }
}
