//! The patterns of `matches`: linear in the text, and weighed so that the budget of work knows what a character costs.

use regex_lite::{Regex, RegexBuilder};

use super::error::{ExprError, Refusal};
use super::limit::{PATTERN_BYTES, PATTERN_COMPILED_BYTES};

/// A compiled pattern.
#[derive(Clone, Debug)]
pub(super) struct Pattern {
    regex: Regex,
    /// Work for one character of text, in units; a text walks every state of the pattern at worst.
    weight: u64,
}

impl Pattern {
    pub(super) fn new(source: &str) -> Result<Self, ExprError> {
        if source.len() > PATTERN_BYTES {
            return Err(ExprError::new(
                Refusal::Limit,
                format!("The pattern has {} bytes, more than {PATTERN_BYTES}.", source.len()),
                "Write a shorter pattern, or several.",
            ));
        }
        // The library does not say how large a pattern is, only whether it fits.
        let mut weight = 1;
        for bytes in [1 << 10, 4 << 10] {
            if let Ok(regex) = RegexBuilder::new(source).size_limit(bytes).build() {
                return Ok(Self { regex, weight });
            }
            weight *= 4;
        }
        match RegexBuilder::new(source).size_limit(PATTERN_COMPILED_BYTES).build() {
            Ok(regex) => Ok(Self { regex, weight }),
            Err(error) if error.to_string().contains("size limit") => Err(ExprError::new(
                Refusal::Limit,
                format!("The pattern needs more than {PATTERN_COMPILED_BYTES} bytes when it is compiled."),
                "Repeat less: `{1000}` makes a thousand copies.",
            )),
            Err(error) => Err(ExprError::new(
                Refusal::Value,
                format!("The pattern cannot be read: {error}."),
                "Write a regular expression without look-around and back-references, and two backslashes for one.",
            )),
        }
    }

    /// Units of work that this text costs.
    pub(super) fn work(&self, text: &str) -> u64 {
        1 + text.len() as u64 / 4 * self.weight
    }

    pub(super) fn is_match(&self, text: &str) -> bool {
        self.regex.is_match(text)
    }
}
