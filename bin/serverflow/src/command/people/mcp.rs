//! `mcp`: a bridge for AI hosts that start a program and speak to it by its standard input and output, a message a line.
//!
//! What is written to standard output is of the protocol; everything else goes to standard error. It ends with its input.

mod message;

use std::collections::HashMap;
use std::convert::Infallible;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use reqwest::{Response, StatusCode, header};
use serde_json::Value;
use sf_runtime::{OnError, Tasks};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader, Stdout};
use tokio::sync::oneshot;

use self::message::{Events, Message, error};
use crate::client::Client;
use crate::context::Context;
use crate::failure::{Done, Exit, Failure};

/// Bytes of a line at the most: 1 MiB, as the control plane takes them.
const MAX_LINE: u64 = 1024 * 1024;
/// Time that what was asked before the end of the input gets to be answered.
const DRAIN: Duration = Duration::from_secs(5);
/// Our own trouble, in the protocol's numbers.
const INTERNAL: i64 = -32603;
/// No message.
const PARSE: i64 = -32700;

/// Bridges until standard input ends.
///
/// # Errors
/// Nobody is signed in, or an unusable address. What goes wrong later is an answer to the request it happened to.
pub async fn run(context: &Context) -> Done {
    let tasks = Tasks::new();
    let bridge = Bridge(Arc::new(Inner {
        client: context.client()?,
        context: context.clone(),
        out: tokio::sync::Mutex::new(tokio::io::stdout()),
        session: Mutex::default(),
        open: Mutex::default(),
    }));
    let mut input = BufReader::new(tokio::io::stdin());
    loop {
        let mut line = String::new();
        match (&mut input).take(MAX_LINE).read_line(&mut line).await {
            Ok(0) => break,
            Ok(_) if line.trim().is_empty() => {}
            Ok(_) if !line.ends_with('\n') && line.len() as u64 == MAX_LINE => {
                let message = format!("A message has at most {MAX_LINE} bytes.");
                return Err(Failure::new(Exit::Failed, "mcp.line", message).fix("Send less at once."));
            }
            Ok(_) => bridge.take(&tasks, &line).await,
            Err(error) => {
                return Err(Failure::new(
                    Exit::Failed,
                    "mcp.input",
                    format!("Standard input cannot be read: {error}."),
                ));
            }
        }
    }
    tasks.stop(DRAIN).await;
    bridge.leave().await;
    Ok(Exit::Succeeded)
}

/// What all messages share.
#[derive(Clone)]
struct Bridge(Arc<Inner>);

struct Inner {
    client: Client,
    context: Context,
    out: tokio::sync::Mutex<Stdout>,
    session: Mutex<Option<Session>>,
    /// Requests that are not answered yet, and how to give each up.
    open: Mutex<HashMap<String, oneshot::Sender<()>>>,
}

/// Of the older protocol.
#[derive(Clone)]
struct Session {
    id: String,
    revision: String,
    /// What it was opened with: a control plane that was started again is asked for another.
    opening: Message,
}

impl Bridge {
    /// One line from the host.
    async fn take(&self, tasks: &Tasks, line: &str) {
        let message = match Message::read(line) {
            Ok(message) => message,
            Err(why) => return self.say(&error(None, PARSE, &format!("This is no message: {why}."))).await,
        };
        if message.method() == Some("initialize") {
            // What follows needs the session.
            return self.open_session(&message).await;
        }
        if let Some(id) = message.cancels()
            && self.session().is_none()
        {
            // In the newer protocol, to leave is to cancel.
            drop(self.0.open.lock().unwrap_or_else(PoisonError::into_inner).remove(&id.to_string()));
            return;
        }
        let Some(id) = message.id() else {
            // Notices and answers keep their order: what follows may rest on them.
            return self.carry(&message).await;
        };
        let (bridge, cancelled) = (self.clone(), self.opened(id));
        tasks.spawn("mcp message", OnError::Log, async move {
            tokio::select! {
                () = bridge.carry(&message) => {}
                // Dropped without a word: given up.
                _ = cancelled => {}
            }
            bridge.closed(&message);
            Ok::<(), Infallible>(())
        });
    }

    fn opened(&self, id: &Value) -> oneshot::Receiver<()> {
        let (give_up, given_up) = oneshot::channel();
        self.0.open.lock().unwrap_or_else(PoisonError::into_inner).insert(id.to_string(), give_up);
        given_up
    }

    fn closed(&self, message: &Message) {
        if let Some(id) = message.id() {
            drop(self.0.open.lock().unwrap_or_else(PoisonError::into_inner).remove(&id.to_string()));
        }
    }

    fn session(&self) -> Option<Session> {
        self.0.session.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    async fn open_session(&self, message: &Message) {
        match self.sent(message, None).await {
            Ok(response) => {
                let id = response.headers().get("mcp-session-id").and_then(|id| id.to_str().ok()).map(str::to_owned);
                let mut revision = String::new();
                self.pass_on(message, response, |answer| {
                    revision =
                        answer.pointer("/result/protocolVersion").and_then(Value::as_str).unwrap_or_default().into();
                })
                .await;
                if let Some(id) = id {
                    let session = Session { id, revision, opening: message.clone() };
                    *self.0.session.lock().unwrap_or_else(PoisonError::into_inner) = Some(session);
                }
            }
            Err(failure) => self.fail(message, &failure).await,
        }
    }

    /// Sends a message and hands the answer to the host.
    async fn carry(&self, message: &Message) {
        let session = self.session();
        let response = match self.sent(message, session.as_ref()).await {
            Ok(response) if response.status() == StatusCode::NOT_FOUND && message.revision().is_none() => {
                match self.anew(session).await {
                    Some(session) => self.sent(message, Some(&session)).await,
                    None => Ok(response),
                }
            }
            answered => answered,
        };
        match response {
            Ok(response) => self.pass_on(message, response, |_| {}).await,
            Err(failure) => self.fail(message, &failure).await,
        }
    }

    /// Another session in the place of one that is over; the host does not notice.
    async fn anew(&self, over: Option<Session>) -> Option<Session> {
        let over = over?;
        let response = self.sent(&over.opening, None).await.ok()?;
        let id = response.headers().get("mcp-session-id")?.to_str().ok()?.to_owned();
        let session = Session { id, ..over };
        let ready = Message::read(r#"{"jsonrpc":"2.0","method":"notifications/initialized"}"#).ok()?;
        self.sent(&ready, Some(&session)).await.ok()?;
        *self.0.session.lock().unwrap_or_else(PoisonError::into_inner) = Some(session.clone());
        Some(session)
    }

    async fn sent(&self, message: &Message, session: Option<&Session>) -> Result<Response, Failure> {
        let mut headers = message.headers();
        headers.push(("accept", "application/json, text/event-stream".to_owned()));
        headers.push(("content-type", "application/json".to_owned()));
        if let Some(session) = session.filter(|_| message.revision().is_none()) {
            headers.push(("mcp-session-id", session.id.clone()));
            headers.push(("mcp-protocol-version", session.revision.clone()));
        }
        self.0.client.message(&headers, message.text()).await
    }

    /// Hands on each message of an answer as it comes.
    async fn pass_on(&self, asked: &Message, mut response: Response, mut look: impl FnMut(&Value)) {
        let status = response.status();
        let kind = response.headers().get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
        if !kind.starts_with("text/event-stream") {
            let text = response.text().await.unwrap_or_default();
            return self.whole(asked, status, &text, look).await;
        }
        let mut events = Events::default();
        loop {
            match response.chunk().await {
                Ok(Some(piece)) => {
                    for text in events.take(&piece) {
                        let Ok(value) = serde_json::from_str::<Value>(&text) else { continue };
                        look(&value);
                        self.say(&value.to_string()).await;
                    }
                }
                Ok(None) => return,
                Err(broken) => {
                    let message =
                        format!("The answer broke off: {broken}. Look whether it was done before you ask again.");
                    let failure = Failure::new(Exit::Unreachable, "mcp.broken_off", message);
                    return self.fail(asked, &failure).await;
                }
            }
        }
    }

    /// An answer that came at once. What the door itself answers names no request: it is put in.
    async fn whole(&self, asked: &Message, status: StatusCode, text: &str, mut look: impl FnMut(&Value)) {
        let Ok(mut value) = serde_json::from_str::<Value>(text) else {
            if !status.is_success() {
                let failure = Failure::new(Exit::Failed, "mcp.status", format!("The control plane answered {status}."));
                self.fail(asked, &failure).await;
            }
            return;
        };
        look(&value);
        let is_message = value.get("jsonrpc").is_some();
        if !status.is_success() {
            let said = value.pointer("/error/message").and_then(Value::as_str).unwrap_or_default();
            self.0.context.screen.note(&format!("{status}: {said}{}", hint(status)));
        }
        match asked.id() {
            Some(id) if is_message => {
                if value.get("id").is_none_or(Value::is_null) {
                    value["id"] = id.clone();
                }
                self.say(&value.to_string()).await;
            }
            Some(id) => {
                let said = value.pointer("/error/message").and_then(Value::as_str).unwrap_or("It was refused.");
                self.say(&error(Some(id), INTERNAL, said)).await;
            }
            None => {}
        }
    }

    /// Tells the host, where it waits, and whoever reads along.
    async fn fail(&self, asked: &Message, failure: &Failure) {
        let text = format!("{} {}", failure.message, failure.fix);
        self.0.context.screen.note(text.trim());
        if let Some(id) = asked.id() {
            self.say(&error(Some(id), INTERNAL, text.trim())).await;
        }
    }

    async fn say(&self, line: &str) {
        let mut out = self.0.out.lock().await;
        // A host that reads no more has ended us; its input ends next.
        drop(out.write_all(format!("{line}\n").as_bytes()).await);
        drop(out.flush().await);
    }

    /// A session that nobody will use any more.
    async fn leave(&self) {
        if let Some(session) = self.session() {
            let headers = [("mcp-session-id", session.id), ("mcp-protocol-version", session.revision)];
            drop(tokio::time::timeout(DRAIN, self.0.client.end_session(&headers)).await);
        }
    }
}

/// What people do about it, beside what the answer says.
fn hint(status: StatusCode) -> &'static str {
    match status {
        StatusCode::UNAUTHORIZED => " Sign in with `serverflow login`, or set SERVERFLOW_TOKEN.",
        _ => "",
    }
}
