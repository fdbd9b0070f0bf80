//! A host with as little of its own as there can be: one connection a request, so that leaving is closing it.

use std::net::SocketAddr;

use anyhow::{Context, Result, ensure};
use http::{HeaderMap, Request, StatusCode};
use http_body_util::{BodyExt, Full};
use hyper::body::{Bytes, Incoming};
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use sf_runtime::{OnError, Tasks};
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;

/// The revision of today.
pub const MODERN: &str = "2026-07-28";
/// The last one with sessions.
pub const LEGACY: &str = "2025-11-25";

/// Who asks.
#[derive(Clone, Debug)]
pub struct Host {
    pub address: SocketAddr,
    pub token: String,
    /// What it says that it can do.
    pub can: Value,
    /// What it asks at.
    pub path: String,
    pub tasks: Tasks,
}

/// An answer.
#[derive(Debug)]
pub struct Reply {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub text: String,
}

impl Reply {
    /// The last message in it, however it came.
    pub fn message(&self) -> Result<Value> {
        let data = self.text.lines().filter_map(|line| line.strip_prefix("data:"));
        let last = data.map(str::trim).rfind(|data| !data.is_empty());
        serde_json::from_str(last.unwrap_or(&self.text)).with_context(|| format!("a message in {:?}", self))
    }

    /// The result in it.
    pub fn result(&self) -> Result<Value> {
        let message = self.message()?;
        ensure!(message.get("result").is_some(), "a result in {message}");
        Ok(message["result"].clone())
    }

    /// The code of the error in it.
    pub fn code(&self) -> Result<i64> {
        let message = self.message()?;
        message["error"]["code"].as_i64().with_context(|| format!("an error in {message}"))
    }

    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }
}

impl Host {
    pub fn new(address: SocketAddr, token: String) -> Self {
        Self { address, token, can: json!({}), path: "/mcp/v1".to_owned(), tasks: Tasks::new() }
    }

    /// The same host, which can do this.
    pub fn which_can(&self, can: Value) -> Self {
        Self { can, ..self.clone() }
    }

    /// A request of today: it says everything itself.
    pub async fn modern(&self, method: &str, params: Value) -> Result<Reply> {
        let body = self.modern_body(method, params.clone()).to_string();
        self.send("POST", &modern_headers(method, &params), &body).await
    }

    pub fn modern_body(&self, method: &str, mut params: Value) -> Value {
        params["_meta"] = json!({
            "io.modelcontextprotocol/protocolVersion": MODERN,
            "io.modelcontextprotocol/clientCapabilities": self.can,
            "io.modelcontextprotocol/clientInfo": { "name": "a host", "version": "1" },
        });
        json!({ "jsonrpc": "2.0", "id": 1, "method": method, "params": params })
    }

    /// Calls a tool, today.
    pub async fn call(&self, tool: &str, arguments: Value) -> Result<Reply> {
        self.modern("tools/call", json!({ "name": tool, "arguments": arguments })).await
    }

    /// Opens a session; answers its id.
    pub async fn open(&self) -> Result<String> {
        let reply = self.initialize().await?;
        ensure!(reply.status == StatusCode::OK, "{reply:?}");
        let session = reply.header("mcp-session-id").to_owned();
        ensure!(!session.is_empty(), "a session in {reply:?}");
        let ready = json!({ "jsonrpc": "2.0", "method": "notifications/initialized" });
        let reply = self.send("POST", &[("mcp-session-id", &session)], &ready.to_string()).await?;
        ensure!(reply.status == StatusCode::ACCEPTED, "{reply:?}");
        Ok(session)
    }

    pub async fn initialize(&self) -> Result<Reply> {
        let params = json!({
            "protocolVersion": LEGACY, "capabilities": self.can, "clientInfo": { "name": "a host", "version": "1" },
        });
        let body = json!({ "jsonrpc": "2.0", "id": 0, "method": "initialize", "params": params });
        self.send("POST", &[], &body.to_string()).await
    }

    /// A request within a session.
    pub async fn legacy(&self, session: &str, method: &str, params: Value) -> Result<Reply> {
        let body = json!({ "jsonrpc": "2.0", "id": 1, "method": method, "params": params });
        let headers = [("mcp-session-id", session), ("mcp-protocol-version", LEGACY)];
        self.send("POST", &headers, &body.to_string()).await
    }

    /// Anything.
    pub async fn send(&self, method: &str, headers: &[(&str, &str)], body: &str) -> Result<Reply> {
        let response = self.begin(method, headers, body).await?;
        let (parts, body) = response.into_parts();
        let text = String::from_utf8_lossy(&body.collect().await?.to_bytes()).into_owned();
        Ok(Reply { status: parts.status, headers: parts.headers, text })
    }

    /// The same, until its answer begins. To drop it is to leave.
    pub async fn begin(&self, method: &str, headers: &[(&str, &str)], body: &str) -> Result<http::Response<Incoming>> {
        let stream = TcpStream::connect(self.address).await?;
        let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await?;
        let mut request =
            Request::builder().method(method).uri(&self.path).header("accept", "application/json, text/event-stream");
        if !headers.iter().any(|(name, _)| name.eq_ignore_ascii_case("content-type")) {
            request = request.header("content-type", "application/json");
        }
        if !headers.iter().any(|(name, _)| name.eq_ignore_ascii_case("host")) {
            request = request.header("host", self.address.to_string());
        }
        if !self.token.is_empty() {
            request = request.header("authorization", format!("Bearer {}", self.token));
        }
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let request = request.body(Full::new(Bytes::copy_from_slice(body.as_bytes())))?;
        self.tasks.spawn("a host's connection", OnError::Log, connection);
        Ok(sender.send_request(request).await?)
    }

    /// Sends a request and leaves when `until` is over, without having read anything.
    pub async fn leave(&self, body: &str, headers: &[(&str, &str)], until: impl Future<Output = ()>) -> Result<()> {
        let mut stream = TcpStream::connect(self.address).await?;
        let more: String = headers.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
        let head = format!(
            "POST /mcp/v1 HTTP/1.1\r\nHost: {}\r\nAuthorization: Bearer {}\r\nContent-Type: application/json\r\n\
             Accept: application/json, text/event-stream\r\n{more}Content-Length: {}\r\n\r\n{body}",
            self.address,
            self.token,
            body.len()
        );
        stream.write_all(head.as_bytes()).await?;
        until.await;
        Ok(())
    }
}

pub fn modern_headers<'a>(method: &'a str, params: &'a Value) -> Vec<(&'a str, &'a str)> {
    let mut headers = vec![("mcp-protocol-version", MODERN), ("mcp-method", method)];
    if let Some(name) = params["name"].as_str().or_else(|| params["uri"].as_str()).or_else(|| params["taskId"].as_str())
    {
        headers.push(("mcp-name", name));
    }
    headers
}
