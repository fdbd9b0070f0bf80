//! The REST side of the control plane, as the CLI uses it.

mod door;
mod download;
mod follow;
mod socket;
mod tls;

use std::time::Duration;

use reqwest::{Method, Response, StatusCode, Url, header};
use serde_json::Value;
use sf_runtime::Rng;
use sf_types::RequestId;

use crate::failure::{Exit, Failure};
use crate::value;
pub use download::Download;
pub use follow::{followed, until_done};
pub use socket::Doorbell;

/// Time a connection gets to come about.
const CONNECT_WITHIN: Duration = Duration::from_secs(5);
/// Time an answer gets. Nodes are asked on the way, so it is longer than their own limit.
const ANSWER_WITHIN: Duration = Duration::from_secs(60);
/// Time a piece of a file gets to be sent.
const SENT_WITHIN: Duration = Duration::from_secs(1800);
/// Entries of a list asked for at once.
const PAGE: u16 = 100;
/// Pages of a list read at the most.
const MAX_PAGES: usize = 100;
/// Times a write is sent when the connection breaks; its idempotency key makes that safe.
const TRIES: usize = 3;

/// One control plane, with or without a credential.
#[derive(Clone, Debug)]
pub struct Client {
    http: reqwest::Client,
    server: Url,
    token: Option<String>,
}

/// An answer.
#[derive(Clone, Debug)]
pub struct Answer {
    /// What was asked for.
    pub data: Value,
    /// Where the next page begins.
    next: Option<String>,
    /// The control plane's time.
    timestamp: Option<String>,
}

/// Names and values of a query string.
pub type Query<'a> = &'a [(&'a str, String)];

impl Client {
    /// A client of `server` (`http://127.0.0.1:7400`); `ca` is a PEM file that is trusted besides the public ones.
    ///
    /// # Errors
    /// [`Failure`] for an address that is none, and plain HTTP to another machine: it would show the credential.
    pub fn new(server: &str, token: Option<String>, ca: Option<&std::path::Path>) -> Result<Self, Failure> {
        let url = Url::parse(server).map_err(|error| {
            Failure::usage(format!("`{server}` is no address of a control plane: {error}."))
                .fix("Give it as https://host:port, or http://127.0.0.1:7400 on this machine.")
        })?;
        let local = url.host_str().is_some_and(is_loopback);
        match url.scheme() {
            "https" => {}
            "http" if local => {}
            "http" => {
                return Err(Failure::usage(format!("{server} would carry your credential in the clear."))
                    .fix("Use https://, or a tunnel to the machine's loopback address."));
            }
            other => return Err(Failure::usage(format!("`{other}` is no scheme a control plane speaks: use https."))),
        }
        let http = reqwest::Client::builder()
            .tls_backend_preconfigured(tls::config(ca)?)
            .user_agent(concat!("serverflow/", env!("CARGO_PKG_VERSION")))
            .connect_timeout(CONNECT_WITHIN)
            .redirect(reqwest::redirect::Policy::none())
            .http1_only();
        // A proxy has no business between us and our own machine.
        let http = if local { http.no_proxy() } else { http };
        let http = http.build().map_err(|error| Failure::new(Exit::Failed, "cli.client", format!("{error}.")))?;
        Ok(Self { http, server: url, token })
    }

    /// The same control plane with another credential.
    #[must_use]
    pub fn with_token(&self, token: impl Into<String>) -> Self {
        Self { token: Some(token.into()), ..self.clone() }
    }

    /// The control plane's address without a trailing slash.
    pub fn server(&self) -> String {
        self.server.as_str().trim_end_matches('/').to_owned()
    }

    /// Reads.
    ///
    /// # Errors
    /// [`Failure`] with the control plane's own words, or that it cannot be reached.
    pub async fn get(&self, path: &str, query: Query<'_>) -> Result<Answer, Failure> {
        let url = self.url(path, query);
        let sent = self.request(Method::GET, url).send().await;
        self.read(sent.map_err(|error| self.unreachable(&error))?).await
    }

    /// Reads one page of a list, and where the next one begins.
    ///
    /// # Errors
    /// As [`Client::get`].
    pub async fn page(&self, path: &str, query: Query<'_>) -> Result<(Value, Option<String>), Failure> {
        let answer = self.get(path, query).await?;
        Ok((answer.data, answer.next))
    }

    /// Reads, and tells what the control plane's clock said (`meta.timestamp`).
    ///
    /// # Errors
    /// As [`Client::get`].
    pub async fn get_timed(&self, path: &str) -> Result<(Value, Option<String>), Failure> {
        let answer = self.get(path, &[]).await?;
        Ok((answer.data, answer.timestamp))
    }

    /// Reads a list to its end.
    ///
    /// # Errors
    /// As [`Client::get`].
    pub async fn list(&self, path: &str, query: Query<'_>) -> Result<Vec<Value>, Failure> {
        let mut all = Vec::new();
        let mut after = None;
        for _ in 0..MAX_PAGES {
            let mut asked = query.to_vec();
            asked.push(("limit", PAGE.to_string()));
            asked.extend(after.take().map(|cursor| ("after", cursor)));
            let answer = self.get(path, &asked).await?;
            all.extend_from_slice(value::items(&answer.data));
            after = answer.next;
            if after.is_none() {
                break;
            }
        }
        Ok(all)
    }

    /// Writes, with an idempotency key, so that a broken connection may be tried again.
    ///
    /// # Errors
    /// As [`Client::get`].
    pub async fn write(&self, method: Method, path: &str, body: Option<&Value>) -> Result<Value, Failure> {
        self.write_with(method, path, &[], body).await
    }

    /// As [`Client::write`], with a query string (`dryRun`).
    ///
    /// # Errors
    /// As [`Client::get`].
    pub async fn write_with(
        &self,
        method: Method,
        path: &str,
        query: Query<'_>,
        body: Option<&Value>,
    ) -> Result<Value, Failure> {
        let key: RequestId = Rng::system().id(&sf_runtime::Clock::system());
        let mut tries = 1;
        loop {
            let mut request = self.request(method.clone(), self.url(path, query));
            request = request.header("Idempotency-Key", key.to_string());
            if let Some(body) = body {
                request = request.json(body);
            }
            match request.send().await {
                Ok(response) => return Ok(self.read(response).await?.data),
                Err(error) if tries == TRIES || error.is_connect() => return Err(self.unreachable(&error)),
                Err(_) => tries += 1,
            }
        }
    }

    /// Sends bytes, once: whoever has to send them again asks first how far they came.
    ///
    /// # Errors
    /// As [`Client::get`].
    pub async fn send(&self, path: &str, query: Query<'_>, bytes: Vec<u8>) -> Result<Value, Failure> {
        let request = self.request(Method::PATCH, self.url(path, query)).timeout(SENT_WITHIN);
        let request = request.header(header::CONTENT_TYPE, "application/octet-stream").body(bytes);
        let response = request.send().await.map_err(|error| self.unreachable(&error))?;
        Ok(self.read(response).await?.data)
    }

    /// Begins to read a file.
    ///
    /// # Errors
    /// As [`Client::get`].
    pub async fn download(&self, path: &str, query: Query<'_>) -> Result<Download, Failure> {
        self.download_from(path, query, None).await
    }

    /// The same from a byte on, where the file still has that `ETag`; else from its beginning.
    ///
    /// # Errors
    /// As [`Client::get`].
    pub async fn download_from(
        &self,
        path: &str,
        query: Query<'_>,
        from: Option<&(u64, String)>,
    ) -> Result<Download, Failure> {
        let mut request = self.http.get(self.url(path, query));
        if let Some((from, tag)) = from {
            request = request.header(header::RANGE, format!("bytes={from}-")).header(header::IF_RANGE, tag);
        }
        let request = match &self.token {
            Some(token) => request.bearer_auth(token),
            None => request,
        };
        let response = request.send().await.map_err(|error| self.unreachable(&error))?;
        if response.status().is_success() {
            return Ok(Download::new(response));
        }
        match self.read(response).await {
            Err(failure) => Err(failure),
            Ok(_) => Err(Failure::new(Exit::Failed, "cli.answer", "It answered something that is no file.")),
        }
    }

    fn url(&self, path: &str, query: Query<'_>) -> Url {
        let mut url = self.server.clone();
        let base = url.path().trim_end_matches('/').to_owned();
        url.set_path(&format!("{base}/api/v1{path}"));
        if !query.is_empty() {
            url.query_pairs_mut().extend_pairs(query);
        }
        url
    }

    fn request(&self, method: Method, url: Url) -> reqwest::RequestBuilder {
        let request = self.http.request(method, url).timeout(ANSWER_WITHIN);
        match &self.token {
            Some(token) => request.bearer_auth(token),
            None => request,
        }
    }

    async fn read(&self, response: Response) -> Result<Answer, Failure> {
        let status = response.status();
        let body: Value = response.json().await.map_err(|error| {
            let message = format!("{} answered {status} with something that is no answer: {error}.", self.server());
            Failure::new(Exit::Failed, "cli.answer", message)
                .fix("Check that the address is a ServerFlow control plane of this version.")
        })?;
        if status.is_success() && body.get("error").is_none_or(Value::is_null) {
            let next = value::maybe(&body, "/meta/page/next");
            let data = body.get("data").cloned().unwrap_or(Value::Null);
            let timestamp = value::maybe(&body, "/meta/timestamp");
            return Ok(Answer { data, next, timestamp });
        }
        Err(self.refused(status, &body))
    }

    fn refused(&self, status: StatusCode, body: &Value) -> Failure {
        let exit = match status.as_u16() {
            400 | 413 | 415 => Exit::Usage,
            401 | 403 => Exit::Refused,
            503 | 504 => Exit::Unreachable,
            _ => Exit::Failed,
        };
        let code = value::maybe(body, "/error/code").unwrap_or_else(|| format!("http.{}", status.as_u16()));
        let message = value::maybe(body, "/error/message").unwrap_or_else(|| format!("It answered {status}."));
        let mut failure = Failure::new(exit, code, message);
        failure.fix = value::maybe(body, "/error/details/fix").unwrap_or_default();
        if status == StatusCode::UNAUTHORIZED && failure.fix.is_empty() {
            failure.fix = format!("Sign in: serverflow login --server {}", self.server());
        }
        if failure.fix.is_empty() {
            failure.fix = match status {
                _ if exit == Exit::Usage => "Correct that value; `--help` behind the command says what can be given.",
                StatusCode::NOT_FOUND => "Check its id or name: the list of them shows what you may see.",
                _ => "",
            }
            .to_owned();
        }
        failure.request = value::maybe(body, "/meta/requestId");
        failure
    }

    fn unreachable(&self, error: &reqwest::Error) -> Failure {
        let mut reason = error.to_string();
        let mut source = std::error::Error::source(error);
        while let Some(cause) = source {
            reason = cause.to_string();
            source = cause.source();
        }
        let message = format!("{} cannot be reached: {reason}.", self.server());
        let fix = if self.server.host_str().is_some_and(is_loopback) {
            "Start it with `make run` (or `serverflow server`), or name another one with --server."
        } else {
            "Check the address and the network, then `serverflow doctor`."
        };
        Failure::new(Exit::Unreachable, "cli.unreachable", message).fix(fix)
    }
}

/// Whether a host name means this machine.
fn is_loopback(host: &str) -> bool {
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    bare == "localhost" || bare.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(server: &str, expected: Result<&str, &str>) {
        match (Client::new(server, None, None), expected) {
            (Ok(client), Ok(url)) => assert_eq!(client.url("/apps", &[("q", "a b&c".into())]).as_str(), url),
            (Err(failure), Err(part)) => assert!(failure.message.contains(part), "{failure}"),
            (got, want) => panic!("{server}: {got:?}, expected {want:?}"),
        }
    }

    #[test]
    fn a_credential_never_travels_in_the_clear() {
        check("http://127.0.0.1:7400/", Ok("http://127.0.0.1:7400/api/v1/apps?q=a+b%26c"));
        check("http://[::1]:7400", Ok("http://[::1]:7400/api/v1/apps?q=a+b%26c"));
        check("https://panel.example.org/flow", Ok("https://panel.example.org/flow/api/v1/apps?q=a+b%26c"));
        check("http://panel.example.org", Err("in the clear"));
        check("http://localhost.example.org", Err("in the clear"));
        check("ftp://127.0.0.1", Err("no scheme"));
        check("127.0.0.1:7400", Err("no address"));
    }
}
