//! A document whose maps keep their order: in an egg the first image is the default one.

use std::cell::Cell;
use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde::ser::{SerializeMap, SerializeSeq};
use serde::{Serialize, Serializer};
use serde_json::{Number, Value};

use super::{MAX_DEPTH, MAX_TEXT_BYTES, MAX_VALUES};

/// A value of JSON or YAML.
#[derive(Clone, PartialEq, Debug)]
pub(super) enum Node {
    Null,
    Bool(bool),
    Number(Number),
    Text(String),
    List(Vec<Node>),
    Map(Fields),
}

/// A map in its order.
#[derive(Clone, PartialEq, Debug, Default)]
pub(super) struct Fields(pub Vec<(String, Node)>);

impl Fields {
    pub fn get(&self, key: &str) -> Option<&Node> {
        self.0.iter().find(|(name, _)| name == key).map(|(_, node)| node)
    }

    /// Takes an entry out.
    pub fn take(&mut self, key: &str) -> Option<Node> {
        let at = self.0.iter().position(|(name, _)| name == key)?;
        Some(self.0.remove(at).1)
    }

    pub fn push(&mut self, key: &str, node: impl Into<Node>) {
        self.0.push((key.to_owned(), node.into()));
    }

    /// The entry, made if there is none.
    pub fn entry(&mut self, key: &str, make: impl FnOnce() -> Node) -> &mut Node {
        let at = self.0.iter().position(|(name, _)| name == key).unwrap_or_else(|| {
            self.0.push((key.to_owned(), make()));
            self.0.len() - 1
        });
        &mut self.0[at].1
    }
}

impl Node {
    /// Nothing is in it: null, an empty text, list or map.
    pub fn is_blank(&self) -> bool {
        match self {
            Self::Null => true,
            Self::Bool(_) | Self::Number(_) => false,
            Self::Text(text) => text.trim().is_empty(),
            Self::List(items) => items.is_empty(),
            Self::Map(fields) => fields.0.is_empty(),
        }
    }

    /// A text, number or truth value as a text.
    pub fn scalar(&self) -> Option<String> {
        match self {
            Self::Text(text) => Some(text.clone()),
            Self::Number(number) => Some(number.to_string()),
            Self::Bool(truth) => Some(truth.to_string()),
            Self::Null | Self::List(_) | Self::Map(_) => None,
        }
    }

    /// Lists, and maps whose keys mean nothing, as PHP writes lists at times.
    pub fn items(self) -> Option<Vec<Node>> {
        match self {
            Self::List(items) => Some(items),
            Self::Map(fields) => Some(fields.0.into_iter().map(|(_, node)| node).collect()),
            node if node.is_blank() => Some(Vec::new()),
            _ => None,
        }
    }

    pub fn to_value(&self) -> Value {
        match self {
            Self::Null => Value::Null,
            Self::Bool(truth) => Value::Bool(*truth),
            Self::Number(number) => Value::Number(number.clone()),
            Self::Text(text) => Value::String(text.clone()),
            Self::List(items) => Value::Array(items.iter().map(Self::to_value).collect()),
            Self::Map(fields) => Value::Object(fields.to_map()),
        }
    }

    /// Lays `more` over it: maps grow, lists get longer, what is there stays unless nothing is in it.
    pub fn merge(&mut self, more: Self) {
        match (self, more) {
            (Self::Map(fields), Self::Map(more)) => {
                for (key, node) in more.0 {
                    match fields.0.iter_mut().find(|(name, _)| *name == key) {
                        Some((_, there)) => there.merge(node),
                        None => fields.0.push((key, node)),
                    }
                }
            }
            (Self::List(items), Self::List(more)) => items.extend(more),
            (there, more) if there.is_blank() => *there = more,
            _ => {}
        }
    }
}

impl Fields {
    pub fn to_map(&self) -> serde_json::Map<String, Value> {
        self.0.iter().map(|(key, node)| (key.clone(), node.to_value())).collect()
    }
}

impl From<&Value> for Node {
    /// Maps sorted by their keys, so that what is written does not hang on how the program was built.
    fn from(value: &Value) -> Self {
        match value {
            Value::Null => Self::Null,
            Value::Bool(truth) => Self::Bool(*truth),
            Value::Number(number) => Self::Number(number.clone()),
            Value::String(text) => Self::Text(text.clone()),
            Value::Array(items) => Self::List(items.iter().map(Self::from).collect()),
            Value::Object(map) => {
                let mut fields: Vec<_> = map.iter().map(|(key, value)| (key.clone(), Self::from(value))).collect();
                fields.sort_by(|(a, _), (b, _)| a.cmp(b));
                Self::Map(Fields(fields))
            }
        }
    }
}

impl From<&str> for Node {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<String> for Node {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

impl From<bool> for Node {
    fn from(truth: bool) -> Self {
        Self::Bool(truth)
    }
}

impl From<i64> for Node {
    fn from(number: i64) -> Self {
        Self::Number(number.into())
    }
}

impl From<Fields> for Node {
    fn from(fields: Fields) -> Self {
        Self::Map(fields)
    }
}

impl From<Vec<Node>> for Node {
    fn from(items: Vec<Node>) -> Self {
        Self::List(items)
    }
}

impl<T: Into<Node>> From<Option<T>> for Node {
    fn from(maybe: Option<T>) -> Self {
        maybe.map_or(Self::Null, Into::into)
    }
}

impl Serialize for Node {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Null => to.serialize_unit(),
            Self::Bool(truth) => to.serialize_bool(*truth),
            Self::Number(number) => number.serialize(to),
            Self::Text(text) => to.serialize_str(text),
            Self::List(items) => {
                let mut seq = to.serialize_seq(Some(items.len()))?;
                items.iter().try_for_each(|item| seq.serialize_element(item))?;
                seq.end()
            }
            Self::Map(fields) => {
                let mut map = to.serialize_map(Some(fields.0.len()))?;
                fields.0.iter().try_for_each(|(key, node)| map.serialize_entry(key, node))?;
                map.end()
            }
        }
    }
}

/// What a document may still use up, and keys that it repeats.
#[derive(Default)]
pub(super) struct Budget {
    values: Cell<usize>,
    bytes: Cell<usize>,
    repeated: Cell<Vec<String>>,
}

impl Budget {
    /// Keys of which only the last value counts, as for PHP.
    pub fn repeated(self) -> Vec<String> {
        self.repeated.take()
    }

    fn repeat(&self, key: &str) {
        let mut keys = self.repeated.take();
        if keys.len() < super::MAX_WARNINGS {
            keys.push(key.to_owned());
        }
        self.repeated.set(keys);
    }

    fn spend<E: Error>(&self, bytes: usize) -> Result<(), E> {
        self.values.set(self.values.get() + 1);
        self.bytes.set(self.bytes.get().saturating_add(bytes));
        if self.values.get() > MAX_VALUES {
            return Err(E::custom(format_args!("it has more than {MAX_VALUES} values")));
        }
        if self.bytes.get() > MAX_TEXT_BYTES {
            return Err(E::custom(format_args!("its texts have more than {MAX_TEXT_BYTES} bytes")));
        }
        Ok(())
    }
}

/// Reads a node within a budget.
#[derive(Clone, Copy)]
pub(super) struct Reader<'a> {
    budget: &'a Budget,
    depth: usize,
}

impl<'a> Reader<'a> {
    pub const fn new(budget: &'a Budget) -> Self {
        Self { budget, depth: 0 }
    }

    fn inside<E: Error>(self) -> Result<Self, E> {
        if self.depth >= MAX_DEPTH {
            return Err(E::custom(format_args!("it is nested more than {MAX_DEPTH} deep")));
        }
        Ok(Self { depth: self.depth + 1, ..self })
    }
}

impl<'de> DeserializeSeed<'de> for Reader<'_> {
    type Value = Node;

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<Node, D::Error> {
        from.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Reader<'_> {
    type Value = Node;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    fn visit_unit<E: Error>(self) -> Result<Node, E> {
        self.budget.spend(0)?;
        Ok(Node::Null)
    }

    fn visit_none<E: Error>(self) -> Result<Node, E> {
        self.visit_unit()
    }

    fn visit_some<D: Deserializer<'de>>(self, from: D) -> Result<Node, D::Error> {
        from.deserialize_any(self)
    }

    fn visit_bool<E: Error>(self, truth: bool) -> Result<Node, E> {
        self.budget.spend(0)?;
        Ok(Node::Bool(truth))
    }

    fn visit_i64<E: Error>(self, number: i64) -> Result<Node, E> {
        self.budget.spend(0)?;
        Ok(Node::Number(number.into()))
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<Node, E> {
        self.budget.spend(0)?;
        Ok(Node::Number(number.into()))
    }

    fn visit_f64<E: Error>(self, number: f64) -> Result<Node, E> {
        self.budget.spend(0)?;
        // Infinity, what is no number, and what JSON would not read back to the last bit are texts.
        let kept =
            Number::from_f64(number).filter(|kept| serde_json::from_str::<f64>(&kept.to_string()).ok() == Some(number));
        Ok(kept.map_or_else(|| Node::Text(number.to_string()), Node::Number))
    }

    fn visit_i128<E: Error>(self, number: i128) -> Result<Node, E> {
        self.visit_string(number.to_string())
    }

    fn visit_u128<E: Error>(self, number: u128) -> Result<Node, E> {
        self.visit_string(number.to_string())
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Node, E> {
        self.budget.spend(text.len())?;
        Ok(Node::Text(text.to_owned()))
    }

    fn visit_string<E: Error>(self, text: String) -> Result<Node, E> {
        self.budget.spend(text.len())?;
        Ok(Node::Text(text))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Node, A::Error> {
        self.budget.spend(0)?;
        let inside = self.inside()?;
        let mut items = Vec::new();
        while let Some(item) = seq.next_element_seed(inside)? {
            items.push(item);
        }
        Ok(Node::List(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Node, A::Error> {
        self.budget.spend(0)?;
        let inside = self.inside()?;
        let mut fields: Vec<(String, Node)> = Vec::new();
        let mut places = std::collections::HashMap::new();
        while let Some(key) = map.next_key_seed(inside)? {
            let key = match key {
                Node::Null => String::new(),
                key => key.scalar().ok_or_else(|| A::Error::custom("a key is a list or a map"))?,
            };
            let node = map.next_value_seed(inside)?;
            match places.get(&key) {
                Some(&place) => {
                    self.budget.repeat(&key);
                    let there: &mut (String, Node) = &mut fields[place];
                    there.1 = node;
                }
                None => {
                    places.insert(key.clone(), fields.len());
                    fields.push((key, node));
                }
            }
        }
        Ok(Node::Map(Fields(fields)))
    }
}
