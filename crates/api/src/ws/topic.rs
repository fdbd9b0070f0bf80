//! What a client may follow, and which events that is.

use std::fmt;
use std::str::FromStr;

use sf_actions::{Actor, Permission, Standing};
use sf_bus::Event;
use sf_control::{Control, events};
use sf_types::{AppId, ErrorKind, Fault, NodeId, ProjectId, RunId, ServerId, TenantId};

/// A topic as clients write it.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Topic {
    /// `run:<id>`.
    Run(RunId),
    /// `app:<id>`.
    App(AppId),
    /// `node:<id>`.
    Node(NodeId),
    /// `server:<id>`.
    Server(ServerId),
    /// `console:<id>`: what a server says, as it says it.
    Console(ServerId),
    /// `logs:app:<id>`.
    AppLog(AppId),
    /// `logs:run:<id>`.
    RunLog(RunId),
    /// `runs`.
    Runs,
    /// `apps`.
    Apps,
    /// `servers`.
    Servers,
    /// `nodes`.
    Nodes,
    /// `approvals`.
    Approvals,
    /// `users`: people, their roles and invitations.
    Users,
    /// `projects`.
    Projects,
    /// `workflows`: they themselves, and how far their runs are.
    Workflows,
    /// `system`.
    System,
}

impl FromStr for Topic {
    type Err = Fault;

    fn from_str(text: &str) -> Result<Self, Fault> {
        let known = match text {
            "runs" => Some(Self::Runs),
            "apps" => Some(Self::Apps),
            "servers" => Some(Self::Servers),
            "nodes" => Some(Self::Nodes),
            "approvals" => Some(Self::Approvals),
            "users" => Some(Self::Users),
            "projects" => Some(Self::Projects),
            "workflows" => Some(Self::Workflows),
            "system" => Some(Self::System),
            _ => text.rsplit_once(':').and_then(|(kind, id)| match kind {
                "run" => id.parse().ok().map(Self::Run),
                "app" => id.parse().ok().map(Self::App),
                "node" => id.parse().ok().map(Self::Node),
                "server" => id.parse().ok().map(Self::Server),
                "console" => id.parse().ok().map(Self::Console),
                "logs:app" => id.parse().ok().map(Self::AppLog),
                "logs:run" => id.parse().ok().map(Self::RunLog),
                _ => None,
            }),
        };
        known.ok_or_else(|| {
            let shown: String = text.chars().take(64).collect();
            let message = format!("`{shown}` is no topic.");
            Fault::new(ErrorKind::Invalid, "events.topic", message).fix(
                "Use run:<id>, app:<id>, node:<id>, server:<id>, console:<id>, logs:app:<id>, logs:run:<id>, runs, apps, \
                 servers, nodes, approvals, users, projects, workflows or system.",
            )
        })
    }
}

impl fmt::Display for Topic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Run(id) => write!(f, "run:{id}"),
            Self::App(id) => write!(f, "app:{id}"),
            Self::Node(id) => write!(f, "node:{id}"),
            Self::Server(id) => write!(f, "server:{id}"),
            Self::Console(id) => write!(f, "console:{id}"),
            Self::AppLog(id) => write!(f, "logs:app:{id}"),
            Self::RunLog(id) => write!(f, "logs:run:{id}"),
            Self::Runs => f.write_str("runs"),
            Self::Apps => f.write_str("apps"),
            Self::Servers => f.write_str("servers"),
            Self::Nodes => f.write_str("nodes"),
            Self::Approvals => f.write_str("approvals"),
            Self::Users => f.write_str("users"),
            Self::Projects => f.write_str("projects"),
            Self::Workflows => f.write_str("workflows"),
            Self::System => f.write_str("system"),
        }
    }
}

impl Topic {
    /// What carries it inside the process; lists ride on the tenant's topic. `None` for what has a source of its own.
    pub fn carrier(self, tenant: TenantId) -> Option<sf_bus::Topic> {
        match self {
            Self::Run(run) | Self::RunLog(run) => Some(sf_bus::Topic::Run(run)),
            Self::App(app) | Self::AppLog(app) => Some(sf_bus::Topic::App(app)),
            Self::Node(node) => Some(sf_bus::Topic::Node(node)),
            Self::Server(server) | Self::Console(server) => Some(sf_bus::Topic::Server(server)),
            Self::Runs
            | Self::Apps
            | Self::Servers
            | Self::Nodes
            | Self::Approvals
            | Self::Users
            | Self::Projects
            | Self::Workflows => Some(sf_bus::Topic::Tenant(tenant)),
            Self::System => None,
        }
    }

    /// The server whose console it is.
    pub const fn console(self) -> Option<ServerId> {
        if let Self::Console(server) = self { Some(server) } else { None }
    }

    /// Its name in the stored events; `None` for what is not stored there.
    pub fn stored(self) -> Option<String> {
        match self {
            Self::AppLog(_) | Self::RunLog(_) | Self::Console(_) | Self::System => None,
            other => Some(other.to_string()),
        }
    }

    /// How close it is to what happened: one run is closer than its app, and that closer than a list.
    pub const fn distance(self) -> u8 {
        match self {
            Self::Run(_) | Self::RunLog(_) => 0,
            Self::App(_) | Self::AppLog(_) | Self::Server(_) | Self::Console(_) => 1,
            Self::Node(_) => 2,
            Self::Runs
            | Self::Apps
            | Self::Servers
            | Self::Nodes
            | Self::Approvals
            | Self::Users
            | Self::Projects
            | Self::Workflows
            | Self::System => 3,
        }
    }

    /// Whether an event belongs to it.
    pub fn holds(self, event: &Event) -> bool {
        let name = event.name.as_ref();
        let is_log = name == events::LOG_LINE;
        let is_console = name == events::CONSOLE_OUTPUT;
        let about = |topic: sf_bus::Topic| event.topics.contains(&topic);
        match self {
            Self::Run(run) => !is_log && about(sf_bus::Topic::Run(run)),
            Self::App(app) => !is_log && about(sf_bus::Topic::App(app)),
            Self::Node(node) => !is_log && about(sf_bus::Topic::Node(node)),
            Self::Server(server) => !is_console && about(sf_bus::Topic::Server(server)),
            Self::Console(server) => is_console && about(sf_bus::Topic::Server(server)),
            Self::AppLog(app) => is_log && about(sf_bus::Topic::App(app)),
            Self::RunLog(run) => is_log && about(sf_bus::Topic::Run(run)),
            Self::Runs => name == events::RUN_UPDATE,
            Self::Apps => name == events::APP_UPDATE,
            Self::Servers => name == events::SERVER_UPDATE || name == events::ALERT_RULES_UPDATE,
            Self::Nodes => name == events::NODE_UPDATE,
            Self::Approvals => name == events::APPROVAL_UPDATE,
            Self::Users => [events::USER_UPDATE, events::INVITATION_UPDATE, events::ROLE_UPDATE].contains(&name),
            Self::Projects => name == events::PROJECT_UPDATE,
            Self::Workflows => [events::WORKFLOW_UPDATE, events::WORKFLOW_PROGRESS].contains(&name),
            Self::System => false,
        }
    }

    /// Whether this actor may follow it. What it may not see does not exist.
    ///
    /// # Errors
    /// Not there, or a missing right.
    pub async fn authorise(self, control: &Control, actor: &Actor) -> Result<(), Fault> {
        match self {
            Self::Run(run) | Self::RunLog(run) => control.run(actor, run).await.map(drop),
            Self::App(app) | Self::AppLog(app) => control.app(actor, app).await.map(drop),
            Self::Node(node) => control.node(actor, node).await.map(drop),
            Self::Server(server) => control.server(actor, server).await.map(drop),
            Self::Console(server) => control.may_see_console(actor, server).await,
            Self::Runs
            | Self::Apps
            | Self::Servers
            | Self::Nodes
            | Self::Approvals
            | Self::Users
            | Self::Projects
            | Self::Workflows => self.list_right().map_or(Ok(()), |right| needs(actor, right)),
            Self::System => Ok(()),
        }
    }

    /// What a list shows to those who have this right for what an event is about.
    const fn list_right(self) -> Option<Permission> {
        match self {
            Self::Runs | Self::Apps => Some(Permission::AppView),
            Self::Servers => Some(Permission::ServerView),
            Self::Nodes => Some(Permission::NodeView),
            Self::Approvals => Some(Permission::ApprovalView),
            Self::Users => Some(Permission::UserView),
            Self::Projects => Some(Permission::ProjectView),
            Self::Workflows => Some(Permission::WorkflowView),
            Self::Run(_)
            | Self::App(_)
            | Self::Node(_)
            | Self::Server(_)
            | Self::Console(_)
            | Self::AppLog(_)
            | Self::RunLog(_)
            | Self::System => None,
        }
    }

    /// Whether an actor who follows it is told of an event: a list tells of what its reader may see, nothing else.
    pub fn shows(self, actor: &Actor, project: Option<ProjectId>, about: impl Iterator<Item = sf_bus::Topic>) -> bool {
        let Some(right) = self.list_right() else { return true };
        if actor.may(right) {
            return true;
        }
        let mut standing = Standing { project, ..Standing::TENANT };
        for topic in about {
            match topic {
                sf_bus::Topic::App(app) => standing.app = Some(app),
                sf_bus::Topic::Node(node) => standing.node = Some(node),
                sf_bus::Topic::Server(server) => standing.server = Some(server),
                _ => {}
            }
        }
        actor.may_at(right, &standing)
    }
}

fn needs(actor: &Actor, right: Permission) -> Result<(), Fault> {
    if actor.rights.sight(right).is_some() {
        return Ok(());
    }
    let message = format!("This needs the permission `{right}`, which you do not have here.");
    let fault = Fault::new(ErrorKind::Forbidden, "permission.missing", message);
    Err(fault.fix("Ask somebody who may manage roles to grant it."))
}

#[cfg(test)]
mod tests {
    use super::*;
    use sf_types::{Timestamp, TypedId};

    #[test]
    fn topics_read_back_and_nothing_else_does() {
        let id = "0193a1b2-7c3d-7e4f-8a5b-6c7d8e9f0a1b";
        for text in ["runs", "apps", "servers", "nodes", "approvals", "users", "projects", "workflows", "system"] {
            assert_eq!(text.parse::<Topic>().unwrap().to_string(), text);
        }
        for kind in ["run", "app", "node", "server", "console", "logs:app", "logs:run"] {
            let text = format!("{kind}:{id}");
            assert_eq!(text.parse::<Topic>().unwrap().to_string(), text);
        }
        for bad in ["", "run", "run:", "run:1", "logs:node:0193a1b2-7c3d-7e4f-8a5b-6c7d8e9f0a1b", "tenant:x", "Runs"] {
            assert_eq!(bad.parse::<Topic>().unwrap_err().code, "events.topic", "{bad}");
        }
    }

    #[test]
    fn lines_and_updates_of_one_app_are_told_apart() {
        let app = AppId::from_parts(Timestamp::from_millis(1), [1; 10]);
        let event = |name: &'static str| Event {
            seq: 1,
            tenant: None,
            project: None,
            topics: vec![sf_bus::Topic::App(app)],
            name: name.into(),
            at: Timestamp::from_millis(1),
            data: "{}".into(),
        };
        for (topic, name, expected) in [
            (Topic::App(app), events::APP_UPDATE, true),
            (Topic::App(app), events::LOG_LINE, false),
            (Topic::AppLog(app), events::LOG_LINE, true),
            (Topic::AppLog(app), events::APP_UPDATE, false),
            (Topic::Apps, events::APP_UPDATE, true),
            (Topic::Runs, events::APP_UPDATE, false),
        ] {
            assert_eq!(topic.holds(&event(name)), expected, "{topic} {name}");
        }
    }
}
