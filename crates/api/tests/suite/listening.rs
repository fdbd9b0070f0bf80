//! The listener itself: TLS, and who gets in without it.

mod slow;
mod streaming;

use std::sync::Arc;

use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::{ClientConfig, RootCertStore, ServerConfig};
use sf_api::Serving;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsConnector;

use crate::world::World;

/// A certificate for `localhost`, and what trusts it.
pub fn certified() -> (Arc<ServerConfig>, Arc<ClientConfig>) {
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let certificate: CertificateDer<'static> = made.cert.der().clone();
    let key = PrivateKeyDer::try_from(made.signing_key.serialize_der()).unwrap();
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let server = ServerConfig::builder_with_provider(provider.clone()).with_safe_default_protocol_versions().unwrap();
    let server = server.with_no_client_auth().with_single_cert(vec![certificate.clone()], key).unwrap();
    let mut roots = RootCertStore::empty();
    roots.add(certificate).unwrap();
    let client = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
    (Arc::new(server), Arc::new(client.with_root_certificates(roots).with_no_client_auth()))
}

#[tokio::test]
async fn requests_are_answered_under_tls_and_none_after_the_stop() {
    let world = World::with(|options| options.https = true).await;
    let (server, client) = certified();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let served = sf_api::serve(listener, world.router.clone(), Serving::with(Some(server)), world.tasks.shutdown());
    world.tasks.spawn("api", sf_runtime::OnError::Stop, served);
    let plain = TcpStream::connect(address).await.unwrap();
    let name = ServerName::try_from("localhost").unwrap();
    let mut stream = TlsConnector::from(client).connect(name, plain).await.unwrap();
    let request = b"GET /api/v1/health HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n";
    stream.write_all(request).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 200 OK"), "{answer}");
    assert!(answer.to_lowercase().contains("strict-transport-security"), "{answer}");
    assert!(world.tasks.stop(std::time::Duration::from_secs(10)).await, "all tasks drained by themselves");
    assert!(TcpStream::connect(address).await.is_err(), "nobody listens any more");
}

#[tokio::test]
async fn people_sign_in_read_and_listen_under_tls() {
    let world = World::with(|options| options.https = true).await;
    let (server, client) = certified();
    // Others can reach this address.
    let listener = TcpListener::bind("0.0.0.0:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let served = sf_api::serve(listener, world.router.clone(), Serving::with(Some(server)), world.tasks.shutdown());
    world.tasks.spawn("api", sf_runtime::OnError::Stop, served);
    let dial = async || {
        let plain = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
        let name = ServerName::try_from("localhost").unwrap();
        TlsConnector::from(client.clone()).connect(name, plain).await.unwrap()
    };
    let exchange = async |head: String, body: String| {
        let mut stream = dial().await;
        let length = body.len();
        let request =
            format!("{head}\r\nhost: localhost\r\nconnection: close\r\ncontent-length: {length}\r\n\r\n{body}");
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        (head.to_owned(), serde_json::from_str::<serde_json::Value>(body).unwrap())
    };
    let body = serde_json::json!({ "email": crate::world::EMAIL, "password": crate::world::PASSWORD }).to_string();
    let login = "POST /api/v1/auth/login HTTP/1.1\r\ncontent-type: application/json".to_owned();
    let (head, signed_in) = exchange(login, body).await;
    let cookie = head.lines().find(|line| line.to_lowercase().starts_with("set-cookie:")).unwrap_or_default();
    assert!(cookie.contains("Secure") && cookie.contains("HttpOnly"), "{head}");
    let token = signed_in["data"]["accessToken"].as_str().unwrap().to_owned();
    let me = format!("GET /api/v1/auth/me HTTP/1.1\r\nauthorization: Bearer {token}");
    let (head, me) = exchange(me, String::new()).await;
    assert!(head.starts_with("HTTP/1.1 200"), "{head}");
    assert_eq!(me["data"]["user"]["email"], crate::world::EMAIL);
    let mut request = tokio_tungstenite::tungstenite::client::IntoClientRequest::into_client_request(format!(
        "wss://localhost:{port}/api/v1/ws"
    ))
    .unwrap();
    request.headers_mut().insert("authorization", format!("Bearer {token}").parse().unwrap());
    let (mut socket, _) = tokio_tungstenite::client_async(request, dial().await).await.unwrap();
    let subscribe = serde_json::json!({ "subscribe": { "topics": ["runs"] } }).to_string();
    futures_util::SinkExt::send(&mut socket, subscribe.into()).await.unwrap();
    // Signs of life come in between.
    while let Some(Ok(heard)) = futures_util::StreamExt::next(&mut socket).await {
        if heard.is_text() {
            assert!(heard.to_text().unwrap().contains("subscribed"), "{heard}");
            return;
        }
    }
    panic!("the socket ended without an answer");
}

#[tokio::test]
async fn an_address_others_can_reach_needs_tls() {
    let world = World::new().await;
    let listener = TcpListener::bind("0.0.0.0:0").await.unwrap();
    let error =
        sf_api::serve(listener, world.router.clone(), Serving::with(None), world.tasks.shutdown()).await.unwrap_err();
    assert!(error.to_string().contains("needs TLS"), "{error}");
}

#[tokio::test]
async fn one_address_cannot_keep_the_others_out() {
    let world = World::new().await;
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let serving = Serving { connections_per_address: 2, ..Serving::with(None) };
    let served = sf_api::serve(listener, world.router.clone(), serving, world.tasks.shutdown());
    world.tasks.spawn("api", sf_runtime::OnError::Stop, served);
    let from = |host: [u8; 4]| async move {
        let socket = tokio::net::TcpSocket::new_v4().unwrap();
        socket.bind((std::net::IpAddr::from(host), 0).into()).unwrap();
        let mut stream = socket.connect(address).await.unwrap();
        // A connection that is closed at once may refuse what is written to it.
        drop(stream.write_all(b"GET /api/v1/health HTTP/1.1\r\nhost: localhost\r\n\r\n").await);
        let mut first = [0; 12];
        let answered = stream.read_exact(&mut first).await.is_ok_and(|_| &first == b"HTTP/1.1 200");
        (stream, answered)
    };
    let (first, one) = from([127, 0, 0, 1]).await;
    let (_second, two) = from([127, 0, 0, 1]).await;
    let (_third, three) = from([127, 0, 0, 1]).await;
    assert_eq!((one, two, three), (true, true, false));
    let (_other, answered) = from([127, 0, 0, 2]).await;
    assert!(answered, "another address has places of its own");
    drop(first);
    // The server hears of the end a moment later.
    let mut again = false;
    for _ in 0..1_000 {
        again = from([127, 0, 0, 1]).await.1;
        if again {
            break;
        }
        tokio::task::yield_now().await;
    }
    assert!(again, "a closed connection gives its place back");
}
