//! Who hears of what just happened: events fanned out by topic to the readers of one process.
//!
//! Floor 4. The database is the truth and is written first; the bus only says sooner what a reader could also fetch
//! by sequence number. So a lost event costs time, never knowledge: a reader that is too slow is told from where to
//! read the store ([`Lagged`]), and the publisher never waits for anybody. This crate must never know a table or an
//! edge; what an event's data means is its reader's business.
//!
//! Start reading at [`event`], then [`bus`]. Everything here is in-process; fan-out between control planes will
//! enter and leave through [`Bus::publish`].

pub mod bus;
pub mod error;
pub mod event;
mod queue;
pub mod subscription;
pub mod topic;

pub use bus::{Bus, Options};
pub use error::BusError;
pub use event::{Event, Lagged};
pub use subscription::{Delivery, Subscription};
pub use topic::Topic;
