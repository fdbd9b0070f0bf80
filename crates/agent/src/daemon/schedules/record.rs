//! One schedule as its node keeps it, and what follows from the time. Pure; whoever changes a record writes it down before
//! anything is done.

use serde::{Deserialize, Serialize};
use sf_protocol::schedule::{CatchUp, Overlap, RunReason, ScheduleReport, ScheduleRunState, ScheduleSpec};
use sf_schedule::{Missed, Schedule, ScheduleError};
use sf_types::{CommandId, ScheduleRunId, Timestamp};

/// A schedule, how far its times are settled, and what runs.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Record {
    /// As it shall be.
    pub spec: ScheduleSpec,
    /// Times up to and including this one were run, or left out.
    pub settled: Timestamp,
    /// The run under way. Here before its command is started: after a crash it is told as interrupted, and not run again.
    #[serde(default)]
    pub under_way: Option<Begun>,
    /// The run that waits for its end.
    #[serde(default)]
    pub waiting: Option<Begun>,
    /// Times left out since the run under way began.
    #[serde(default)]
    pub left_out: u32,
    /// How the last run ended. Told again when the agent starts, since a crash may have come between.
    #[serde(default)]
    pub ended: Option<ScheduleReport>,
    /// The last order to run it by hand.
    #[serde(default)]
    pub by_hand: Option<CommandId>,
    /// Why its last time was left out; told once, however many follow.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rests: Option<Rest>,
}

/// A run that shall be, or is.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Begun {
    /// Its id.
    pub run: ScheduleRunId,
    /// What started it.
    pub why: RunReason,
    /// When it was due.
    pub due: Timestamp,
    /// When it was started.
    #[serde(default)]
    pub started_at: Option<Timestamp>,
    /// Times that passed before it and are made up for by it.
    #[serde(default)]
    pub for_others: u64,
    /// Which of its steps was begun last, from 1; 0 before the first.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub step: usize,
}

/// Why times are left out.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Rest {
    /// Its app was stopped: without a word.
    Silent,
    /// Its server is suspended.
    Suspended,
    /// Its server does not run, and it is for one that does.
    Offline,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde's shape")]
const fn is_zero(step: &usize) -> bool {
    *step == 0
}

/// What follows from the time.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Tick {
    /// The record changed: it has to be on disk before the rest.
    pub changed: bool,
    /// The run under way is to be started.
    pub start: bool,
    /// What is to be told.
    pub tell: Vec<ScheduleReport>,
}

/// Why a run by hand is refused.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Busy {
    /// One is under way, and this schedule waits for none.
    UnderWay,
    /// One waits already.
    Waiting,
    /// Its server is not to be touched now.
    Rests(Rest),
}

/// The cron line of a spec.
///
/// # Errors
/// [`ScheduleError`] when it is not understood.
pub fn cron(spec: &ScheduleSpec) -> Result<Schedule, ScheduleError> {
    let missed = match spec.settings.missed {
        CatchUp::Skip => Missed::Skip,
        CatchUp::Once => Missed::Once,
    };
    Schedule::parse(&spec.settings.cron, &spec.settings.timezone, missed)
}

impl Record {
    /// A new schedule: what lies before `now` is none of its times.
    pub const fn new(spec: ScheduleSpec, now: Timestamp) -> Self {
        Self {
            spec,
            settled: now,
            under_way: None,
            waiting: None,
            left_out: 0,
            ended: None,
            by_hand: None,
            rests: None,
        }
    }

    /// Takes a newer spec. Another time, or being turned on, begins now.
    pub fn take(&mut self, spec: ScheduleSpec, now: Timestamp) {
        let (had, has) = (&self.spec.settings, &spec.settings);
        if (&had.cron, &had.timezone, had.enabled) != (&has.cron, &has.timezone, has.enabled) {
            self.settled = self.settled.max(now);
        }
        self.spec = spec;
    }

    /// What is due at `now`. `rests` says why nothing is to be done, if that is so.
    pub fn tick(
        &mut self,
        cron: &Schedule,
        now: Timestamp,
        rests: Option<Rest>,
        mut id: impl FnMut() -> ScheduleRunId,
    ) -> Tick {
        let due = cron.due(self.settled, now);
        let passed = due.missed + due.fire.len() as u64;
        if passed == 0 {
            return Tick::default();
        }
        let first = cron.next(self.settled).unwrap_or(now);
        self.settled = self.settled.max(now);
        let mut tick = Tick { changed: true, ..Tick::default() };
        if rests == Some(Rest::Silent) || !self.spec.settings.enabled {
            return tick;
        }
        let told = std::mem::replace(&mut self.rests, rests);
        if let Some(rest) = rests {
            if told != rests {
                let due = due.fire.last().copied().unwrap_or(first);
                let begun = Begun { run: id(), why: RunReason::Clock, due, started_at: None, for_others: 0, step: 0 };
                let skipped = self.skipped(&begun, left_out_while(rest));
                // Kept: a crash may come before it is told.
                self.ended = Some(skipped.clone());
                tick.tell.push(skipped);
            }
            return tick;
        }
        let Some(newest) = due.fire.last().copied() else {
            self.miss(&mut tick, id(), first, passed);
            return tick;
        };
        let others = passed - 1;
        let catches_up = self.spec.settings.missed == CatchUp::Once;
        if others > 0 && !catches_up {
            self.miss(&mut tick, id(), first, others);
        }
        let for_others = if catches_up { others } else { 0 };
        let begun = Begun { run: id(), why: RunReason::Clock, due: newest, started_at: None, for_others, step: 0 };
        match self.admit(begun, now) {
            Ok(start) => tick.start = start,
            Err((begun, _)) => {
                self.left_out = self.left_out.saturating_add(1);
                // A command that hangs must not fill the history: the others are counted in the end of its run.
                if self.left_out == 1 {
                    tick.tell.push(self.skipped(&begun, "left out since the last run was still under way"));
                }
            }
        }
        tick
    }

    /// One more run, by hand.
    ///
    /// # Errors
    /// [`Busy`]: nothing changed.
    pub fn by_hand(&mut self, run: ScheduleRunId, command: CommandId, now: Timestamp) -> Result<bool, Busy> {
        let begun = Begun { run, why: RunReason::Hand, due: now, started_at: None, for_others: 0, step: 0 };
        let start = self.admit(begun, now).map_err(|(_, busy)| busy)?;
        self.by_hand = Some(command);
        Ok(start)
    }

    /// Whether it is to be started at once; else it waits, or there is no room.
    fn admit(&mut self, begun: Begun, now: Timestamp) -> Result<bool, (Begun, Busy)> {
        if self.under_way.is_none() {
            self.under_way = Some(Begun { started_at: Some(now), ..begun });
            self.left_out = 0;
            return Ok(true);
        }
        match (self.spec.settings.overlap, &self.waiting) {
            (Overlap::Queue, None) => {
                self.waiting = Some(begun);
                Ok(false)
            }
            (Overlap::Queue, Some(_)) => Err((begun, Busy::Waiting)),
            (Overlap::Skip, _) => Err((begun, Busy::UnderWay)),
        }
    }

    /// The run under way has ended like this. Answers whether the one that waited is to be started.
    pub fn end(&mut self, report: ScheduleReport, now: Timestamp) -> bool {
        self.ended = Some(report);
        self.under_way = self.waiting.take().map(|begun| Begun { started_at: Some(now), ..begun });
        self.left_out = 0;
        self.under_way.is_some()
    }

    /// After a crash: what was under way is interrupted, what waited is made up for or missed. Answers what is to be told,
    /// and whether a run is to be started.
    pub fn recover(&mut self, now: Timestamp) -> Tick {
        let mut tick = Tick { tell: self.ended.clone().into_iter().collect(), ..Tick::default() };
        let Some(begun) = self.under_way.take() else { return tick };
        let waiting = self.waiting.take();
        let at = match (begun.step, self.spec.settings.steps.len()) {
            (0, 0) => String::new(),
            (0, all) => format!(", before the first of {all} steps was begun"),
            (step, all) => format!(", after step {step} of {all} was begun"),
        };
        let note = format!("The agent or the machine ended while it was under way{at}; it is not run again.");
        let interrupted =
            ScheduleReport { ended_at: Some(now), note, ..self.report(&begun, ScheduleRunState::Interrupted) };
        tick.tell.push(interrupted.clone());
        tick.changed = true;
        if let Some(waiting) = waiting {
            if self.spec.settings.missed == CatchUp::Once {
                self.waiting = Some(waiting);
            } else {
                tick.tell.push(ScheduleReport {
                    ended_at: Some(now),
                    note: "The agent or the machine ended before its turn.".to_owned(),
                    ..self.report(&waiting, ScheduleRunState::Missed)
                });
            }
        }
        tick.start = self.end(interrupted, now);
        tick
    }

    /// A report of a run as far as it is known.
    pub fn report(&self, begun: &Begun, state: ScheduleRunState) -> ScheduleReport {
        let note = match begun.for_others {
            0 => String::new(),
            others => format!("also for {} that passed while the node was off", times(others)),
        };
        ScheduleReport {
            run: begun.run,
            schedule: self.spec.schedule,
            whose: self.spec.whose,
            why: begun.why,
            due: begun.due,
            started_at: begun.started_at,
            ended_at: None,
            state,
            exit_code: None,
            note,
            last_lines: Vec::new(),
        }
    }

    fn miss(&mut self, tick: &mut Tick, run: ScheduleRunId, first: Timestamp, count: u64) {
        let begun = Begun { run, why: RunReason::Clock, due: first, started_at: None, for_others: 0, step: 0 };
        let report = ScheduleReport {
            ended_at: Some(self.settled),
            note: format!("left out {} while the node was off", times(count)),
            ..self.report(&begun, ScheduleRunState::Missed)
        };
        // Kept: a crash may come before it is told.
        self.ended = Some(report.clone());
        tick.tell.push(report);
    }

    /// A time that is left out.
    pub fn skipped(&self, begun: &Begun, why: &str) -> ScheduleReport {
        ScheduleReport {
            ended_at: Some(self.settled),
            note: why.to_owned(),
            ..self.report(begun, ScheduleRunState::Skipped)
        }
    }
}

/// Why a time was left out, for people.
pub const fn left_out_while(rest: Rest) -> &'static str {
    match rest {
        Rest::Silent => "left out",
        Rest::Suspended => "left out since the server is suspended, as are further times until it is not",
        Rest::Offline => "left out since the server does not run, as are further times until it does",
    }
}

/// `1 time`, `3 times`.
pub fn times(count: u64) -> String {
    if count == 1 { "1 time".to_owned() } else { format!("{count} times") }
}

#[cfg(test)]
mod tests;
