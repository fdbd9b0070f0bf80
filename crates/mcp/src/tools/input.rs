//! The arguments of a call, checked against the schema that the host was given.

use serde_json::{Map, Value};
use sf_types::{ErrorKind, Fault};

/// Characters of a text argument at the most; what changes a file may be longer.
const MAX_TEXT_CHARS: usize = 500;
/// Of what changes a file.
const MAX_LONG_CHARS: usize = 24_000;
/// Arguments that may be long.
const LONG: [&str; 3] = ["old_text", "new_text", "input"];

/// Checked arguments.
#[derive(Clone, Debug)]
pub(super) struct Input(Map<String, Value>);

impl Input {
    /// # Errors
    /// `Invalid`: names the argument, what is wrong with it and what is expected.
    pub(super) fn new(arguments: Map<String, Value>, schema: &Map<String, Value>) -> Result<Self, Fault> {
        let empty = Map::new();
        let known = schema.get("properties").and_then(Value::as_object).unwrap_or(&empty);
        let arguments: Map<_, _> = arguments.into_iter().filter(|(_, value)| !value.is_null()).collect();
        if let Some(name) = arguments.keys().find(|name| !known.contains_key(*name)) {
            let name: String = name.chars().take(40).collect();
            return Err(wrong(&format!("There is no argument `{name}`."), known));
        }
        let required = schema.get("required").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
        if let Some(name) = required.iter().filter_map(Value::as_str).find(|name| !arguments.contains_key(*name)) {
            return Err(wrong(&format!("The argument `{name}` is missing."), known));
        }
        for (name, value) in &arguments {
            if let Err(why) = fits(name, value, &known[name]) {
                return Err(wrong(&format!("The argument `{name}` {why}."), known));
            }
        }
        Ok(Self(arguments))
    }

    /// No arguments.
    pub(super) fn none() -> Self {
        Self(Map::new())
    }

    /// A text, without spaces around it; `None` where it is absent or empty.
    pub(super) fn text(&self, name: &str) -> Option<&str> {
        self.0.get(name).and_then(Value::as_str).map(str::trim).filter(|text| !text.is_empty())
    }

    /// A text as it is.
    pub(super) fn raw(&self, name: &str) -> Option<&str> {
        self.0.get(name).and_then(Value::as_str)
    }

    /// A text that the schema asks for.
    pub(super) fn required(&self, name: &str) -> Result<&str, Fault> {
        self.text(name)
            .ok_or_else(|| Fault::new(ErrorKind::Invalid, "argument.empty", format!("The argument `{name}` is empty.")))
    }

    pub(super) fn whole(&self, name: &str) -> Option<u64> {
        // Some hosts write 30.0.
        self.0.get(name).and_then(Value::as_f64).map(|number| number.max(0.0) as u64)
    }

    pub(super) fn flag(&self, name: &str, otherwise: bool) -> bool {
        self.0.get(name).and_then(Value::as_bool).unwrap_or(otherwise)
    }
}

fn fits(name: &str, value: &Value, schema: &Value) -> Result<(), String> {
    match (schema["type"].as_str().unwrap_or_default(), value) {
        ("string", Value::String(text)) => {
            let most = if LONG.contains(&name) { MAX_LONG_CHARS } else { MAX_TEXT_CHARS };
            if text.chars().count() > most {
                return Err(format!("is longer than {most} characters"));
            }
            match schema["enum"].as_array() {
                Some(words) if !words.contains(value) => {
                    let words: Vec<_> = words.iter().filter_map(Value::as_str).collect();
                    Err(format!("is not one of {}", words.join(", ")))
                }
                _ => Ok(()),
            }
        }
        ("boolean", Value::Bool(_)) => Ok(()),
        ("integer", Value::Number(number)) => {
            let float = number.as_f64().unwrap_or(f64::NAN);
            let (least, most) = (schema["minimum"].as_f64(), schema["maximum"].as_f64());
            if float.fract() != 0.0 || least.is_some_and(|least| float < least) || most.is_some_and(|most| float > most)
            {
                return Err(format!("is no whole number from {} to {}", schema["minimum"], schema["maximum"]));
            }
            Ok(())
        }
        (kind, _) => Err(format!("is no {kind}")),
    }
}

fn wrong(what: &str, known: &Map<String, Value>) -> Fault {
    let names: Vec<_> = known.keys().map(|name| format!("`{name}`")).collect();
    let fix = if names.is_empty() { "It takes none.".to_owned() } else { format!("It takes {}.", names.join(", ")) };
    Fault::new(ErrorKind::Invalid, "argument.refused", what).fix(fix)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::catalog::schema::{arguments, choice, flag, text, whole};
    use super::*;

    fn check(given: Value, expected: Result<(), &str>) {
        let schema = arguments(
            &[
                ("app", text("")),
                ("limit", whole(1, 200, "")),
                ("do", choice(&["start", "stop"], "")),
                ("full", flag("")),
            ],
            &["app"],
        );
        let told = Input::new(given.as_object().unwrap().clone(), &schema);
        match expected {
            Ok(()) => assert!(told.is_ok(), "{given}: {told:?}"),
            Err(word) => {
                let fault = told.unwrap_err();
                assert!(fault.message.contains(word) && !fault.fix.is_empty(), "{given}: {fault:?}");
            }
        }
    }

    #[test]
    fn arguments_as_a_table() {
        check(json!({ "app": "shop" }), Ok(()));
        check(json!({ "app": "shop", "limit": 30.0, "do": "stop", "full": true }), Ok(()));
        check(json!({ "app": "shop", "limit": null }), Ok(()));
        check(json!({}), Err("`app` is missing"));
        check(json!({ "app": "shop", "force": true }), Err("no argument `force`"));
        check(json!({ "app": 7 }), Err("is no string"));
        check(json!({ "app": "shop", "limit": 201 }), Err("from 1 to 200"));
        check(json!({ "app": "shop", "limit": 1.5 }), Err("no whole number"));
        check(json!({ "app": "shop", "limit": "5" }), Err("is no integer"));
        check(json!({ "app": "shop", "do": "delete" }), Err("not one of start, stop"));
        check(json!({ "app": "shop", "full": "yes" }), Err("is no boolean"));
        check(json!({ "app": "x".repeat(501) }), Err("longer than 500"));
        check(json!({ "app": ["shop"] }), Err("is no string"));
    }
}
