//! One run of a server's schedule: its steps, one after another.
//!
//! Only a step that changes the server's power takes the server's turn, and only while it is done: between two steps every
//! order goes ahead. What such a step has begun goes on when its run is ended, as if an order had begun it.

use std::sync::Arc;
use std::time::Duration;

use sf_protocol::Kind;
use sf_protocol::report::Stream;
use sf_protocol::schedule::{ChainStep, ScheduleReport, ScheduleRunState, StepDoes, StepPower};
use sf_runtime::OnError;
use sf_types::{ErrorKind, Fault, ServerId};
use tokio::sync::oneshot;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::Under;
use super::record::{Begun, Record, left_out_while};
use super::run::{Output, joined};
use crate::daemon::servers::Errand;
use crate::execute::{End, Node};

/// How a run ended early, and why.
type Early = (ScheduleRunState, String);

impl Node {
    /// Does the steps of a run.
    pub(super) async fn run_chain(
        self: &Arc<Self>,
        server: ServerId,
        record: &Record,
        begun: &Begun,
        under: &Under,
    ) -> ScheduleReport {
        let report = record.report(begun, ScheduleRunState::Succeeded);
        // It waited for the one before, or was just begun when the server was stopped.
        if let Some(rest) = self.rests(record) {
            return record.skipped(begun, left_out_while(rest));
        }
        let mut output = self.output(record, begun.run);
        let ended = self.steps(server, record, begun, under, &mut output).await;
        let report = ScheduleReport { last_lines: output.end(), ..report };
        match ended {
            Ok(note) => ScheduleReport { note: joined(&report.note, &note), ..report },
            Err((state, note)) => ScheduleReport { state, note: joined(&report.note, &note), ..report },
        }
    }

    /// Answers what is to be said of a chain that went on to its last step.
    async fn steps(
        self: &Arc<Self>,
        server: ServerId,
        record: &Record,
        begun: &Begun,
        under: &Under,
        output: &mut Output,
    ) -> Result<String, Early> {
        let settings = &record.spec.settings;
        let (all, mut left) = (settings.steps.len(), settings.time_limit.duration());
        let mut failed = Vec::new();
        for (at, step) in settings.steps.iter().enumerate() {
            let number = at + 1;
            self.unless_stopped(under, number, all, tokio::time::sleep(step.delay.duration())).await?;
            if !self.step_begins(record, begun, number) {
                return Err((ScheduleRunState::Stopped, stopped(number, all)));
            }
            fail::fail_point!("agent-chain-step");
            let since = Instant::now();
            let done = self.unless_stopped(under, number, all, self.step(server, step, left)).await?;
            left = left.saturating_sub(since.elapsed());
            let said = match &done {
                Ok(said) => format!("{}: {said}", titled(number, all, step)),
                Err(fault) => format!("{}: failed: {fault}", titled(number, all, step)),
            };
            output.take(Stream::Note, said, &self.outbox.redactor(), self.clock.now());
            match done {
                Ok(_) => {}
                Err(fault) if fault.code == SLOW => {
                    let limit = settings.time_limit.duration().as_secs();
                    let note =
                        format!("took longer than {limit} s, not counting delays; ended at step {number} of {all}");
                    return Err((ScheduleRunState::TimedOut, note));
                }
                Err(_) if step.continue_on_failure => failed.push(number.to_string()),
                Err(fault) => {
                    let note = format!("step {number} of {all} failed: {}", fault.message);
                    return Err((ScheduleRunState::Failed, note));
                }
            }
        }
        Ok(match failed.len() {
            0 => String::new(),
            1 => format!("went on though step {} failed", failed[0]),
            _ => format!("went on though steps {} failed", failed.join(", ")),
        })
    }

    /// Waits for something, unless the schedule is removed or the agent stops.
    async fn unless_stopped<T>(
        &self,
        under: &Under,
        number: usize,
        all: usize,
        work: impl Future<Output = T>,
    ) -> Result<T, Early> {
        let shutdown = self.tasks.shutdown();
        tokio::select! {
            biased;
            () = under.stop.cancelled() => Err((ScheduleRunState::Stopped, stopped(number, all))),
            () = shutdown.requested() => {
                Err((ScheduleRunState::Interrupted, format!("the agent was stopped at step {number} of {all}")))
            }
            done = work => Ok(done),
        }
    }

    /// Writes down that a step begins, so that a crash can be told truly. Answers whether the schedule is still there; a disk
    /// that refuses stops no chain.
    fn step_begins(&self, record: &Record, begun: &Begun, number: usize) -> bool {
        let noted = self.schedules.change(record.spec.schedule, |record, _| {
            if let Some(known) = record.under_way.as_mut().filter(|known| known.run == begun.run) {
                known.step = number;
            }
        });
        match noted {
            Ok(there) => there.is_some(),
            Err(fault) => {
                self.outbox.notice("schedule.disk", fault.to_string());
                true
            }
        }
    }

    /// Does one step within `left`. Answers what it did, in words.
    async fn step(self: &Arc<Self>, server: ServerId, step: &ChainStep, left: Duration) -> Result<String, Fault> {
        let denied = &self.policy()?.deny.kinds;
        if denied.contains(&Kind::Schedule) || denied.contains(&Kind::ServerAction) {
            let message = "The node's owner does not allow it (`deny.kinds`).";
            return Err(Fault::new(ErrorKind::Forbidden, "policy.denied", message));
        }
        match &step.does {
            StepDoes::Command(line) => {
                self.command_server(server, line).await?;
                Ok("written".to_owned())
            }
            StepDoes::Power(power) => self.power_step(server, *power, left).await,
        }
    }

    /// In the server's turn, as a task of its own: what was begun is brought to its end also when the run is not.
    async fn power_step(self: &Arc<Self>, server: ServerId, power: StepPower, left: Duration) -> Result<String, Fault> {
        let until = Instant::now() + left;
        // What ends a server waits for nobody.
        let turn = match power {
            StepPower::Kill => None,
            _ => {
                let waits = self.servers.live(server).turn().clone().lock_owned();
                Some(tokio::time::timeout_at(until, waits).await.map_err(|_| slow())?)
            }
        };
        let (said, ended) = oneshot::channel();
        let node = self.clone();
        self.tasks.spawn("schedule.step", OnError::Log, async move {
            let _turn = turn;
            let done = node.change_power(server, power, until).await;
            node.tell_server(server);
            // Nobody listens where its run was ended before.
            drop(said.send(done));
            Ok::<(), std::convert::Infallible>(())
        });
        match tokio::time::timeout_at(until, ended).await {
            Ok(Ok(done)) => done,
            Ok(Err(_)) => Err(Fault::new(ErrorKind::Internal, "schedule.step", "The step was cut off.")),
            Err(_) => Err(slow()),
        }
    }

    async fn change_power(&self, server: ServerId, power: StepPower, until: Instant) -> Result<String, Fault> {
        let (progress, cancel) = (self.silent_progress(), CancellationToken::new());
        if power == StepPower::Kill {
            return self.kill_server(server, &progress).await.map(|()| "done".to_owned());
        }
        let halt = self.servers.live(server).begin();
        let errand = Errand { server, progress: &progress, cancel: &cancel, halt, until, by_order: true };
        let done = match power {
            StepPower::Start => Box::pin(self.start_server(&errand)).await,
            StepPower::Stop | StepPower::Kill => self.stop_server(&errand).await,
            StepPower::Restart => match self.stop_server(&errand).await {
                Ok(()) => Box::pin(self.start_server(&errand)).await,
                ended => ended,
            },
        };
        done.map_err(|end| match end {
            End::Failed(fault) => fault,
            other => other.verdict().1.unwrap_or_else(slow),
        })?;
        let report = self.server_report(server);
        Ok(report.map_or_else(|| "done".to_owned(), |report| format!("done ({})", report.reason)))
    }
}

const SLOW: &str = "schedule.slow";

fn slow() -> Fault {
    Fault::new(ErrorKind::Timeout, SLOW, "There is no time left for it.").fix("Raise the schedule's time limit.")
}

fn stopped(number: usize, all: usize) -> String {
    format!("its schedule was removed at step {number} of {all}; what was begun goes on")
}

/// `step 2 of 3, "save-all"`.
fn titled(number: usize, all: usize, step: &ChainStep) -> String {
    let does = match &step.does {
        StepDoes::Command(line) => format!("{line:?}"),
        StepDoes::Power(power) => match power {
            StepPower::Start => "start",
            StepPower::Stop => "stop",
            StepPower::Restart => "restart",
            StepPower::Kill => "kill",
        }
        .to_owned(),
    };
    format!("step {number} of {all}, {does}")
}
