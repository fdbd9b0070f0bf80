//! People and their credentials, as far as this installation has them yet: tokens.

use serde::{Deserialize, Serialize};
use sf_types::{Name, Network, ProjectId, TokenId};

use crate::permission::Permission;
use crate::spec::{Effect, Place, Spec, minutes};
use crate::target::{Target, TargetKind};
use crate::valid::Refused;

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
    /// Permissions it is limited to; all of the person's unless given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scopes: Option<Vec<Permission>>,
    /// Address ranges it may be used from; all unless given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub addresses: Option<Vec<String>>,
    /// The project it is limited to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub project: Option<ProjectId>,
    /// Who speaks by it; its person unless given.
    #[serde(default, skip_serializing_if = "SpeaksFor::is_person")]
    pub speaks_for: SpeaksFor,
}

/// Who speaks by a token.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum SpeaksFor {
    /// Its person: what a program of theirs asks for, they ask for.
    #[default]
    Person,
    /// An AI agent that acts for its person: what it asks for is weighed, and it decides nothing.
    Ai,
}

impl SpeaksFor {
    /// Whether it is its person.
    pub const fn is_person(&self) -> bool {
        matches!(self, Self::Person)
    }
}

/// One token.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct TokenRef {
    /// Which token.
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

/// Address ranges of one key at the most.
pub const MAX_ADDRESSES: usize = 50;
/// Days a key is valid at the most.
pub const MAX_DAYS: u16 = 365;

impl CreateToken {
    /// Refuses what makes no key.
    ///
    /// # Errors
    /// [`Refused`] names the field.
    pub fn check(&self) -> Result<(), Refused> {
        if !(1..=MAX_DAYS).contains(&self.days) {
            return Err(Refused::new("days", format!("between 1 and {MAX_DAYS} are allowed")));
        }
        if self.scopes.as_ref().is_some_and(Vec::is_empty) {
            return Err(Refused::new("scopes", "a key that may do nothing is of no use: leave it out for all you may"));
        }
        let Some(addresses) = &self.addresses else { return Ok(()) };
        if addresses.is_empty() || addresses.len() > MAX_ADDRESSES {
            return Err(Refused::new("addresses", format!("between 1 and {MAX_ADDRESSES} ranges are allowed")));
        }
        for (at, text) in addresses.iter().enumerate() {
            text.parse::<Network>().map_err(|bad| Refused::new(format!("addresses[{at}]"), bad.to_string()))?;
        }
        Ok(())
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
