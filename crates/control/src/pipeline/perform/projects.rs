//! Projects.

use sf_actions::project::ProjectAction;
use sf_actions::{Object, ObjectRef};
use sf_engine::Run;
use sf_store::{Tx, apps, grants, secrets, tenants};
use sf_types::{ErrorKind, Fault};

use super::name_taken;
use crate::dispatch::authz;
use crate::events;
use crate::proposal::Made;

/// Carries out a change to projects.
pub(crate) async fn perform(tx: &mut Tx, run: &Run, action: &ProjectAction) -> sf_store::Result<Made> {
    let id = match action {
        ProjectAction::Create(create) => {
            let name = create.name.as_str();
            tenants::add_project(tx, run.tenant, name).await.map_err(|error| name_taken(error, name))?.id
        }
        ProjectAction::Rename(rename) => {
            let name = rename.name.as_str();
            tenants::rename_project(tx, rename.project, name).await.map_err(|error| name_taken(error, name))?;
            rename.project
        }
        ProjectAction::Delete(delete) => {
            let project = tenants::project(tx, delete.project).await?;
            if apps::count_of_project(tx, project.id).await? > 0 {
                let message = format!("There are still apps in `{}`.", project.name);
                let fault = Fault::new(ErrorKind::Conflict, "project.has_apps", message);
                return Err(fault.fix("Delete them first.").into());
            }
            if tenants::default_project(tx).await?.id == project.id {
                let fault = Fault::new(ErrorKind::Conflict, "project.first", "A team keeps its first project.");
                return Err(fault.fix("Rename it, where its name is wrong.").into());
            }
            grants::forget_object(tx, ObjectRef(Object::Project(project.id))).await?;
            secrets::delete_of_project(tx, project.id, authz(run).user).await?;
            crate::panel::rules::forget(tx, run.tenant, sf_actions::alert::RuleScope::Project(project.id)).await?;
            tenants::delete_project(tx, project.id).await?;
            project.id
        }
    };
    tx.publish(events::project_changed(run.tenant, id));
    Ok(Made::Project(id))
}
