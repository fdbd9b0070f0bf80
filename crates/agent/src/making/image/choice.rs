//! Which engine a node uses: its owner's word.

use std::path::{Path, PathBuf};

use serde::Deserialize;
use sf_containers::{Engine, SOCKET};
use sf_types::{ErrorKind, Fault};

/// `[containers]` of policy.toml.
#[derive(Clone, PartialEq, Eq, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Choice {
    /// Which.
    pub engine: Which,
    /// Whether steps of a build reach the network, as other builds do.
    pub build_network: bool,
}

impl Default for Choice {
    fn default() -> Self {
        Self { engine: Which::Auto, build_network: true }
    }
}

/// Which engine.
#[derive(Clone, PartialEq, Eq, Debug, Deserialize)]
#[serde(try_from = "String")]
pub enum Which {
    /// The one at the standard socket, where it is there and the agent is root.
    Auto,
    /// None.
    Off,
    /// The one at this socket.
    At(PathBuf),
}

impl TryFrom<String> for Which {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        match text.as_str() {
            "auto" => Ok(Self::Auto),
            "off" => Ok(Self::Off),
            _ => match text.strip_prefix("unix://").filter(|path| path.starts_with('/')) {
                Some(path) => Ok(Self::At(path.into())),
                None => Err(format!("`{text}` is no engine: write \"auto\", \"off\" or \"unix:///path/of/its.sock\"")),
            },
        }
    }
}

impl Choice {
    /// The engine, whether it answers or not.
    ///
    /// # Errors
    /// `build.no_engine`.
    pub fn engine(&self) -> Result<Engine, Fault> {
        let none = |message: &str, fix: &str| Err(Fault::new(ErrorKind::Conflict, "build.no_engine", message).fix(fix));
        let is_root = nix::unistd::geteuid().is_root();
        match &self.engine {
            Which::At(socket) => Ok(Engine::at(socket)),
            Which::Auto if is_root && Path::new(SOCKET).exists() => Ok(Engine::at(SOCKET)),
            Which::Auto => none(
                "This app is built by a Dockerfile, and its node has no container engine.",
                "Install one on the node (in Debian: `apt-get install docker.io`), or have its owner name its socket in \
                 policy.toml: `[containers]` with `engine = \"unix:///path/of/its.sock\"`. Or say in serverflow.app.toml how \
                 the app is built and started without one.",
            ),
            Which::Off => none(
                "This app is built by a Dockerfile, and the node's owner allows no container engine (`containers.engine`).",
                "Ask the owner of the node to change policy.toml there, or say in serverflow.app.toml how the app is built \
                 and started without one.",
            ),
        }
    }

    /// Whether one was chosen or found.
    pub fn is_there(&self) -> bool {
        self.engine().is_ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_engine_is_named_by_its_socket_alone() {
        let at = |path: &str| Ok(Which::At(path.into()));
        for (text, expected) in [
            ("auto", Ok(Which::Auto)),
            ("off", Ok(Which::Off)),
            ("unix:///run/user/1000/docker.sock", at("/run/user/1000/docker.sock")),
            ("unix://docker.sock", Err(())),
            ("tcp://10.0.0.1:2375", Err(())),
            ("", Err(())),
        ] {
            assert_eq!(Which::try_from(text.to_owned()).map_err(drop), expected, "{text}");
        }
        let off = Choice { engine: Which::Off, ..Choice::default() };
        assert_eq!(off.engine().unwrap_err().code, "build.no_engine");
        assert!(!off.is_there());
    }
}
