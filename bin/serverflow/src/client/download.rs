//! A file that is read while it is sent.

use std::time::Duration;

use reqwest::{Response, StatusCode, header};

use crate::failure::{Exit, Failure};

/// Silence after which a download is given up.
const SILENT_FOR: Duration = Duration::from_secs(60);

/// A file on its way.
#[derive(Debug)]
pub struct Download(Response);

impl Download {
    pub(super) const fn new(response: Response) -> Self {
        Self(response)
    }

    /// Whether it goes on where it was asked to.
    pub fn goes_on(&self) -> bool {
        self.0.status() == StatusCode::PARTIAL_CONTENT
    }

    /// Which content of the file this is.
    pub fn tag(&self) -> Option<String> {
        self.0.headers().get(header::ETAG).and_then(|tag| tag.to_str().ok()).map(str::to_owned)
    }

    /// The next piece; `None` at the end.
    ///
    /// # Errors
    /// A connection that breaks off or goes silent: what was read so far is not the whole file.
    pub async fn next(&mut self) -> Result<Option<Vec<u8>>, Failure> {
        let broken = |why: String| {
            Failure::new(Exit::Unreachable, "cli.broken_off", format!("The download broke off: {why}."))
                .fix("Throw away what came, and try again.")
        };
        match tokio::time::timeout(SILENT_FOR, self.0.chunk()).await {
            Ok(Ok(chunk)) => Ok(chunk.map(Into::into)),
            Ok(Err(error)) => Err(broken(error.to_string())),
            Err(_) => Err(broken(format!("nothing came for {} s", SILENT_FOR.as_secs()))),
        }
    }
}
