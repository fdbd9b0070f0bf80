//! Signed requests that start a workflow: whether one is genuine, and which delivery it is.
//!
//! | scheme | signs | replay is limited by | id of the delivery |
//! |---|---|---|---|
//! | `standard` | id, time, body | the time, [`TOLERANCE`] | `webhook-id`, signed |
//! | `github` | body | nothing but the id | `X-GitHub-Delivery`, not signed |
//! | `hmac-sha256` | body | nothing | none |
//! | `token` | **nothing**: the header is the secret itself | nothing | none |
//!
//! `token` is weaker than a signature: whoever sees one request can send others with any body. It is here because
//! GitLab and others offer nothing else.
//! Sources: Standard Webhooks 1.0.0 (standardwebhooks.com); GitHub, "Validating webhook deliveries".

mod key;
mod refusal;

use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};
use sf_types::{Secret, Timestamp};

use key::Tag;
pub use key::{HeaderName, Key, MAX_HEADER_NAME, MAX_SECRET_BYTES};
pub use refusal::{HeaderRefused, KeyRefused, Refusal};

/// Largest body: 1 MiB.
pub const MAX_BODY_BYTES: usize = 1024 * 1024;
/// Longest value of a header that is read: 4 KiB.
pub const MAX_HEADER_BYTES: usize = 4096;
/// Longest id of a delivery: 255 bytes.
pub const MAX_DELIVERY_BYTES: usize = 255;
/// The most signatures in one header: 16. A sender needs two while it rotates its secret.
pub const MAX_SIGNATURES: usize = 16;
/// The most secrets of one webhook: 4. Two while it is rotated.
pub const MAX_SECRETS: usize = 4;
/// How far a signed time may be from now, in both directions: 5 min.
pub const TOLERANCE: Duration = Duration::from_secs(5 * 60);

const ID: &str = "webhook-id";
const TIMESTAMP: &str = "webhook-timestamp";
const SIGNATURE: &str = "webhook-signature";
const GITHUB_SIGNATURE: &str = "x-hub-signature-256";
const GITHUB_DELIVERY: &str = "x-github-delivery";
/// Digits of a Unix time in seconds; enough until the year 5138.
const TIMESTAMP_DIGITS: usize = 11;

/// How bytes are written in a header.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Encoding {
    /// Hexadecimal, upper or lower case.
    #[default]
    Hex,
    /// Base64 with padding.
    Base64,
}

/// How the sender proves that a request is its own. As text `{"scheme": "hmac-sha256", "header": "X-Signature"}`.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
#[serde(tag = "scheme", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Scheme {
    /// Standard Webhooks, symmetric (`v1`).
    Standard,
    /// GitHub's `X-Hub-Signature-256`.
    #[serde(rename = "github")]
    GitHub,
    /// HMAC-SHA-256 of the body in a header, with or without `sha256=` before it.
    #[serde(rename = "hmac-sha256")]
    HmacSha256 {
        /// Where the signature is.
        header: HeaderName,
        /// How it is written.
        #[serde(default)]
        encoding: Encoding,
    },
    /// The secret itself in a header. Weaker than every signature.
    Token {
        /// Where the secret is.
        header: HeaderName,
    },
}

/// A genuine request.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Verified {
    /// The sender's id of this delivery, the same when it is sent again; to start one workflow for it.
    pub delivery: Option<String>,
}

/// Verifies the requests of one webhook.
#[derive(Clone, Debug)]
pub struct Verifier {
    scheme: Scheme,
    keys: Vec<Key>,
}

impl Verifier {
    /// A verifier that takes any of these secrets, as they were given to the sender.
    ///
    /// # Errors
    /// [`KeyRefused`]: no secret, too many, an empty one, one that the scheme cannot read.
    pub fn new(scheme: Scheme, secrets: &[Secret<String>]) -> Result<Self, KeyRefused> {
        if secrets.is_empty() {
            return Err(KeyRefused::None);
        }
        if secrets.len() > MAX_SECRETS {
            return Err(KeyRefused::TooMany { found: secrets.len() });
        }
        let keys = secrets.iter().map(|secret| Key::parse(&scheme, secret)).collect::<Result<_, _>>()?;
        Ok(Self { scheme, keys })
    }

    /// One that takes nothing, for addresses that are none: it works as long as any other. `random` is its key.
    pub fn of_nobody(random: [u8; 32]) -> Self {
        let header = HeaderName::parse("x-signature").expect("letters and a dash");
        Self { scheme: Scheme::HmacSha256 { header, encoding: Encoding::Hex }, keys: vec![Key::of_nobody(random)] }
    }

    /// Judges a request. `header` gives the value of a header by its lower-case name, and `None` too when the request
    /// has it twice; `body` is as it came, before any parsing.
    ///
    /// # Errors
    /// [`Refusal`], which never shows a secret or a signature.
    pub fn verify<'h>(
        &self,
        header: impl Fn(&str) -> Option<&'h str>,
        body: &[u8],
        now: Timestamp,
    ) -> Result<Verified, Refusal> {
        if body.len() > MAX_BODY_BYTES {
            return Err(Refusal::BodyTooLarge);
        }
        let tags = self.tags(&header, body);
        let read = |name: &str| match header(name) {
            None => Err(Refusal::Missing { header: name.to_owned() }),
            Some(value) if value.len() > MAX_HEADER_BYTES => Err(Refusal::HeaderTooLong { header: name.to_owned() }),
            Some(value) => Ok(value),
        };
        match &self.scheme {
            Scheme::Standard => standard(read, &tags, now),
            Scheme::GitHub => {
                let value = read(GITHUB_SIGNATURE)?;
                let hex = value.strip_prefix("sha256=");
                let hex = hex.ok_or_else(|| malformed(GITHUB_SIGNATURE, "it does not begin with sha256="))?;
                let delivery = delivery(GITHUB_DELIVERY, read(GITHUB_DELIVERY)?)?;
                is_signed(&tags, GITHUB_SIGNATURE, Encoding::Hex, hex)?;
                Ok(Verified { delivery: Some(delivery) })
            }
            Scheme::HmacSha256 { header, encoding } => {
                let value = read(header.as_str())?;
                let value = value.strip_prefix("sha256=").unwrap_or(value);
                is_signed(&tags, header.as_str(), *encoding, value)?;
                Ok(Verified { delivery: None })
            }
            Scheme::Token { header } => {
                let value = read(header.as_str())?;
                any(&self.keys, |key| key.is_token(value))?;
                Ok(Verified { delivery: None })
            }
        }
    }

    /// What every key makes of the whole request, before anything about it is judged: how long that takes tells neither
    /// what is wrong with it nor which scheme is wanted.
    fn tags<'h>(&self, header: impl Fn(&str) -> Option<&'h str>, body: &[u8]) -> Vec<Tag> {
        let short = |name| header(name).filter(|value| value.len() <= MAX_HEADER_BYTES).unwrap_or_default().as_bytes();
        let parts = match self.scheme {
            Scheme::Standard => vec![short(ID), b".", short(TIMESTAMP), b".", body],
            _ => vec![body],
        };
        self.keys.iter().map(|key| key.tag(&parts)).collect()
    }
}

fn standard<'h>(
    read: impl Fn(&str) -> Result<&'h str, Refusal>,
    tags: &[Tag],
    now: Timestamp,
) -> Result<Verified, Refusal> {
    let id = delivery(ID, read(ID)?)?;
    // The dot is the separator: with one in the id, another reading of the same signed bytes would be valid.
    if id.contains('.') {
        return Err(malformed(ID, "it has a dot in it"));
    }
    is_near(read(TIMESTAMP)?, now)?;
    let signatures = signatures(read(SIGNATURE)?)?;
    // Every signature with every key: the time taken does not tell which of them fits.
    any(tags, |tag| signatures.iter().fold(false, |found, signature| tag.is(signature) | found))?;
    Ok(Verified { delivery: Some(id) })
}

fn is_signed(tags: &[Tag], header: &str, encoding: Encoding, value: &str) -> Result<(), Refusal> {
    let signature = match encoding {
        Encoding::Hex => unhex(value).ok_or_else(|| malformed(header, "it is not hexadecimal")),
        Encoding::Base64 => STANDARD.decode(value).map_err(|_| malformed(header, "it is not base64")),
    }?;
    any(tags, |tag| tag.is(&signature))
}

fn any<T>(all: &[T], fits: impl Fn(&T) -> bool) -> Result<(), Refusal> {
    all.iter().fold(false, |found, one| fits(one) | found).then_some(()).ok_or(Refusal::NoSecretMatches)
}

fn malformed(header: &str, why: &'static str) -> Refusal {
    Refusal::Malformed { header: header.to_owned(), why }
}

/// An id is stored and shown: short, printable, without spaces.
fn delivery(header: &str, value: &str) -> Result<String, Refusal> {
    if value.is_empty() || value.len() > MAX_DELIVERY_BYTES {
        return Err(malformed(header, "it is empty or longer than 255 bytes"));
    }
    if !value.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err(malformed(header, "it has characters other than printable ASCII"));
    }
    Ok(value.to_owned())
}

fn is_near(timestamp: &str, now: Timestamp) -> Result<(), Refusal> {
    let is_digits = timestamp.len() <= TIMESTAMP_DIGITS && timestamp.bytes().all(|byte| byte.is_ascii_digit());
    let seconds: Option<i64> = is_digits.then(|| timestamp.parse().ok()).flatten();
    let seconds = seconds.ok_or_else(|| malformed(TIMESTAMP, "it is not a Unix time in seconds"))?;
    let sent = Timestamp::from_millis(seconds.saturating_mul(1000));
    if now.since(sent) > TOLERANCE {
        return Err(Refusal::TooOld { by: now.since(sent) });
    }
    if sent.since(now) > TOLERANCE {
        return Err(Refusal::InFuture { by: sent.since(now) });
    }
    Ok(())
}

/// The `v1` signatures of a list like `v1,<base64> v1a,<base64>`; other versions are for other receivers.
fn signatures(value: &str) -> Result<Vec<Vec<u8>>, Refusal> {
    if value.split(' ').count() > MAX_SIGNATURES {
        return Err(Refusal::TooManySignatures);
    }
    let known = value.split(' ').filter_map(|part| part.strip_prefix("v1,"));
    let signatures: Vec<Vec<u8>> = known.filter_map(|base64| STANDARD.decode(base64).ok()).collect();
    if signatures.is_empty() {
        return Err(malformed(SIGNATURE, "it has no signature of version v1 in base64"));
    }
    Ok(signatures)
}

fn unhex(text: &str) -> Option<Vec<u8>> {
    let (pairs, rest) = text.as_bytes().as_chunks::<2>();
    let digit = |byte: u8| char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    let bytes = pairs.iter().map(|[high, low]| Some(digit(*high)? << 4 | digit(*low)?)).collect::<Option<_>>();
    bytes.filter(|_| rest.is_empty())
}

#[cfg(test)]
mod tests;
