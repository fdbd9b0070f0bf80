//! People and their credentials, as far as this installation has them yet: tokens.

use serde::{Deserialize, Serialize};
use sf_types::{Name, TokenId};

use crate::permission::Permission;
use crate::spec::{Effect, Place, Spec, minutes};
use crate::target::{Target, TargetKind};

/// Changes to credentials.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(tag = "action", content = "args", deny_unknown_fields)]
pub enum AccessAction {
    /// Make a long-lived token for the CLI or a program; its text is shown once.
    #[serde(rename = "token.create")]
    CreateToken(CreateToken),
    /// Make a token useless.
    #[serde(rename = "token.revoke")]
    RevokeToken(TokenRef),
}

/// Arguments of `token.create`.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct CreateToken {
    /// What it is for.
    pub name: Name,
    /// Days it is valid, 1 to 365.
    pub days: u16,
}

/// One token.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct TokenRef {
    /// Which.
    pub token: TokenId,
}

/// In the order of the enum.
pub const SPECS: &[Spec] = &[
    spec("token.create", "Create a token", "For the CLI or a program; its text is shown once.", TargetKind::Tenant, 40),
    spec("token.revoke", "Revoke a token", "It is refused from the next request on.", TargetKind::Token, 10),
];

const fn spec(name: &'static str, title: &'static str, help: &'static str, target: TargetKind, risk: u8) -> Spec {
    Spec {
        name,
        title,
        help,
        permission: Permission::TokenManage,
        target,
        effect: Effect::Change,
        risk,
        time_limit: minutes(1),
        undo: None,
        place: Place::ControlPlane,
    }
}

impl AccessAction {
    /// What is fixed about it.
    pub const fn spec(&self) -> &'static Spec {
        match self {
            Self::CreateToken(_) => &SPECS[0],
            Self::RevokeToken(_) => &SPECS[1],
        }
    }

    /// What it acts on.
    pub const fn target(&self) -> Target {
        match self {
            Self::CreateToken(_) => Target::Tenant,
            Self::RevokeToken(args) => Target::Token(args.token),
        }
    }
}
