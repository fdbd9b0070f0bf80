//! Which workflow or run a person means.

use serde_json::Value;
use uuid::Uuid;

use crate::client::Client;
use crate::failure::{Exit, Failure};
use crate::value;

/// The workflow of this name or id.
///
/// # Errors
/// None, or several: names are unique within a project only.
pub async fn workflow(client: &Client, wanted: &str) -> Result<Value, Failure> {
    if Uuid::try_parse(wanted).is_ok() {
        return Ok(client.get(&format!("/workflows/{wanted}"), &[]).await?.data);
    }
    match named(client, wanted, None).await?.as_slice() {
        [one] => Ok(one.clone()),
        [] => {
            let message = format!("There is no workflow called `{wanted}`.");
            Err(Failure::new(Exit::Failed, "workflow.not_found", message)
                .fix("List them: serverflow workflow list. Keep one: serverflow workflow apply FILE"))
        }
        _ => Err(several(wanted)),
    }
}

/// As [`workflow`], but only its id.
///
/// # Errors
/// As [`workflow`].
pub async fn workflow_id(client: &Client, wanted: &str) -> Result<String, Failure> {
    if Uuid::try_parse(wanted).is_ok() {
        return Ok(wanted.to_owned());
    }
    Ok(value::text(&workflow(client, wanted).await?, "/id"))
}

/// The workflow a document of this name is a version of, where there is one.
///
/// # Errors
/// The control plane's; several without a project to tell them apart.
pub async fn kept(client: &Client, name: &str, project: Option<&str>) -> Result<Option<Value>, Failure> {
    match named(client, name, project).await?.as_slice() {
        [] => Ok(None),
        [one] => Ok(Some(one.clone())),
        _ => Err(Failure { fix: "Say which one with --project.".to_owned(), ..several(name) }),
    }
}

/// The id of the run that is meant: itself, or the newest one of a workflow.
///
/// # Errors
/// No such workflow, or it was never run.
pub async fn run(client: &Client, wanted: &str) -> Result<String, Failure> {
    if Uuid::try_parse(wanted).is_ok() {
        return Ok(wanted.to_owned());
    }
    let id = workflow_id(client, wanted).await?;
    let runs = client.get("/workflow-executions", &[("workflowId", id), ("limit", "1".into())]).await?.data;
    let newest = value::items(&runs).first().map(|run| value::text(run, "/runId"));
    newest.ok_or_else(|| {
        Failure::new(Exit::Failed, "workflow.never_run", format!("`{wanted}` was never run."))
            .fix(format!("Run it: serverflow workflow run {wanted}"))
    })
}

async fn named(client: &Client, name: &str, project: Option<&str>) -> Result<Vec<Value>, Failure> {
    let mut query = vec![("q", name.to_owned())];
    query.extend(project.map(|project| ("projectId", project.to_owned())));
    let mut found = client.list("/workflows", &query).await?;
    found.retain(|workflow| value::maybe(workflow, "/name").as_deref() == Some(name));
    Ok(found)
}

fn several(name: &str) -> Failure {
    let message = format!("Several projects have a workflow called `{name}`.");
    Failure::new(Exit::Failed, "workflow.ambiguous", message).fix("Give the id: serverflow workflow list")
}
