//! Schemas of the fixtures.

use std::sync::Arc;

use rmcp::model::JsonObject;
use serde_json::{Value, json};

/// A value that is an object.
pub(super) fn object(value: Value) -> Arc<JsonObject> {
    let Value::Object(map) = value else { return Arc::default() };
    Arc::new(map)
}

/// No arguments.
pub(super) fn nothing() -> Arc<JsonObject> {
    object(json!({ "type": "object", "properties": {} }))
}

/// One text.
pub(super) fn one(name: &str, meaning: &str) -> Arc<JsonObject> {
    object(json!({
        "type": "object",
        "properties": { name: { "type": "string", "description": meaning } },
        "required": [name],
    }))
}

/// A text that a header repeats.
pub(super) fn mirrored() -> Arc<JsonObject> {
    object(json!({
        "type": "object",
        "properties": { "region": { "type": "string", "x-mcp-header": "Region" } },
        "required": ["region"],
    }))
}

/// Whatever a host might drop on its way.
pub(super) fn whole() -> Arc<JsonObject> {
    object(json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "type": "object",
        "$defs": {
            "address": {
                "$anchor": "addressDef",
                "type": "object",
                "properties": { "street": { "type": "string" }, "city": { "type": "string" } },
            },
        },
        "properties": {
            "name": { "type": "string" },
            "address": { "$ref": "#/$defs/address" },
            "contactMethod": { "type": "string", "enum": ["phone", "email"] },
            "phone": { "type": "string" },
            "email": { "type": "string" },
        },
        "allOf": [{ "anyOf": [{ "required": ["phone"] }, { "required": ["email"] }] }],
        "if": { "properties": { "contactMethod": { "const": "phone" } }, "required": ["contactMethod"] },
        "then": { "required": ["phone"] },
        "else": { "required": ["email"] },
        "additionalProperties": false,
    }))
}

/// A default for each kind of field.
pub(super) fn defaults() -> Value {
    json!({
        "type": "object",
        "properties": {
            "name": { "type": "string", "description": "Name", "default": "John Doe" },
            "age": { "type": "integer", "description": "Age", "default": 30 },
            "score": { "type": "number", "description": "Score", "default": 95.5 },
            "status": { "type": "string", "enum": ["active", "inactive", "pending"], "default": "active" },
            "verified": { "type": "boolean", "description": "Verified", "default": true },
        },
        "required": [],
    })
}

/// Each way to write a choice.
pub(super) fn choices() -> Value {
    let titled = |titles: [&str; 3]| {
        let each = titles.iter().zip(1..).map(|(title, n)| json!({ "const": format!("value{n}"), "title": title }));
        each.collect::<Vec<_>>()
    };
    let options = ["option1", "option2", "option3"];
    json!({
        "type": "object",
        "properties": {
            "untitledSingle": { "type": "string", "enum": options },
            "titledSingle": { "type": "string", "oneOf": titled(["First Option", "Second Option", "Third Option"]) },
            "legacyEnum": {
                "type": "string",
                "enum": ["opt1", "opt2", "opt3"],
                "enumNames": ["Option One", "Option Two", "Option Three"],
            },
            "untitledMulti": { "type": "array", "items": { "type": "string", "enum": options } },
            "titledMulti": {
                "type": "array",
                "items": { "anyOf": titled(["First Choice", "Second Choice", "Third Choice"]) },
            },
        },
        "required": [],
    })
}
