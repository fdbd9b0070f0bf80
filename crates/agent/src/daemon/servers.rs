//! Panel servers on their node: a folder of files each, held by a shim of its own.
//!
//! Start reading at [`record`] (what is kept), then `act` (orders), `power` and `install`. What runs is a shim's child as an
//! app's is ([`crate::shim`]); its console is the shim's log.

mod act;
pub mod console;
mod contained;
mod converge;
mod disk;
mod edits;
mod files;
mod install;
mod launch;
mod live;
mod places;
mod power;
pub mod record;
mod report;
mod secrets;

pub use console::{CONSOLE_KEPT, WATCHED_MAX};
pub use edits::EDIT_BYTES;
pub use files::{PACKED_AT_ONCE, TRANSFERS_OF_A_SERVER, UPLOAD_KEPT};
pub use launch::PROCESSES;
pub(crate) use power::Errand;
pub use record::{RUN, ServerRecord, Servers};
pub use report::{held, hold};
