//! What can be done to a tree; each verb a method of [`crate::Tree`], a file a noun.

mod change;
mod copy;
mod delete;
mod list;
mod read;
mod search;
mod upload;
mod usage;
mod write;

#[cfg(test)]
pub(crate) mod tests;

pub use change::Replace;
pub use copy::Copied;
pub(crate) use copy::new_in;
pub use delete::Removed;
pub use list::{Listing, Page};
pub use read::{Opened, Piece};
pub use search::{Found, Match, NameSearch, Stopped, TextSearch};
pub use upload::{Part, Promised, UploadId};
pub use usage::{Count, Usage};
pub use write::Written;
