//! `variables`: what may be set, and by which rules.

use std::collections::{HashMap, HashSet};

use sf_protocol::server::EditValue;

use super::node::{Fields, Node};
use super::parts::Parts;
use crate::alt::{Alt, Run, RuntimeKind, Variable, limit, refusal};
use crate::name;
use crate::placeholder::{self, Site, Source};
use crate::rule::{self, Rules};
use crate::text::quoted;

/// Bytes of a variable's rules that are read.
const MAX_RULES_BYTES: usize = limit::RULES * limit::RULE_BYTES;

/// Reads them, in the order in which they are shown.
pub(super) fn read(node: Node, parts: &mut Parts) -> Vec<Variable> {
    let Some(items) = node.clone().items() else {
        parts.attend("variables", "It should be a list and is left out.");
        parts.leave(&["variables"], node);
        return Vec::new();
    };
    let mut read: Vec<(Option<i64>, Variable)> = Vec::new();
    let mut names = HashSet::new();
    for (index, item) in items.into_iter().enumerate() {
        let place = format!("variables[{index}]");
        let fault = match &item {
            Node::Map(fields) => refused(fields, &names),
            _ => Some("It should be a map and is left out.".to_owned()),
        };
        if let Some(fault) = fault {
            parts.attend(&place, fault);
            parts.leave(&["variables"], Node::List(vec![item]));
            continue;
        }
        if let Node::Map(fields) = item {
            let (sort, variable) = variable(fields, &place, parts);
            names.insert(variable.env.clone());
            read.push((sort, variable));
        }
    }
    // Stable: where nothing is said, the egg's own order holds.
    read.sort_by_key(|(sort, _)| *sort);
    read.into_iter().map(|(_, variable)| variable).collect()
}

/// The name of a variable as the environment has it.
fn env_of(fields: &Fields) -> String {
    fields.get("env_variable").and_then(Node::scalar).unwrap_or_default().trim().to_owned()
}

/// Why a variable is left out.
fn refused(fields: &Fields, names: &HashSet<String>) -> Option<String> {
    let env = env_of(fields);
    if let Err(why) = name::parse(&env) {
        return Some(format!("{} is no name of a variable ({why}); it is left out.", quoted(&env)));
    }
    if name::is_injected(&env) {
        return Some(format!("{env} is set by every panel itself, so that this one had no effect; it is left out."));
    }
    if let Some(why) = refusal(RuntimeKind::Docker, &env) {
        return Some(format!("{env} is refused, since {why}; it is left out."));
    }
    names.contains(&env).then(|| format!("{env} is there twice; the first one counts, this one is left out."))
}

fn variable(mut fields: Fields, place: &str, parts: &mut Parts) -> (Option<i64>, Variable) {
    let env = env_of(&fields);
    fields.take("env_variable");
    let mut take = |key: &str| fields.take(key).unwrap_or(Node::Null);
    let name = parts.line(&format!("{place}.name"), &take("name")).filter(|name| !name.is_empty());
    let description = parts.prose(&format!("{place}.description"), &take("description")).unwrap_or_default();
    let (default, viewable, editable) = (take("default_value"), take("user_viewable"), take("user_editable"));
    let rules = rules(take("rules"), &format!("{place}.rules"), parts);
    let sort = take("sort");
    let sort = match &sort {
        Node::Number(number) => number.as_i64(),
        node => node.scalar().and_then(|text| text.trim().parse().ok()),
    };
    let default = match default {
        // PHP's texts of truth values, where the rules ask for one.
        Node::Bool(truth) if Rules::parse(&rules).is_boolean() => u8::from(truth).to_string(),
        node => parts.scalar(&format!("{place}.default_value"), &node).unwrap_or_default().replace('\0', ""),
    };
    // Every egg of Pterodactyl's says so, and no other kind exists.
    let kind = take("field_type");
    let mut notes = Fields::default();
    if kind.scalar().is_some_and(|kind| kind != "text") {
        notes.push("field_type", kind);
    }
    for (key, node) in fields.0.into_iter().filter(|(_, node)| !node.is_blank()) {
        parts.note(format!("{place}.{key}"), "The field is not known; it is kept, and nothing acts on it.");
        notes.0.push((key, node));
    }
    let (viewable, editable) = (is_true(&viewable), is_true(&editable));
    let name = name.unwrap_or_else(|| env.clone());
    // No panel has secret variables: which is one, is for people to say. Any can be given a secret.
    let (secret, notes) = (false, notes.to_map());
    (sort, Variable { name, env, description, default, viewable, editable, rules, secret, notes })
}

fn is_true(node: &Node) -> bool {
    node.scalar().is_some_and(|word| matches!(word.trim().to_ascii_lowercase().as_str(), "1" | "true" | "yes" | "on"))
}

/// Rules in one text, in a list, or in a map as PHP writes an empty list.
fn rules(node: Node, place: &str, parts: &mut Parts) -> Vec<String> {
    let texts: Vec<String> = match node {
        Node::Text(text) => vec![text],
        node => match node.items() {
            Some(items) => items.iter().filter_map(|item| parts.scalar(place, item)).collect(),
            None => {
                parts.attend(place, "They should be a text or a list and are left out.");
                Vec::new()
            }
        },
    };
    let bytes: usize = texts.iter().map(String::len).sum();
    if bytes > MAX_RULES_BYTES {
        parts.attend(place, format!("They have {bytes} bytes, {MAX_RULES_BYTES} are read; they are left out."));
        return Vec::new();
    }
    // Written in one text and read again, so that both ways to write them mean the same.
    rule::split(&texts.iter().flat_map(|text| rule::split(text)).collect::<Vec<_>>().join("|"))
}

/// Gives variables whose names the node or the image sets another name, as Pelican does, wherever the egg uses them.
pub(super) fn rename_taken(alt: &mut Alt, parts: &mut Parts) {
    let mut renamed: HashMap<String, String> = HashMap::new();
    let taken: HashSet<String> = alt.variables.iter().map(|variable| variable.env.clone()).collect();
    for (index, variable) in alt.variables.iter_mut().enumerate() {
        if !name::is_reserved(&variable.env) {
            continue;
        }
        let mut new = format!("SERVER_{}", variable.env);
        while taken.contains(&new) || name::is_reserved(&new) {
            new.push('_');
        }
        let message = format!(
            "{} is set by the node or the image; the variable is called {new} now. Look whether the install script uses it.",
            variable.env
        );
        parts.attend(format!("variables[{index}].env_variable"), message);
        renamed.insert(std::mem::replace(&mut variable.env, new.clone()), new);
    }
    if renamed.is_empty() {
        return;
    }
    for startup in &mut alt.startups {
        if let Run::Shell { line } = &mut startup.run {
            *line = in_shell(line, &renamed);
        }
    }
    for set in alt.edits.iter_mut().flat_map(|edit| &mut edit.set) {
        if let EditValue::Text(text) = &mut set.value {
            *text = placeholder::replace(text, |found| match Source::parse(found, Site::Edit) {
                Source::Variable(name) => Some(format!("{{{{server.build.env.{}}}}}", renamed.get(name)?)),
                _ => None,
            });
        }
    }
}

/// `{{NAME}}`, `${NAME}` and `$NAME` with the new names.
fn in_shell(line: &str, renamed: &HashMap<String, String>) -> String {
    let line = placeholder::replace(line, |found| Some(format!("{{{{{}}}}}", renamed.get(found)?)));
    let mut out = String::with_capacity(line.len());
    let mut rest = line.as_str();
    while let Some(at) = rest.find('$') {
        let (before, after) = rest.split_at(at + 1);
        out.push_str(before);
        let brace = after.strip_prefix('{').map_or("", |_| "{");
        let word = &after[brace.len()..];
        let end = word.find(|c: char| !(c.is_ascii_alphanumeric() || c == '_')).unwrap_or(word.len());
        out.push_str(brace);
        out.push_str(renamed.get(&word[..end]).map_or(&word[..end], String::as_str));
        rest = &word[end..];
    }
    out.push_str(rest);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_in_shell_code_are_whole_words() {
        let renamed = HashMap::from([("HOME".to_owned(), "SERVER_HOME".to_owned())]);
        for (line, expected) in [
            (
                "cd {{HOME}} && ls $HOME ${HOME}/x ${HOME:-y}",
                "cd {{SERVER_HOME}} && ls $SERVER_HOME ${SERVER_HOME}/x ${SERVER_HOME:-y}",
            ),
            ("$HOMES $$ ${X} HOME {{HOMES}} $", "$HOMES $$ ${X} HOME {{HOMES}} $"),
        ] {
            assert_eq!(in_shell(line, &renamed), expected);
        }
    }
}
