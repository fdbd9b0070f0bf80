//! Single tries, and a memory of the last one that outlives its being dropped at the deadline.

use std::cell::{Cell, RefCell};
use std::io;

use http_body_util::Empty;
use hyper::body::Bytes;
use hyper::client::conn::http1;
use hyper::{Request, StatusCode, Uri};
use hyper_util::rt::TokioIo;
use sf_types::{Millis, Port};
use tokio::io::AsyncReadExt;
use tokio::net::TcpStream;

use super::HealthError;

tokio::task_local! {
    /// How many tries one check has made, and why the last one failed.
    pub static LAST: Memory;
}

/// See [`LAST`].
#[derive(Debug, Default)]
pub struct Memory {
    tries: Cell<u32>,
    reason: RefCell<Option<String>>,
}

/// What a try found.
#[derive(Debug)]
pub enum Outcome {
    /// It is well; what was seen.
    Well(String),
    /// It is not, and [`last_reason`] says why.
    Unwell,
}

/// Tries made so far.
pub fn count() -> u32 {
    LAST.try_with(|memory| memory.tries.get()).unwrap_or(0)
}

/// Why the last try failed.
pub fn last_reason() -> Option<String> {
    LAST.try_with(|memory| memory.reason.borrow().clone()).ok().flatten()
}

/// Runs one try and counts it.
pub async fn counted(attempt: impl Future<Output = Outcome>) -> Outcome {
    // Outside a check there is nothing to count for.
    let _ = LAST.try_with(|memory| memory.tries.set(memory.tries.get() + 1));
    attempt.await
}

fn unwell(reason: String) -> Outcome {
    let _ = LAST.try_with(|memory| *memory.reason.borrow_mut() = Some(reason));
    Outcome::Unwell
}

/// A path that can be asked for.
#[derive(Debug)]
pub struct Path(Uri);

impl Path {
    /// Absolute, with an optional query, and nothing that does not belong into a request line.
    pub fn parse(text: &str) -> Result<Self, HealthError> {
        let uri = text.starts_with('/').then(|| text.parse::<Uri>().ok()).flatten();
        let plain = uri.filter(|uri| uri.authority().is_none());
        plain.map(Self).ok_or_else(|| HealthError::Check {
            reason: format!("`{}` is no path such as /healthz", text.chars().take(100).collect::<String>()),
        })
    }
}

fn explain(port: Port, error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::ConnectionRefused => format!("nothing listens on 127.0.0.1:{port} yet"),
        _ => format!("127.0.0.1:{port} cannot be reached: {error}"),
    }
}

/// How long a connection has to stay open where that is asked for.
const STAYS: std::time::Duration = std::time::Duration::from_millis(200);

/// Connects once; with `stays` it also must not be hung up on.
pub async fn tcp(port: Port, limit: Millis, stays: bool) -> Outcome {
    match tokio::time::timeout(limit.duration(), TcpStream::connect(("127.0.0.1", port.get()))).await {
        Ok(Ok(mut stream)) if stays => {
            let mut byte = [0];
            match tokio::time::timeout(STAYS, stream.read(&mut byte)).await {
                Ok(Ok(0) | Err(_)) => unwell(format!("nothing listens behind 127.0.0.1:{port} yet")),
                Ok(Ok(_)) | Err(_) => Outcome::Well(format!("127.0.0.1:{port} accepts connections")),
            }
        }
        Ok(Ok(_)) => Outcome::Well(format!("127.0.0.1:{port} accepts connections")),
        Ok(Err(error)) => unwell(explain(port, &error)),
        Err(_) => unwell(format!("127.0.0.1:{port} did not accept within {} ms", limit.0)),
    }
}

/// Asks once; 200 to 399 is well, and redirects are not followed.
pub async fn http(port: Port, path: &Path, limit: Millis) -> Outcome {
    // Should the deadline of the whole check come in the middle of this, it is the reason.
    let _ = LAST.try_with(|memory| {
        memory.reason.borrow_mut().get_or_insert_with(|| format!("GET {} has not answered yet", path.0));
    });
    match tokio::time::timeout(limit.duration(), ask(port, path)).await {
        Ok(Ok(status)) if status.is_success() || status.is_redirection() => {
            Outcome::Well(format!("GET {} answered {}", path.0, status.as_u16()))
        }
        Ok(Ok(status)) => unwell(format!("GET {} answered {}", path.0, status.as_u16())),
        Ok(Err(reason)) => unwell(reason),
        Err(_) => unwell(format!("GET {} did not answer within {} ms", path.0, limit.0)),
    }
}

async fn ask(port: Port, path: &Path) -> Result<StatusCode, String> {
    let stream = TcpStream::connect(("127.0.0.1", port.get())).await.map_err(|error| explain(port, &error))?;
    let broken = |error: hyper::Error| format!("GET {} got no proper answer: {error}", path.0);
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await.map_err(broken)?;
    let request = Request::get(path.0.clone())
        .header("host", format!("127.0.0.1:{port}"))
        .header("user-agent", "ServerFlow-health")
        .header("connection", "close")
        .body(Empty::<Bytes>::new())
        .map_err(|error| error.to_string())?;
    let answer = sender.send_request(request);
    tokio::pin!(answer);
    tokio::select! {
        biased;
        answer = &mut answer => answer.map(|answer| answer.status()).map_err(broken),
        // The connection may end in the same moment as the answer is there.
        _ = connection => answer.await.map(|answer| answer.status()).map_err(broken),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_plain_paths_are_asked_for() {
        for (path, good) in [
            ("/healthz", true),
            ("/a?b=c", true),
            ("healthz", false),
            ("", false),
            ("http://other/", false),
            ("/a b", false),
            ("/a\r\nX: y", false),
        ] {
            assert_eq!(Path::parse(path).is_ok(), good, "{path}");
        }
    }
}
