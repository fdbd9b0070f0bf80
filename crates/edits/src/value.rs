//! Which type a value gets, by what it replaces.

use sf_protocol::server::EditValue;

/// What is there.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Old {
    Number,
    Bool,
    Null,
    Text,
}

/// What is written.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum New {
    Bool(bool),
    Number(String),
    Text(String),
}

impl New {
    /// Text becomes a number or truth value only in the place of one.
    pub fn of(value: &EditValue, old: Option<Old>) -> Self {
        match value {
            EditValue::Bool(bool) => Self::Bool(*bool),
            EditValue::Integer(number) => Self::Number(number.to_string()),
            EditValue::Text(text) => match old {
                Some(Old::Number) if is_number(text) => Self::Number(text.clone()),
                Some(Old::Bool) if text.eq_ignore_ascii_case("true") => Self::Bool(true),
                Some(Old::Bool) if text.eq_ignore_ascii_case("false") => Self::Bool(false),
                _ => Self::Text(text.clone()),
            },
        }
    }

    /// Whether what was a number or truth value is one no more.
    pub const fn retypes(&self, old: Old) -> bool {
        matches!((old, self), (Old::Number | Old::Bool, Self::Text(_)))
    }
}

/// A value where everything is text.
pub fn plain(value: &EditValue) -> String {
    match value {
        EditValue::Bool(bool) => bool.to_string(),
        EditValue::Integer(number) => number.to_string(),
        EditValue::Text(text) => text.clone(),
    }
}

/// A number as JSON has it (RFC 8259, section 6): the others take all of these, too.
pub fn is_number(text: &str) -> bool {
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let text = text.strip_prefix('-').unwrap_or(text);
    let (text, exponent) = match text.split_once(['e', 'E']) {
        Some((text, exponent)) => (text, Some(exponent)),
        None => (text, None),
    };
    let (whole, part) = match text.split_once('.') {
        Some((whole, part)) => (whole, Some(part)),
        None => (text, None),
    };
    digits(whole)
        && (whole == "0" || !whole.starts_with('0'))
        && part.is_none_or(digits)
        && exponent.is_none_or(|exponent| digits(exponent.strip_prefix(['+', '-']).unwrap_or(exponent)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_becomes_what_it_replaces() {
        let text = |text: &str| EditValue::Text(text.to_owned());
        for (value, old, new) in [
            (text("25565"), Some(Old::Number), New::Number("25565".into())),
            (text("25565"), Some(Old::Text), New::Text("25565".into())),
            (text("25565"), None, New::Text("25565".into())),
            (text("many"), Some(Old::Number), New::Text("many".into())),
            (text("TRUE"), Some(Old::Bool), New::Bool(true)),
            (text("1"), Some(Old::Bool), New::Text("1".into())),
            (EditValue::Bool(false), Some(Old::Text), New::Bool(false)),
            (EditValue::Integer(-1), None, New::Number("-1".into())),
        ] {
            assert_eq!(New::of(&value, old), new);
        }
    }

    #[test]
    fn numbers_are_those_of_json() {
        for good in ["0", "-1", "10.5", "1e9", "0.1E-2"] {
            assert!(is_number(good), "{good}");
        }
        for bad in ["", "-", "01", "1.", ".5", "0x10", "1e", "+1", "1_000", "٣", "NaN"] {
            assert!(!is_number(bad), "{bad}");
        }
    }
}
