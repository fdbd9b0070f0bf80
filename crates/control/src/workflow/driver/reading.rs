//! Executions from the database into memory; what makes no sense there is put aside.

use std::sync::Arc;

use sf_engine::workflow::Finish;
use sf_store::StoreError;
use sf_store::executions::{ExecutionState, Standing};
use sf_types::{ErrorKind, Fault, RunId};

use super::ground::Ground;
use super::{Driver, Hot};
use crate::workflow::commit::Turn;
use crate::workflow::journal;

impl<G: Ground> Driver<G> {
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

    /// Ends a run whose journal or definition cannot be made sense of: trying again would go on for ever.
    async fn put_aside(&self, id: RunId, why: Fault) -> sf_store::Result<()> {
        let Some((row, context)) = self.ground.find(id).await? else { return Ok(()) };
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
        let turn = Turn { standing: Some(standing), finish: Some(Finish::Failed { fault }), ..Turn::of(context) };
        self.ground.commit(self.fence, Arc::new(vec![turn])).await
    }

    async fn read(&self, id: RunId) -> sf_store::Result<Option<Hot>> {
        let Some((row, context)) = self.ground.find(id).await? else { return Ok(None) };
        if row.closed_at.is_some() || row.state == ExecutionState::Queued {
            return Ok(None);
        }
        let definition = self.ground.definition(row.workflow, row.version).await?;
        let (execution, seq) = journal::execution(definition, id, self.ground.facts(id).await?)?;
        Ok(Some(Hot { context, execution, version: row.version, seq, state: row.state, alarm: None, told: None }))
    }
}

/// Whether reading it again would bring the same.
const fn is_for_good(error: &StoreError) -> bool {
    matches!(error, StoreError::Malformed(_) | StoreError::Refused(_))
}
