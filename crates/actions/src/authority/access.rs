//! Scopes: what a person lets a program do, in words that stand on one page.

use std::fmt;
use std::str::FromStr;

use super::permission::{Permission, PermissionSet};

/// A bundle of rights with a name, as a program asks for it and a person grants it. It never adds a right: whoever acts
/// under it has its person's rights within it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum AccessScope {
    /// `read`: see everything but secrets and files.
    Read,
    /// `deploy`: deploy, roll back, patch, and what a deploy needs.
    Deploy,
    /// `operate`: start, stop, restart, consoles, workflows, schedules.
    Operate,
    /// `files`: read and write files.
    Files,
    /// `provision`: make and delete apps, servers, domains.
    Provision,
    /// `admin`: nodes, people, settings.
    Admin,
}

use Permission as P;

const READ: PermissionSet = PermissionSet::of(&[
    P::ServerView,
    P::NetworkView,
    P::MonitoringView,
    P::BackupView,
    P::DatabaseView,
    P::NodeView,
    P::AppView,
    P::ApprovalView,
    P::ProjectView,
    P::ProxyView,
    P::ScheduleView,
    P::PatchView,
    P::WorkflowView,
    P::AgentView,
    P::ToolView,
    P::ConsoleView,
]);
const DEPLOY: PermissionSet = PermissionSet::of(&[P::AppDeploy, P::PatchApply, P::AppUpdate]);
const OPERATE: PermissionSet = PermissionSet::of(&[
    P::AppOperate,
    P::ServerStart,
    P::ServerStop,
    P::ServerRestart,
    P::ConsoleCommand,
    P::WorkflowRun,
    P::ScheduleManage,
    P::MonitoringAlerts,
    P::BackupCreate,
    P::ToolCall,
    P::AgentRun,
]);
const FILES: PermissionSet = PermissionSet::of(&[P::FileRead, P::FileWrite, P::FileDelete, P::FileArchive]);
const PROVISION: PermissionSet = PermissionSet::of(&[
    P::AppCreate,
    P::AppDelete,
    P::ServerCreate,
    P::ServerUpdate,
    P::ServerDelete,
    P::NetworkCreate,
    P::NetworkDelete,
    P::ProxyManage,
    P::ProjectCreate,
    P::ProjectUpdate,
    P::DatabaseCreate,
    P::DatabaseUpdate,
    P::WorkflowCreate,
    P::WorkflowUpdate,
    P::SecretView,
]);

impl AccessScope {
    /// All of them, the smallest first.
    pub const ALL: [Self; 6] = [Self::Read, Self::Deploy, Self::Operate, Self::Files, Self::Provision, Self::Admin];

    /// What a host is told to ask for before anything was granted: to look, and the daily work. A person grants less or more.
    pub const FIRST: [Self; 3] = [Self::Read, Self::Deploy, Self::Operate];

    /// As it is written in tokens and challenges.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Deploy => "deploy",
            Self::Operate => "operate",
            Self::Files => "files",
            Self::Provision => "provision",
            Self::Admin => "admin",
        }
    }

    /// What it means, for the page on which a person grants it.
    pub const fn meaning(self) -> &'static str {
        match self {
            Self::Read => "See apps, servers, nodes, runs, logs and metrics. No secrets, no files.",
            Self::Deploy => "Deploy, roll back and patch apps.",
            Self::Operate => "Start, stop and restart; send lines to consoles; run workflows.",
            Self::Files => "Read and change files of servers and apps.",
            Self::Provision => "Make, change and delete apps, servers and domains.",
            Self::Admin => "Everything its person may do.",
        }
    }

    /// The rights it holds at most.
    pub const fn permissions(self) -> PermissionSet {
        match self {
            Self::Read => READ,
            Self::Deploy => DEPLOY,
            Self::Operate => OPERATE,
            Self::Files => FILES,
            Self::Provision => PROVISION,
            Self::Admin => PermissionSet::ALL,
        }
    }

    /// The smallest scope that holds this right.
    pub fn of(permission: Permission) -> Self {
        Self::ALL.into_iter().find(|scope| scope.permissions().has(permission)).unwrap_or(Self::Admin)
    }
}

/// No such scope.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no scope: read, deploy, operate, files, provision, admin")]
pub struct UnknownScope(pub String);

impl fmt::Display for AccessScope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for AccessScope {
    type Err = UnknownScope;

    fn from_str(text: &str) -> Result<Self, UnknownScope> {
        Self::ALL.into_iter().find(|scope| scope.name() == text).ok_or_else(|| UnknownScope(text.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_right_is_in_a_scope_and_none_but_admin_touches_people() {
        for permission in Permission::ALL {
            let scope = AccessScope::of(*permission);
            assert!(scope.permissions().has(*permission));
            if permission.name().starts_with("user:") || permission.name().starts_with("token:") {
                assert_eq!(scope, AccessScope::Admin, "{permission}");
            }
        }
    }

    #[test]
    fn what_is_written_is_read_again() {
        for scope in AccessScope::ALL {
            assert_eq!(scope.name().parse(), Ok(scope));
        }
        assert!("READ".parse::<AccessScope>().is_err());
    }
}
