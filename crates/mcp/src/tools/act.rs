//! Tools that change something. Each makes one action of its arguments and proposes it; what comes of it is policy's to say.

pub(super) mod patch;
pub(super) mod process;
pub(super) mod proxy;
pub(super) mod release;
pub(super) mod workflow;

use serde_json::{Value, json};
use sf_actions::Action;
use sf_types::{ErrorKind, Fault};

use super::asked::Result;
use super::names::Thing;
use super::output::is_plain;

/// An action by its name and arguments, as every edge writes them.
///
/// # Errors
/// A value was refused.
fn action(name: &str, args: Value) -> Result<Action> {
    serde_json::from_value(json!({ "action": name, "args": args })).map_err(|why| {
        Fault::new(ErrorKind::Invalid, "value.refused", format!("`{name}` takes no such value: {why}.")).into()
    })
}

/// What a thing is called in a sentence of ours: a name that could say something is left out.
fn about(thing: &Thing) -> String {
    let name = thing.name();
    let name = if is_plain(name) { format!(" {name}") } else { String::new() };
    format!("{}{name} ({})", thing.kind.word(), thing.id)
}
