//! Lengths of time as people write them.

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};

/// The longest that can be written: ten years.
pub const LONGEST: Duration = Duration::from_secs(10 * 366 * 86_400);

/// A length of time: `500ms`, `30s`, `5m`, `1h30m`, `7d`. Never negative, at the most [`LONGEST`].
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Span(Duration);

/// The text is no length of time.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum BadSpan {
    /// Not written as one.
    #[error("`{0}` is no length of time: write `30s`, `5m`, `1h30m` or `7d`")]
    Form(String),
    /// Too long.
    #[error("`{0}` is longer than ten years")]
    TooLong(String),
}

const UNITS: [(&str, u64); 5] = [("d", 86_400_000), ("h", 3_600_000), ("ms", 1), ("m", 60_000), ("s", 1_000)];

impl Span {
    /// As a duration.
    pub const fn duration(self) -> Duration {
        self.0
    }

    /// From seconds.
    pub const fn secs(secs: u64) -> Self {
        Self(Duration::from_secs(secs))
    }

    /// Whether nothing passes.
    pub const fn is_zero(self) -> bool {
        self.0.is_zero()
    }
}

impl FromStr for Span {
    type Err = BadSpan;

    fn from_str(text: &str) -> Result<Self, BadSpan> {
        let shown = || text.chars().take(40).collect::<String>();
        let bad = || BadSpan::Form(shown());
        let (mut rest, mut millis) = (text, 0_u64);
        while !rest.is_empty() {
            let digits = rest.find(|c: char| !c.is_ascii_digit()).ok_or_else(bad)?;
            let (number, tail) = rest.split_at(digits);
            let (unit, each) = UNITS.into_iter().find(|(unit, _)| tail.starts_with(unit)).ok_or_else(bad)?;
            if number.is_empty() {
                return Err(bad());
            }
            let number: u64 = number.parse().map_err(|_| BadSpan::TooLong(shown()))?;
            let part = number.checked_mul(each).ok_or_else(|| BadSpan::TooLong(shown()))?;
            millis = millis.checked_add(part).ok_or_else(|| BadSpan::TooLong(shown()))?;
            rest = &tail[unit.len()..];
        }
        let span = Duration::from_millis(millis);
        match text.is_empty() {
            true => Err(bad()),
            false if span > LONGEST => Err(BadSpan::TooLong(shown())),
            false => Ok(Self(span)),
        }
    }
}

impl TryFrom<String> for Span {
    type Error = BadSpan;

    fn try_from(text: String) -> Result<Self, BadSpan> {
        text.parse()
    }
}

impl From<Span> for String {
    fn from(span: Span) -> Self {
        span.to_string()
    }
}

impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut rest = u64::try_from(self.0.as_millis()).unwrap_or(u64::MAX);
        if rest == 0 {
            return f.write_str("0s");
        }
        for (unit, each) in [("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1_000), ("ms", 1)] {
            if rest >= each {
                write!(f, "{}{unit}", rest / each)?;
                rest %= each;
            }
        }
        Ok(())
    }
}

impl JsonSchema for Span {
    fn schema_name() -> Cow<'static, str> {
        "Span".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": "string",
            "description": "A length of time: `500ms`, `30s`, `5m`, `1h30m`, `7d`.",
            "pattern": "^([0-9]+(d|h|ms|m|s))+$",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_are_read_as_they_are_written() {
        for (text, millis) in [("0s", 0), ("500ms", 500), ("90s", 90_000), ("1h30m", 5_400_000), ("7d", 604_800_000)] {
            let span: Span = text.parse().unwrap();
            assert_eq!(span.duration(), Duration::from_millis(millis), "{text}");
            assert_eq!(span.to_string().parse::<Span>(), Ok(span), "{text}");
        }
        for text in
            ["", "5", "m", "-5m", "5 m", "5M", "1.5h", "NaN", "1e3s", "99999999999999999999d", "4000d", "5m5", "∞"]
        {
            assert!(text.parse::<Span>().is_err(), "{text}");
        }
    }
}
