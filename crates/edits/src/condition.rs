//! Whether a value is set, by what is there.

use regex_lite::{Regex, RegexBuilder};
use sf_protocol::server::{EditValue, SetKey};

use crate::EditError;

pub enum Condition {
    Always,
    /// It is this text.
    Is(String),
    /// It matches.
    Matches(Regex),
}

impl Condition {
    pub fn of(key: &SetKey) -> Result<Self, EditError> {
        /// Bytes of an expression, and of what it is compiled to.
        const MAX: usize = 1024;
        const COMPILED_MAX: usize = 256 * 1024;
        let bad = |why: String| EditError::Condition { key: key.key.clone(), why };
        match key.only_if.as_deref() {
            None => Ok(Self::Always),
            Some(text) => match text.strip_prefix("regex:") {
                None => Ok(Self::Is(text.to_owned())),
                Some(pattern) if pattern.len() > MAX => Err(bad(format!("it has more than {MAX} bytes"))),
                Some(pattern) => {
                    let built = RegexBuilder::new(pattern).size_limit(COMPILED_MAX).build();
                    built.map(Self::Matches).map_err(|error| bad(error.to_string()))
                }
            },
        }
    }

    /// Whether something new is made where nothing is.
    pub const fn makes(&self) -> bool {
        matches!(self, Self::Always)
    }

    /// What is set in the place of `old`; `None` where it stays.
    pub fn instead_of(&self, old: &str, value: &EditValue) -> Option<EditValue> {
        match (self, value) {
            (Self::Is(text), _) if text != old => None,
            (Self::Matches(regex), _) if !regex.is_match(old) => None,
            (Self::Matches(regex), EditValue::Text(with)) => {
                Some(EditValue::Text(regex.replace_all(old, with.as_str()).into_owned()))
            }
            _ => Some(value.clone()),
        }
    }

    /// As [`Condition::instead_of`], of a whole line that is replaced.
    pub fn instead_of_line(&self, line: &str, rest: &str, value: &str) -> Option<String> {
        match self {
            Self::Always => Some(value.to_owned()),
            Self::Is(text) => (text == line || text == rest).then(|| value.to_owned()),
            Self::Matches(regex) => {
                let found = regex.captures(rest).or_else(|| regex.captures(line))?;
                let mut with = String::new();
                found.expand(value, &mut with);
                Some(with)
            }
        }
    }
}
