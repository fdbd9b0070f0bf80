//! Doing some of it again: a fork keeps what ended before a step, and nothing that came of the step.

use std::collections::HashSet;

use sf_types::{ErrorKind, Fault};

use super::definition::{BlockId, Definition};
use super::fact::{End, Fact};

/// Facts of an execution that a fork at `step` begins with: outermost steps that ended well and do not follow from it.
/// They are of `definition`, which may be another version: steps that it does not know are left out.
///
/// # Errors
/// When there is no such step among the outermost ones.
pub fn fork(definition: &Definition, facts: Vec<Fact>, step: &str) -> Result<Vec<Fact>, Box<Fault>> {
    let Some((block, at)) = definition.places.get(step).copied().filter(|(block, _)| *block == definition.root) else {
        let message = format!("`{}` is no step to fork at.", step.chars().take(60).collect::<String>());
        let fault = Fault::new(ErrorKind::Invalid, "workflow.fork", message);
        return Err(Box::new(fault.fix("Name one of the outermost steps: those within a map or branch go with it.")));
    };
    let again = following(definition, block, at);
    let keep = |fact: &Fact| match fact {
        Fact::Ended { step, end: End::Succeeded { .. } | End::Skipped } => {
            let place = definition.places.get(&step.id).filter(|(of, _)| *of == block);
            step.items.is_empty() && place.is_some_and(|(_, at)| !again.contains(at))
        }
        _ => false,
    };
    Ok(facts.into_iter().filter(keep).collect())
}

/// A step and all that follow from it.
fn following(definition: &Definition, block: BlockId, first: usize) -> HashSet<usize> {
    let (mut found, mut next) = (HashSet::from([first]), vec![first]);
    while let Some(at) = next.pop() {
        for dependant in &definition.step(block, at).dependants {
            if found.insert(*dependant) {
                next.push(*dependant);
            }
        }
    }
    found
}
