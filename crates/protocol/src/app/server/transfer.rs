//! Bytes of files, too many for frames that orders wait behind: a QUERY names a ticket, and the agent dials a second
//! connection for it. Version [`crate::handshake::SERVERS_SINCE`] and above.
//!
//! ```text
//! agent                                              control plane
//!    <--- QUERY, ticket -------- first connection ---
//!    --- ANSWER, what there is - first connection -->
//!    --- CONNECT, ticket ------ second connection -->   as ever: CHALLENGE, RESPONSE
//!    <== bytes == or == bytes ========================   binary messages; an empty one is the end of all
//!    --- TransferEnd -------------------------------->   after an upload
//! ```
//!
//! The ticket is in the CONNECT whose exact text the node's RESPONSE signs, bound to that TLS connection: it is worth
//! something once, for the node that was asked, and while whoever asked waits.

use serde::{Deserialize, Serialize};
use sf_types::{Fault, RunId, ServerId, Timestamp};

use super::FileEntry;
use crate::handshake::Nonce;
use crate::wire;

/// Bytes of one binary message at the most: 64 KiB, as a frame.
pub const PIECE_BYTES: usize = crate::frame::MAX_FRAME_BYTES;

/// QUERY: dial a second connection, and move these bytes.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct TransferWanted {
    /// Whose files.
    pub server: ServerId,
    /// What the second connection's CONNECT says.
    pub ticket: Nonce,
    /// Which bytes.
    pub transfer: Transfer,
}

/// Which bytes are moved.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "camelCase", deny_unknown_fields)]
pub enum Transfer {
    /// More of an upload that an order began.
    Upload {
        /// The run of that order.
        upload: RunId,
        /// The first byte; the answer says where others are there.
        #[serde(with = "wire::u64_string")]
        from: u64,
        /// So many at the most.
        #[serde(with = "wire::u64_string")]
        bytes: u64,
    },
    /// A file.
    File {
        /// Which.
        path: String,
        /// From this byte on.
        #[serde(with = "wire::u64_string")]
        from: u64,
        /// So many, or up to its end.
        #[serde(with = "wire::u64_string")]
        bytes: u64,
    },
    /// All that is in a folder, as a tar archive in gzip.
    Folder {
        /// Which; the server's own where empty.
        path: String,
    },
}

/// What there is. Where it is not what was expected, nobody waits for the second connection.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "camelCase", deny_unknown_fields)]
pub enum TransferBegun {
    /// To [`Transfer::Upload`].
    Upload {
        /// Bytes there. Others than `from`: nothing is dialled.
        #[serde(with = "wire::u64_string")]
        have: u64,
    },
    /// To [`Transfer::File`].
    File {
        /// How it is.
        entry: Box<FileEntry>,
        /// Bytes that come.
        #[serde(with = "wire::u64_string")]
        bytes: u64,
    },
    /// To [`Transfer::Folder`].
    #[serde(deserialize_with = "crate::wire::no_fields")]
    Folder,
}

/// The agent's last word on the second connection, as text.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct TransferEnd {
    /// Bytes of the upload that are there.
    #[serde(with = "wire::u64_string")]
    pub have: u64,
    /// Why not all were taken.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fault: Option<Fault>,
}

/// An upload that is neither finished nor given up.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Upload {
    /// The run of the order that began it.
    pub upload: RunId,
    /// Where it shall be.
    pub path: String,
    /// Bytes in all.
    pub bytes: u64,
    /// Bytes there.
    pub have: u64,
    /// Whether it may take the place of a file.
    pub replace: bool,
    /// Its rwx bits, where they were said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mode: Option<u32>,
    /// When it was begun.
    pub begun_at: Timestamp,
    /// When it is given up unless more of it comes.
    pub expires_at: Timestamp,
}
