//! Reading answers that are shown, not decided upon. What a field is missing shows as `-`.

use serde_json::Value;

/// Shown where there is nothing.
pub const NOTHING: &str = "-";

/// The text at a JSON pointer; numbers and truth values as text.
pub fn text(value: &Value, pointer: &str) -> String {
    maybe(value, pointer).unwrap_or_else(|| NOTHING.to_owned())
}

/// The text at a JSON pointer, where there is one.
pub fn maybe(value: &Value, pointer: &str) -> Option<String> {
    match value.pointer(pointer)? {
        Value::Null => None,
        Value::String(text) => Some(text.clone()),
        Value::Array(items) => Some(items.iter().map(|item| text(item, "")).collect::<Vec<_>>().join(", ")),
        other => Some(other.to_string()),
    }
}

/// The number at a pointer; also from a string, since 64-bit numbers travel as text.
pub fn number(value: &Value, pointer: &str) -> Option<u64> {
    match value.pointer(pointer)? {
        Value::Number(number) => number.as_u64(),
        Value::String(text) => text.parse().ok(),
        _ => None,
    }
}

/// The entries of a list answer.
pub fn items(value: &Value) -> &[Value] {
    let list = value.as_array().or_else(|| value.get("items").and_then(Value::as_array));
    list.map_or(&[], Vec::as_slice)
}

/// A word in lower case without separators: `rolled_back`, `RolledBack` and `rolledBack` are one.
pub fn word(value: &Value, pointer: &str) -> String {
    let text = maybe(value, pointer).unwrap_or_default();
    text.chars().filter(char::is_ascii_alphanumeric).map(|c| c.to_ascii_lowercase()).collect()
}

/// The time of day of an RFC 3339 time (`12:34:56`), or the whole text where it is none.
pub fn clock(value: &Value, pointer: &str) -> String {
    let full = text(value, pointer);
    match full.get(11..19) {
        Some(part) if full.as_bytes().get(10) == Some(&b'T') => part.to_owned(),
        _ => full,
    }
}

/// Day and time to the second: `2026-11-21 06:27:41`.
pub fn moment(value: &Value, pointer: &str) -> String {
    let full = text(value, pointer);
    match full.get(..19) {
        Some(part) if full.as_bytes().get(10) == Some(&b'T') => part.replace('T', " "),
        _ => full,
    }
}

/// The first characters of an id or commit.
pub fn short(text: &str) -> String {
    text.chars().take(12).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn words_of_every_spelling_are_one() {
        for spelling in ["rolled_back", "RolledBack", "rolledBack", "rolled-back"] {
            assert_eq!(word(&json!({ "done": spelling }), "/done"), "rolledback");
        }
    }

    #[test]
    fn what_is_missing_shows_as_a_dash() {
        let value = json!({"a": null, "n": 7, "s": "18446744073709551615", "at": "2026-11-21T06:27:41.007Z"});
        assert_eq!(text(&value, "/a"), "-");
        assert_eq!(text(&value, "/b/c"), "-");
        assert_eq!(text(&value, "/n"), "7");
        assert_eq!(number(&value, "/s"), Some(u64::MAX));
        assert_eq!(clock(&value, "/at"), "06:27:41");
        assert_eq!(moment(&value, "/at"), "2026-11-21 06:27:41");
        assert_eq!(clock(&value, "/n"), "7");
    }
}
