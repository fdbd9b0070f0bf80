//! One try to deliver one message, and what the answer means.

use std::time::Duration;

use http::{HeaderMap, HeaderName, HeaderValue, header};
use sf_egress::{Answer, Egress, Failed, Post, Target};
use sf_runtime::Rng;
use sf_types::Timestamp;

use crate::destination::{Destination, decoded, key};
use crate::message::Message;
use crate::notify::{discord, ntfy, slack, webhook};
use crate::push::{self, VapidKey};

/// How long a push service keeps a message for a browser that is away.
pub const PUSH_KEPT: Duration = Duration::from_secs(24 * 3600);
/// Longest time a receiver may ask us to stay away.
pub const MAX_RETRY_AFTER: Duration = Duration::from_secs(3600);
/// Characters of Slack's word for what is wrong.
const MAX_WORD_CHARS: usize = 40;

/// Who sends.
#[derive(Clone, Debug)]
pub struct Sender {
    /// What push services know it by.
    pub vapid: VapidKey,
    /// Whom they may ask: `mailto:` or `https:`.
    pub subject: String,
}

/// What came of a try. No reason holds an address's path.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Verdict {
    /// It was taken.
    Delivered,
    /// It may be taken later, not before this long.
    Later(String, Option<Duration>),
    /// It never will be.
    Never(String),
    /// Nobody is there any more.
    Gone(String),
}

/// Sends a message once.
pub async fn deliver(
    egress: &Egress,
    sender: &Sender,
    to: &Destination,
    message: &Message,
    rng: &Rng,
    now: Timestamp,
) -> Verdict {
    let target = match to.check(egress) {
        Ok(target) => target,
        Err(why) => return Verdict::Never(why.to_string()),
    };
    let Some(post) = post(sender, to, target, message, rng, now) else {
        return Verdict::Never("it cannot be encrypted or signed with the key it was set up with".to_owned());
    };
    match egress.post(post).await {
        Ok(answer) => judged(to, &answer),
        Err(Failed::Refused(why)) => Verdict::Never(why.to_string()),
        Err(why) => Verdict::Later(why.to_string(), None),
    }
}

fn post(
    sender: &Sender,
    to: &Destination,
    target: Target,
    message: &Message,
    rng: &Rng,
    now: Timestamp,
) -> Option<Post> {
    let mut headers = HeaderMap::new();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    let body = match to {
        Destination::Slack { .. } => message.bounded(slack::body),
        Destination::Discord { .. } => message.bounded(discord::body),
        Destination::Ntfy { topic, token, .. } => {
            if let Some(token) = token {
                headers.insert(header::AUTHORIZATION, secret(&format!("Bearer {token}"))?);
            }
            message.bounded(|message| ntfy::body(message, topic))
        }
        Destination::Webhook { secret: key_text, .. } => {
            let body = message.bounded(webhook::body);
            let id = format!("msg_{}", message.id.simple());
            let signature = key(key_text).ok()?.sign(&id, now, &body).ok()?;
            headers.insert(HeaderName::from_static("webhook-id"), HeaderValue::from_str(&id).ok()?);
            headers.insert(HeaderName::from_static("webhook-timestamp"), HeaderValue::from(now.as_secs()));
            headers.insert(HeaderName::from_static("webhook-signature"), secret(&signature)?);
            body
        }
        Destination::Push { p256dh, auth, .. } => {
            let plain = fitting(message);
            let browser = push::encrypt::Browser { public: &decoded(p256dh)?, auth: &decoded(auth)? };
            let said = sender.vapid.authorization(&target.origin(), &sender.subject, now);
            let is_pressing = message.kind.is_none_or(sf_engine::notify::Kind::is_pressing);
            headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/octet-stream"));
            headers.insert(header::CONTENT_ENCODING, HeaderValue::from_static("aes128gcm"));
            headers.insert(header::AUTHORIZATION, secret(&said)?);
            headers.insert(HeaderName::from_static("ttl"), HeaderValue::from(PUSH_KEPT.as_secs()));
            let urgency = if is_pressing { "high" } else { "normal" };
            headers.insert(HeaderName::from_static("urgency"), HeaderValue::from_static(urgency));
            push::encrypt::encrypt(&plain, browser, rng)?
        }
    };
    Some(Post { to: target, headers, body })
}

/// What is encrypted is longer than what is said.
fn fitting(message: &Message) -> Vec<u8> {
    let room = crate::message::MAX_BODY_BYTES - push::encrypt::MAX_PLAIN_BYTES;
    let mut plain = message.bounded(|message| [push::body(message), vec![0; room]].concat());
    plain.truncate(plain.len() - room);
    plain
}

fn secret(text: &str) -> Option<HeaderValue> {
    let mut value = HeaderValue::from_str(text).ok()?;
    value.set_sensitive(true);
    Some(value)
}

/// What an answer means.
fn judged(to: &Destination, answer: &Answer) -> Verdict {
    let status = answer.status;
    let after = answer.retry_after.map(|wait| wait.min(MAX_RETRY_AFTER));
    match (status, to) {
        (200..=299, _) => Verdict::Delivered,
        (300..=399, _) => {
            let why = "a redirect, which is not followed: enter the address it leads to";
            Verdict::Never(format!("it answered {status}, {why}"))
        }
        (404 | 410, Destination::Push { .. }) => {
            Verdict::Gone(format!("the push service answered {status}: the browser has ended its subscription"))
        }
        (408 | 425 | 429, _) => Verdict::Later(format!("it answered {status}: too much at once, or too slow"), after),
        (400..=499, Destination::Slack { .. }) => Verdict::Never(format!("it answered {status}{}", word(&answer.body))),
        (400..=499, _) => Verdict::Never(format!("it answered {status}: look whether the address is still right")),
        _ => Verdict::Later(format!("it answered {status}"), after),
    }
}

/// Slack says what is wrong in one word: `channel_is_archived`. Nothing else of an answer is shown to anybody.
fn word(body: &[u8]) -> String {
    let word = std::str::from_utf8(body).unwrap_or_default().trim();
    let is_word = !word.is_empty() && word.len() <= MAX_WORD_CHARS;
    let is_word = is_word && word.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_');
    if is_word { format!(": {word}") } else { String::new() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::message::tests::{NOW, many, message};
    use sf_engine::workflow::webhook::{Scheme, Verifier};
    use sf_types::Secret;

    fn egress() -> Egress {
        Egress::new(&sf_egress::Options::default()).unwrap()
    }

    fn sender() -> Sender {
        Sender { vapid: VapidKey::generate(&Rng::seeded(1)), subject: "mailto:ops@example.org".into() }
    }

    fn posted(to: &Destination, message: &Message) -> Post {
        let target = to.check(&egress()).unwrap();
        post(&sender(), to, target, message, &Rng::seeded(2), NOW).unwrap()
    }

    #[test]
    fn a_receiver_verifies_what_is_sent_by_our_own_rules() {
        let secret = crate::destination::new_secret([9; 32]);
        let to = Destination::Webhook { url: "https://a.example.org/x".into(), secret: secret.clone() };
        let post = posted(&to, &message("Deploy", "so"));
        let verifier = Verifier::new(Scheme::Standard, &[Secret::new(secret)]).unwrap();
        let header = |name: &str| post.headers.get(name).and_then(|value| value.to_str().ok());
        let verified = verifier.verify(header, &post.body, NOW).unwrap();
        assert_eq!(verified.delivery.as_deref(), Some("msg_00000000000000000000000000000007"));
        let mut bent = post.body.clone();
        bent[10] ^= 1;
        assert!(verifier.verify(header, &bent, NOW).is_err());
        // Sent again later, it is the same delivery under another time.
        let again = posted(&to, &message("Deploy", "so"));
        assert_eq!(again.headers["webhook-id"], post.headers["webhook-id"]);
    }

    #[test]
    fn the_longest_message_fits_a_device() {
        let plain = fitting(&many(60, &"\"".repeat(200)));
        assert!(plain.len() <= push::encrypt::MAX_PLAIN_BYTES, "{}", plain.len());
        assert!(serde_json::from_slice::<serde_json::Value>(&plain).is_ok());
    }

    #[test]
    fn tokens_are_in_headers_that_are_never_printed() {
        let to =
            Destination::Ntfy { url: "https://ntfy.sh".into(), topic: "ops".into(), token: Some("tk_hunter2".into()) };
        let post = posted(&to, &message("Deploy", ""));
        assert_eq!(post.headers["authorization"].to_str().unwrap(), "Bearer tk_hunter2");
        assert!(!format!("{post:?}").contains("hunter2"));
    }

    #[test]
    fn every_answer_has_a_meaning() {
        let slack = Destination::Slack { url: String::new() };
        let push = Destination::Push { endpoint: String::new(), p256dh: String::new(), auth: String::new() };
        let answer = |status, body: &str| Answer {
            status,
            retry_after: Some(Duration::from_secs(90_000)),
            body: body.as_bytes().to_vec(),
        };
        let hour = Some(MAX_RETRY_AFTER);
        for (to, status, body, expected) in [
            (&slack, 200, "ok", "delivered"),
            (&push, 201, "", "delivered"),
            (&slack, 302, "", "never: it answered 302, a redirect"),
            (&slack, 403, "channel_is_archived\n", "never: it answered 403: channel_is_archived"),
            (&slack, 403, "<html>intranet password: hunter2", "never: it answered 403"),
            (&slack, 429, "", "later"),
            (&slack, 500, "", "later"),
            (&slack, 503, "", "later"),
            (&push, 404, "", "gone"),
            (&push, 410, "", "gone"),
            (&push, 400, "", "never"),
            (&slack, 404, "no_service", "never: it answered 404: no_service"),
        ] {
            let said = match judged(to, &answer(status, body)) {
                Verdict::Delivered => "delivered".to_owned(),
                Verdict::Later(why, after) => {
                    assert_eq!(after, hour);
                    format!("later: {why}")
                }
                Verdict::Never(why) => format!("never: {why}"),
                Verdict::Gone(why) => format!("gone: {why}"),
            };
            assert!(said.starts_with(expected) && !said.contains("hunter2"), "{status}: {said}");
        }
    }
}
