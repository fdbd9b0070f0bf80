//! The roles every team has from its first day. They follow the program: a new permission joins them with an upgrade.

use crate::permission::{Permission, PermissionSet};

/// A role that is part of the program. Its name is never reused.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct BuiltIn {
    /// Its name in the API and in rows.
    pub name: &'static str,
    /// What a person reads.
    pub title: &'static str,
    /// For whom it is.
    pub help: &'static str,
    /// What it allows.
    pub permissions: PermissionSet,
}

/// Everything, and the only one whose last holder cannot lose it.
pub const OWNER: &str = "owner";

/// The name of what whoever owns a server of the panel has at it.
pub const SERVER_OWNER: &str = "server-owner";

/// All of them, widest first.
pub const ALL: &[BuiltIn] = &[
    BuiltIn {
        name: OWNER,
        title: "Owner",
        help: "Everything, including billing and the team itself. A team always has one.",
        permissions: PermissionSet::ALL,
    },
    BuiltIn {
        name: "admin",
        title: "Administrator",
        help: "Everything but billing and other teams.",
        permissions: PermissionSet::ALL
            .without(PermissionSet::of(&[Permission::BillingManage, Permission::TenantManage])),
    },
    BuiltIn {
        name: "operator",
        title: "Operator",
        help: "Keeps machines, apps and servers running; decides on what waits. Changes no people and no settings.",
        permissions: OPERATOR,
    },
    BuiltIn {
        name: "developer",
        title: "Developer",
        help: "Makes, changes and deploys apps, servers and workflows; removes none of them, touches no machines.",
        permissions: DEVELOPER,
    },
    BuiltIn {
        name: SERVER_OWNER,
        title: "Owner of a server",
        help: "Everything with one server but making and deleting it, and who else may do what with it. Given at that server.",
        permissions: SERVER_PERMISSIONS,
    },
    BuiltIn {
        name: "viewer",
        title: "Viewer",
        help: "Sees what there is and how it is doing; no files, no consoles, no people.",
        permissions: VIEWER,
    },
    BuiltIn {
        name: "support",
        title: "Support",
        help: "Answers tickets, and sees what it takes to answer them.",
        permissions: SUPPORT,
    },
];

const VIEWER: PermissionSet = PermissionSet::of(&[
    Permission::ServerView,
    Permission::BackupView,
    Permission::DatabaseView,
    Permission::NetworkView,
    Permission::MonitoringView,
    Permission::PluginView,
    Permission::NodeView,
    Permission::AppView,
    Permission::ApprovalView,
    Permission::ProjectView,
    Permission::PatchView,
    Permission::ProxyView,
    Permission::ScheduleView,
    Permission::WorkflowView,
    Permission::AgentView,
    Permission::ToolView,
]);

const OPERATOR: PermissionSet = VIEWER.union(PermissionSet::of(&[
    Permission::ServerStart,
    Permission::ServerStop,
    Permission::ServerRestart,
    Permission::FileRead,
    Permission::ConsoleView,
    Permission::ConsoleCommand,
    Permission::BackupCreate,
    Permission::BackupRestore,
    Permission::MonitoringAlerts,
    Permission::NodeUpdate,
    Permission::AppDeploy,
    Permission::AppOperate,
    Permission::ApprovalDecide,
    Permission::SecretView,
    Permission::PatchApply,
    Permission::ProxyManage,
    Permission::ScheduleManage,
    Permission::WorkflowRun,
    Permission::AgentRun,
    Permission::ToolCall,
    Permission::TokenManage,
]));

const DEVELOPER: PermissionSet = VIEWER.union(PermissionSet::of(&[
    Permission::ServerCreate,
    Permission::ServerUpdate,
    Permission::ServerStart,
    Permission::ServerStop,
    Permission::ServerRestart,
    Permission::FileRead,
    Permission::FileWrite,
    Permission::FileDelete,
    Permission::FileArchive,
    Permission::ConsoleView,
    Permission::ConsoleCommand,
    Permission::BackupCreate,
    Permission::DatabaseCreate,
    Permission::DatabaseUpdate,
    Permission::NetworkCreate,
    Permission::PluginManage,
    Permission::AppCreate,
    Permission::AppUpdate,
    Permission::AppDeploy,
    Permission::AppOperate,
    Permission::SecretView,
    Permission::SecretManage,
    Permission::PatchApply,
    Permission::ProxyManage,
    Permission::ScheduleManage,
    Permission::WorkflowCreate,
    Permission::WorkflowUpdate,
    Permission::WorkflowRun,
    Permission::AgentCreate,
    Permission::AgentUpdate,
    Permission::AgentRun,
    Permission::ToolCall,
    Permission::MemoryView,
    Permission::TokenManage,
]));

const SERVER_PERMISSIONS: PermissionSet = PermissionSet::of(&[
    Permission::ServerView,
    Permission::ServerUpdate,
    Permission::ServerStart,
    Permission::ServerStop,
    Permission::ServerRestart,
    Permission::FileRead,
    Permission::FileWrite,
    Permission::FileDelete,
    Permission::FileArchive,
    Permission::ConsoleView,
    Permission::ConsoleCommand,
    Permission::BackupView,
    Permission::BackupCreate,
    Permission::BackupRestore,
    Permission::BackupDelete,
    Permission::DatabaseView,
    Permission::DatabaseCreate,
    Permission::DatabaseUpdate,
    Permission::DatabaseDelete,
    Permission::NetworkView,
    Permission::NetworkCreate,
    Permission::NetworkDelete,
    Permission::MonitoringView,
    Permission::MonitoringAlerts,
    Permission::ScheduleView,
    Permission::ScheduleManage,
    // Who gives others rights at it has to be able to name them.
    Permission::UserView,
    Permission::AdminRoles,
]);

const SUPPORT: PermissionSet = PermissionSet::of(&[
    Permission::ServerView,
    Permission::UserView,
    Permission::ConsoleView,
    Permission::MonitoringView,
    Permission::NodeView,
    Permission::AppView,
    Permission::ProjectView,
    Permission::SupportView,
    Permission::SupportReply,
]);

/// The role of who made the installation.
pub const fn owner() -> &'static BuiltIn {
    &ALL[0]
}

/// The role of whoever owns a server of the panel, given at that server.
pub const fn server_owner() -> &'static BuiltIn {
    &ALL[4]
}

/// The built-in role of this name.
pub fn find(name: &str) -> Option<&'static BuiltIn> {
    ALL.iter().find(|role| role.name == name)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn has(role: &str, permission: Permission) -> bool {
        find(role).unwrap().permissions.has(permission)
    }

    #[test]
    fn wider_roles_hold_narrower_ones() {
        for (wide, narrow) in [
            ("owner", "admin"),
            ("admin", "operator"),
            ("admin", "developer"),
            ("developer", "viewer"),
            ("operator", "viewer"),
        ] {
            let (wide, narrow) = (find(wide).unwrap(), find(narrow).unwrap());
            assert!(wide.permissions.has_all(narrow.permissions) && wide.permissions != narrow.permissions);
        }
        for bad in ["", "*", "Owner", "root"] {
            assert!(find(bad).is_none(), "{bad}");
        }
    }

    #[test]
    fn only_owners_and_administrators_have_power_over_people() {
        for role in ["operator", "developer", "viewer", "support"] {
            for permission in
                [Permission::AdminRoles, Permission::UserUpdate, Permission::UserDelete, Permission::AdminAudit]
            {
                assert!(!has(role, permission), "{role} {permission}");
            }
        }
        assert!(!has("admin", Permission::TenantManage) && has("owner", Permission::TenantManage));
        assert!(!has("viewer", Permission::FileRead) && !has("viewer", Permission::ConsoleView));
    }
}
