//! Images fetched by the engine itself, from wherever its owner lets it.

use bytes::BytesMut;
use http_body_util::BodyExt;
use hyper::Method;
use serde::Deserialize;

use crate::engine::{broken, query, read, words};
use crate::{Engine, EngineError};

/// Longest line of the engine's progress, in bytes.
const LINE_BYTES: usize = 64 * 1024;
/// Status of a refusal that comes in the middle of an answer.
const REFUSED: u16 = 500;

/// An image's name, as people write it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Reference {
    /// `ghcr.io/owner/name`.
    pub repository: String,
    /// `java_21`, `sha256:...`; `latest` where the name says nothing.
    pub tag: String,
}

impl Reference {
    /// Reads `host:port/owner/name:tag` and `name@sha256:...`. A text that the engine would not take is its to refuse.
    pub fn of(name: &str) -> Self {
        let parts = |repository: &str, tag: &str| Self { repository: repository.to_owned(), tag: tag.to_owned() };
        if let Some((repository, digest)) = name.split_once('@') {
            return parts(repository, digest);
        }
        // A colon before the last slash is the port of a host.
        match name.rsplit_once(':') {
            Some((repository, tag)) if !tag.contains('/') => parts(repository, tag),
            _ => parts(name, "latest"),
        }
    }
}

#[derive(Deserialize)]
struct Line {
    #[serde(default)]
    status: Option<String>,
    #[serde(default)]
    progress: Option<String>,
    #[serde(default)]
    id: Option<String>,
    #[serde(default)]
    error: Option<String>,
}

impl Engine {
    /// Has the engine fetch an image. What it says of it goes to `say`, without what changes many times a second. Dropped
    /// on the way, the engine stops.
    ///
    /// # Errors
    /// [`EngineError`]; refused with its words where the image cannot be had.
    pub async fn pull(&self, name: &str, say: &mut (dyn FnMut(String) + Send)) -> Result<(), EngineError> {
        let (what, Reference { repository, tag }) = (format!("the image {name}"), Reference::of(name));
        let path = format!("/images/create?{}", query(&[("fromImage", repository), ("tag", tag)]));
        let (mut wire, response) = self.open(Method::POST, &path, None, &what).await?;
        if !response.status().is_success() {
            return read(&mut wire, response, &what).await.map(drop);
        }
        let (mut body, mut buffer) = (response.into_body(), BytesMut::new());
        while let Some(frame) = wire.drive(body.frame()).await {
            let frame = frame.map_err(|error| broken(&what, &error))?;
            let Ok(data) = frame.into_data() else { continue };
            buffer.extend_from_slice(&data);
            while let Some(end) = buffer.iter().position(|byte| *byte == b'\n') {
                let line = buffer.split_to(end + 1);
                take_in(&line, say).map_err(|message| refused(&what, message))?;
            }
            if buffer.len() > LINE_BYTES {
                return Err(broken(&what, &"a line of it has no end"));
            }
        }
        take_in(&buffer, say).map_err(|message| refused(&what, message))
    }
}

fn refused(what: &str, message: String) -> EngineError {
    EngineError::Refused { what: what.to_owned(), status: REFUSED, message }
}

/// Says what a line says, or why it went wrong.
fn take_in(line: &[u8], say: &mut (dyn FnMut(String) + Send)) -> Result<(), String> {
    let Ok(line) = serde_json::from_slice::<Line>(line) else { return Ok(()) };
    if let Some(error) = line.error {
        return Err(words(&error));
    }
    if let (Some(status), None) = (&line.status, &line.progress) {
        say(words(&line.id.map_or_else(|| status.clone(), |id| format!("{id}: {status}"))));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    #[test]
    fn names_are_taken_apart_as_engines_do() {
        for (name, repository, tag) in [
            ("ghcr.io/pterodactyl/yolks:java_21", "ghcr.io/pterodactyl/yolks", "java_21"),
            ("debian", "debian", "latest"),
            ("localhost:5000/a/b", "localhost:5000/a/b", "latest"),
            ("localhost:5000/a/b:1", "localhost:5000/a/b", "1"),
            ("a/b@sha256:00ff", "a/b", "sha256:00ff"),
        ] {
            assert_eq!(Reference::of(name), Reference { repository: repository.into(), tag: tag.into() }, "{name}");
        }
    }

    /// Whatever asks, once; answers its first line.
    async fn says(listener: &tokio::net::UnixListener, status: &str, body: &str) -> String {
        let (mut stream, _) = listener.accept().await.unwrap();
        let (mut head, mut length) = (vec![0; 4096], 0);
        while !head[..length].ends_with(b"\r\n\r\n") {
            length += stream.read(&mut head[length..]).await.unwrap();
        }
        let length_of = body.len();
        let text = format!("HTTP/1.1 {status}\r\ncontent-length: {length_of}\r\nconnection: close\r\n\r\n{body}");
        stream.write_all(text.as_bytes()).await.unwrap();
        String::from_utf8_lossy(&head[..length]).lines().next().unwrap_or_default().to_owned()
    }

    #[tokio::test]
    async fn an_image_is_asked_for_and_what_goes_wrong_at_any_moment_is_told() {
        let socket = std::env::temp_dir().join(format!("sf-pull-{}.sock", std::process::id()));
        let listener = tokio::net::UnixListener::bind(&socket).unwrap();
        let engine = Engine::at(&socket);
        let begun = r#"{"status":"Pulling from a/b","id":"1"}"#;
        for (status, body, expected) in [
            ("200 OK", format!("{begun}\n"), None),
            ("200 OK", format!("{begun}\n{{\"error\":\"toomanyrequests\"}}\n"), Some("toomanyrequests")),
            ("404 Not Found", r#"{"message":"manifest unknown"}"#.to_owned(), Some("manifest unknown")),
        ] {
            let mut said = Vec::new();
            let mut say = |line| said.push(line);
            let (asked, done) = tokio::join!(says(&listener, status, &body), engine.pull("ghcr.io/a/b:1", &mut say));
            assert_eq!(asked, "POST /images/create?fromImage=ghcr.io%2Fa%2Fb&tag=1 HTTP/1.1");
            let told = done.err().map(|error| error.to_string());
            assert_eq!(told.is_some(), expected.is_some(), "{told:?}");
            assert!(expected.is_none_or(|part| told.unwrap().contains(part)), "{expected:?}");
            assert_eq!(said.is_empty(), status.starts_with("404"));
        }
        std::fs::remove_file(&socket).unwrap();
    }

    #[test]
    fn progress_is_said_once_and_an_error_is_one() {
        let mut said = Vec::new();
        let mut say = |line: String| said.push(line);
        for (line, failed) in [
            (r#"{"status":"Pulling from a/b","id":"1"}"#, None),
            (r#"{"status":"Downloading","progress":"[=>  ]","id":"x"}"#, None),
            (r#"{"status":"Pull complete","id":"x"}"#, None),
            (r#"{"errorDetail":{"message":"no"},"error":"manifest unknown\n"}"#, Some("manifest unknown")),
            ("", None),
        ] {
            assert_eq!(take_in(line.as_bytes(), &mut say).err().as_deref(), failed, "{line}");
        }
        assert_eq!(said, ["1: Pulling from a/b", "x: Pull complete"]);
    }
}
