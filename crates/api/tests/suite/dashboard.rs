//! The dashboard's files beside the API: who gets what, how long it may be kept, what may run in it.

use axum::body::Body;
use http::{HeaderMap, Method, Request};
use http_body_util::BodyExt;
use rust_embed::RustEmbed;
use sf_api::dashboard::Dashboard;
use tower::ServiceExt;

use crate::world::World;

/// A dashboard as the web build leaves it.
#[derive(RustEmbed)]
#[folder = "tests/dashboard"]
struct Small;

/// What a program holds that was built without one.
#[derive(RustEmbed)]
#[folder = "tests/no-dashboard"]
#[allow_missing = true]
struct Missing;

const INDEX: &[u8] = include_bytes!("../dashboard/index.html");
const SCRIPT: &[u8] = include_bytes!("../dashboard/assets/app-1a2b3c4d.js");
const COMPRESSED: &[u8] = include_bytes!("../dashboard/assets/app-1a2b3c4d.js.br");
const SCRIPT_PATH: &str = "/assets/app-1a2b3c4d.js";

struct Page {
    status: u16,
    headers: HeaderMap,
    body: Vec<u8>,
}

impl Page {
    fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }
}

async fn small() -> World {
    World::with(|options| options.dashboard = Dashboard::of::<Small>()).await
}

async fn ask(world: &World, method: Method, path: &str, headers: &[(&str, &str)]) -> Page {
    let mut request = Request::builder().method(method).uri(path).header("host", "localhost:7400");
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let response = world.router.clone().oneshot(request.body(Body::empty()).unwrap()).await.unwrap();
    let (parts, body) = response.into_parts();
    let body = body.collect().await.unwrap().to_bytes().to_vec();
    Page { status: parts.status.as_u16(), headers: parts.headers, body }
}

#[tokio::test]
async fn each_address_has_its_answer() {
    let world = small().await;
    for (method, path, status, body) in [
        (Method::GET, "/", 200, INDEX),
        (Method::GET, "/index.html", 200, INDEX),
        (Method::GET, "/apps/0193a1b2-7c3d-7e4f-8a5b-6c7d8e9f0a1b?tab=log", 200, INDEX),
        (Method::GET, "/apiary", 200, INDEX),
        (Method::GET, SCRIPT_PATH, 200, SCRIPT),
    ] {
        let page = ask(&world, method, path, &[]).await;
        assert_eq!((page.status, page.body.as_slice()), (status, body), "{path}");
    }
    for (method, path) in [
        (Method::GET, "/assets/app-00000000.js"),
        (Method::GET, "/assets/app"),
        (Method::GET, "/assets/app-1a2b3c4d.js.br"),
        (Method::GET, "/missing.png"),
        (Method::GET, "/../Cargo.toml"),
        (Method::GET, "/..%2f..%2fCargo.toml"),
        (Method::GET, "/api"),
        (Method::GET, "/api/"),
        (Method::GET, "/api/v1/nothing"),
        (Method::GET, "/api/v2/apps"),
        (Method::POST, "/"),
        (Method::POST, "/apps"),
    ] {
        let page = ask(&world, method, path, &[("accept", "text/html")]).await;
        let body: serde_json::Value = serde_json::from_slice(&page.body).unwrap();
        assert_eq!((page.status, body["error"]["code"].as_str()), (404, Some("route.not_found")), "{path}");
        assert_eq!(page.header("cache-control"), "no-store", "{path}");
    }
}

#[tokio::test]
async fn a_credential_is_neither_needed_nor_looked_at() {
    let world = small().await;
    for credential in ["", "Bearer garbage", "Bearer sf_"] {
        for path in ["/", "/nodes", SCRIPT_PATH] {
            let page = ask(&world, Method::GET, path, &[("authorization", credential)]).await;
            assert_eq!(page.status, 200, "{path} {credential}");
        }
    }
}

#[tokio::test]
async fn what_is_named_by_its_hash_is_kept_and_the_page_is_asked_for_anew() {
    let world = small().await;
    for (path, cached, kind) in [
        (SCRIPT_PATH, "public, max-age=31536000, immutable", "text/javascript; charset=utf-8"),
        ("/", "no-cache", "text/html; charset=utf-8"),
        ("/nodes", "no-cache", "text/html; charset=utf-8"),
        ("/icon.svg", "no-cache", "image/svg+xml"),
    ] {
        let page = ask(&world, Method::GET, path, &[]).await;
        assert_eq!((page.header("cache-control"), page.header("content-type")), (cached, kind), "{path}");
        let tag = page.header("etag").to_owned();
        assert!(tag.starts_with('"') && tag.len() == 66, "{path} has a strong tag: {tag}");
        let known = ask(&world, Method::GET, path, &[("if-none-match", &format!("\"other\", {tag}"))]).await;
        assert_eq!((known.status, known.body.len(), known.header("etag")), (304, 0, tag.as_str()), "{path}");
        let other = ask(&world, Method::GET, path, &[("if-none-match", "\"other\"")]).await;
        assert_eq!(other.status, 200, "{path}");
    }
}

#[tokio::test]
async fn brotli_goes_to_those_who_take_it() {
    let world = small().await;
    let plain = ask(&world, Method::GET, SCRIPT_PATH, &[("accept-encoding", "gzip")]).await;
    assert_eq!((plain.header("content-encoding"), plain.body.as_slice()), ("", SCRIPT));
    let small = ask(&world, Method::GET, SCRIPT_PATH, &[("accept-encoding", "gzip, br")]).await;
    assert_eq!((small.header("content-encoding"), small.body.as_slice()), ("br", COMPRESSED));
    assert_eq!(small.header("content-type"), plain.header("content-type"));
    for page in [&plain, &small] {
        assert_eq!(page.header("vary"), "Accept-Encoding");
    }
    assert_ne!(plain.header("etag"), small.header("etag"), "each form has its own tag");
    // Kept plain alone.
    let icon = ask(&world, Method::GET, "/icon.svg", &[("accept-encoding", "br")]).await;
    assert_eq!((icon.status, icon.header("content-encoding")), (200, ""));
}

#[tokio::test]
async fn nothing_runs_in_it_but_its_own_files() {
    let world = small().await;
    for (https, socket) in [(false, "ws://localhost:7400"), (true, "wss://localhost:7400")] {
        let world = World::with(|options| {
            options.dashboard = Dashboard::of::<Small>();
            options.https = https;
        })
        .await;
        let expected = format!(
            "default-src 'self'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; \
             connect-src 'self' {socket}; frame-ancestors 'none'; base-uri 'none'; form-action 'self'; object-src 'none'"
        );
        for path in ["/", "/nodes", SCRIPT_PATH] {
            let page = ask(&world, Method::GET, path, &[]).await;
            assert_eq!(page.header("content-security-policy"), expected, "{path}");
            assert_eq!(page.header("x-content-type-options"), "nosniff", "{path}");
        }
    }
    let data = ask(&world, Method::GET, "/api/v1/health", &[]).await;
    assert!(data.header("content-security-policy").starts_with("default-src 'none'"));
    let foreign = Request::get("/").header("host", "evil.example.org").body(Body::empty()).unwrap();
    assert_eq!(world.raw(foreign).await.code(), "host.unknown");
}

#[tokio::test]
async fn without_a_dashboard_a_page_says_how_to_get_it() {
    let world = World::with(|options| options.dashboard = Dashboard::of::<Missing>()).await;
    for path in ["/", "/nodes"] {
        let page = ask(&world, Method::GET, path, &[]).await;
        assert_eq!((page.status, page.header("content-type")), (404, "text/html; charset=utf-8"), "{path}");
        assert!(String::from_utf8_lossy(&page.body).contains("make dashboard"), "{path}");
        assert!(page.header("content-security-policy").starts_with("default-src 'self'"), "{path}");
    }
    assert_eq!(ask(&world, Method::GET, SCRIPT_PATH, &[]).await.status, 404);
    assert_eq!(ask(&world, Method::GET, "/api/v1/health", &[]).await.status, 200);
}
