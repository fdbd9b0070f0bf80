//! Signing the head of the chain, showing it to nodes, and what they answer.

use std::sync::PoisonError;
use std::sync::atomic::Ordering;

use sf_protocol::handshake::WITNESS_SINCE;
use sf_protocol::witness::{self, Witness};
use sf_protocol::{Frame, Signed};
use sf_store::audit::walk::{Bad, Damage};
use sf_store::audit::{self, Checkpoint, Witnessed};
use sf_store::{Json, StoreError, nodes};
use sf_types::{ErrorKind, Fault, NodeId, Scope};

use super::{CHECKPOINT_EVERY, Checked, Shown, WITNESSES_AT_ONCE};
use crate::control::Control;

impl Control {
    /// Signs the head of the own chain as far as it was verified, if that was not done yet. Nothing is signed that does
    /// not hold. Answers the newest signed head.
    pub(super) async fn sign_head(&self) -> Result<Option<(u64, Signed)>, Fault> {
        let (core, instance) = (self.core(), self.instance());
        let newest = core.auditor.newest();
        let Some(checked) = core.auditor.checked(instance) else { return Ok(newest) };
        let signed_up_to = newest.as_ref().map_or(0, |(size, _)| *size);
        if checked.bad.is_some() || checked.up_to.seq <= signed_up_to {
            return Ok(newest);
        }
        let (certified, now) = (core.signer.certified(), self.now());
        if !certified.delegation.valid_at(now) {
            tracing::warn!("the signing key's certificate has ended: the audit chain is not signed any more");
            return Ok(newest);
        }
        let (size, hash) = (checked.up_to.seq, checked.up_to.hash);
        let signed = Witness::seal((instance, size, hash), now, &certified.key, &certified.signed, &certified.root);
        let checkpoint = Checkpoint { instance, size, hash, at: now, signed: Json(signed.clone()) };
        let added = core
            .store
            .write(Scope::System, move |tx| Box::pin(async move { audit::add_checkpoint(tx, &checkpoint).await }))
            .await;
        match added {
            // Of an earlier epoch, before a restore: the same line is signed again only with the next one.
            Ok(()) | Err(StoreError::Taken(_)) => {}
            Err(error) => return Err(error.into()),
        }
        let newest = Some((size, signed));
        (*core.auditor.newest.lock().unwrap_or_else(PoisonError::into_inner)).clone_from(&newest);
        Ok(newest)
    }

    /// Shows the newest signed head to connected nodes, once a minute at the most; answers whether it was shown.
    pub(super) fn show_head(&self) -> bool {
        let (core, now) = (self.core(), self.now());
        let Some((size, signed)) = core.auditor.newest() else { return true };
        {
            let mut shown = core.auditor.shown.lock().unwrap_or_else(PoisonError::into_inner);
            if shown.size >= size {
                return true;
            }
            if shown.size > 0 && now.since(shown.at) < CHECKPOINT_EVERY {
                return false;
            }
            *shown = Shown { size, at: now };
        }
        let turn = core.auditor.turn.fetch_add(WITNESSES_AT_ONCE, Ordering::Relaxed);
        core.links.send_to_some(&Frame::Witness(signed), WITNESS_SINCE, WITNESSES_AT_ONCE, turn);
        true
    }

    /// Shows the newest signed head to a node that has just connected.
    pub(crate) fn show_newest(&self, node: NodeId) {
        if let Some((_, signed)) = self.core().auditor.newest() {
            self.core().links.send(node, Frame::Witness(signed));
        }
    }

    /// A node says which head it holds. It is our own word, so it counts whoever brings it.
    pub(crate) async fn witnessed(&self, node: NodeId, signed: Signed) -> Result<(), Fault> {
        let core = self.core();
        let head = Witness::open(&signed, self.root_fingerprint()).map_err(|error| {
            Fault::new(ErrorKind::Invalid, "frame.signature", format!("The WITNESS was refused: {error}."))
        })?;
        let reader = core.store.read(Scope::System);
        let heads = audit::heads(&reader).await?;
        let Some((_, end)) = heads.into_iter().find(|(instance, _)| *instance == head.instance) else {
            return Ok(());
        };
        let line = if head.size > end.seq { None } else { audit::line(&reader, head.instance, head.size).await? };
        let row = move |tenant| Witnessed {
            instance: head.instance,
            node,
            tenant,
            size: head.size,
            hash: head.hash,
            at: head.at,
            epoch: head.epoch,
            signed: Json(signed),
        };
        let Some(bad) = contradicted(&head, end.seq, line.map(|line| line.entry_hash), core.signer.epoch()) else {
            core.store.write_unawaited(Scope::System, move |tx| Box::pin(keep(tx, node, row))).await;
            return Ok(());
        };
        tracing::error!(agent_id = %node, "a node has witnessed another audit chain");
        // It is stored before it is noted, so that no look at the chain misses it.
        core.store.write(Scope::System, move |tx| Box::pin(keep(tx, node, row))).await?;
        let _looking = core.auditor.looking.lock().await;
        let checked = core.auditor.checked(head.instance).unwrap_or_default();
        core.auditor.note(head.instance, Checked { bad: checked.bad.or(Some(bad)), ..checked });
        Ok(())
    }
}

async fn keep(
    tx: &mut sf_store::Tx,
    node: NodeId,
    row: impl FnOnce(sf_types::TenantId) -> Witnessed,
) -> sf_store::Result<()> {
    let row = row(nodes::get(tx, node).await?.tenant);
    audit::witnessed(tx, &row).await
}

/// What a witnessed head says against a chain that ends with line `end` and has `hash` at that place; `None` for a place
/// that is pruned. Of an earlier epoch it says nothing: a restored chain goes on from an earlier line.
fn contradicted(head: &witness::Head, end: u64, hash: Option<[u8; 32]>, epoch: u64) -> Option<Bad> {
    if head.epoch < epoch {
        return None;
    }
    if head.size > end {
        let why = format!("a node has witnessed {} lines, signed at {}", head.size, head.at);
        return Some(Bad { damage: Damage::Truncated, seq: end + 1, why });
    }
    let other = hash.is_some_and(|hash| hash != head.hash);
    let why = || format!("a node has witnessed another line here, signed at {}", head.at);
    other.then(|| Bad { damage: Damage::Forked, seq: head.size, why: why() })
}
