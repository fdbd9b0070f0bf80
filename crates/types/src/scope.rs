//! Where a store call may look: the one place tenancy is expressed.

use serde::{Deserialize, Serialize};

use crate::id::{ProjectId, TenantId};

/// The tenant, and perhaps the project, a store call is bound to. There is no "everything" scope for requests;
/// [`Scope::System`] exists for the control plane's own work (outbox, timers, checkpoints) and is never built
/// from a request.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Scope {
    /// The control plane itself.
    System,
    /// All of one tenant.
    Tenant(TenantId),
    /// One project of one tenant.
    Project(TenantId, ProjectId),
}

impl Scope {
    /// The tenant, `None` for the system.
    pub const fn tenant(self) -> Option<TenantId> {
        match self {
            Self::System => None,
            Self::Tenant(tenant) | Self::Project(tenant, _) => Some(tenant),
        }
    }

    /// The project where the scope is that narrow.
    pub const fn project(self) -> Option<ProjectId> {
        match self {
            Self::Project(_, project) => Some(project),
            Self::System | Self::Tenant(_) => None,
        }
    }

    /// Whether a row of (`tenant`, `project`) is inside this scope.
    pub fn contains(self, tenant: TenantId, project: Option<ProjectId>) -> bool {
        match self {
            Self::System => true,
            Self::Tenant(own) => own == tenant,
            Self::Project(own, only) => own == tenant && project == Some(only),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::id::TypedId;
    use crate::time::Timestamp;

    #[test]
    fn a_project_scope_holds_no_tenant_wide_row() {
        let at = Timestamp::from_millis(1);
        let (tenant, other) = (TenantId::from_parts(at, [1; 10]), TenantId::from_parts(at, [2; 10]));
        let project = ProjectId::from_parts(at, [3; 10]);
        for (scope, row, expected) in [
            (Scope::Tenant(tenant), (tenant, None), true),
            (Scope::Tenant(tenant), (other, None), false),
            (Scope::Project(tenant, project), (tenant, Some(project)), true),
            (Scope::Project(tenant, project), (tenant, None), false),
            (Scope::Project(other, project), (tenant, Some(project)), false),
        ] {
            assert_eq!(scope.contains(row.0, row.1), expected, "{scope:?} {row:?}");
        }
    }
}
