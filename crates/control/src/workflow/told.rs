//! Refusals of documents and inputs, and what a change of a workflow would do, for people.

use std::sync::Arc;

use sf_actions::workflow::WorkflowAction;
use sf_engine::workflow::{Definition, Problem};
use sf_store::{Look, executions, workflows};
use sf_types::{ErrorKind, Fault, Timestamp};

use super::upcoming::{self, Upcoming};
use super::{INSTALLED, moving};
use crate::control::Core;
use crate::rehearsal::Told;

/// Problems that a refusal names.
const NAMED: usize = 5;

/// A document or value that is refused, with the first problems.
pub(crate) fn refused(code: &str, what: &str, problems: &[Problem]) -> Fault {
    let one = |problem: &Problem| match problem.place.as_str() {
        "" => problem.message.clone(),
        place => format!("{place}: {}", problem.message),
    };
    let shown: Vec<String> = problems.iter().take(NAMED).map(one).collect();
    let more = match problems.len().saturating_sub(NAMED) {
        0 => String::new(),
        more => format!(" (and {more} more)"),
    };
    let fix = problems.first().map_or(String::new(), |problem| problem.fix.clone());
    Fault::new(ErrorKind::Invalid, code, format!("{what}. {}{more}", shown.join(" "))).fix(fix)
}

/// Reads and checks a document.
///
/// # Errors
/// What is wrong with it.
pub fn parse(document: &str) -> Result<Definition, Fault> {
    Definition::parse(document, INSTALLED)
        .map_err(|problems| refused("workflow.refused", "The workflow is refused", &problems))
}

/// Reads and checks a document, for editors: everything that is wrong with it.
///
/// # Errors
/// Each problem with its place.
pub fn lint(document: &str) -> Result<Definition, Vec<Problem>> {
    Definition::parse(document, INSTALLED)
}

/// The schedules of a document with their next moments, as far as it can be read.
pub fn schedules(document: &str, now: Timestamp) -> Vec<Upcoming> {
    Definition::read(document).map_or_else(|_| Vec::new(), |read| upcoming::of(&read.triggers, now))
}

/// What a change would do.
pub(crate) async fn tell(at: &impl Look, core: &Arc<Core>, action: &WorkflowAction) -> sf_store::Result<Told> {
    let mut told = Told::default();
    match action {
        WorkflowAction::Create(create) => {
            let definition = parse(&create.document)?;
            told.steps.push(format!(
                "`{}` is kept as version 1; it has {} steps.",
                definition.name,
                definition.steps()
            ));
            if !definition.triggers.is_empty() {
                told.steps.push("Its triggers start it once they are switched on.".to_owned());
            }
        }
        WorkflowAction::Update(update) => {
            let (definition, before) = (parse(&update.document)?, workflows::get(at, update.workflow).await?);
            if definition.hash == before.hash {
                told.steps.push(format!("Nothing changes: it is version {} as it stands.", before.version));
            } else {
                told.steps.push(format!("`{}` is kept as version {}.", definition.name, before.version + 1));
                let open = executions::open_of(at, before.id).await?;
                if before.enabled {
                    told.steps.push("Its triggers stay on only if it was you who switched them on.".to_owned());
                }
                told.steps.push(format!("{open} runs that are under way go on by the version they began with."));
            }
        }
        WorkflowAction::Enable(enable) => {
            let name = workflows::get(at, enable.workflow).await?.name;
            told.steps.push(match enable.enabled {
                true => format!("Its triggers start `{name}`, with your rights."),
                false => format!("Its triggers start `{name}` no more; what runs goes on."),
            });
        }
        WorkflowAction::Delete(of) => {
            let workflow = workflows::get(at, of.workflow).await?;
            told.steps.push(format!("`{}` and its triggers are deleted.", workflow.name));
            told.losses.push(format!("{} versions, and what each step of its runs did", workflow.version));
        }
        WorkflowAction::Move(of) => told.steps = moving::look(at, core, of).await?.told(),
        WorkflowAction::Send(send) => told.steps.push(format!("A step that waits for `{}` goes on.", send.event)),
        WorkflowAction::Run(_) | WorkflowAction::Fork(_) => {}
    }
    Ok(told)
}
