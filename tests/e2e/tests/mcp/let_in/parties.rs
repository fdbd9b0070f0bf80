//! A person with a browser, and a program that knows nothing but the endpoint's address: what each of them does by the
//! standards, and no more.

use std::net::SocketAddr;

use anyhow::{Context, Result, ensure};
use http::StatusCode;
use serde_json::{Map, Value, json};
use sf_identity::client::with_query;
use sf_testkit::people::PASSWORD;

use crate::host::{Host, Reply};

/// What the program proves itself by. Source: RFC 7636 appendix B.
pub const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
pub const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";
/// Where the program says that it is answered; by RFC 8252 on whichever port.
const REGISTERED: &str = "http://127.0.0.1/callback";
const REDIRECT: &str = "http://127.0.0.1:50123/callback";
const STATE: &str = "a state & more";

/// One request at an address of our own.
fn at(address: SocketAddr, token: &str, url: &str) -> Result<Host> {
    let path = url.strip_prefix(&format!("http://{address}")).unwrap_or(url).to_owned();
    ensure!(path.starts_with('/'), "{url} is somewhere else");
    Ok(Host { path, ..Host::new(address, token.to_owned()) })
}

/// The pairs of a query.
pub fn pairs(url: &str) -> Vec<(String, String)> {
    let query = url.split_once('?').map_or("", |(_, query)| query);
    let decoded = |text: &str| {
        let (mut bytes, mut out) = (text.bytes(), Vec::new());
        while let Some(byte) = bytes.next() {
            let hex = |byte: Option<u8>| byte.and_then(|byte| char::from(byte).to_digit(16)).unwrap_or_default();
            out.push(match byte {
                b'+' => b' ',
                b'%' => u8::try_from(hex(bytes.next()) * 16 + hex(bytes.next())).unwrap_or_default(),
                other => other,
            });
        }
        String::from_utf8_lossy(&out).into_owned()
    };
    let pair = |text: &str| text.split_once('=').map(|(name, value)| (decoded(name), decoded(value)));
    query.split('&').filter_map(pair).collect()
}

/// The one value of a name.
pub fn only(url: &str, name: &str) -> Result<String> {
    let mut values = pairs(url).into_iter().filter(|(known, _)| known == name).map(|(_, value)| value);
    let value = values.next().with_context(|| format!("`{name}` in {url}"))?;
    ensure!(values.next().is_none(), "`{name}` twice in {url}");
    Ok(value)
}

/// A person who is signed in to the dashboard.
pub struct Person {
    address: SocketAddr,
    token: String,
    csrf: String,
}

impl Person {
    /// The administrator.
    pub async fn sign_in(address: SocketAddr) -> Result<Self> {
        let body = json!({ "email": "admin@example.org", "password": PASSWORD }).to_string();
        let reply = at(address, "", "/api/v1/auth/login")?.send("POST", &[], &body).await?;
        let token = reply.message()?["data"]["accessToken"].as_str().context("a session")?.to_owned();
        let mut cookies = reply.headers.get_all("set-cookie").iter().filter_map(|cookie| cookie.to_str().ok());
        let csrf = cookies.find_map(|cookie| cookie.strip_prefix("sf_csrf=")).context("a CSRF token")?;
        Ok(Self { address, token, csrf: csrf.split(';').next().unwrap_or_default().to_owned() })
    }

    /// One request of the API.
    pub async fn asks(&self, method: &str, path: &str, body: Value) -> Result<Reply> {
        let own = format!("http://{}", self.address);
        let headers: [(&str, &str); 2] = [("origin", &own), ("x-serverflow-csrf", &self.csrf)];
        let text = if body.is_null() { String::new() } else { body.to_string() };
        at(self.address, &self.token, path)?.send(method, &headers, &text).await
    }

    /// Follows the address that a program sent them to, as far as our own page; answers what was asked for, in its words.
    async fn follows(&self, address: &str) -> Result<Value> {
        let sent = at(self.address, "", address)?.send("GET", &[], "").await?;
        ensure!(sent.status == StatusCode::SEE_OTHER, "{sent:?}");
        let page = sent.header("location");
        ensure!(page.starts_with("/connect/authorize?"), "to our own page and nowhere else: {page}");
        let word = |name: &str| {
            let mut words = name.split('_');
            let first = words.next().unwrap_or_default().to_owned();
            words.fold(first, |all, word| all + &word[..1].to_uppercase() + &word[1..])
        };
        let asked: Map<String, Value> =
            pairs(page).into_iter().map(|(name, value)| (word(&name), Value::from(value))).collect();
        Ok(Value::Object(asked))
    }

    /// What the page shows.
    pub async fn sees(&self, address: &str) -> Result<Reply> {
        let asked = self.follows(address).await?;
        let pairs = asked.as_object().into_iter().flatten();
        let pairs: Vec<_> = pairs.map(|(name, value)| (name.as_str(), value.as_str().unwrap_or_default())).collect();
        self.asks("GET", &with_query("/api/v1/auth/consent", &pairs), Value::Null).await
    }

    /// Agrees to these scopes on the page; answers where the browser goes next.
    pub async fn agrees(&self, address: &str, scopes: &[&str]) -> Result<String> {
        let asked = self.follows(address).await?;
        let body = json!({ "asked": asked, "allow": true, "scopes": scopes });
        let reply = self.asks("POST", "/api/v1/auth/consent", body).await?;
        let to = reply.message()?["data"]["redirectTo"].as_str().map(str::to_owned);
        to.with_context(|| format!("where to go in {reply:?}"))
    }
}

/// Says who it is, at this address.
pub async fn register(address: SocketAddr, url: &str) -> Result<Reply> {
    let body = json!({ "client_name": "A program", "redirect_uris": [REGISTERED] }).to_string();
    at(address, "", url)?.send("POST", &[], &body).await
}

/// A program that wants to be let in.
pub struct Program {
    address: SocketAddr,
    /// The endpoint, as its metadata calls it.
    pub resource: String,
    /// Who lets it in.
    pub issuer: String,
    /// What that says of itself.
    pub server: Value,
    /// Under which it is known there.
    pub client: String,
}

impl Program {
    /// Finds out where to ask by being refused, and registers there. Source: RFC 9728, RFC 8414, RFC 7591.
    pub async fn find_out(address: SocketAddr) -> Result<Self> {
        let endpoint = format!("http://{address}/mcp/v1");
        let refused = Host::new(address, String::new()).modern("tools/list", json!({})).await?;
        ensure!(refused.status == StatusCode::UNAUTHORIZED, "{refused:?}");
        let challenge = refused.header("www-authenticate");
        let metadata = challenge.split_once("resource_metadata=\"").and_then(|(_, rest)| rest.split('"').next());
        let read = async |url: &str| at(address, "", url)?.send("GET", &[], "").await?.message();
        let resource = read(metadata.context("where to read on")?).await?;
        ensure!(resource["resource"] == endpoint.as_str(), "what is read is about what was asked: {resource}");
        let issuer = resource["authorization_servers"][0].as_str().context("who lets in")?.to_owned();
        let server = read(&format!("{issuer}/.well-known/oauth-authorization-server")).await?;
        ensure!(server["issuer"] == issuer.as_str(), "one that speaks for itself: {server}");
        let mut program = Self { address, resource: endpoint, issuer, server, client: String::new() };
        let made = program.registers().await?;
        ensure!(made.status == StatusCode::CREATED, "{made:?}");
        program.client = made.message()?["client_id"].as_str().context("an id")?.to_owned();
        Ok(program)
    }

    fn endpoint(&self, name: &str) -> Result<&str> {
        self.server[name].as_str().with_context(|| format!("`{name}` in {}", self.server))
    }

    async fn registers(&self) -> Result<Reply> {
        register(self.address, self.endpoint("registration_endpoint")?).await
    }

    /// Where it sends its person, asking for these scopes; `change` is what it does otherwise than it should.
    pub fn address(&self, scopes: &str, change: (&str, Option<&str>)) -> Result<String> {
        let asked: [(&str, &str); 8] = [
            ("response_type", "code"),
            ("client_id", &self.client),
            ("redirect_uri", REDIRECT),
            ("code_challenge", CHALLENGE),
            ("code_challenge_method", "S256"),
            ("scope", scopes),
            ("state", STATE),
            ("resource", &self.resource),
        ];
        let changed = asked.into_iter().filter_map(|(name, value)| {
            let value = if name == change.0 { change.1? } else { value };
            Some((name, value))
        });
        Ok(with_query(self.endpoint("authorization_endpoint")?, &changed.collect::<Vec<_>>()))
    }

    /// The code in its answer, which is from who was asked, for what was asked. Source: RFC 9207, RFC 6749 section 10.12.
    pub fn code(&self, answer: &str) -> Result<String> {
        ensure!(answer.starts_with(&format!("{REDIRECT}?")), "{answer}");
        ensure!(only(answer, "state")? == STATE && only(answer, "iss")? == self.issuer, "{answer}");
        only(answer, "code")
    }

    async fn form(&self, endpoint: &str, pairs: &[(&str, &str)]) -> Result<Reply> {
        let body = with_query("", pairs);
        let headers = [("content-type", "application/x-www-form-urlencoded")];
        at(self.address, "", self.endpoint(endpoint)?)?.send("POST", &headers, &body[1..]).await
    }

    /// Redeems a code for this endpoint, by this proof.
    pub async fn redeems(&self, code: &str, resource: &str, verifier: &str) -> Result<Reply> {
        let pairs: [(&str, &str); 6] = [
            ("grant_type", "authorization_code"),
            ("client_id", &self.client),
            ("code", code),
            ("redirect_uri", REDIRECT),
            ("code_verifier", verifier),
            ("resource", resource),
        ];
        self.form("token_endpoint", &pairs).await
    }

    pub async fn refreshes(&self, token: &str) -> Result<Reply> {
        let pairs: [(&str, &str); 3] =
            [("grant_type", "refresh_token"), ("client_id", &self.client), ("refresh_token", token)];
        self.form("token_endpoint", &pairs).await
    }

    /// The whole way: a host with its access token, and its refresh token.
    pub async fn let_in(&self, person: &Person, scopes: &[&str]) -> Result<(Host, String)> {
        let answer = person.agrees(&self.address(&scopes.join(" "), ("", None))?, scopes).await?;
        let tokens = self.redeems(&self.code(&answer)?, &self.resource, VERIFIER).await?.message()?;
        let text = |name: &str| tokens[name].as_str().with_context(|| format!("`{name}` in {tokens}"));
        ensure!(text("scope")? == scopes.join(" ") && text("token_type")? == "Bearer", "{tokens}");
        Ok((Host::new(self.address, text("access_token")?.to_owned()), text("refresh_token")?.to_owned()))
    }
}
