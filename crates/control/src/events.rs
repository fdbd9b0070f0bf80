//! Names and topics of what the control plane tells its watchers.

use sf_store::audit::Entry;
use sf_store::events::NewEvent;
use sf_types::{AppId, InvitationId, NodeId, ProjectId, RunId, ServerId, TenantId, UserId, WorkflowId};

/// A run changed.
pub const RUN_UPDATE: &str = "run.update";
/// A node came, went or changed.
pub const NODE_UPDATE: &str = "node.status.update";
/// A sample of a node's metrics.
pub const NODE_METRICS: &str = "node.metrics";
/// An app changed.
pub const APP_UPDATE: &str = "app.status.update";
/// A server of the panel changed.
pub const SERVER_UPDATE: &str = "server.status.update";
/// Alert rules came, changed or went.
pub const ALERT_RULES_UPDATE: &str = "alert.rules.update";
/// An approval was opened or decided.
pub const APPROVAL_UPDATE: &str = "approval.update";
/// A person came, changed or left, or was given something else.
pub const USER_UPDATE: &str = "user.update";
/// An invitation was made, used or taken back.
pub const INVITATION_UPDATE: &str = "invitation.update";
/// A role of the team's own came, changed or went.
pub const ROLE_UPDATE: &str = "role.update";
/// A project came, went or changed.
pub const PROJECT_UPDATE: &str = "project.update";
/// A workflow came, went or changed.
pub const WORKFLOW_UPDATE: &str = "workflow.update";
/// Steps of a workflow's run have begun or ended.
pub const WORKFLOW_PROGRESS: &str = "workflow.progress.update";
/// What a server of the panel says, to whoever watches its console.
pub const CONSOLE_OUTPUT: &str = "console.output";
/// Lines of a log.
pub const LOG_LINE: &str = "log.line";
/// How the control plane is.
pub const SYSTEM_HEALTH: &str = "system.health.status";

/// Topic of one run.
pub fn run_topic(run: RunId) -> String {
    format!("run:{run}")
}

/// Topic of one node.
pub fn node_topic(node: NodeId) -> String {
    format!("node:{node}")
}

/// Topic of one app.
pub fn app_topic(app: AppId) -> String {
    format!("app:{app}")
}

/// Topic of one server of the panel.
pub fn server_topic(server: ServerId) -> String {
    format!("server:{server}")
}

/// Topic of one app's log.
pub fn app_log_topic(app: AppId) -> String {
    format!("logs:app:{app}")
}

/// Topic of one run's log.
pub fn run_log_topic(run: RunId) -> String {
    format!("logs:run:{run}")
}

/// An app changed.
pub(crate) fn app_changed(tenant: TenantId, project: Option<ProjectId>, app: AppId) -> NewEvent {
    NewEvent {
        tenant: Some(tenant),
        project,
        topics: vec![app_topic(app), "apps".to_owned()],
        name: APP_UPDATE.to_owned(),
        data: serde_json::json!({ "id": app }).to_string().into(),
    }
}

/// A server of the panel changed.
pub(crate) fn server_changed(tenant: TenantId, project: Option<ProjectId>, server: ServerId) -> NewEvent {
    NewEvent {
        tenant: Some(tenant),
        project,
        topics: vec![server_topic(server), "servers".to_owned()],
        name: SERVER_UPDATE.to_owned(),
        data: serde_json::json!({ "id": server }).to_string().into(),
    }
}

/// Alert rules of a team came, changed or went.
pub(crate) fn rules_changed(tenant: TenantId) -> NewEvent {
    NewEvent {
        tenant: Some(tenant),
        project: None,
        topics: vec!["servers".to_owned()],
        name: ALERT_RULES_UPDATE.to_owned(),
        data: "{}".to_owned().into(),
    }
}

/// An app went down by itself, or is up again; a schedule of it goes wrong, or does not any more.
pub(crate) fn app_turned(tenant: TenantId, project: Option<ProjectId>, app: AppId, change: &str) -> NewEvent {
    let data = serde_json::json!({ "id": app, "change": change }).to_string().into();
    NewEvent { data, ..app_changed(tenant, project, app) }
}

/// A schedule of a server goes wrong or it crossed the line of an alert rule; or not any more.
pub(crate) fn server_turned(tenant: TenantId, project: Option<ProjectId>, server: ServerId, change: &str) -> NewEvent {
    let data = serde_json::json!({ "id": server, "change": change }).to_string().into();
    NewEvent { data, ..server_changed(tenant, project, server) }
}

/// A node came, went or changed.
pub(crate) fn node_changed(tenant: TenantId, node: NodeId, what: &str) -> NewEvent {
    NewEvent {
        tenant: Some(tenant),
        project: None,
        topics: vec![node_topic(node), "nodes".to_owned()],
        name: NODE_UPDATE.to_owned(),
        data: serde_json::json!({ "id": node, "change": what }).to_string().into(),
    }
}

/// A role of the team's own came, changed or went.
pub(crate) fn roles_changed(tenant: TenantId) -> NewEvent {
    NewEvent {
        tenant: Some(tenant),
        project: None,
        topics: vec!["users".to_owned()],
        name: ROLE_UPDATE.to_owned(),
        data: "{}".into(),
    }
}

/// A project came, went or changed.
pub(crate) fn project_changed(tenant: TenantId, project: ProjectId) -> NewEvent {
    NewEvent {
        tenant: Some(tenant),
        project: Some(project),
        topics: vec!["projects".to_owned()],
        name: PROJECT_UPDATE.to_owned(),
        data: serde_json::json!({ "id": project }).to_string().into(),
    }
}

/// A workflow came, went or changed.
pub(crate) fn workflow_changed(tenant: TenantId, project: Option<ProjectId>, workflow: WorkflowId) -> NewEvent {
    NewEvent {
        tenant: Some(tenant),
        project,
        topics: vec!["workflows".to_owned()],
        name: WORKFLOW_UPDATE.to_owned(),
        data: serde_json::json!({ "id": workflow }).to_string().into(),
    }
}

/// A person came, changed or left. Their own sockets ask again whether they are still welcome.
pub(crate) fn user_changed(tenant: TenantId, user: UserId, what: &str) -> NewEvent {
    NewEvent {
        tenant: Some(tenant),
        project: None,
        topics: vec![format!("user:{user}"), "users".to_owned()],
        name: USER_UPDATE.to_owned(),
        data: serde_json::json!({ "id": user, "change": what }).to_string().into(),
    }
}

/// An invitation was made, used or taken back.
pub(crate) fn invitation_changed(tenant: TenantId, invitation: InvitationId, what: &str) -> NewEvent {
    NewEvent {
        tenant: Some(tenant),
        project: None,
        topics: vec!["users".to_owned()],
        name: INVITATION_UPDATE.to_owned(),
        data: serde_json::json!({ "id": invitation, "change": what }).to_string().into(),
    }
}

/// An audit line about a node that no run caused.
pub(crate) fn node_audit(tenant: TenantId, node: NodeId, action: &str, outcome: &str) -> Entry {
    Entry {
        tenant: Some(tenant),
        project: None,
        actor_kind: "node".to_owned(),
        actor_ref: node.to_string(),
        action: action.to_owned(),
        target_kind: "node".to_owned(),
        target_id: node.to_string(),
        run: None,
        request: None,
        outcome: outcome.to_owned(),
        fields: Vec::new(),
        personal: Vec::new(),
    }
}

/// A node has something to say.
pub(crate) fn node_notice(tenant: TenantId, node: NodeId, code: &str, message: &str) -> NewEvent {
    NewEvent {
        tenant: Some(tenant),
        project: None,
        topics: vec![node_topic(node), "nodes".to_owned()],
        name: NODE_UPDATE.to_owned(),
        data: serde_json::json!({ "id": node, "change": "notice", "code": code, "message": message })
            .to_string()
            .into(),
    }
}
