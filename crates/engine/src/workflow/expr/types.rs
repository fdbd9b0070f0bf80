//! What is known about a value before there is one.

use std::collections::BTreeMap;
use std::fmt;

use serde_json::Value;

/// Levels of a JSON Schema that are read; what lies deeper may be anything.
const SCHEMA_DEPTH: usize = 32;
/// Fields of an object that are shown to a person.
const SHOWN_FIELDS: usize = 6;

/// The type of a value.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Type {
    /// Nothing is known: it is looked at when there is a value.
    Any,
    Null,
    Bool,
    /// A whole number from -2^63 to 2^64 - 1, written as 3 or as 3.0.
    Int,
    /// A number, whole or not.
    Number,
    String,
    List(Box<Type>),
    /// An object. Fields that are not named are refused, or may be anything where it is `open`.
    Object {
        fields: BTreeMap<String, Type>,
        open: bool,
    },
}

impl Type {
    /// An object that has these fields and no others.
    pub fn closed<K: Into<String>>(fields: impl IntoIterator<Item = (K, Type)>) -> Self {
        Self::Object { fields: fields.into_iter().map(|(name, of)| (name.into(), of)).collect(), open: false }
    }

    /// An object of which nothing is known.
    pub fn open() -> Self {
        Self::Object { fields: BTreeMap::new(), open: true }
    }

    /// Values for which this JSON Schema holds. What the subset does not know (`anyOf`, `$ref`, several types) is
    /// [`Type::Any`], never refused: it is checked when there is a value.
    pub fn from_schema(schema: &Value) -> Self {
        Self::of_schema(schema, SCHEMA_DEPTH)
    }

    fn of_schema(schema: &Value, levels: usize) -> Self {
        let (Some(schema), 1..) = (schema.as_object(), levels) else { return Self::Any };
        if ["anyOf", "oneOf", "allOf", "$ref", "not"].iter().any(|key| schema.contains_key(*key)) {
            return Self::Any;
        }
        if let Some(only) = schema.get("const") {
            return Self::of_value(only);
        }
        if let Some(Value::Array(values)) = schema.get("enum") {
            return values.iter().map(Self::of_value).reduce(|a, b| a.join(&b)).unwrap_or(Self::Any);
        }
        if schema.get("nullable") == Some(&Value::Bool(true)) {
            return Self::Any;
        }
        match schema.get("type").and_then(Value::as_str) {
            Some("null") => Self::Null,
            Some("boolean") => Self::Bool,
            Some("integer") => Self::Int,
            Some("number") => Self::Number,
            Some("string") => Self::String,
            Some("array") => {
                Self::List(Box::new(schema.get("items").map_or(Self::Any, |items| Self::of_schema(items, levels - 1))))
            }
            Some("object") => {
                let fields = schema.get("properties").and_then(Value::as_object);
                let fields = fields.into_iter().flatten();
                Self::Object {
                    fields: fields.map(|(name, of)| (name.clone(), Self::of_schema(of, levels - 1))).collect(),
                    open: schema.get("additionalProperties") != Some(&Value::Bool(false))
                        || schema.contains_key("patternProperties"),
                }
            }
            _ => Self::Any,
        }
    }

    /// The type of a value that is there.
    pub fn of_value(value: &Value) -> Self {
        match value {
            Value::Null => Self::Null,
            Value::Bool(_) => Self::Bool,
            Value::Number(number) if number.is_f64() => Self::Number,
            Value::Number(_) => Self::Int,
            Value::String(_) => Self::String,
            Value::Array(items) => Self::List(Box::new(Self::of_all(items.iter().map(Self::of_value)))),
            Value::Object(fields) => Self::closed(fields.iter().map(|(name, of)| (name.clone(), Self::of_value(of)))),
        }
    }

    /// The type of the elements of a list.
    pub(super) fn of_all(types: impl IntoIterator<Item = Type>) -> Self {
        types.into_iter().reduce(|a, b| a.join(&b)).unwrap_or(Self::Any)
    }

    /// The narrowest type of which both are.
    pub(super) fn join(&self, other: &Self) -> Self {
        match (self, other) {
            (a, b) if a == b => a.clone(),
            (a, b) if a.is_number() && b.is_number() => Self::Number,
            (Self::List(a), Self::List(b)) => Self::List(Box::new(a.join(b))),
            (Self::Object { .. }, Self::Object { .. }) => Self::open(),
            _ => Self::Any,
        }
    }

    pub(super) fn is_number(&self) -> bool {
        matches!(self, Self::Int | Self::Number)
    }

    /// Whether a value of the other type may stand where this one is asked for. What may be anything is let through
    /// in both directions.
    pub fn accepts(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Any, _) | (_, Self::Any) => true,
            (Self::Number, other) => other.is_number(),
            (Self::List(a), Self::List(b)) => a.accepts(b),
            (Self::Object { fields, open }, Self::Object { fields: others, .. }) => {
                others.iter().all(|(name, other)| fields.get(name).map_or(*open, |of| of.accepts(other)))
            }
            (a, b) => a == b,
        }
    }

    /// Whether a value of the one can equal a value of the other.
    pub(super) fn comparable(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Any | Self::Null, _) | (_, Self::Any | Self::Null) => true,
            (a, b) if a.is_number() && b.is_number() => true,
            (Self::List(a), Self::List(b)) => a.comparable(b),
            (Self::Object { .. }, Self::Object { .. }) => true,
            (a, b) => a == b,
        }
    }
}

impl fmt::Display for Type {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Any => f.write_str("any value"),
            Self::Null => f.write_str("null"),
            Self::Bool => f.write_str("bool"),
            Self::Int => f.write_str("int"),
            Self::Number => f.write_str("number"),
            Self::String => f.write_str("string"),
            Self::List(of) if **of == Self::Any => f.write_str("list"),
            Self::List(of) => write!(f, "list of {of}"),
            Self::Object { fields, .. } if fields.is_empty() => f.write_str("object"),
            Self::Object { fields, open } => {
                let names: Vec<&str> = fields.keys().take(SHOWN_FIELDS).map(String::as_str).collect();
                let more = if *open || fields.len() > SHOWN_FIELDS { ", …" } else { "" };
                write!(f, "object {{{}{more}}}", names.join(", "))
            }
        }
    }
}
