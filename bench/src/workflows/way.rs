//! How runs are begun, and seen ended: within the process, or as any program does it.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::{Context, Result};
use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use sf_actions::workflow::{RunWorkflow, WorkflowAction};
use sf_actions::{Action, Actor};
use sf_bus::subscription::Delivery;
use sf_control::{Proposal, Proposed};
use sf_runtime::{OnError, Tasks};
use sf_store::Scope;
use sf_testkit::Plane;
use sf_testkit::people::PASSWORD;
use sf_types::{Fault, RunId, WorkflowId};
use tokio::sync::oneshot;
use tokio_tungstenite::connect_async;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;

use crate::caller::{Caller, data, listen, sign_in};

/// Ends of runs, told to whoever waits for them.
#[derive(Default)]
pub struct Ends(Mutex<Told>);

#[derive(Default)]
struct Told {
    waiting: HashMap<RunId, oneshot::Sender<()>>,
    /// Ended before somebody waited.
    early: Vec<RunId>,
}

/// Which of the two.
pub enum Way {
    /// `propose`, and the bus of events.
    Within(Actor),
    /// POST to a control plane that listens, and its event socket.
    Http(Http),
}

/// A control plane that listens, and connections to it.
pub struct Http {
    address: SocketAddr,
    credential: String,
    idle: Mutex<Vec<Caller>>,
}

impl Ends {
    fn end(&self, run: RunId) {
        let mut told = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match told.waiting.remove(&run) {
            Some(waiting) => drop(waiting.send(())),
            None => told.early.push(run),
        }
    }

    /// Comes back when it has ended.
    pub async fn of(&self, run: RunId) -> Result<()> {
        let wait = {
            let mut told = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            if let Some(at) = told.early.iter().position(|one| *one == run) {
                told.early.swap_remove(at);
                return Ok(());
            }
            let (tell, wait) = oneshot::channel();
            told.waiting.insert(run, tell);
            wait
        };
        wait.await.context("the listener is there")
    }

    fn hear(&self, data: &Value) {
        if data["state"] == "done" {
            let run: Option<RunId> = data["id"].as_str().and_then(|id| id.parse().ok());
            run.into_iter().for_each(|run| self.end(run));
        }
    }
}

impl Way {
    /// Within the process; ends are heard of from now on.
    pub fn within(plane: &Plane, admin: Actor, ends: &Arc<Ends>, tasks: &Tasks) -> Result<Self> {
        let mut events = plane.control.bus().subscribe_all(Scope::Tenant(admin.tenant))?;
        let told = ends.clone();
        tasks.spawn("ends of runs", OnError::Log, async move {
            while let Some(delivery) = events.next().await {
                if let Delivery::Event(event) = delivery
                    && &*event.name == "run.update"
                    && event.data.contains("\"state\":\"done\"")
                {
                    told.hear(&serde_json::from_str(&event.data).unwrap_or_default());
                }
            }
            Ok::<(), Fault>(())
        });
        Ok(Self::Within(admin))
    }

    /// Listens, signs in and follows the list of runs.
    pub async fn http(plane: &Plane, ends: &Arc<Ends>, tasks: &Tasks) -> Result<Self> {
        let address = listen(&plane.control, tasks).await?;
        let token = sign_in(address, "admin@example.org", PASSWORD).await?;
        let http = Http { address, credential: format!("Authorization: Bearer {token}\r\n"), idle: Mutex::default() };
        follow(address, &token, ends.clone(), tasks).await?;
        Ok(Self::Http(http))
    }

    /// Begins a run.
    pub async fn begin(&self, plane: &Plane, workflow: WorkflowId, input: Value) -> Result<RunId> {
        match self {
            Self::Within(admin) => {
                let run = RunWorkflow { workflow, version: None, input, trigger: None };
                let run = Action::Workflow(WorkflowAction::Run(run));
                match plane.control.propose(admin, plane.request(), Proposal::of(run)).await? {
                    Proposed::Open(run) => Ok(run.id),
                    other => anyhow::bail!("it did not begin: {other:?}"),
                }
            }
            Self::Http(http) => {
                let path = format!("/api/v1/workflows/{workflow}/execute");
                let data = http.post(&path, &json!({ "input": input })).await?;
                Ok(data["run"]["id"].as_str().context("a run")?.parse()?)
            }
        }
    }
}

impl Http {
    async fn post(&self, path: &str, body: &Value) -> Result<Value> {
        let idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let mut caller = match idle {
            Some(caller) => caller,
            None => Caller::dial(self.address).await?,
        };
        let answer = caller.ask("POST", path, &self.credential, &body.to_string()).await?;
        self.idle.lock().unwrap_or_else(PoisonError::into_inner).push(caller);
        data(&answer)
    }
}

/// Follows the list of runs over the event socket, and asks for what it was too slow for.
async fn follow(address: SocketAddr, token: &str, ends: Arc<Ends>, tasks: &Tasks) -> Result<()> {
    let mut request = format!("ws://{address}/api/v1/ws").into_client_request()?;
    request.headers_mut().insert("authorization", format!("Bearer {token}").parse()?);
    let (mut socket, _) = connect_async(request).await?;
    let runs = |after: Option<u64>| {
        let mut wanted = json!({ "topics": ["runs"] });
        after.into_iter().for_each(|after| wanted["after"] = after.to_string().into());
        Message::Text(json!({ "subscribe": wanted }).to_string().into())
    };
    socket.send(runs(None)).await?;
    let (following, followed) = oneshot::channel();
    tasks.spawn("ends of runs", OnError::Log, async move {
        let mut following = Some(following);
        while let Some(message) = socket.next().await {
            let Message::Text(text) = message? else { continue };
            let said: Value = serde_json::from_str(&text)?;
            if said.get("subscribed").is_some() {
                if let Some(following) = following.take() {
                    // Whoever waited may have given up.
                    let _ = following.send(());
                }
            } else if said["event"] == "lagged" {
                let from: u64 = said["from"].as_str().context("where the gap begins")?.parse()?;
                socket.send(runs(Some(from.saturating_sub(1)))).await?;
            } else {
                ends.hear(&said["data"]);
            }
        }
        anyhow::Ok(())
    });
    followed.await.context("the event socket follows runs")
}
