//! The engine itself, and how it is asked.

use std::path::{Path, PathBuf};
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt, Empty, Full, Limited};
use hyper::body::Incoming;
use hyper::{Method, Request, Response, StatusCode};
use serde::Deserialize;
use serde::de::DeserializeOwned;

use crate::EngineError;
use crate::wire::{Body, Wire};

/// Where engines listen unless they are told otherwise.
pub const SOCKET: &str = "/var/run/docker.sock";

/// Longest wait for an answer that needs no work of note.
const ANSWER_LIMIT: Duration = Duration::from_secs(30);
/// Largest answer taken in, in bytes: lists of a machine with very many containers.
const ANSWER_BYTES: usize = 8 * 1024 * 1024;
/// Longest words of the engine that are told on.
const WORDS_CHARS: usize = 1000;

/// An engine at a unix socket. Cheap to clone; it holds no connection.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Engine {
    socket: PathBuf,
}

/// What an engine says of itself.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct About {
    /// `Docker`, `Podman`.
    pub name: String,
    /// `20.10.24`.
    pub version: String,
    /// Whether it runs without root's rights.
    pub rootless: bool,
    /// Where it keeps images and containers.
    pub root_dir: PathBuf,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Info {
    #[serde(default)]
    server_version: String,
    #[serde(default)]
    security_options: Option<Vec<String>>,
    #[serde(default)]
    docker_root_dir: PathBuf,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Version {
    #[serde(default)]
    components: Vec<Component>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Component {
    name: String,
}

#[derive(Deserialize)]
struct Words {
    message: String,
}

impl Engine {
    /// The engine that listens there.
    pub fn at(socket: impl Into<PathBuf>) -> Self {
        Self { socket: socket.into() }
    }

    /// Where it listens.
    pub fn socket(&self) -> &Path {
        &self.socket
    }

    /// What it says of itself.
    ///
    /// # Errors
    /// [`EngineError`].
    pub async fn about(&self) -> Result<About, EngineError> {
        let what = "what it is";
        let info: Info = self.get("/info", what).await?;
        let version: Version = self.get("/version", what).await?;
        // Docker calls its own part "Engine", Podman "Podman Engine".
        let name = version.components.first().map_or("Docker", |first| first.name.as_str());
        let name = name.trim_end_matches("Engine").trim();
        let options = info.security_options.unwrap_or_default();
        Ok(About {
            name: if name.is_empty() { "Docker".to_owned() } else { name.to_owned() },
            version: info.server_version,
            rootless: options.iter().any(|option| option.contains("rootless")),
            root_dir: info.docker_root_dir,
        })
    }

    pub(crate) async fn get<T: DeserializeOwned>(&self, path: &str, what: &str) -> Result<T, EngineError> {
        let bytes = self.ask(Method::GET, path, None, what).await?;
        parse(&bytes, what)
    }

    /// Asks, and answers the body of a response that is no refusal.
    pub(crate) async fn ask(
        &self,
        method: Method,
        path: &str,
        json: Option<Vec<u8>>,
        what: &str,
    ) -> Result<Bytes, EngineError> {
        let slow = |_| EngineError::Slow { what: what.to_owned(), seconds: ANSWER_LIMIT.as_secs() };
        let asked = async {
            let (mut wire, response) = self.open(method, path, json, what).await?;
            read(&mut wire, response, what).await
        };
        tokio::time::timeout(ANSWER_LIMIT, asked).await.map_err(slow)?
    }

    /// Sends a request; whatever status comes, its body is still to be read.
    pub(crate) async fn open(
        &self,
        method: Method,
        path: &str,
        json: Option<Vec<u8>>,
        what: &str,
    ) -> Result<(Wire, Response<Incoming>), EngineError> {
        let request = Request::builder().method(method).uri(path).header("host", "engine");
        let request = match json {
            Some(json) => request.header("content-type", "application/json").body(full(json)),
            None => request.body(empty()),
        };
        self.send(request.map_err(|error| broken(what, &error))?, what).await
    }

    /// As [`Engine::open`], of any request.
    pub(crate) async fn send(
        &self,
        request: Request<Body>,
        what: &str,
    ) -> Result<(Wire, Response<Incoming>), EngineError> {
        let mut wire = Wire::open(&self.socket).await?;
        let response = wire.send(request).await.map_err(|error| broken(what, &error))?;
        Ok((wire, response))
    }
}

/// Reads a whole answer, or why there is none.
pub async fn read(wire: &mut Wire, response: Response<Incoming>, what: &str) -> Result<Bytes, EngineError> {
    let status = response.status();
    let body = Limited::new(response.into_body(), ANSWER_BYTES);
    let body = wire.drive(body.collect()).await;
    let bytes = body.map_err(|error| broken(what, &error))?.to_bytes();
    if status.is_success() || status == StatusCode::NOT_MODIFIED {
        return Ok(bytes);
    }
    let said = serde_json::from_slice::<Words>(&bytes).map(|words| words.message);
    let said = said.unwrap_or_else(|_| String::from_utf8_lossy(&bytes).into_owned());
    let message = words(&said);
    Err(EngineError::Refused { what: what.to_owned(), status: status.as_u16(), message })
}

/// The engine's words, fit for a message.
pub fn words(said: &str) -> String {
    let plain: String = said.trim().chars().map(|c| if c.is_control() { ' ' } else { c }).take(WORDS_CHARS).collect();
    plain.trim_end_matches('.').to_owned()
}

pub fn broken(what: &str, error: &impl std::fmt::Display) -> EngineError {
    EngineError::Broken { what: what.to_owned(), reason: error.to_string() }
}

pub fn parse<T: DeserializeOwned>(bytes: &[u8], what: &str) -> Result<T, EngineError> {
    serde_json::from_slice(bytes).map_err(|error| broken(what, &error))
}

fn empty() -> Body {
    Empty::new().map_err(|never| match never {}).boxed_unsync()
}

fn full(bytes: Vec<u8>) -> Body {
    Full::new(Bytes::from(bytes)).map_err(|never| match never {}).boxed_unsync()
}

/// A text in a path or a query: everything but what is certainly safe is escaped.
pub fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            out.push(char::from(byte));
        } else {
            out.push_str(&format!("%{byte:02X}"));
        }
    }
    out
}

/// A query from its pairs.
pub fn query(pairs: &[(&str, String)]) -> String {
    let parts: Vec<String> = pairs.iter().map(|(name, value)| format!("{name}={}", escaped(value))).collect();
    parts.join("&")
}

/// The query value of filters: `{"label": ["a=b"]}`.
pub fn filters(pairs: &[(&str, &str)]) -> String {
    let mut all = serde_json::Map::new();
    for (name, value) in pairs {
        let list = all.entry((*name).to_owned()).or_insert_with(|| serde_json::Value::Array(Vec::new()));
        if let serde_json::Value::Array(values) = list {
            values.push((*value).into());
        }
    }
    serde_json::Value::Object(all).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_cannot_leave_their_place() {
        assert_eq!(escaped("a/b?c&d=e f\n"), "a%2Fb%3Fc%26d%3De%20f%0A");
        assert_eq!(query(&[("t", "x:1".to_owned()), ("q", "1".to_owned())]), "t=x%3A1&q=1");
        assert_eq!(filters(&[("label", "a=\"b"), ("dangling", "true")]), r#"{"dangling":["true"],"label":["a=\"b"]}"#);
        assert_eq!(words(" no such image\x1b[1m.\n"), "no such image [1m");
    }

    #[tokio::test]
    async fn an_engine_that_is_away_is_named() {
        let error = Engine::at("/nowhere/engine.sock").about().await.unwrap_err();
        assert!(error.is_away());
        assert!(error.to_string().contains("/nowhere/engine.sock"), "{error}");
    }
}
