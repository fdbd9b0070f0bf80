//! An app's environment as people write it: values, and references to secrets.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use sf_types::SecretName;

/// One environment variable.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(try_from = "Written", into = "Written")]
pub struct Variable {
    /// `[A-Za-z_][A-Za-z0-9_]*`, at most 128 characters; never `PORT`, `PATH`, `HOME` or `LD_*`.
    pub name: String,
    /// Where its value comes from.
    pub source: Source,
    /// Whose processes get it.
    pub environment: Environment,
}

/// What an app runs for: people, or somebody who looks at a branch. What is not marked is production's: a preview is given
/// nothing that was not meant for it.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Environment {
    /// The app itself.
    #[default]
    Production,
    /// Its previews.
    Preview,
    /// Both.
    All,
}

impl Environment {
    /// The word in the database and the API.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Production => "production",
            Self::Preview => "preview",
            Self::All => "all",
        }
    }

    /// Whether what is marked so is for processes of `other`.
    pub fn is_seen_by(self, other: Self) -> bool {
        self == Self::All || self == other
    }

    /// Whether what is marked so may go into a variable that is marked `other`.
    pub fn covers(self, other: Self) -> bool {
        self == Self::All || self == other
    }

    /// What needs not be written.
    pub(crate) fn is_production(&self) -> bool {
        *self == Self::Production
    }
}

/// Where a variable's value comes from.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Source {
    /// It stands here, for everybody who sees the settings. No NUL.
    Value(String),
    /// A secret of the app's project.
    Secret(SecretName),
}

impl Variable {
    /// A variable with a value that is no secret.
    pub fn value(name: impl Into<String>, value: impl Into<String>) -> Self {
        Self { name: name.into(), source: Source::Value(value.into()), environment: Environment::default() }
    }

    /// A variable with a secret's value.
    pub fn secret(name: impl Into<String>, secret: SecretName) -> Self {
        Self { name: name.into(), source: Source::Secret(secret), environment: Environment::default() }
    }
}

/// As it is written: `{"name": "A", "value": "…"}` or `{"name": "A", "secret": "…"}`, with `"environment"` where it is not
/// production's.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Written {
    name: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    value: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    secret: Option<SecretName>,
    #[serde(default, skip_serializing_if = "Environment::is_production")]
    environment: Environment,
}

impl TryFrom<Written> for Variable {
    type Error = &'static str;

    fn try_from(Written { name, value, secret, environment }: Written) -> Result<Self, &'static str> {
        let source = match (value, secret) {
            (Some(value), None) => Source::Value(value),
            (None, Some(secret)) => Source::Secret(secret),
            _ => return Err("a variable has either a `value` or the name of a `secret`"),
        };
        Ok(Self { name, source, environment })
    }
}

impl From<Variable> for Written {
    fn from(Variable { name, source, environment }: Variable) -> Self {
        match source {
            Source::Value(value) => Self { name, value: Some(value), secret: None, environment },
            Source::Secret(secret) => Self { name, value: None, secret: Some(secret), environment },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_variable_is_a_value_or_a_reference() {
        let api = || "api".parse().unwrap();
        for (text, expected) in [
            (r#"{"name":"A","value":"b"}"#, Some(Variable::value("A", "b"))),
            (r#"{"name":"A","secret":"api"}"#, Some(Variable::secret("A", api()))),
            (
                r#"{"name":"A","value":"b","environment":"preview"}"#,
                Some(Variable { environment: Environment::Preview, ..Variable::value("A", "b") }),
            ),
            (r#"{"name":"A","value":"b","environment":"staging"}"#, None),
            (r#"{"name":"A"}"#, None),
            (r#"{"name":"A","value":"b","secret":"api"}"#, None),
            (r#"{"name":"A","secret":"no name"}"#, None),
            (r#"{"name":"A","value":"b","x":1}"#, None),
        ] {
            let read = serde_json::from_str::<Variable>(text).ok();
            assert_eq!(read, expected, "{text}");
            if let Some(read) = read {
                assert_eq!(serde_json::to_string(&read).unwrap(), text);
            }
        }
    }
}
