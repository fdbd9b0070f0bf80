//! How an order leaves: planned, numbered and signed in the transaction that makes its run ready, sent in the order of
//! the numbers after COMMIT, and sent again after a reconnect until the node's journal has it.

use std::sync::Arc;

use sf_actions::Admission;
use sf_engine::{Input, Run, RunState};
use sf_protocol::order::{AppVerb, Cancel, DeploySource, GitSource, Order, Void};
use sf_protocol::{Authz, Command, Frame, Guard, Kind, Signed};
use sf_store::commands::{self, CommandState, StoredCommand};
use sf_store::timeline::{self, MomentKind};
use sf_store::{Look, StoreError, Tx, apps, nodes, releases, runs};
use sf_types::{AppId, CommandId, ErrorKind, Fault, NodeId, ReleaseId};

use crate::control::Core;
use crate::links::Numbered;
use crate::moments;
use crate::signer::Address;
use crate::transition::After;

/// A signed command on its way.
#[derive(Debug)]
pub(crate) struct Delivery {
    pub(crate) node: NodeId,
    pub(crate) command: Numbered,
}

/// Plans and signs the order of a run that is ready, if its node is connected; otherwise it is done when the node
/// comes. What cannot be planned ends the run, saying why.
pub(crate) async fn order(tx: &mut Tx, core: &Arc<Core>, run: &mut Run, after: &mut After) -> sf_store::Result<()> {
    let Some(node) = run.node else { return Ok(()) };
    if run.state != RunState::Ready || !core.links.is_connected(node) {
        return Ok(());
    }
    match planned(tx, run).await? {
        Ok((planned, release)) => {
            let guard = if run.decision.admission == Admission::Ask { run.guard.clone() } else { Guard::default() };
            let command = sign(tx, core, run, node, planned, guard, after).await?;
            run.command = Some(command);
            if let Some(release) = release {
                let NewRelease { id, app, source } = release;
                releases::create(tx, id, app, run.id, source.commit, source.reference).await?;
            }
        }
        Err(fault) => {
            let input = Input::CannotPlan(Box::new(fault));
            if let Ok((next, _)) = sf_engine::step(run.clone(), input, tx.now()) {
                // The same transaction writes the run once: keep the version it is about to get.
                *run = Run { version: run.version, ..next };
            }
        }
    }
    Ok(())
}

type Planned = Result<(Order, Option<NewRelease>), Fault>;

/// A release that the order will make.
struct NewRelease {
    id: ReleaseId,
    app: AppId,
    source: GitSource,
}

async fn planned(tx: &mut Tx, run: &Run) -> sf_store::Result<Planned> {
    let Some(app) = run.app else { return Ok(Err(crate::subject::missing("app", ""))) };
    let facts = match apps::facts(tx, app).await {
        Ok(facts) => facts,
        Err(StoreError::NotFound(_)) => return Ok(Err(crate::subject::missing("app", app))),
        Err(error) => return Err(error),
    };
    let planned = match sf_engine::plan::plan(&run.action, &facts, tx.new_id()) {
        Ok(planned) => planned,
        Err(fault) => return Ok(Err(fault)),
    };
    let bytes = sf_protocol::wire::write(&planned.order).len();
    if bytes > MAX_ORDER_BYTES {
        let message = format!("The order would have {bytes} bytes; {MAX_ORDER_BYTES} fit into one.");
        let fault = Fault::new(ErrorKind::TooLarge, "order.too_large", message);
        return Ok(Err(fault.fix("Shorten the app's variables and commands; put long texts into files.")));
    }
    want(tx, app, &planned.order, facts.generation).await?;
    let release = match &planned.order {
        Order::Deploy(deploy) => match &deploy.from {
            DeploySource::Git(source) => Some(NewRelease { id: deploy.release, app, source: source.clone() }),
            DeploySource::Kept => None,
        },
        _ => None,
    };
    Ok(Ok((planned.order, release)))
}

/// What stays true of the app from here on, under the generation that the order carries.
async fn want(tx: &mut Tx, app: AppId, order: &Order, generation: u64) -> sf_store::Result<()> {
    let desired = match order {
        Order::AppAction(action) if action.verb == AppVerb::Stop => Some(apps::Desired::Stopped),
        Order::AppAction(action) if action.verb == AppVerb::Delete => Some(apps::Desired::Stopped),
        Order::AppAction(_) | Order::Deploy(_) => Some(apps::Desired::Running),
        _ => None,
    };
    match desired {
        Some(desired) => apps::set_desired(tx, app, desired).await.map(drop),
        None => apps::change(tx, app, &apps::AppChange { generation: Some(generation), ..Default::default() }).await,
    }
}

/// Numbers, signs and stores one command, and notes it for delivery.
async fn sign(
    tx: &mut Tx,
    core: &Arc<Core>,
    run: &Run,
    node: NodeId,
    order: Order,
    guard: Guard,
    after: &mut After,
) -> sf_store::Result<CommandId> {
    let node_key = nodes::get(tx, node).await?.key_id;
    let (_, sequence) = nodes::reserve_sequence(tx, node).await?;
    let id = tx.new_id::<CommandId>();
    let authz = authz(run);
    let address = Address { id, node, node_key, sequence, authz };
    let kind = order.kind();
    let (command, signed) = core.signer.sign(address, order, guard, tx.now());
    commands::insert(tx, &stored(core, run, &command, &signed)).await?;
    let note = format!("{kind} number {} for this node, signed by {}", command.sequence, signed.key_id);
    timeline::append(tx, run.id, &[moments::moment(MomentKind::Signed, tx.now(), note)]).await?;
    let command = Numbered { id, sequence: command.sequence, frame: carried(kind, signed) };
    after.deliveries.push(Delivery { node, command });
    Ok(id)
}

/// The row of a signed command.
fn stored(core: &Core, run: &Run, command: &Command, signed: &Signed) -> StoredCommand {
    StoredCommand {
        id: command.id,
        tenant: run.tenant,
        run: run.id,
        node: command.node,
        epoch: command.epoch,
        sequence: command.sequence,
        kind: command.order.kind(),
        payload: signed.payload.clone(),
        signature: signed.signature,
        key_id: signed.key_id,
        delegation: core.delegation_id(),
        state: CommandState::Ready,
        not_before: command.not_before,
        expires_at: command.expires_at,
        created_at: command.issued_at,
        sent_at: None,
        acked_at: None,
        done_at: None,
        accepted: None,
        result: None,
    }
}

fn authz(run: &Run) -> Authz {
    let user = match run.actor {
        sf_actions::ActorKind::Person { user, .. }
        | sf_actions::ActorKind::Token { user, .. }
        | sf_actions::ActorKind::Ai { user } => Some(user),
        sf_actions::ActorKind::System => None,
    };
    Authz { tenant: run.tenant, user, request: run.request, run: Some(run.id) }
}

/// The frame of a signed command.
pub(crate) fn carried(kind: Kind, signed: Signed) -> Frame {
    Frame::of_signed(kind, signed).expect("orders are signed kinds")
}

/// Orders the node to stop working on a run's command.
///
/// # Errors
/// A refusal while the node is silent: what it did with the command is not known.
pub(crate) async fn cancel(tx: &mut Tx, core: &Arc<Core>, run: &Run, after: &mut After) -> sf_store::Result<()> {
    let (Some(node), Some(command)) = (run.node, run.command) else { return Ok(()) };
    if !core.links.is_connected(node) {
        let message = "Its machine is silent at the moment, so whether it can still be stopped is not known.";
        let fault = Fault::new(ErrorKind::Unavailable, "run.node_silent", message);
        return Err(fault.fix("Cancel it again when the node is back online.").into());
    }
    sign(tx, core, run, node, Order::Cancel(Cancel { command }), Guard::default(), after).await.map(drop)
}

/// Bytes of an order at the most; address, guard and names come on top of it in the signed body.
const MAX_ORDER_BYTES: usize = sf_protocol::wire::MAX_BODY_BYTES - 2 * 1024;
/// Where a node's journal ends, as its CONNECT says.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Journal {
    pub(crate) epoch: u64,
    pub(crate) high_water: u64,
}

impl Journal {
    /// The highest number it accepted in `epoch`; none of later ones.
    pub(crate) const fn high_water_in(self, epoch: u64) -> u64 {
        if self.epoch == epoch { self.high_water } else { 0 }
    }
}

/// Commands a node is sent again after a reconnect at the most; what is beyond waits for the next one.
const MAX_BACKLOG: u32 = 1000;

/// Reads and repairs the backlog of a node whose journal ends at `high_water`, then signs what has waited for it.
pub(crate) async fn backlog(
    tx: &mut Tx,
    core: &Arc<Core>,
    node: NodeId,
    journal: Journal,
) -> sf_store::Result<(Vec<Numbered>, After)> {
    let (now, epoch) = (tx.now(), core.signer.epoch());
    let high_water = journal.high_water_in(epoch);
    for old in commands::of_older_epochs(tx, node, epoch).await? {
        if old.sequence <= journal.high_water_in(old.epoch) {
            // The node took it before the epoch was raised: its word on it will come, and it is not ordered twice.
            continue;
        }
        commands::mark_void(tx, old.id).await?;
        wants_another(tx, &old).await?;
    }
    let mut frames = Vec::new();
    for command in commands::backlog(tx, node, epoch, high_water + 1, MAX_BACKLOG).await? {
        frames.push(if command.expires_at > now {
            let frame = carried(command.kind, command.signed());
            Numbered { id: command.id, sequence: command.sequence, frame }
        } else {
            void(tx, core, &command).await?
        });
    }
    let mut after = After::default();
    for run in runs::open_for_node(tx, node).await? {
        if run.state == RunState::Ready && run.command.is_none() {
            start_waiting(tx, core, run, &mut after).await?;
        }
    }
    Ok((frames, after))
}

/// Signs a void in place of an expired command; its run is ready for a fresh one.
async fn void(tx: &mut Tx, core: &Arc<Core>, old: &StoredCommand) -> sf_store::Result<Numbered> {
    let run = runs::get(tx, old.run).await?;
    let node_key = nodes::get(tx, old.node).await?.key_id;
    commands::mark_void(tx, old.id).await?;
    let address =
        Address { id: tx.new_id::<CommandId>(), node: old.node, node_key, sequence: old.sequence, authz: authz(&run) };
    let order = Order::Void(Void { replaces: old.id });
    let (command, signed) = core.signer.sign(address, order, Guard::default(), tx.now());
    commands::insert(tx, &stored(core, &run, &command, &signed)).await?;
    wants_another(tx, old).await?;
    Ok(Numbered { id: command.id, sequence: old.sequence, frame: carried(Kind::Void, signed) })
}

/// The run of a command that will never be obeyed is ready for a fresh one.
async fn wants_another(tx: &mut Tx, old: &StoredCommand) -> sf_store::Result<()> {
    let run = runs::get(tx, old.run).await?;
    if run.command != Some(old.id) || run.is_done() {
        return Ok(());
    }
    let fresh = Run { command: None, state: RunState::Ready, version: run.version + 1, updated_at: tx.now(), ..run };
    let text = "the command expired before the node had it; a fresh one is signed";
    timeline::append(tx, fresh.id, &[moments::note(tx.now(), text)]).await?;
    runs::update(tx, &fresh, None).await
}

async fn start_waiting(tx: &mut Tx, core: &Arc<Core>, mut run: Run, after: &mut After) -> sf_store::Result<()> {
    run.version += 1;
    run.updated_at = tx.now();
    order(tx, core, &mut run, after).await?;
    if run.command.is_some() || run.is_done() {
        crate::transition::publish(tx, &run);
        runs::update(tx, &run, None).await?;
    }
    Ok(())
}
