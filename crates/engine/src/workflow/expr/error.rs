//! Why an expression is refused, or has no value.

use std::fmt;

/// What kind of mistake it is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Refusal {
    /// It cannot be read.
    Syntax,
    /// It is too large, too deep or too much work.
    Limit,
    /// It names something that does not exist in this place.
    Name,
    /// It does to a value what cannot be done to values of that type.
    Type,
    /// The value lacks what was asked of it: a field, a key, an element.
    Missing,
    /// It has no result: overflow, division by zero, a text that is not a number.
    Value,
}

/// What is wrong, where, and what to do about it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ExprError {
    pub kind: Refusal,
    /// What happened and why, one sentence.
    pub message: String,
    /// The JSON pointer of the string in a template; empty for the template itself.
    pub place: Option<String>,
    /// Characters from the start of the expression, or of the template's string; the first is 1.
    pub column: Option<usize>,
    /// What to do, one sentence.
    pub fix: String,
}

impl ExprError {
    pub(super) fn new(kind: Refusal, message: impl Into<String>, fix: impl Into<String>) -> Self {
        Self { kind, message: message.into(), place: None, column: None, fix: fix.into() }
    }

    /// Names the column, unless a place further inside did.
    pub(super) fn at(mut self, column: u32) -> Self {
        self.column.get_or_insert(column as usize);
        self
    }

    /// Moves it into a string of a template, `before` characters of which stand before the expression.
    pub(super) fn within(mut self, place: &str, before: usize) -> Self {
        self.place = Some(place.to_owned());
        self.column = Some(self.column.unwrap_or(1) + before);
        self
    }
}

impl fmt::Display for ExprError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.place.as_deref(), self.column) {
            (Some(place), Some(column)) => write!(f, "{} (at {place}, column {column})", self.message),
            (Some(place), None) => write!(f, "{} (at {place})", self.message),
            (None, Some(column)) => write!(f, "{} (column {column})", self.message),
            (None, None) => f.write_str(&self.message),
        }
    }
}

impl std::error::Error for ExprError {}

/// The name that was probably meant, as the end of a sentence's fix.
pub(super) fn meant<'a>(name: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let chars = name.chars().count();
    // Of a name of one letter nothing is near.
    let far = (1 + chars / 4).min(chars.saturating_sub(1));
    known
        .into_iter()
        .filter(|other| far > 0 && other.len().abs_diff(name.len()) <= 4 * far)
        .map(|other| (strsim::damerau_levenshtein(name, other), other))
        .filter(|(distance, _)| *distance <= far)
        .min()
        .map(|(_, other)| other)
}

/// "Did you mean" if a known name is near, or else the names there are.
pub(super) fn instead<'a>(name: &str, known: impl IntoIterator<Item = &'a str> + Clone) -> String {
    const SHOWN: usize = 8;
    if let Some(other) = meant(name, known.clone()) {
        return format!("Did you mean `{other}`?");
    }
    let names: Vec<&str> = known.into_iter().take(SHOWN + 1).collect();
    match names.len() {
        0 => "Nothing is known here.".to_owned(),
        n if n > SHOWN => format!("Known here are `{}` and others.", names[..SHOWN].join("`, `")),
        _ => format!("Known here: `{}`.", names.join("`, `")),
    }
}
