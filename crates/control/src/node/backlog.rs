//! What a node that connects is sent: numbers it never took, voids in place of expired ones, orders that waited for it,
//! and what should be true of its apps.

use std::sync::Arc;

use sf_engine::{Input, RunState};
use sf_protocol::Guard;
use sf_protocol::key::KeyId;
use sf_protocol::order::{Order, Void};
use sf_store::commands::{self, StoredCommand};
use sf_store::{Look, Tx, delegations, nodes, runs};
use sf_types::{CommandId, ErrorKind, Fault, NodeId};

use crate::control::Core;
use crate::dispatch::{numbered, own_authz, sealed};
use crate::links::Numbered;
use crate::signer::Address;
use crate::transition::{self, After};
use crate::{moments, resync};

/// Commands a node is sent again after a reconnect at the most; what is beyond waits for the next one.
const MAX_BACKLOG: u32 = 1000;

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
) -> sf_store::Result<(Vec<Numbered>, After)> {
    let (now, epoch) = (tx.now(), core.signer.epoch());
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
    let key = nodes::get(tx, node).await?.key_id;
    let mut frames = Vec::new();
    for command in commands::backlog(tx, node, epoch, journal.high_water_in(epoch) + 1, MAX_BACKLOG).await? {
        frames.push(if command.expires_at > now {
            numbered(&command)
        } else {
            void(tx, core, &command, key, &mut after).await?
        });
    }
    if journal.epoch < epoch {
        // This control plane was restored: the node knows more about its apps, and says so before anything is ordered.
        after.learning.push(node);
        return Ok((frames, after));
    }
    waiting(tx, core, node, &mut after).await?;
    Ok((frames, after))
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
        if run.state == RunState::Ready && run.command.is_none() && run.opened_at < restored {
            let message = "The control plane was restored from a backup, and the node has since taken orders that the \
                           backup does not know: this one may have been carried out.";
            let fault = Fault::new(ErrorKind::Conflict, "run.restored", message);
            let input = Input::CannotPlan(Box::new(fault.fix("Look at the app; propose it again if it is wanted.")));
            transition::advance(tx, core, run, input, None, after).await?;
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
    let authz = own_authz(tx, old.tenant, old.run);
    let address = Address { id: tx.new_id::<CommandId>(), node: old.node, node_key, sequence: old.sequence, authz };
    let void = sealed(tx, core, address, Order::Void(Void { replaces: old.id }), Guard::default());
    commands::insert(tx, &void).await?;
    unreached(tx, core, old, after).await?;
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
