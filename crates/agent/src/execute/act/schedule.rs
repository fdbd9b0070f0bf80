//! Orders about schedules. What is done by the clock is in [`crate::daemon::schedules`].

use std::sync::Arc;

use sf_protocol::Outcome;
use sf_protocol::Verdict;
use sf_protocol::command::Command;
use sf_protocol::outcome::Facts;
use sf_protocol::report::Stream;
use sf_protocol::schedule::{ScheduleOrder, ScheduleSpec, Whose};
use sf_types::Fault;

use super::super::app::unknown;
use super::super::node::Node;
use super::super::outcome;
use super::super::progress::Progress;

impl Node {
    /// Carries out SCHEDULE. A run by hand is begun here, and tells its end itself: the next order does not wait for it.
    pub(in super::super) async fn schedule(self: &Arc<Self>, command: &Command, order: &ScheduleOrder) -> Outcome {
        let progress = Progress::new(command.id, command.authz.run, &self.state, &self.outbox, &self.clock);
        let ended = match order {
            ScheduleOrder::Set { spec } => self.set_schedule(spec, &progress),
            ScheduleOrder::Delete { whose, schedule } => self.schedules.remove(*whose, *schedule).await,
            ScheduleOrder::Run { schedule, .. } => self.run_schedule(*schedule, command.id),
        };
        let verdict = match ended {
            Ok(()) => (Verdict::Succeeded, None),
            Err(fault) => (Verdict::Failed, Some(fault)),
        };
        outcome(self, command.id, verdict, Facts::None, progress.started_at)
    }

    fn set_schedule(&self, spec: &ScheduleSpec, progress: &Progress) -> Result<(), Fault> {
        match spec.whose {
            Whose::App(app) => drop(self.apps.get(app).ok_or_else(|| unknown(app))?),
            Whose::Server(server) => drop(self.servers.known_one(server)?),
        }
        let next = self.schedules.set(spec.clone(), self.clock.now())?;
        let text = match next {
            Some(next) => format!("`{}` runs next at {next}.", spec.name),
            None => format!("`{}` is turned off.", spec.name),
        };
        progress.line(Stream::Note, &text);
        Ok(())
    }

    /// A schedule of which a newer generation is wanted than is here.
    pub(in super::super) fn converge_schedule(&self, spec: &ScheduleSpec) -> Result<(), Fault> {
        let known = self.schedules.get(spec.schedule);
        let is_there = match spec.whose {
            Whose::App(app) => self.apps.get(app).is_some(),
            Whose::Server(server) => self.servers.get(server).is_some(),
        };
        if known.is_some_and(|known| known.spec.generation >= spec.generation) || !is_there {
            return Ok(());
        }
        self.schedules.set(spec.clone(), self.clock.now()).map(drop)
    }
}
