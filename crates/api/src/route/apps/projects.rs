//! Projects.

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use sf_actions::Action;
use sf_actions::project::{CreateProject, ProjectAction, ProjectRef, RenameProject};
use sf_control::Made;
use sf_types::{Name, ProjectId};
use utoipa::ToSchema;

use crate::body::{Asked, Id, Strict};
use crate::caller::Caller;
use crate::envelope::{Envelope, Result, created, ok};
use crate::fault::Problem;
use crate::route::{Carried, Searched, Write, propose};
use crate::state::Api;
use crate::view::Nothing;
use crate::view::project::ProjectView;

/// A project's name.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct NamedProject {
    /// What it is called, unique within the team.
    #[schema(value_type = String)]
    name: Name,
}

/// The team's projects, oldest first; there are at most 500.
#[utoipa::path(get, path = "/api/v1/projects", tag = "projects", operation_id = "listProjects", params(Searched),
    responses((status = 200, body = Envelope<Vec<ProjectView>>)))]
pub async fn list(State(api): State<Api>, caller: Caller, Asked(query): Asked<Searched>) -> Result<Vec<ProjectView>> {
    let found = api.control().projects(&caller.actor, query.q.as_deref()).await?;
    Ok(ok(found.into_iter().map(ProjectView::of).collect()))
}

/// One project.
#[utoipa::path(get, path = "/api/v1/projects/{id}", tag = "projects", operation_id = "getProject",
    params(("id" = uuid::Uuid, Path)), responses((status = 200, body = Envelope<ProjectView>)))]
pub async fn get(State(api): State<Api>, caller: Caller, Id(project): Id<ProjectId>) -> Result<ProjectView> {
    Ok(ok(ProjectView::of(api.control().project(&caller.actor, project).await?)))
}

/// Makes a project.
#[utoipa::path(post, path = "/api/v1/projects", tag = "projects", operation_id = "createProject", params(Write),
    request_body = NamedProject, responses((status = 201, body = Envelope<ProjectView>)))]
pub async fn create(
    State(api): State<Api>,
    caller: Caller,
    Asked(write): Asked<Write>,
    Strict(body): Strict<NamedProject>,
) -> std::result::Result<Response, Problem> {
    let action = Action::Project(ProjectAction::Create(CreateProject { name: body.name }));
    match propose(&api, &caller, write, action).await? {
        Carried::Answered(response) => Ok(response),
        Carried::Done(made) => Ok(created(shown(&api, &caller, made).await?).into_response()),
    }
}

/// Gives a project another name.
#[utoipa::path(patch, path = "/api/v1/projects/{id}", tag = "projects", operation_id = "renameProject",
    params(("id" = uuid::Uuid, Path), Write), request_body = NamedProject,
    responses((status = 200, body = Envelope<ProjectView>)))]
pub async fn rename(
    State(api): State<Api>,
    caller: Caller,
    Id(project): Id<ProjectId>,
    Asked(write): Asked<Write>,
    Strict(body): Strict<NamedProject>,
) -> std::result::Result<Response, Problem> {
    let action = Action::Project(ProjectAction::Rename(RenameProject { project, name: body.name }));
    match propose(&api, &caller, write, action).await? {
        Carried::Answered(response) => Ok(response),
        Carried::Done(made) => Ok(ok(shown(&api, &caller, made).await?).into_response()),
    }
}

/// Deletes an empty project.
#[utoipa::path(delete, path = "/api/v1/projects/{id}", tag = "projects", operation_id = "deleteProject",
    params(("id" = uuid::Uuid, Path), Write), responses((status = 200, body = Envelope<Nothing>)))]
pub async fn delete(
    State(api): State<Api>,
    caller: Caller,
    Id(project): Id<ProjectId>,
    Asked(write): Asked<Write>,
) -> std::result::Result<Response, Problem> {
    let action = Action::Project(ProjectAction::Delete(ProjectRef { project }));
    match propose(&api, &caller, write, action).await? {
        Carried::Answered(response) => Ok(response),
        Carried::Done(_) => Ok(ok(Nothing {}).into_response()),
    }
}

/// Who may make a project without seeing any is not shown it.
async fn shown(api: &Api, caller: &Caller, made: Made) -> std::result::Result<Option<ProjectView>, Problem> {
    let Made::Project(project) = made else { return Ok(None) };
    Ok(api.control().project(&caller.actor, project).await.ok().map(ProjectView::of))
}
