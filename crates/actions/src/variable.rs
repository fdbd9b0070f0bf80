//! An app's environment as people write it: values, and references to secrets.

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
        Self { name: name.into(), source: Source::Value(value.into()) }
    }

    /// A variable with a secret's value.
    pub fn secret(name: impl Into<String>, secret: SecretName) -> Self {
        Self { name: name.into(), source: Source::Secret(secret) }
    }
}

/// As it is written: `{"name": "A", "value": "…"}` or `{"name": "A", "secret": "…"}`.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Written {
    name: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    value: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    secret: Option<SecretName>,
}

impl TryFrom<Written> for Variable {
    type Error = &'static str;

    fn try_from(Written { name, value, secret }: Written) -> Result<Self, &'static str> {
        match (value, secret) {
            (Some(value), None) => Ok(Self::value(name, value)),
            (None, Some(secret)) => Ok(Self::secret(name, secret)),
            _ => Err("a variable has either a `value` or the name of a `secret`"),
        }
    }
}

impl From<Variable> for Written {
    fn from(Variable { name, source }: Variable) -> Self {
        match source {
            Source::Value(value) => Self { name, value: Some(value), secret: None },
            Source::Secret(secret) => Self { name, value: None, secret: Some(secret) },
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
