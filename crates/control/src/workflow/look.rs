//! What people see of workflows and their runs.

use std::sync::Arc;

use sf_actions::{Actor, Permission};
use sf_engine::Done;
use sf_engine::workflow::execution::StepView;
use sf_engine::workflow::{Definition, Execution, StepKey};
use sf_store::executions::{self, ExecutionFilter, ExecutionRow};
use sf_store::workflows::{self, Trigger, Version, Workflow};
use sf_store::{Reader, runs};
use sf_types::{ErrorKind, Fault, Page, PageRequest, ProjectId, RunId, WorkflowId};

use super::journal::{self, Recorded};
use super::upcoming::{self, Upcoming};
use crate::control::Control;

/// Versions of one answer at the most.
pub const VERSIONS: u32 = 50;
/// Runs of one tree of forks that are answered at the most.
const FORKS: usize = 200;

/// A workflow with what starts it.
#[derive(Clone, Debug)]
pub struct WorkflowShown {
    /// The workflow.
    pub workflow: Workflow,
    /// Its triggers.
    pub triggers: Vec<Trigger>,
    /// Runs of it that have not ended.
    pub open: u64,
    /// Its schedules with their next moments; told of one workflow alone.
    pub upcoming: Vec<Upcoming>,
}

/// A run of a workflow in a list.
#[derive(Clone, Debug)]
pub struct ExecutionListed {
    /// Its row.
    pub row: ExecutionRow,
    /// How its run ended.
    pub done: Option<Done>,
}

/// A run of a workflow, with all that is known of it.
#[derive(Clone, Debug)]
pub struct ExecutionShown {
    /// As in a list.
    pub listed: ExecutionListed,
    /// What its journal says.
    pub execution: Execution,
    /// Runs that its steps have proposed: step, try, run.
    pub children: Vec<(StepKey, u32, RunId)>,
}

impl Control {
    /// Workflows that the actor sees, newest first.
    ///
    /// # Errors
    /// No right, a bad cursor, or the store cannot be read.
    pub async fn workflows(
        &self,
        actor: &Actor,
        project: Option<ProjectId>,
        q: Option<&str>,
        page: &PageRequest,
    ) -> Result<Page<WorkflowShown>, Fault> {
        let reader = self.view(actor, Permission::WorkflowView)?;
        let found = workflows::page(&reader, project, q, page).await?;
        let mut items = Vec::with_capacity(found.items.len());
        for workflow in found.items {
            items.push(shown(&reader, workflow).await?);
        }
        Ok(Page { items, next: found.next })
    }

    /// One workflow.
    ///
    /// # Errors
    /// Not there, no right, or the store cannot be read.
    pub async fn workflow(&self, actor: &Actor, id: WorkflowId) -> Result<WorkflowShown, Fault> {
        let reader = self.view(actor, Permission::WorkflowView)?;
        let workflow = workflows::get(&reader, id).await?;
        let definition = self.core().workflows.definition(&reader, id, workflow.version).await?;
        let upcoming = upcoming::of(definition.triggers.iter().map(|trigger| &trigger.kind), self.now());
        Ok(WorkflowShown { upcoming, ..shown(&reader, workflow).await? })
    }

    /// One version of a workflow, as it was written and as it is laid out.
    ///
    /// # Errors
    /// Not there, no right, or the store cannot be read.
    pub async fn workflow_version(
        &self,
        actor: &Actor,
        id: WorkflowId,
        version: Option<u32>,
    ) -> Result<(Version, Arc<Definition>), Fault> {
        let reader = self.view(actor, Permission::WorkflowView)?;
        let workflow = workflows::get(&reader, id).await?;
        let version = version.unwrap_or(workflow.version);
        let row = workflows::version(&reader, id, version).await?;
        Ok((row, self.core().workflows.definition(&reader, id, version).await?))
    }

    /// Versions of a workflow before `before`, newest first.
    ///
    /// # Errors
    /// Not there, no right, or the store cannot be read.
    pub async fn workflow_versions(
        &self,
        actor: &Actor,
        id: WorkflowId,
        before: Option<u32>,
    ) -> Result<Vec<Version>, Fault> {
        let reader = self.view(actor, Permission::WorkflowView)?;
        workflows::get(&reader, id).await?;
        Ok(workflows::versions(&reader, id, before, VERSIONS).await?)
    }

    /// Runs of workflows that the actor sees, newest first.
    ///
    /// # Errors
    /// No right, a bad cursor, or the store cannot be read.
    pub async fn executions(
        &self,
        actor: &Actor,
        filter: &ExecutionFilter,
        page: &PageRequest,
    ) -> Result<Page<ExecutionListed>, Fault> {
        let reader = self.view(actor, Permission::WorkflowView)?;
        let Page { items, next } = executions::page(&reader, filter, page).await?;
        Ok(Page { items: self.listed(actor, items).await?, next })
    }

    /// The tree of forks that a run stands in, oldest first.
    ///
    /// # Errors
    /// Not there, no right, or the store cannot be read.
    pub async fn execution_forks(&self, actor: &Actor, run: RunId) -> Result<Vec<ExecutionListed>, Fault> {
        let reader = self.view(actor, Permission::WorkflowView)?;
        self.listed(actor, executions::family(&reader, run, FORKS).await?).await
    }

    /// Who sees an execution sees how its run ended, whatever else they see of runs.
    async fn listed(&self, actor: &Actor, rows: Vec<ExecutionRow>) -> Result<Vec<ExecutionListed>, Fault> {
        let ids: Vec<RunId> = rows.iter().map(|row| row.run).collect();
        let ends = runs::ends(&self.core().store.read(actor.scope()), &ids).await?;
        Ok(rows.into_iter().map(|row| ExecutionListed { done: ends.get(&row.run).copied(), row }).collect())
    }

    /// One run of a workflow, step by step.
    ///
    /// # Errors
    /// Not there, no right, or the store cannot be read.
    pub async fn execution(&self, actor: &Actor, run: RunId) -> Result<ExecutionShown, Fault> {
        let reader = self.view(actor, Permission::WorkflowView)?;
        let row = executions::get(&reader, run).await?;
        let definition = self.core().workflows.definition(&reader, row.workflow, row.version).await?;
        let (execution, _) = journal::rebuild(&reader, definition, run).await?;
        let own = self.core().store.read(actor.scope());
        let children = runs::children(&own, run).await?;
        let children = children.into_iter().filter_map(|child| {
            let parent = child.parent?;
            Some((parent.step, parent.attempt, child.id))
        });
        let done = runs::ends(&own, &[run]).await?.remove(&run);
        Ok(ExecutionShown { listed: ExecutionListed { row, done }, execution, children: children.collect() })
    }

    /// What was recorded of a run, oldest first.
    ///
    /// # Errors
    /// Not there, no right, a bad cursor, or the store cannot be read.
    pub async fn execution_journal(
        &self,
        actor: &Actor,
        run: RunId,
        page: &PageRequest,
    ) -> Result<Page<Recorded>, Fault> {
        Ok(journal::page(&self.view(actor, Permission::WorkflowView)?, run, page).await?)
    }

    /// One step of a run.
    ///
    /// # Errors
    /// Not there, no right, or the store cannot be read.
    pub async fn execution_step(&self, actor: &Actor, run: RunId, key: &StepKey) -> Result<StepView, Fault> {
        let shown = self.execution(actor, run).await?;
        shown.execution.look(key).ok_or_else(|| {
            let message = format!("The run has no step `{key}`, or has not come to it.");
            Fault::new(ErrorKind::NotFound, "step.not_found", message).fix("List its steps.")
        })
    }
}

async fn shown(reader: &Reader, workflow: Workflow) -> Result<WorkflowShown, Fault> {
    let triggers = workflows::triggers(reader, workflow.id).await?;
    let open = executions::open_of(reader, workflow.id).await?;
    Ok(WorkflowShown { workflow, triggers, open, upcoming: Vec::new() })
}
