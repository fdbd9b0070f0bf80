//! Asking the REST API with as little of our own as there can be.

use std::net::{Ipv4Addr, SocketAddr};

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};
use sf_api::rate::Rates;
use sf_api::{ApiOptions, Router, Serving};
use sf_control::Control;
use sf_runtime::{OnError, Rate, Tasks};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// A control plane listens, to a task of `tasks`. All come from few people at one address here, and what is measured is the
/// work behind the limits; where they say they come from is believed.
pub async fn listen(control: &Control, tasks: &Tasks) -> Result<SocketAddr> {
    listen_beside(control, tasks, |_| Router::new()).await
}

/// The same with the routes of another edge, which is told where it listens.
pub async fn listen_beside(
    control: &Control,
    tasks: &Tasks,
    beside: impl FnOnce(SocketAddr) -> Router,
) -> Result<SocketAddr> {
    let mut options = ApiOptions::new(tasks.clone());
    let wide = Rate::a_second(1_000_000, 1_000_000);
    options.rates = Rates { address: wide, principal: wide, sign_in: wide };
    options.trusted_proxies = vec![Ipv4Addr::LOCALHOST.into()];
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
    let address = listener.local_addr()?;
    let router = sf_api::router_beside(control.clone(), options, beside(address));
    tasks.spawn("api", OnError::Stop, sf_api::serve(listener, router, Serving::with(None), tasks.shutdown()));
    Ok(address)
}

/// Signs in; answers the access token.
pub async fn sign_in(address: SocketAddr, email: &str, password: &str) -> Result<String> {
    let body = json!({ "email": email, "password": password }).to_string();
    let answer = Caller::dial(address).await?.ask("POST", "/api/v1/auth/login", "", &body).await?;
    Ok(data(&answer)?["accessToken"].as_str().context("a token")?.to_owned())
}

/// The data of an answer.
pub fn data(answer: &str) -> Result<Value> {
    let (head, body) = answer.split_once("\r\n\r\n").context("an answer")?;
    ensure!(head.starts_with("HTTP/1.1 2"), "it was refused: {answer}");
    Ok(serde_json::from_str::<Value>(body)?["data"].take())
}

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
