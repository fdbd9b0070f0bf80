//! `config`: edits of files, ready lines, the stop value. In most eggs each is JSON inside a text.

use sf_protocol::server::{EditValue, FileEdit, Match, Parser, Ready, SetKey, Stop};
use sf_types::FilePath;

use super::node::{Fields, Node};
use super::parts::Parts;
use super::read;
use crate::alt::{Alt, limit};
use crate::text::quoted;
use crate::{placeholder, stop};

/// What `config` says.
pub(super) struct Config {
    pub edits: Vec<FileEdit>,
    pub ready: Ready,
    pub stop: Stop,
}

/// Where other panels keep a server's files. Some eggs name files from there.
const ROOTS: &[&str] = &[concat!("/ho", "me/container/"), "./", "/mnt/server/", "/"];

pub(super) fn read(config: Option<Node>, parts: &mut Parts) -> Config {
    let mut config = match config.unwrap_or(Node::Null) {
        Node::Map(fields) => fields,
        node => {
            if !node.is_blank() {
                parts.attend("config", "It should be a map and is left out.");
                parts.leave(&["config"], node);
            }
            Fields::default()
        }
    };
    let edits = encoded(&mut config, "files", parts).map_or_else(Vec::new, |files| edits(files, parts));
    let ready = ready(encoded(&mut config, "startup", parts).unwrap_or_default(), parts);
    if let Some(logs) = encoded(&mut config, "logs", parts).filter(|logs| !logs.0.is_empty()) {
        parts.note("config.logs", "It is kept, and nothing acts on it: the console is what the server prints.");
        parts.leave(&["config", "logs"], Node::Map(logs));
    }
    let value = config.take("stop").and_then(|node| parts.scalar("config.stop", &node)).unwrap_or_default();
    let (stop, doubt) = stop::parse(&value);
    if let Some(doubt) = doubt {
        parts.attend("config.stop", doubt);
    }
    parts.leave_unknown(&["config"], config);
    Config { edits, ready, stop }
}

/// A part of the configuration, as a map or as JSON in a text.
fn encoded(config: &mut Fields, key: &str, parts: &mut Parts) -> Option<Fields> {
    let node = config.take(key)?;
    let place = format!("config.{key}");
    let read = match node {
        Node::Text(ref text) if !text.trim().is_empty() => read::inner(text),
        ref other => Ok(other.clone()),
    };
    match read {
        Ok(Node::Map(fields)) => Some(fields),
        Ok(inner) if inner.is_blank() => None,
        Ok(_) => {
            parts.attend(&place, "It should be a map and is left out.");
            parts.leave(&["config", key], node);
            None
        }
        Err(why) => {
            parts.attend(&place, format!("It is no JSON and is left out: {why}."));
            parts.leave(&["config", key], node);
            None
        }
    }
}

fn edits(files: Fields, parts: &mut Parts) -> Vec<FileEdit> {
    let mut edits: Vec<FileEdit> = Vec::new();
    for (name, node) in files.0 {
        if edits.len() > limit::FILES {
            parts.attend("config.files", format!("There are more than {} files; the rest is not read.", limit::FILES));
            break;
        }
        let place = format!("config.files[{}]", quoted(&name));
        let Node::Map(mut file) = node else {
            parts.attend(&place, "It should be a map and is left out.");
            parts.leave(&["config", "files", &name], node);
            continue;
        };
        let word = file.get("parser").and_then(Node::scalar).unwrap_or_default();
        let Some(parser) = parser_of(&word) else {
            parts.attend(&place, format!("The parser {} is not known; the file is left out.", quoted(&word)));
            parts.leave(&["config", "files", &name], Node::Map(file));
            continue;
        };
        let Some(path) = path_of(&name) else {
            parts.attend(&place, "It is no file below the server's folder and is left out.");
            parts.leave(&["config", "files", &name], Node::Map(file));
            continue;
        };
        file.take("parser");
        let set = match file.take("find") {
            Some(Node::Map(find)) => keys(find, &name, &place, parts),
            Some(node) if !node.is_blank() => {
                parts.attend(&place, "Its `find` should be a map and is left out.");
                parts.leave(&["config", "files", &name, "find"], node);
                Vec::new()
            }
            _ => Vec::new(),
        };
        parts.leave_unknown(&["config", "files", &name], file);
        if set.is_empty() {
            parts.note(&place, "Nothing is set in it; the file is left out.");
            continue;
        }
        match edits.iter_mut().find(|edit| edit.path == path && edit.parser == parser) {
            Some(edit) => edit.set.extend(set),
            None => edits.push(FileEdit { path, parser, set }),
        }
    }
    edits
}

fn keys(find: Fields, name: &str, place: &str, parts: &mut Parts) -> Vec<SetKey> {
    let mut set = Vec::new();
    for (key, node) in find.0 {
        let place = format!("{place}.{}", quoted(&key));
        let entries: Vec<(Option<String>, Node)> = match node {
            Node::Map(conditions) => conditions.0.into_iter().map(|(only_if, node)| (Some(only_if), node)).collect(),
            node => vec![(None, node)],
        };
        for (only_if, node) in entries {
            let value = value_of(&node, &place, parts);
            let broken =
                [Some(&key), only_if.as_ref()].into_iter().flatten().any(|text| text.contains(['\0', '\n', '\r']));
            let condition = only_if.as_deref().and_then(|text| text.strip_prefix("regex:"));
            let refused = condition.and_then(|pattern| parts.bad_expression(pattern));
            let path = ["config", "files", name, "find", key.as_str()];
            match value {
                Some(value) if refused.is_none() && !broken && !key.is_empty() => set.push(SetKey {
                    key: placeholder::canonical(&key),
                    only_if: only_if.as_deref().map(placeholder::canonical),
                    value,
                }),
                _ => {
                    let why = refused.unwrap_or_else(|| "Nothing can be set by it.".to_owned());
                    parts.attend(&place, format!("{why} It is left out."));
                    match only_if {
                        Some(only_if) => parts.leave(&[&path[..], &[only_if.as_str()]].concat(), node),
                        None => parts.leave(&path, node),
                    }
                }
            }
        }
    }
    set
}

fn value_of(node: &Node, place: &str, parts: &mut Parts) -> Option<EditValue> {
    match node {
        Node::Bool(truth) => Some(EditValue::Bool(*truth)),
        Node::Number(number) => match number.as_i64() {
            Some(number) => Some(EditValue::Integer(number)),
            None => {
                parts.note(place, "A number that is no whole one is set as a text.");
                Some(EditValue::Text(number.to_string()))
            }
        },
        Node::Text(text) if text.contains('\0') => None,
        Node::Text(text) => Some(EditValue::Text(placeholder::canonical(text))),
        Node::Null | Node::List(_) | Node::Map(_) => None,
    }
}

fn parser_of(word: &str) -> Option<Parser> {
    Some(match word.trim().to_ascii_lowercase().as_str() {
        "file" => Parser::File,
        "properties" => Parser::Properties,
        "ini" => Parser::Ini,
        "json" => Parser::Json,
        "yaml" | "yml" => Parser::Yaml,
        "xml" => Parser::Xml,
        "toml" => Parser::Toml,
        _ => return None,
    })
}

/// As eggs write a parser.
pub(super) const fn word_of(parser: Parser) -> &'static str {
    match parser {
        Parser::File => "file",
        Parser::Properties => "properties",
        Parser::Ini => "ini",
        Parser::Json => "json",
        Parser::Yaml => "yaml",
        Parser::Xml => "xml",
        Parser::Toml => "toml",
    }
}

fn path_of(name: &str) -> Option<FilePath> {
    let name = name.trim();
    let below = ROOTS.iter().find_map(|root| name.strip_prefix(root)).unwrap_or(name);
    below.parse().ok()
}

fn ready(mut startup: Fields, parts: &mut Parts) -> Ready {
    let items = match startup.take("done") {
        Some(Node::Text(text)) => vec![Node::Text(text)],
        Some(node) => node.items().unwrap_or_default(),
        None => Vec::new(),
    };
    let mut lines = Vec::new();
    for (index, item) in items.iter().enumerate() {
        let place = format!("config.startup.done[{index}]");
        let Some(text) = parts.scalar(&place, item).filter(|text| !text.is_empty()) else { continue };
        let Some(pattern) = text.strip_prefix("regex:") else {
            lines.push(Match::Text { text });
            continue;
        };
        let why = if pattern.is_empty() { Some("It says nothing.".to_owned()) } else { parts.bad_expression(pattern) };
        if let Some(why) = why {
            parts.attend(&place, format!("{why} It is left out."));
            parts.leave(&["config", "startup", "done"], Node::List(vec![item.clone()]));
            continue;
        }
        lines.push(Match::Regex { pattern: pattern.to_owned() });
    }
    let strip_ansi = match startup.take("strip_ansi") {
        Some(Node::Bool(truth)) => truth,
        Some(node) => node.scalar().is_some_and(|word| matches!(word.as_str(), "1" | "true")),
        None => false,
    };
    parts.leave_unknown(&["config", "startup"], startup);
    Ready { lines, strip_ansi, within: Alt::READY_WITHIN }
}
