//! Short texts that people choose, refused at construction when they could do harm downstream.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// Why a chosen text was refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadText {
    /// Empty after trimming.
    #[error("it is empty")]
    Empty,
    /// Longer than allowed.
    #[error("it is longer than {max} characters")]
    TooLong {
        /// Characters allowed.
        max: usize,
    },
    /// A character that is not allowed.
    #[error("{character:?} is not allowed in it")]
    Character {
        /// The first offender.
        character: char,
    },
    /// Must begin with a letter and not end with a hyphen.
    #[error("it must begin with a letter and end with a letter or digit")]
    Edge,
}

/// A machine-friendly name: `a-z`, `0-9`, `-`; begins with a letter; 1 to 40 characters. Safe as a folder, host
/// label and file name.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Slug(String);

/// A name for people: printable, one line, no control or direction-override characters, 1 to 100 characters.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Name(String);

/// The name of a secret: letters, digits, `_`, `-` and `.`; begins with a letter; 1 to 100 characters.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct SecretName(String);

impl SecretName {
    /// Characters allowed at the most.
    pub const MAX: usize = 100;

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for SecretName {
    type Err = BadText;

    fn from_str(text: &str) -> Result<Self, BadText> {
        if text.is_empty() {
            return Err(BadText::Empty);
        }
        if text.chars().count() > Self::MAX {
            return Err(BadText::TooLong { max: Self::MAX });
        }
        let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.');
        if let Some(character) = text.chars().find(|c| !allowed(*c)) {
            return Err(BadText::Character { character });
        }
        if !text.starts_with(|c: char| c.is_ascii_alphabetic()) || text.ends_with(['-', '.']) {
            return Err(BadText::Edge);
        }
        Ok(Self(text.to_owned()))
    }
}

impl Slug {
    /// Characters allowed at the most.
    pub const MAX: usize = 40;

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// A slug made from any text: lower-cased, everything else to single hyphens; `None` when nothing is left.
    pub fn suggest(text: &str) -> Option<Self> {
        let mut out = String::new();
        for c in text.chars().flat_map(char::to_lowercase) {
            if c.is_ascii_alphanumeric() {
                out.push(c);
            } else if !out.is_empty() && !out.ends_with('-') {
                out.push('-');
            }
        }
        let out: String = out.trim_start_matches(|c: char| !c.is_ascii_alphabetic()).chars().take(Self::MAX).collect();
        out.trim_end_matches('-').parse().ok()
    }
}

impl FromStr for Slug {
    type Err = BadText;

    fn from_str(text: &str) -> Result<Self, BadText> {
        if text.is_empty() {
            return Err(BadText::Empty);
        }
        if text.chars().count() > Self::MAX {
            return Err(BadText::TooLong { max: Self::MAX });
        }
        if let Some(character) = text.chars().find(|c| !matches!(c, 'a'..='z' | '0'..='9' | '-')) {
            return Err(BadText::Character { character });
        }
        if !text.starts_with(|c: char| c.is_ascii_lowercase()) || text.ends_with('-') {
            return Err(BadText::Edge);
        }
        Ok(Self(text.to_owned()))
    }
}

impl Name {
    /// Characters allowed at the most.
    pub const MAX: usize = 100;

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Name {
    type Err = BadText;

    fn from_str(text: &str) -> Result<Self, BadText> {
        let text = text.trim();
        if text.is_empty() {
            return Err(BadText::Empty);
        }
        if text.chars().count() > Self::MAX {
            return Err(BadText::TooLong { max: Self::MAX });
        }
        if let Some(character) = text.chars().find(|c| is_deceptive(*c)) {
            return Err(BadText::Character { character });
        }
        Ok(Self(text.to_owned()))
    }
}

/// Control characters and those that reorder or hide text (Unicode TR36, bidirectional and zero-width controls).
pub fn is_deceptive(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}')
}

macro_rules! text_conversions {
    ($($name:ident),*) => {$(
        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl TryFrom<String> for $name {
            type Error = BadText;

            fn try_from(text: String) -> Result<Self, BadText> {
                text.parse()
            }
        }

        impl From<$name> for String {
            fn from(text: $name) -> Self {
                text.0
            }
        }
    )*};
}
text_conversions!(Slug, Name, SecretName);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slugs_refuse_what_a_path_or_host_label_cannot_hold() {
        for good in ["a", "shop-api", "a1"] {
            assert!(good.parse::<Slug>().is_ok(), "{good}");
        }
        for bad in ["", "-a", "1a", "a-", "A", "a/b", "..", "a b", "ä", &"a".repeat(41), "a\n", "$(x)"] {
            assert!(bad.parse::<Slug>().is_err(), "{bad}");
        }
    }

    #[test]
    fn names_of_secrets_need_no_escape_anywhere() {
        for good in ["a", "DATABASE_URL", "stripe.live-key_2", &"a".repeat(100)] {
            assert!(good.parse::<SecretName>().is_ok(), "{good}");
        }
        for bad in ["", "1a", "_a", "a-", "a.", "a b", "a/b", "ä", "a\n", "a\"b", "a%b", "..", &"a".repeat(101)] {
            assert!(bad.parse::<SecretName>().is_err(), "{bad:?}");
        }
    }

    #[test]
    fn suggestions_are_slugs() {
        for (text, slug) in [("Hello, World!", Some("hello-world")), ("99 Luft", Some("luft")), ("...", None)] {
            assert_eq!(Slug::suggest(text).map(String::from).as_deref(), slug);
        }
    }

    #[test]
    fn names_refuse_what_deceives_a_reader() {
        assert!("Frankfurt #1 – café".parse::<Name>().is_ok());
        for bad in ["", "  ", "a\u{202e}b", "a\u{0}b", "a\nb"] {
            assert!(bad.parse::<Name>().is_err(), "{bad:?}");
        }
    }
}
