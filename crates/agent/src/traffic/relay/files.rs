//! A folder of files as a site. Nothing outside the folder is reachable, dot files are not there.

use std::fs::File;
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::fs::MetadataExt;
use std::path::{Component, Path};
use std::time::{Duration, UNIX_EPOCH};

use hyper::header::{
    CACHE_CONTROL, CONTENT_LENGTH, CONTENT_TYPE, ETAG, HeaderName, HeaderValue, IF_MODIFIED_SINCE, IF_NONE_MATCH,
    LAST_MODIFIED,
};
use hyper::{Method, Request, Response, StatusCode};
use rustix::fs::{CWD, Mode, OFlags, ResolveFlags, openat2};

use super::body::Body;
use super::gate::Ticket;
use super::page;
use super::reading::Reading;

/// Served for a folder.
const INDEX: &str = "index.html";
/// Served, with status 404, for what is not there.
const MISSING: &str = "404.html";
/// Longest path, in bytes, decoded.
const PATH_BYTES_MAX: usize = 4096;

/// Content types by file ending; anything else is `application/octet-stream`.
const TYPES: &[(&str, &str)] = &[
    ("avif", "image/avif"),
    ("css", "text/css; charset=utf-8"),
    ("csv", "text/csv; charset=utf-8"),
    ("gif", "image/gif"),
    ("htm", "text/html; charset=utf-8"),
    ("html", "text/html; charset=utf-8"),
    ("ico", "image/vnd.microsoft.icon"),
    ("jpeg", "image/jpeg"),
    ("jpg", "image/jpeg"),
    ("js", "text/javascript; charset=utf-8"),
    ("json", "application/json"),
    ("map", "application/json"),
    ("md", "text/markdown; charset=utf-8"),
    ("mjs", "text/javascript; charset=utf-8"),
    ("mp3", "audio/mpeg"),
    ("mp4", "video/mp4"),
    ("otf", "font/otf"),
    ("pdf", "application/pdf"),
    ("png", "image/png"),
    ("svg", "image/svg+xml"),
    ("ttf", "font/ttf"),
    ("txt", "text/plain; charset=utf-8"),
    ("wasm", "application/wasm"),
    ("webm", "video/webm"),
    ("webmanifest", "application/manifest+json"),
    ("webp", "image/webp"),
    ("woff", "font/woff"),
    ("woff2", "font/woff2"),
    ("xml", "application/xml"),
    ("zip", "application/zip"),
];

/// Answers one request from `folder`.
pub fn answer<B>(folder: &Path, request: &Request<B>, ticket: Ticket) -> Response<Body> {
    if request.method() != Method::GET && request.method() != Method::HEAD {
        return page::method_not_allowed("GET, HEAD");
    }
    let Some(path) = decode(request.uri().path()) else {
        return page::plain(StatusCode::BAD_REQUEST, "This address cannot be understood.");
    };
    let root = match open_root(folder) {
        Ok(root) => root,
        Err(_) => return page::come_again("The files of this app are not there."),
    };
    match find(&root, &path) {
        Found::File(name, file) => send(request, StatusCode::OK, &name, file, ticket),
        Found::Folder => {
            let query = request.uri().query().map(|query| format!("?{query}")).unwrap_or_default();
            // One slash: `//host` would lead to another site.
            page::redirect(&format!("/{}/{query}", request.uri().path().trim_matches('/')))
        }
        Found::Nothing => match open(&root, MISSING) {
            Some(file) => send(request, StatusCode::NOT_FOUND, MISSING, file, ticket),
            None => page::plain(StatusCode::NOT_FOUND, "There is nothing here."),
        },
    }
}

/// Opens the folder to serve through real folders only: a release's own files may be links to anywhere, and the relay
/// may read what the app may not. The path is absolute and, above the release, without links.
fn open_root(folder: &Path) -> io::Result<OwnedFd> {
    if !folder.is_absolute() || folder.components().any(|part| part == Component::ParentDir) {
        return Err(io::ErrorKind::InvalidInput.into());
    }
    let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
    Ok(openat2(CWD, folder, flags, Mode::empty(), ResolveFlags::NO_SYMLINKS)?)
}

enum Found {
    File(String, File),
    /// A folder with an index, asked for without its slash.
    Folder,
    Nothing,
}

fn find(root: &OwnedFd, path: &str) -> Found {
    let index = |path: &str| format!("{path}{INDEX}");
    if path.is_empty() || path.ends_with('/') {
        let name = index(path);
        return open(root, &name).map_or(Found::Nothing, |file| Found::File(name, file));
    }
    if let Some(file) = open(root, path) {
        return Found::File(path.to_owned(), file);
    }
    if open(root, &index(&format!("{path}/"))).is_some() { Found::Folder } else { Found::Nothing }
}

/// Opens a plain file beneath `root`; symbolic links may not lead out of it.
fn open(root: &OwnedFd, path: &str) -> Option<File> {
    let flags = OFlags::RDONLY | OFlags::CLOEXEC | OFlags::NONBLOCK | OFlags::NOCTTY;
    let resolve = ResolveFlags::BENEATH | ResolveFlags::NO_MAGICLINKS;
    let file = File::from(openat2(root, path, flags, Mode::empty(), resolve).ok()?);
    file.metadata().is_ok_and(|meta| meta.is_file()).then_some(file)
}

/// The path without its first slash, percent-decoded. `None` for what no file of a site is called: dot files
/// (but `.well-known`), `..`, control characters, bad UTF-8.
fn decode(path: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(path.len());
    let mut rest = path.strip_prefix('/')?.bytes();
    while let Some(byte) = rest.next() {
        bytes.push(match byte {
            b'%' => {
                let digits = [rest.next()?, rest.next()?];
                u8::from_str_radix(std::str::from_utf8(&digits).ok().filter(|_| digits[0] != b'+')?, 16).ok()?
            }
            byte => byte,
        });
    }
    let path = String::from_utf8(bytes).ok()?;
    let hidden = path.split('/').any(|part| part.starts_with('.') && part != ".well-known");
    (!hidden && path.len() <= PATH_BYTES_MAX && !path.contains(char::is_control)).then_some(path)
}

fn send<B>(request: &Request<B>, status: StatusCode, name: &str, file: File, ticket: Ticket) -> Response<Body> {
    let Ok(meta) = file.metadata() else { return page::plain(StatusCode::NOT_FOUND, "There is nothing here.") };
    let tag =
        format!("\"{:x}-{:x}-{:x}\"", meta.ino(), meta.len(), meta.mtime().wrapping_mul(1 << 20) ^ meta.mtime_nsec());
    let modified = UNIX_EPOCH + Duration::from_secs(u64::try_from(meta.mtime()).unwrap_or(0));
    let mut response = Response::new(Body::empty());
    let fresh = status == StatusCode::OK && is_known(request, &tag, modified);
    *response.status_mut() = if fresh { StatusCode::NOT_MODIFIED } else { status };
    let mut put = |name: HeaderName, value: &str| {
        if let Ok(value) = HeaderValue::from_str(value) {
            response.headers_mut().insert(name, value);
        }
    };
    put(ETAG, &tag);
    put(LAST_MODIFIED, &httpdate::fmt_http_date(modified));
    put(CACHE_CONTROL, "no-cache");
    put(HeaderName::from_static("x-content-type-options"), "nosniff");
    if !fresh {
        put(CONTENT_TYPE, content_type(name));
        put(CONTENT_LENGTH, &meta.len().to_string());
        if request.method() == Method::GET {
            *response.body_mut() = Body::File { file: Reading::new(file, meta.len()), ticket };
        }
    }
    response
}

/// Whether the client has this version already; the tag outranks the time (RFC 9110, 13.2.2).
fn is_known<B>(request: &Request<B>, tag: &str, modified: std::time::SystemTime) -> bool {
    let header = |name| request.headers().get(name).and_then(|value: &HeaderValue| value.to_str().ok());
    if let Some(known) = header(IF_NONE_MATCH) {
        return known
            .split(',')
            .any(|known| matches!(known.trim(), "*") || known.trim().trim_start_matches("W/") == tag);
    }
    header(IF_MODIFIED_SINCE).and_then(|time| httpdate::parse_http_date(time).ok()).is_some_and(|time| modified <= time)
}

fn content_type(name: &str) -> &'static str {
    let ending = name.rsplit_once('.').map_or("", |(_, ending)| ending).to_ascii_lowercase();
    TYPES.iter().find(|(known, _)| *known == ending).map_or("application/octet-stream", |(_, kind)| kind)
}

#[cfg(test)]
mod tests {
    use super::super::gate::Gate;
    use super::super::spec::Pointer;
    use super::*;
    use http_body_util::BodyExt;
    use std::os::unix::fs::symlink;

    async fn get(folder: &Path, path: &str, known: Option<&HeaderValue>) -> (u16, String, Response<()>) {
        let ticket = Gate::new(Pointer::NOTHING).enter().await.unwrap();
        let mut request = Request::builder().uri(path).body(()).unwrap();
        if let Some(known) = known {
            request.headers_mut().insert(IF_NONE_MATCH, known.clone());
        }
        let (parts, body) = answer(folder, &request, ticket).into_parts();
        let bytes = body.collect().await.unwrap().to_bytes();
        (parts.status.as_u16(), String::from_utf8(bytes.to_vec()).unwrap(), Response::from_parts(parts, ()))
    }

    #[tokio::test]
    async fn a_site_serves_its_files_and_nothing_else() {
        let dir = tempfile::tempdir().unwrap();
        let site = dir.path().join("site");
        std::fs::create_dir_all(site.join("docs")).unwrap();
        std::fs::create_dir_all(site.join(".git")).unwrap();
        for (name, text) in
            [("index.html", "home"), ("docs/index.html", "docs"), ("a b.txt", "spaced"), (".env", "x"), (".git/c", "x")]
        {
            std::fs::write(site.join(name), text).unwrap();
        }
        std::fs::write(dir.path().join("secret"), "secret").unwrap();
        symlink("../secret", site.join("out")).unwrap();
        symlink("/etc/passwd", site.join("abs")).unwrap();
        symlink("docs/index.html", site.join("in")).unwrap();
        for (path, status, text) in [
            ("/", 200, "home"),
            ("/docs/", 200, "docs"),
            ("/docs", 308, ""),
            ("/a%20b.txt", 200, "spaced"),
            ("/in", 200, "docs"),
            ("/none", 404, "nothing here"),
            ("/out", 404, "nothing here"),
            ("/abs", 404, "nothing here"),
            ("/../secret", 400, ""),
            ("/docs/%2e%2e/%2e%2e/secret", 400, ""),
            ("/%2fetc/passwd", 404, ""),
            ("/.env", 400, ""),
            ("/%2egit/c", 400, ""),
            ("/a%00b", 400, ""),
            ("/%zz", 400, ""),
            ("/index.html/", 404, ""),
        ] {
            let (got, body, _) = get(&site, path, None).await;
            assert_eq!(got, status, "{path}");
            assert!(body.contains(text), "{path}: {body}");
        }
        let (_, _, response) = get(&site, "/docs?x=1", None).await;
        assert_eq!(response.headers()["location"], "/docs/?x=1");
        std::fs::write(site.join("404.html"), "lost").unwrap();
        assert_eq!(get(&site, "/none", None).await.1, "lost");
    }

    #[tokio::test]
    async fn a_folder_reached_through_a_link_is_not_served() {
        let dir = tempfile::tempdir().unwrap();
        let at = |name: &str| dir.path().join(name);
        std::fs::create_dir_all(at("outside/site")).unwrap();
        std::fs::create_dir_all(at("tree")).unwrap();
        std::fs::write(at("outside/site/index.html"), "secret").unwrap();
        symlink("../outside", at("tree/web")).unwrap();
        symlink("../outside/site", at("tree/dist")).unwrap();
        for path in ["tree/web/site", "tree/dist", "tree/dist/.", "tree/../outside/site"] {
            let (status, body, _) = get(&at(path), "/", None).await;
            assert!(status == 503 && !body.contains("secret"), "{path}: {status} {body}");
        }
        assert_eq!(get(&at("outside/site"), "/", None).await.0, 200);
    }

    #[tokio::test]
    async fn what_the_client_has_is_not_sent_again() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("app.js"), "1").unwrap();
        let (_, _, first) = get(dir.path(), "/app.js", None).await;
        assert_eq!(first.headers()[CONTENT_TYPE], "text/javascript; charset=utf-8");
        let (status, body, _) = get(dir.path(), "/app.js", Some(&first.headers()[ETAG])).await;
        assert_eq!((status, body.as_str()), (304, ""));
    }
}
