//! Templates: a Ctrl is a category, an Alt a template in it. Each change of an Alt is a version of it.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use sf_types::{AltId, CtrlId, Name};

use crate::permission::Permission;
use crate::spec::{Effect, Place, Spec, minutes};
use crate::target::{Target, TargetKind};
use crate::valid::Refused;

/// Changes to templates.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "action", content = "args", deny_unknown_fields)]
pub enum TemplateAction {
    /// Make a category.
    #[serde(rename = "ctrl.create")]
    CreateCtrl(CreateCtrl),
    /// Give it another name or description.
    #[serde(rename = "ctrl.update")]
    UpdateCtrl(UpdateCtrl),
    /// Delete an empty one.
    #[serde(rename = "ctrl.delete")]
    DeleteCtrl(CtrlRef),
    /// Make a template.
    #[serde(rename = "alt.create")]
    CreateAlt(Box<CreateAlt>),
    /// Write its next version.
    #[serde(rename = "alt.update")]
    UpdateAlt(Box<UpdateAlt>),
    /// Delete one that no server uses.
    #[serde(rename = "alt.delete")]
    DeleteAlt(AltRef),
}

/// Arguments of `ctrl.create`.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct CreateCtrl {
    /// Its name, unique within the team.
    #[schemars(schema_with = "crate::spec::arguments::text")]
    pub name: Name,
    /// For people.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub description: String,
}

/// Arguments of `ctrl.update`.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct UpdateCtrl {
    /// Which category.
    #[schemars(schema_with = "crate::spec::arguments::ctrl")]
    pub ctrl: CtrlId,
    /// Its name from now on.
    #[schemars(schema_with = "crate::spec::arguments::text")]
    pub name: Name,
    /// For people.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub description: String,
}

/// One category.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct CtrlRef {
    /// Which category.
    #[schemars(schema_with = "crate::spec::arguments::ctrl")]
    pub ctrl: CtrlId,
}

/// Arguments of `alt.create`.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct CreateAlt {
    /// In which category.
    #[schemars(schema_with = "crate::spec::arguments::ctrl")]
    pub ctrl: CtrlId,
    /// The template, whole.
    #[schemars(schema_with = "crate::spec::arguments::any_object")]
    pub document: serde_json::Value,
    /// The format it was imported from: `PTDL_v2`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<String>,
}

/// Arguments of `alt.update`.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct UpdateAlt {
    /// Which template.
    #[schemars(schema_with = "crate::spec::arguments::alt")]
    pub alt: AltId,
    /// The template as it shall be, whole.
    #[schemars(schema_with = "crate::spec::arguments::any_object")]
    pub document: serde_json::Value,
    /// Number of the version this change was made from; refused where there is a newer one meanwhile.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<u32>,
}

/// One template.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct AltRef {
    /// Which template.
    #[schemars(schema_with = "crate::spec::arguments::alt")]
    pub alt: AltId,
}

/// Characters of a description at the most.
pub const MAX_DESCRIPTION_CHARS: usize = 2_000;

/// In the order of the enum.
pub const SPECS: &[Spec] = &[
    Spec {
        target: TargetKind::Tenant,
        undo: Some("ctrl.delete"),
        ..spec("ctrl.create", "Create a category", "A Ctrl: it holds templates.", 5)
    },
    Spec {
        target: TargetKind::Ctrl,
        undo: Some("ctrl.update"),
        ..spec("ctrl.update", "Rename a category", "Name and description.", 5)
    },
    Spec {
        target: TargetKind::Ctrl,
        effect: Effect::Destroy,
        ..spec("ctrl.delete", "Delete a category", "Only one without templates.", 20)
    },
    Spec {
        target: TargetKind::Ctrl,
        undo: Some("alt.delete"),
        ..spec("alt.create", "Create a template", "An Alt: servers can be made from it.", 15)
    },
    Spec {
        target: TargetKind::Alt,
        undo: Some("alt.update"),
        ..spec("alt.update", "Change a template", "Its next version; servers stay at theirs until they are moved.", 25)
    },
    Spec {
        target: TargetKind::Alt,
        effect: Effect::Destroy,
        ..spec("alt.delete", "Delete a template", "Only one that no server uses.", 40)
    },
];

const fn spec(name: &'static str, title: &'static str, help: &'static str, risk: u8) -> Spec {
    Spec {
        name,
        title,
        help,
        permission: Permission::AdminTemplates,
        target: TargetKind::Tenant,
        effect: Effect::Change,
        risk,
        time_limit: minutes(1),
        undo: None,
        place: Place::ControlPlane,
    }
}

impl TemplateAction {
    /// What is fixed about it.
    pub const fn spec(&self) -> &'static Spec {
        match self {
            Self::CreateCtrl(_) => &SPECS[0],
            Self::UpdateCtrl(_) => &SPECS[1],
            Self::DeleteCtrl(_) => &SPECS[2],
            Self::CreateAlt(_) => &SPECS[3],
            Self::UpdateAlt(_) => &SPECS[4],
            Self::DeleteAlt(_) => &SPECS[5],
        }
    }

    /// What it acts on.
    pub const fn target(&self) -> Target {
        match self {
            Self::CreateCtrl(_) => Target::Tenant,
            Self::UpdateCtrl(args) => Target::Ctrl(args.ctrl),
            Self::DeleteCtrl(args) => Target::Ctrl(args.ctrl),
            Self::CreateAlt(args) => Target::Ctrl(args.ctrl),
            Self::UpdateAlt(args) => Target::Alt(args.alt),
            Self::DeleteAlt(args) => Target::Alt(args.alt),
        }
    }

    /// Refuses what cannot be kept. Templates themselves are judged where they are read.
    ///
    /// # Errors
    /// [`Refused`] names the field.
    pub fn check(&self) -> Result<(), Refused> {
        match self {
            Self::CreateCtrl(CreateCtrl { description, .. }) | Self::UpdateCtrl(UpdateCtrl { description, .. }) => {
                described(description)
            }
            Self::DeleteCtrl(_) | Self::CreateAlt(_) | Self::UpdateAlt(_) | Self::DeleteAlt(_) => Ok(()),
        }
    }
}

fn described(text: &str) -> Result<(), Refused> {
    let long = text.chars().count() > MAX_DESCRIPTION_CHARS;
    if long || text.chars().any(|c| c.is_control() && c != '\n') {
        return Err(Refused::new("description", "at most 2,000 characters, none of them a control character"));
    }
    Ok(())
}
