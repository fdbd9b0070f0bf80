//! Reads that a node must answer: signed, bounded in time, matched to their answers.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use sf_actions::{Actor, Permission};
use sf_protocol::build::BuildSettings;
use sf_protocol::order::{GitSource, Order};
use sf_protocol::query::{Answer, AppReport, Inspection, Query, Reply};
use sf_protocol::report::ServiceReport;
use sf_protocol::{Authz, Guard};
use sf_store::{apps, nodes};
use sf_types::{AppId, CommandId, ErrorKind, Fault, NodeId, RequestId};
use tokio::sync::oneshot;

use crate::control::Control;
use crate::dispatch::carried;
use crate::signer::{Address, READ_LIFETIME};
use crate::speech;

/// How long a node may take to answer; fetching a repository for a look takes its time.
const ANSWER_WITHIN: Duration = READ_LIFETIME;
/// Questions waiting for answers at one time, over all nodes.
const MAX_WAITING: usize = 4096;

/// Questions that wait for their answers.
#[derive(Debug, Default)]
pub(crate) struct Questions(Mutex<HashMap<CommandId, (NodeId, oneshot::Sender<Reply>)>>);

impl Questions {
    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<CommandId, (NodeId, oneshot::Sender<Reply>)>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Hands an answer to whoever waits for it; another node's answer counts for nothing.
    pub(crate) fn answered(&self, node: NodeId, answer: Answer) {
        let mut waiting = self.lock();
        if answer.node != node || waiting.get(&answer.command).is_none_or(|(asked, _)| *asked != node) {
            return;
        }
        if let Some((_, sender)) = waiting.remove(&answer.command) {
            drop(sender.send(answer.reply));
        }
    }
}

impl Control {
    /// Asks a node.
    ///
    /// # Errors
    /// It is not connected, does not answer in time, or could not answer.
    pub(crate) async fn ask(
        &self,
        actor: &Actor,
        request: RequestId,
        node: &nodes::Node,
        query: Query,
    ) -> Result<Reply, Fault> {
        let core = self.core();
        let id: CommandId = core.rng.id(&core.clock);
        let authz = Authz { tenant: actor.tenant, user: actor.user(), request, run: None };
        let address = Address { id, node: node.id, node_key: node.key_id, sequence: 0, authz };
        let mut order = Order::Query(query);
        speech::fit(&mut order, core.links.version(node.id))?;
        let kind = order.kind();
        let (_, signed) = core.signer.sign(address, order, Guard::default(), core.clock.now());
        let (sender, answer) = oneshot::channel();
        {
            let mut waiting = core.questions.lock();
            if waiting.len() >= MAX_WAITING {
                return Err(Fault::new(
                    ErrorKind::RateLimited,
                    "node.too_many_questions",
                    "Too many reads are waiting.",
                )
                .fix("Try again in a moment."));
            }
            waiting.insert(id, (node.id, sender));
        }
        let forget = Forget { control: self, id };
        let Some(mut end) = core.links.ask(node.id, carried(kind, signed)) else {
            return Err(Fault::new(
                ErrorKind::Unavailable,
                "node.offline",
                format!("The node `{}` is not connected.", node.name),
            )
            .fix("Start its agent (`serverflow-agent run`), or look at `serverflow nodes`."));
        };
        let shutdown = core.tasks.shutdown();
        let reply = tokio::select! {
            biased;
            reply = tokio::time::timeout(ANSWER_WITHIN, answer) => reply,
            () = end.come() => {
                let message = format!("The connection to `{}` ended before it answered.", node.name);
                let fault = Fault::new(ErrorKind::Unavailable, "node.lost", message);
                return Err(fault.fix("Try again: its agent connects again by itself."));
            }
            () = shutdown.requested() => {
                return Err(Fault::new(ErrorKind::Unavailable, "control.stopping", "The control plane is stopping."));
            }
        };
        drop(forget);
        match reply {
            Ok(Ok(Reply::Fault(fault))) => Err(fault),
            Ok(Ok(reply)) => Ok(reply),
            Ok(Err(_)) | Err(_) => Err(Fault::new(
                ErrorKind::Timeout,
                "node.no_answer",
                format!("`{}` did not answer in time.", node.name),
            )
            .fix("Try again; look at the node if it happens often.")),
        }
    }

    /// What is in a repository, and how it would be built on this node.
    ///
    /// # Errors
    /// A refused address, a node that is not connected, or what git said.
    pub async fn inspect(
        &self,
        actor: &Actor,
        request: RequestId,
        node: NodeId,
        source: GitSource,
        build: BuildSettings,
    ) -> Result<Inspection, Fault> {
        let refused = |error: sf_actions::Refused| crate::proposal::refused(&error);
        sf_actions::valid::repository(&source.url).map_err(refused)?;
        source.reference.as_deref().map_or(Ok(()), sf_actions::valid::reference).map_err(refused)?;
        // Whoever may make apps somewhere may look into a repository from a machine that they see.
        self.view(actor, Permission::AppCreate)?;
        let node = nodes::get(&self.view(actor, Permission::NodeView)?, node).await?;
        match self.ask(actor, request, &node, Query::Inspect { source, build }).await? {
            Reply::Inspected(inspection) => Ok(*inspection),
            _ => Err(other_answer()),
        }
    }

    /// Which services of a machine can be steered from here, and how they are.
    ///
    /// # Errors
    /// Not there, no right, or a node that does not answer.
    pub async fn services(&self, actor: &Actor, request: RequestId, node: NodeId) -> Result<Vec<ServiceReport>, Fault> {
        let node = nodes::get(&self.view(actor, Permission::NodeView)?, node).await?;
        match self.ask(actor, request, &node, Query::Services).await? {
            Reply::Services(services) => Ok(services),
            _ => Err(other_answer()),
        }
    }

    /// How an app is, as its node sees it now.
    ///
    /// # Errors
    /// Not there, no right, or a node that does not answer.
    pub async fn app_status(&self, actor: &Actor, request: RequestId, app: AppId) -> Result<AppReport, Fault> {
        let reader = self.view(actor, Permission::AppView)?;
        let app = apps::get(&reader, app).await?;
        let node = nodes::get(&reader, app.node).await?;
        match self.ask(actor, request, &node, Query::App { app: app.id }).await? {
            Reply::App(report) => Ok(*report),
            _ => Err(other_answer()),
        }
    }

    /// A node whose metrics this actor may watch.
    ///
    /// # Errors
    /// Not there, or no right.
    pub async fn watchable_node(&self, actor: &Actor, node: NodeId) -> Result<nodes::Node, Fault> {
        Ok(nodes::get(&self.view(actor, Permission::MonitoringView)?, node).await?)
    }

    /// Lets a node send metrics every second for a minute.
    ///
    /// # Errors
    /// Not there, no right, or a node that does not answer.
    pub async fn watch_node(&self, actor: &Actor, request: RequestId, node: NodeId) -> Result<(), Fault> {
        let node = self.watchable_node(actor, node).await?;
        let watch = Query::Watch { time: sf_types::Millis::secs(60) };
        self.ask(actor, request, &node, watch).await.map(drop)
    }
}

struct Forget<'a> {
    control: &'a Control,
    id: CommandId,
}

impl Drop for Forget<'_> {
    fn drop(&mut self) {
        self.control.core().questions.lock().remove(&self.id);
    }
}

pub(crate) fn other_answer() -> Fault {
    Fault::new(ErrorKind::Internal, "node.other_answer", "The node answered something else than was asked.")
        .fix("Update its agent.")
}
