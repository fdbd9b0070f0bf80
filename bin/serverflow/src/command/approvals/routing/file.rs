//! Rules as people write them: YAML or JSON, with people by their address.

use std::path::Path;

use serde_json::Value;

use crate::client::Client;
use crate::command::people::users;
use crate::command::workflow::input::text_of;
use crate::failure::{Exit, Failure};

/// The lists of a rule that name people.
const PEOPLE: [&str; 2] = ["approvers", "escalateTo"];

/// The rules of a file, with the ids of the people it names by their addresses.
///
/// # Errors
/// A file that cannot be read or holds no rules; an address that nobody has.
pub async fn read(client: &Client, file: &Path) -> Result<Value, Failure> {
    let mut rules = parse(&text_of(file)?).map_err(|why| {
        Failure::new(Exit::Usage, "routing.file", format!("{} holds no rules: {why}", file.display()))
            .fix("Write them as `autoAt: 95`; an empty set is `{}`. See docs/guides/approvals.md.")
    })?;
    for person in named(&mut rules) {
        if let Some(address) = person.as_str().filter(|text| text.contains('@')) {
            *person = users::find(client, address).await?.into();
        }
    }
    Ok(rules)
}

fn parse(text: &str) -> Result<Value, String> {
    // YAML 1.2, as documents of workflows are: `no` is a text.
    let options = serde_saphyr::options! { strict_booleans: true };
    let rules: Value = match text.trim_start().starts_with('{') {
        true => serde_json::from_str(text).map_err(|why| format!("it is no JSON: {why}."))?,
        false => serde_saphyr::from_str_with_options(text, options).map_err(|why| format!("it is no YAML: {why}"))?,
    };
    if rules.is_object() { Ok(rules) } else { Err("they are names with values.".to_owned()) }
}

/// All people that rules name.
pub fn named(rules: &mut Value) -> Vec<&mut Value> {
    let lists = rules.get_mut("approvals").and_then(Value::as_array_mut).into_iter().flatten();
    lists
        .filter_map(Value::as_object_mut)
        .flat_map(|rule| rule.iter_mut().filter(|(name, _)| PEOPLE.contains(&name.as_str())))
        .filter_map(|(_, list)| list.as_array_mut())
        .flatten()
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn rules_are_yaml_or_json_and_never_nothing() {
        let expected = json!({ "autoAt": 95, "freezes": [{ "name": "no", "when": { "kind": "now" } }] });
        let yaml = "autoAt: 95\nfreezes:\n  - { name: no, when: { kind: now } }\n";
        assert_eq!(parse(yaml).unwrap(), expected);
        assert_eq!(parse(&expected.to_string()).unwrap(), expected);
        assert_eq!(parse("{}").unwrap(), json!({}));
        for bad in ["", "- autoAt", "95", "{autoAt: 95", "a: b: c"] {
            assert!(parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn people_are_found_wherever_they_are_named() {
        let mut rules = json!({ "approvals": [
            { "actions": ["a@b"], "approvers": ["ada@example.org", "01990000"], "escalateTo": ["bo@example.org"] }, {} ] });
        let named: Vec<_> = named(&mut rules).into_iter().map(|person| person.as_str().unwrap().to_owned()).collect();
        assert_eq!(named, ["ada@example.org", "01990000", "bo@example.org"]);
    }
}
