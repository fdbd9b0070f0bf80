//! Patterns and ranges of the policy file.

use std::fmt;

use serde::de::{Deserialize, Deserializer, Error, Visitor};

/// A pattern where `*` stands for any run of characters; compared in lower case and over the whole text.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Glob(String);

impl Glob {
    /// A pattern.
    pub fn new(pattern: &str) -> Self {
        Self(pattern.to_ascii_lowercase())
    }

    /// Whether the whole of `text` (lower case) fits. Linear in the length of both, whatever the pattern.
    pub fn matches(&self, text: &str) -> bool {
        let mut parts = self.0.split('*');
        let first = parts.next().unwrap_or_default();
        let Some(mut rest) = text.strip_prefix(first) else { return false };
        let Some(last) = parts.next_back() else { return rest.is_empty() };
        for part in parts {
            let Some(at) = rest.find(part) else { return false };
            rest = &rest[at + part.len()..];
        }
        rest.ends_with(last)
    }
}

impl<'de> Deserialize<'de> for Glob {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let pattern = String::deserialize(deserializer)?;
        if pattern.is_empty() {
            return Err(D::Error::custom("an empty pattern matches nothing"));
        }
        Ok(Self::new(&pattern))
    }
}

/// Ports: `22` or `"1-1023"`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct PortRange {
    first: u16,
    last: u16,
}

impl PortRange {
    /// Whether `port` is in it.
    pub const fn contains(self, port: u16) -> bool {
        self.first <= port && port <= self.last
    }
}

impl<'de> Deserialize<'de> for PortRange {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Range;
        impl Visitor<'_> for Range {
            type Value = PortRange;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a port such as 22 or a range such as \"1-1023\"")
            }

            fn visit_i64<E: Error>(self, port: i64) -> Result<PortRange, E> {
                let port = u16::try_from(port).map_err(|_| E::custom(format!("{port} is no port")))?;
                Ok(PortRange { first: port, last: port })
            }

            fn visit_str<E: Error>(self, text: &str) -> Result<PortRange, E> {
                let (first, last) = text.split_once('-').unwrap_or((text, text));
                let port = |part: &str| {
                    part.trim().parse::<u16>().map_err(|_| E::custom(format!("`{text}` is no range of ports")))
                };
                let range = PortRange { first: port(first)?, last: port(last)? };
                if range.first > range.last {
                    return Err(E::custom(format!("`{text}` ends before it begins")));
                }
                Ok(range)
            }
        }
        deserializer.deserialize_any(Range)
    }
}
