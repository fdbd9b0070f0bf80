//! The dashboard's files, which are part of the program. They hold no data, so they ask for no credential; what they
//! show they fetch from the API like any other client.

use std::borrow::Cow;
use std::fmt::Write;

use axum::body::Body;
use axum::response::{IntoResponse, Response};
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use rust_embed::{EmbeddedFile, RustEmbed};

/// The page of the single-page application; every address of the dashboard starts with it.
const INDEX: &str = "index.html";
/// Where the web build puts what has its content's hash in its name.
const HASHED: &str = "assets/";
/// Nothing under such a name ever changes.
const FOREVER: &str = "public, max-age=31536000, immutable";
/// Asked for anew each time; an ETag makes that cheap.
const REVALIDATE: &str = "no-cache";

/// Shown where the program was built without its dashboard.
const UNBUILT: &str = "<!doctype html>\n<html lang=\"en\">\n<meta charset=\"utf-8\">\n<title>ServerFlow</title>\n\
<h1>ServerFlow is running, without its dashboard</h1>\n\
<p>This program was built before its dashboard was. Run <code>make dashboard</code>, then build it again.</p>\n\
<p>The command line does everything too: <code>serverflow --help</code>. The API is described at \
<a href=\"/api/v1/openapi.json\">/api/v1/openapi.json</a>.</p>\n</html>\n";

/// What `make dashboard` made. A debug build reads it from disk at each request.
#[derive(RustEmbed)]
#[folder = "../../web/dist"]
#[allow_missing = true]
struct Built;

/// A built dashboard.
#[derive(Clone, Copy, Debug)]
pub struct Dashboard {
    file: fn(&str) -> Option<EmbeddedFile>,
}

impl Default for Dashboard {
    fn default() -> Self {
        Self::of::<Built>()
    }
}

impl Dashboard {
    /// The dashboard in a folder of one's own, `<name>.br` beside what is kept compressed.
    pub fn of<Files: RustEmbed>() -> Self {
        Self { file: Files::get }
    }

    /// The answer to a request no route of the API took; `None` where there is nothing of the dashboard.
    pub(crate) fn answer(&self, method: &Method, path: &str, headers: &HeaderMap, is_tls: bool) -> Option<Response> {
        if !matches!(*method, Method::GET | Method::HEAD) || path == "/api" || path.starts_with("/api/") {
            return None;
        }
        let name = match path.trim_start_matches('/') {
            "" => INDEX,
            name => name,
        };
        let mut response = self.asset(name, headers).or_else(|| is_page(name).then(|| self.index(headers)))?;
        response.headers_mut().insert(header::CONTENT_SECURITY_POLICY, policy(headers, is_tls));
        Some(response)
    }

    fn index(&self, headers: &HeaderMap) -> Response {
        self.asset(INDEX, headers).unwrap_or_else(|| {
            let kind = HeaderValue::from_static("text/html; charset=utf-8");
            (StatusCode::NOT_FOUND, [(header::CONTENT_TYPE, kind)], UNBUILT).into_response()
        })
    }

    fn asset(&self, name: &str, headers: &HeaderMap) -> Option<Response> {
        // A compressed file is another form of its plain one, not a file of its own.
        if is_compressed(name) {
            return None;
        }
        let plain = (self.file)(name)?;
        let compressed = (self.file)(&format!("{name}.br"));
        let mut response = Response::default();
        let answer = response.headers_mut();
        answer.insert(header::CONTENT_TYPE, HeaderValue::from_static(media_type(name)));
        let cached = if name.starts_with(HASHED) { FOREVER } else { REVALIDATE };
        answer.insert(header::CACHE_CONTROL, HeaderValue::from_static(cached));
        if compressed.is_some() {
            answer.insert(header::VARY, HeaderValue::from_static("Accept-Encoding"));
        }
        let file = match compressed.filter(|_| takes_brotli(headers)) {
            Some(compressed) => {
                answer.insert(header::CONTENT_ENCODING, HeaderValue::from_static("br"));
                compressed
            }
            None => plain,
        };
        let tag = tag(&file);
        let is_known = listed(headers, &header::IF_NONE_MATCH).any(|known| known == "*" || known == tag);
        answer.insert(header::ETAG, HeaderValue::from_str(&tag).expect("a quoted hexadecimal number"));
        if is_known {
            *response.status_mut() = StatusCode::NOT_MODIFIED;
        } else {
            *response.body_mut() = match file.data {
                Cow::Borrowed(bytes) => Body::from(bytes),
                Cow::Owned(bytes) => Body::from(bytes),
            };
        }
        Some(response)
    }
}

/// Whether a name is an address within the dashboard. What has a dot is a file: where it is missing, the page instead
/// of it would only be a riddle to whoever asked.
fn is_page(name: &str) -> bool {
    name == INDEX || (!name.contains('.') && !name.starts_with(HASHED))
}

fn is_compressed(name: &str) -> bool {
    std::path::Path::new(name).extension().is_some_and(|extension| extension == "br")
}

/// A strong ETag: the bytes' own hash, so each form has its own.
fn tag(file: &EmbeddedFile) -> String {
    let mut tag = String::from("\"");
    for byte in file.metadata.sha256_hash() {
        write!(tag, "{byte:02x}").expect("a string takes all that is written to it");
    }
    tag.push('"');
    tag
}

fn takes_brotli(headers: &HeaderMap) -> bool {
    listed(headers, &header::ACCEPT_ENCODING).any(|coding| {
        let (name, weight) = coding.split_once(';').unwrap_or((coding, ""));
        let weight = weight.trim().strip_prefix("q=").and_then(|weight| weight.parse::<f32>().ok());
        name.trim().eq_ignore_ascii_case("br") && weight.is_none_or(|weight| weight > 0.0)
    })
}

/// The entries of a header that is a list.
fn listed<'h>(headers: &'h HeaderMap, name: &HeaderName) -> impl Iterator<Item = &'h str> {
    let values = headers.get_all(name).iter().filter_map(|value| value.to_str().ok());
    values.flat_map(|value| value.split(',').map(str::trim))
}

/// Nothing runs in the dashboard but its own files. Some browsers do not count the socket as of the same origin, so it
/// is named; the layer before has refused names that are not ours.
fn policy(headers: &HeaderMap, is_tls: bool) -> HeaderValue {
    let host = headers.get(header::HOST).and_then(|value| value.to_str().ok());
    let host = host.filter(|host| host.bytes().all(|byte| byte.is_ascii_alphanumeric() || b".-:[]".contains(&byte)));
    let scheme = if is_tls { "wss" } else { "ws" };
    let socket = host.map(|host| format!(" {scheme}://{host}")).unwrap_or_default();
    let policy = format!(
        "default-src 'self'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; \
         connect-src 'self'{socket}; frame-ancestors 'none'; base-uri 'none'; form-action 'self'; object-src 'none'"
    );
    HeaderValue::from_str(&policy).expect("visible ASCII: the host was looked at")
}

/// The web build's kinds of files. A browser guesses nothing here (`nosniff`).
fn media_type(name: &str) -> &'static str {
    match name.rsplit_once('.').map_or("", |(_, extension)| extension) {
        "html" => "text/html; charset=utf-8",
        "js" | "mjs" => "text/javascript; charset=utf-8",
        "css" => "text/css; charset=utf-8",
        "json" | "map" => "application/json",
        "webmanifest" => "application/manifest+json",
        "txt" => "text/plain; charset=utf-8",
        "svg" => "image/svg+xml",
        "png" => "image/png",
        "ico" => "image/x-icon",
        "webp" => "image/webp",
        "woff2" => "font/woff2",
        "wasm" => "application/wasm",
        _ => "application/octet-stream",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn brotli_is_served_to_those_who_take_it() {
        for (accepted, expected) in [
            ("br", true),
            ("gzip, deflate, br", true),
            ("BR;q=0.5", true),
            ("gzip;q=1.0, br; q=1", true),
            ("br;q=0", false),
            ("gzip", false),
            ("brotli", false),
            ("", false),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(header::ACCEPT_ENCODING, HeaderValue::from_static(accepted));
            assert_eq!(takes_brotli(&headers), expected, "{accepted}");
        }
    }

    #[test]
    fn a_host_cannot_write_into_the_policy() {
        for (host, expected) in [
            ("panel.example.org", "connect-src 'self' wss://panel.example.org;"),
            ("[::1]:7400", "connect-src 'self' wss://[::1]:7400;"),
            ("localhost:; script-src *", "connect-src 'self';"),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(header::HOST, HeaderValue::from_static(host));
            let policy = policy(&headers, true);
            assert!(policy.to_str().expect("text").contains(expected), "{policy:?}");
        }
    }
}
