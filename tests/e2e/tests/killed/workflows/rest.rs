//! The API as a patient caller uses it: who was cut off asks again, in the next life, with the same key.

use std::net::SocketAddr;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use http::{Method, Request};
use http_body_util::{BodyExt, Full};
use hyper::body::Bytes;
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use serde_json::Value;
use tokio::net::TcpStream;
use tokio::sync::watch;

/// No answer takes longer, on the slowest machine.
const PATIENCE: Duration = Duration::from_secs(20);
/// Until who was not answered asks again, unless there is a new life before.
const PAUSE: Duration = Duration::from_millis(25);

/// Which process serves, and where.
#[derive(Clone, Copy, Debug, Default)]
pub struct Life {
    /// From 0.
    pub number: usize,
    /// Nowhere while there is none.
    pub api: Option<SocketAddr>,
}

#[derive(Clone)]
pub struct Rest {
    lives: watch::Receiver<Life>,
    token: String,
}

/// What was asked.
#[derive(Clone)]
pub struct Asked {
    pub method: Method,
    pub path: String,
    pub body: Option<Value>,
    /// Its `Idempotency-Key`.
    pub key: Option<String>,
}

#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub body: Value,
}

impl Asked {
    pub fn get(path: impl Into<String>) -> Self {
        Self { method: Method::GET, path: path.into(), body: None, key: None }
    }

    pub fn post(path: impl Into<String>, body: Value) -> Self {
        Self { method: Method::POST, path: path.into(), body: Some(body), key: None }
    }

    pub fn keyed(self, key: impl Into<String>) -> Self {
        Self { key: Some(key.into()), ..self }
    }
}

impl Answer {
    /// The data of a success.
    pub fn data(mut self) -> Result<Value> {
        ensure!((200..300).contains(&self.status), "refused with {}: {}", self.status, self.body);
        Ok(self.body["data"].take())
    }

    pub fn code(&self) -> &str {
        self.body["error"]["code"].as_str().unwrap_or_default()
    }

    /// Whether it only says "not now".
    fn is_passing(&self) -> bool {
        self.status == 503 || self.code() == "idempotency.running"
    }
}

impl Rest {
    pub fn new(lives: watch::Receiver<Life>) -> Self {
        Self { lives, token: String::new() }
    }

    pub fn with_token(&self, token: &str) -> Self {
        Self { token: token.to_owned(), ..self.clone() }
    }

    /// Waits for the life of this number, or a later one.
    pub async fn reach(&self, number: usize) -> Result<()> {
        let mut lives = self.lives.clone();
        lives.wait_for(|life| life.number >= number).await.context("there are no more lives")?;
        Ok(())
    }

    /// Asks until there is an answer.
    pub async fn ask(&self, asked: &Asked) -> Result<Answer> {
        let mut lives = self.lives.clone();
        loop {
            let life = *lives.wait_for(|life| life.api.is_some()).await.context("nobody will ever answer")?;
            let answer = self.once(life.api.context("it was just there")?, asked);
            match tokio::time::timeout(PATIENCE, answer).await.context("no answer in time")? {
                Some(answer) if !answer.is_passing() => return Ok(answer),
                _ => {}
            }
            // Who comes back too early asks once more.
            drop(tokio::time::timeout(PAUSE, lives.wait_for(|now| now.number != life.number)).await);
        }
    }

    pub async fn get(&self, path: impl Into<String>) -> Result<Value> {
        let path = path.into();
        self.ask(&Asked::get(path.clone())).await?.data().with_context(|| format!("GET {path}"))
    }

    /// One request; nothing where it was cut off, which leaves open whether it was heard.
    async fn once(&self, address: SocketAddr, asked: &Asked) -> Option<Answer> {
        let stream = TcpStream::connect(address).await.ok()?;
        let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await.ok()?;
        let mut request = Request::builder()
            .method(&asked.method)
            .uri(format!("/api/v1{}", asked.path))
            .header("host", address.to_string())
            .header("connection", "close");
        if !self.token.is_empty() {
            request = request.header("authorization", format!("Bearer {}", self.token));
        }
        if let Some(key) = &asked.key {
            request = request.header("idempotency-key", key);
        }
        let bytes = match &asked.body {
            Some(body) => {
                request = request.header("content-type", "application/json");
                Bytes::from(body.to_string())
            }
            None => Bytes::new(),
        };
        let exchange = async {
            let answer = sender.send_request(request.body(Full::new(bytes)).ok()?).await.ok()?;
            let status = answer.status().as_u16();
            let bytes = answer.into_body().collect().await.ok()?.to_bytes();
            Some(Answer { status, body: serde_json::from_slice(&bytes).ok()? })
        };
        let (answer, _) = futures_util::join!(exchange, connection);
        answer
    }
}
