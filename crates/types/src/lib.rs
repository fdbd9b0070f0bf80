//! The words every other crate speaks: typed ids, time, units, secrets, error kinds, pages and scope.
//!
//! Floor 0. Pure: no I/O, no clock, no randomness; an id or a time is always made from values handed in
//! (`sf-runtime` owns the clock and the random source). This crate must never know an action, a table or a frame.
//!
//! Start reading at [`id`], then [`scope`].

pub mod error;
pub mod id;
pub mod page;
pub mod scope;
pub mod secret;
pub mod text;
pub mod time;
pub mod unit;

pub use error::{ErrorKind, Fault};
pub use id::{
    AccountId, AppId, ApprovalId, ChannelId, CommandId, ConnectionId, DeviceCodeId, EnrolTokenId, InstanceId, NodeId,
    ProjectId, ReleaseId, RequestId, RunId, SecretId, SessionId, TenantId, TokenId, TypedId, UserId,
};
pub use page::{Cursor, Page, PageRequest};
pub use scope::Scope;
pub use secret::Secret;
pub use text::{Name, SecretName, Slug};
pub use time::Timestamp;
pub use unit::{ByteSize, Millis, Port};
