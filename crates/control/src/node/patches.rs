//! Patches between a proposal and its node: who knows them, and what people are told of them.

use sf_actions::Action;
use sf_protocol::handshake::PATCH_SINCE;
use sf_protocol::order::Order;
use sf_protocol::patch::{Edit, Patch, TakesEffect};
use sf_types::{ErrorKind, Fault, NodeId};

use crate::control::Core;

/// Refuses a patch, and a look into files, where the agent is too old for it. A node that is away is asked when it is back.
///
/// # Errors
/// `patch.agent_too_old`.
pub(crate) fn known_to(core: &Core, action: &Action, node: NodeId) -> Result<(), Fault> {
    if matches!(action, Action::Patch(_)) { speaks(core, node) } else { Ok(()) }
}

/// As [`known_to`], of a look.
///
/// # Errors
/// `patch.agent_too_old`.
pub(crate) fn speaks(core: &Core, node: NodeId) -> Result<(), Fault> {
    if core.links.version(node).is_some_and(|version| version < PATCH_SINCE) {
        let message = "The agent of this app's node is too old to know patches.";
        let fault = Fault::new(ErrorKind::Conflict, "patch.agent_too_old", message);
        return Err(fault.fix("Update the agent on that machine."));
    }
    Ok(())
}

/// Whether an order is a patch that makes a release of its own.
pub(crate) fn makes_release(order: &Order) -> bool {
    matches!(order, Order::Patch(patch) if patch.effect == TakesEffect::Restart)
}

/// What a patch will do, for people. What is written is not told: the file may hold secrets.
pub(crate) fn steps(patch: &Patch) -> Vec<String> {
    let (path, before) = (&patch.file.path, patch.file.before.short());
    let what = match &patch.file.edit {
        Edit::Delete => format!("Take {path} away"),
        Edit::Write { from: 0, to: None, text } => format!("Have {path} hold {} bytes", text.len()),
        Edit::Write { from, to, text } => {
            let to = to.map_or("the end".to_owned(), |to| to.to_string());
            format!("Replace bytes {from} to {to} of {path} by {} others", text.len())
        }
    };
    let mut steps = vec![format!("{what}, if it is {before} as it was looked at")];
    steps.push(if patch.accept_broken {
        "Read it by the grammar of its language, and write it also where it breaks it".to_owned()
    } else {
        "Read it by the grammar of its language, and write nothing that breaks it".to_owned()
    });
    steps.push(match patch.effect {
        TakesEffect::Restart => {
            "Make a release that is the live one with this change, start it beside, and switch once it is healthy"
                .to_owned()
        }
        TakesEffect::Signal { signal } => {
            format!("Change it where it is, and send {} to the process", signal_name(signal))
        }
        TakesEffect::Nothing => "Change it where it is; nobody is told".to_owned(),
    });
    steps.push(format!("Watch it for {} s; return to what was before if it breaks", patch.watch.0 / 1000));
    steps
}

const fn signal_name(signal: sf_protocol::patch::PatchSignal) -> &'static str {
    use sf_protocol::patch::PatchSignal;
    match signal {
        PatchSignal::Hup => "SIGHUP",
        PatchSignal::Usr1 => "SIGUSR1",
        PatchSignal::Usr2 => "SIGUSR2",
    }
}
