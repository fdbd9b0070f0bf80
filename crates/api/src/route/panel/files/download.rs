//! Downloads: always as a file to be kept, never as a page. A browser sends no header when it follows a link, so that it
//! follows one that is good once.

use axum::body::Body;
use axum::extract::{Path, State};
use axum::response::Response;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bytes::Bytes;
use futures_util::stream::{self, Stream};
use http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use serde::Deserialize;
use sf_control::queries::panel::files::FilesAsked;
use sf_control::queries::panel::transfers::Download;
use sf_protocol::server::{EntryKind, FileEntry, Transfer};
use sf_types::{ErrorKind, Fault, ServerId};
use utoipa::ToSchema;

use super::{WantedFile, asked, at};
use crate::body::{Asked, Id, Strict};
use crate::caller::Caller;
use crate::envelope::{Envelope, Result, created};
use crate::fault::Problem;
use crate::state::Api;
use crate::view::Time;
use crate::view::panel::file::LinkView;

type Answered = std::result::Result<Response, Problem>;

/// What the link shall lead to.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct WantedLink {
    /// A file or folder; the server's own folder where absent.
    #[serde(default)]
    path: String,
}

/// A file, from `Range` on where that is asked for, or all that is in a folder as a `.tar.gz`. It is recorded.
#[utoipa::path(get, path = "/api/v1/servers/{id}/files/download", tag = "servers", operation_id = "downloadServerFile",
    params(("id" = uuid::Uuid, Path), WantedFile),
    responses((status = 200, description = "The file.", content_type = "application/octet-stream")))]
pub async fn download(
    State(api): State<Api>,
    caller: Caller,
    Id(server): Id<ServerId>,
    Asked(wanted): Asked<WantedFile>,
    headers: HeaderMap,
) -> Answered {
    answer(&api, asked(&caller, server), at(wanted.path), &headers).await
}

/// A link to a download that a browser can follow: once, within a minute.
#[utoipa::path(post, path = "/api/v1/servers/{id}/files/download-link", tag = "servers",
    operation_id = "linkServerDownload", params(("id" = uuid::Uuid, Path)), request_body = WantedLink,
    responses((status = 201, body = Envelope<LinkView>)))]
pub async fn link(
    State(api): State<Api>,
    caller: Caller,
    Id(server): Id<ServerId>,
    Strict(body): Strict<WantedLink>,
) -> Result<LinkView> {
    let path = at(Some(body.path));
    let (token, until) = api.control().link_download(asked(&caller, server), path).await?;
    let url = format!("/api/v1/downloads/{}", URL_SAFE_NO_PAD.encode(token));
    Ok(created(LinkView { url, expires_at: Time(until) }))
}

/// What a link leads to. It leads nowhere afterwards.
#[utoipa::path(get, path = "/api/v1/downloads/{token}", tag = "servers", operation_id = "followDownload",
    params(("token" = String, Path)), security(()),
    responses((status = 200, description = "The file.", content_type = "application/octet-stream")))]
pub async fn follow(State(api): State<Api>, Path(token): Path<String>, method: Method, headers: HeaderMap) -> Answered {
    let token = URL_SAFE_NO_PAD.decode(token).ok().and_then(|bytes| bytes.try_into().ok());
    // Only looking at it does not follow it.
    let token = token.filter(|_| method == Method::GET).unwrap_or_default();
    let linked = api.control().follow_download(&token)?;
    let request = crate::request::current().id;
    let asked = FilesAsked { actor: &linked.actor, request, server: linked.server };
    answer(&api, asked, linked.path, &headers).await
}

async fn answer(api: &Api, asked: FilesAsked<'_>, path: String, headers: &HeaderMap) -> Answered {
    let control = api.control();
    let seen = control.server_file(asked, path.clone()).await?;
    if seen.kind == EntryKind::Folder {
        let name = if seen.name.is_empty() { "files".to_owned() } else { seen.name };
        let download = control.download(asked, Transfer::Folder { path }).await?;
        return Ok(file(download, "application/gzip", &format!("{name}.tar.gz")));
    }
    let tag = tag(&seen);
    let span = span(headers, &tag);
    let Some((from, bytes)) = span.map_or(Some((0, u64::MAX)), |span| span.of(seen.bytes)) else {
        return Ok(unsatisfiable(seen.bytes));
    };
    let download = control.download(asked, Transfer::File { path, from, bytes }).await?;
    let Some((entry, left)) = download.entry.clone().zip(download.left) else {
        return Ok(unsatisfiable(seen.bytes));
    };
    if span.is_some() && self::tag(&entry) != tag {
        let fault = Fault::new(ErrorKind::Conflict, "file.changed", "The file was changed meanwhile.");
        return Err(fault.fix("Download it from its beginning.").into());
    }
    let mut response = file(download, "application/octet-stream", &entry.name);
    if span.is_some() {
        *response.status_mut() = StatusCode::PARTIAL_CONTENT;
    }
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_LENGTH, HeaderValue::from(left));
    headers.insert(header::ACCEPT_RANGES, HeaderValue::from_static("bytes"));
    let range = span.map(|_| format!("bytes {from}-{}/{}", (from + left).saturating_sub(1), entry.bytes));
    for (name, text) in [(header::ETAG, Some(tag)), (header::CONTENT_RANGE, range)] {
        headers.extend(text.and_then(|text| HeaderValue::from_str(&text).ok()).map(|value| (name, value)));
    }
    Ok(response)
}

/// Names this content of a file, as far as size and time tell it from another.
fn tag(entry: &FileEntry) -> String {
    format!("\"{:x}-{:x}\"", entry.bytes, entry.modified.as_millis())
}

/// Bytes of a file that are wanted.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Span {
    From(u64),
    Between(u64, u64),
    Last(u64),
}

impl Span {
    /// First byte and how many; `None` where none of a file of `total` bytes is in it.
    fn of(self, total: u64) -> Option<(u64, u64)> {
        match self {
            Self::From(from) => (from < total).then(|| (from, total - from)),
            Self::Between(from, to) => (from < total).then(|| (from, to.min(total - 1) - from + 1)),
            Self::Last(bytes) => (bytes.min(total) > 0).then(|| (total - bytes.min(total), bytes.min(total))),
        }
    }
}

/// The one range that is asked for. Several, or what is none, count as no range (RFC 9110, section 14.2); so does one of
/// another content of the file.
fn span(headers: &HeaderMap, tag: &str) -> Option<Span> {
    let text = |name| headers.get(name).and_then(|value| value.to_str().ok());
    if text(header::IF_RANGE).is_some_and(|wanted| wanted != tag) {
        return None;
    }
    let (from, to) = text(header::RANGE)?.strip_prefix("bytes=")?.split_once('-')?;
    let number = |text: &str| text.trim().parse::<u64>();
    match (from.trim(), to.trim()) {
        ("", last) => Some(Span::Last(number(last).ok()?)),
        (from, "") => Some(Span::From(number(from).ok()?)),
        (from, to) => {
            let (from, to) = (number(from).ok()?, number(to).ok()?);
            (from <= to).then_some(Span::Between(from, to))
        }
    }
}

fn unsatisfiable(total: u64) -> Response {
    let fault = Fault::new(
        ErrorKind::Invalid,
        "file.range",
        format!("The file has {total} bytes: none of them is in that range."),
    );
    let problem = Problem::from(fault.fix("Ask for it from its beginning.")).status(StatusCode::RANGE_NOT_SATISFIABLE);
    let mut response = axum::response::IntoResponse::into_response(problem);
    let value = HeaderValue::from_str(&format!("bytes */{total}"));
    response.headers_mut().extend(value.ok().map(|value| (header::CONTENT_RANGE, value)));
    response
}

/// What is in it may be anything: it is kept as a file, under a name that does not deceive, and no browser renders it.
fn file(download: Download, kind: &'static str, name: &str) -> Response {
    const SANDBOX: &str = "sandbox; default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'";
    let mut response = Response::new(Body::from_stream(pieces(download)));
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
    headers.insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(SANDBOX));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(header::CONTENT_DISPOSITION, disposition(name));
    response
}

/// `attachment` with a name for every browser (RFC 6266): an ASCII one, and the whole one percent-encoded.
fn disposition(name: &str) -> HeaderValue {
    let plain = |c: char| if c.is_ascii_alphanumeric() || " ._-+()".contains(c) { c } else { '_' };
    let ascii: String = name.chars().map(plain).collect();
    let mut whole = String::new();
    for byte in name.bytes() {
        if byte.is_ascii_alphanumeric() || b"._-".contains(&byte) {
            whole.push(char::from(byte));
        } else {
            whole.push_str(&format!("%{byte:02X}"));
        }
    }
    let text = format!("attachment; filename=\"{ascii}\"; filename*=UTF-8''{whole}");
    HeaderValue::from_str(&text).unwrap_or(HeaderValue::from_static("attachment"))
}

fn pieces(download: Download) -> impl Stream<Item = std::result::Result<Bytes, Fault>> {
    stream::try_unfold(
        download,
        |mut download| async move { Ok(download.next().await?.map(|bytes| (bytes, download))) },
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_range_is_one_or_none() {
        let check = |range: &str, if_range: Option<&str>, expected: Option<Option<(u64, u64)>>| {
            let mut headers = HeaderMap::new();
            headers.insert(header::RANGE, range.parse().unwrap());
            headers.extend(if_range.map(|tag| (header::IF_RANGE, tag.parse().unwrap())));
            assert_eq!(span(&headers, "\"t\"").map(|span| span.of(10)), expected, "{range} {if_range:?}");
        };
        check("bytes=0-", None, Some(Some((0, 10))));
        check("bytes=4-", Some("\"t\""), Some(Some((4, 6))));
        check("bytes=4-", Some("\"other\""), None);
        check("bytes=4-4", None, Some(Some((4, 1))));
        check("bytes=4-99", None, Some(Some((4, 6))));
        check("bytes=-3", None, Some(Some((7, 3))));
        check("bytes=-99", None, Some(Some((0, 10))));
        check("bytes=10-", None, Some(None));
        check("bytes=-0", None, Some(None));
        for none in ["bytes=5-4", "bytes=1-2,4-5", "bytes=x-", "lines=1-2", "bytes=", "bytes=99999999999999999999-"] {
            check(none, None, None);
        }
        assert_eq!((Span::From(0).of(0), Span::Last(5).of(0)), (None, None));
    }

    #[test]
    fn a_name_is_harmless_in_a_header() {
        let of = |name| disposition(name).to_str().unwrap().to_owned();
        assert_eq!(of("a b.txt"), "attachment; filename=\"a b.txt\"; filename*=UTF-8''a%20b.txt");
        let evil = of("x\"; filename=\"evil.exe\\x0d\\x0a/../\u{fc}");
        assert_eq!(evil.matches('"').count(), 2, "{evil}");
        assert!(!evil.contains('\\') && !evil.contains('/') && evil.ends_with("%2F..%2F%C3%BC"), "{evil}");
    }
}
