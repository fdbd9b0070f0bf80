//! A template: what every server made from it has in common. A version of it never changes; a server is pinned to one.

mod defect;
pub mod limit;

pub use defect::Defect;
pub(crate) use defect::{bad_regex, is_entrypoint, is_icon, is_image, refusal};

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use sf_protocol::server::{FileEdit, Match, Ready, Stop};
use sf_types::{Millis, Slug};
use sha2::{Digest, Sha256};

use crate::rule::Rules;

/// The version of this form.
pub const VERSION: u32 = 1;

/// A template.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Alt {
    /// Version of this form: 1.
    pub alt: u32,
    /// Its name for people.
    pub name: String,
    /// Its name in addresses, unique within its Ctrl.
    pub slug: Slug,
    /// Who wrote it: a name or an address.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub author: String,
    /// What it is for.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub description: String,
    /// Words it is found by.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tags: Vec<String>,
    /// Its picture: `data:image/png;base64,…`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub icon: Option<String>,
    /// What a screen may offer with it, by what the console says: `eula`, `java_version`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub features: Vec<String>,
    /// What its servers run in.
    pub runtime: RuntimeKind,
    /// Images that may be chosen; the first one unless another is.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub images: Vec<Image>,
    /// Ways to start it; the first one unless another is chosen.
    pub startups: Vec<StartupCommand>,
    /// What may be set for a server, in the order it is shown.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub variables: Vec<Variable>,
    /// What sets a server up.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub install: Option<Install>,
    /// What is set in files before each start, with `{{server.build.default.port}}` and the like still in it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub edits: Vec<FileEdit>,
    /// When a server counts as running.
    pub ready: Ready,
    /// How it is stopped.
    pub stop: Stop,
    /// Patterns of paths (as in `.gitignore`) that nobody may touch by hand.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub denied: Vec<String>,
    /// What the egg it came from said and this form cannot, in the egg's own shape. Nothing acts on it.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub notes: Map<String, Value>,
}

/// What servers of a template run in.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum RuntimeKind {
    /// A process of the server's own user.
    Process,
    /// A container of the node's engine.
    Docker,
}

/// An image by the name people choose it by.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Image {
    /// `Java 21`.
    pub label: String,
    /// `ghcr.io/pterodactyl/yolks:java_21`.
    pub image: String,
}

/// A way to start.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct StartupCommand {
    /// `Default`.
    pub label: String,
    /// What is started.
    pub run: Run,
}

/// What is started.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "camelCase", deny_unknown_fields)]
pub enum Run {
    /// Program and arguments. `{{NAME}}` becomes the variable's value; a word stays one word, whatever is in it.
    Argv {
        /// At least the program.
        argv: Vec<String>,
    },
    /// Code for the shell of the image's entry point; in containers only.
    Shell {
        /// With `{{NAME}}` where the entry point puts a variable.
        line: String,
    },
}

/// Something that may be set for a server.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Variable {
    /// Its name for people.
    pub name: String,
    /// Its name in the environment: `MAX_PLAYERS`.
    pub env: String,
    /// What it does.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub description: String,
    /// What holds where a server says nothing.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub default: String,
    /// Whether the people of a server see it.
    #[serde(default)]
    pub viewable: bool,
    /// Whether they may set it.
    #[serde(default)]
    pub editable: bool,
    /// What a value has to be, a rule an entry: `required`, `max:20`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub rules: Vec<String>,
    /// Whether its value is a secret of the server's project: nobody reads it here, and it has no default.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub secret: bool,
    /// What the egg said of it and this form cannot.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub notes: Map<String, Value>,
}

/// How a value is asked for.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
#[serde(tag = "kind", rename_all = "camelCase")]
pub enum Field {
    /// Any text.
    Text,
    /// A number.
    Number,
    /// `1` or `0`.
    Switch,
    /// One of these.
    Choice {
        /// In the template's order.
        options: Vec<String>,
    },
}

/// What sets a server up, in a confined step with its files at `/mnt/server`.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Install {
    /// The image it runs in; a process of the server's own user where there is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub image: Option<String>,
    /// What reads the script: `bash`, `ash`, `/bin/sh`.
    pub entrypoint: String,
    /// The script, lines ended by LF.
    pub script: String,
}

impl Alt {
    /// Time a start waits for its ready line unless the template says otherwise: 10 min. Worlds are generated in it.
    pub const READY_WITHIN: Millis = Millis::secs(600);

    /// Reads the JSON of a template, strictly.
    ///
    /// # Errors
    /// Everything that is wrong with it, each with its place.
    pub fn read(text: &str) -> Result<Self, Vec<Defect>> {
        if text.len() > limit::ALT_BYTES {
            let message = format!("It has {} bytes, {} are allowed.", text.len(), limit::ALT_BYTES);
            return Err(vec![Defect::new("", message, "Make it smaller: the icon and the script are most of it.")]);
        }
        let value: Value = serde_json::from_str(text)
            .map_err(|error| vec![Defect::new("", format!("It is no JSON: {error}."), "Mend it there.")])?;
        if value.get("alt").and_then(Value::as_u64) != Some(u64::from(VERSION)) {
            let found =
                value.get("alt").map_or_else(|| "missing".to_owned(), |found| crate::text::quoted(&found.to_string()));
            let message = format!("`alt`, the version of this form, is {found}.");
            return Err(vec![Defect::new("alt", message, "Write `\"alt\": 1`.")]);
        }
        let alt: Self = serde_path_to_error::deserialize(value).map_err(|error| {
            let place = error.path().to_string();
            let place = if place == "." { String::new() } else { place };
            vec![Defect::new(place, format!("{}.", error.inner()), "See the reference of templates.")]
        })?;
        let defects = alt.defects();
        if defects.is_empty() { Ok(alt) } else { Err(defects) }
    }

    /// SHA-256 of its canonical JSON (keys sorted, no spaces), in hex: the same template has the same hash.
    pub fn hash(&self) -> String {
        let mut canonical = String::new();
        write_canonical(&self.to_value(), &mut canonical);
        Sha256::digest(canonical).iter().map(|byte| format!("{byte:02x}")).collect()
    }

    pub(crate) fn to_value(&self) -> Value {
        serde_json::to_value(self).expect("a template is made of texts, numbers, lists and maps of texts")
    }

    /// The variable of that name.
    pub fn variable(&self, env: &str) -> Option<&Variable> {
        self.variables.iter().find(|variable| variable.env == env)
    }

    /// How many regular expressions are in it.
    pub(crate) fn expressions(&self) -> usize {
        let rules = self.variables.iter().flat_map(|variable| &variable.rules);
        let conditions = self.edits.iter().flat_map(|edit| &edit.set).filter_map(|set| set.only_if.as_ref());
        let lines = self.ready.lines.iter().filter(|line| matches!(line, Match::Regex { .. })).count();
        let is_one = |text: &&String| text.starts_with("regex:") || text.starts_with("not_regex:");
        rules.filter(is_one).count() + conditions.filter(is_one).count() + lines
    }

    /// Everything that keeps it from being used, each with its place; the first [`limit::DEFECTS`].
    pub fn defects(&self) -> Vec<Defect> {
        defect::of(self)
    }
}

impl Variable {
    /// How its value is asked for, by its rules.
    pub fn field(&self) -> Field {
        Rules::parse(&self.rules).field()
    }
}

/// JSON with sorted keys and without spaces. How maps are kept in memory is up to how the program was built; this is not.
fn write_canonical(value: &Value, out: &mut String) {
    match value {
        Value::Object(map) => {
            let mut entries: Vec<_> = map.iter().collect();
            entries.sort_by_key(|(key, _)| *key);
            out.push('{');
            for (index, (key, value)) in entries.into_iter().enumerate() {
                if index > 0 {
                    out.push(',');
                }
                out.push_str(&Value::String(key.clone()).to_string());
                out.push(':');
                write_canonical(value, out);
            }
            out.push('}');
        }
        Value::Array(items) => {
            out.push('[');
            for (index, item) in items.iter().enumerate() {
                if index > 0 {
                    out.push(',');
                }
                write_canonical(item, out);
            }
            out.push(']');
        }
        plain => out.push_str(&plain.to_string()),
    }
}

#[cfg(test)]
pub(crate) mod tests;
