//! Reads: never runs, never audited, always within the actor's scope. A missing view right is a 403 for lists and a
//! 404 for single objects.

pub mod apps;
pub mod devices;
pub mod explain;
pub mod files;
pub mod logs;
pub mod node;
pub mod nodes;
pub mod panel;
pub mod people;
pub mod projects;
pub mod proxies;
pub mod rights;
pub mod runs;
pub mod schedules;
pub mod secrets;

use sf_actions::{Actor, Permission};
use sf_store::Reader;
use sf_types::{ErrorKind, Fault};

use crate::control::Control;

impl Control {
    /// A view for somebody who has the right somewhere: of what they have it for.
    pub(crate) fn view(&self, actor: &Actor, right: Permission) -> Result<Reader, Fault> {
        match actor.rights.sight(right) {
            Some(sight) => Ok(self.core().store.read(actor.scope()).seeing(sight)),
            None => Err(lacks(right)),
        }
    }

    /// A view of runs, for somebody who sees any.
    pub(crate) fn view_runs(&self, actor: &Actor) -> Result<Reader, Fault> {
        match actor.rights.sight_of_runs() {
            Some(sight) => Ok(self.core().store.read(actor.scope()).seeing(sight)),
            None => Err(lacks(Permission::AppView)),
        }
    }

    /// The same for what belongs to the team as a whole: the right has to hold everywhere.
    pub(crate) fn view_team(&self, actor: &Actor, right: Permission) -> Result<Reader, Fault> {
        if actor.may(right) { Ok(self.core().store.read(actor.scope())) } else { Err(lacks(right)) }
    }
}

/// Somebody may not look.
pub(crate) fn lacks(right: Permission) -> Fault {
    let message = format!("This needs the permission `{right}`, which you do not have here.");
    Fault::new(ErrorKind::Forbidden, "permission.missing", message)
        .fix("Ask somebody who may manage roles to grant it.")
}
