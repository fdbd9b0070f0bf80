//! The form of a workflow's document, from its JSON Schema.

use std::fmt::Write;

use serde_json::{Map, Value};

use super::{NOTE, row};

/// `docs/reference/workflow.md`.
pub fn workflow() -> String {
    let schema = sf_engine::workflow::document::schema();
    let mut page = NOTE.to_owned();
    page.push_str(
        "# Workflow documents\n\nEvery field of a workflow's document, YAML or JSON; [the guide](../guides/workflows.md) shows how \
         they are used. Made from the JSON Schema, which editors read from [workflow.schema.json](workflow.schema.json) \
         (`# yaml-language-server: $schema=...`) and programs from `GET /api/v1/workflows/schema`.\n",
    );
    section(&mut page, "Workflow", &schema);
    for (name, of) in schema["$defs"].as_object().into_iter().flatten() {
        section(&mut page, name, of);
    }
    page
}

/// `docs/reference/workflow.schema.json`.
pub fn workflow_schema() -> String {
    let schema = sf_engine::workflow::document::schema();
    serde_json::to_string_pretty(&schema).expect("a schema is JSON") + "\n"
}

fn section(page: &mut String, name: &str, of: &Value) {
    let told = |value: &Value| value["description"].as_str().unwrap_or_default().replace('\n', " ");
    write!(page, "\n## {name}\n{}\n\n", told(of)).expect("writing to a String succeeds");
    if let Some(fields) = of["properties"].as_object() {
        let required: Vec<&str> = of["required"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
        row(page, &["field", "holds", "needed", "what it says"]);
        page.push_str("|---|---|---|---|\n");
        for (field, of) in fields {
            let needed = if required.contains(&field.as_str()) { "yes" } else { "" };
            row(page, &[&format!("`{field}`"), &kind(of), needed, &told(of)]);
        }
    }
    let words = of["oneOf"].as_array().into_iter().flatten().filter(|one| one["const"].is_string());
    for word in words {
        writeln!(page, "- `{}`: {}", word["const"].as_str().unwrap_or_default(), told(word)).expect("as above");
    }
    if of["properties"].is_null() && of["oneOf"].is_null() {
        writeln!(page, "Holds {}.", kind(of)).expect("as above");
    }
}

/// What a field may hold, in words.
fn kind(of: &Value) -> String {
    if let Some(reference) = of["$ref"].as_str() {
        let name = super::last(reference);
        return format!("[{name}](#{})", name.to_lowercase());
    }
    let several = ["anyOf", "oneOf", "allOf"].into_iter().find_map(|key| of[key].as_array());
    if let Some(several) = several {
        let kinds: Vec<String> = several.iter().filter(|one| one["type"] != "null").map(kind).collect();
        return kinds.join(" or ");
    }
    let empty = Map::new();
    match of["type"]
        .as_str()
        .or_else(|| of["type"].as_array()?.iter().find_map(|one| one.as_str().filter(|one| *one != "null")))
    {
        Some("array") => format!("list of {}", kind(&of["items"])),
        Some("string") => match of["pattern"].as_str() {
            Some(pattern) => format!("text like `{pattern}`"),
            None => "text".to_owned(),
        },
        Some("integer") => "whole number".to_owned(),
        Some("number") => "number".to_owned(),
        Some("boolean") => "yes or no".to_owned(),
        Some("object") if of["properties"].as_object().unwrap_or(&empty).is_empty() => "object".to_owned(),
        Some(other) => other.to_owned(),
        None => "any value".to_owned(),
    }
}
