//! Files of a server, by hand: every verb on a folder that a hostile tenant writes to at the same time.
//!
//! Floor 1, of the world: it touches the disk and nothing else. It must never know an agent, an order or a person; who
//! may do what has been decided before. Everything blocks: call it aside, in a confined worker where one can be had.
//!
//! The three rules that the safety of all verbs rests on:
//!
//! 1. **A path is walked beneath a descriptor of the root and follows no link**, by the kernel in one step (`openat2`),
//!    or by us name by name where the kernel cannot ([`Resolve`]). What was opened is then worked on by its descriptor,
//!    or by one name in the descriptor of its folder; no path is ever put together and opened again.
//! 2. **What is made is made in the staging folder**, beside the tree, where no tenant reaches: content, copies,
//!    archives, folders that are unpacked or deleted. One `rename` then shows it, or takes it away. So nothing half done
//!    is ever seen, and whoever swaps names meanwhile swaps only where the rename goes: inside the tree.
//! 3. **Every byte is taken from the [`Quota`] before it is written**, and given back where the verb fails.
//!
//! A file with further names (hard links) is never written to: writing puts a new file in the place of one name, so
//! that whoever else has the old one keeps what it was. Changing its mode is refused, because a mode cannot be parted.
//!
//! Names are bytes. As text ([`Name`], [`TreePath`], and in JSON) they are themselves where they are harmless UTF-8; a
//! backslash is `\\`, and bytes that are no UTF-8, control or would deceive a reader are `\xHH`. The text reads back to
//! exactly the same bytes, so whatever a tenant made can be renamed and deleted by hand.
//!
//! Start reading at [`Tree`], then `resolve.rs` and `stage.rs`.

mod archive;
mod cancel;
mod denied;
mod entry;
mod fault;
mod path;
mod quota;
mod resolve;
mod stage;
mod tree;
mod verbs;
mod walk;

pub use archive::{ArchiveFault, ArchiveFormat, ArchiveLimits, Compressed, Existing, Extracted};
pub use cancel::Cancel;
pub use denied::{Denied, Glob};
pub use entry::{Entry, Kind};
pub use fault::FileFault;
pub use path::{BadPath, Name, TreePath};
pub use quota::{Hold, Quota};
pub use resolve::Resolve;
pub use tree::{Options, Owner, Tree};
pub use verbs::{
    Copied, Count, Found, Listing, Match, NameSearch, Opened, Page, Part, Piece, Promised, Removed, Replace, Stopped,
    TextSearch, UploadId, Usage, Written,
};
