//! What an action acts on.

use serde::{Deserialize, Serialize};
use sf_types::{
    AlertRuleId, AltId, AppId, CtrlId, InvitationId, NodeId, ProjectId, ProxyId, RoleId, RunId, SecretId, ServerId,
    TenantId, TokenId, UserId, WorkflowId,
};

/// The kind of thing acted on.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum TargetKind {
    /// The tenant as a whole: things that do not exist yet.
    Tenant,
    /// A machine.
    Node,
    /// An app.
    App,
    /// A domain.
    Proxy,
    /// A run.
    Run,
    /// A person.
    User,
    /// A token.
    Token,
    /// A role of the team's own.
    Role,
    /// A project.
    Project,
    /// An invitation to a person.
    Invitation,
    /// A secret.
    Secret,
    /// A workflow.
    Workflow,
    /// A team, as whoever operates the installation sees it.
    Team,
    /// A category of templates.
    Ctrl,
    /// A template of servers.
    Alt,
    /// A server of the panel.
    Server,
    /// A rule about servers.
    AlertRule,
}

/// The thing acted on.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
#[serde(tag = "kind", content = "id", rename_all = "camelCase")]
pub enum Target {
    /// The tenant as a whole.
    Tenant,
    /// A machine.
    Node(NodeId),
    /// An app.
    App(AppId),
    /// A domain.
    Proxy(ProxyId),
    /// A run.
    Run(RunId),
    /// A person.
    User(UserId),
    /// A token.
    Token(TokenId),
    /// A role of the team's own.
    Role(RoleId),
    /// A project.
    Project(ProjectId),
    /// An invitation to a person.
    Invitation(InvitationId),
    /// A secret.
    Secret(SecretId),
    /// A workflow.
    Workflow(WorkflowId),
    /// A team, as whoever operates the installation sees it.
    Team(TenantId),
    /// A category of templates.
    Ctrl(CtrlId),
    /// A template of servers.
    Alt(AltId),
    /// A server of the panel.
    Server(ServerId),
    /// A rule about servers.
    AlertRule(AlertRuleId),
}
