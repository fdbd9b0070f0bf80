//! Teams of an installation that holds several: for those who operate it, from its first team.

use serde::{Deserialize, Serialize};
use sf_types::{Email, Name, TenantId};

use crate::permission::Permission;
use crate::spec::{Effect, Place, Spec, minutes};
use crate::target::{Target, TargetKind};
use crate::valid::Refused;

/// Characters of the reason for a suspension at the most.
pub const MAX_REASON_CHARS: usize = 500;

/// Changes to teams.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(tag = "action", content = "args", deny_unknown_fields)]
pub enum TenantAction {
    /// Make one, and ask its owner to join.
    #[serde(rename = "tenant.create")]
    Create(CreateTenant),
    /// Ask somebody to own a team that has no owner yet.
    #[serde(rename = "tenant.invite")]
    Invite(InviteOwner),
    /// Give it another name.
    #[serde(rename = "tenant.rename")]
    Rename(RenameTenant),
    /// Let none of its people and keys in.
    #[serde(rename = "tenant.suspend")]
    Suspend(SuspendTenant),
    /// Let them in again.
    #[serde(rename = "tenant.resume")]
    Resume(TenantRef),
}

/// Arguments of `tenant.create`.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct CreateTenant {
    /// What it is called.
    pub name: Name,
    /// Address of its first owner.
    pub owner: Email,
}

/// Arguments of `tenant.invite`.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct InviteOwner {
    /// Which.
    pub tenant: TenantId,
    /// Address of its first owner.
    pub owner: Email,
}

/// Arguments of `tenant.rename`.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct RenameTenant {
    /// Which.
    pub tenant: TenantId,
    /// Its new name.
    pub name: Name,
}

/// Arguments of `tenant.suspend`.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SuspendTenant {
    /// Which.
    pub tenant: TenantId,
    /// Why; for those who operate the installation.
    pub reason: String,
}

/// One team.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct TenantRef {
    /// Which.
    pub tenant: TenantId,
}

impl TenantAction {
    /// What is fixed about it.
    pub const fn spec(&self) -> &'static Spec {
        match self {
            Self::Create(_) => &SPECS[0],
            Self::Invite(_) => &SPECS[1],
            Self::Rename(_) => &SPECS[2],
            Self::Suspend(_) => &SPECS[3],
            Self::Resume(_) => &SPECS[4],
        }
    }

    /// What it acts on.
    pub const fn target(&self) -> Target {
        match self {
            Self::Create(_) => Target::Tenant,
            Self::Invite(args) => Target::Team(args.tenant),
            Self::Rename(args) => Target::Team(args.tenant),
            Self::Suspend(args) => Target::Team(args.tenant),
            Self::Resume(args) => Target::Team(args.tenant),
        }
    }

    /// Refuses what no part behind could make sense of.
    ///
    /// # Errors
    /// [`Refused`].
    pub fn check(&self) -> Result<(), Refused> {
        let Self::Suspend(args) = self else { return Ok(()) };
        let chars = args.reason.trim().chars().count();
        if chars == 0 || chars > MAX_REASON_CHARS || args.reason.chars().any(char::is_control) {
            let reason = format!("1 to {MAX_REASON_CHARS} characters in one line are expected");
            return Err(Refused::new("reason", reason));
        }
        Ok(())
    }
}

/// In the order of the enum.
pub const SPECS: &[Spec] = &[
    Spec {
        target: TargetKind::Tenant,
        ..spec(
            "tenant.create",
            "Create a team",
            "A team of its own, apart from all others, and a link by which its owner joins.",
            40,
        )
    },
    spec("tenant.invite", "Invite a team's owner", "Another link, for a team that has no owner yet.", 50),
    Spec { undo: Some("tenant.rename"), ..spec("tenant.rename", "Rename a team", "Gives a team another name.", 5) },
    Spec {
        undo: Some("tenant.resume"),
        ..spec(
            "tenant.suspend",
            "Suspend a team",
            "Its people and keys are shut out within seconds; its machines and apps keep running.",
            70,
        )
    },
    Spec {
        undo: Some("tenant.suspend"),
        ..spec("tenant.resume", "Resume a team", "Its people and keys come in again, as before.", 30)
    },
];

const fn spec(name: &'static str, title: &'static str, help: &'static str, risk: u8) -> Spec {
    Spec {
        name,
        title,
        help,
        permission: Permission::TenantManage,
        target: TargetKind::Team,
        effect: Effect::Change,
        risk,
        time_limit: minutes(1),
        undo: None,
        place: Place::ControlPlane,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_suspension_says_why_in_one_line() {
        let long = "x".repeat(MAX_REASON_CHARS + 1);
        for (reason, expected) in
            [("unpaid since May", true), ("", false), ("  ", false), ("a\nb", false), (long.as_str(), false)]
        {
            let tenant = "0193a1b2-7c3d-7e4f-8a5b-6c7d8e9f0a1b".parse().unwrap();
            let action = TenantAction::Suspend(SuspendTenant { tenant, reason: reason.to_owned() });
            assert_eq!(action.check().is_ok(), expected, "{reason:?}");
        }
    }
}
