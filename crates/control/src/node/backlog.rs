//! What a node that connects is sent: numbers it never took, voids in place of expired ones, orders that waited for it,
//! and what should be true of its apps.

use std::sync::Arc;

use sf_engine::{Input, RunState};
use sf_protocol::Guard;
use sf_protocol::key::KeyId;
use sf_protocol::order::{Order, Void};
use sf_store::commands::{self, CommandState, StoredCommand};
use sf_store::{Look, Tx, delegations, nodes, runs};
use sf_types::{CommandId, ErrorKind, Fault, NodeId};

use crate::control::Core;
use crate::dispatch::{numbered, own_authz, sealed};
use crate::links::Numbered;
use crate::signer::Address;
use crate::transition::{self, After};
use crate::{moments, resync};

/// Commands of a backlog read at a time; the next ones are read when these are written.
const MAX_BACKLOG: u32 = 1000;

/// A part of what a node has to be sent again.
#[derive(Debug)]
pub(crate) struct Backlog {
    pub(crate) commands: Vec<Numbered>,
    /// There is more behind it.
    pub(crate) more: bool,
}

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

/// Reads and repairs the backlog of a node whose journal ends at `journal`, then signs what has waited for it.
pub(crate) async fn backlog(
    tx: &mut Tx,
    core: &Arc<Core>,
    node: NodeId,
    journal: Journal,
) -> sf_store::Result<(Backlog, After)> {
    let epoch = core.signer.epoch();
    let mut after = After::default();
    if journal.epoch < epoch {
        unaccounted(tx, core, node, journal, &mut after).await?;
    }
    for old in commands::of_older_epochs(tx, node, epoch).await? {
        if old.epoch != journal.epoch || old.sequence <= journal.high_water {
            // The node took it before the epoch was raised, or may have: its journal is asked, and nothing is ordered
            // twice.
            continue;
        }
        commands::mark_void(tx, old.id).await?;
        unreached(tx, core, &old, &mut after).await?;
    }
    let backlog = backlog_from(tx, core, node, journal.high_water_in(epoch) + 1, &mut after).await?;
    if journal.epoch < epoch {
        // This control plane was restored: the node knows more about its apps, and says so before anything is ordered.
        after.learning.push(node);
        return Ok((backlog, after));
    }
    waiting(tx, core, node, &mut after).await?;
    Ok((backlog, after))
}

/// The part of the backlog that begins with number `from`, repaired: each number is filled, since the node takes only
/// the next one.
pub(crate) async fn backlog_from(
    tx: &mut Tx,
    core: &Arc<Core>,
    node: NodeId,
    from: u64,
    after: &mut After,
) -> sf_store::Result<Backlog> {
    let (now, epoch) = (tx.now(), core.signer.epoch());
    let key = nodes::get(tx, node).await?.key_id;
    let found = commands::backlog(tx, node, epoch, from, MAX_BACKLOG).await?;
    let more = found.len() >= usize::try_from(MAX_BACKLOG).unwrap_or(usize::MAX);
    let mut commands = Vec::with_capacity(found.len());
    for command in found {
        commands.push(match command.state {
            CommandState::Acked | CommandState::Done => lost(tx, core, &command, key, after).await?,
            _ if command.expires_at <= now => void(tx, core, &command, key, after).await?,
            _ => numbered(&command),
        });
    }
    Ok(Backlog { commands, more })
}

/// The node's journal is shorter than it was: it does not know a command it had accepted. It may have been obeyed, so
/// it is not ordered again: a void takes its number, and a run that was not ended by the node's word ends saying so.
async fn lost(
    tx: &mut Tx,
    core: &Arc<Core>,
    old: &StoredCommand,
    node_key: KeyId,
    after: &mut After,
) -> sf_store::Result<Numbered> {
    commands::mark_lost(tx, old.id).await?;
    let filling = fill(tx, core, old, node_key).await?;
    let Some(run) = old.run else { return Ok(filling) };
    let run = runs::get(tx, run).await?;
    if run.command == Some(old.id) {
        let said = moments::note(tx.now(), "the node's journal does not know this order");
        let input = Input::Lost(Box::new(journal_lost()));
        transition::advance(tx, core, run, input, [said], after).await?;
    }
    Ok(filling)
}

/// What is told of an order that the node had and does not know any more.
pub(crate) fn journal_lost() -> Fault {
    let message = "The node's journal was damaged, so what became of this order there is not known.";
    Fault::new(ErrorKind::Internal, "node.journal_lost", message)
        .fix("Look at the app's state and repeat what you wanted to do.")
}

/// Orders what has waited for a node, then says what should be true of its other apps.
pub(crate) async fn waiting(tx: &mut Tx, core: &Arc<Core>, node: NodeId, after: &mut After) -> sf_store::Result<()> {
    for run in runs::open_for_node(tx, node).await? {
        if run.state == RunState::Ready && run.command.is_none() {
            transition::advance(tx, core, run, Input::NodeReady, None, after).await?;
        }
    }
    resync::snapshot(tx, core, node, after).await
}

/// Ends what waited for a node that has taken more orders than this control plane remembers giving: it was restored,
/// and an order for these runs may be among them.
async fn unaccounted(
    tx: &mut Tx,
    core: &Arc<Core>,
    node: NodeId,
    journal: Journal,
    after: &mut After,
) -> sf_store::Result<()> {
    if journal.high_water <= commands::highest(tx, node, journal.epoch).await? {
        return Ok(());
    }
    let restored = delegations::epoch_began(tx, core.signer.epoch()).await?.unwrap_or_else(|| tx.now());
    for run in runs::open_for_node(tx, node).await? {
        if run.command.is_some() || run.opened_at >= restored {
            continue;
        }
        let message = "The control plane was restored from a backup, and the node has since taken orders that the \
                       backup does not know: this one may have been carried out.";
        if run.state == RunState::Ready {
            let fault = Fault::new(ErrorKind::Conflict, "run.restored", message);
            let input = Input::CannotPlan(Box::new(fault.fix("Look at the app; propose it again if it is wanted.")));
            transition::advance(tx, core, run, input, None, after).await?;
        } else if run.state == RunState::Waiting {
            // Somebody may have approved it after the backup, and must not a second time.
            let said = moments::note(tx.now(), message);
            transition::advance(tx, core, run, Input::Cancel, [said], after).await?;
        }
    }
    Ok(())
}

/// Signs a void in place of an expired command; its run is ready for a fresh one.
async fn void(
    tx: &mut Tx,
    core: &Arc<Core>,
    old: &StoredCommand,
    node_key: KeyId,
    after: &mut After,
) -> sf_store::Result<Numbered> {
    commands::mark_void(tx, old.id).await?;
    let filling = fill(tx, core, old, node_key).await?;
    unreached(tx, core, old, after).await?;
    Ok(filling)
}

/// Signs and stores the void that takes a command's number.
async fn fill(tx: &mut Tx, core: &Arc<Core>, old: &StoredCommand, node_key: KeyId) -> sf_store::Result<Numbered> {
    let authz = own_authz(tx, old.tenant, old.run);
    let address = Address { id: tx.new_id::<CommandId>(), node: old.node, node_key, sequence: old.sequence, authz };
    let void = sealed(tx, core, address, Order::Void(Void { replaces: old.id }), Guard::default());
    commands::insert(tx, &void)?;
    Ok(numbered(&void))
}

/// The run of a command that will never be obeyed is ready for a fresh one.
async fn unreached(tx: &mut Tx, core: &Arc<Core>, old: &StoredCommand, after: &mut After) -> sf_store::Result<()> {
    let Some(run) = old.run else { return Ok(()) };
    let run = runs::get(tx, run).await?;
    if run.command != Some(old.id) {
        return Ok(());
    }
    let text = "the command never reached the node; a fresh one is signed";
    let said = moments::note(tx.now(), text);
    transition::advance(tx, core, run, Input::Unreached, [said], after).await.map(drop)
}
