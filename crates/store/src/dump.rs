//! A whole database as plain rows that either database takes: what a backup is made of.
//!
//! Tables, columns and their order come from the schema itself, so that the next table cannot be forgotten. A
//! [`Snapshot`] reads one moment without stopping writers; a [`Loading`] puts rows into an empty database in one
//! transaction. Values have the four shapes SQLite stores; the schema they are loaded into says what they become.

mod catalog;
mod chains;
mod end;
mod load;
mod read;

pub use catalog::Table;
pub use chains::Chains;
pub use end::{Ended, end_what_was_open};
pub use load::Loading;
pub use read::Snapshot;

/// Marks in `meta` a restored database whose epoch has not been raised: it must not serve yet. Holds when the backup
/// was made, in milliseconds.
pub const RESTORED: &str = "restored";

/// The table of the schema's steps.
const LEDGER: &str = "schema_migrations";

/// One value of one row.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Cell {
    /// Nothing.
    Null,
    /// A number, a time, a truth (0 or 1).
    Int(i64),
    /// Text, JSON.
    Text(String),
    /// Bytes, an id (its 16 bytes).
    Bytes(Vec<u8>),
}

/// A step of the schema.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Step {
    /// Its number.
    pub version: i64,
    /// What it brought.
    pub name: String,
    /// SHA-256 of its text.
    pub checksum: String,
}
