//! One file of an app's live release.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use sf_protocol::patch::{Edit, FileChange, PatchSignal, TEXT_JSON_BYTES_MAX, TakesEffect};
use sf_types::{AppId, FilePath, FileState};

use crate::permission::Permission;
use crate::spec::{Effect, Place, Spec, minutes};
use crate::target::TargetKind;
use crate::valid::Refused;

/// Changes of files.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "action", content = "args", deny_unknown_fields)]
pub enum PatchAction {
    /// Change a file; one that is not well formed is refused.
    #[serde(rename = "patch.apply")]
    Apply(Box<Apply>),
    /// Change a file, also where it is not well formed afterwards.
    #[serde(rename = "patch.force")]
    Force(Box<Apply>),
}

/// Arguments of both.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Apply {
    /// Which app.
    #[schemars(schema_with = "crate::spec::arguments::app")]
    pub app: AppId,
    /// The file, below the files of the live release: `src/app.js`.
    #[schemars(schema_with = "crate::spec::arguments::text")]
    pub path: FilePath,
    /// How it was when it was looked at: its SHA-256 in hex, or `absent`. Found otherwise, nothing is done.
    #[schemars(schema_with = "crate::spec::arguments::text")]
    pub before: FileState,
    /// What stands there instead of the bytes from `from` to `to`; of all of it unless they are given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
    /// First byte that is replaced; the first of the file unless given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<u32>,
    /// First byte that is not replaced; the end of the file unless given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to: Option<u32>,
    /// Whether the file goes.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub delete: bool,
    /// How it takes effect.
    #[serde(default)]
    pub effect: PatchEffect,
}

/// How a change takes effect.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum PatchEffect {
    /// A new release with the change starts beside the live one and takes its place.
    #[default]
    Restart,
    /// Where it is; the process is sent SIGHUP.
    Hup,
    /// Where it is; the process is sent SIGUSR1.
    Usr1,
    /// Where it is; the process is sent SIGUSR2.
    Usr2,
    /// Where it is; nobody is told.
    Nothing,
}

impl PatchEffect {
    /// In the words of the protocol.
    pub const fn takes_effect(self) -> TakesEffect {
        match self {
            Self::Restart => TakesEffect::Restart,
            Self::Hup => TakesEffect::Signal { signal: PatchSignal::Hup },
            Self::Usr1 => TakesEffect::Signal { signal: PatchSignal::Usr1 },
            Self::Usr2 => TakesEffect::Signal { signal: PatchSignal::Usr2 },
            Self::Nothing => TakesEffect::Nothing,
        }
    }
}

/// In the order of the enum.
pub const SPECS: &[Spec] = &[
    spec(
        "patch.apply",
        "Change a file",
        "Changes one file of the live release, watches it, and takes it back if it breaks.",
        40,
    ),
    spec(
        "patch.force",
        "Change a file against its grammar",
        "As `patch.apply`, also where the file is not well formed then.",
        75,
    ),
];

const fn spec(name: &'static str, title: &'static str, help: &'static str, risk: u8) -> Spec {
    Spec {
        name,
        title,
        help,
        permission: Permission::PatchApply,
        target: TargetKind::App,
        effect: Effect::Change,
        risk,
        time_limit: minutes(5),
        undo: Some("app.rollback"),
        place: Place::Node,
    }
}

impl PatchAction {
    /// What is fixed about it.
    pub const fn spec(&self) -> &'static Spec {
        match self {
            Self::Apply(_) => &SPECS[0],
            Self::Force(_) => &SPECS[1],
        }
    }

    /// Its arguments.
    pub const fn apply(&self) -> &Apply {
        match self {
            Self::Apply(args) | Self::Force(args) => args,
        }
    }
}

impl Apply {
    /// Refuses what no node could carry out.
    ///
    /// # Errors
    /// [`Refused`] names the field.
    pub fn check(&self) -> Result<(), Refused> {
        edit(self.text.as_deref(), self.from, self.to, self.delete)?;
        if self.delete && self.before == FileState::Absent {
            return Err(Refused::new("delete", "a file that is not there cannot go"));
        }
        Ok(())
    }

    /// What becomes of the file.
    pub fn change(&self) -> FileChange {
        let edit = match &self.text {
            Some(text) if !self.delete => Edit::Write { from: self.from.unwrap_or(0), to: self.to, text: text.clone() },
            _ => Edit::Delete,
        };
        FileChange { path: self.path.clone(), before: self.before, edit }
    }
}

/// What becomes of a file, from the fields that people send.
///
/// # Errors
/// [`Refused`] names the field.
pub fn edit(text: Option<&str>, from: Option<u32>, to: Option<u32>, delete: bool) -> Result<Edit, Refused> {
    let Some(text) = text else {
        return match (delete, from.or(to)) {
            (true, None) => Ok(Edit::Delete),
            (true, Some(_)) => Err(Refused::new("delete", "a file goes whole: leave `from` and `to` out")),
            (false, _) => Err(Refused::new("text", "say what shall be in the file, or that it shall go (`delete`)")),
        };
    };
    if delete {
        return Err(Refused::new("delete", "a file that gets a text does not go"));
    }
    if text.contains('\0') {
        return Err(Refused::new("text", "a text holds no NUL byte"));
    }
    let written = serde_json::to_string(text).map_or(usize::MAX, |written| written.len());
    if written > TEXT_JSON_BYTES_MAX {
        let max = sf_types::ByteSize(TEXT_JSON_BYTES_MAX as u64);
        let why = format!("about {max} fit into one order: send only what changes, with `from` and `to`");
        return Err(Refused::new("text", why));
    }
    let from = from.unwrap_or(0);
    if to.is_some_and(|to| to < from) {
        return Err(Refused::new("to", "it comes after `from`"));
    }
    Ok(Edit::Write { from, to, text: text.to_owned() })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn check(change: Value, field: Option<&str>) {
        let mut args = json!({"app": "0193a1b2-7c3d-7e4f-8a5b-6c7d8e9f0a1b", "path": "src/app.js", "before": "absent"});
        args.as_object_mut().unwrap().extend(change.as_object().unwrap().clone());
        let apply: Apply = serde_json::from_value(args).unwrap();
        assert_eq!(apply.check().map_err(|refused| refused.field), field.map_or(Ok(()), |field| Err(field.into())));
    }

    #[test]
    fn what_no_node_could_carry_out_is_refused() {
        check(json!({"text": "a"}), None);
        check(json!({"text": "a", "from": 1, "to": 1, "effect": "hup"}), None);
        check(json!({}), Some("text"));
        check(json!({"text": "a", "delete": true}), Some("delete"));
        check(json!({"delete": true}), Some("delete"));
        check(json!({"delete": true, "from": 1}), Some("delete"));
        check(json!({"text": "a\u{0}"}), Some("text"));
        check(json!({"text": "a", "from": 2, "to": 1}), Some("to"));
        check(json!({"text": "\"".repeat(15 * 1024)}), Some("text"));
        check(json!({"before": "0".repeat(64), "delete": true}), None);
    }

    #[test]
    fn a_path_that_leaves_the_release_is_none() {
        for path in ["../a", "/etc/passwd", "a/../../b", "", "a\nb"] {
            let args =
                json!({"app": "0193a1b2-7c3d-7e4f-8a5b-6c7d8e9f0a1b", "path": path, "before": "absent", "text": ""});
            assert!(serde_json::from_value::<Apply>(args).is_err(), "{path:?}");
        }
    }
}
