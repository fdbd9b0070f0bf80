//! Asking the REST API with as little of our own as there can be.

use std::net::SocketAddr;

use anyhow::{Context, Result, ensure};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// One connection that asks one thing after the other: as little as possible beside what is measured.
#[derive(Debug)]
pub struct Caller(TcpStream);

impl Caller {
    /// Connects.
    pub async fn dial(address: SocketAddr) -> Result<Self> {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        Ok(Self(stream))
    }

    /// One request; answers its head and body as they came. `headers` end with a line break each.
    pub async fn ask(&mut self, method: &str, path: &str, headers: &str, body: &str) -> Result<String> {
        let request = format!(
            "{method} {path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n{headers}Content-Length: {}\r\n\r\n{body}",
            body.len()
        );
        self.0.write_all(request.as_bytes()).await?;
        let mut answer = Vec::new();
        loop {
            let mut piece = [0; 4096];
            let read = self.0.read(&mut piece).await?;
            ensure!(read > 0, "the control plane hung up");
            answer.extend_from_slice(&piece[..read]);
            let text = String::from_utf8_lossy(&answer);
            let Some((head, rest)) = text.split_once("\r\n\r\n") else { continue };
            let length =
                head.lines().find_map(|line| line.to_ascii_lowercase().strip_prefix("content-length: ")?.parse().ok());
            let length: usize = length.with_context(|| format!("a length in {head}"))?;
            if rest.len() >= length {
                return Ok(text.into_owned());
            }
        }
    }
}
