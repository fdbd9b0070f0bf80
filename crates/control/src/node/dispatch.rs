//! How an order leaves: planned, numbered and signed in the transaction that makes its run ready, sent in the order of
//! the numbers after COMMIT, and sent again after a reconnect (`backlog`) until the node's journal has it.

use std::sync::Arc;

use sf_actions::deploy::DeployAction;
use sf_actions::{Action, Admission};
use sf_engine::plan::AppFacts;
use sf_engine::{Run, RunState};
use sf_protocol::command::GuardedSecret;
use sf_protocol::order::{Cancel, DeploySource, GitSource, Order};
use sf_protocol::patch::TakesEffect;
use sf_protocol::{Authz, Frame, Guard, Kind, Signed};
use sf_store::commands::{self, CommandState, StoredCommand};
use sf_store::timeline::{Moment, MomentKind};
use sf_store::{Look, StoreError, Tx, apps, nodes, releases};
use sf_types::{AppId, CommandId, ErrorKind, Fault, NodeId, ReleaseId, RunId, TenantId};

use crate::control::Core;
use crate::links::Numbered;
use crate::receive::found;
use crate::signer::Address;
use crate::transition::After;
use crate::{delivery, deploy_keys, moments, panel, patches, schedules, sites, speech};

/// Bytes of an order at the most; address, guard and names come on top of it in the signed body.
pub(crate) const MAX_ORDER_BYTES: usize = sf_protocol::wire::MAX_BODY_BYTES - 2 * 1024;

/// A signed command on its way.
#[derive(Debug)]
pub(crate) struct Delivery {
    pub(crate) node: NodeId,
    pub(crate) command: Numbered,
}

/// What became of a run that may leave for its node.
#[derive(Debug)]
pub(crate) enum Ordered {
    /// Not ready, held back, or its node is not connected: it is ordered when the node comes.
    NotNow,
    /// Signed; to be kept beside the run's row.
    Signed(Box<SignedOrder>),
    /// It cannot be planned on what is there; says why.
    Impossible(Fault),
}

/// A signed order that is not stored yet: the row of its run comes first.
#[derive(Debug)]
pub(crate) struct SignedOrder {
    command: StoredCommand,
    release: Option<NewRelease>,
}

/// A release that the order will make.
#[derive(Debug)]
struct NewRelease {
    id: ReleaseId,
    app: AppId,
    source: GitSource,
}

impl SignedOrder {
    pub(crate) fn id(&self) -> CommandId {
        self.command.id
    }

    /// What the timeline says of it.
    pub(crate) fn moment(&self) -> Moment {
        let StoredCommand { kind, sequence, key_id, created_at, .. } = &self.command;
        let note = format!("{kind} number {sequence} for this node, signed by {key_id}");
        moments::moment(MomentKind::Signed, *created_at, note)
    }

    /// Stores it, and notes it for delivery after COMMIT.
    pub(crate) async fn keep(self, tx: &mut Tx, after: &mut After) -> sf_store::Result<()> {
        let Self { command, release } = self;
        commands::insert(tx, &command)?;
        if let (Some(NewRelease { id, app, source }), Some(run)) = (release, command.run) {
            releases::create(tx, id, app, run, source.commit, source.reference).await?;
        }
        after.deliveries.push(Delivery { node: command.node, command: numbered(&command) });
        Ok(())
    }
}

/// Plans and signs the order of a run that is ready, if its node is connected.
pub(crate) async fn order(tx: &mut Tx, core: &Arc<Core>, run: &Run) -> sf_store::Result<Ordered> {
    let Some(node) = run.node else { return Ok(Ordered::NotNow) };
    if run.state != RunState::Ready || run.is_held(tx.now()) || !core.links.is_connected(node) {
        return Ok(Ordered::NotNow);
    }
    let (order, release, secrets) = match planned(tx, core, run).await? {
        Ok(planned) => planned,
        Err(fault) => return Ok(Ordered::Impossible(fault)),
    };
    let asked = run.decision.admission == Admission::Ask;
    let guard = if asked { run.guard.clone() } else { Guard { secrets, ..Guard::default() } };
    let command = sign(tx, core, authz(run), node, order, guard).await?;
    Ok(Ordered::Signed(Box::new(SignedOrder { command, release })))
}

/// An order with the release it makes and the secrets it gives.
type Planned = (Order, Option<NewRelease>, Vec<GuardedSecret>);

async fn planned(tx: &mut Tx, core: &Core, run: &Run) -> sf_store::Result<Result<Planned, Fault>> {
    if let (Some(mut order), Some(node)) = (sf_engine::plan::of_machine(&run.action), run.node) {
        return Ok(speech::fit(&mut order, core.links.version(node)).map(|()| (order, None, Vec::new())));
    }
    if panel::order::is_ordered(&run.action) {
        let order = match panel::order::ordered(tx, core, run).await? {
            Ok(order) => order,
            Err(fault) => return Ok(Err(fault)),
        };
        return Ok(within_bounds(&order).map(|()| (order, None, Vec::new())));
    }
    let Some(app) = run.app else { return Ok(Err(crate::subject::missing("app", ""))) };
    // A domain and a schedule have a generation of their own.
    let row = match &run.action {
        Action::Proxy(_) | Action::Schedule(_) => found(apps::get(tx, app).await)?,
        _ => apps::next_generation(tx, app).await?,
    };
    let Some(row) = row else { return Ok(Err(crate::subject::missing("app", app))) };
    let site = match sites::ordered(tx, core, &run.action, &row).await {
        Ok(Ok(site)) => site,
        Ok(Err(fault)) => return Ok(Err(fault)),
        Err(StoreError::NotFound(what)) => return Ok(Err(crate::subject::missing(what, ""))),
        Err(error) => return Err(error),
    };
    let schedule = match schedules::ordered(tx, core, &run.action, &row).await? {
        Ok(schedule) => schedule,
        Err(fault) => return Ok(Err(fault)),
    };
    let kept = match &run.action {
        Action::Deploy(DeployAction::Rollback(_)) => releases::kept(tx, app).await?,
        _ => Vec::new(),
    };
    let facts = AppFacts {
        app,
        slug: row.name.clone(),
        settings: row.settings.0.clone(),
        generation: row.generation,
        live: row.live_release,
        kept,
        site,
        environment: row.environment(),
        schedule,
    };
    let mut order = match sf_engine::plan::plan(&run.action, &facts, tx.new_id()) {
        Ok(planned) => planned.order,
        Err(fault) => return Ok(Err(fault)),
    };
    if let Err(fault) = speech::fit(&mut order, core.links.version(row.node)) {
        return Ok(Err(fault));
    }
    let secrets = match delivery::equip(tx, core, &run.action, &row, &mut order).await? {
        Ok(secrets) => secrets,
        Err(fault) => return Ok(Err(fault)),
    };
    if let Err(fault) = deploy_keys::equip(tx, core, &row, &mut order).await? {
        return Ok(Err(fault));
    }
    if let Err(fault) = within_bounds(&order) {
        return Ok(Err(fault));
    }
    if let Err(fault) = patches::known_to(core, &run.action, row.node) {
        return Ok(Err(fault));
    }
    let release = match &order {
        Order::Patch(patch) if patch.effect == TakesEffect::Restart => {
            let source = GitSource { url: String::new(), reference: None, commit: None };
            Some(NewRelease { id: patch.release, app, source })
        }
        Order::Deploy(deploy) => match &deploy.from {
            DeploySource::Git(source) => Some(NewRelease { id: deploy.release, app, source: source.clone() }),
            DeploySource::Kept => None,
        },
        _ => None,
    };
    Ok(Ok((order, release, secrets)))
}

/// Whether an order fits into one signed body.
fn within_bounds(order: &Order) -> Result<(), Fault> {
    let bytes = sf_protocol::wire::write(order).len();
    if bytes <= MAX_ORDER_BYTES {
        return Ok(());
    }
    let message = format!("The order would have {bytes} bytes; {MAX_ORDER_BYTES} fit into one.");
    let fault = Fault::new(ErrorKind::TooLarge, "order.too_large", message);
    Err(fault.fix("Shorten variables, secrets, commands and scripts; put long texts into files."))
}

/// Takes the node's next number and signs one command with it.
pub(crate) async fn sign(
    tx: &mut Tx,
    core: &Arc<Core>,
    authz: Authz,
    node: NodeId,
    order: Order,
    guard: Guard,
) -> sf_store::Result<StoredCommand> {
    let nodes::Reserved { sequence, node_key, .. } = nodes::reserve_sequence(tx, node).await?;
    let address = Address { id: tx.new_id(), node, node_key, sequence, authz };
    Ok(sealed(tx, core, address, order, guard))
}

/// Signs one command; answers its row.
pub(crate) fn sealed(tx: &Tx, core: &Core, address: Address, order: Order, guard: Guard) -> StoredCommand {
    let Authz { tenant, run, .. } = address.authz;
    let (command, signed) = core.signer.sign(address, order, guard, tx.now());
    StoredCommand {
        id: command.id,
        tenant,
        run,
        node: command.node,
        epoch: command.epoch,
        sequence: command.sequence,
        kind: command.order.kind(),
        payload: signed.payload,
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

/// On whose behalf a run's commands are given.
pub(crate) fn authz(run: &Run) -> Authz {
    Authz { tenant: run.tenant, user: run.actor.user(), request: run.request, run: Some(run.id) }
}

/// On the control plane's own behalf, for what belongs to no run or whose run is not at hand.
pub(crate) fn own_authz(tx: &Tx, tenant: TenantId, run: Option<RunId>) -> Authz {
    Authz { tenant, user: None, request: tx.new_id(), run }
}

/// A stored command as it leaves.
pub(crate) fn numbered(command: &StoredCommand) -> Numbered {
    let frame = carried(command.kind, command.signed());
    Numbered { id: command.id, sequence: command.sequence, frame }
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
    let stop = Order::Cancel(Cancel { command });
    let signed =
        SignedOrder { command: sign(tx, core, authz(run), node, stop, Guard::default()).await?, release: None };
    let moment = signed.moment();
    signed.keep(tx, after).await?;
    sf_store::timeline::append(tx, run, &[moment])
}
