//! Watching over the audit chains: one task verifies what was added, signs the heads and shows them to nodes. None of it
//! is on the path of an action: lines are written by the actions' own transactions.
//!
//! Start reading at [`Control::keep_audit`]. `checkpoint` signs and shows, `verify` checks, `export` hands out.

pub mod calls;
mod checkpoint;
pub mod export;
pub mod retention;
mod verify;

use std::collections::BTreeMap;
use std::sync::atomic::AtomicUsize;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use sf_actions::{Actor, Permission};
use sf_protocol::{KeyId, Signed};
use sf_runtime::OnError;
use sf_store::audit::walk::Bad;
use sf_store::audit::{self, Head};
use sf_store::nodes;
use sf_types::{Fault, InstanceId, NodeId, Scope, Timestamp};
use tokio::sync::Semaphore;

use crate::control::Control;

/// Lines after which a chain's head is signed at the latest.
pub const CHECKPOINT_LINES: u64 = 1_000;
/// Time after which new lines are signed at the latest, and between two heads shown to nodes at the least.
pub const CHECKPOINT_EVERY: Duration = Duration::from_secs(60);
/// Time after which the chains' ends are looked at although nothing is known to have been added: somebody may have cut
/// them.
pub const LOOKED_AT_EVERY: Duration = Duration::from_secs(3600);
/// Nodes that are shown a new head at one time; more are shown it in turn, and each when it connects.
pub const WITNESSES_AT_ONCE: usize = 256;
/// Witnesses named for one chain.
pub const WITNESSES_SHOWN: u32 = 100;
/// Exports under way at the same time.
pub const EXPORTS_AT_ONCE: usize = 2;

/// What is known of the chains.
#[derive(Debug)]
pub(crate) struct Auditor {
    checked: Mutex<BTreeMap<InstanceId, Checked>>,
    /// One look at the chains at a time.
    looking: tokio::sync::Mutex<()>,
    /// The newest signed head of this control plane.
    newest: Mutex<Option<(u64, Signed)>>,
    shown: Mutex<Shown>,
    turn: AtomicUsize,
    exports: Arc<Semaphore>,
}

impl Default for Auditor {
    fn default() -> Self {
        Self {
            checked: Mutex::default(),
            looking: tokio::sync::Mutex::default(),
            newest: Mutex::default(),
            shown: Mutex::default(),
            turn: AtomicUsize::default(),
            exports: Arc::new(Semaphore::new(EXPORTS_AT_ONCE)),
        }
    }
}

/// How far a chain was verified.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
struct Checked {
    up_to: Head,
    at: Timestamp,
    bad: Option<Bad>,
}

/// The head that connected nodes were shown last.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
struct Shown {
    size: u64,
    at: Timestamp,
}

/// How a chain is.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ChainState {
    /// Whose.
    pub instance: InstanceId,
    /// How it ends.
    pub head: Head,
    /// It was verified up to this line.
    pub checked_up_to: u64,
    /// When.
    pub checked_at: Option<Timestamp>,
    /// The first line that does not hold.
    pub bad: Option<Bad>,
    /// The newest signed head: lines, time and key.
    pub checkpoint: Option<(u64, Timestamp, KeyId)>,
    /// Nodes of the tenant that have seen a head, the newest first.
    pub witnesses: Vec<SeenBy>,
}

/// What a node has seen of a chain.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct SeenBy {
    /// The node.
    pub node: NodeId,
    /// What it is called; `None` where it is gone.
    pub name: Option<String>,
    /// Lines.
    pub size: u64,
    /// When that head was signed.
    pub at: Timestamp,
}

impl Auditor {
    fn checked(&self, instance: InstanceId) -> Option<Checked> {
        self.checked.lock().unwrap_or_else(PoisonError::into_inner).get(&instance).cloned()
    }

    fn note(&self, instance: InstanceId, checked: Checked) {
        if let Some(bad) = &checked.bad {
            tracing::error!(%instance, line = bad.seq, damage = bad.damage.word(), why = %bad.why, "the audit chain does not hold");
        }
        self.checked.lock().unwrap_or_else(PoisonError::into_inner).insert(instance, checked);
    }

    /// The first line known not to hold.
    pub(crate) fn first_bad(&self) -> Option<(InstanceId, Bad)> {
        let checked = self.checked.lock().unwrap_or_else(PoisonError::into_inner);
        checked.iter().find_map(|(instance, checked)| Some((*instance, checked.bad.clone()?)))
    }

    fn newest(&self) -> Option<(u64, Signed)> {
        self.newest.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Control {
    /// Starts the task that watches over the chains.
    pub(crate) async fn start_auditor(&self) -> Result<(), sf_store::StoreError> {
        let core = self.core();
        let newest = audit::checkpoints(&core.store.read(Scope::System), self.instance(), 1).await?.pop();
        *core.auditor.newest.lock().unwrap_or_else(PoisonError::into_inner) =
            newest.map(|checkpoint| (checkpoint.size, checkpoint.signed.0));
        let control = self.clone();
        core.tasks.spawn("audit", OnError::Log, async move {
            let core = control.core();
            let (shutdown, mut audited) = (core.tasks.shutdown(), core.store.audited());
            while !shutdown.is_requested() {
                let enough = *audited.borrow_and_update() + CHECKPOINT_LINES;
                tokio::select! {
                    () = shutdown.requested() => break,
                    () = tokio::time::sleep(CHECKPOINT_EVERY) => {}
                    grown = audited.wait_for(|lines| *lines >= enough) => if grown.is_err() { break },
                }
                let looked_at = *audited.borrow_and_update();
                match control.look_after_audit().await {
                    Ok(true) if !control.is_shared() => tokio::select! {
                        () = shutdown.requested() => break,
                        () = tokio::time::sleep(LOOKED_AT_EVERY) => {}
                        grown = audited.wait_for(|lines| *lines > looked_at) => if grown.is_err() { break },
                    },
                    Ok(_) => {}
                    Err(fault) => {
                        tracing::warn!(%fault, "the audit chain could not be looked after; tried again in a minute");
                    }
                }
            }
            Ok::<(), Fault>(())
        });
        Ok(())
    }

    /// Verifies what was added to the chains since the last time, signs the head of the own one and shows it to nodes.
    /// The task calls it; a test that does not want to wait may, too.
    ///
    /// # Errors
    /// When the store cannot be read or written; it is tried again then.
    pub async fn keep_audit(&self) -> Result<(), Fault> {
        self.look_after_audit().await.map(drop)
    }

    /// The same; answers whether nothing is left to do until there is another line.
    async fn look_after_audit(&self) -> Result<bool, Fault> {
        let _looking = self.core().auditor.looking.lock().await;
        self.verify_new().await?;
        let signed = self.sign_head().await?.map_or(0, |(size, _)| size);
        let up_to = self.core().auditor.checked(self.instance()).map_or(0, |checked| checked.up_to.seq);
        Ok(self.show_head() && signed >= up_to)
    }

    /// How the chains are. What was added since the last look is verified first.
    ///
    /// # Errors
    /// No right, or the store cannot be read.
    pub async fn audit_state(&self, actor: &Actor) -> Result<Vec<ChainState>, Fault> {
        self.view_team(actor, Permission::AdminAudit)?;
        {
            let _looking = self.core().auditor.looking.lock().await;
            self.verify_new().await?;
        }
        self.chain_states(actor).await
    }

    /// Verifies the chains from their first line to their last, and answers how they are.
    ///
    /// # Errors
    /// No right, or the store cannot be read.
    pub async fn verify_audit(&self, actor: &Actor) -> Result<Vec<ChainState>, Fault> {
        self.view_team(actor, Permission::AdminAudit)?;
        let control = self.clone();
        let verified = self.owned("verify audit", async move {
            let _looking = control.core().auditor.looking.lock().await;
            control.verify_all().await
        });
        verified.await?;
        self.chain_states(actor).await
    }

    async fn chain_states(&self, actor: &Actor) -> Result<Vec<ChainState>, Fault> {
        let core = self.core();
        let (all, own) = (core.store.read(Scope::System), core.store.read(actor.scope()));
        let mut states = Vec::new();
        for (instance, head) in audit::heads(&all).await? {
            let checked = core.auditor.checked(instance);
            let newest = audit::checkpoints(&all, instance, 1).await?.pop();
            let mut witnesses = Vec::new();
            for seen in audit::witnesses(&own, instance, WITNESSES_SHOWN).await? {
                let name = nodes::get(&own, seen.node).await.ok().map(|node| node.name);
                witnesses.push(SeenBy { node: seen.node, name, size: seen.size, at: seen.at });
            }
            states.push(ChainState {
                instance,
                head,
                checked_up_to: checked.as_ref().map_or(0, |checked| checked.up_to.seq),
                checked_at: checked.as_ref().map(|checked| checked.at),
                bad: checked.and_then(|checked| checked.bad),
                checkpoint: newest.map(|newest| (newest.size, newest.at, newest.signed.0.key_id)),
                witnesses,
            });
        }
        Ok(states)
    }
}
