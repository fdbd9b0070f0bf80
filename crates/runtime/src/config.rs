//! Layered configuration: defaults, then one TOML file, then environment variables. Unknown keys are refused.

use std::path::{Path, PathBuf};

use figment::Figment;
use figment::providers::{Env, Format, Serialized, Toml};
use serde::Serialize;
use serde::de::DeserializeOwned;

/// Why the configuration could not be read.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The named file is not there.
    #[error("the configuration file {path} does not exist: create it, or leave out --config to use the defaults")]
    Missing {
        /// The file asked for.
        path: PathBuf,
    },
    /// A key is unknown, a value has the wrong type, or the file is no TOML.
    #[error("the configuration is refused: {0}. See docs/reference/configuration.md for every key")]
    Refused(String),
}

/// Reads `T`: its defaults, overridden by `file`, overridden by `PREFIX_SECTION__KEY` variables
/// (`SERVERFLOW_API__PORT=7500`). `T` and its sections must be `deny_unknown_fields`.
///
/// # Errors
/// [`ConfigError`] names the key, the value and the source.
pub fn load<T: Serialize + DeserializeOwned + Default>(file: Option<&Path>, prefix: &str) -> Result<T, ConfigError> {
    let mut figment = Figment::from(Serialized::defaults(T::default()));
    if let Some(path) = file {
        if !path.is_file() {
            return Err(ConfigError::Missing { path: path.to_owned() });
        }
        figment = figment.merge(Toml::file(path));
    }
    let prefix = format!("{prefix}_");
    figment = figment.merge(Env::prefixed(&prefix).split("__"));
    figment.extract().map_err(|error| ConfigError::Refused(error.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, Default, PartialEq, serde::Serialize, serde::Deserialize)]
    #[serde(deny_unknown_fields, default)]
    struct Sample {
        api: Api,
    }

    #[derive(Debug, PartialEq, serde::Serialize, serde::Deserialize)]
    #[serde(deny_unknown_fields, default)]
    struct Api {
        port: u16,
    }

    impl Default for Api {
        fn default() -> Self {
            Self { port: 7400 }
        }
    }

    fn check(toml: &str, expected: Result<u16, &str>) {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("serverflow.toml");
        std::fs::write(&file, toml).unwrap();
        match (load::<Sample>(Some(&file), "SF_CONFIG_TEST"), expected) {
            (Ok(read), Ok(port)) => assert_eq!(read.api.port, port),
            (Err(error), Err(part)) => assert!(error.to_string().contains(part), "{error}"),
            (got, want) => panic!("{toml:?}: {got:?}, expected {want:?}"),
        }
    }

    #[test]
    fn the_file_overrides_defaults_and_unknown_keys_are_refused() {
        check("", Ok(7400));
        check("[api]\nport = 1", Ok(1));
        check("[api]\nprot = 1", Err("prot"));
        check("[api]\nport = \"x\"", Err("port"));
        check("[apii]", Err("apii"));
        check("port = ", Err("refused"));
    }

    #[test]
    fn a_missing_file_is_named() {
        let error = load::<Sample>(Some(Path::new("absent.toml")), "SF_CONFIG_TEST").unwrap_err();
        assert!(error.to_string().contains("absent.toml"));
    }
}
