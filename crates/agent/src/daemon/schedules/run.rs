//! One run: of an app the command as a confined child in the live release's folder, its output in a log of its own. A server's
//! is in [`super::chain`].

use std::collections::VecDeque;
use std::convert::Infallible;
use std::ffi::OsString;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use sf_protocol::Kind;
use sf_protocol::report::{NodeEvent, Stream};
use sf_protocol::schedule::{ScheduleReport, ScheduleRunState, Whose};
use sf_runtime::OnError;
use sf_runtime::redact;
use sf_types::{AppId, ErrorKind, Fault, ScheduleId, ScheduleRunId};
use tokio_util::sync::CancellationToken;

use super::Under;
use super::record::{Begun, Record, times};
use crate::confine::job::{Done, Job, Stop};
use crate::execute::Node;
use crate::shim::log::{LogLimits, LogWriter};

/// What is kept of one run's output: 4 segments of 256 KiB.
pub const LOG_KEPT: LogLimits = LogLimits { segment_bytes: 256 * 1024, segments: 4 };
/// Logs of runs kept for each schedule.
pub const LOGS_KEPT: usize = 20;
/// Pause before an end that the disk refused is written again.
const WRITE_AGAIN: Duration = Duration::from_secs(2);

/// What a command said.
pub(super) struct Output {
    log: Option<LogWriter>,
    last: VecDeque<String>,
    cleaner: redact::Stream,
}

impl Node {
    /// Starts the run that the record has under way, as a task of its own; then the one that waited for it.
    pub(super) fn perform(self: &Arc<Self>, schedule: ScheduleId) {
        let Some(under) = self.schedules.begin(schedule) else { return };
        let node = self.clone();
        self.tasks.spawn("schedule", OnError::Log, async move {
            while let Some(record) = node.schedules.get(schedule)
                && let Some(begun) = record.under_way.clone()
            {
                fail::fail_point!("agent-schedule-begun");
                let running = record.report(&begun, ScheduleRunState::Running);
                node.outbox.event(NodeEvent::Schedule { report: running });
                let mut report = match record.spec.whose {
                    Whose::App(app) => Box::pin(node.run_once(app, &record, &begun, &under)).await,
                    Whose::Server(server) => Box::pin(node.run_chain(server, &record, &begun, &under)).await,
                };
                report.ended_at = Some(node.clock.now());
                if !node.run_over(schedule, report).await || under.stop.is_cancelled() {
                    break;
                }
            }
            under.over.cancel();
            node.schedules.look_again();
            Ok::<(), Infallible>(())
        });
    }

    /// Writes down how a run ended, then tells it; a disk that refuses is asked again. Answers whether another one waited for
    /// it.
    async fn run_over(&self, schedule: ScheduleId, report: ScheduleReport) -> bool {
        let mut said = false;
        let (next, report) = loop {
            let now = self.clock.now();
            let ended = self.schedules.change(schedule, |record, _| {
                let mut report = report.clone();
                if record.left_out > 0 {
                    let left_out = times(u64::from(record.left_out));
                    report.note = joined(&report.note, &format!("left out {left_out} meanwhile"));
                }
                (record.end(report.clone(), now), report)
            });
            match ended {
                Ok(Some(ended)) => break ended,
                // Its schedule was removed meanwhile.
                Ok(None) => break (false, report),
                Err(fault) if !std::mem::replace(&mut said, true) => {
                    self.outbox.notice("schedule.disk", fault.to_string());
                }
                Err(_) => tokio::time::sleep(WRITE_AGAIN).await,
            }
        };
        self.outbox.event(NodeEvent::Schedule { report });
        next
    }

    async fn run_once(&self, app: AppId, record: &Record, begun: &Begun, under: &Under) -> ScheduleReport {
        let report = record.report(begun, ScheduleRunState::Failed);
        let (spec, shutdown) = (&record.spec, self.tasks.shutdown());
        let job = match self.job(app, record, begun.run) {
            Ok(job) => job,
            Err(fault) => return ScheduleReport { note: joined(&report.note, &fault.to_string()), ..report },
        };
        let mut output = self.output(record, begun.run);
        let (cancel, redactor) = (CancellationToken::new(), self.outbox.redactor());
        let stopped = async {
            tokio::select! {
                () = under.stop.cancelled() => ScheduleRunState::Stopped,
                () = shutdown.requested() => ScheduleRunState::Interrupted,
            }
        };
        let mut why = None;
        let group = job.group.clone();
        let ran = {
            let mut sink = |stream: Stream, line: String| output.take(stream, line, &redactor, self.clock.now());
            let mut run = std::pin::pin!(job.run(&mut sink, &cancel));
            tokio::select! {
                ran = &mut run => ran,
                state = stopped => {
                    why = Some(state);
                    cancel.cancel();
                    run.await
                }
            }
        };
        if let Some(Err(error)) = group.map(|group| group.remove()) {
            tracing::debug!(%error, "a control group could not be removed");
        }
        let report = ScheduleReport { last_lines: output.end(), ..report };
        match ran {
            Ok(done) => judged(report, &done, why, spec.settings.time_limit.duration()),
            Err(error) => {
                let note = joined(&report.note, &format!("could not be started: {error}"));
                ScheduleReport { note, ..report }
            }
        }
    }

    /// The command as a confined child: of the app's own user, in its live release, with its environment and limits.
    fn job(&self, app: AppId, record: &Record, run: ScheduleRunId) -> Result<Job, Fault> {
        let settings = &record.spec.settings;
        if self.policy()?.deny.kinds.contains(&Kind::Schedule) {
            let message = "The node's owner does not allow schedules (`deny.kinds`).";
            return Err(Fault::new(ErrorKind::Forbidden, "policy.denied", message));
        }
        let spec = self.apps.get(app).ok_or_else(|| crate::execute::app::unknown(app))?.spec;
        let release = self.live_release(app)?;
        let (mut env, confinement, group) = self.beside(&spec, &release, &format!("{}{run}", self.own_schedules()))?;
        env.push(("SERVERFLOW_SCHEDULE".to_owned(), record.spec.name.to_string()));
        let mut env: Vec<(OsString, OsString)> =
            env.into_iter().map(|(name, value)| (name.into(), value.into())).collect();
        for var in &spec.secrets {
            let value = var.open(app, &self.key).map_err(|_| unopenable(&var.name))?;
            env.push((var.name.clone().into(), value.expose().clone().into()));
        }
        Ok(Job {
            argv: settings.command.iter().map(OsString::from).collect(),
            cwd: release.root(),
            env,
            confinement,
            group: Some(group),
            time_limit: settings.time_limit.duration(),
            disk: None,
            // The app itself is of the same user.
            spares_user: true,
        })
    }

    pub(super) fn output(&self, record: &Record, run: ScheduleRunId) -> Output {
        let logs: PathBuf = self.schedules.logs(record.spec.whose, record.spec.schedule);
        drop(crate::execute::prune_logs::<ScheduleRunId>(&logs, LOGS_KEPT.saturating_sub(1), |_| false));
        let log = LogWriter::open(&logs.join(run.to_string()), LOG_KEPT);
        let log = log.inspect_err(|error| tracing::warn!(%run, %error, "a run's log cannot be written")).ok();
        Output { log, last: VecDeque::new(), cleaner: redact::Stream::default() }
    }
}

impl Output {
    /// Keeps a line.
    pub(super) fn take(&mut self, stream: Stream, line: String, redactor: &redact::Redactor, at: sf_types::Timestamp) {
        if let Some(log) = &mut self.log {
            log.push(at, stream, &line);
        }
        // Cleaned line by line, so that the rest of a key whose beginning is not among the last is none.
        let line = self.cleaner.line(redactor, &line, false);
        if !line.trim().is_empty() {
            self.last.push_back(line);
        }
        while self.last.len() > ScheduleReport::MAX_LINES {
            self.last.pop_front();
        }
    }

    /// The last lines.
    pub(super) fn end(mut self) -> Vec<String> {
        if let Some(log) = &mut self.log {
            log.flush();
        }
        self.last.into()
    }
}

/// How it ended, in words.
fn judged(report: ScheduleReport, done: &Done, why: Option<ScheduleRunState>, limit: Duration) -> ScheduleReport {
    let (state, note) = match (&done.stop, why) {
        (Some(Stop::Time), _) => (
            ScheduleRunState::TimedOut,
            format!("took longer than {} s; everything it started was killed", limit.as_secs()),
        ),
        (_, Some(ScheduleRunState::Interrupted)) => {
            (ScheduleRunState::Interrupted, "the agent was stopped while it was under way".to_owned())
        }
        (Some(_), _) | (None, Some(_)) => {
            (ScheduleRunState::Stopped, "its schedule was removed while it was under way".to_owned())
        }
        (None, None) if done.status.success() => (ScheduleRunState::Succeeded, String::new()),
        (None, None) if done.memory_kills > 0 => {
            (ScheduleRunState::Failed, format!("{}, out of the app's memory", done.ending()))
        }
        (None, None) => (ScheduleRunState::Failed, done.ending()),
    };
    let exit_code = done.status.code().filter(|_| done.stop.is_none());
    ScheduleReport { state, note: joined(&report.note, &note), exit_code, ..report }
}

/// Two notes as one.
pub(super) fn joined(had: &str, more: &str) -> String {
    match (had, more) {
        ("", text) | (text, "") => text.to_owned(),
        (had, more) => format!("{had}; {more}"),
    }
}

fn unopenable(name: &str) -> Fault {
    let message = format!("The secret of the variable {name} cannot be opened on this node.");
    Fault::new(ErrorKind::Internal, "schedule.secret", message).fix("Deploy the app again.")
}
