//! Documents of workflows: checked, kept, printed.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use reqwest::Method;
use serde_json::{Value, json};
use sf_control::workflow::told;

use super::input::text_of;
use super::meant;
use crate::client::Client;
use crate::context::{Context, find_id};
use crate::failure::{Done, Exit, Failure};
use crate::value;

/// Says everything that is wrong with the documents.
///
/// # Errors
/// A file that cannot be read.
pub fn lint(context: &Context, files: &[PathBuf]) -> Done {
    let mut exit = Exit::Succeeded;
    let mut reports = Vec::new();
    for file in files {
        let report = report(&text_of(file)?);
        if report["ok"] != true {
            exit = Exit::Failed;
        }
        reports.push(json!({ "file": file.display().to_string(), "lint": report }));
    }
    // One file is one answer; several are a list.
    let answer = if let [one] = reports.as_slice() { one.clone() } else { Value::Array(reports.clone()) };
    context.screen.answer(&answer, |_| {
        let mut text = String::new();
        for report in &reports {
            text.push_str(&findings(&value::text(report, "/file"), &report["lint"]));
        }
        text
    });
    Ok(exit)
}

/// What the program says about a document, in the form of the API's answer.
fn report(document: &str) -> Value {
    match told::lint(document) {
        Ok(definition) => json!({
            "ok": true, "name": definition.name, "hash": definition.hash, "steps": definition.steps(), "problems": [],
        }),
        Err(problems) => json!({ "ok": false, "problems": problems }),
    }
}

/// The findings as lines that editors and people can read: `FILE: place: message`, and what to do.
fn findings(file: &str, report: &Value) -> String {
    if report["ok"] == true {
        let steps = value::text(report, "/steps");
        return format!("{file}: {} is fine ({steps} steps)\n", value::text(report, "/name"));
    }
    let mut text = String::new();
    for problem in value::items(&report["problems"]) {
        let at = |pointer| crate::screen::plain(&value::maybe(problem, pointer).unwrap_or_default());
        let place = Some(at("/place")).filter(|place| !place.is_empty()).unwrap_or_else(|| "document".to_owned());
        let _ = writeln!(text, "{file}: {place}: {}", at("/message"));
        if !at("/fix").is_empty() {
            let _ = writeln!(text, "  do: {}", at("/fix"));
        }
    }
    text
}

/// Keeps a document as a new workflow, or as the next version of the one with its name.
///
/// # Errors
/// What is wrong with it; the control plane's.
pub async fn apply(context: &Context, client: &Client, file: &Path, project: Option<&str>, dry_run: bool) -> Done {
    let document = text_of(file)?;
    // The control plane's word counts: it is who will carry it out.
    let report = client.write(Method::POST, "/workflows/lint", Some(&json!({ "document": document }))).await?;
    if report["ok"] != true {
        return Err(refused(file, &report));
    }
    let name = value::text(&report, "/name");
    let project = match project {
        Some(project) => Some(find_id(client, "/projects", project).await?),
        None => None,
    };
    let before = meant::kept(client, &name, project.as_deref()).await?;
    if let Some(before) = before.as_ref().filter(|before| before["hash"] == report["hash"]) {
        let answer = json!({ "changed": false, "workflow": before });
        context
            .screen
            .answer(&answer, |_| format!("{name}: nothing changed, version {}.", value::text(before, "/version")));
        return Ok(Exit::Succeeded);
    }
    let (method, path, body) = match &before {
        Some(before) => {
            let path = format!("/workflows/{}", value::text(before, "/id"));
            (Method::PUT, path, json!({ "document": document, "from": before["version"] }))
        }
        None => (Method::POST, "/workflows".to_owned(), json!({ "document": document, "projectId": project })),
    };
    let plan = client.write_with(method.clone(), &path, &[("dryRun", "true".into())], Some(&body)).await?;
    if dry_run {
        context.screen.answer(&plan, crate::command::deploy::plan);
        return Ok(Exit::Succeeded);
    }
    for step in plan.pointer("/plan/steps").or_else(|| plan.get("steps")).map_or(&[][..], value::items) {
        context.screen.say(&format!("  {}", crate::screen::plain(&value::text(step, ""))));
    }
    let kept = client.write(method, &path, Some(&body)).await?;
    if let Some(run) = kept.get("run") {
        context.screen.answer(&kept, |_| crate::run::waits(run));
        return Ok(Exit::Succeeded);
    }
    let answer = json!({ "changed": true, "workflow": kept });
    context.screen.answer(&answer, |_| match value::number(&kept, "/version") {
        Some(version) => format!("{name} is kept, version {version}. Run it: serverflow workflow run {name}"),
        // Who may keep workflows without seeing any.
        None => format!("{name} is kept."),
    });
    Ok(Exit::Succeeded)
}

fn refused(file: &Path, report: &Value) -> Failure {
    let problems = value::items(&report["problems"]);
    let first = problems.first().map_or_else(String::new, |problem| {
        let place = value::maybe(problem, "/place").filter(|place| !place.is_empty());
        let place = place.map_or_else(String::new, |place| format!("{place}: "));
        format!(" {place}{}", value::text(problem, "/message"))
    });
    let more = match problems.len().saturating_sub(1) {
        0 => String::new(),
        more => format!(" (and {more} more)"),
    };
    let fix = problems.first().and_then(|problem| value::maybe(problem, "/fix")).unwrap_or_default();
    let fix = format!("{fix} See all of it: serverflow workflow lint {}", file.display());
    Failure::new(Exit::Failed, "workflow.refused", format!("{} is refused.{first}{more}", file.display()))
        .fix(fix.trim_start())
}

/// Prints a document as it was written.
///
/// # Errors
/// The control plane's.
pub async fn export(context: &Context, client: &Client, wanted: &str, version: Option<u32>) -> Result<(), Failure> {
    let found = of(client, &meant::workflow_id(client, wanted).await?, version).await?;
    context.screen.answer(&found, |found| value::text(found, "/document"));
    Ok(())
}

/// A version of a workflow; the newest unless given.
///
/// # Errors
/// The control plane's.
pub async fn of(client: &Client, workflow: &str, version: Option<u32>) -> Result<Value, Failure> {
    let query: Vec<_> = version.into_iter().map(|version| ("version", version.to_string())).collect();
    Ok(client.get(&format!("/workflows/{workflow}/document"), &query).await?.data)
}

/// The schema of what a document takes as its input, where this program can read it.
pub fn inputs_of(document: &Value) -> Option<Value> {
    told::lint(&value::text(document, "/document")).ok()?.document.inputs
}
