//! The application: one door for every change, and everything that happens behind it.
//!
//! Floor 5. Edges (REST, the agents' endpoint, the CLI's local commands) call [`Control`] and nothing else. It joins
//! the pure rules (`sf-policy`, `sf-engine`) with what lasts (`sf-store`) and who is connected ([`Links`]). It must
//! never know a route, a status code or a socket.
//!
//! Start reading at [`propose`]: the whole pipeline in one function. Then [`dispatch`] (how an order leaves) and
//! [`receive`] (what a node's word does).

mod admission;
pub mod control;
mod dispatch;
pub mod enrolment;
pub mod events;
pub mod health;
pub mod keys;
mod links;
mod moments;
mod node_links;
pub mod options;
mod perform;
pub mod proposal;
mod propose;
pub mod queries;
mod receive;
pub mod sign_in;
mod signer;
mod start;
mod subject;
mod timers;
mod transition;

pub use control::Control;
pub use enrolment::Admission as DeviceAdmission;
pub use links::{Links, Numbered, Outgoing};
pub use node_links::Joined;
pub use options::{Options, StartError};
pub use proposal::{Invitation, Made, Plan, Proposal, Proposed};
pub use signer::{Certified, Signer};
