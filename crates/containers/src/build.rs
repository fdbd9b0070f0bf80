//! An image from a Dockerfile and its context: one request, whose answer is told line by line.

use std::collections::BTreeMap;

use bytes::{Bytes, BytesMut};
use futures_util::StreamExt;
use http_body_util::{BodyExt, StreamBody};
use hyper::body::Frame;
use hyper::{Method, Request};
use serde::Deserialize;

use crate::engine::{broken, query, read, words};
use crate::{Engine, EngineError};

/// Longest line of the answer, in bytes.
const LINE_BYTES: usize = 256 * 1024;

/// What is to be built, and within what.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Recipe {
    /// The Dockerfile's place in the context.
    pub dockerfile: String,
    /// The name that the image gets.
    pub tag: String,
    /// Labels of the image.
    pub labels: BTreeMap<String, String>,
    /// Values of its `ARG`s.
    pub args: BTreeMap<String, String>,
    /// Memory of a step, swap included, bytes.
    pub memory: u64,
    /// Processor in percent of one core.
    pub cpu_percent: Option<u32>,
    /// Share of the processor where others want it too, of 1024.
    pub cpu_shares: u32,
    /// Whether its steps reach the network.
    pub network: bool,
}

/// Why there is no image.
#[derive(Debug, thiserror::Error)]
pub enum BuildFailed {
    /// A step failed, or the Dockerfile is none.
    #[error("{0}")]
    Step(String),
    /// The engine did not do its part.
    #[error(transparent)]
    Engine(#[from] EngineError),
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Line {
    stream: Option<String>,
    status: Option<String>,
    id: Option<String>,
    progress: Option<String>,
    error: Option<String>,
    aux: Option<serde_json::Value>,
}

impl Recipe {
    fn path(&self) -> String {
        let object = |map: &BTreeMap<String, String>| {
            serde_json::to_string(map).expect("a map of texts is written without fail")
        };
        let network = if self.network { "default" } else { "none" };
        let mut pairs = vec![
            ("dockerfile", self.dockerfile.clone()),
            ("t", self.tag.clone()),
            ("labels", object(&self.labels)),
            ("buildargs", object(&self.args)),
            ("memory", self.memory.to_string()),
            ("memswap", self.memory.to_string()),
            ("cpushares", self.cpu_shares.to_string()),
            ("networkmode", network.to_owned()),
            // Containers of steps go, also of the one that fails.
            ("rm", "1".to_owned()),
            ("forcerm", "1".to_owned()),
            ("version", "1".to_owned()),
        ];
        if let Some(percent) = self.cpu_percent {
            pairs.push(("cpuperiod", "100000".to_owned()));
            pairs.push(("cpuquota", (u64::from(percent) * 1000).to_string()));
        }
        format!("/build?{}", query(&pairs))
    }
}

impl Engine {
    /// Builds an image from `context`, the pieces of a tar archive. Each line that the engine says goes to `say`. Dropped
    /// on the way, the engine stops.
    ///
    /// # Errors
    /// [`BuildFailed`].
    pub async fn build(
        &self,
        recipe: &Recipe,
        context: tokio::sync::mpsc::Receiver<std::io::Result<Bytes>>,
        say: &mut (dyn FnMut(String) + Send),
    ) -> Result<(), BuildFailed> {
        let what = "the build";
        let pieces = futures_util::stream::unfold(context, |mut context| async {
            let piece = context.recv().await?;
            Some((piece.map(Frame::data), context))
        });
        let request = Request::builder()
            .method(Method::POST)
            .uri(recipe.path())
            .header("host", "engine")
            .header("content-type", "application/x-tar")
            .body(StreamBody::new(pieces.boxed()).boxed_unsync());
        let (mut wire, response) = self.send(request.map_err(|error| broken(what, &error))?, what).await?;
        if !response.status().is_success() {
            return Err(match read(&mut wire, response, what).await {
                // A Dockerfile that cannot be read, for one.
                Err(EngineError::Refused { status: 400, message, .. }) => BuildFailed::Step(message),
                Err(error) => error.into(),
                Ok(_) => broken(what, &"it answered nothing").into(),
            });
        }
        let (mut body, mut buffer, mut failed) = (response.into_body(), BytesMut::new(), None);
        while let Some(frame) = wire.drive(body.frame()).await {
            let frame = frame.map_err(|error| broken(what, &error))?;
            let Ok(data) = frame.into_data() else { continue };
            buffer.extend_from_slice(&data);
            while let Some(end) = buffer.iter().position(|byte| *byte == b'\n') {
                let line = buffer.split_to(end + 1);
                failed = failed.or(take_in(&line, say));
            }
            if buffer.len() > LINE_BYTES {
                return Err(broken(what, &"a line of it has no end").into());
            }
        }
        failed = failed.or(take_in(&buffer, say));
        failed.map_or(Ok(()), |said| Err(BuildFailed::Step(said)))
    }
}

/// Says what a line says; answers why the build failed where it is that.
fn take_in(line: &[u8], say: &mut (dyn FnMut(String) + Send)) -> Option<String> {
    let line: Line = serde_json::from_slice(line).ok()?;
    if let Some(error) = line.error {
        return Some(words(&error));
    }
    if let Some(text) = line.stream {
        for one in text.split('\n').filter(|one| !one.trim().is_empty()) {
            say(one.trim_end_matches('\r').to_owned());
        }
    }
    // Progress of what is fetched comes many times a second; its beginning and end are enough.
    if let (Some(status), None, None) = (&line.status, &line.progress, &line.aux) {
        say(line.id.map_or_else(|| status.clone(), |id| format!("{id}: {status}")));
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_said_and_failures_told() {
        let mut said = Vec::new();
        let mut say = |line: String| said.push(line);
        for (line, failed) in [
            (r#"{"stream":"Step 1/2 : FROM x\n"}"#, None),
            (r#"{"stream":"a\nb\r\n"}"#, None),
            (r#"{"status":"Downloading","progress":"[==>]","id":"1"}"#, None),
            (r#"{"status":"Pull complete","id":"1"}"#, None),
            (r#"{"aux":{"ID":"sha256:1"}}"#, None),
            (
                r#"{"errorDetail":{"code":1},"error":"it returned a non-zero code: 1"}"#,
                Some("it returned a non-zero code: 1"),
            ),
            ("", None),
        ] {
            assert_eq!(take_in(line.as_bytes(), &mut say).as_deref(), failed, "{line}");
        }
        assert_eq!(said, ["Step 1/2 : FROM x", "a", "b", "1: Pull complete"]);
    }

    #[test]
    fn a_recipe_is_one_request() {
        let recipe = Recipe {
            dockerfile: "Dockerfile".to_owned(),
            tag: "a/b:c".to_owned(),
            labels: BTreeMap::new(),
            args: BTreeMap::from([("A".to_owned(), "x&y".to_owned())]),
            memory: 5,
            cpu_percent: Some(150),
            cpu_shares: 102,
            network: false,
        };
        let path = recipe.path();
        for part in ["t=a%2Fb%3Ac", "buildargs=%7B%22A%22%3A%22x%26y%22%7D", "cpuquota=150000", "networkmode=none"] {
            assert!(path.contains(part), "{path}");
        }
    }
}
