//! From a document to a template.

use serde_json::{Map, Value};
use sf_types::Slug;

use super::node::{Fields, Node};
use super::parts::Parts;
use super::read::Document;
use super::{EXTRA, Format, Imported, Needs, NoEgg, Origin, config, doubt, variables};
use crate::alt::{
    Alt, Image, Install, Run, RuntimeKind, StartupCommand, VERSION, is_entrypoint, is_icon, is_image, limit,
};
use crate::text::quoted;

/// What Pterodactyl sets servers up in where an egg does not say.
const INSTALL_IMAGE: &str = "alpine:3.4";
const INSTALL_ENTRYPOINT: &str = "ash";
/// The label of the only way to start.
pub(super) const DEFAULT_LABEL: &str = "Default";
const UNNAMED: &str = "Unnamed egg";

/// Reads the whole.
pub(super) fn import(document: Document) -> Result<Imported, NoEgg> {
    let mut egg = document.fields;
    let (format, update_url, meta) = meta(&mut egg)?;
    let extra = egg.take(EXTRA);
    let mut parts = Parts::default();
    for key in &document.repeated {
        parts.note(key.as_str(), format!("The key {} is there twice; the last one counts.", quoted(key)));
    }
    parts.leave_unknown(&["meta"], meta);
    let origin = origin(&mut egg, update_url);
    let mut alt = template(&mut egg, &mut parts);
    parts.leave_unknown(&[], egg);
    alt.notes = parts.take_left().to_map();
    if let Some(extra) = extra {
        alt = overlaid(alt, &extra, &mut parts);
    }
    doubt::of(&alt, &mut parts);
    let warnings = parts.finish();
    let needs = Needs::of(&alt, &warnings);
    Ok(Imported { format, defects: alt.defects(), alt, origin, warnings, needs })
}

/// The version, and what else `meta` says.
fn meta(egg: &mut Fields) -> Result<(Format, Option<String>, Fields), NoEgg> {
    let Some(Node::Map(mut meta)) = egg.take("meta") else {
        return Err(NoEgg::Other("it has no `meta` with a version".to_owned()));
    };
    let version = meta.take("version").as_ref().and_then(Node::scalar);
    let format = version.ok_or_else(|| NoEgg::Other("its `meta` has no version".to_owned()))?.parse()?;
    let update_url = meta.take("update_url").as_ref().and_then(short);
    Ok((format, update_url, meta))
}

fn origin(egg: &mut Fields, update_url: Option<String>) -> Origin {
    egg.take("_comment");
    let mut text = |key| egg.take(key).as_ref().and_then(short);
    Origin { uuid: text("uuid"), update_url, exported_at: text("exported_at") }
}

/// A short text, or nothing.
fn short(node: &Node) -> Option<String> {
    const MAX_CHARS: usize = 2048;
    let text = crate::text::line(&node.scalar()?);
    (!text.is_empty() && text.chars().count() <= MAX_CHARS).then_some(text)
}

fn template(egg: &mut Fields, parts: &mut Parts) -> Alt {
    let name = egg.take("name").and_then(|node| parts.line("name", &node)).filter(|name| !name.is_empty());
    let name = name.unwrap_or_else(|| {
        parts.attend("name", format!("It has no name and is called {UNNAMED:?}."));
        UNNAMED.to_owned()
    });
    let author = egg.take("author").and_then(|node| parts.line("author", &node)).unwrap_or_default();
    let description = egg.take("description").and_then(|node| parts.prose("description", &node)).unwrap_or_default();
    let mut list = |key: &str, parts: &mut Parts| egg.take(key).map_or_else(Vec::new, |node| parts.words(key, node));
    let tags = list("tags", parts);
    let features = list("features", parts);
    let denied = list("file_denylist", parts);
    let icon = icon(egg, parts);
    let images = images(egg, parts);
    let startups = startups(egg, parts);
    let config = config::read(egg.take("config"), parts);
    let install = egg.take("scripts").and_then(|scripts| install(scripts, parts));
    let variables = egg.take("variables").map_or_else(Vec::new, |node| variables::read(node, parts));
    let mut alt = Alt {
        alt: VERSION,
        slug: slug_of(&name),
        name,
        author,
        description,
        tags,
        icon,
        features,
        runtime: RuntimeKind::Docker,
        images,
        startups,
        variables,
        install,
        edits: config.edits,
        ready: config.ready,
        stop: config.stop,
        denied,
        notes: Map::new(),
    };
    variables::rename_taken(&mut alt, parts);
    alt
}

/// A name for addresses, from any name.
fn slug_of(name: &str) -> Slug {
    let fallback = || "egg".parse().expect("three letters");
    Slug::suggest(name).unwrap_or_else(fallback)
}

/// `image` is a picture in Pelican's later forms, and an image of a container in Pterodactyl's first.
fn icon(egg: &mut Fields, parts: &mut Parts) -> Option<String> {
    let is_picture = |node: &Node| matches!(node, Node::Text(text) if text.starts_with("data:"));
    let key = if egg.get("icon").is_some_and(|node| !node.is_blank()) {
        "icon"
    } else if egg.get("image").is_some_and(is_picture) {
        "image"
    } else {
        egg.take("icon");
        return None;
    };
    let node = egg.take(key)?;
    let text = node.scalar().unwrap_or_default().trim().to_owned();
    if text.len() > limit::ICON_BYTES || !is_icon(&text) {
        let max = limit::ICON_BYTES / 1024;
        parts.note(key, format!("It is no picture as a data URI of at most {max} KiB, and is left out."));
        return None;
    }
    Some(text)
}

fn images(egg: &mut Fields, parts: &mut Parts) -> Vec<Image> {
    let mut found: Vec<Image> = Vec::new();
    for key in ["docker_images", "images", "image"] {
        let Some(node) = egg.take(key) else { continue };
        if node.is_blank() {
            continue;
        }
        let entries: Vec<(Option<String>, Node)> = match node {
            Node::Map(fields) => fields.0.into_iter().map(|(label, node)| (Some(label), node)).collect(),
            Node::List(items) => items.into_iter().map(|node| (None, node)).collect(),
            node => vec![(None, node)],
        };
        for (index, (label, node)) in entries.into_iter().enumerate() {
            if found.len() > limit::IMAGES {
                parts.attend(key, format!("There are more than {} images; the rest is not read.", limit::IMAGES));
                break;
            }
            let place = format!("{key}[{index}]");
            let Some(text) = parts.line(&place, &node) else { continue };
            let image = text.trim_start_matches('~');
            if image != text {
                parts.attend(&place, "`~` marks an image that is not pulled; every node needs it already.");
            }
            if !is_image(image) {
                parts.attend(&place, format!("{} is no reference of an image and is left out.", quoted(&text)));
                continue;
            }
            let label = label.map(|label| crate::text::line(&label)).filter(|label| !label.is_empty());
            let label = label.unwrap_or_else(|| image.to_owned());
            match found.iter().find(|known| known.label == label) {
                Some(known) if known.image == image => {}
                Some(_) => {
                    parts.attend(&place, format!("The label {} is there twice; the first one counts.", quoted(&label)))
                }
                None => found.push(Image { label, image: image.to_owned() }),
            }
        }
    }
    found
}

fn startups(egg: &mut Fields, parts: &mut Parts) -> Vec<StartupCommand> {
    let mut startups: Vec<StartupCommand> = Vec::new();
    if let Some(node) = egg.take("startup_commands") {
        let entries: Vec<(String, Node)> = match node {
            Node::Map(fields) => fields.0,
            Node::List(items) => {
                items.into_iter().enumerate().map(|(index, item)| (format!("{}", index + 1), item)).collect()
            }
            node if node.is_blank() => Vec::new(),
            node => vec![(DEFAULT_LABEL.to_owned(), node)],
        };
        for (index, (label, node)) in entries.into_iter().enumerate().take(limit::STARTUPS + 1) {
            let place = format!("startup_commands[{index}]");
            let Some(line) = parts.code(&place, &node) else { continue };
            let label = Some(crate::text::line(&label)).filter(|label| !label.is_empty());
            let label = label.unwrap_or_else(|| format!("{}", index + 1));
            if startups.iter().any(|known| known.label == label) {
                parts.attend(&place, format!("The label {} is there twice; the first one counts.", quoted(&label)));
                continue;
            }
            startups.push(StartupCommand { label, run: Run::Shell { line } });
        }
    }
    if let Some(line) = egg.take("startup").and_then(|node| parts.code("startup", &node))
        && startups.is_empty()
    {
        startups.push(StartupCommand { label: DEFAULT_LABEL.to_owned(), run: Run::Shell { line } });
    }
    if startups.is_empty() {
        parts.attend("startup", "It says nothing; the image decides what is started.");
        startups.push(StartupCommand { label: DEFAULT_LABEL.to_owned(), run: Run::Shell { line: String::new() } });
    }
    startups
}

fn install(scripts: Node, parts: &mut Parts) -> Option<Install> {
    let mut scripts = match scripts {
        Node::Map(fields) => fields,
        node if node.is_blank() => return None,
        node => {
            parts.attend("scripts", "It should be a map and is left out.");
            parts.leave(&["scripts"], node);
            return None;
        }
    };
    let installation = scripts.take("installation");
    parts.leave_unknown(&["scripts"], scripts);
    let mut step = match installation? {
        Node::Map(fields) => fields,
        node if node.is_blank() => return None,
        node => {
            parts.attend("scripts.installation", "It should be a map and is left out.");
            parts.leave(&["scripts", "installation"], node);
            return None;
        }
    };
    let script = step.take("script").and_then(|node| parts.code("scripts.installation.script", &node));
    let image = step.take("container").and_then(|node| parts.line("scripts.installation.container", &node));
    let entrypoint = step.take("entrypoint").and_then(|node| parts.line("scripts.installation.entrypoint", &node));
    parts.leave_unknown(&["scripts", "installation"], step);
    let script = script.filter(|script| !script.trim().is_empty())?;
    let image = image.filter(|image| is_image(image)).unwrap_or_else(|| {
        let message = format!("It names no image that can be used; the script runs in {INSTALL_IMAGE}.");
        parts.attend("scripts.installation.container", message);
        INSTALL_IMAGE.to_owned()
    });
    let entrypoint = entrypoint.filter(|entrypoint| is_entrypoint(entrypoint)).unwrap_or_else(|| {
        let message = format!("It names no program; {INSTALL_ENTRYPOINT} reads the script.");
        parts.attend("scripts.installation.entrypoint", message);
        INSTALL_ENTRYPOINT.to_owned()
    });
    Some(Install { image: Some(image), entrypoint, script })
}

/// Lays over the template what its format had no word for.
fn overlaid(alt: Alt, extra: &Node, parts: &mut Parts) -> Alt {
    let laid = || -> Option<Alt> {
        let Node::Map(extra) = extra else { return None };
        let mut value = alt.to_value();
        let fields = value.as_object_mut()?;
        for (key, node) in &extra.0 {
            match node {
                Node::Null => fields.remove(key),
                node => fields.insert(key.clone(), node.to_value()),
            };
        }
        serde_json::from_value::<Alt>(Value::Object(std::mem::take(fields))).ok()
    };
    match laid() {
        Some(alt) => alt,
        None => {
            parts.attend(EXTRA, "What ServerFlow wrote beside the format cannot be read and is left out.");
            alt
        }
    }
}
