//! Where messages go. An address of a chat is a secret: whoever has it can write there.

use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use serde::{Deserialize, Serialize};
use sf_egress::{Egress, Refused, Target};
use sf_engine::workflow::webhook::{Key, Scheme};
use sf_types::{ErrorKind, Fault, Secret};

use crate::push::{AUTH_BYTES, PUBLIC_BYTES};

/// Longest token of a server: 512 characters.
pub const MAX_TOKEN_CHARS: usize = 512;
/// Longest topic of ntfy: 64 characters.
pub const MAX_TOPIC_CHARS: usize = 64;
/// Random bytes of a secret that is made here. Source: Standard Webhooks, 24 to 64.
pub const SECRET_BYTES: usize = 32;
/// Characters of an address's end that are shown, so that its owner knows which it is.
const SHOWN_CHARS: usize = 4;

/// A place that takes messages, with all that is needed to send there. Kept sealed; `Debug` shows the kind alone.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub enum Destination {
    /// Any program: JSON, signed as Standard Webhooks says.
    #[serde(rename_all = "camelCase")]
    Webhook {
        /// Its address.
        url: String,
        /// `whsec_…`: what it verifies by.
        secret: String,
    },
    /// An incoming webhook of Slack, or of what speaks like it (Mattermost, Rocket.Chat).
    #[serde(rename_all = "camelCase")]
    Slack {
        /// Its address.
        url: String,
    },
    /// A webhook of Discord.
    #[serde(rename_all = "camelCase")]
    Discord {
        /// Its address.
        url: String,
    },
    /// A topic of ntfy.
    #[serde(rename_all = "camelCase")]
    Ntfy {
        /// The server: `https://ntfy.sh`.
        url: String,
        /// The topic.
        topic: String,
        /// Who may publish there, where the server asks.
        token: Option<String>,
    },
    /// A browser that takes pushed messages. Source: RFC 8030, RFC 8291.
    #[serde(rename_all = "camelCase")]
    Push {
        /// Where its push service takes them.
        endpoint: String,
        /// Its public key, base64url.
        p256dh: String,
        /// Its authentication secret, base64url.
        auth: String,
    },
}

/// Something that cannot be sent to.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum BadDestination {
    /// Its address.
    #[error(transparent)]
    Address(#[from] Refused),
    /// Another part of it.
    #[error("`{field}` {why}")]
    Field {
        /// Which.
        field: &'static str,
        /// What is wrong.
        why: &'static str,
    },
}

impl BadDestination {
    /// For who typed it.
    pub fn fault(&self) -> Fault {
        match self {
            Self::Address(refused) => refused.fault(),
            Self::Field { .. } => Fault::new(ErrorKind::Invalid, "notification.destination", format!("{self}.")),
        }
    }
}

impl Destination {
    /// The word of its kind in the database and the API.
    pub const fn word(&self) -> &'static str {
        match self {
            Self::Webhook { .. } => "webhook",
            Self::Slack { .. } => "slack",
            Self::Discord { .. } => "discord",
            Self::Ntfy { .. } => "ntfy",
            Self::Push { .. } => "push",
        }
    }

    /// The address it is sent to.
    pub fn url(&self) -> &str {
        match self {
            Self::Webhook { url, .. } | Self::Slack { url } | Self::Discord { url } | Self::Ntfy { url, .. } => url,
            Self::Push { endpoint, .. } => endpoint,
        }
    }

    /// Refuses what could never be sent to; asks nobody.
    ///
    /// # Errors
    /// [`BadDestination`].
    pub fn check(&self, egress: &Egress) -> Result<Target, BadDestination> {
        let target = egress.target(self.url())?;
        match self {
            Self::Webhook { secret, .. } => {
                key(secret)?;
            }
            Self::Ntfy { topic, token, .. } => {
                let is_topic = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
                if topic.is_empty() || topic.len() > MAX_TOPIC_CHARS || !topic.chars().all(is_topic) {
                    return Err(bad("topic", "has letters, digits, `-` and `_`, 1 to 64 of them"));
                }
                let is_token = |token: &String| {
                    (1..=MAX_TOKEN_CHARS).contains(&token.len()) && token.bytes().all(|byte| byte.is_ascii_graphic())
                };
                if !token.as_ref().is_none_or(is_token) {
                    return Err(bad("token", "has 1 to 512 printable characters and no space"));
                }
            }
            Self::Push { p256dh, auth, .. } => {
                let public: Vec<u8> = decoded(p256dh).ok_or_else(|| bad("p256dh", "is not base64url"))?;
                if public.len() != PUBLIC_BYTES || public[0] != 4 {
                    return Err(bad("p256dh", "is no uncompressed point of the curve P-256"));
                }
                if decoded(auth).is_none_or(|bytes| bytes.len() != AUTH_BYTES) {
                    return Err(bad("auth", "is not 16 bytes in base64url"));
                }
            }
            Self::Slack { .. } | Self::Discord { .. } => {}
        }
        Ok(target)
    }

    /// What is shown of it: whom it belongs to, and its end.
    pub fn hint(&self, target: &Target) -> String {
        let Self::Ntfy { topic, .. } = self else { return format!("{} …{}", target.origin(), end(self.url())) };
        format!("{} …{}", target.origin(), end(topic))
    }
}

/// The last characters of something longer; nothing of what is short.
fn end(text: &str) -> String {
    let count = text.chars().count();
    if count < 3 * SHOWN_CHARS { String::new() } else { text.chars().skip(count - SHOWN_CHARS).collect() }
}

/// The key of a webhook.
pub(crate) fn key(secret: &str) -> Result<Key, BadDestination> {
    Key::parse(&Scheme::Standard, &Secret::new(secret.to_owned()))
        .map_err(|_| bad("secret", "is not `whsec_` and base64"))
}

/// A new secret for a webhook.
pub fn new_secret(random: [u8; SECRET_BYTES]) -> String {
    format!("whsec_{}", STANDARD.encode(random))
}

pub(crate) fn decoded(text: &str) -> Option<Vec<u8>> {
    URL_SAFE_NO_PAD.decode(text.trim_end_matches('=')).ok()
}

const fn bad(field: &'static str, why: &'static str) -> BadDestination {
    BadDestination::Field { field, why }
}

impl fmt::Debug for Destination {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Destination({})", self.word())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn egress() -> Egress {
        Egress::new(&sf_egress::Options::default()).unwrap()
    }

    #[test]
    fn what_cannot_be_sent_to_is_refused_and_no_secret_is_shown() {
        let egress = egress();
        let ntfy = |topic: &str, token: Option<&str>| Destination::Ntfy {
            url: "https://ntfy.sh".into(),
            topic: topic.into(),
            token: token.map(str::to_owned),
        };
        let push = |p256dh: &str, auth: &str| Destination::Push {
            endpoint: "https://push.example.org/abc".into(),
            p256dh: p256dh.into(),
            auth: auth.into(),
        };
        let webhook =
            |secret: &str| Destination::Webhook { url: "https://a.example.org/x".into(), secret: secret.into() };
        let point = URL_SAFE_NO_PAD.encode([&[4_u8][..], &[1; 64]].concat());
        let secret = URL_SAFE_NO_PAD.encode([1; 16]);
        for (destination, expected) in [
            (Destination::Slack { url: "https://hooks.slack.com/services/T/B/hunter2".into() }, None),
            (Destination::Slack { url: "https://127.0.0.1/x".into() }, Some("public internet")),
            (Destination::Discord { url: "ftp://discord.com/".into() }, Some("scheme")),
            (ntfy("ops", None), None),
            (ntfy("ops", Some("tk_hunter2")), None),
            (ntfy("", None), Some("topic")),
            (ntfy("../x", None), Some("topic")),
            (ntfy("ops", Some("a\r\nx: y")), Some("token")),
            (push(&point, &secret), None),
            (push(&point[4..], &secret), Some("p256dh")),
            (push("%%", &secret), Some("p256dh")),
            (push(&point, "AA"), Some("auth")),
            (webhook(&new_secret([7; SECRET_BYTES])), None),
            (webhook("hunter2"), Some("secret")),
        ] {
            match (destination.check(&egress), expected) {
                (Ok(target), None) => {
                    let shown = format!("{destination:?} {target:?} {}", destination.hint(&target));
                    assert!(!shown.contains("hunter2"), "{shown}");
                }
                (Err(error), Some(part)) => {
                    assert!(error.to_string().contains(part), "{error}");
                    assert!(!error.fault().message.contains("hunter2"));
                }
                (got, want) => panic!("{destination:?}: {got:?}, expected {want:?}"),
            }
        }
        let slack = Destination::Slack { url: "https://hooks.slack.com/services/T0/B0/abcdef".into() };
        assert_eq!(slack.hint(&slack.check(&egress).unwrap()), "https://hooks.slack.com …cdef");
        let short = ntfy("ops", None);
        assert_eq!(short.hint(&short.check(&egress).unwrap()), "https://ntfy.sh …");
    }
}
