//! Runs: their state, their timeline, their signed bytes, their log.

use sf_actions::{Action, Actor, Permission};
use sf_protocol::key::PublicKey;
use sf_protocol::report::LogSource;
use sf_protocol::{Kind, Signed};
use sf_store::{StoreError, approvals, apps, audit, commands, delegations, executions, nodes, runs, timeline};
use sf_types::{ErrorKind, Fault, Page, PageRequest, RunId};

use super::apps::{LogLines, LogPart};
use crate::control::Control;

/// Everything needed to check a run's order without trusting the control plane.
#[derive(Clone, Debug)]
pub struct Proof {
    /// The command as stored.
    pub command: commands::StoredCommand,
    /// What the signature says the bytes are.
    pub kind: Kind,
    /// Exact bytes and signature.
    pub signed: Signed,
    /// The root's word on the signing key.
    pub delegation: Signed,
    /// The signing key.
    pub key: PublicKey,
    /// The root.
    pub root: PublicKey,
    /// The node's key, for its acknowledgement and outcome.
    pub node_key: PublicKey,
}

impl Control {
    /// Runs of the tenant.
    ///
    /// # Errors
    /// No right, or the store cannot be read.
    pub async fn runs(
        &self,
        actor: &Actor,
        filter: &runs::RunFilter,
        page: &PageRequest,
    ) -> Result<Page<runs::RunRecord>, Fault> {
        Ok(runs::page(&self.view_runs(actor)?, filter, page).await?)
    }

    /// One run; a workflow's is seen by who sees workflows, too.
    ///
    /// # Errors
    /// Not there, no right, or the store cannot be read.
    pub async fn run(&self, actor: &Actor, run: RunId) -> Result<runs::RunRecord, Fault> {
        let found = match self.view_runs(actor) {
            Ok(reader) => runs::record(&reader, run).await.map_err(Fault::from),
            Err(fault) => Err(fault),
        };
        match found {
            Err(fault) if matches!(fault.kind, ErrorKind::Forbidden | ErrorKind::NotFound) => {
                self.run_of_workflow(actor, run).await?.ok_or(fault)
            }
            found => found,
        }
    }

    async fn run_of_workflow(&self, actor: &Actor, run: RunId) -> Result<Option<runs::RunRecord>, Fault> {
        let Ok(reader) = self.view(actor, Permission::WorkflowView) else { return Ok(None) };
        match executions::get(&reader, run).await {
            Ok(_) => Ok(Some(runs::record(&reader, run).await?)),
            Err(StoreError::NotFound(_)) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// What happened to a run, in order.
    ///
    /// # Errors
    /// Not there, no right, or the store cannot be read.
    pub async fn timeline(&self, actor: &Actor, run: RunId) -> Result<Vec<timeline::Moment>, Fault> {
        let reader = self.view_runs(actor)?;
        runs::get(&reader, run).await?;
        Ok(timeline::of_run(&reader, run).await?)
    }

    /// What fetching and building said.
    ///
    /// # Errors
    /// Not there, no right, or the store cannot be read.
    pub async fn run_log(&self, actor: &Actor, run: RunId, part: &LogPart) -> Result<LogLines, Fault> {
        let reader = self.view_runs(actor)?;
        runs::get(&reader, run).await?;
        part.read(&reader, LogSource::Run { run }).await
    }

    /// The exact signed bytes of a run's order with all that certifies them.
    ///
    /// # Errors
    /// Not there, no right, never signed, or the store cannot be read.
    pub async fn proof(&self, actor: &Actor, run: RunId) -> Result<Proof, Fault> {
        let reader = self.view_runs(actor)?;
        let run = runs::get(&reader, run).await?;
        if let (Action::Patch(_), Some(app)) = (&run.action, run.app) {
            // Its order holds what is written, and the file may be a secret.
            apps::get(&self.view(actor, Permission::PatchApply)?, app).await?;
        }
        let Some(id) = run.command else {
            return Err(Fault::new(ErrorKind::NotFound, "run.not_signed", "No order was signed for this run.")
                .fix("Only runs that a node carries out have one, once they are ready."));
        };
        let command = commands::get(&reader, id).await?;
        let certificate =
            delegations::get(&self.core().store.read(sf_types::Scope::System), command.delegation).await?;
        let certified = self.core().signer.certified();
        let delegation: sf_protocol::Delegation = certificate
            .signed
            .0
            .open(Kind::Delegation, &certified.root)
            .map_err(|error| Fault::new(ErrorKind::Internal, "run.certificate", error.to_string()))?;
        let node_key = nodes::get(&reader, command.node).await?.public_key;
        Ok(Proof {
            kind: command.kind,
            signed: command.signed(),
            delegation: certificate.signed.0,
            key: delegation.key,
            root: certified.root,
            node_key,
            command,
        })
    }

    /// Approvals, newest first.
    ///
    /// # Errors
    /// No right, or the store cannot be read.
    pub async fn approvals(
        &self,
        actor: &Actor,
        state: Option<approvals::ApprovalState>,
        page: &PageRequest,
    ) -> Result<Page<approvals::Approval>, Fault> {
        Ok(approvals::page(&self.view(actor, Permission::ApprovalView)?, state, page).await?)
    }

    /// Lines of the audit chain.
    ///
    /// # Errors
    /// No right, or the store cannot be read.
    pub async fn activity(
        &self,
        actor: &Actor,
        filter: &audit::ActivityFilter,
        page: &PageRequest,
    ) -> Result<Page<audit::Activity>, Fault> {
        Ok(audit::page(&self.view(actor, Permission::AdminAudit)?, filter, page).await?)
    }
}
