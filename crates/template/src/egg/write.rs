//! Documents written down: JSON as Pterodactyl indents it, YAML in blocks as Pelican does.

use serde::Serialize;
use serde_json::ser::{PrettyFormatter, Serializer};

use super::node::Node;

/// Pretty JSON with four spaces.
pub(super) fn json(node: &Node) -> String {
    let mut out = Vec::new();
    let mut to = Serializer::with_formatter(&mut out, PrettyFormatter::with_indent(b"    "));
    node.serialize(&mut to).expect("texts as keys, into memory");
    out.push(b'\n');
    String::from_utf8(out).expect("JSON is text")
}

/// YAML in blocks. Texts of several plain lines stay readable; whatever could be read as something else is quoted.
pub(super) fn yaml(node: &Node) -> String {
    let mut out = String::new();
    block(node, 0, &mut out);
    out
}

/// Writes what stands on lines of its own.
fn block(node: &Node, indent: usize, out: &mut String) {
    match node {
        Node::Map(fields) if !fields.0.is_empty() => {
            for (key, node) in &fields.0 {
                pad(indent, out);
                let key = scalar(key);
                if key.len() > LONGEST_KEY {
                    // The long way to write a key.
                    out.push_str(&format!("? {key}\n"));
                    pad(indent, out);
                } else {
                    out.push_str(&key);
                }
                out.push(':');
                value(node, indent, out);
            }
        }
        Node::List(items) if !items.is_empty() => {
            for item in items {
                pad(indent, out);
                out.push('-');
                value(item, indent, out);
            }
        }
        plain => {
            pad(indent, out);
            out.push_str(&inline(plain));
            out.push('\n');
        }
    }
}

/// Writes what follows `key:` or `-`.
fn value(node: &Node, indent: usize, out: &mut String) {
    match node {
        Node::Map(fields) if !fields.0.is_empty() => {
            out.push('\n');
            block(node, indent + 2, out);
        }
        Node::List(items) if !items.is_empty() => {
            out.push('\n');
            block(node, indent + 2, out);
        }
        Node::Text(text) if is_literal(text) => literal(text, indent + 2, out),
        plain => {
            out.push(' ');
            out.push_str(&inline(plain));
            out.push('\n');
        }
    }
}

fn pad(indent: usize, out: &mut String) {
    out.extend(std::iter::repeat_n(' ', indent));
}

fn inline(node: &Node) -> String {
    match node {
        Node::Null => "null".to_owned(),
        Node::Bool(truth) => truth.to_string(),
        Node::Number(number) => number.to_string(),
        Node::Text(text) => scalar(text),
        Node::List(_) => "[]".to_owned(),
        Node::Map(_) => "{}".to_owned(),
    }
}

/// Bytes of a key that YAML reads without being told that it is one; it allows 1,024 characters.
const LONGEST_KEY: usize = 900;

/// Plain where nothing about it could be misread, else in the quotes of JSON, whose escapes YAML has too.
fn scalar(text: &str) -> String {
    let first = |c: char| c.is_ascii_alphabetic() || c == '/';
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '/' | '_' | '.' | '-' | ' ' | '+');
    let words = ["true", "false", "null", "yes", "no", "on", "off", "y", "n", "inf", "infinity", "nan"];
    let is_plain = text.starts_with(first)
        && !text.ends_with(' ')
        && text.len() <= 200
        && text.chars().all(plain)
        && !words.contains(&text.to_ascii_lowercase().as_str());
    if is_plain { text.to_owned() } else { quoted(text) }
}

/// JSON's escapes, and YAML's own for what it does not print.
fn quoted(text: &str) -> String {
    let json = serde_json::to_string(text).unwrap_or_default();
    let mut out = String::with_capacity(json.len());
    for c in json.chars() {
        if c.is_control()
            || sf_types::text::is_deceptive(c)
            || matches!(c, '\u{85}' | '\u{a0}' | '\u{fffe}' | '\u{ffff}')
        {
            out.push_str(&format!("\\u{:04x}", u32::from(c)));
        } else {
            out.push(c);
        }
    }
    out
}

/// Whether a text can stand as lines of its own and is read back byte for byte.
fn is_literal(text: &str) -> bool {
    let printed = |c: char| {
        matches!(c, '\n' | '\t')
            || !c.is_control() && !sf_types::text::is_deceptive(c) && c != '\u{fffe}' && c != '\u{ffff}'
    };
    text.contains('\n')
        && !text.starts_with([' ', '\t', '\n'])
        && !text.ends_with("\n\n")
        && text.chars().all(printed)
        && !text.lines().any(|line| line.trim_matches([' ', '\t']).is_empty() && !line.is_empty())
}

fn literal(text: &str, indent: usize, out: &mut String) {
    let (body, mark) = match text.strip_suffix('\n') {
        Some(body) => (body, "|"),
        None => (text, "|-"),
    };
    out.push(' ');
    out.push_str(mark);
    out.push('\n');
    for line in body.split('\n') {
        if !line.is_empty() {
            pad(indent, out);
            out.push_str(line);
        }
        out.push('\n');
    }
}

#[cfg(test)]
mod tests {
    use super::super::node::{Budget, Fields, Reader};
    use super::super::read;
    use super::*;
    use proptest::prelude::*;
    use serde::de::DeserializeSeed;

    fn node() -> impl Strategy<Value = Node> {
        let text = prop_oneof![
            any::<String>(),
            "[ -~]{0,30}",
            "([ -~\t]{0,12}\n){1,4}[ -~]{0,12}",
            "(true|no|on|~|null|1e3|0x1|\\.inf|\\.nan|- a|a: b|# a|---|\\.\\.\\.|007|1_0|=|<<|!x|&a|\\*a|%a|@a|`|\\.5|\\.\\.)",
        ];
        let leaf = prop_oneof![
            Just(Node::Null),
            any::<bool>().prop_map(Node::Bool),
            any::<i64>().prop_map(Node::from),
            text.clone().prop_map(Node::Text),
        ];
        leaf.prop_recursive(4, 40, 6, move |inner| {
            let fields = proptest::collection::vec((text.clone(), inner.clone()), 0..6).prop_map(|entries| {
                let mut fields = Fields::default();
                for (key, node) in entries {
                    if fields.get(&key).is_none() {
                        fields.0.push((key, node));
                    }
                }
                Node::Map(fields)
            });
            prop_oneof![fields, proptest::collection::vec(inner, 0..6).prop_map(Node::List)]
        })
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_back(node in node()) {
            let mut fields = Fields::default();
            fields.push("a", node);
            for text in [json(&Node::Map(fields.clone())), yaml(&Node::Map(fields.clone()))] {
                let found = read::read(text.as_bytes()).map(|document| document.fields);
                prop_assert_eq!(found.as_ref(), Ok(&fields), "{}", text);
            }
        }
    }

    #[test]
    fn scripts_stay_readable() {
        let text = "#!/bin/ash\n\n\tcd /mnt/server\necho \"x: y\"";
        let mut fields = Fields::default();
        fields.push("script", text);
        fields.push("list", vec![Node::from("a"), Node::from("b\nc\n")]);
        let yaml = yaml(&Node::Map(fields));
        let expected =
            "script: |-\n  #!/bin/ash\n\n  \tcd /mnt/server\n  echo \"x: y\"\nlist:\n  - a\n  - |\n    b\n    c\n";
        assert_eq!(yaml, expected);
    }

    #[test]
    fn long_keys_are_read_back() {
        let mut fields = Fields::default();
        fields.push(&"k".repeat(3000), 1_i64);
        let budget = Budget::default();
        let text = json(&Node::Map(fields.clone()));
        let read_back = Reader::new(&budget).deserialize(&mut serde_json::Deserializer::from_str(&text)).unwrap();
        assert_eq!(read_back, Node::Map(fields.clone()));
        let yaml = yaml(&Node::Map(fields.clone()));
        assert_eq!(read::read(yaml.as_bytes()).unwrap().fields, fields, "{yaml}");
    }
}
