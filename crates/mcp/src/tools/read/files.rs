//! Files of an app's live release or of a server: listed, read, searched. What is in them is somebody else's word.

use serde_json::{Value, json};
use sf_actions::AccessScope;
use sf_types::ErrorKind;

use super::super::asked::{Asked, Result, Said, encoded, refuse};
use super::super::names::{Kind, Thing, resolve};
use super::super::output::{rows, text, whole};

/// Entries of a list.
const LISTED: usize = 100;
/// Bytes of a file in one answer.
const FILE_BYTES: usize = 16_000;
/// Bytes of a list or of what a search found.
const LIST_BYTES: usize = 12_000;

pub(in crate::tools) async fn call(asked: &Asked<'_>) -> Result<Said> {
    let thing = resolve(asked, &[Kind::App, Kind::Server], asked.input.required("target")?).await?;
    match (asked.input.text("do").unwrap_or("list"), thing.kind) {
        ("read", Kind::App) => {
            // A file may hold secrets: it is read by who may change it.
            asked.needs(&[AccessScope::Files, AccessScope::Deploy])?;
            read_app(asked, &thing).await
        }
        ("read", _) => read_server(asked, &thing).await,
        ("search", Kind::Server) => search(asked, &thing).await,
        ("search", _) => list_app(asked, &thing, asked.input.text("text").or(asked.input.text("path"))).await,
        (_, Kind::App) => list_app(asked, &thing, asked.input.text("path")).await,
        (_, _) => list_server(asked, &thing).await,
    }
}

async fn list_app(asked: &Asked<'_>, thing: &Thing, part: Option<&str>) -> Result<Said> {
    let mut path = thing.path("/files?");
    for (name, value) in [("q", part), ("after", asked.input.text("cursor"))] {
        if let Some(value) = value {
            path.push_str(&format!("&{name}={}", encoded(value)));
        }
    }
    let found = asked.data(&path.replace("?&", "?")).await?;
    let lines = rows(&found["files"])
        .iter()
        .take(LISTED)
        .map(|file| format!("{}\t{}", whole(file, "/size"), text(file, "/path")));
    Ok(told(asked, thing, "bytes, path", lines.collect(), &found["next"]))
}

async fn list_server(asked: &Asked<'_>, thing: &Thing) -> Result<Said> {
    let mut path = thing.path(&format!("/files?limit={LISTED}"));
    for (name, argument) in [("path", "path"), ("after", "cursor")] {
        if let Some(value) = asked.input.text(argument) {
            path.push_str(&format!("&{name}={}", encoded(value)));
        }
    }
    let found = asked.data(&path).await?;
    let line = |file: &Value| format!("{}\t{}\t{}", text(file, "/kind"), whole(file, "/bytes"), text(file, "/name"));
    let lines = rows(&found["entries"]).iter().map(line).collect();
    Ok(told(asked, thing, "kind, bytes, name", lines, &found["next"]))
}

async fn search(asked: &Asked<'_>, thing: &Thing) -> Result<Said> {
    let mut path = thing.path(&format!("/files/search?limit={LISTED}"));
    for (name, argument) in [("path", "path"), ("text", "text")] {
        if let Some(value) = asked.input.text(argument) {
            path.push_str(&format!("&{name}={}", encoded(value)));
        }
    }
    let found = asked.data(&path).await?;
    let line = |hit: &Value| format!("{}:{}: {}", text(hit, "/path"), whole(hit, "/line"), text(hit, "/excerpt"));
    Ok(told(asked, thing, "path:line: text", rows(&found["matches"]).iter().map(line).collect(), &Value::Null))
}

async fn read_app(asked: &Asked<'_>, thing: &Thing) -> Result<Said> {
    let found = asked.data(&thing.path(&format!("/files/content?path={}", encoded(path(asked)?)))).await?;
    let fields = [
        ("kind", json!("app")),
        ("id", json!(thing.id)),
        ("hash", found["hash"].clone()),
        ("bytes", found["size"].clone()),
        ("text", json!(asked.fence.text(text(&found, "/text"), FILE_BYTES))),
    ];
    Ok(asked.done(&fields, &[("patch_file", "See what a change of it would do.")]))
}

async fn read_server(asked: &Asked<'_>, thing: &Thing) -> Result<Said> {
    let from = asked.input.text("cursor").unwrap_or("0");
    let found = asked
        .data(&thing.path(&format!("/files/content?path={}&from={}", encoded(path(asked)?), encoded(from))))
        .await?;
    let Some(said) = found["text"].as_str() else {
        return refuse(
            ErrorKind::Invalid,
            "file.binary",
            "This file is no text.",
            "Give your person the server's files page.",
        );
    };
    let next = found["next"].as_u64().map_or(Value::Null, |next| json!(next.to_string()));
    let fields = [
        ("kind", json!("server")),
        ("id", json!(thing.id)),
        ("hash", found["hash"].clone()),
        ("bytes", found["file"]["bytes"].clone()),
        ("text", json!(asked.fence.text(said, FILE_BYTES))),
        ("cursor", next),
    ];
    Ok(asked.done(&fields, &[("logs", "See what the server says.")]))
}

fn path<'a>(asked: &'a Asked<'_>) -> Result<&'a str> {
    match asked.input.text("path") {
        Some(path) => Ok(path),
        None => refuse(ErrorKind::Invalid, "argument.path", "`path` says which file is read.", "List the files first."),
    }
}

fn told(asked: &Asked<'_>, thing: &Thing, columns: &str, lines: Vec<String>, next: &Value) -> Said {
    let shown = if lines.is_empty() { Value::Null } else { json!(asked.fence.text(&lines.join("\n"), LIST_BYTES)) };
    let fields = [
        ("kind", json!(thing.kind.word())),
        ("id", json!(thing.id)),
        ("columns", json!(columns)),
        ("count", json!(lines.len())),
        ("entries", shown),
        ("cursor", next.clone()),
    ];
    asked.done(&fields, &[("files", "Read one of them.")])
}
