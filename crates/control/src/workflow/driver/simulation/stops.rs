//! Calls that nobody wants any more.

use std::time::Duration;

use sf_types::InstanceId;

use super::database::Try;
use super::history::History;
use super::world::Life;
use crate::workflow::{Message, calls};

impl History {
    pub(super) fn stops(&mut self, life: Life, of: &Try) {
        let Some(engine) = self.engine_of(life) else { return };
        self.note("stops", of);
        let began = self.world.database.borrow().children.contains_key(of);
        if began {
            self.count.stopped += 1;
            self.over(engine, life, of, Err(calls::stopped()));
        } else {
            let (run, step, attempt) = of.clone();
            self.world.tell(life, Message::Stopped { run, step, attempt });
        }
        self.world.database.borrow_mut().stops.remove(of);
    }

    /// A stop that was kept and has not been done.
    pub(super) fn looks_after(&mut self, engine: InstanceId, life: Life, of: Try) {
        let (closed, own, tenant) = {
            let database = self.world.database.borrow();
            let row = &database.rows[&of.0];
            (row.closed_at.is_some(), row.engine == Some(engine), row.tenant)
        };
        let again = self.world.now(engine).plus(Duration::from_secs(if own { 30 } else { 5 }));
        self.world.database.borrow_mut().stops.insert(of.clone(), again);
        match (closed, own) {
            (true, _) => self.stops(life, &of),
            (false, true) => self.world.tell(life, Message::Unwanted(calls::Stop::of_parts(tenant, of))),
            (false, false) => {}
        }
    }
}
