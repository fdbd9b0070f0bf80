//! What a node's word does. Signed words are verified with the node's key before anything of them is believed;
//! whatever is stored is confirmed with STORED only after COMMIT, so that the node forgets nothing too early.

pub(crate) mod clean;
pub(crate) mod outcome;

use sf_engine::Input;
use sf_protocol::accept;
use sf_protocol::handshake::ServerOpen;
use sf_protocol::outcome::{Accepted, Facts, Outcome};
use sf_protocol::query::Answer;
use sf_protocol::report::{DetectedPorts, LogSource, LogStored, LogStream, NodeEvent, StatusUpdate, Stored, SystemLog};
use sf_protocol::{Frame, Kind, Signed};
use sf_store::commands::{CommandState, UnderWay};
use sf_store::logs::LogOwner;
use sf_store::timeline::MomentKind;
use sf_store::{Look, StoreError, apps, commands, logs, metrics, nodes, releases, runs};
use sf_types::{AppId, CommandId, ErrorKind, Fault, NodeId, Scope, Timestamp};

use crate::approval::alerts;
use crate::control::Control;
use crate::transition::{self, After};
use crate::written::Written;
use crate::{events, moments, panel, schedules, sites};

/// Code of the fault with which a connection is closed after its node refused an order: the numbers after it can only
/// be taken once the backlog was repaired at the next connection.
pub const REFUSED_ORDER: &str = "link.refused_order";

impl Control {
    /// Takes in one frame of an open connection.
    ///
    /// # Errors
    /// A fault that ends the connection: a frame that has no business here, a signature that does not hold, or a
    /// store that cannot record it. The node keeps what was not confirmed and sends it again.
    pub async fn receive(&self, open: &ServerOpen, frame: Frame) -> Result<(), Fault> {
        if self.core().links.first_word(open.node, open.connection) {
            self.confirm_join(open).await;
        }
        match frame {
            Frame::Ack(signed) => self.accepted(open, &signed).await,
            Frame::Result(signed) => self.outcome(open, signed).await,
            Frame::Answer(signed) => {
                let answer: Answer = verified(open, Kind::Answer, &signed)?;
                self.core().questions.answered(open.node, answer);
                Ok(())
            }
            Frame::Witness(signed) => self.witnessed(open.node, signed).await,
            Frame::StatusUpdate(update) => self.status(open.node, update).await,
            Frame::LogStream(lines) => self.log(open.node, lines).await,
            Frame::ConsoleOutput(output) => self.console_said(open.node, output).await,
            Frame::DetectedPorts(ports) => self.ports(open.node, ports).await,
            Frame::SystemLog(sample) => self.sample(open.node, sample).await,
            other => Err(Fault::new(
                ErrorKind::Invalid,
                "frame.unexpected",
                format!("{} has no business on an open connection.", other.kind()),
            )),
        }
    }

    /// A command was written to its connection. That alone is no write: it is noted together with the node's promise,
    /// or by itself when that does not follow at once.
    pub(super) async fn sent(&self, command: CommandId) {
        if self.core().written.add(command, self.now()) == Written::Full {
            // Rare, and so no part of every connection's memory.
            Box::pin(self.note_sent(vec![(command, self.now())])).await;
        }
    }

    /// Notes what was written and not promised yet. Not waited for: it rides in the next batch.
    pub(crate) async fn note_sent(&self, written: Vec<(CommandId, Timestamp)>) {
        let core = self.core().clone();
        let store = core.store.clone();
        store
            .write_unawaited(Scope::System, move |tx| {
                Box::pin(async move {
                    for (command, at) in written {
                        let found = commands::under_way(tx, None, command).await?;
                        let Some(found) = found.filter(|found| found.state == CommandState::Ready) else { continue };
                        commands::sent(tx, command, at);
                        let Some(run) = found.own_run() else { continue };
                        let mut nothing = After::default();
                        transition::advance(tx, &core, run, Input::Sent, [moments::sent(at)], &mut nothing).await?;
                    }
                    Ok(())
                })
            })
            .await;
    }

    /// The command is in the node's journal.
    async fn accepted(&self, open: &ServerOpen, signed: &Signed) -> Result<(), Fault> {
        let accepted: Accepted = verified(open, Kind::Ack, signed)?;
        self.promised(open.node, accepted.command, Some((signed.clone(), accepted.accepted_at))).await;
        Ok(())
    }

    /// A node has a command in its journal, by its ACK or by what it answered about the journal. Not waited for: it
    /// rides in the next batch.
    pub(crate) async fn promised(&self, node: NodeId, command: CommandId, ack: Option<(Signed, Timestamp)>) {
        let core = self.core().clone();
        let store = core.store.clone();
        let sent = core.written.take(command);
        store
            .write_unawaited(Scope::System, move |tx| {
                Box::pin(async move {
                    let signed = ack.as_ref().map(|(signed, _)| signed);
                    let found = commands::under_way(tx, Some(node), command).await?;
                    let Some(found) = found.filter(UnderWay::is_unpromised) else { return Ok(()) };
                    commands::acked(tx, command, signed, sent);
                    let Some(run) = found.own_run() else { return Ok(()) };
                    let mut nothing = After::default();
                    let text = "the node wrote it into its journal";
                    let at = ack.map_or_else(|| tx.now(), |(_, at)| at);
                    let moment = moments::moment(MomentKind::Accepted, at, text);
                    let said = sent.map(moments::sent).into_iter().chain([moment]);
                    transition::advance(tx, &core, run, Input::Accepted, said, &mut nothing).await.map(drop)
                })
            })
            .await;
    }

    /// The node's signed word on a command: the run ends, the app is as the node says, in one transaction.
    async fn outcome(&self, open: &ServerOpen, signed: Signed) -> Result<(), Fault> {
        let mut outcome: Outcome = verified(open, Kind::Result, &signed)?;
        if let Facts::Site { site } = &mut outcome.facts {
            *site = site.take().map(|site| self.core().cleaning.site(site));
        }
        if let Some(fault) = &mut outcome.fault {
            fault.message = self.core().cleaning.text(&fault.message);
        }
        if outcome.node != open.node {
            return Err(Fault::new(ErrorKind::Invalid, "outcome.other_node", "The outcome names another node."));
        }
        let (control, node) = (self.clone(), open.node);
        let command = outcome.command;
        let after =
            self.owned("outcome", async move { outcome::record(&control, node, outcome, Some(signed)).await }).await?;
        self.deliver(after);
        let stored = Stored { results: vec![command], ..Stored::default() };
        self.core().links.send(node, Frame::Stored(stored));
        Ok(())
    }

    /// One thing that happened on the node, taken in once.
    async fn status(&self, node: NodeId, update: StatusUpdate) -> Result<(), Fault> {
        let core = self.core().clone();
        let update = StatusUpdate { event: core.cleaning.event(update.event), ..update };
        let sequence = update.sequence;
        let refused = matches!(&update.event, NodeEvent::Refused { kind, .. } if is_numbered(kind));
        let store = core.store.clone();
        let seen = store
            .write(Scope::System, move |tx| {
                Box::pin(async move {
                    let mut after = After::default();
                    if nodes::advance_events(tx, node, update.sequence).await? {
                        happened(tx, &core, node, update, &mut after).await?;
                    }
                    Ok(after)
                })
            })
            .await;
        self.deliver(seen?);
        self.core().links.send(node, Frame::Stored(Stored { events: sequence, ..Stored::default() }));
        if refused {
            let message = "The node refused an order; what waits for it is looked through when it connects again.";
            self.core().links.close(node, Fault::new(ErrorKind::Conflict, REFUSED_ORDER, message));
        }
        Ok(())
    }

    async fn log(&self, node: NodeId, mut lines: LogStream) -> Result<(), Fault> {
        let Some(last) = lines.lines.last().map(|line| line.sequence) else { return Ok(()) };
        let core = self.core();
        if core.cleaning.is_strange(&lines) {
            let reader = core.store.read(Scope::System);
            let before = match logs::tail(&reader, lines.source, clean::LOOKED_BACK).await {
                Ok(before) => before,
                Err(StoreError::NotFound(_)) => Vec::new(),
                Err(error) => return Err(error.into()),
            };
            core.cleaning.meet(lines.source, &before);
        }
        let cleaned = core.cleaning.clean(&mut lines);
        let source = lines.source;
        let told = lines.clone();
        let owner = core
            .store
            .write(Scope::System, move |tx| {
                Box::pin(async move {
                    let Some(owner) = log_owner(tx, node, lines.source).await? else { return Ok(None) };
                    let (_, fresh) = logs::append(tx, owner, &lines).await?;
                    Ok(Some((owner, fresh)))
                })
            })
            .await?;
        if owner.is_some() {
            core.cleaning.stored(cleaned);
        }
        if let Some((owner, fresh)) = owner.filter(|(_, fresh)| !fresh.is_empty()) {
            let told = LogStream { lines: fresh, ..told };
            core.bus.publish(log_event(&told, owner.tenant, owner.project, core.clock.now()));
        }
        let stored = Stored { logs: vec![LogStored { source, up_to: last }], ..Stored::default() };
        core.links.send(node, Frame::Stored(stored));
        Ok(())
    }

    async fn ports(&self, node: NodeId, ports: DetectedPorts) -> Result<(), Fault> {
        let core = self.core();
        core.store
            .write_unawaited(Scope::System, move |tx| {
                Box::pin(async move {
                    let Some(app) = app_here(tx, ports.app, node).await? else { return Ok(()) };
                    let stable_port = ports.stable.map(Some);
                    let detected_ports = Some(ports.ports.clone());
                    let change = apps::AppChange { detected_ports, stable_port, ..Default::default() };
                    apps::change(tx, app.id, &change).await?;
                    tx.publish(events::app_changed(app.tenant, Some(app.project), app.id));
                    Ok(())
                })
            })
            .await;
        Ok(())
    }

    async fn sample(&self, node: NodeId, mut sample: SystemLog) -> Result<(), Fault> {
        let core = self.core();
        let at = sample.at;
        if let Some(mut held) = sample.held.take() {
            held.truncate(SystemLog::MAX_HELD);
            core.links.holds(node, at, held);
        }
        let mut told = sample.clone();
        let (tenant, own, after) = core
            .store
            .write(Scope::System, move |tx| {
                Box::pin(async move {
                    let (row, mut after) = (nodes::get(tx, node).await?, After::default());
                    alerts::disk(tx, &row, &sample.node, &mut after).await?;
                    metrics::append(tx, node, std::slice::from_ref(&sample)).await?;
                    panel::alerts::judge(tx, &row, &sample, &mut after).await?;
                    let own: Vec<_> = apps::of_node(tx, node).await?.into_iter().map(|app| app.id).collect();
                    Ok((row.tenant, own, after))
                })
            })
            .await?;
        self.deliver(after);
        // What a node says of others' apps is told to nobody.
        told.apps.retain(|sample| own.contains(&sample.app));
        core.bus.publish(sample_event(node, &told, tenant, core.clock.now()));
        core.links.send(node, Frame::Stored(Stored { metrics: Some(at), ..Stored::default() }));
        Ok(())
    }
}

/// Verifies a signed word with the key the connection was opened with.
fn verified<T: serde::de::DeserializeOwned>(open: &ServerOpen, kind: Kind, signed: &Signed) -> Result<T, Fault> {
    signed
        .open(kind, &open.connect.pub_key)
        .map_err(|error| Fault::new(ErrorKind::Invalid, "frame.signature", format!("The {kind} was refused: {error}.")))
}

/// An app of this very node.
async fn app_here(tx: &sf_store::Tx, app: AppId, node: NodeId) -> sf_store::Result<Option<apps::App>> {
    Ok(found(apps::get(tx, app).await)?.filter(|app| app.node == node))
}

/// Whether a frame type carries orders with numbers.
fn is_numbered(kind: &str) -> bool {
    Kind::ALL.iter().any(|one| one.wire() == kind && accept::is_numbered(*one))
}

/// What a node speaks of may be gone meanwhile.
pub(crate) fn found<T>(looked: sf_store::Result<T>) -> sf_store::Result<Option<T>> {
    match looked {
        Ok(row) => Ok(Some(row)),
        Err(StoreError::NotFound(_)) => Ok(None),
        Err(error) => Err(error),
    }
}

/// Whose log it is; `None` when the app or run is not this node's.
async fn log_owner(tx: &sf_store::Tx, node: NodeId, source: LogSource) -> sf_store::Result<Option<LogOwner>> {
    Ok(match source {
        LogSource::App { app, release } => {
            let its_own = found(releases::get(tx, release).await)?.is_some_and(|release| release.app == app);
            app_here(tx, app, node).await?.filter(|_| its_own).map(|row| LogOwner {
                tenant: row.tenant,
                project: Some(row.project),
                app: Some(app),
            })
        }
        LogSource::Run { run } => found(runs::get(tx, run).await)?
            .filter(|run| run.node == Some(node))
            .map(|run| LogOwner { tenant: run.tenant, project: run.project, app: run.app }),
    })
}

async fn happened(
    tx: &mut sf_store::Tx,
    core: &std::sync::Arc<crate::control::Core>,
    node: NodeId,
    update: StatusUpdate,
    after: &mut After,
) -> sf_store::Result<()> {
    match update.event {
        NodeEvent::Step { command, step, state, note } => {
            let found = commands::under_way(tx, Some(node), command).await?;
            let Some(run) = found.and_then(|found| found.run) else { return Ok(()) };
            let moment = moments::step(update.at, step, state, note);
            let mut nothing = After::default();
            if run.command == Some(command) {
                let (input, said) = (Input::StepSeen(step), [moment.clone()]);
                if transition::advance(tx, core, run.clone(), input, said, &mut nothing).await?.is_some() {
                    return Ok(());
                }
            }
            // The run is in this step already, or has ended: only its timeline grows.
            transition::note(tx, &run, moment)
        }
        NodeEvent::App { app, release, state, restarts, reason } => {
            let Some(row) = app_here(tx, app, node).await? else { return Ok(()) };
            alerts::app_turned(tx, &row, state, &reason, after);
            let change = apps::AppChange {
                state: Some(state),
                reason: Some(reason),
                live_release: release.map(Some),
                restarts: Some(restarts),
                ..Default::default()
            };
            apps::change(tx, app, &change).await?;
            tx.publish(events::app_changed(row.tenant, Some(row.project), app));
            Ok(())
        }
        NodeEvent::Site { site } => sites::told(tx, node, &site).await,
        NodeEvent::Server { report } => panel::heard::told(tx, node, &report).await,
        NodeEvent::Schedule { report } => schedules::told(tx, node, &report, after).await,
        NodeEvent::Refused { kind, reason } => {
            let row = nodes::get(tx, node).await?;
            tracing::warn!(agent_id = %node, %kind, %reason, "a node refused a message");
            tx.audit(events::node_audit(row.tenant, node, "node.refused_message", "refused"));
            Ok(())
        }
        NodeEvent::Notice { code, message } => {
            let row = nodes::get(tx, node).await?;
            tracing::warn!(agent_id = %node, %code, %message, "a node has something to say");
            tx.publish(events::node_notice(row.tenant, node, &code, &message));
            Ok(())
        }
    }
}

fn log_event(
    lines: &LogStream,
    tenant: sf_types::TenantId,
    project: Option<sf_types::ProjectId>,
    at: sf_types::Timestamp,
) -> sf_bus::Event {
    let topic = match lines.source {
        LogSource::App { app, .. } => sf_bus::Topic::App(app),
        LogSource::Run { run } => sf_bus::Topic::Run(run),
    };
    let data = serde_json::json!({ "source": lines.source, "lines": lines.lines, "dropped": lines.dropped });
    sf_bus::Event {
        seq: 0,
        tenant: Some(tenant),
        project,
        topics: vec![topic],
        name: events::LOG_LINE.into(),
        at,
        data: data.to_string().into(),
    }
}

fn sample_event(
    node: NodeId,
    sample: &SystemLog,
    tenant: sf_types::TenantId,
    at: sf_types::Timestamp,
) -> sf_bus::Event {
    let mut topics = vec![sf_bus::Topic::Node(node)];
    topics.extend(sample.apps.iter().map(|app| sf_bus::Topic::App(app.app)));
    let data = serde_json::json!({ "nodeId": node, "at": sample.at, "node": sample.node, "apps": sample.apps });
    sf_bus::Event {
        seq: 0,
        tenant: Some(tenant),
        project: None,
        topics,
        name: events::NODE_METRICS.into(),
        at,
        data: data.to_string().into(),
    }
}
