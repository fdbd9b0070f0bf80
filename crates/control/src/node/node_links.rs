//! A node's connection: who may open one, what it is sent first, what its end means.

use std::sync::Arc;

use sf_actions::Actor;
use sf_engine::{Input, Run, RunState};
use sf_protocol::handshake::{BindingKind, Join, NodeRecord, Proven, ServerOpen, WITNESS_SINCE, Welcome, join};
use sf_protocol::key::KeyId;
use sf_protocol::query::{Query, Reply};
use sf_store::{Look, StoreError, Tx, commands, nodes, runs};
use sf_types::{CommandId, ConnectionId, ErrorKind, Fault, Millis, NodeId, RunId, Scope};
use tokio::sync::mpsc::Receiver;

use crate::approval::alerts;
use crate::backlog::{self, Journal};
use crate::control::{Control, Core};
use crate::links::{Numbered, Outgoing};
use crate::transition::{self, After};
use crate::{events, moments, receive};

/// Either side of a connection is heard at least this often.
pub const HEARTBEAT: Millis = Millis::secs(15);

/// A node that may be told AUTHORIZED.
#[derive(Debug)]
pub struct Joined {
    /// What AUTHORIZED says.
    pub welcome: Welcome,
    /// What the connection has to write.
    pub outgoing: Receiver<Outgoing>,
    /// Held for as long as the connection lives.
    pub presence: Presence,
}

/// A node is connected for as long as this lives, also where its opening is given up half way.
#[derive(Debug)]
pub struct Presence {
    control: Control,
    node: NodeId,
    connection: ConnectionId,
    ended: bool,
}

impl Presence {
    /// The connection ended; what that means is recorded when this returns.
    pub async fn leave(mut self) {
        self.ended = true;
        self.control.left(self.node, self.connection).await;
    }
}

impl Drop for Presence {
    fn drop(&mut self) {
        if self.ended {
            return;
        }
        let (control, node, connection) = (self.control.clone(), self.node, self.connection);
        self.control.core().tasks.spawn("node left", sf_runtime::OnError::Log, async move {
            control.left(node, connection).await;
            Ok::<(), Fault>(())
        });
    }
}

impl Control {
    /// What the store says of the node that has this key.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn node_record(&self, key: KeyId) -> Result<Option<NodeRecord>, Fault> {
        let reader = self.core().store.read(Scope::System);
        let node = nodes::by_key(&reader, &key).await?;
        Ok(node.map(|node| NodeRecord {
            node: node.id,
            binding: binding_of(&node),
            locked: node.status == nodes::NodeStatus::Locked,
        }))
    }

    /// Judges the join counter and takes the node in. Two holders of one key are both cut and the node is locked.
    ///
    /// # Errors
    /// A fault for a cloned key, a journal that is ahead of ours, or when it cannot be recorded.
    pub async fn join(&self, proven: &Proven) -> Result<Joined, Fault> {
        let (node, presented) = (proven.node(), proven.presented());
        let core = self.core().clone();
        let connection: ConnectionId = core.rng.id(&core.clock);
        let said = proven.connect().clone();
        let epoch = core.signer.epoch();
        if said.epoch > epoch {
            return Err(ahead(said.epoch, epoch));
        }
        let agent_version = said.agent_version.clone();
        // Whatever ends this from here on, the node is not left behind as connected.
        let presence = Presence { control: self.clone(), node, connection, ended: false };
        let inner = core.clone();
        let (judged, row, after) = core
            .store
            .write(Scope::System, move |tx| {
                Box::pin(async move {
                    let (row, mut after) = (nodes::get(tx, node).await?, After::default());
                    let judged = join(row.join_confirmed, row.join_pending, presented);
                    match judged {
                        Join::Accept { confirmed, pending } => {
                            let to = nodes::Connected {
                                connection,
                                join_confirmed: confirmed,
                                join_pending: pending,
                                agent_version: agent_version.to_string(),
                                epoch,
                            };
                            nodes::connect(tx, node, &to).await?;
                            tx.publish(events::node_changed(row.tenant, node, "online"));
                        }
                        Join::Cloned { confirmed, presented } => {
                            let why = format!("join counter {presented} is older than the confirmed {confirmed}");
                            nodes::lock(tx, node, &why).await?;
                            alerts::locked(tx, &row, &why, &mut after);
                            // Its connections end with this: what it is at work on is not known until a person looked.
                            for run in runs::open_for_node(tx, node).await? {
                                silence(tx, &inner, run).await?;
                            }
                            tx.audit(events::node_audit(row.tenant, node, "node.locked", "cloned_key"));
                            tx.publish(events::node_changed(row.tenant, node, "locked"));
                        }
                    }
                    Ok((judged, row, after))
                })
            })
            .await?;
        self.deliver(after);
        match judged {
            Join::Accept { pending, .. } => {
                let updated = row.agent_version != said.agent_version.as_str() || row.facts.is_none();
                let resume = sf_protocol::report::Stored { events: row.events_seen, ..Default::default() };
                let welcome = Welcome { connection, counter: pending, epoch, resume, heartbeat: HEARTBEAT };
                let outgoing = core.links.open(node, connection, proven.version());
                let journal = Journal { epoch: said.epoch, high_water: said.high_water };
                if let Err(fault) = self.catch_up(node, connection, journal).await {
                    presence.leave().await;
                    return Err(fault);
                }
                if updated {
                    self.refresh_facts(row);
                }
                if proven.version() >= WITNESS_SINCE {
                    self.show_newest(node);
                }
                Ok(Joined { welcome, outgoing, presence })
            }
            Join::Cloned { .. } => {
                let fault = Fault::new(ErrorKind::Forbidden, "node.cloned", "Two machines hold this node's key.")
                    .fix("Look at both machines; unlock the node when one of them is gone.");
                core.links.close(node, fault.clone());
                Err(fault)
            }
        }
    }

    /// Asks a node with another agent than before what its machine is.
    fn refresh_facts(&self, row: nodes::Node) {
        let control = self.clone();
        self.core().tasks.spawn("refresh facts", sf_runtime::OnError::Log, async move {
            let core = control.core();
            let request = core.rng.id(&core.clock);
            let asked = control.ask(&Actor::system(row.tenant), request, &row, Query::Node).await?;
            if let Reply::Node(facts) = asked {
                let node = row.id;
                core.store
                    .write(Scope::System, move |tx| {
                        Box::pin(async move {
                            nodes::set_facts(tx, node, &facts).await?;
                            tx.publish(events::node_changed(row.tenant, node, "facts"));
                            Ok(())
                        })
                    })
                    .await?;
            }
            Ok::<(), Fault>(())
        });
    }

    /// Reads what the node's journal lacks and signs what has waited for it; then commands flow.
    async fn catch_up(&self, node: NodeId, connection: ConnectionId, journal: Journal) -> Result<(), Fault> {
        let core = self.core().clone();
        let high_water = journal.high_water_in(core.signer.epoch());
        let inner = core.clone();
        let (backlog, after) = core
            .store
            .write(Scope::System, move |tx| {
                Box::pin(async move {
                    if nodes::get(tx, node).await?.next_sequence <= high_water {
                        return Err(forgotten(high_water).into());
                    }
                    let (backlog, mut after) = backlog::backlog(tx, &inner, node, journal).await?;
                    for run in runs::open_for_node(tx, node).await?.into_iter().filter(|run| run.stale) {
                        let back = moments::note(tx.now(), "its node is back");
                        transition::advance(tx, &inner, run, Input::NodeBack, [back], &mut after).await?;
                    }
                    Ok((backlog, after))
                })
            })
            .await?;
        core.links.go_live(node, connection, high_water + 1, backlog.commands, backlog.more);
        let questioned = after.questioned.clone();
        self.deliver(after);
        if !questioned.is_empty() {
            let control = self.clone();
            core.tasks.spawn("ask the journal", sf_runtime::OnError::Log, async move {
                for (run, _, command) in questioned {
                    let Some(command) = command else { continue };
                    if let Err(fault) = control.ask_journal(node, run, command, journal).await {
                        tracing::warn!(agent_id = %node, %run, %fault, "the journal could not be asked");
                    }
                }
                Ok::<(), Fault>(())
            });
        }
        Ok(())
    }

    /// A frame was written, perhaps a command. Where no more commands are held ready, the next ones are read.
    pub async fn written(&self, open: &ServerOpen, command: Option<&Numbered>) {
        if let Some(command) = command {
            self.sent(command.id).await;
        }
        let (core, node, connection) = (self.core(), open.node, open.connection);
        let number = command.map(|command| command.sequence);
        let Some(from) = core.links.read_on(node, connection, number) else { return };
        let control = self.clone();
        core.tasks.spawn("read the backlog on", sf_runtime::OnError::Log, async move {
            let read = control.read_on(node, connection, from).await;
            if let Err(fault) = &read {
                // Resumed from the node's journal, with its next connection.
                control.core().links.close(node, fault.clone());
            }
            read
        });
    }

    async fn read_on(&self, node: NodeId, connection: ConnectionId, from: u64) -> Result<(), Fault> {
        let core = self.core().clone();
        let inner = core.clone();
        let (backlog, after) = core
            .store
            .write(Scope::System, move |tx| {
                Box::pin(async move {
                    let mut after = After::default();
                    let backlog = backlog::backlog_from(tx, &inner, node, from, &mut after).await?;
                    Ok((backlog, after))
                })
            })
            .await?;
        core.links.go_live(node, connection, from, backlog.commands, backlog.more);
        self.deliver(after);
        Ok(())
    }

    /// Asks a node that is back how it stands with a run. Outcomes that were never confirmed come by themselves; what
    /// its journal does not know although it was accepted is lost, and the run ends saying so.
    async fn ask_journal(&self, node: NodeId, run: RunId, command: CommandId, journal: Journal) -> Result<(), Fault> {
        let core = self.core().clone();
        let reader = core.store.read(Scope::System);
        let row = nodes::get(&reader, node).await?;
        let asked = commands::get(&reader, command).await?;
        // What the journal does not have yet is in the backlog; of an older epoch it may have lost everything.
        if asked.epoch == core.signer.epoch() && asked.sequence > journal.high_water_in(asked.epoch) {
            return Ok(());
        }
        let request = runs::get(&reader, run).await?.request;
        let asker = Actor::system(row.tenant);
        let Reply::Journal(entry) = self.ask(&asker, request, &row, Query::Journal { command }).await? else {
            return Ok(());
        };
        if entry.accepted {
            // Said to a control plane that was lost since, neither comes again by itself.
            match entry.outcome.filter(|outcome| outcome.command == command) {
                Some(outcome) => self.deliver(receive::outcome::record(self, node, outcome, None).await?),
                None => self.promised(node, command, None).await,
            }
            return Ok(());
        }
        let fault = backlog::journal_lost();
        let store = core.store.clone();
        let after = store
            .write(Scope::System, move |tx| {
                Box::pin(async move {
                    let mut after = After::default();
                    let said = moments::note(tx.now(), "the node's journal does not know this order");
                    let (run, input) = (runs::get(tx, run).await?, Input::Lost(Box::new(fault)));
                    transition::advance(tx, &core, run, input, [said], &mut after).await?;
                    Ok(after)
                })
            })
            .await?;
        self.deliver(after);
        Ok(())
    }

    /// After a start nobody is connected: what nodes are at work on is stale until they are back. A control plane that
    /// was killed could not write that down any more.
    pub(crate) async fn all_silent(&self) -> Result<(), StoreError> {
        let core = self.core().clone();
        let store = core.store.clone();
        store
            .write(Scope::System, move |tx| {
                Box::pin(async move {
                    for node in nodes::disconnect_all(tx).await? {
                        // The lane of notices begins after this and looks by itself.
                        alerts::watch(tx, &core, &node, &mut After::default());
                    }
                    // A ready one may have left: that it was written rides in a later batch.
                    for state in [RunState::Ready, RunState::Sent, RunState::Working, RunState::Checking] {
                        for run in runs::in_state(tx, state).await? {
                            silence(tx, &core, run).await?;
                        }
                    }
                    Ok(())
                })
            })
            .await
    }

    /// A connection ended. Its node's open runs are stale until it is back.
    async fn left(&self, node: NodeId, connection: ConnectionId) {
        let core = self.core().clone();
        core.links.ended(node, connection);
        if core.links.is_connected(node) {
            // A newer connection of the same node lives.
            return;
        }
        let inner = core.clone();
        let recorded = core
            .store
            .write(Scope::System, move |tx| {
                Box::pin(async move {
                    let (row, mut after) = (nodes::get(tx, node).await?, After::default());
                    if !nodes::disconnect(tx, node, connection).await? {
                        return Ok(after);
                    }
                    tx.publish(events::node_changed(row.tenant, node, "offline"));
                    alerts::watch(tx, &inner, &row, &mut after);
                    for run in runs::open_for_node(tx, node).await? {
                        silence(tx, &inner, run).await?;
                    }
                    Ok(after)
                })
            })
            .await;
        match recorded {
            Ok(after) => self.deliver(after),
            Err(error) => tracing::warn!(agent_id = %node, %error, "a disconnect could not be recorded"),
        }
    }

    /// How nodes of this installation bind their connections.
    pub fn binding(&self) -> BindingKind {
        BindingKind::Exporter
    }

    /// The first frame confirms the join counter.
    pub(crate) async fn confirm_join(&self, open: &ServerOpen) {
        let (node, connection) = (open.node, open.connection);
        self.core()
            .store
            .write_unawaited(Scope::System, move |tx| Box::pin(nodes::confirm_join(tx, node, connection)))
            .await;
    }
}

fn ahead(theirs: u64, ours: u64) -> Fault {
    Fault::new(
        ErrorKind::Conflict,
        "node.epoch_ahead",
        format!("The node counts in epoch {theirs}, this control plane in {ours}: it was restored from an older copy."),
    )
    .fix("Run `serverflow admin raise-epoch` where the root key is.")
}

/// How the node's connections are bound, as stored.
fn binding_of(node: &nodes::Node) -> BindingKind {
    if node.binding == BindingKind::Exporter.word() { BindingKind::Exporter } else { BindingKind::Host }
}

/// The node has accepted numbers this control plane does not know: it was restored from an older copy.
fn forgotten(high_water: u64) -> Fault {
    Fault::new(
        ErrorKind::Conflict,
        "node.numbers_ahead",
        format!("The node has accepted order {high_water}, which this control plane never gave: it was restored."),
    )
    .fix("Run `serverflow admin raise-epoch` where the root key is.")
}

/// What a run's node does is not known until it is back.
async fn silence(tx: &mut Tx, core: &Arc<Core>, run: Run) -> sf_store::Result<()> {
    let mut nothing = After::default();
    let silent = moments::note(tx.now(), "its node went silent");
    transition::advance(tx, core, run, Input::NodeSilent, [silent], &mut nothing).await.map(drop)
}
