//! One text for equal arguments, in whatever order they came, and its digest.

use serde_json::{Map, Value};
use sha2::{Digest, Sha256};

/// SHA-256 of a tool's name and its arguments, written as RFC 8785 orders them.
pub(in crate::tools) fn digest(tool: &str, arguments: &Map<String, Value>) -> [u8; 32] {
    let mut text = String::new();
    write(&Value::Object(arguments.clone()), &mut text);
    Sha256::new().chain_update(tool.as_bytes()).chain_update([0]).chain_update(text.as_bytes()).finalize().into()
}

/// As hexadecimal digits.
pub(in crate::tools) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn write(value: &Value, out: &mut String) {
    match value {
        Value::Object(fields) => {
            // What is null is absent.
            let mut sorted: Vec<_> = fields.iter().filter(|(_, value)| !value.is_null()).collect();
            sorted.sort_by(|(one, _), (other, _)| one.encode_utf16().cmp(other.encode_utf16()));
            out.push('{');
            for (at, (name, field)) in sorted.into_iter().enumerate() {
                out.push_str(if at == 0 { "" } else { "," });
                out.push_str(&Value::from(name.as_str()).to_string());
                out.push(':');
                write(field, out);
            }
            out.push('}');
        }
        Value::Array(items) => {
            out.push('[');
            for (at, item) in items.iter().enumerate() {
                out.push_str(if at == 0 { "" } else { "," });
                write(item, out);
            }
            out.push(']');
        }
        // 30 and 30.0 are one number to whoever writes JSON.
        Value::Number(number) => match number.as_f64() {
            Some(float) if float.fract() == 0.0 && float.abs() < 9e15 => out.push_str(&format!("{float:.0}")),
            _ => out.push_str(&number.to_string()),
        },
        other => out.push_str(&other.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(text: &str) -> [u8; 32] {
        digest("deploy", &serde_json::from_str(text).unwrap())
    }

    #[test]
    fn order_and_spaces_do_not_matter_and_everything_else_does() {
        let same = of(r#"{"app":"shop","ref":"main","n":30}"#);
        assert_eq!(same, of(r#"{ "n":30.0, "ref":"main", "app":"shop" }"#));
        assert_eq!(same, of(r#"{"app":"shop","ref":"main","n":30,"commit":null}"#));
        for other in [r#"{"app":"shop","ref":"Main","n":30}"#, r#"{"app":"shop","ref":"main"}"#, "{}"] {
            assert_ne!(same, of(other), "{other}");
        }
        let arguments = serde_json::from_str(r#"{"app":"shop"}"#).unwrap();
        assert_ne!(digest("deploy", &arguments), digest("rollback", &arguments));
    }
}
