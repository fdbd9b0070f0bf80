//! Typed identifiers. Every id is a UUIDv7 (RFC 9562), so ids sort by the time they were made.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::time::Timestamp;

/// The text is no UUID.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is not a valid {what} id: expected a UUID such as 0193a1b2-7c3d-7e4f-8a5b-6c7d8e9f0a1b")]
pub struct BadId {
    /// What kind of id was expected.
    pub what: &'static str,
    /// What was found, cut to 64 characters.
    pub text: String,
}

/// Any of the typed ids, for code that makes them.
pub trait TypedId: Copy {
    /// Makes a UUIDv7 from a time and 80 random bits (the version and variant bits are set over them).
    fn from_parts(at: Timestamp, random: [u8; 10]) -> Self;
}

macro_rules! typed_ids {
    ($($(#[$doc:meta])* $name:ident = $what:literal;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(Uuid);

        impl TypedId for $name {
            fn from_parts(at: Timestamp, random: [u8; 10]) -> Self {
                Self(uuid_v7(at, random))
            }
        }

        impl $name {
            /// Wraps a UUID read from storage or the wire.
            pub const fn from_uuid(uuid: Uuid) -> Self {
                Self(uuid)
            }

            /// The plain UUID, for storage.
            pub const fn uuid(self) -> Uuid {
                self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(&self.0, f)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!($what, ":{}"), self.0)
            }
        }

        impl FromStr for $name {
            type Err = BadId;

            fn from_str(text: &str) -> Result<Self, BadId> {
                Uuid::try_parse(text)
                    .map(Self)
                    .map_err(|_| BadId { what: $what, text: text.chars().take(64).collect() })
            }
        }
    )*};
}

typed_ids! {
    /// A team; owns projects.
    TenantId = "tenant";
    /// Owns apps, servers, workflows and secrets.
    ProjectId = "project";
    /// A person.
    UserId = "user";
    /// A way a person signs in (password, OAuth provider).
    AccountId = "account";
    /// A signed-in browser or CLI: one family of refresh tokens.
    SessionId = "session";
    /// A long-lived CLI or API token.
    TokenId = "token";
    /// Somebody asked to join a team.
    InvitationId = "invitation";
    /// A link that lets somebody choose a new password.
    ResetId = "password reset";
    /// A machine with our agent.
    NodeId = "node";
    /// A one-time enrolment token.
    EnrolTokenId = "enrolment token";
    /// A pending device-flow enrolment.
    DeviceCodeId = "device code";
    /// A second factor of a person.
    FactorId = "factor";
    /// The short time between a right password and the second factor's code.
    TicketId = "sign-in ticket";
    /// A CLI that waits for a person to sign it in.
    CliLoginId = "CLI sign-in";
    /// An AI host that registered by itself.
    ProgramId = "program";
    /// One agent connection, from AUTHORIZED to its end.
    ConnectionId = "connection";
    /// Something deployed from git.
    AppId = "app";
    /// One immutable release of an app.
    ReleaseId = "release";
    /// A domain that leads to an app.
    ProxyId = "domain";
    /// A command that a node runs by the clock.
    ScheduleId = "schedule";
    /// One run of a schedule.
    ScheduleRunId = "run of a schedule";
    /// A game or app server made from a template.
    ServerId = "server";
    /// A category of templates.
    CtrlId = "ctrl";
    /// A template of servers.
    AltId = "alt";
    /// What of servers is watched, and from where on somebody is told.
    AlertRuleId = "alert rule";
    /// One time that a rule was crossed.
    AlertId = "alert";
    /// A port of a node that a server may have as its own.
    AllocationId = "allocation";
    /// A role a team made for itself.
    RoleId = "role";
    /// One right or role of one person at one object.
    GrantId = "grant";
    /// The durable record of one action.
    RunId = "run";
    /// The idempotency key of one signed order.
    CommandId = "command";
    /// A person's decision on a waiting run.
    ApprovalId = "approval";
    /// Somebody who decides for somebody else for a while.
    DeputyId = "deputy";
    /// A byte stream opened by an action.
    ChannelId = "channel";
    /// A place where somebody is told things: an address, a chat, a browser.
    NotificationChannelId = "notification channel";
    /// One request at an edge; the correlation id of everything it causes.
    RequestId = "request";
    /// A sealed value with a name and versions.
    SecretId = "secret";
    /// A workflow with its versions.
    WorkflowId = "workflow";
    /// What starts a workflow besides people.
    TriggerId = "trigger";
    /// One control plane process identity; owns one audit chain.
    InstanceId = "instance";
}

fn uuid_v7(at: Timestamp, random: [u8; 10]) -> Uuid {
    let millis = u64::try_from(at.as_millis()).unwrap_or(0);
    uuid::Builder::from_unix_timestamp_millis(millis, &random).into_uuid()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_sort_by_time_and_are_version_7() {
        let early = RunId::from_parts(Timestamp::from_millis(1_000), [0xff; 10]);
        let late = RunId::from_parts(Timestamp::from_millis(1_001), [0; 10]);
        assert!(early < late);
        assert_eq!(early.uuid().get_version_num(), 7);
        assert_eq!(early.to_string().parse::<RunId>(), Ok(early));
    }

    #[test]
    fn a_bad_id_says_what_was_expected() {
        let text = "x".repeat(500);
        let bad = text.parse::<NodeId>().expect_err("no uuid");
        assert_eq!(bad.what, "node");
        assert_eq!(bad.text.len(), 64);
    }
}
