//! What takes messages, for tests: an HTTP server that keeps what it is given, and answers as told to.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::response::Response;
use http::HeaderMap;
use http_body_util::BodyExt;
use serde_json::Value;
use sf_runtime::{OnError, Tasks};
use tokio::sync::mpsc;

/// Longer than anything here takes.
const PATIENCE: Duration = Duration::from_secs(20);

/// A request as it arrived.
#[derive(Debug)]
pub struct Post {
    pub path: String,
    pub headers: HeaderMap,
    pub body: Vec<u8>,
}

impl Post {
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap()
    }

    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).unwrap_or_else(|| panic!("{name} of {:?}", self.headers)).to_str().unwrap()
    }
}

/// What it answers.
#[derive(Debug)]
pub enum Says {
    Status(u16),
    /// Too much: come back after so many seconds.
    Wait(u64),
    Redirect(&'static str),
    /// 200, and more than anybody wants to read.
    Much,
    /// It takes the request and says nothing.
    Nothing,
}

#[derive(Clone)]
struct Inner {
    says: Arc<Mutex<VecDeque<Says>>>,
    posts: mpsc::UnboundedSender<Post>,
}

pub struct Receiver {
    port: u16,
    says: Arc<Mutex<VecDeque<Says>>>,
    posts: mpsc::UnboundedReceiver<Post>,
}

impl Receiver {
    pub async fn start(tasks: &Tasks) -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let (give, posts) = mpsc::unbounded_channel();
        let says: Arc<Mutex<VecDeque<Says>>> = Arc::default();
        let router = Router::new().fallback(take).with_state(Inner { says: says.clone(), posts: give });
        tasks.spawn("receiver", OnError::Log, async move { axum::serve(listener, router).await });
        Self { port, says, posts }
    }

    pub fn url(&self, path: &str) -> String {
        format!("http://127.0.0.1:{}{path}", self.port)
    }

    /// Answers the next requests so; those after them with 200.
    pub fn says(&self, says: impl IntoIterator<Item = Says>) {
        self.says.lock().unwrap().extend(says);
    }

    pub async fn next(&mut self) -> Post {
        tokio::time::timeout(PATIENCE, self.posts.recv()).await.expect("a message in time").unwrap()
    }

    /// Messages that arrived and were not looked at.
    pub fn unread(&self) -> usize {
        self.posts.len()
    }
}

async fn take(State(inner): State<Inner>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let body = body.collect().await.unwrap().to_bytes().to_vec();
    let says = inner.says.lock().unwrap().pop_front();
    drop(inner.posts.send(Post { path: parts.uri.path().to_owned(), headers: parts.headers, body }));
    let response = Response::builder();
    match says {
        None => response.body(Body::from("ok")),
        Some(Says::Status(status)) => response.status(status).body(Body::empty()),
        Some(Says::Wait(secs)) => response.status(429).header("retry-after", secs).body(Body::empty()),
        Some(Says::Redirect(to)) => response.status(307).header("location", to).body(Body::empty()),
        Some(Says::Much) => response.body(Body::from(vec![b'a'; 8 << 20])),
        Some(Says::Nothing) => std::future::pending().await,
    }
    .unwrap()
}
