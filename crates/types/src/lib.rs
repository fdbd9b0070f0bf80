//! The words every other crate speaks: typed ids, time, units, secrets, error kinds, pages and scope.
//!
//! Floor 0. Pure: no I/O, no clock, no randomness; an id or a time is always made from values handed in
//! (`sf-runtime` owns the clock and the random source). This crate must never know an action, a table or a frame.
//!
//! Start reading at [`id`], then [`scope`].

pub mod domain;
pub mod email;
pub mod error;
pub mod file;
pub mod id;
pub mod network;
pub mod page;
pub mod scope;
pub mod secret;
pub mod sight;
pub mod text;
pub mod time;
pub mod unit;

pub use domain::{BadDomain, DomainName};
pub use email::Email;
pub use error::{ErrorKind, Fault, Finding};
pub use file::{ContentHash, FilePath, FileState};
pub use id::{
    AccountId, AlertId, AlertRuleId, AllocationId, AltId, AppId, ApprovalId, ChannelId, CliLoginId, CommandId,
    ConnectionId, CtrlId, DeputyId, DeviceCodeId, EnrolTokenId, FactorId, GrantId, InstanceId, InvitationId, NodeId,
    NotificationChannelId, ProgramId, ProjectId, ProxyId, ReleaseId, RequestId, ResetId, RoleId, RunId, ScheduleId,
    ScheduleRunId, SecretId, ServerId, SessionId, TenantId, TicketId, TokenId, TriggerId, TypedId, UserId, WorkflowId,
};
pub use network::Network;
pub use page::{Cursor, Page, PageRequest};
pub use scope::Scope;
pub use secret::Secret;
pub use sight::{Seen, Sight};
pub use text::{Name, SecretName, Slug};
pub use time::Timestamp;
pub use unit::{ByteSize, Millis, Port};
