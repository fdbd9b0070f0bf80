//! Eggs: templates as Pterodactyl and Pelican write them, in and out.
//!
//! Reading is total: a part that cannot be read is left out, kept in the notes and named in a warning; only what is no egg
//! at all is an error. Writing and reading back gives the same template, whatever the format can say: what it cannot is
//! written beside it under [`EXTRA`], which other panels do not look at.

mod config;
mod doubt;
mod export;
mod import;
mod needs;
mod node;
mod parts;
mod read;
mod variables;
mod write;

pub use needs::Needs;

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use sf_protocol::server::Stop;

use crate::alt::{Alt, Defect};

/// Bytes of an egg at the most: 4 MiB.
pub const MAX_BYTES: usize = 4 << 20;
/// Nesting of an egg at the most.
pub const MAX_DEPTH: usize = 32;
/// Values in an egg at the most, aliases of YAML followed.
pub const MAX_VALUES: usize = 100_000;
/// Bytes of all its texts at the most, aliases of YAML followed.
pub const MAX_TEXT_BYTES: usize = 2 * MAX_BYTES;
/// Warnings that are told.
pub const MAX_WARNINGS: usize = 200;
/// The key of what a format has no word for.
pub const EXTRA: &str = "_serverflow";

/// A version of an egg's form.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum Format {
    /// Pterodactyl, before `docker_images`.
    #[serde(rename = "PTDL_v1")]
    PtdlV1,
    /// Pterodactyl.
    #[serde(rename = "PTDL_v2")]
    PtdlV2,
    /// Pelican, first form.
    #[serde(rename = "PLCN_v1")]
    PlcnV1,
    /// Pelican, rules as lists.
    #[serde(rename = "PLCN_v2")]
    PlcnV2,
    /// Pelican, several ways to start.
    #[serde(rename = "PLCN_v3")]
    PlcnV3,
}

/// How an egg is written down.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Encoding {
    /// JSON; parts of the configuration are JSON inside of texts.
    Json,
    /// YAML; they are maps.
    Yaml,
}

/// Where an egg says it came from. Not a part of the template: two panels' eggs of the same thing differ in it.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Origin {
    /// By which Pelican knows it again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub uuid: Option<String>,
    /// Where newer versions of it are.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub update_url: Option<String>,
    /// When it was written, RFC 3339.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub exported_at: Option<String>,
}

/// An egg that was read.
#[derive(Clone, PartialEq, Debug)]
pub struct Imported {
    /// Its form.
    pub format: Format,
    /// The template.
    pub alt: Alt,
    /// Where it came from.
    pub origin: Origin,
    /// What keeps the template from being used: a script that is too long, more variables than allowed.
    pub defects: Vec<Defect>,
    /// What was left out or is not as it was.
    pub warnings: Vec<Warning>,
    /// What its servers need.
    pub needs: Needs,
}

impl Imported {
    /// How its servers are stopped.
    pub const fn stop(&self) -> &Stop {
        &self.alt.stop
    }
}

/// Something a person should know about an egg that was read.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Warning {
    /// Where in the egg: `variables[2].rules`.
    pub place: String,
    /// What it is, and what was done about it.
    pub message: String,
    /// Whether a person has to look before servers are made of it.
    pub attention: bool,
}

/// Why a text is no egg.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NoEgg {
    /// More bytes than an egg may have.
    #[error("it has {bytes} bytes; an egg has at most {MAX_BYTES}")]
    TooLarge {
        /// Bytes found.
        bytes: usize,
    },
    /// Not UTF-8.
    #[error("it is no text in UTF-8: byte {at} cannot be read")]
    NoText {
        /// Index of the first bad byte.
        at: usize,
    },
    /// Neither JSON nor YAML, or nested or repeated beyond the limits.
    #[error("it is no {0}")]
    Malformed(String),
    /// A document of something else.
    #[error("it is a document, but no egg: {0}")]
    Other(String),
    /// A version that nobody has heard of.
    #[error("its version is {0}; eggs are PTDL_v1, PTDL_v2, PLCN_v1, PLCN_v2 or PLCN_v3")]
    Version(String),
}

/// Reads an egg of any format, JSON or YAML.
///
/// # Errors
/// [`NoEgg`], and nothing else: whatever is odd in an egg is a warning.
pub fn import(bytes: &[u8]) -> Result<Imported, NoEgg> {
    import::import(read::read(bytes)?)
}

/// Writes a template as an egg. [`import`] of it gives the same template.
pub fn export(alt: &Alt, origin: &Origin, format: Format, encoding: Encoding) -> String {
    export::export(alt, origin, format, encoding)
}

impl Format {
    /// All of them, oldest first.
    pub const ALL: [Self; 5] = [Self::PtdlV1, Self::PtdlV2, Self::PlcnV1, Self::PlcnV2, Self::PlcnV3];

    /// As eggs write it.
    pub const fn word(self) -> &'static str {
        match self {
            Self::PtdlV1 => "PTDL_v1",
            Self::PtdlV2 => "PTDL_v2",
            Self::PlcnV1 => "PLCN_v1",
            Self::PlcnV2 => "PLCN_v2",
            Self::PlcnV3 => "PLCN_v3",
        }
    }

    const fn is_pelican(self) -> bool {
        matches!(self, Self::PlcnV1 | Self::PlcnV2 | Self::PlcnV3)
    }
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

impl FromStr for Format {
    type Err = NoEgg;

    fn from_str(text: &str) -> Result<Self, NoEgg> {
        let found = Self::ALL.into_iter().find(|format| format.word() == text.trim());
        found.ok_or_else(|| NoEgg::Version(crate::text::quoted(text)))
    }
}
