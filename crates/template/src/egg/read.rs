//! From bytes to a document, within limits: neither a nested bomb nor one of YAML's aliases costs more than they say.

use serde::de::DeserializeSeed;

use super::node::{Budget, Fields, Node, Reader};
use super::{MAX_BYTES, NoEgg};

/// A document, and keys that it repeats.
pub(super) struct Document {
    pub fields: Fields,
    pub repeated: Vec<String>,
}

/// Reads a document.
pub(super) fn read(bytes: &[u8]) -> Result<Document, NoEgg> {
    if bytes.len() > MAX_BYTES {
        return Err(NoEgg::TooLarge { bytes: bytes.len() });
    }
    let text = std::str::from_utf8(bytes).map_err(|error| NoEgg::NoText { at: error.valid_up_to() })?;
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let budget = Budget::default();
    let node = if text.trim_start().starts_with('{') {
        // YAML in braces, with comments and without quotes, is rare; what is wrong with it as JSON says more.
        json(text, &budget).or_else(|why| {
            let again = Budget::default();
            yaml(text, &again).map_err(|_| NoEgg::Malformed(format!("JSON: {why}")))
        })
    } else {
        yaml(text, &budget).map_err(|why| NoEgg::Malformed(format!("YAML: {why}")))
    };
    match node? {
        Node::Map(fields) => Ok(Document { fields, repeated: budget.repeated() }),
        _ => Err(NoEgg::Other("it is no map of fields".to_owned())),
    }
}

/// Reads JSON that stands inside a text, as `config.files` of most eggs.
pub(super) fn inner(text: &str) -> Result<Node, String> {
    json(text, &Budget::default())
}

fn json(text: &str, budget: &Budget) -> Result<Node, String> {
    let mut from = serde_json::Deserializer::from_str(text);
    let node = Reader::new(budget).deserialize(&mut from).map_err(|error| error.to_string())?;
    from.end().map_err(|error| error.to_string())?;
    Ok(node)
}

fn yaml(text: &str, budget: &Budget) -> Result<Node, String> {
    // YAML 1.2: `y`, `no` and `on` are texts; so are `007` and `1_000`, which nobody meant as numbers.
    let options = serde_saphyr::options! {
        strict_booleans: true,
        leading_zero_numbers_as_strings: true,
        underscored_numbers_as_strings: true,
        duplicate_keys: serde_saphyr::DuplicateKeyPolicy::PassThrough,
        non_finite_float_policy: serde_saphyr::NonFiniteFloatPolicy::AsString,
        with_snippet: false,
        alias_limits: serde_saphyr::alias_limits! {
            max_total_replayed_events: 100_000,
            max_replay_stack_depth: 16,
        },
    };
    let read = |from: serde_saphyr::Deserializer<'_, '_>| Reader::new(budget).deserialize(from);
    serde_saphyr::with_deserializer_from_str_with_options(text, options, read)
        .map_err(|error| one_line(&error.to_string()))
}

fn one_line(text: &str) -> String {
    text.lines().map(str::trim).find(|line| !line.is_empty()).unwrap_or_default().trim_end_matches('.').to_owned()
}

#[cfg(test)]
mod tests {
    use super::super::MAX_VALUES;
    use super::*;

    fn check(text: &str, expected: &str) {
        let found = match read(text.as_bytes()) {
            Ok(document) => serde_json::to_string(&Node::Map(document.fields)).unwrap(),
            Err(why) => format!("{why}"),
        };
        assert!(found.starts_with(expected), "{text}: {found}");
    }

    #[test]
    fn order_is_kept_and_the_last_of_two_counts() {
        check(r#"{"b": 1, "a": [true, null], "b": "x"}"#, r#"{"b":"x","a":[true,null]}"#);
        check("b: 1\na: [true, ~]\nb: x\n", r#"{"b":"x","a":[true,null]}"#);
        check("\u{feff}{\"a\":{}}", r#"{"a":{}}"#);
        assert_eq!(read(b"{\"a\":1,\"a\":2}").unwrap().repeated, ["a"]);
    }

    #[test]
    fn yaml_means_what_panels_mean() {
        check(
            "a: no\nb: 007\nc: 1_000\nd: 1.5\ne: '7'\n1: x\n",
            r#"{"a":"no","b":"007","c":"1_000","d":1.5,"e":"7","1":"x"}"#,
        );
        check("a: {  }\nb: |-\n  x\n  y\n", r#"{"a":{},"b":"x\ny"}"#);
        check("{a: 1, # comment\n b: x}", r#"{"a":1,"b":"x"}"#);
        check("a: .inf\nb: 99999999999999999999999", r#"{"a":".inf","b":"#);
    }

    #[test]
    fn what_is_no_document_is_said() {
        check("", "it is");
        check("just words", "it is a document, but no egg");
        check("[1, 2]", "it is a document, but no egg");
        check("{\"a\": ", "it is no JSON");
        check("a: [", "it is no YAML");
        check("a: 1\n---\nb: 2\n", "it is no YAML");
        check("? [a]\n: 1\n", "it is no YAML");
        assert_eq!(read(b"{\"a\":\"\xff\"}").err(), Some(NoEgg::NoText { at: 6 }));
        assert!(matches!(read(&vec![b' '; MAX_BYTES + 1]), Err(NoEgg::TooLarge { .. })));
    }

    #[test]
    fn bombs_do_not_go_off() {
        check(&format!("{{\"a\":{}1{}}}", "[".repeat(50_000), "]".repeat(50_000)), "it is no JSON");
        check(&format!("a: {}1{}", "[".repeat(5_000), "]".repeat(5_000)), "it is no YAML");
        let mut laughs = String::from("a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n");
        for level in 1..9 {
            let aliases = vec![format!("*a{}", level - 1); 10].join(", ");
            laughs.push_str(&format!("a{level}: &a{level} [{aliases}]\n"));
        }
        check(&laughs, "it is no YAML");
        let long = format!("a: &a {}\nb: [{}]\n", "x".repeat(1 << 20), vec!["*a"; 50].join(", "));
        check(&long, "it is no YAML");
        check(&format!("a: [{}]", "1,".repeat(MAX_VALUES + 1)), "it is no YAML");
    }
}
