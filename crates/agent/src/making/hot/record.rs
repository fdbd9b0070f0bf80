//! What is kept beside a release about its making: `build.json`.

use std::io;
use std::path::Path;

use serde::{Deserialize, Serialize};
use sf_protocol::build::PathTaken;
use sf_types::ReleaseId;

use super::Inputs;
use crate::release::{Release, tree};

/// Name of the file.
const FILE: &str = "build.json";

/// Version of the file. One of another version proves nothing.
const VERSION: u32 = 1;

/// Largest file read, in bytes.
const FILE_BYTES: u64 = 1024 * 1024;

/// How a release was made.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Record {
    /// Version of this file: 1.
    pub version: u32,
    /// The release.
    pub release: ReleaseId,
    /// What it was made from.
    pub inputs: Inputs,
    /// Whether what was installed can be taken over.
    pub installed: Installed,
    /// What was left out, and why.
    pub path: PathTaken,
}

/// Whether what was installed can be taken over by a later release: it is as install left it, and install left nothing
/// elsewhere.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "camelCase", deny_unknown_fields)]
pub enum Installed {
    /// It can.
    Whole,
    /// It cannot.
    Not {
        /// Why, as half a sentence: "install also wrote outside node_modules".
        why: String,
    },
}

/// Which path made a release, where that is known.
pub fn path_of(release: &Release) -> Option<PathTaken> {
    Record::read(release.folder()).map(|record| record.path)
}

impl Record {
    /// Of a release that was just made.
    pub const fn new(release: ReleaseId, inputs: Inputs, installed: Installed, path: PathTaken) -> Self {
        Self { version: VERSION, release, inputs, installed, path }
    }

    /// Reads the record in a release's folder; `None` when there is none that can be believed.
    pub fn read(dir: &Path) -> Option<Self> {
        let file = std::fs::File::open(dir.join(FILE)).ok()?;
        let mut bytes = Vec::new();
        io::Read::read_to_end(&mut io::Read::take(file, FILE_BYTES), &mut bytes).ok()?;
        serde_json::from_slice::<Self>(&bytes).ok().filter(|record| record.version == VERSION)
    }

    /// Writes it into a release's folder.
    ///
    /// # Errors
    /// The disk's reason.
    pub fn write(&self, dir: &Path) -> io::Result<()> {
        let bytes = serde_json::to_vec_pretty(self).map_err(io::Error::other)?;
        tree::write_atomically(&dir.join(FILE), &bytes, 0o600)
    }
}
