//! JSON Schemas of tools: flat, without unions, and short, since a host pays for each byte with every request.

use serde_json::{Map, Value, json};

use super::super::output;

/// Arguments, none but these.
pub(in crate::tools) fn arguments(properties: &[(&str, Value)], required: &[&str]) -> Map<String, Value> {
    let mut schema = object(properties, required);
    schema.insert("additionalProperties".to_owned(), json!(false));
    schema
}

/// What a tool that reads answers: these, and `next`.
pub(in crate::tools) fn read(properties: &[(&str, Value)]) -> Map<String, Value> {
    let next = ("next", kind("array"));
    object(&properties.iter().cloned().chain([next]).collect::<Vec<_>>(), &["next"])
}

/// What a tool that changes something answers; also while a person has to decide.
pub(in crate::tools) fn act(more: &[(&str, Value)]) -> Map<String, Value> {
    let same =
        [("status", kind("string")), ("run_id", kind("string")), ("summary", kind("string")), ("next", kind("array"))];
    object(&same.into_iter().chain(more.iter().cloned()).collect::<Vec<_>>(), &["status", "next"])
}

fn object(properties: &[(&str, Value)], required: &[&str]) -> Map<String, Value> {
    let properties: Map<String, Value> =
        properties.iter().map(|(name, schema)| ((*name).to_owned(), schema.clone())).collect();
    let mut schema = Map::new();
    schema.insert("type".to_owned(), json!("object"));
    schema.insert("properties".to_owned(), Value::Object(properties));
    if !required.is_empty() {
        schema.insert("required".to_owned(), json!(required));
    }
    schema
}

/// Something of a kind, and no more said about it.
pub(in crate::tools) fn kind(kind: &str) -> Value {
    json!({ "type": kind })
}

/// A text.
pub(in crate::tools) fn text(about: &str) -> Value {
    json!({ "type": "string", "description": about })
}

/// One of these words.
pub(in crate::tools) fn choice(words: &[&str], about: &str) -> Value {
    match about {
        "" => json!({ "type": "string", "enum": words }),
        _ => json!({ "type": "string", "enum": words, "description": about }),
    }
}

/// A whole number within bounds.
pub(in crate::tools) fn whole(least: i64, most: i64, about: &str) -> Value {
    json!({ "type": "integer", "minimum": least, "maximum": most, "description": about })
}

/// Yes or no.
pub(in crate::tools) fn flag(about: &str) -> Value {
    json!({ "type": "boolean", "description": about })
}

/// Bytes of a list of tools, and an upper bound of its tokens: tokenizers of today's models make fewer of such a text.
pub fn tokens_at_most(bytes: usize) -> usize {
    // 3.3 bytes a token.
    (bytes * 10).div_ceil(33)
}

/// The limit that a list of tools keeps within, in tokens.
pub const MAX_LIST_TOKENS: usize = 6_000;

const _: () = assert!(output::MAX_NEXT == 3, "descriptions say so");
