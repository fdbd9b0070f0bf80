//! The reference page of the tools, made of the tools.

use std::fmt::Write;

use serde_json::{Value, json};

use super::catalog::{self, schema};
use super::{prompts, resources};
use crate::call::ToolSpec;

/// The list as a host is given it.
pub fn list() -> Value {
    catalog::all().iter().map(written).collect()
}

fn written(tool: &ToolSpec) -> Value {
    json!({
        "name": tool.name, "title": tool.title, "description": tool.description,
        "inputSchema": tool.input, "outputSchema": tool.output,
        "annotations": { "readOnlyHint": tool.read_only, "destructiveHint": tool.destructive,
            "idempotentHint": tool.idempotent, "openWorldHint": false },
    })
}

/// `docs/reference/mcp-tools.md`.
pub fn page() -> String {
    let bytes = list().to_string().len();
    let mut page = String::from(
        "# Tools for AI hosts\n\nGenerated from the tools; do not edit. Below `/mcp/v1`, for Claude, Cursor and every other host that \
         speaks the Model Context Protocol.\n\n",
    );
    let tokens = schema::tokens_at_most(bytes);
    let _ = writeln!(
        page,
        "{} tools, {bytes} bytes as a list, at most {tokens} tokens (3.3 bytes a token). Which of them a host is given depends on \
         the scopes it was granted.\n",
        catalog::all().len()
    );
    page.push_str("| tool | what for | scope | changes | lasting |\n|---|---|---|---|---|\n");
    for tool in catalog::all() {
        let word = |yes: bool| if yes { "yes" } else { "-" };
        let (changes, lasting) = (word(!tool.read_only), word(tool.destructive));
        let _ = writeln!(
            page,
            "| [`{0}`](#{0}) | {1} | `{2}` | {changes} | {lasting} |",
            tool.name, tool.title, tool.scope
        );
    }
    page.push_str(
        "\nA lasting change asks a person for 30 minutes after the host was given words that others wrote. A change that is held \
         answers `pending_approval` with the page on which a person decides.\n",
    );
    for tool in catalog::all() {
        let _ = writeln!(page, "\n## {}\n\n{}\n", tool.name, tool.description);
        arguments(&mut page, tool);
    }
    page.push_str("\n## Resources\n\n| address | what is there | scope |\n|---|---|---|\n");
    for resource in resources::all() {
        let _ = writeln!(page, "| `{}` | {} | `{}` |", resource.uri, resource.description, resource.scope);
    }
    page.push_str("\n## Prompts\n\n| prompt | what for | arguments |\n|---|---|---|\n");
    for prompt in prompts::all() {
        let names: Vec<_> = prompt.arguments.iter().map(|(name, ..)| format!("`{name}`")).collect();
        let _ = writeln!(page, "| `{}` | {} | {} |", prompt.name, prompt.description, names.join(", "));
    }
    page
}

fn arguments(page: &mut String, tool: &ToolSpec) {
    let Some(properties) = tool.input["properties"].as_object().filter(|all| !all.is_empty()) else {
        page.push_str("No arguments.\n");
        return;
    };
    page.push_str("| argument | kind | |\n|---|---|---|\n");
    let required = tool.input.get("required").and_then(Value::as_array);
    let mut names: Vec<_> = properties.keys().collect();
    names.sort();
    for name in names {
        let schema = &properties[name];
        let words = schema["enum"]
            .as_array()
            .map(|words| words.iter().filter_map(Value::as_str).collect::<Vec<_>>().join(", "));
        let kind = words.unwrap_or_else(|| schema["type"].as_str().unwrap_or_default().to_owned());
        let must = required.is_some_and(|all| all.iter().any(|one| one == name));
        let about = schema["description"].as_str().unwrap_or_default();
        let _ = writeln!(page, "| `{name}`{} | {kind} | {about} |", if must { " (required)" } else { "" });
    }
}
