//! Projects.

use serde::Serialize;
use sf_store::tenants::Project;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::view::Time;

/// What owns apps, servers, workflows and secrets that belong together.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Project)]
pub struct ProjectView {
    /// Its id.
    pub id: Uuid,
    /// Its name, unique within the team.
    pub name: String,
    /// How many apps it has.
    pub apps: u64,
    /// When it was made.
    pub created_at: Time,
}

impl ProjectView {
    /// A project with how many apps it has.
    pub fn of((project, apps): (Project, u64)) -> Self {
        Self { id: project.id.uuid(), name: project.name, apps, created_at: Time(project.created_at) }
    }
}
