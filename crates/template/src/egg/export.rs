//! From a template to an egg. What the format has no word for is found by reading the egg back, and written beside it.

use std::collections::HashSet;

use sf_protocol::server::{EditValue, FileEdit, Match};

use super::node::{Fields, Node};
use super::{EXTRA, Encoding, Format, Origin, config, write};
use crate::alt::{Alt, Run, Variable};
use crate::{placeholder, stop};

const COMMENT: &str = "Written by ServerFlow.";

pub(super) fn export(alt: &Alt, origin: &Origin, format: Format, encoding: Encoding) -> String {
    let mut egg = egg(alt, origin, format, encoding);
    let plain = written(&egg, encoding);
    let extra = beyond(alt, &plain);
    if extra.0.is_empty() {
        return plain;
    }
    egg.push(EXTRA, extra);
    written(&egg, encoding)
}

fn written(egg: &Fields, encoding: Encoding) -> String {
    match encoding {
        Encoding::Json => write::json(&Node::Map(egg.clone())),
        Encoding::Yaml => write::yaml(&Node::Map(egg.clone())),
    }
}

/// The fields that reading the egg back would not give as they are.
fn beyond(alt: &Alt, egg: &str) -> Fields {
    let wanted = alt.to_value();
    let found = super::import(egg.as_bytes()).map(|imported| imported.alt.to_value()).unwrap_or_default();
    let keys = |value: &serde_json::Value| -> Vec<String> {
        value.as_object().map(|map| map.keys().cloned().collect()).unwrap_or_default()
    };
    let mut names: Vec<String> =
        keys(&wanted).into_iter().chain(keys(&found)).collect::<HashSet<_>>().into_iter().collect();
    names.sort();
    let mut extra = Fields::default();
    for name in names {
        if wanted.get(&name) != found.get(&name) {
            extra.push(&name, wanted.get(&name).map_or(Node::Null, Node::from));
        }
    }
    extra
}

fn egg(alt: &Alt, origin: &Origin, format: Format, encoding: Encoding) -> Fields {
    let mut egg = Fields::default();
    egg.push("_comment", COMMENT);
    let mut meta = Fields::default();
    meta.push("version", format.word());
    meta.push("update_url", origin.update_url.clone());
    egg.push("meta", meta);
    if origin.exported_at.is_some() {
        egg.push("exported_at", origin.exported_at.clone());
    }
    egg.push("name", alt.name.as_str());
    egg.push("author", alt.author.as_str());
    if format.is_pelican() && origin.uuid.is_some() {
        egg.push("uuid", origin.uuid.clone());
    }
    egg.push("description", alt.description.as_str());
    if format.is_pelican() {
        if alt.icon.is_some() {
            egg.push("image", alt.icon.clone());
        }
        egg.push("tags", texts(&alt.tags));
    }
    egg.push("features", texts(&alt.features));
    if format == Format::PtdlV1 {
        egg.push("images", alt.images.iter().map(|image| image.image.as_str().into()).collect::<Vec<Node>>());
    } else {
        let images = alt.images.iter().map(|image| (image.label.clone(), image.image.as_str().into()));
        egg.push("docker_images", Fields(images.collect()));
    }
    egg.push("file_denylist", texts(&alt.denied));
    startups(alt, format, &mut egg);
    let mut config = Fields::default();
    config.push("files", files(&alt.edits, format));
    config.push("startup", ready(alt));
    config.push("logs", Fields::default());
    config.push("stop", stop::write(&alt.stop));
    egg.push("config", config);
    let mut installation = Fields::default();
    installation.push("script", alt.install.as_ref().map(|install| install.script.as_str()));
    installation.push("container", alt.install.as_ref().and_then(|install| install.image.as_deref()));
    installation.push("entrypoint", alt.install.as_ref().map(|install| install.entrypoint.as_str()));
    let mut scripts = Fields::default();
    scripts.push("installation", installation);
    egg.push("scripts", scripts);
    let variables = alt.variables.iter().enumerate();
    egg.push("variables", variables.map(|(index, it)| variable(index, it, format).into()).collect::<Vec<Node>>());
    let mut egg = Node::Map(egg);
    egg.merge(Node::from(&serde_json::Value::Object(alt.notes.clone())));
    let Node::Map(mut egg) = egg else { return Fields::default() };
    if encoding == Encoding::Json
        && let Some((_, Node::Map(config))) = egg.0.iter_mut().find(|(key, _)| key == "config")
    {
        encode(config);
    }
    egg
}

/// Turns the parts of the configuration into JSON inside of texts.
fn encode(config: &mut Fields) {
    for (key, node) in &mut config.0 {
        if matches!(key.as_str(), "files" | "startup" | "logs") && matches!(node, Node::Map(_)) {
            *node = Node::Text(write::json(node).trim_end().to_owned());
        }
    }
}

fn texts(texts: &[String]) -> Node {
    Node::List(texts.iter().map(|text| text.as_str().into()).collect())
}

fn startups(alt: &Alt, format: Format, egg: &mut Fields) {
    let written = |run: &Run| match run {
        Run::Shell { line } => line.clone(),
        // For panels that know shells only.
        Run::Argv { argv } => argv.iter().map(|word| quoted(word)).collect::<Vec<_>>().join(" "),
    };
    if format == Format::PlcnV3 {
        let commands = alt.startups.iter().map(|startup| (startup.label.clone(), written(&startup.run).into()));
        egg.push("startup_commands", Fields(commands.collect()));
    } else {
        egg.push("startup", alt.startups.first().map(|startup| written(&startup.run)));
    }
}

fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "_-./:=+,@%{}".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', r"'\''"))
    }
}

fn files(edits: &[FileEdit], format: Format) -> Fields {
    let named = |text: &str| if format.is_pelican() { placeholder::pelican(text) } else { text.to_owned() };
    let mut files = Fields::default();
    for edit in edits {
        let mut find = Fields::default();
        for set in &edit.set {
            let value = match &set.value {
                EditValue::Bool(truth) => Node::Bool(*truth),
                EditValue::Integer(number) => (*number).into(),
                EditValue::Text(text) => named(text).into(),
            };
            match &set.only_if {
                None => find.push(&named(&set.key), value),
                Some(only_if) => {
                    if let Node::Map(conditions) = find.entry(&named(&set.key), || Fields::default().into()) {
                        conditions.push(&named(only_if), value);
                    }
                }
            }
        }
        let mut file = Fields::default();
        file.push("parser", config::word_of(edit.parser));
        file.push("find", find);
        files.push(edit.path.as_str(), file);
    }
    files
}

fn ready(alt: &Alt) -> Fields {
    let mut lines: Vec<Node> = alt
        .ready
        .lines
        .iter()
        .map(|line| match line {
            Match::Text { text } => text.as_str().into(),
            Match::Regex { pattern } => format!("regex:{pattern}").into(),
        })
        .collect();
    let mut startup = Fields::default();
    match lines.len() {
        0 => {}
        1 => startup.0.push(("done".to_owned(), lines.remove(0))),
        _ => startup.push("done", lines),
    }
    if alt.ready.strip_ansi {
        startup.push("strip_ansi", true);
    }
    startup
}

fn variable(index: usize, variable: &Variable, format: Format) -> Fields {
    let mut fields = Fields::default();
    fields.push("name", variable.name.as_str());
    fields.push("description", variable.description.as_str());
    fields.push("env_variable", variable.env.as_str());
    fields.push("default_value", variable.default.as_str());
    fields.push("user_viewable", variable.viewable);
    fields.push("user_editable", variable.editable);
    if matches!(format, Format::PlcnV2 | Format::PlcnV3) {
        fields.push("rules", texts(&variable.rules));
    } else {
        fields.push("rules", variable.rules.join("|"));
    }
    let mut notes: Vec<_> = variable.notes.iter().map(|(key, value)| (key.clone(), Node::from(value))).collect();
    notes.sort_by(|(a, _), (b, _)| a.cmp(b));
    if format.is_pelican() {
        fields.push("sort", i64::try_from(index + 1).unwrap_or(i64::MAX));
    } else if format == Format::PtdlV2 && !variable.notes.contains_key("field_type") {
        fields.push("field_type", "text");
    }
    fields.0.extend(notes);
    fields
}
