//! The permission list: `category:verb`, closed.

pub mod category;
pub mod set;

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

pub use set::PermissionSet;

macro_rules! permissions {
    ($($name:ident = $text:literal,)*) => {
        /// One right. Written `category:verb`.
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub enum Permission {
            $(#[doc = concat!("`", $text, "`")] $name,)*
        }

        impl Permission {
            /// All of them, in the order of the reference page.
            pub const ALL: &'static [Self] = &[$(Self::$name),*];

            /// `category:verb`.
            pub const fn name(self) -> &'static str {
                match self { $(Self::$name => $text,)* }
            }
        }
    };
}

permissions! {
    // The ten categories of the panel: 36 rights.
    ServerView = "server:view", ServerCreate = "server:create", ServerUpdate = "server:update",
    ServerDelete = "server:delete", ServerStart = "server:start", ServerStop = "server:stop",
    ServerRestart = "server:restart",
    UserView = "user:view", UserCreate = "user:create", UserUpdate = "user:update", UserDelete = "user:delete",
    AdminSettings = "admin:settings", AdminTemplates = "admin:templates", AdminRoles = "admin:roles",
    AdminAudit = "admin:audit",
    FileRead = "file:read", FileWrite = "file:write", FileDelete = "file:delete", FileArchive = "file:archive",
    ConsoleView = "console:view", ConsoleCommand = "console:command",
    BackupView = "backup:view", BackupCreate = "backup:create", BackupRestore = "backup:restore",
    BackupDelete = "backup:delete",
    DatabaseView = "database:view", DatabaseCreate = "database:create", DatabaseUpdate = "database:update",
    DatabaseDelete = "database:delete",
    NetworkView = "network:view", NetworkCreate = "network:create", NetworkDelete = "network:delete",
    MonitoringView = "monitoring:view", MonitoringAlerts = "monitoring:alerts",
    PluginView = "plugin:view", PluginManage = "plugin:manage",
    // The bridge.
    NodeView = "node:view", NodeCreate = "node:create", NodeUpdate = "node:update", NodeDelete = "node:delete",
    AppView = "app:view", AppCreate = "app:create", AppUpdate = "app:update", AppDelete = "app:delete",
    AppDeploy = "app:deploy", AppOperate = "app:operate",
    ApprovalView = "approval:view", ApprovalDecide = "approval:decide",
    TokenManage = "token:manage",
    ProjectView = "project:view", ProjectCreate = "project:create", ProjectUpdate = "project:update",
    ProjectDelete = "project:delete",
    SecretView = "secret:view", SecretManage = "secret:manage",
    PatchView = "patch:view", PatchApply = "patch:apply",
    ProxyView = "proxy:view", ProxyManage = "proxy:manage",
    ScheduleView = "schedule:view", ScheduleManage = "schedule:manage",
    // Workflows and AI.
    WorkflowView = "workflow:view", WorkflowCreate = "workflow:create", WorkflowUpdate = "workflow:update",
    WorkflowDelete = "workflow:delete", WorkflowRun = "workflow:run",
    AgentView = "agent:view", AgentCreate = "agent:create", AgentUpdate = "agent:update",
    AgentDelete = "agent:delete", AgentRun = "agent:run",
    ToolView = "tool:view", ToolManage = "tool:manage", ToolCall = "tool:call",
    MemoryView = "memory:view", MemoryManage = "memory:manage",
    // The business of a hosting installation.
    BillingView = "billing:view", BillingManage = "billing:manage",
    SupportView = "support:view", SupportReply = "support:reply",
    // The installation: its teams. Counts in the first tenant alone.
    TenantManage = "tenant:manage",
}

/// No such right.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no permission: see docs/reference/permissions.md")]
pub struct UnknownPermission(pub String);

impl fmt::Display for Permission {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Permission {
    type Err = UnknownPermission;

    fn from_str(text: &str) -> Result<Self, UnknownPermission> {
        Self::ALL.iter().copied().find(|p| p.name() == text).ok_or_else(|| UnknownPermission(text.to_owned()))
    }
}

impl TryFrom<String> for Permission {
    type Error = UnknownPermission;

    fn try_from(text: String) -> Result<Self, UnknownPermission> {
        text.parse()
    }
}

impl From<Permission> for String {
    fn from(permission: Permission) -> Self {
        permission.name().to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_panel_has_36_rights_in_ten_categories() {
        const PANEL: [&str; 10] =
            ["server", "user", "admin", "file", "console", "backup", "database", "network", "monitoring", "plugin"];
        let panel = Permission::ALL.iter().filter(|p| PANEL.contains(&p.name().split(':').next().unwrap()));
        assert_eq!(panel.count(), 36);
        for permission in Permission::ALL {
            assert_eq!(permission.name().parse(), Ok(*permission));
        }
        for bad in ["", "*", "app:*", "APP:VIEW", "app"] {
            assert!(bad.parse::<Permission>().is_err());
        }
    }
}
