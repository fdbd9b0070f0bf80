//! Any value at any key: other readers find it there, and everything else as it was.

use proptest::prelude::*;
use serde_json::{Map, Value};
use sf_edits::{Edited, apply};
use sf_protocol::server::{EditValue, Parser, SetKey};

fn key(path: &[String]) -> SetKey {
    SetKey { key: path.join("."), only_if: None, value: EditValue::Bool(true) }
}

fn edited(parser: Parser, before: &str, set: &SetKey) -> String {
    let Edited { bytes, .. } = apply(parser, before.as_bytes(), std::slice::from_ref(set))
        .unwrap_or_else(|error| panic!("{before}\n{set:?}: {error}"));
    let again = apply(parser, &bytes, std::slice::from_ref(set)).unwrap();
    assert!(
        !again.changed,
        "twice: {set:?}\n{}\n{}",
        String::from_utf8_lossy(&bytes),
        String::from_utf8_lossy(&again.bytes)
    );
    String::from_utf8(bytes).unwrap()
}

/// What setting a key has to make of a value: text becomes a number or truth value in the place of one alone. `None` where
/// it is not set, because something else is in the way.
fn expected(mut doc: Value, path: &[String], value: &EditValue) -> Option<Value> {
    let mut at = &mut doc;
    for name in path {
        if at.is_null() {
            *at = Value::Object(Map::new());
        }
        at = at.as_object_mut()?.entry(name.clone()).or_insert(Value::Null);
    }
    if at.is_object() || at.is_array() {
        return None;
    }
    *at = match value {
        EditValue::Bool(bool) => Value::Bool(*bool),
        EditValue::Integer(number) => Value::from(*number),
        EditValue::Text(text) => {
            let number = text.parse::<i64>().ok().filter(|number| number.to_string() == *text);
            match (&*at, number, text.as_str()) {
                (Value::Number(_), Some(number), _) => Value::from(number),
                (Value::Bool(_), _, "true") => Value::Bool(true),
                (Value::Bool(_), _, "false") => Value::Bool(false),
                _ => Value::String(text.clone()),
            }
        }
    };
    Some(doc)
}

fn name() -> impl Strategy<Value = String> {
    proptest::sample::select(vec!["a", "b", "c", "port", "x-y", "no", "1", "ä ö", "k:v"]).prop_map(str::to_owned)
}

fn text() -> impl Strategy<Value = String> {
    prop_oneof![
        3 => "[ -~äß€😀]{0,12}",
        1 => "(yes|no|on|~|null|true|false|0x1F|1_0|1:30|2001-01-01|\\.5|1e3|-|- a|a: b|a #b|#|\\*a|&a|!t|%|@|`|\\[|\\{|\\||>|,|\\?|\\? x|---|\\.\\.\\.|=|<<|')",
        1 => "[0-9]{1,4}",
        1 => proptest::collection::vec(any::<char>().prop_filter("no NUL", |c| *c != '\0'), 0..6).prop_map(String::from_iter),
    ]
}

/// What the tests themselves can write in every language.
fn words() -> impl Strategy<Value = String> {
    prop_oneof![3 => "[ -~äß€😀]{0,12}", 1 => "[0-9]{1,4}", 1 => "(yes|no|~|null|true|1:30)"]
}

fn value() -> impl Strategy<Value = EditValue> {
    prop_oneof![
        4 => text().prop_map(EditValue::Text),
        1 => any::<bool>().prop_map(EditValue::Bool),
        1 => any::<i32>().prop_map(|number| EditValue::Integer(number.into())),
    ]
}

fn document(nulls: bool) -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        words().prop_map(Value::String),
        any::<i32>().prop_map(Value::from),
        any::<bool>().prop_map(Value::Bool),
        if nulls { Just(Value::Null).boxed() } else { Just(Value::from(1)).boxed() },
    ];
    let inner = leaf.prop_recursive(3, 24, 4, |inner| {
        prop_oneof![
            3 => proptest::collection::btree_map(name(), inner.clone(), 1..4).prop_map(|map| Value::Object(map.into_iter().collect())),
            1 => proptest::collection::vec(inner, 0..3).prop_map(Value::Array),
        ]
    });
    proptest::collection::btree_map(name(), inner, 0..5).prop_map(|map| Value::Object(map.into_iter().collect()))
}

fn path() -> impl Strategy<Value = Vec<String>> {
    proptest::collection::vec(name(), 1..4)
}

/// YAML in blocks, with a comment behind each line where asked for.
fn yaml(value: &Value, indent: usize, comments: bool, out: &mut String) {
    let blanks = " ".repeat(indent);
    let note = if comments { " # note" } else { "" };
    let scalar = |value: &Value| value.to_string();
    match value {
        Value::Object(map) => {
            for (name, value) in map {
                let name = scalar(&Value::String(name.clone()));
                match value {
                    Value::Object(inner) if !inner.is_empty() => {
                        out.push_str(&format!("{blanks}{name}:{note}\n"));
                        yaml(value, indent + 2, comments, out);
                    }
                    Value::Array(items) if !items.is_empty() => {
                        out.push_str(&format!("{blanks}{name}:{note}\n"));
                        for item in items {
                            // Inner collections in brackets.
                            out.push_str(&format!("{blanks}- {}{note}\n", scalar(item)));
                        }
                    }
                    Value::Null => out.push_str(&format!("{blanks}{name}:{note}\n")),
                    value => out.push_str(&format!("{blanks}{name}: {}{note}\n", scalar(value))),
                }
            }
        }
        value => out.push_str(&format!("{blanks}{}\n", scalar(value))),
    }
}

proptest! {
    #[test]
    fn json(doc in document(true), path in path(), value in value(), pretty: bool, comments: bool) {
        let mut before = if pretty { serde_json::to_string_pretty(&doc).unwrap() } else { doc.to_string() };
        if pretty && comments {
            before = before.replace('\n', "\n// note\n");
        }
        let set = SetKey { value: value.clone(), ..key(&path) };
        let after = edited(Parser::Json, &before, &set);
        prop_assert_eq!(after.matches("// note\n").count(), before.matches("// note\n").count());
        let read: Value = serde_json::from_str(&after.replace("// note\n", "")).map_err(|error| TestCaseError::fail(format!("{error}: {after}")))?;
        prop_assert_eq!(read, expected(doc.clone(), &path, &value).unwrap_or(doc), "{}\n{}", before, after);
    }

    #[test]
    fn yaml_in_blocks(doc in document(true), path in path(), value in value(), comments: bool, crlf: bool) {
        let mut before = String::new();
        yaml(&doc, 0, comments, &mut before);
        if crlf {
            before = before.replace('\n', "\r\n");
        }
        let set = SetKey { value: value.clone(), ..key(&path) };
        let after = edited(Parser::Yaml, &before, &set);
        prop_assert_eq!(after.matches("# note").count(), before.matches("# note").count());
        let empty = doc.as_object().is_some_and(Map::is_empty);
        let read: Value = serde_saphyr::from_str(&after).map_err(|error| TestCaseError::fail(format!("{error}: {after}")))?;
        let doc = if empty { Value::Null } else { doc };
        prop_assert_eq!(read, expected(doc.clone(), &path, &value).unwrap_or(doc), "{}\n{}", before, after);
    }

    #[test]
    fn yaml_in_brackets(doc in document(true), path in path(), value in value()) {
        let before = format!("{doc}\n");
        let set = SetKey { value: value.clone(), ..key(&path) };
        let after = edited(Parser::Yaml, &before, &set);
        let read: Value = serde_saphyr::from_str(&after).map_err(|error| TestCaseError::fail(format!("{error}: {after}")))?;
        prop_assert_eq!(read, expected(doc.clone(), &path, &value).unwrap_or(doc), "{}\n{}", before, after);
    }

    #[test]
    fn toml(doc in document(false), path in path(), value in value(), crlf: bool, tables: bool) {
        let table: toml::Table = serde_json::from_value(doc.clone()).unwrap();
        let mut before = if tables { toml::to_string_pretty(&table).unwrap() } else {
            // Everything in its line.
            doc.as_object().unwrap().iter().map(|(name, value)| {
                let value: toml::Value = serde_json::from_value(value.clone()).unwrap();
                format!("{} = {value} # note\n", Value::String(name.clone()))
            }).collect()
        };
        if crlf && !before.contains("'''") && !before.contains("\"\"\"") {
            before = before.replace('\n', "\r\n");
        }
        let set = SetKey { value: value.clone(), ..key(&path) };
        let after = edited(Parser::Toml, &before, &set);
        prop_assert_eq!(after.matches("# note").count(), before.matches("# note").count());
        let read: toml::Table = toml::from_str(&after).map_err(|error| TestCaseError::fail(format!("{error}: {after}")))?;
        let read = serde_json::to_value(read).unwrap();
        prop_assert_eq!(read, expected(doc.clone(), &path, &value).unwrap_or(doc), "{}\n{}", before, after);
    }

    #[test]
    fn properties(pairs in proptest::collection::btree_map("[a-z.]{1,4}", "[!-~]{0,8}", 0..6), name in "[a-z.]{1,4}", value in text()) {
        let lines = pairs.iter().map(|(name, value)| format!("# {name}\n{name}={}\n", value.replace('\\', "\\\\")));
        let before: String = lines.collect();
        let set = SetKey { key: name.clone(), only_if: None, value: EditValue::Text(value.clone()) };
        let after = edited(Parser::Properties, &before, &set);
        prop_assert!(after.is_ascii());
        let mut there = std::collections::BTreeMap::new();
        for line in after.lines().filter(|line| !line.starts_with("# ")) {
            let (name, value) = line.split_once('=').unwrap();
            // As JSON reads it, but for the blank at its start.
            let value = value.strip_prefix("\\ ").map_or(value.to_owned(), |rest| format!(" {rest}")).replace('"', "\\\"");
            there.insert(name.to_owned(), serde_json::from_str::<String>(&format!("\"{value}\"")).unwrap());
        }
        let mut model = pairs.clone();
        model.insert(name, value);
        prop_assert_eq!(there, model);
        prop_assert_eq!(after.matches("# ").count() >= pairs.len(), true);
    }

    #[test]
    fn ini(pairs in proptest::collection::btree_map(("[a-c]{0,1}", "[a-z]{1,2}"), "[!-~&&[^;#\"]]{1,8}", 0..8), section in "[a-d]{0,1}", name in "[a-z]{1,2}", value in "[!-~ä ]{0,10}") {
        prop_assume!(!value.contains('\\'));
        let mut before = String::new();
        let mut here = String::new();
        for ((section, name), value) in &pairs {
            if *section != here {
                before.push_str(&format!("\n; note\n[{section}]\n"));
                here.clone_from(section);
            }
            before.push_str(&format!("{name} = {value}\n"));
        }
        let whole = if section.is_empty() { name.clone() } else { format!("{section}.{name}") };
        let set = SetKey { key: whole, only_if: None, value: EditValue::Text(value.clone()) };
        let after = edited(Parser::Ini, &before, &set);
        let mut there = std::collections::BTreeMap::new();
        let mut here = String::new();
        for line in after.lines().filter(|line| !line.is_empty() && !line.starts_with(';')) {
            if let Some(head) = line.strip_prefix('[').and_then(|line| line.strip_suffix(']')).filter(|_| !line.contains('=')) {
                head.clone_into(&mut here);
                continue;
            }
            let (name, value) = line.split_once('=').unwrap();
            let value = value.trim();
            let value = value.strip_prefix('"').and_then(|value| value.strip_suffix('"')).map_or(value.to_owned(), |value| value.replace("\\\"", "\""));
            there.insert((here.clone(), name.trim().to_owned()), value);
        }
        let mut model = pairs.clone();
        model.insert((section, name), value);
        prop_assert_eq!(there, model, "{}\n{}", before, after);
        prop_assert_eq!(after.matches("; note\n").count(), before.matches("; note\n").count());
    }

    /// No bytes make any parser panic, and what it does not refuse can be edited once more.
    #[test]
    fn any_bytes(bytes in proptest::collection::vec(proptest::sample::select(b"{}[]<>/!-?:,\"'=#&*|\\ \n\tab1.\xc3\xa4".to_vec()), 0..60), value in text()) {
        for parser in [Parser::File, Parser::Properties, Parser::Ini, Parser::Json, Parser::Yaml, Parser::Xml, Parser::Toml] {
            for key in ["a", "a.b", "b.*", "a[0].b"] {
                let set = [SetKey { key: key.to_owned(), only_if: None, value: EditValue::Text(value.clone()) }];
                if let Ok(edited) = apply(parser, &bytes, &set) {
                    let again = apply(parser, &edited.bytes, &set);
                    prop_assert!(again.is_ok(), "{:?} {}: {:?} -> {:?}", parser, key, String::from_utf8_lossy(&bytes), String::from_utf8_lossy(&edited.bytes));
                }
            }
        }
    }

    #[test]
    fn xml(texts in proptest::collection::vec("[ -~&&[^<&>]]{0,6}", 3), value in "[ -~ä\n]{0,12}", which in 0..4_usize) {
        let before = format!(
            "<?xml version=\"1.0\"?>\n<r>\n  <!-- note -->\n  <a x=\"1\">{}</a>\n  <b><c>{}</c><d/></b>\n  <e>{}</e>\n</r>\n",
            texts[0], texts[1], texts[2]
        );
        let key = ["r.a", "r.b.c", "r.b.d", "r.f.g"][which];
        prop_assume!(!value.starts_with('['));
        let set = SetKey { key: key.to_owned(), only_if: None, value: EditValue::Text(value.clone()) };
        let after = edited(Parser::Xml, &before, &set);
        let tag = key.rsplit('.').next().unwrap();
        let start = after.find(&if tag == "a" { "<a x=\"1\">".to_owned() } else { format!("<{tag}>") });
        let found = start.map(|start| {
            let start = start + after[start..].find('>').unwrap() + 1;
            after[start..start + after[start..].find("</").unwrap()].replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")
        });
        let empty = value.is_empty() && key == "r.b.d";
        prop_assert_eq!(found, if empty { None } else { Some(value) }, "{}", after);
        // What is between the tags of the others has not changed.
        for (tag, text) in [("a x=\"1\"", &texts[0]), ("c", &texts[1]), ("e", &texts[2])] {
            if !key.ends_with(&tag[..1]) {
                let there = format!("<{tag}>{text}</{}>", &tag[..1]);
                prop_assert!(after.contains(&there), "{}", after);
            }
        }
        prop_assert!(after.contains("<!-- note -->"));
    }
}
