//! The client against servers that mean no good.

#![expect(clippy::unwrap_used, reason = "a test says by panicking")]

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use reqwest::header::HeaderMap;
use sf_egress::client::MAX_ANSWER_BYTES;
use sf_egress::{Answer, Egress, Failed, Options, Post, Refused};
use sf_runtime::{OnError, Tasks};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpListener;

const SHORT: Duration = Duration::from_millis(400);

struct Server {
    address: SocketAddr,
    met: Arc<AtomicUsize>,
    tasks: Tasks,
}

/// Answers each connection with `said`; then with nothing, or with `endless` for ever.
async fn server(said: &'static str, endless: bool) -> Server {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let (address, met, tasks) = (listener.local_addr().unwrap(), Arc::new(AtomicUsize::new(0)), Tasks::new());
    let (counter, owner) = (met.clone(), tasks.clone());
    tasks.spawn("server", OnError::Log, async move {
        while let Ok((stream, _)) = listener.accept().await {
            counter.fetch_add(1, Ordering::SeqCst);
            owner.spawn("connection", OnError::Log, async move {
                drop(speak(stream, said, endless).await);
                Ok::<(), std::io::Error>(())
            });
        }
        Ok::<(), std::io::Error>(())
    });
    Server { address, met, tasks }
}

async fn speak(mut stream: impl AsyncRead + AsyncWrite + Unpin, said: &str, endless: bool) -> std::io::Result<()> {
    let mut head = [0; 4096];
    let _asked = stream.read(&mut head).await?;
    stream.write_all(said.as_bytes()).await?;
    if endless {
        loop {
            stream.write_all(&[b'a'; 4096]).await?;
        }
    }
    // Whoever says nothing keeps the line.
    let _more = stream.read(&mut head).await?;
    Ok(())
}

fn client() -> Egress {
    let options = Options { allowed_networks: vec!["127.0.0.0/8".parse().unwrap()], ca: None };
    Egress::hurried(&options, SHORT).unwrap()
}

async fn post(egress: &Egress, url: &str) -> Result<Answer, Failed> {
    let to = egress.target(url)?;
    egress.post(Post { to, headers: HeaderMap::new(), body: b"{}".to_vec() }).await
}

#[tokio::test]
async fn a_redirect_is_an_answer_and_goes_nowhere() {
    let victim = server("HTTP/1.1 200 OK\r\ncontent-length: 6\r\n\r\nsecret", false).await;
    for to in ["http://169.254.169.254/latest/meta-data", &format!("http://{}/", victim.address)] {
        let said = format!("HTTP/1.1 307 Temporary Redirect\r\nlocation: {to}\r\ncontent-length: 0\r\n\r\n");
        let server = server(said.leak(), false).await;
        let answer = post(&client(), &format!("http://{}/", server.address)).await.unwrap();
        assert_eq!((answer.status, answer.body.len()), (307, 0));
        server.tasks.stop(Duration::ZERO).await;
    }
    assert_eq!(victim.met.load(Ordering::SeqCst), 0, "nobody was sent on");
    victim.tasks.stop(Duration::ZERO).await;
}

#[tokio::test]
async fn an_answer_without_end_is_cut_and_its_status_counts() {
    let server = server("HTTP/1.1 503 Busy\r\nretry-after: 7\r\ntransfer-encoding: identity\r\n\r\n", true).await;
    let answer = post(&client(), &format!("http://{}/", server.address)).await.unwrap();
    assert_eq!((answer.status, answer.retry_after), (503, Some(Duration::from_secs(7))));
    assert_eq!(answer.body.len(), MAX_ANSWER_BYTES);
    server.tasks.stop(Duration::ZERO).await;
}

#[tokio::test]
async fn a_server_that_says_nothing_is_left_in_time() {
    let begun = Instant::now();
    let silent = server("", false).await;
    let answer = post(&client(), &format!("http://{}/", silent.address)).await;
    assert!(matches!(answer, Err(Failed::Slow { .. })), "{answer:?}");
    // One that has said how it went has answered, whether or not the rest ever comes.
    let half = server("HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nhalf", false).await;
    let answer = post(&client(), &format!("http://{}/", half.address)).await.unwrap();
    assert_eq!((answer.status, answer.body.as_slice()), (200, &b"half"[..]));
    assert!(begun.elapsed() < Duration::from_secs(5));
    silent.tasks.stop(Duration::ZERO).await;
    half.tasks.stop(Duration::ZERO).await;
}

#[tokio::test]
async fn names_of_this_machine_are_refused_unless_allowed() {
    let server = server("HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n", false).await;
    let strict = Egress::hurried(&Options::default(), SHORT).unwrap();
    let answer = post(&strict, &format!("https://localhost:{}/", server.address.port())).await;
    assert!(matches!(answer, Err(Failed::Refused(Refused::Private { .. }))), "{answer:?}");
    let answer = post(&strict, &format!("http://localhost:{}/", server.address.port())).await;
    assert_eq!(answer, Err(Failed::Refused(Refused::Plain)));
    assert_eq!(server.met.load(Ordering::SeqCst), 0);
    // A target that somebody else's options let pass is judged by one's own.
    let to = client().target(&format!("http://{}/", server.address)).unwrap();
    let answer = strict.post(Post { to, headers: HeaderMap::new(), body: Vec::new() }).await;
    assert_eq!(answer, Err(Failed::Refused(Refused::Plain)));
    server.tasks.stop(Duration::ZERO).await;
}

#[tokio::test]
async fn tls_holds_only_with_an_authority_that_is_known() {
    let folder = tempfile::tempdir().unwrap();
    let made = rcgen::generate_simple_self_signed(["127.0.0.1".to_owned()]).unwrap();
    let ca = folder.path().join("ca.pem");
    std::fs::write(&ca, made.cert.pem()).unwrap();
    let key = rustls::pki_types::PrivateKeyDer::Pkcs8(made.signing_key.serialize_der().into());
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = rustls::ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
    let config = config.with_no_client_auth().with_single_cert(vec![made.cert.der().clone()], key).unwrap();
    let acceptor = tokio_rustls::TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let (address, tasks) = (listener.local_addr().unwrap(), Tasks::new());
    tasks.spawn("server", OnError::Log, async move {
        while let Ok((stream, _)) = listener.accept().await {
            if let Ok(stream) = acceptor.accept(stream).await {
                drop(speak(stream, "HTTP/1.1 204 No Content\r\nconnection: close\r\n\r\n", false).await);
            }
        }
        Ok::<(), std::io::Error>(())
    });
    let options = |ca| Options { allowed_networks: vec!["127.0.0.0/8".parse().unwrap()], ca };
    let url = format!("https://{address}/");
    let stranger = post(&Egress::hurried(&options(None), SHORT).unwrap(), &url).await;
    assert!(matches!(&stranger, Err(Failed::Unreachable { why, .. }) if why.contains("certificate")), "{stranger:?}");
    let known = post(&Egress::hurried(&options(Some(ca)), SHORT).unwrap(), &url).await;
    assert_eq!(known.map(|answer| answer.status), Ok(204));
    let absent = Egress::new(&options(Some("/absent.pem".into())));
    assert!(absent.is_err_and(|why| why.to_string().contains("/absent.pem")));
    tasks.stop(Duration::ZERO).await;
}
