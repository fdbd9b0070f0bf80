//! Templates as they are shown.

use serde::Serialize;
use sf_store::alts::{Alt, Version};
use sf_store::ctrls::Ctrl;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::view::Time;

/// A category of templates.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Ctrl)]
pub struct CtrlView {
    /// Its id.
    pub id: Uuid,
    /// Its name, unique within the team.
    pub name: String,
    /// For people.
    pub description: String,
    /// When it was made.
    pub created_at: Time,
    /// When it last changed.
    pub updated_at: Time,
}

/// A template of servers.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Alt)]
pub struct AltView {
    /// Its id.
    pub id: Uuid,
    /// Its category.
    pub ctrl_id: Uuid,
    /// Its name, unique within its category.
    pub name: String,
    /// Number of its newest version.
    pub version: u32,
    /// Digest of that version.
    pub hash: String,
    /// The format it was imported from: `PTDL_v2`; null for one that was written here.
    pub source: Option<String>,
    /// When it was made.
    pub created_at: Time,
    /// When it last changed.
    pub updated_at: Time,
}

/// A template with what one version of it says.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = AltWithDocument)]
pub struct AltDocumentView {
    /// The template.
    pub alt: AltView,
    /// The version shown.
    pub version: AltVersionView,
    /// What it says: see `docs/reference/eggs.md`.
    #[schema(value_type = Object)]
    pub document: serde_json::Value,
}

/// One version of a template.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = AltVersion)]
pub struct AltVersionView {
    /// Its number, from 1.
    pub version: u32,
    /// Digest of what it says.
    pub hash: String,
    /// Who wrote it.
    pub created_by: Option<Uuid>,
    /// When.
    pub created_at: Time,
}

impl From<Ctrl> for CtrlView {
    fn from(ctrl: Ctrl) -> Self {
        Self {
            id: ctrl.id.uuid(),
            name: ctrl.name.to_string(),
            description: ctrl.description,
            created_at: Time(ctrl.created_at),
            updated_at: Time(ctrl.updated_at),
        }
    }
}

impl From<Alt> for AltView {
    fn from(alt: Alt) -> Self {
        Self {
            id: alt.id.uuid(),
            ctrl_id: alt.ctrl.uuid(),
            name: alt.name.to_string(),
            version: alt.version,
            hash: alt.hash,
            source: alt.source,
            created_at: Time(alt.created_at),
            updated_at: Time(alt.updated_at),
        }
    }
}

impl From<&Version> for AltVersionView {
    fn from(version: &Version) -> Self {
        Self {
            version: version.version,
            hash: version.hash.clone(),
            created_by: version.created_by.map(|user| user.uuid()),
            created_at: Time(version.created_at),
        }
    }
}

impl AltDocumentView {
    /// A template with one of its versions.
    pub fn of(alt: Alt, version: Version) -> Self {
        Self { alt: alt.into(), version: (&version).into(), document: version.document.0 }
    }
}
