//! Programs by their documents (CIMD), over TLS: what is fetched, what is not, and how often.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use http::StatusCode;
use serde_json::json;
use sf_runtime::{OnError, Tasks};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

use super::{Host, REDIRECT, caller};
use crate::world::World;

/// A name that every resolver leads inside.
const NAME: &str = "localhost";

/// A web server with documents of programs, which says that it is asked by a name, or by its address.
struct Web {
    base: String,
    ca: PathBuf,
    asked: Arc<AtomicUsize>,
    _folder: tempfile::TempDir,
}

impl Web {
    async fn start(tasks: &Tasks) -> Self {
        Self::called("127.0.0.1", tasks).await
    }

    async fn called(host: &str, tasks: &Tasks) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base = format!("https://{host}:{}", listener.local_addr().unwrap().port());
        let folder = tempfile::tempdir().unwrap();
        let made = rcgen::generate_simple_self_signed(["127.0.0.1".to_owned(), NAME.to_owned()]).unwrap();
        let ca = folder.path().join("ca.pem");
        std::fs::write(&ca, made.cert.pem()).unwrap();
        let key = rustls::pki_types::PrivateKeyDer::Pkcs8(made.signing_key.serialize_der().into());
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let config = rustls::ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
        let config = config.unwrap().with_no_client_auth().with_single_cert(vec![made.cert.der().clone()], key);
        let acceptor = TlsAcceptor::from(Arc::new(config.unwrap()));
        let asked: Arc<AtomicUsize> = Arc::default();
        let (own, count, owner) = (base.clone(), asked.clone(), tasks.clone());
        tasks.spawn("documents", OnError::Log, async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (acceptor, own, count) = (acceptor.clone(), own.clone(), count.clone());
                owner.spawn("a document", OnError::Log, async move {
                    let mut stream = acceptor.accept(stream).await?;
                    let mut bytes = vec![0; 4096];
                    let read = stream.read(&mut bytes).await?;
                    count.fetch_add(1, Ordering::Relaxed);
                    let text = String::from_utf8_lossy(&bytes[..read]).into_owned();
                    let path = text.split(' ').nth(1).unwrap_or_default();
                    if path == "/slow.json" {
                        // Until the other side gives up.
                        drop(stream.read(&mut bytes).await);
                        return Ok(());
                    }
                    stream.write_all(said(&own, path).as_bytes()).await?;
                    stream.shutdown().await
                });
            }
            Ok::<(), std::io::Error>(())
        });
        Self { base, ca, asked, _folder: folder }
    }

    fn host(&self, path: &str) -> Host {
        Host::of(&format!("{}{path}", self.base))
    }
}

fn said(base: &str, path: &str) -> String {
    let named = if path == "/other.json" { "/client.json" } else { path };
    let mut body =
        json!({ "client_id": format!("{base}{named}"), "client_name": "Claude", "redirect_uris": [REDIRECT] });
    let (status, more) = match path {
        "/redirect.json" => ("302 Found", format!("location: {base}/client.json\r\n")),
        "/gone.json" => ("404 Not Found", String::new()),
        "/huge.json" => {
            body["padding"] = "x".repeat(64 * 1024).into();
            ("200 OK", String::new())
        }
        "/secret.json" => {
            body["client_secret"] = "x".into();
            ("200 OK", String::new())
        }
        _ => ("200 OK", "cache-control: max-age=600\r\n".to_owned()),
    };
    let body = body.to_string();
    format!("HTTP/1.1 {status}\r\ncontent-length: {}\r\n{more}connection: close\r\n\r\n{body}", body.len())
}

#[tokio::test]
async fn a_document_says_who_a_program_is_for_as_long_as_it_says() {
    let tasks = Tasks::new();
    let web = Web::start(&tasks).await;
    let world = World::trusting(&web.ca).await;
    let host = web.host("/client.json");
    let seen = host.look(&world, &world.token).await.expect(200);
    let authority = web.base.strip_prefix("https://").unwrap();
    assert_eq!((&seen["host"], &seen["name"]), (&json!(authority), &json!("Claude")));
    let tokens = host.tokens(&world, &world.token, &["read"]).await;
    assert_eq!(caller(&world, &tokens.access).await.unwrap().client, format!("Claude ({authority})"));
    assert_eq!(web.asked.load(Ordering::Relaxed), 1, "it may be kept for ten minutes");
    world.pass(Duration::from_secs(601)).await;
    host.look(&world, &world.token).await.expect(200);
    assert_eq!(web.asked.load(Ordering::Relaxed), 2);
    tasks.stop(Duration::ZERO).await;
}

#[tokio::test]
async fn a_document_that_is_none_or_leads_elsewhere_lets_nobody_in() {
    let tasks = Tasks::new();
    let web = Web::start(&tasks).await;
    let world = World::trusting(&web.ca).await;
    for (path, code, part) in [
        ("/other.json", "oauth.invalid_client_metadata", "another program"),
        ("/secret.json", "oauth.invalid_client_metadata", "public programs"),
        ("/redirect.json", "oauth.client_document", "302"),
        ("/gone.json", "oauth.client_document", "404"),
        ("/huge.json", "oauth.invalid_client_metadata", "cannot be read"),
        ("/slow.json", "oauth.client_document", "could not be fetched"),
    ] {
        let seen = web.host(path).look(&world, &world.token).await;
        assert_eq!((seen.status, seen.code()), (StatusCode::BAD_REQUEST, code), "{path}: {}", seen.body);
        assert!(seen.body["error"]["message"].as_str().unwrap().contains(part), "{path}: {}", seen.body);
    }
    assert_eq!(web.asked.load(Ordering::Relaxed), 6, "no redirect was followed");
    for inside in ["10.0.0.1", "169.254.169.254", "[::1]", "192.168.1.1", "100.64.0.1", "2130706434"] {
        let host = Host::of(&format!("https://{inside}/client.json"));
        let seen = host.look(&world, &world.token).await;
        // Loopback is what this one's operator allows; nothing else inside is.
        assert_eq!(seen.code(), "oauth.client_document", "{inside}: {}", seen.body);
        if inside != "2130706434" {
            assert!(seen.body.to_string().contains("not in the public internet"), "{inside}: {}", seen.body);
        }
    }
    tasks.stop(Duration::ZERO).await;
}

/// What stands in the address is a name like any other: only what it resolves to gives it away.
#[tokio::test]
async fn a_name_that_leads_inside_is_not_asked_for_a_document() {
    let tasks = Tasks::new();
    let web = Web::called(NAME, &tasks).await;
    let host = web.host("/client.json");
    let world = World::trusting(&web.ca).await;
    // One of its addresses is not among those that are allowed here, or none is: that is enough.
    for networks in [&[][..], &["10.0.0.0/8"], &["127.0.0.2/32"]] {
        let world = World::trusting(&web.ca).await.reaching(networks).await;
        let seen = host.look(&world, &world.token).await;
        assert_eq!((seen.status, seen.code()), (StatusCode::BAD_REQUEST, "oauth.client_document"), "{}", seen.body);
        let said = seen.body["error"]["message"].as_str().unwrap().to_owned();
        assert!(said.contains(NAME) && said.contains("not in the public internet"), "{said}");
        let decided =
            host.decide(&world, &world.token, json!({ "asked": host.wish, "allow": true, "scopes": ["read"] }));
        assert_eq!(decided.await.code(), "oauth.client_document", "nor is it let in unseen");
    }
    assert_eq!(web.asked.load(Ordering::Relaxed), 0, "nobody dialled it");
    // It is the network that was in the way, and nothing else.
    let world = world.reaching(&["127.0.0.0/8", "::1/128"]).await;
    host.look(&world, &world.token).await.expect(200);
    assert_eq!(web.asked.load(Ordering::Relaxed), 1);
    tasks.stop(Duration::ZERO).await;
}
