//! What an action acts on, looked up once: whose it is, where it stands, and the facts a plan needs.

use sf_actions::alert::RuleScope;
use sf_actions::app::AppAction;
use sf_actions::role::RoleAction;
use sf_actions::secret::SecretAction;
use sf_actions::server::{Create, ServerAction};
use sf_actions::workflow::WorkflowAction;
use sf_actions::{Action, Actor, Permission, Place, Standing, Target};
use sf_engine::Run;
use sf_policy::Owned;
use sf_store::{
    Reader, StoreError, alert_rules, alts, apps, ctrls, grants, invitations, nodes, proxies, roles, runs, secrets,
    servers, tenants, users, workflows,
};
use sf_types::{AlertRuleId, ErrorKind, Fault, NodeId, ProjectId, TenantId};

use crate::authority;

/// The object of an action.
#[derive(Clone, Debug)]
pub(crate) struct Subject {
    pub(crate) tenant: TenantId,
    /// What belongs to a run of it.
    pub(crate) project: Option<ProjectId>,
    pub(crate) node: Option<NodeId>,
    pub(crate) app: Option<apps::App>,
    pub(crate) server: Option<servers::Server>,
    /// Where rights for it are looked for.
    pub(crate) standing: Standing,
    /// The right that makes it visible, and the one that the action needs, where they depend on the object.
    pub(crate) rights: Option<(Permission, Permission)>,
}

impl Subject {
    const fn of_tenant(tenant: TenantId) -> Self {
        Self { tenant, project: None, node: None, app: None, server: None, standing: Standing::TENANT, rights: None }
    }

    const fn at(tenant: TenantId, standing: Standing) -> Self {
        Self { tenant, project: standing.project, node: standing.node, app: None, server: None, standing, rights: None }
    }

    fn of_app(app: apps::App) -> Self {
        let standing = Standing { project: Some(app.project), node: Some(app.node), app: Some(app.id), server: None };
        Self { app: Some(app.clone()), ..Self::at(app.tenant, standing) }
    }

    fn of_server(server: servers::Server) -> Self {
        let standing =
            Standing { project: Some(server.project), node: Some(server.node), app: None, server: Some(server.id) };
        Self { server: Some(server.clone()), ..Self::at(server.tenant, standing) }
    }

    /// What an order would be about.
    pub(crate) const fn object(&self) -> Ordered<'_> {
        match (&self.app, &self.server) {
            (Some(app), _) => Ordered::App(app),
            (None, Some(server)) => Ordered::Server(server),
            (None, None) => Ordered::Nothing,
        }
    }

    pub(crate) const fn owned(&self) -> Owned {
        Owned { tenant: self.tenant, standing: self.standing }
    }
}

/// What an order is about besides its machine.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Ordered<'a> {
    App(&'a apps::App),
    Server(&'a servers::Server),
    Nothing,
}

/// The right that makes an object of this kind visible; `None` for things that do not exist yet.
pub(crate) const fn view_right(target: Target) -> Option<Permission> {
    match target {
        Target::Tenant | Target::Token(_) | Target::Role(_) | Target::Team(_) => None,
        Target::User(_) | Target::Invitation(_) => Some(Permission::UserView),
        Target::Node(_) => Some(Permission::NodeView),
        Target::App(_) | Target::Run(_) => Some(Permission::AppView),
        Target::Project(_) => Some(Permission::ProjectView),
        Target::Secret(_) => Some(Permission::SecretView),
        Target::Proxy(_) => Some(Permission::ProxyView),
        Target::Workflow(_) => Some(Permission::WorkflowView),
        Target::Server(_) => Some(Permission::ServerView),
        Target::AlertRule(_) => Some(Permission::MonitoringView),
        // Who sees servers sees what they can be made from.
        Target::Ctrl(_) | Target::Alt(_) => Some(Permission::ServerView),
    }
}

/// Looks the object up within the reader's scope: what is outside does not exist.
pub(crate) async fn resolve(reader: &Reader, actor: &Actor, action: &Action) -> Result<Subject, Fault> {
    let tenant = actor.tenant;
    match action.target() {
        Target::Tenant => of_new(reader, actor, action).await,
        // Who may act on teams is decided before: the act is the first team's, wherever it reaches.
        Target::Token(_) | Target::Team(_) => Ok(Subject::of_tenant(tenant)),
        Target::User(user) => {
            users::get(reader, user).await?;
            of_person(reader, tenant, action).await
        }
        Target::Invitation(id) => Ok(Subject::of_tenant(invitations::get(reader, id).await?.tenant)),
        Target::Role(role) => {
            roles::get(reader, role).await?;
            Ok(Subject::of_tenant(tenant))
        }
        Target::Project(project) => {
            tenants::project(reader, project).await?;
            Ok(Subject::at(tenant, Standing { project: Some(project), ..Standing::TENANT }))
        }
        Target::Node(node) => {
            let node = nodes::get(reader, node).await?;
            let standing = Standing { project: node.project, node: Some(node.id), ..Standing::TENANT };
            Ok(Subject::at(node.tenant, standing))
        }
        Target::App(app) => Ok(Subject::of_app(apps::get(reader, app).await?)),
        Target::Proxy(proxy) => {
            let app = proxies::get(reader, proxy).await?.app;
            Ok(Subject::of_app(apps::get(reader, app).await?))
        }
        Target::Server(server) => Ok(Subject::of_server(servers::get(reader, server).await?)),
        Target::Ctrl(ctrl) => Ok(Subject::of_tenant(ctrls::get(reader, ctrl).await?.tenant)),
        Target::Alt(alt) => Ok(Subject::of_tenant(alts::get(reader, alt).await?.tenant)),
        Target::AlertRule(rule) => of_rule(reader, rule).await,
        Target::Secret(secret) => {
            let secret = secrets::get(reader, secret).await?;
            let standing = Standing { project: Some(secret.project), ..Standing::TENANT };
            Ok(Subject::at(secret.tenant, standing))
        }
        Target::Workflow(workflow) => {
            let workflow = workflows::get(reader, workflow).await?;
            let standing = Standing { project: Some(workflow.project), ..Standing::TENANT };
            Ok(Subject::at(workflow.tenant, standing))
        }
        Target::Run(run) => {
            let run = runs::get(reader, run).await?;
            let standing = Standing { project: run.project, node: run.node, app: run.app, server: run.server };
            Ok(Subject { rights: of_other(&run, action), ..Subject::at(run.tenant, standing) })
        }
    }
}

/// A rule stands where what it is about does.
async fn of_rule(reader: &Reader, rule: AlertRuleId) -> Result<Subject, Fault> {
    let rule = alert_rules::get(reader, rule).await?;
    let standing = match rule.scope() {
        RuleScope::Server(server) => return Ok(Subject::of_server(servers::get(reader, server).await?)),
        RuleScope::Node(node) => Standing { project: rule.project, node: Some(node), ..Standing::TENANT },
        RuleScope::Project(project) => Standing { project: Some(project), ..Standing::TENANT },
        RuleScope::Team | RuleScope::Alt(_) => Standing::TENANT,
    };
    Ok(Subject::at(rule.tenant, standing))
}

/// A workflow's run is seen by who sees workflows and a server's by who sees servers; neither is an app's.
fn of_other(run: &Run, action: &Action) -> Option<(Permission, Permission)> {
    let spec = run.action.spec();
    let needs = match action {
        Action::Run(action) => action.needs(spec),
        _ => action.spec().permission,
    };
    let view = match (spec.place, run.server) {
        (Place::Engine, _) => Permission::WorkflowView,
        (_, Some(_)) => Permission::ServerView,
        _ => return None,
    };
    Some((view, needs))
}

/// What is made stands in its project; an app, on a node that its maker may see.
async fn of_new(reader: &Reader, actor: &Actor, action: &Action) -> Result<Subject, Fault> {
    let create = match action {
        Action::App(AppAction::Create(create)) => create,
        Action::Secret(SecretAction::Create(create)) => {
            let project = Some(in_project(reader, create.project).await?);
            return Ok(Subject::at(actor.tenant, Standing { project, ..Standing::TENANT }));
        }
        Action::Workflow(WorkflowAction::Create(create)) => {
            let project = Some(in_project(reader, create.project).await?);
            return Ok(Subject::at(actor.tenant, Standing { project, ..Standing::TENANT }));
        }
        Action::Server(ServerAction::Create(create)) => return of_new_server(reader, actor, create).await,
        _ => return Ok(Subject::of_tenant(actor.tenant)),
    };
    let project = in_project(reader, create.project).await?;
    let node = nodes::get(reader, create.node).await?;
    let there = Standing { project: node.project, node: Some(node.id), ..Standing::TENANT };
    if !actor.may_at(Permission::NodeView, &there) {
        return Err(missing("node", node.id));
    }
    let standing = Standing { project: Some(project), ..Standing::TENANT };
    Ok(Subject { node: Some(node.id), ..Subject::at(actor.tenant, standing) })
}

/// A server is made in its project, from a template of the team, on a node that its maker may see where they name one.
async fn of_new_server(reader: &Reader, actor: &Actor, create: &Create) -> Result<Subject, Fault> {
    let project = in_project(reader, create.project).await?;
    alts::get(reader, create.alt).await?;
    if let Some(node) = create.node {
        let node = nodes::get(reader, node).await?;
        let there = Standing { project: node.project, node: Some(node.id), ..Standing::TENANT };
        if !actor.may_at(Permission::NodeView, &there) {
            return Err(missing("node", node.id));
        }
    }
    let standing = Standing { project: Some(project), ..Standing::TENANT };
    Ok(Subject { node: create.node, ..Subject::at(actor.tenant, standing) })
}

/// The project something is made in: the named one, or the team's first.
async fn in_project(reader: &Reader, wanted: Option<ProjectId>) -> Result<ProjectId, Fault> {
    Ok(match wanted {
        Some(project) => tenants::project(reader, project).await?.id,
        None => tenants::default_project(reader).await?.id,
    })
}

/// What is given to a person is decided where it holds; everything else about them in the team.
async fn of_person(reader: &Reader, tenant: TenantId, action: &Action) -> Result<Subject, Fault> {
    let object = match action {
        Action::Role(RoleAction::Grant(give)) => give.object,
        Action::Role(RoleAction::Withdraw(withdraw)) => {
            let given = grants::of_user(reader, withdraw.user).await?;
            let grant = given.into_iter().find(|grant| grant.id == withdraw.grant);
            grant.ok_or_else(|| missing("grant", withdraw.grant))?.object
        }
        _ => return Ok(Subject::of_tenant(tenant)),
    };
    let standing = match authority::standing_of(reader, object).await {
        Ok(standing) => standing,
        // What was given at something that is gone is the team's to take back.
        Err(StoreError::NotFound(_)) if matches!(action, Action::Role(RoleAction::Withdraw(_))) => Standing::TENANT,
        Err(error) => return Err(error.into()),
    };
    Ok(Subject { standing, ..Subject::of_tenant(tenant) })
}

pub(crate) fn missing(what: &str, id: impl std::fmt::Display) -> Fault {
    Fault::new(ErrorKind::NotFound, format!("{what}.not_found"), format!("There is no {what} {id}."))
        .fix(format!("List them with `serverflow {what}s`."))
}
