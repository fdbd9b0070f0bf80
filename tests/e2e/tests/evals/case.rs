//! Cases as they are written, and what an outcome is called in them.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::{Context, Result};
use serde_json::Value;
use sf_mcp::call::Outcome;

/// The cases of a file below `tests/mcp/evals`.
pub fn cases(file: &str) -> Result<Vec<Value>> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../mcp/evals").join(file);
    let text = std::fs::read_to_string(&path).with_context(|| path.display().to_string())?;
    Ok(serde_json::from_str(&text)?)
}

/// A value with what `{name}` stands for in its place.
pub fn filled(value: &Value, names: &BTreeMap<String, String>) -> Value {
    match value {
        Value::String(text) => {
            let fill = |text: String, (name, id): (&String, &String)| text.replace(&format!("{{{name}}}"), id);
            Value::String(names.iter().fold(text.clone(), fill))
        }
        Value::Array(items) => items.iter().map(|item| filled(item, names)).collect(),
        Value::Object(fields) => {
            Value::Object(fields.iter().map(|(name, value)| (name.clone(), filled(value, names))).collect())
        }
        other => other.clone(),
    }
}

/// What became of a call: `done`, `held`, `refused:<code>`, `scopes:<scope>`, `unknown`.
pub fn word(outcome: &Outcome) -> String {
    match outcome {
        Outcome::Done(_) => "done".to_owned(),
        Outcome::Held(_) => "held".to_owned(),
        Outcome::Refused(refusal) => format!("refused:{}", refusal.fault.code),
        Outcome::Scopes(scopes) => {
            format!("scopes:{}", scopes.iter().map(ToString::to_string).collect::<Vec<_>>().join("+"))
        }
        Outcome::Unknown => "unknown".to_owned(),
    }
}

/// What an outcome says, as one value.
pub fn structured(outcome: &Outcome) -> Value {
    match outcome {
        Outcome::Done(answer) => answer.structured.clone(),
        Outcome::Held(held) => held.structured(),
        Outcome::Refused(refusal) => {
            let next: Vec<_> =
                refusal.next.iter().map(|(tool, why)| serde_json::json!({ "tool": tool, "why": why })).collect();
            serde_json::json!({ "code": refusal.fault.code, "message": refusal.fault.message, "fix": refusal.fault.fix, "next": next })
        }
        Outcome::Scopes(_) | Outcome::Unknown => Value::Null,
    }
}
