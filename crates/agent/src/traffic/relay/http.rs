//! The HTTP side: each request passes the gate by itself, so that a client's kept-alive connection follows a switch.

use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use http::header::Entry;
use http::request::Parts;
use http_body_util::{Either, Empty, Limited};
use hyper::body::{Body as _, Incoming};
use hyper::header::{self, HeaderMap, HeaderName, HeaderValue};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::upgrade::OnUpgrade;
use hyper::{Method, Request, Response, StatusCode, Uri};
use hyper_util::rt::{TokioIo, TokioTimer};
use sf_runtime::{OnError, Tasks};
use tokio::net::TcpStream;

use super::body::Body;
use super::gate::{Full, Gate, Ticket};
use super::limits::{BODY_BYTES_MAX, BUFFER_BYTES_MAX, HEADER_BYTES_MAX, HEADER_TIME, HEADERS_MAX};
use super::pool::{self, Outgoing};
use super::spec::Target;
use super::{files, page};

const FORWARDED: [HeaderName; 4] = [
    HeaderName::from_static("x-forwarded-for"),
    HeaderName::from_static("x-forwarded-proto"),
    HeaderName::from_static("x-forwarded-host"),
    header::FORWARDED,
];
/// Headers that speak of one connection only (RFC 9110, 7.6.1), besides those that `Connection` names.
const HOP_BY_HOP: [HeaderName; 7] = [
    header::CONNECTION,
    HeaderName::from_static("keep-alive"),
    HeaderName::from_static("proxy-connection"),
    header::TE,
    header::TRANSFER_ENCODING,
    header::UPGRADE,
    header::PROXY_AUTHORIZATION,
];

/// Time that a process which has just ended needs to be gone.
const ENDING: Duration = Duration::from_millis(25);

/// Who a connection comes from.
#[derive(Clone, Debug)]
pub struct From {
    /// Its address.
    pub peer: SocketAddr,
    /// Whether a proxy on this machine is believed.
    pub trust: Arc<AtomicBool>,
}

impl From {
    /// Whether it may speak for others.
    fn is_believed(&self) -> bool {
        self.peer.ip().to_canonical().is_loopback() && self.trust.load(Ordering::Relaxed)
    }
}

/// Serves one client connection to its end.
pub async fn serve(gate: Arc<Gate>, tasks: Tasks, stream: TcpStream, from: From) -> Result<(), hyper::Error> {
    let shutdown = tasks.shutdown();
    let service = service_fn(move |request| {
        let (gate, tasks, from) = (gate.clone(), tasks.clone(), from.clone());
        async move { Ok::<_, Infallible>(answer(&gate, &tasks, request, &from).await) }
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEADER_TIME)
        .max_header_size(HEADER_BYTES_MAX)
        .max_buf_size(BUFFER_BYTES_MAX)
        .max_headers(HEADERS_MAX)
        .preserve_header_case(true)
        .serve_connection(TokioIo::new(stream), service)
        .with_upgrades();
    tokio::pin!(connection);
    tokio::select! {
        done = connection.as_mut() => return done,
        () = shutdown.requested() => connection.as_mut().graceful_shutdown(),
    }
    connection.await
}

async fn answer(gate: &Arc<Gate>, tasks: &Tasks, request: Request<Incoming>, from: &From) -> Response<Body> {
    if request.method() == Method::CONNECT {
        return page::method_not_allowed("GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS");
    }
    if request.body().size_hint().lower() > BODY_BYTES_MAX {
        return page::plain(StatusCode::PAYLOAD_TOO_LARGE, "The request's body is larger than 1 GiB.");
    }
    let ticket = match gate.enter().await {
        Ok(ticket) => ticket,
        Err(Full) => return page::come_again("The app is being switched and too many requests wait already."),
    };
    match &ticket.upstream().pointer.target {
        Target::Nothing => page::come_again("This app is stopped."),
        Target::Folder { path } => files::answer(&path.clone(), &request, ticket),
        Target::Port { port } => {
            let port = *port;
            match forward(tasks, request, from, ticket).await {
                Ok(response) => response,
                Err(error) => {
                    gate.failed(format!("port {port}: {error}"));
                    failure(&error)
                }
            }
        }
    }
}

fn failure(error: &io::Error) -> Response<Body> {
    if error.kind() == io::ErrorKind::ConnectionRefused {
        page::come_again("The app does not accept connections at the moment.")
    } else {
        page::plain(StatusCode::BAD_GATEWAY, "The app closed the connection before it answered.")
    }
}

async fn forward(
    tasks: &Tasks,
    mut request: Request<Incoming>,
    from: &From,
    mut ticket: Ticket,
) -> io::Result<Response<Body>> {
    let upgrade = wants_upgrade(request.headers()).map(|protocol| (protocol, hyper::upgrade::on(&mut request)));
    let (mut parts, body) = request.into_parts();
    rewrite(&mut parts, from);
    if let Some((protocol, _)) = &upgrade {
        parts.headers.insert(header::CONNECTION, HeaderValue::from_static("upgrade"));
        parts.headers.insert(header::UPGRADE, protocol.clone());
    }
    // Only what may be sent twice takes an idle connection: the app may just be closing it (RFC 9112, 9.3.1).
    let repeatable = body.is_end_stream() && parts.method.is_idempotent() && upgrade.is_none();
    let mut idle = if repeatable { ticket.upstream().pool.take().await } else { None };
    let mut body = Some(body);
    // An app that ends is found out by the requests it held: one more try each, and no more, since one of them may be why.
    let mut tries = if repeatable { 2 } else { 1 };
    let (mut response, sender) = loop {
        let (mut sender, was_idle) = match idle.take() {
            Some(sender) => (sender, true),
            None => (pool::open(&mut ticket, tasks).await?, false),
        };
        let outgoing: Outgoing = match body.take_if(|_| !repeatable) {
            Some(body) => Either::Left(Limited::new(body, usize::try_from(BODY_BYTES_MAX).unwrap_or(usize::MAX))),
            None => Either::Right(Empty::new()),
        };
        match sender.send_request(Request::from_parts(parts.clone(), outgoing)).await {
            Ok(response) => break (response, sender),
            Err(_) if was_idle => {}
            Err(error) => {
                tries -= 1;
                if tries == 0 {
                    return Err(io::Error::other(error));
                }
                // While it ends, the kernel still takes connections in its name that nobody will answer.
                ticket.follow_within(ENDING).await;
            }
        }
    };
    if response.status() == StatusCode::SWITCHING_PROTOCOLS {
        let Some((_, client)) = upgrade else {
            return Err(io::Error::other("the app switched protocols without being asked"));
        };
        let app = hyper::upgrade::on(&mut response);
        tasks.spawn("relay.upgrade", OnError::Log, tunnel(client, app, ticket));
        let (parts, _) = response.into_parts();
        return Ok(Response::from_parts(parts, Body::empty()));
    }
    remove_hop_by_hop(response.headers_mut());
    Ok(response.map(|body| Body::App { body, sender: Some(sender), ticket }))
}

async fn tunnel(client: OnUpgrade, app: OnUpgrade, ticket: Ticket) -> Result<(), hyper::Error> {
    let (client, app) = (client.await?, app.await?);
    // Either side may leave as it likes; that is no failure.
    let _ = tokio::io::copy_bidirectional(&mut TokioIo::new(client), &mut TokioIo::new(app)).await;
    drop(ticket);
    Ok(())
}

/// The protocol a client wants to switch to, where it asks properly.
fn wants_upgrade(headers: &HeaderMap) -> Option<HeaderValue> {
    let asks = headers
        .get_all(header::CONNECTION)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .any(|value| value.split(',').any(|token| token.trim().eq_ignore_ascii_case("upgrade")));
    if asks { headers.get(header::UPGRADE).cloned() } else { None }
}

/// Makes the head what the app should see: a path, no connection headers, and who really asks. What the client
/// says about forwarding is not believed, unless it is a proxy on this machine that is: then what it leaves out is
/// added and the rest is passed on, as if the app stood right behind it.
fn rewrite(parts: &mut Parts, from: &From) {
    remove_hop_by_hop(&mut parts.headers);
    if !from.is_believed() {
        for name in FORWARDED {
            parts.headers.remove(name);
        }
    }
    if let Some(authority) = parts.uri.authority()
        && let Ok(host) = HeaderValue::from_str(authority.as_str())
    {
        parts.headers.insert(header::HOST, host);
    }
    let path = parts.uri.path_and_query().map_or("/", |path| path.as_str());
    parts.uri = path.parse().unwrap_or_else(|_| Uri::from_static("/"));
    parts.version = http::Version::HTTP_11;
    let address = HeaderValue::from_str(&from.peer.ip().to_canonical().to_string()).ok();
    let host = parts.headers.get(header::HOST).cloned();
    for (name, value) in FORWARDED.into_iter().zip([address, Some(HeaderValue::from_static("http")), host]) {
        if let (Entry::Vacant(entry), Some(value)) = (parts.headers.entry(name), value) {
            entry.insert(value);
        }
    }
}

fn remove_hop_by_hop(headers: &mut HeaderMap) {
    let named: Vec<HeaderName> = headers
        .get_all(header::CONNECTION)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .filter_map(|token| token.trim().parse().ok())
        // Naming these must not strip what frames or routes the message.
        .filter(|name| *name != header::HOST && *name != header::CONTENT_LENGTH)
        .collect();
    for name in named.iter().chain(&HOP_BY_HOP) {
        headers.remove(name);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn from(peer: &str, trust: bool) -> From {
        From { peer: peer.parse().unwrap(), trust: Arc::new(trust.into()) }
    }

    #[test]
    fn only_a_proxy_on_this_machine_that_is_trusted_speaks_for_others() {
        let check = |peer, trust, said: &[(&str, &str)], expected: [&str; 3]| {
            let (mut parts, ()) = Request::builder().uri("/").header("host", "app").body(()).unwrap().into_parts();
            for (name, value) in said {
                parts.headers.append(name.parse::<HeaderName>().unwrap(), value.parse().unwrap());
            }
            rewrite(&mut parts, &from(peer, trust));
            let got = FORWARDED.each_ref().map(|name| parts.headers.get(name).map(|value| value.to_str().unwrap()));
            assert_eq!(got[..3], expected.map(Some), "{peer} {trust}");
        };
        let said = [("x-forwarded-for", "6.6.6.6"), ("x-forwarded-proto", "https"), ("x-forwarded-host", "shop")];
        check("127.0.0.1:1", true, &said, ["6.6.6.6", "https", "shop"]);
        check("[::ffff:127.0.0.1]:1", true, &said, ["6.6.6.6", "https", "shop"]);
        check("127.0.0.1:1", true, &said[1..2], ["127.0.0.1", "https", "app"]);
        check("127.0.0.1:1", false, &said, ["127.0.0.1", "http", "app"]);
        check("10.0.0.9:1", true, &said, ["10.0.0.9", "http", "app"]);
    }

    #[test]
    fn the_client_cannot_say_who_it_is_nor_strip_headers_of_ours() {
        let request = Request::builder()
            .uri("http://shop.example/a?b=c")
            .header("connection", "close, x-secret, host")
            .header("x-secret", "1")
            .header("x-forwarded-for", "6.6.6.6")
            .header("forwarded", "for=6.6.6.6")
            .header("transfer-encoding", "chunked")
            .body(())
            .unwrap();
        let (mut parts, ()) = request.into_parts();
        rewrite(&mut parts, &from("10.0.0.9:4000", true));
        assert_eq!(parts.uri, "/a?b=c");
        let mut headers: Vec<String> =
            parts.headers.iter().map(|(name, value)| format!("{name}: {}", value.to_str().unwrap())).collect();
        headers.sort();
        let expected = [
            "host: shop.example",
            "x-forwarded-for: 10.0.0.9",
            "x-forwarded-host: shop.example",
            "x-forwarded-proto: http",
        ];
        assert_eq!(headers, expected);
    }

    #[test]
    fn an_upgrade_needs_both_headers() {
        let check = |pairs: &[(&'static str, &'static str)], expected| {
            let headers =
                pairs.iter().map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_static(value)));
            assert_eq!(wants_upgrade(&headers.collect()).is_some(), expected);
        };
        check(&[("connection", "keep-alive, Upgrade"), ("upgrade", "websocket")], true);
        check(&[("upgrade", "websocket")], false);
        check(&[("connection", "upgrade")], false);
    }
}
