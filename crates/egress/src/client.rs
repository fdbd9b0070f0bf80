//! The client itself.

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use reqwest::header::{ACCEPT, CACHE_CONTROL, HeaderMap, RETRY_AFTER};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls::{ClientConfig, RootCertStore};
use sf_types::Network;

use crate::error::{Failed, Refused};
use crate::names::{Names, Source};
use crate::options::{BadOptions, Options};
use crate::target::Target;

/// Time for one request, from the question for its name to the end of its answer.
pub const REQUEST_TIMEOUT: Duration = Duration::from_secs(10);
/// Time to get a connection.
pub const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// Bytes of an answer that are read; a longer one is cut, and its connection closed.
pub const MAX_ANSWER_BYTES: usize = 16 * 1024;
/// Time an idle connection is kept for the next request to the same place.
const IDLE: Duration = Duration::from_secs(30);
/// What a request says it comes from.
const USER_AGENT: &str = concat!("ServerFlow/", env!("CARGO_PKG_VERSION"));

/// The way out. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Egress {
    secure: reqwest::Client,
    /// For what the operator allows without TLS.
    plain: Option<reqwest::Client>,
    allowed: Arc<[Network]>,
    within: Duration,
}

/// A request.
#[derive(Clone, Debug)]
pub struct Post {
    /// Where to.
    pub to: Target,
    /// Its headers.
    pub headers: HeaderMap,
    /// Its body.
    pub body: Vec<u8>,
}

/// An answer, whatever its status: redirects are answers, too, and are never followed.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Answer {
    /// The status code.
    pub status: u16,
    /// How long to stay away, where it says so in seconds.
    pub retry_after: Option<Duration>,
    /// The beginning of its body, at most [`MAX_ANSWER_BYTES`].
    pub body: Vec<u8>,
}

/// What stands at an address.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Page {
    /// The status code; a redirect is one, and not followed.
    pub status: u16,
    /// How long it may be kept, where it says so.
    pub max_age: Option<Duration>,
    /// The beginning of its body, at most [`MAX_ANSWER_BYTES`].
    pub body: Vec<u8>,
}

impl Egress {
    /// Checks the options; connects to nobody.
    ///
    /// # Errors
    /// [`BadOptions`].
    pub fn new(options: &Options) -> Result<Self, BadOptions> {
        Self::with(options, REQUEST_TIMEOUT, &Source::System)
    }

    /// The same with less time for each request: never more than [`REQUEST_TIMEOUT`].
    ///
    /// # Errors
    /// [`BadOptions`].
    pub fn hurried(options: &Options, within: Duration) -> Result<Self, BadOptions> {
        Self::with(options, within.min(REQUEST_TIMEOUT), &Source::System)
    }

    fn with(options: &Options, within: Duration, source: &Source) -> Result<Self, BadOptions> {
        let allowed: Arc<[Network]> = options.allowed_networks.clone().into();
        let tls = tls(options.ca.as_deref())?;
        let client = |only_allowed: bool| {
            let names = Names { allowed: allowed.clone(), only_allowed, source: source.clone() };
            let builder = reqwest::Client::builder()
                .tls_backend_preconfigured(tls.clone())
                .dns_resolver(Arc::new(names))
                .redirect(reqwest::redirect::Policy::none())
                .retry(reqwest::retry::never())
                // Variables of the environment must not decide where requests go.
                .no_proxy()
                .referer(false)
                .https_only(!only_allowed)
                .user_agent(USER_AGENT)
                .connect_timeout(CONNECT_TIMEOUT.min(within))
                .pool_idle_timeout(IDLE)
                .pool_max_idle_per_host(1);
            builder.build().map_err(|error| BadOptions::Tls(error.to_string()))
        };
        let plain = if allowed.is_empty() { None } else { Some(client(true)?) };
        Ok(Self { secure: client(false)?, plain, allowed: allowed.clone(), within })
    }

    /// Judges an address that somebody typed.
    ///
    /// # Errors
    /// [`Refused`].
    pub fn target(&self, text: &str) -> Result<Target, Refused> {
        Target::parse(text, &self.allowed)
    }

    /// Fetches what stands at an address, as JSON.
    ///
    /// # Errors
    /// [`Failed`]; an answer of whatever status is none.
    pub async fn get(&self, from: &Target) -> Result<Page, Failed> {
        let from = self.target(from.expose())?;
        let client = match from.is_plain() {
            true => self.plain.as_ref().ok_or(Refused::Plain)?,
            false => &self.secure,
        };
        let request = client.get(from.url().clone()).header(ACCEPT, "application/json");
        let (begun, slow) = (Instant::now(), || Failed::Slow { host: from.host().to_owned(), limit: self.within });
        let sent = tokio::time::timeout(self.within, request.send()).await.map_err(|_| slow())?;
        let response = sent.map_err(|error| failed(from.host(), error))?;
        let cached = response.headers().get(CACHE_CONTROL).and_then(|value| value.to_str().ok()).map(max_age);
        let Answer { status, body, .. } = answer(response, self.within.saturating_sub(begun.elapsed())).await;
        Ok(Page { status, max_age: cached.flatten(), body })
    }

    /// Sends a body by POST. An address that was judged under other options is judged again.
    ///
    /// # Errors
    /// [`Failed`]; an answer of whatever status is none.
    pub async fn post(&self, post: Post) -> Result<Answer, Failed> {
        let to = self.target(post.to.expose())?;
        let client = match to.is_plain() {
            true => self.plain.as_ref().ok_or(Refused::Plain)?,
            false => &self.secure,
        };
        let request = client.post(to.url().clone()).headers(post.headers).body(post.body);
        let (begun, slow) = (Instant::now(), || Failed::Slow { host: to.host().to_owned(), limit: self.within });
        let sent = tokio::time::timeout(self.within, request.send()).await.map_err(|_| slow())?;
        let response = sent.map_err(|error| failed(to.host(), error))?;
        Ok(answer(response, self.within.saturating_sub(begun.elapsed())).await)
    }
}

/// For how long an answer may be kept; not at all where it says so in any way. Source: RFC 9111 section 5.2.2.
fn max_age(control: &str) -> Option<Duration> {
    let mut age = None;
    for part in control.split(',').map(|part| part.trim().to_ascii_lowercase()) {
        match part.split_once('=') {
            None if matches!(part.as_str(), "no-store" | "no-cache") => return Some(Duration::ZERO),
            Some(("max-age", secs)) => age = secs.trim_matches('"').parse().ok().map(Duration::from_secs),
            _ => {}
        }
    }
    age
}

/// The status is the answer: a body that breaks off, takes long or never ends takes nothing from it.
async fn answer(mut response: reqwest::Response, within: Duration) -> Answer {
    let status = response.status().as_u16();
    let retry_after = response.headers().get(RETRY_AFTER).and_then(|value| value.to_str().ok());
    let retry_after = retry_after.and_then(|text| text.trim().parse().ok()).map(Duration::from_secs);
    let mut body = Vec::new();
    let read = async {
        while let Ok(Some(chunk)) = response.chunk().await {
            let room = MAX_ANSWER_BYTES - body.len();
            body.extend_from_slice(&chunk[..chunk.len().min(room)]);
            if chunk.len() >= room {
                break;
            }
        }
    };
    drop(tokio::time::timeout(within, read).await);
    Answer { status, retry_after, body }
}

/// What went wrong, by its innermost cause; without the address, which may be a secret.
fn failed(host: &str, error: reqwest::Error) -> Failed {
    let error = error.without_url();
    let is_timeout = error.is_timeout();
    let mut cause: &(dyn std::error::Error + 'static) = &error;
    loop {
        if let Some(ours) = cause.downcast_ref::<Failed>() {
            return ours.clone();
        }
        match cause.source() {
            Some(source) => cause = source,
            None => break,
        }
    }
    if is_timeout {
        return Failed::Slow { host: host.to_owned(), limit: CONNECT_TIMEOUT };
    }
    Failed::Unreachable { host: host.to_owned(), why: cause.to_string() }
}

fn tls(ca: Option<&Path>) -> Result<ClientConfig, BadOptions> {
    let mut roots = RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() };
    if let Some(file) = ca {
        let bad = |why: String| BadOptions::Ca { file: file.to_owned(), why };
        for found in CertificateDer::pem_file_iter(file).map_err(|error| bad(error.to_string()))? {
            let certificate = found.map_err(|error| bad(error.to_string()))?;
            roots.add(certificate).map_err(|error| bad(error.to_string()))?;
        }
    }
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let builder = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| BadOptions::Tls(error.to_string()))?;
    Ok(builder.with_root_certificates(roots).with_no_client_auth())
}

#[cfg(test)]
mod tests {
    use std::collections::VecDeque;
    use std::net::IpAddr;
    use std::sync::Mutex;

    use super::*;

    /// A client whose names lead where the test says.
    fn scripted(answers: &[&[&str]], allowed: &[&str]) -> Egress {
        let parsed: VecDeque<Vec<IpAddr>> =
            answers.iter().map(|list| list.iter().map(|text| text.parse().unwrap()).collect()).collect();
        let allowed_networks = allowed.iter().map(|text| text.parse().unwrap()).collect();
        let source = Source::Script(Arc::new(Mutex::new(parsed)));
        Egress::with(&Options { allowed_networks, ca: None }, Duration::from_secs(2), &source).unwrap()
    }

    async fn refused(egress: &Egress, url: &str) -> Failed {
        let to = egress.target(url).unwrap();
        egress.post(Post { to, headers: HeaderMap::new(), body: Vec::new() }).await.unwrap_err()
    }

    #[tokio::test]
    async fn a_name_that_leads_inside_is_never_dialled() {
        for inside in ["127.0.0.1", "169.254.169.254", "10.0.0.1", "::1", "::ffff:127.0.0.1", "fd00::1", "100.64.0.1"] {
            let failed = refused(&scripted(&[&[inside]], &[]), "https://hooks.example.org/").await;
            assert!(matches!(failed, Failed::Refused(Refused::Private { .. })), "{inside}: {failed}");
        }
        // One among public ones is enough.
        let failed = refused(&scripted(&[&["140.82.121.4", "127.0.0.1"]], &[]), "https://hooks.example.org/").await;
        assert!(matches!(failed, Failed::Refused(Refused::Private { .. })), "{failed}");
        // Without TLS, a public one is refused as well.
        let egress = scripted(&[&["140.82.121.4"]], &["127.0.0.0/8"]);
        let failed = refused(&egress, "http://hooks.example.org/").await;
        assert!(matches!(failed, Failed::Refused(Refused::Private { .. })), "{failed}");
    }

    #[test]
    fn what_may_not_be_kept_is_not() {
        for (control, expected) in [
            ("max-age=60", Some(60)),
            ("public, MAX-AGE=\"60\"", Some(60)),
            ("max-age=60, no-store", Some(0)),
            ("no-cache", Some(0)),
            ("public", None),
            ("max-age=soon", None),
        ] {
            assert_eq!(max_age(control), expected.map(Duration::from_secs), "{control}");
        }
    }

    #[tokio::test]
    async fn a_name_is_asked_for_once_a_request_so_rebinding_gains_nothing() {
        // The second answer would be loopback: it is never asked for, and the next request is judged by it.
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let egress = scripted(&[&["127.0.0.1"], &["169.254.169.254"]], &["127.0.0.0/8"]);
        let url = format!("http://hooks.example.org:{port}/");
        let first = tokio::join!(refused(&egress, &url), async { drop(listener.accept().await.unwrap()) }).0;
        assert!(matches!(first, Failed::Unreachable { .. }), "{first}");
        let second = refused(&egress, &url).await;
        assert!(matches!(second, Failed::Refused(Refused::Private { .. })), "{second}");
        let third = refused(&egress, &url).await;
        assert!(matches!(third, Failed::Unresolved { .. }), "{third}");
    }
}
