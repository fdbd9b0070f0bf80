//! A mail address, refused at construction when it is none or could change the mail it is written into.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::domain::is_label;

/// The text is no mail address.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("it is no mail address: expected name@example.org, in ASCII, up to {} characters", Email::MAX)]
pub struct BadEmail;

/// `name@example.org` in lower case: letters, digits and the signs that need no quotes. No quoted names, no comments,
/// no address literals, nothing beyond ASCII: a domain of other letters is written as `xn--…`.
/// Source: RFC 5321 section 4.1.2 (dot-string), RFC 1035 section 2.3.1 (labels).
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Email(String);

impl Email {
    /// Characters at the most. Source: RFC 5321 section 4.5.3.1.3, less the angle brackets.
    pub const MAX: usize = 254;
    /// Characters before the `@`. Source: RFC 5321 section 4.5.3.1.1.
    const MAX_NAME: usize = 64;

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Email {
    type Err = BadEmail;

    fn from_str(text: &str) -> Result<Self, BadEmail> {
        let text = text.trim().to_ascii_lowercase();
        let (name, domain) = text.split_once('@').ok_or(BadEmail)?;
        let is_good = text.len() <= Self::MAX
            && name.len() <= Self::MAX_NAME
            && name.split('.').all(|part| !part.is_empty() && part.bytes().all(is_atom))
            && domain.split('.').all(is_label);
        if is_good { Ok(Self(text)) } else { Err(BadEmail) }
    }
}

fn is_atom(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-/=?^_`{|}~".contains(&byte)
}

impl fmt::Display for Email {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl TryFrom<String> for Email {
    type Error = BadEmail;

    fn try_from(text: String) -> Result<Self, BadEmail> {
        text.parse()
    }
}

impl From<Email> for String {
    fn from(email: Email) -> Self {
        email.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_one_plain_line_in_lower_case() {
        for (text, expected) in [
            ("ada@example.org", "ada@example.org"),
            ("  Ada.Lovelace+team@Mail.Example.ORG ", "ada.lovelace+team@mail.example.org"),
            ("root@localhost", "root@localhost"),
            ("a@xn--bcher-kva.example", "a@xn--bcher-kva.example"),
        ] {
            assert_eq!(text.parse::<Email>().map(String::from).as_deref(), Ok(expected), "{text}");
        }
        for bad in [
            "",
            "ada",
            "@example.org",
            "ada@",
            "ada@@example.org",
            "ada@example.org, eve@example.org",
            "ada@example.org\r\nBcc: eve@example.org",
            "ada\r\n@example.org",
            "ada@exam ple.org",
            "<ada@example.org>",
            "\"ada\"@example.org",
            "ada@[127.0.0.1]",
            "a..b@example.org",
            ".a@example.org",
            "ada@-example.org",
            "ada@example..org",
            "ädä@example.org",
            "ada@\u{ff45}xample.org",
            &format!("{}@example.org", "a".repeat(65)),
            &format!("a@{}", "b.".repeat(130)),
        ] {
            assert_eq!(bad.parse::<Email>(), Err(BadEmail), "{bad:?}");
        }
    }
}
