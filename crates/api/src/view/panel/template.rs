//! Templates as they are shown.

use serde::Serialize;
use sf_protocol::server::Stop;
use sf_store::alts::{Alt, Version};
use sf_store::ctrls::Ctrl;
use sf_template::egg::{Imported, Warning};
use sf_template::{Alt as Template, Defect};
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

/// What an egg would become.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Egg)]
pub struct EggView {
    /// `PTDL_v1`, `PTDL_v2`, `PLCN_v1`, `PLCN_v2` or `PLCN_v3`.
    pub format: String,
    /// Whether it can be kept as it is.
    pub ok: bool,
    /// The template.
    #[schema(value_type = Object)]
    pub document: serde_json::Value,
    /// Digest of the template.
    pub hash: String,
    /// What keeps it from being used.
    pub defects: Vec<FindingView>,
    /// What was left out or is not as it was.
    pub warnings: Vec<EggWarningView>,
    /// What its servers need: `network`, `docker`, `attention`.
    pub needs: Vec<String>,
    /// How its servers are stopped, in words.
    pub stop: String,
}

/// Something that is wrong with a template.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = AltFinding)]
pub struct FindingView {
    /// Where: `variables[2].rules[0]`; empty for the whole.
    pub place: String,
    /// What is wrong, and why.
    pub message: String,
    /// What to do.
    pub fix: String,
}

/// Something a person should know about an egg that was read.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = EggWarning)]
pub struct EggWarningView {
    /// Where in the egg.
    pub place: String,
    /// What it is, and what was done about it.
    pub message: String,
    /// Whether a person has to look before servers are made of it.
    pub attention: bool,
}

/// Everything that is wrong with a template.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = AltFindings)]
pub struct AltFindingsView {
    /// Whether nothing is.
    pub ok: bool,
    /// Its digest, where nothing is.
    pub hash: Option<String>,
    /// What is.
    pub defects: Vec<FindingView>,
}

/// A template as an egg.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = EggText)]
pub struct EggTextView {
    /// Its format.
    pub format: String,
    /// The file.
    pub text: String,
}

impl From<Imported> for EggView {
    fn from(found: Imported) -> Self {
        let stop = match found.stop() {
            Stop::Command { line, .. } => format!("command {line:?}"),
            Stop::Signal { signal, .. } => signal.clone(),
        };
        Self {
            format: found.format.word().to_owned(),
            ok: found.defects.is_empty(),
            hash: found.alt.hash(),
            document: serde_json::to_value(&found.alt).unwrap_or_default(),
            defects: found.defects.into_iter().map(FindingView::from).collect(),
            warnings: found.warnings.into_iter().map(EggWarningView::from).collect(),
            needs: found.needs.words().into_iter().map(str::to_owned).collect(),
            stop,
        }
    }
}

impl From<Defect> for FindingView {
    fn from(defect: Defect) -> Self {
        Self { place: defect.place, message: defect.message, fix: defect.fix }
    }
}

impl From<Warning> for EggWarningView {
    fn from(warning: Warning) -> Self {
        Self { place: warning.place, message: warning.message, attention: warning.attention }
    }
}

impl AltFindingsView {
    /// What reading a template came to.
    pub fn of(read: Result<Template, Vec<Defect>>) -> Self {
        match read {
            Ok(alt) => Self { ok: true, hash: Some(alt.hash()), defects: Vec::new() },
            Err(defects) => {
                Self { ok: false, hash: None, defects: defects.into_iter().map(FindingView::from).collect() }
            }
        }
    }
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
