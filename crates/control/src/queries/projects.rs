//! Projects.

use sf_actions::{Actor, Permission};
use sf_store::{apps, tenants};
use sf_types::{Fault, ProjectId};

use crate::control::Control;

impl Control {
    /// The team's projects that the actor sees, oldest first, with how many apps each has; at most
    /// [`tenants::MAX_PROJECTS`]. `q` is looked for in the name.
    ///
    /// # Errors
    /// No right, or the store cannot be read.
    pub async fn projects(&self, actor: &Actor, q: Option<&str>) -> Result<Vec<(tenants::Project, u64)>, Fault> {
        let reader = self.view(actor, Permission::ProjectView)?;
        let mut projects = Vec::new();
        for project in tenants::projects(&reader, q).await? {
            let apps = apps::count_of_project(&reader, project.id).await?;
            projects.push((project, apps));
        }
        Ok(projects)
    }

    /// One project.
    ///
    /// # Errors
    /// Not there, no right, or the store cannot be read.
    pub async fn project(&self, actor: &Actor, id: ProjectId) -> Result<(tenants::Project, u64), Fault> {
        let reader = self.view(actor, Permission::ProjectView)?;
        let project = tenants::project(&reader, id).await?;
        let apps = apps::count_of_project(&reader, id).await?;
        Ok((project, apps))
    }
}
