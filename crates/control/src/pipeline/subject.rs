//! What an action acts on, looked up once: whose it is, where it lives, and the facts a plan needs.

use sf_actions::secret::SecretAction;
use sf_actions::{Action, Permission, Target};
use sf_store::{Reader, apps, nodes, runs, secrets, tenants};
use sf_types::{ErrorKind, Fault, NodeId, ProjectId, TenantId};

/// The object of an action.
#[derive(Clone, Debug)]
pub(crate) struct Subject {
    pub(crate) tenant: TenantId,
    pub(crate) project: Option<ProjectId>,
    pub(crate) node: Option<NodeId>,
    pub(crate) app: Option<apps::App>,
}

impl Subject {
    const fn of_tenant(tenant: TenantId) -> Self {
        Self { tenant, project: None, node: None, app: None }
    }
}

/// The right that makes an object of this kind visible; `None` for things that do not exist yet.
pub(crate) const fn view_right(target: Target) -> Option<Permission> {
    match target {
        Target::Tenant | Target::User(_) | Target::Token(_) => None,
        Target::Node(_) => Some(Permission::NodeView),
        Target::App(_) | Target::Run(_) => Some(Permission::AppView),
        Target::Secret(_) => Some(Permission::SecretView),
    }
}

/// Looks the object up within the reader's scope: what is outside does not exist.
pub(crate) async fn resolve(reader: &Reader, tenant: TenantId, action: &Action) -> Result<Subject, Fault> {
    match action.target() {
        Target::Tenant => of_new(reader, tenant, action).await,
        Target::User(_) | Target::Token(_) => Ok(Subject::of_tenant(tenant)),
        Target::Node(node) => {
            let node = nodes::get(reader, node).await?;
            Ok(Subject { project: node.project, node: Some(node.id), ..Subject::of_tenant(node.tenant) })
        }
        Target::App(app) => {
            let app = apps::get(reader, app).await?;
            let (tenant, project, node) = (app.tenant, app.project, app.node);
            Ok(Subject { tenant, project: Some(project), node: Some(node), app: Some(app) })
        }
        Target::Secret(secret) => {
            let secret = secrets::get(reader, secret).await?;
            Ok(Subject { project: Some(secret.project), ..Subject::of_tenant(secret.tenant) })
        }
        Target::Run(run) => {
            let run = runs::get(reader, run).await?;
            let (tenant, project, node) = (run.tenant, run.project, run.node);
            Ok(Subject { tenant, project, node, app: None })
        }
    }
}

/// An app to be made needs its node to exist in the same tenant.
async fn of_new(reader: &Reader, tenant: TenantId, action: &Action) -> Result<Subject, Fault> {
    let mut subject = Subject::of_tenant(tenant);
    if let Action::App(sf_actions::app::AppAction::Create(create)) = action {
        let node = nodes::get(reader, create.node).await?;
        subject.node = Some(node.id);
    }
    if let Action::Secret(SecretAction::Create(create)) = action {
        let all = tenants::projects(reader).await?;
        let found = all.iter().find(|project| create.project.is_none_or(|wanted| wanted == project.id));
        let wanted = create.project.map(|project| project.to_string()).unwrap_or_default();
        subject.project = Some(found.ok_or_else(|| missing("project", wanted))?.id);
    }
    Ok(subject)
}

pub(crate) fn missing(what: &str, id: impl std::fmt::Display) -> Fault {
    Fault::new(ErrorKind::NotFound, format!("{what}.not_found"), format!("There is no {what} {id}."))
        .fix(format!("List them with `serverflow {what}s`."))
}
