//! A host name on the internet, refused at construction when it is none or could change a file it is written into.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// Why a text is no domain.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BadDomain {
    /// Nothing, or more than fits into DNS.
    #[error("a domain has 1 to {} characters", DomainName::MAX)]
    Length,
    /// A part between two dots.
    #[error("each part of a domain has 1 to 63 letters, digits and hyphens, and no hyphen at its ends")]
    Label,
    /// `localhost`, `intranet`.
    #[error("a domain has at least two parts, as in example.org")]
    OnePart,
    /// `192.0.2.1`.
    #[error("this is an address; a domain is a name such as example.org")]
    Address,
    /// `*.example.org`.
    #[error("a wildcard needs a certificate by DNS, which is not supported; name each domain")]
    Wildcard,
    /// `münchen.example`.
    #[error("letters beyond ASCII are written in their DNS form, which begins with xn--")]
    NotAscii,
}

/// `shop.example.org` in lower case, without a dot at its end. No wildcard, no address, no single label.
/// Source: RFC 1035 section 2.3.1 (labels), RFC 1123 section 2.1 (digits first).
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct DomainName(String);

impl DomainName {
    /// Characters at the most. Source: RFC 1035 section 2.3.4, less length bytes.
    pub const MAX: usize = 253;
    /// Characters of one part.
    const MAX_LABEL: usize = 63;

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether it is `other` or below it: `a.example.org` is below `example.org`.
    pub fn is_within(&self, other: &Self) -> bool {
        self.0.strip_suffix(&other.0).is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
    }
}

impl FromStr for DomainName {
    type Err = BadDomain;

    fn from_str(text: &str) -> Result<Self, BadDomain> {
        let text = text.trim();
        if !text.is_ascii() {
            return Err(BadDomain::NotAscii);
        }
        let text = text.strip_suffix('.').unwrap_or(text).to_ascii_lowercase();
        if text.is_empty() || text.len() > Self::MAX {
            return Err(BadDomain::Length);
        }
        if text.starts_with("*.") {
            return Err(BadDomain::Wildcard);
        }
        if !text.split('.').all(is_label) {
            return Err(BadDomain::Label);
        }
        match text.rsplit_once('.') {
            None => Err(BadDomain::OnePart),
            Some((_, last)) if last.bytes().all(|byte| byte.is_ascii_digit()) => Err(BadDomain::Address),
            Some(_) => Ok(Self(text)),
        }
    }
}

/// One part between dots.
pub(crate) fn is_label(label: &str) -> bool {
    !label.is_empty()
        && label.len() <= DomainName::MAX_LABEL
        && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
        && !label.starts_with('-')
        && !label.ends_with('-')
}

impl TryFrom<String> for DomainName {
    type Error = BadDomain;

    fn try_from(text: String) -> Result<Self, BadDomain> {
        text.parse()
    }
}

impl From<DomainName> for String {
    fn from(domain: DomainName) -> Self {
        domain.0
    }
}

impl fmt::Display for DomainName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_kept_in_one_form() {
        for (text, expected) in [
            ("example.org", "example.org"),
            ("Shop.Example.ORG.", "shop.example.org"),
            (" xn--mnchen-3ya.example ", "xn--mnchen-3ya.example"),
            ("1and1.example", "1and1.example"),
        ] {
            assert_eq!(text.parse::<DomainName>().unwrap().as_str(), expected);
        }
    }

    #[test]
    fn what_could_change_a_file_is_no_domain() {
        for (text, why) in [
            ("", BadDomain::Length),
            ("exam\nple.org", BadDomain::Label),
            ("example.org;", BadDomain::Label),
            ("a.example;}", BadDomain::Label),
            ("\"a.example\"", BadDomain::Label),
            ("a.example{", BadDomain::Label),
            ("$host.example", BadDomain::Label),
            ("a..example", BadDomain::Label),
            (".example.org", BadDomain::Label),
            ("-a.example", BadDomain::Label),
            ("a b.example", BadDomain::Label),
            ("a.example:80", BadDomain::Label),
            ("a.example/x", BadDomain::Label),
            ("localhost", BadDomain::OnePart),
            ("192.0.2.1", BadDomain::Address),
            ("*.example.org", BadDomain::Wildcard),
            ("münchen.example", BadDomain::NotAscii),
        ] {
            assert_eq!(text.parse::<DomainName>().unwrap_err(), why, "{text:?}");
        }
        assert!(format!("{}.example", "a".repeat(64)).parse::<DomainName>().is_err());
        assert!("a.".repeat(128).parse::<DomainName>().is_err());
    }

    #[test]
    fn within_is_by_parts() {
        let name = |text: &str| text.parse::<DomainName>().unwrap();
        assert!(name("a.example.org").is_within(&name("example.org")));
        assert!(name("example.org").is_within(&name("example.org")));
        assert!(!name("badexample.org").is_within(&name("example.org")));
    }
}
