//! A run that goes on by another version of its workflow: what has ended stays, what is left is done by the other one.

use std::collections::BTreeSet;
use std::sync::Arc;

use sf_actions::workflow::MoveRun;
use sf_engine::workflow::{Execution, Fact};
use sf_store::{Look, executions};
use sf_types::{ErrorKind, Fault, RunId};

use super::journal;
use crate::control::Core;

/// Steps named in a plan at the most; the rest is counted.
const NAMED: usize = 20;

/// A run by its own version and by another one.
pub(super) struct Moving {
    old: Execution,
    new: Execution,
}

/// Looks at a run as the other version would have it.
pub(super) async fn look(at: &impl Look, core: &Arc<Core>, args: &MoveRun) -> sf_store::Result<Moving> {
    let row = executions::get(at, args.run).await?;
    let old = core.workflows.definition(at, row.workflow, row.version).await?;
    let new = core.workflows.definition(at, row.workflow, args.version).await?;
    let facts: Vec<_> = journal::facts(at, args.run).await?;
    let facts = || facts.iter().flat_map(|(_, at, facts)| facts.iter().map(move |fact| (*at, fact.clone())));
    let malformed = |why: sf_engine::workflow::execution::BadJournal| {
        sf_store::StoreError::malformed("a workflow's journal", why.to_string())
    };
    let moved = facts().last().map(|(at, _)| (at, Fact::Moved { version: args.version }));
    let old = Execution::rebuild(old, args.run, facts()).map_err(malformed)?;
    let new = Execution::rebuild(new, args.run, facts().chain(moved)).map_err(malformed)?;
    Ok(Moving { old, new })
}

impl Moving {
    /// Refuses what would forget something that runs or waits right now.
    pub(super) fn check(&self, run: RunId) -> Result<(), Fault> {
        let lost = self.old.steps().find(|step| {
            let active = matches!(step.state, "running" | "retrying" | "waiting" | "asked" | "catching");
            active && self.new.look(&step.key).is_none_or(|new| new.state != step.state || new.kind != step.kind)
        });
        match lost {
            None => Ok(()),
            Some(step) => {
                let message =
                    format!("Step `{}` of run {run} is {}, and the version has no such step.", step.key, step.state);
                let fault = Fault::new(ErrorKind::Conflict, "workflow.move", message);
                Err(fault.fix("Wait until it has ended, or fork the run from a step before it."))
            }
        }
    }

    /// What changes for the steps that are left, one line each.
    pub(super) fn told(&self) -> Vec<String> {
        let keys = |of: &Execution, left: bool| -> BTreeSet<String> {
            let wanted =
                |state: &str| !left || matches!(state, "pending" | "running" | "retrying" | "waiting" | "asked");
            of.steps().filter(|step| wanted(step.state)).map(|step| step.key.to_string()).collect()
        };
        let (before, after) = (keys(&self.old, true), keys(&self.new, true));
        let ended = self.new.progress().0;
        let mut lines = vec![format!("{ended} steps have ended and stay as they are.")];
        let mut name = |what: &str, steps: Vec<&String>| {
            if steps.is_empty() {
                return;
            }
            let shown: Vec<_> = steps.iter().take(NAMED).map(|step| format!("`{step}`")).collect();
            let more = steps.len().saturating_sub(NAMED);
            let more = if more > 0 { format!(" and {more} more") } else { String::new() };
            lines.push(format!("{what}: {}{more}.", shown.join(", ")));
        };
        name("Left, in both versions", before.intersection(&after).collect());
        name("New", after.difference(&before).collect());
        name("Not done any more", before.difference(&after).collect());
        lines
    }
}
