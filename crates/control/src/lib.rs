//! The application: one door for every change, and everything that happens behind it.
//!
//! Floor 5. Edges (REST, the agents' endpoint, the CLI's local commands) call [`Control`] and nothing else. It joins
//! the pure rules (`sf-policy`, `sf-engine`) with what lasts (`sf-store`) and who is connected ([`Links`]). It must
//! never know a route, a status code or a socket.
//!
//! Start reading at `pipeline/propose.rs`: the whole pipeline in one function. Then `node/dispatch.rs` (how an order
//! leaves) and `node/receive.rs` (what a node's word does).

pub mod audit;
pub mod control;
pub mod events;
pub mod health;
pub mod hooks;
pub mod keys;
pub mod mail;
mod node;
pub mod people;
mod pipeline;
pub mod queries;
pub mod sign_in;
mod start;
pub mod workflow;

pub(crate) use node::delivery::deploy_keys;
pub(crate) use node::{
    backlog, delivery, dispatch, links, panel, patches, receive, resync, schedules, signer, sites, speech, written,
};
pub(crate) use pipeline::{admission, due, moments, perform, rehearsal, subject, timers, transition};

pub use control::Control;
pub use hooks::previews;
pub use mail::{MailOptions, MailState, Security};
pub use node::enrolment;
pub use node::enrolment::Admission as DeviceAdmission;
pub use node::links::{Links, Numbered, Outgoing};
pub use node::node_links::{Joined, Presence};
pub use node::panel::console::Watching;
pub use node::panel::transfers::{Arrived, Lane, STALL_LIMIT};
pub use node::receive::REFUSED_ORDER;
pub use node::signer::{Certified, Signer};
pub use options::{Options, StartError};
pub(crate) use people::authority;
pub use people::{notify, teams, tenancy};
pub use pipeline::admission::{QUOTA_USED, QUOTA_WINDOW};
pub use pipeline::approval;
pub use pipeline::perform::settings_tag;
pub use pipeline::proposal::{Invitation, Lines, Made, Plan, Proposal, Proposed};
pub use pipeline::{key, proposal, refusals};
pub use queries::rights;
pub use start::{housekeeping, instance, options, restore};
