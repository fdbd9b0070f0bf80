//! The door for AI hosts, one message at a time.

use reqwest::{Method, Response};

use super::Client;
use crate::failure::Failure;

/// Where it is. Source: `sf_mcp::wire::PATH`.
const PATH: &str = "/mcp/v1";

impl Client {
    /// Sends one message of the Model Context Protocol; answers what begins to come back, whatever it says. There is no limit
    /// of time: a stream stays open as long as the host listens.
    ///
    /// # Errors
    /// The control plane cannot be reached.
    pub async fn message(&self, headers: &[(&str, String)], body: String) -> Result<Response, Failure> {
        self.at_the_door(Method::POST, headers, body).await
    }

    /// Ends a session of the older protocol.
    ///
    /// # Errors
    /// As [`Client::message`].
    pub async fn end_session(&self, headers: &[(&str, String)]) -> Result<Response, Failure> {
        self.at_the_door(Method::DELETE, headers, String::new()).await
    }

    async fn at_the_door(&self, method: Method, headers: &[(&str, String)], body: String) -> Result<Response, Failure> {
        let mut url = self.server.clone();
        let base = url.path().trim_end_matches('/').to_owned();
        url.set_path(&format!("{base}{PATH}"));
        let mut request = self.http.request(method, url);
        if let Some(token) = &self.token {
            request = request.bearer_auth(token);
        }
        for (name, value) in headers {
            request = request.header(*name, value);
        }
        request.body(body).send().await.map_err(|error| self.unreachable(&error))
    }
}
