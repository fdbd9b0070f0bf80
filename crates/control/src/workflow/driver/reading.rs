//! Executions from the database into memory; what makes no sense there is put aside.

use std::collections::HashMap;
use std::sync::Arc;

use sf_engine::workflow::Finish;
use sf_store::executions::{self, ExecutionState, Standing};
use sf_store::{StoreError, runs};
use sf_types::{ErrorKind, Fault, RunId, Scope};
use uuid::Uuid;

use super::{Driver, Hot};
use crate::workflow::commit::{self, Turn};
use crate::workflow::{Context, journal};

impl Driver {
    /// Brings an execution into memory; `false` when there is none, or none that goes on.
    pub(super) async fn load(&mut self, run: RunId) -> bool {
        if self.hot.contains_key(&run) {
            return true;
        }
        match self.read(run).await {
            Ok(Some(hot)) => {
                self.hot.insert(run, hot);
                true
            }
            Ok(None) => false,
            Err(error) => {
                tracing::error!(%run, %error, "an execution could not be read");
                if !is_for_good(&error) || self.put_aside(run, error.into()).await.is_err() {
                    self.lose(run);
                }
                false
            }
        }
    }

    /// What comes for an execution that is over is forgotten: the end of a run that nobody waited for any more.
    pub(super) async fn discard(&self, run: RunId, ids: Vec<Uuid>) {
        let write = self.control.core().store.write(Scope::System, move |tx| {
            let ids = ids.clone();
            Box::pin(async move {
                match executions::get(tx, run).await?.closed_at {
                    Some(_) => executions::taken_in(tx, &ids).await,
                    None => Ok(()),
                }
            })
        });
        if let Err(error) = write.await {
            tracing::warn!(%run, %error, "what came too late for a run stays in its inbox until the next start");
        }
    }

    /// Ends a run whose journal or definition cannot be made sense of: trying again would go on for ever.
    async fn put_aside(&self, id: RunId, why: Fault) -> Result<(), Fault> {
        let core = self.control.core();
        let reader = core.store.read(Scope::System);
        let (row, run) = (executions::get(&reader, id).await?, runs::get(&reader, id).await?);
        let message = format!("It was put aside, since it cannot be read: {}", why.message);
        let fault = Fault::new(ErrorKind::Internal, "workflow.poison", message).fix("Run the workflow again.");
        let standing = Standing {
            state: ExecutionState::Done,
            wake_at: None,
            version: row.version,
            steps: (row.steps_ended, row.steps_known),
            first_fault: Some(fault.clone()),
            poison: true,
        };
        let context =
            Context { run: id, tenant: row.tenant, project: row.project, workflow: row.workflow, actor: run.actor };
        let turn = Turn {
            context,
            entry: None,
            blobs: Vec::new(),
            cards: Vec::new(),
            standing: Some(standing),
            finish: Some(Finish::Failed { fault }),
            taken_in: Vec::new(),
            told: None,
        };
        let after = commit::commit(core, self.fence, Arc::new(vec![turn])).await?;
        self.control.deliver(after);
        Ok(())
    }

    async fn read(&self, id: RunId) -> sf_store::Result<Option<Hot>> {
        let core = self.control.core();
        let reader = core.store.read(Scope::System);
        let row = match executions::get(&reader, id).await {
            Err(StoreError::NotFound(_)) => return Ok(None),
            row => row?,
        };
        if row.closed_at.is_some() || row.state == ExecutionState::Queued || row.engine != Some(core.store.instance()) {
            return Ok(None);
        }
        let run = runs::get(&reader, id).await?;
        let definition = core.workflows.definition(&reader, row.workflow, row.version).await?;
        let (execution, seq) = journal::rebuild(&reader, definition, id).await?;
        let context =
            Context { run: id, tenant: row.tenant, project: row.project, workflow: row.workflow, actor: run.actor };
        Ok(Some(Hot {
            context,
            execution,
            version: row.version,
            seq,
            state: row.state,
            alarm: None,
            told: None,
            stops: HashMap::new(),
        }))
    }
}

/// Whether reading it again would bring the same.
const fn is_for_good(error: &StoreError) -> bool {
    matches!(error, StoreError::Malformed(_) | StoreError::Refused(_))
}
