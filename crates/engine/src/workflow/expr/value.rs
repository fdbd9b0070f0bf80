//! Values while an expression is evaluated. What comes from outside is borrowed; what is made is shared.

use std::borrow::Cow;
use std::cmp::Ordering;
use std::collections::BTreeMap;
use std::rc::Rc;

use serde_json::{Map, Number, Value};

use super::error::{ExprError, Refusal};
use super::scope::Binding;

/// Whole doubles up to here are exact.
const EXACT: f64 = 9_007_199_254_740_992.0;

#[derive(Clone, Debug)]
pub(super) enum Val<'a> {
    Null,
    Bool(bool),
    Int(i128),
    Double(f64),
    /// A number from JSON that was written with a point and is whole: counts as an int, is shown as it was.
    Whole(f64),
    Text(&'a str),
    Made(Rc<str>),
    Array(&'a [Value]),
    Object(&'a Map<String, Value>),
    Fields(&'a BTreeMap<&'a str, Binding<'a>>),
    List(Rc<Vec<Val<'a>>>),
    Map(Rc<BTreeMap<String, Val<'a>>>),
}

/// A number to compute with.
#[derive(Clone, Copy, Debug)]
pub(super) enum Num {
    Int(i128),
    Double(f64),
}

impl<'a> From<&'a Value> for Val<'a> {
    fn from(value: &'a Value) -> Self {
        match value {
            Value::Null => Self::Null,
            Value::Bool(value) => Self::Bool(*value),
            Value::Number(number) => Self::of_number(number),
            Value::String(text) => Self::Text(text),
            Value::Array(items) => Self::Array(items),
            Value::Object(fields) => Self::Object(fields),
        }
    }
}

impl<'a> From<&'a Binding<'a>> for Val<'a> {
    fn from(binding: &'a Binding<'a>) -> Self {
        match binding {
            Binding::Value(value) => Self::from(*value),
            Binding::Fields(fields) => Self::Fields(fields),
        }
    }
}

impl<'a> Val<'a> {
    pub(super) fn of_number(number: &Number) -> Self {
        if let Some(int) = number.as_i128() {
            return Self::Int(int);
        }
        // Without the feature of arbitrary precision every other number is a finite double.
        let double = number.as_f64().unwrap_or_default();
        if double.fract() == 0.0 && double.abs() <= EXACT { Self::Whole(double) } else { Self::Double(double) }
    }

    pub(super) fn text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            Self::Made(text) => Some(text),
            _ => None,
        }
    }

    pub(super) fn number(&self) -> Option<Num> {
        match *self {
            Self::Int(int) => Some(Num::Int(int)),
            Self::Whole(double) => Some(Num::Int(double as i128)),
            Self::Double(double) => Some(Num::Double(double)),
            _ => None,
        }
    }

    /// What kind of value it is, for a sentence.
    pub(super) fn kind(&self) -> &'static str {
        match self {
            Self::Null => "null",
            Self::Bool(_) => "bool",
            Self::Int(_) | Self::Whole(_) => "int",
            Self::Double(_) => "number",
            Self::Text(_) | Self::Made(_) => "string",
            Self::Array(_) | Self::List(_) => "list",
            Self::Object(_) | Self::Fields(_) | Self::Map(_) => "object",
        }
    }

    /// How many elements a list has.
    pub(super) fn elements(&self) -> Option<usize> {
        match self {
            Self::Array(items) => Some(items.len()),
            Self::List(items) => Some(items.len()),
            _ => None,
        }
    }

    /// One element of a list.
    pub(super) fn element(&self, at: usize) -> Option<Val<'a>> {
        match self {
            Self::Array(items) => items.get(at).map(Val::from),
            Self::List(items) => items.get(at).cloned(),
            _ => None,
        }
    }

    /// How many fields an object has.
    pub(super) fn width(&self) -> Option<usize> {
        match self {
            Self::Object(fields) => Some(fields.len()),
            Self::Fields(fields) => Some(fields.len()),
            Self::Map(fields) => Some(fields.len()),
            _ => None,
        }
    }

    /// One field of an object.
    pub(super) fn field(&self, name: &str) -> Option<Val<'a>> {
        match self {
            Self::Object(fields) => fields.get(name).map(Val::from),
            Self::Fields(fields) => fields.get(name).map(Val::from),
            Self::Map(fields) => fields.get(name).cloned(),
            _ => None,
        }
    }

    /// The names of an object's fields, in their order.
    pub(super) fn names(&self) -> Box<dyn Iterator<Item = Cow<'a, str>> + '_> {
        match self {
            Self::Object(fields) => Box::new(fields.keys().map(|name| Cow::Borrowed(name.as_str()))),
            Self::Fields(fields) => Box::new(fields.keys().map(|name| Cow::Borrowed(*name))),
            Self::Map(fields) => Box::new(fields.keys().map(|name| Cow::Owned(name.clone()))),
            _ => Box::new(std::iter::empty()),
        }
    }

    /// As it stands in a text, if it is written the same everywhere.
    pub(super) fn plain(&self) -> Option<Cow<'_, str>> {
        match self {
            Self::Bool(value) => Some(Cow::Borrowed(if *value { "true" } else { "false" })),
            Self::Text(_) | Self::Made(_) => self.text().map(Cow::Borrowed),
            _ => match self.number()? {
                Num::Int(int) => Some(Cow::Owned(int.to_string())),
                Num::Double(double) => Some(Cow::Owned(Number::from_f64(double)?.to_string())),
            },
        }
    }

    /// A number as JSON.
    pub(super) fn json_number(&self) -> Option<Number> {
        match *self {
            Self::Int(int) => Number::from_i128(int),
            Self::Whole(double) | Self::Double(double) => Number::from_f64(double),
            _ => None,
        }
    }
}

impl Num {
    /// A whole number that JSON can hold, or an overflow.
    pub(super) fn int<'a>(int: Option<i128>) -> Result<Val<'a>, ExprError> {
        match int {
            Some(int) if (i128::from(i64::MIN)..=i128::from(u64::MAX)).contains(&int) => Ok(Val::Int(int)),
            _ => Err(ExprError::new(
                Refusal::Value,
                "The result is too large for a whole number.",
                "Compute with double(x), or with smaller numbers.",
            )),
        }
    }

    /// A number that is one.
    pub(super) fn double<'a>(double: f64) -> Result<Val<'a>, ExprError> {
        match double.is_finite() {
            true => Ok(Val::Double(double)),
            false => Err(ExprError::new(
                Refusal::Value,
                "The result is too large for a number.",
                "Compute with smaller numbers.",
            )),
        }
    }

    pub(super) fn as_double(self) -> f64 {
        match self {
            Self::Int(int) => int as f64,
            Self::Double(double) => double,
        }
    }

    /// Exact, also between whole numbers and others. There is no NaN here.
    pub(super) fn compare(self, other: Self) -> Ordering {
        match (self, other) {
            (Self::Int(a), Self::Int(b)) => a.cmp(&b),
            (Self::Double(a), Self::Double(b)) => a.partial_cmp(&b).unwrap_or(Ordering::Equal),
            (Self::Double(_), Self::Int(_)) => other.compare(self).reverse(),
            // A cast of a larger double stops at the ends of i128, which no int here reaches.
            (Self::Int(a), Self::Double(b)) => {
                a.cmp(&(b.trunc() as i128)).then(0.0.partial_cmp(&b.fract()).unwrap_or(Ordering::Equal))
            }
        }
    }
}
