//! What people read. Pure: the same paragraphs as text and as HTML.

use serde::{Deserialize, Serialize};
use sf_types::text::is_deceptive;
use sf_types::{Email, Timestamp};

/// Characters of a name that are shown in a letter.
const MAX_NAME_CHARS: usize = 100;
/// Name of the tenant that an installation begins with: no team anybody has named.
const UNNAMED_TEAM: &str = "default";

/// One letter. Not printable: it may hold a link that opens something.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Letter {
    /// To whom.
    pub(super) to: String,
    subject: String,
    paragraphs: Vec<String>,
    /// What to open, with the words for it.
    link: Option<(String, String)>,
    /// When it was written.
    pub(super) made_at: Timestamp,
    /// After this nobody needs it any more.
    pub(super) until: Timestamp,
}

/// Asks somebody to join.
pub(crate) fn invitation(to: &Email, inviter: &str, team: &str, url: &str, now: Timestamp, until: Timestamp) -> Letter {
    let (inviter, team) = (name(inviter), self::team(team));
    Letter {
        to: to.to_string(),
        subject: format!("{inviter} invites you to {team}"),
        paragraphs: vec![
            format!("{inviter} invites you to join {team}."),
            format!("Open this link and choose a password. It is good once, for this address, until {}.", day(until)),
            "If you do not know what this is about, ignore it: nothing happens.".to_owned(),
        ],
        link: Some(("Join".to_owned(), url.to_owned())),
        made_at: now,
        until,
    }
}

/// Says what the one who invited must not be told: this address has an account already.
pub(crate) fn known_already(
    to: &Email,
    inviter: &str,
    team: &str,
    url: &str,
    now: Timestamp,
    until: Timestamp,
) -> Letter {
    let (inviter, team) = (name(inviter), self::team(team));
    Letter {
        to: to.to_string(),
        subject: format!("{inviter} invites you to {team}"),
        paragraphs: vec![
            format!("{inviter} invites you to join {team}, and there is an account with your address already."),
            "An address has one account. Sign in with it, or ask to be invited by another address.".to_owned(),
        ],
        link: Some(("Sign in".to_owned(), url.to_owned())),
        made_at: now,
        until,
    }
}

/// Lets somebody choose another password.
pub(crate) fn new_password(to: &str, called: &str, url: &str, now: Timestamp, until: Timestamp) -> Letter {
    Letter {
        to: to.to_owned(),
        subject: "Choose a new password".to_owned(),
        paragraphs: vec![
            format!("Hello {},", name(called)),
            format!(
                "somebody asked for a new password for your account. This link is good once, until {}.",
                day(until)
            ),
            "If it was not you, ignore this letter: your password stays as it is.".to_owned(),
        ],
        link: Some(("Choose a new password".to_owned(), url.to_owned())),
        made_at: now,
        until,
    }
}

/// Says that something about somebody's account has changed.
pub(crate) fn notice(to: &str, called: &str, subject: &str, what: &str, now: Timestamp) -> Letter {
    Letter {
        to: to.to_owned(),
        subject: subject.to_owned(),
        paragraphs: vec![
            format!("Hello {},", name(called)),
            format!("{what} This was at {}.", minute(now)),
            "If it was not you, tell the administrator of your ServerFlow at once.".to_owned(),
        ],
        link: None,
        made_at: now,
        until: now.plus(std::time::Duration::from_secs(86_400)),
    }
}

/// Tells somebody what they asked to be told. What it says was cleaned and bounded before.
pub(crate) fn told(to: &str, message: &sf_connectors::Message, now: Timestamp) -> Letter {
    let mut paragraphs: Vec<String> = vec![format!("{}.", message.title)];
    paragraphs.extend(message.text.lines().filter(|line| !line.trim().is_empty()).map(str::to_owned));
    paragraphs.extend(message.lines.iter().map(|line| format!("- {}", line.title)));
    paragraphs.extend(message.and_more());
    paragraphs
        .push("What this mail is about, and when it comes, is yours to choose under Settings, Notifications.".into());
    Letter {
        to: to.to_owned(),
        subject: message.title.clone(),
        paragraphs,
        link: Some(("Open in ServerFlow".to_owned(), message.url.clone())),
        made_at: now,
        until: now.plus(std::time::Duration::from_secs(86_400)),
    }
}

/// Says nothing but that it arrived.
pub(super) fn test(to: &Email, url: &str, now: Timestamp) -> Letter {
    Letter {
        to: to.to_string(),
        subject: "Mail from ServerFlow arrives".to_owned(),
        paragraphs: vec!["This letter was sent to see whether mail arrives. It does.".to_owned()],
        link: Some(("Open ServerFlow".to_owned(), url.to_owned())),
        made_at: now,
        until: now.plus(std::time::Duration::from_secs(3600)),
    }
}

/// A team as people read it.
pub(crate) fn team(called: &str) -> String {
    if called == UNNAMED_TEAM { "ServerFlow".to_owned() } else { name(called) }
}

/// One line without what hides or reorders text, of bounded length.
fn name(text: &str) -> String {
    let shown: String = text.chars().map(|c| if is_deceptive(c) { ' ' } else { c }).take(MAX_NAME_CHARS).collect();
    let words: Vec<_> = shown.split_whitespace().collect();
    if words.is_empty() { "somebody".to_owned() } else { words.join(" ") }
}

/// `2026-11-21 06:27 UTC`.
fn minute(at: Timestamp) -> String {
    let text = at.to_string();
    format!("{} UTC", text.get(..16).unwrap_or(&text).replace('T', " "))
}

fn day(at: Timestamp) -> String {
    minute(at)
}

impl Letter {
    pub(super) fn subject(&self) -> &str {
        &self.subject
    }

    /// For programs that show text.
    pub(super) fn text(&self) -> String {
        let mut parts = self.paragraphs.clone();
        if let Some((_, url)) = &self.link {
            parts.insert(parts.len().min(2), url.clone());
        }
        parts.push("-- \r\nServerFlow".to_owned());
        parts.join("\r\n\r\n") + "\r\n"
    }

    /// The same for programs that show HTML: no style sheets, no pictures, nothing from elsewhere.
    pub(super) fn html(&self) -> String {
        let mut parts: Vec<_> = self.paragraphs.iter().map(|text| format!("<p>{}</p>", escape(text))).collect();
        if let Some((label, url)) = &self.link {
            let (label, url) = (escape(label), escape(url));
            parts.insert(parts.len().min(2), format!("<p><a href=\"{url}\">{label}</a></p>\r\n<p>{url}</p>"));
        }
        let body = parts.join("\r\n");
        format!(
            "<!doctype html>\r\n<html lang=\"en\"><meta charset=\"utf-8\">\r\n<body>\r\n{body}\r\n<p>ServerFlow</p>\r\n\
             </body></html>\r\n"
        )
    }
}

/// Text inside HTML, also inside a quoted attribute.
fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            other => out.push(other),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::from_millis(1_795_242_461_007);

    #[test]
    fn names_are_shown_on_one_line_and_never_as_markup() {
        for (called, expected) in [
            ("Ada", "Ada"),
            ("  Ada \r\n Bcc: eve@example.org ", "Ada Bcc: eve@example.org"),
            ("\u{202e}adA", "adA"),
            ("\0\n", "somebody"),
            ("", "somebody"),
        ] {
            assert_eq!(name(called), expected);
        }
        let to = "ada@example.org".parse().unwrap();
        let letter = invitation(&to, "<b>Eve</b>", "a\"b", "https://p.example/invitation#sfi_1", NOW, NOW);
        assert!(letter.html().contains("&lt;b&gt;Eve&lt;/b&gt; invites you to join a&quot;b."), "{}", letter.html());
        assert!(letter.text().contains("\r\n\r\nhttps://p.example/invitation#sfi_1\r\n\r\n"), "{}", letter.text());
        assert_eq!(team("default"), "ServerFlow");
    }

    #[test]
    fn both_forms_say_the_same() {
        let letter = new_password("ada@example.org", "Ada", "https://p.example/reset#sfp_1", NOW, NOW);
        for words in ["Hello Ada,", "good once, until 2026-11-21 06:27 UTC", "https://p.example/reset#sfp_1"] {
            assert!(letter.html().contains(words) && letter.text().contains(words), "{words}");
        }
    }
}
