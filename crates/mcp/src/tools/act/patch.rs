//! One file of an app's live release: first what a change would do, then, by the hash that was shown, the change.

use serde_json::{Value, json};
use sf_protocol::patch::{Edit, Proposed};
use sf_types::{ErrorKind, Fault, FilePath, FileState};

use super::super::asked::{Asked, Result, Said, encoded, refuse};
use super::super::names::{Kind, Thing, resolve};
use super::super::output::text;
use super::super::verdict::propose;
use super::{about, action};

/// Bytes of a difference in one answer.
const DIFF_BYTES: usize = 12_000;
/// Bytes of what a grammar says.
const SYNTAX_BYTES: usize = 1_500;

/// What becomes of a file, in bytes of it.
#[derive(Clone, PartialEq, Eq, Debug)]
struct Change {
    from: u32,
    to: Option<u32>,
    text: String,
}

pub(in crate::tools) async fn call(asked: &Asked<'_>) -> Result<Said> {
    let app = resolve(asked, &[Kind::App], asked.input.required("app")?).await?;
    let path: FilePath = asked.input.required("path")?.parse().map_err(|why| {
        Fault::new(ErrorKind::Invalid, "argument.path", format!("`path` is no path of a release: {why}."))
    })?;
    let (before, known) = content(asked, &app, &path).await?;
    let change = change(
        known.as_deref(),
        asked.input.raw("old_text").unwrap_or_default(),
        asked.input.raw("new_text").unwrap_or_default(),
    )?;
    if asked.input.flag("dry_run", true) {
        return preview(asked, &app, &path, (before, change)).await;
    }
    let Some(hash) = asked.input.text("hash") else {
        let message = "A change is made by the hash of the file that it was shown for.";
        return refuse(
            ErrorKind::Invalid,
            "argument.hash",
            message,
            "Call it with dry_run first, and give the hash it answers.",
        );
    };
    if hash != before.to_string() {
        let message = "The file is not any more what it was when the change was shown.";
        return refuse(
            ErrorKind::Conflict,
            "patch.moved",
            message,
            "Call it with dry_run again and look at the new difference.",
        );
    }
    let mut args =
        json!({ "app": app.id, "path": path.to_string(), "before": hash, "text": change.text, "from": change.from });
    if let Some(to) = change.to {
        args["to"] = json!(to);
    }
    if let Some(effect) = asked.input.text("effect") {
        args["effect"] = json!(effect);
    }
    propose(asked, action("patch.apply", args)?, &about(&app)).await
}

/// What the file is, and what is in it; nothing where it is not there.
async fn content(asked: &Asked<'_>, app: &Thing, path: &FilePath) -> Result<(FileState, Option<String>)> {
    let route = app.path(&format!("/files/content?path={}", encoded(&path.to_string())));
    let found = asked.data(&route).await?;
    let state = text(&found, "/hash").parse();
    match state.map_err(|_| Fault::new(ErrorKind::Internal, "patch.hash", "The file's hash cannot be read."))? {
        FileState::Absent => Ok((FileState::Absent, None)),
        state => Ok((state, Some(text(&found, "/text").to_owned()))),
    }
}

/// The bytes that change. What is to be replaced has to stand in the file exactly once; with nothing to be replaced the file is
/// a new one.
fn change(known: Option<&str>, old: &str, new: &str) -> Result<Change> {
    let place = |at: usize| u32::try_from(at).unwrap_or(u32::MAX);
    let Some(known) = known else {
        if old.is_empty() {
            return Ok(Change { from: 0, to: None, text: new.to_owned() });
        }
        return refuse(
            ErrorKind::NotFound,
            "patch.no_file",
            "There is no such file, so nothing in it can be replaced.",
            "Leave old_text out to make it.",
        );
    };
    if old.is_empty() {
        let message = "The file is there: `old_text` says what of it is replaced.";
        return refuse(ErrorKind::Invalid, "argument.old_text", message, "Copy the lines to be replaced from `files`.");
    }
    let mut places = known.match_indices(old);
    match (places.next(), places.next()) {
        (Some((at, _)), None) => Ok(Change { from: place(at), to: Some(place(at + old.len())), text: new.to_owned() }),
        (Some(_), Some(_)) => {
            let message = "`old_text` stands in the file more than once.";
            refuse(ErrorKind::Conflict, "patch.ambiguous", message, "Take more of the lines around it.")
        }
        (None, _) => {
            let message = "`old_text` does not stand in the file as it is now.";
            refuse(ErrorKind::Conflict, "patch.not_found", message, "Read it with `files`; spaces and line ends count.")
        }
    }
}

async fn preview(
    asked: &Asked<'_>,
    app: &Thing,
    path: &FilePath,
    (before, change): (FileState, Change),
) -> Result<Said> {
    let id = app.id.parse().map_err(|_| Fault::new(ErrorKind::Internal, "app.id", "The app's id cannot be read."))?;
    let edit = Edit::Write { from: change.from, to: change.to, text: change.text };
    let proposed = Proposed { app: id, path: path.clone(), before: Some(before), edit };
    let shown = asked.control.preview(&asked.caller.actor, asked.request, proposed).await?;
    let syntax = shown.syntax;
    let verdict = serde_json::to_value(syntax.verdict).unwrap_or_default();
    let wrong: Vec<String> =
        syntax.findings.iter().map(|found| serde_json::to_string(found).unwrap_or_default()).collect();
    let wrong = if wrong.is_empty() { Value::Null } else { json!(asked.fence.text(&wrong.join("\n"), SYNTAX_BYTES)) };
    let fields = [
        ("status", json!("dry_run")),
        (
            "summary",
            json!(format!("Nothing was changed. {} lines would be added and {} removed.", shown.added, shown.removed)),
        ),
        ("hash", json!(before.to_string())),
        ("diff", json!(asked.fence.text(&shown.diff, DIFF_BYTES))),
        ("syntax", verdict),
        ("syntax_findings", wrong),
    ];
    let next = [(
        "patch_file",
        "Make the change: the same arguments with dry_run false and this hash. A person is asked first.",
    )];
    Ok(asked.done(&fields, &next))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(known: Option<&str>, old: &str, expected: std::result::Result<(u32, Option<u32>), &str>) {
        let told = change(known, old, "new").map(|change| (change.from, change.to)).map_err(|stop| match stop {
            super::super::super::asked::Stop::Refused(refusal) => refusal.fault.code,
            super::super::super::asked::Stop::Scopes(_) => "scopes".to_owned(),
        });
        assert_eq!(told, expected.map_err(str::to_owned), "{known:?} {old:?}");
    }

    #[test]
    fn the_bytes_that_change_as_a_table() {
        check(Some("a\nport: 80\nb\n"), "port: 80", Ok((2, Some(10))));
        check(Some("é port"), "port", Ok((3, Some(7))));
        check(None, "", Ok((0, None)));
        check(None, "x", Err("patch.no_file"));
        check(Some("x"), "", Err("argument.old_text"));
        check(Some("x x"), "x", Err("patch.ambiguous"));
        check(Some("x"), "y", Err("patch.not_found"));
    }
}
