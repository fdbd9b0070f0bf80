//! Start, end and new start of the app's process.

use std::time::{Duration, Instant};

use nix::errno::Errno;
use nix::sys::signal::Signal;
use nix::sys::wait::{WaitPidFlag, WaitStatus, waitpid};
use sf_protocol::app::AppState;
use sf_protocol::report::Stream;
use sf_runtime::{Clock, redact};
use sf_types::Millis;

use super::Shim;
use crate::process::folder::{RunFolder, STATE};
use crate::process::tree::{self, Identity};
use crate::shim::attend;
use crate::shim::crash::{CrashGuard, Next};
use crate::shim::ending::{Ending, Why};
use crate::shim::log::{LineSplitter, LogWriter};
use crate::shim::spawn::{self, Spawned};
use crate::shim::spec::{ShimSpec, StopRule};
use crate::shim::state::{Exit, How, Status, Stopped, seconds};

/// Reads of a stream of a process that has ended: more than a pipe holds.
const LAST_READS: usize = 64;
/// A program that ends well this soon and leaves processes behind went to the background; later, it is over.
const BACKGROUND_WITHIN: Duration = Duration::from_secs(5);

/// The status to begin with. Where a predecessor in this folder was killed, what it left behind is killed too (it
/// may hold the port), and its history goes on.
pub fn take_over(folder: &RunFolder, spec: &ShimSpec, clock: &Clock, log: &mut LogWriter) -> (Status, CrashGuard) {
    let now = clock.now();
    let mut status = Status {
        app: spec.app,
        release: spec.release,
        shim: Identity::own(),
        child: None,
        state: AppState::Starting,
        since: now,
        started_at: now,
        started_line: log.head().last,
        restarts: 0,
        reason: "starting".to_owned(),
        exits: Vec::new(),
        stopped: None,
        ended: false,
        log: log.head(),
        enforced: spec.enforces(),
    };
    let before = folder.read::<Status>(STATE).ok().flatten().filter(|before| !before.ended);
    let Some(before) = before.filter(|before| before.shim.boot == status.shim.boot) else {
        return (status, CrashGuard::default());
    };
    let (name, value) = folder.marker();
    let left = before.child.as_ref().map_or(0, |child| tree::kill_leftovers(child, &format!("{name}={value}")));
    let ran = Millis(u64::try_from(now.since(before.started_at).as_millis()).unwrap_or(u64::MAX));
    let exit = Exit { at: now, ran, how: How::Unseen, asked: false, left: u32::try_from(left).unwrap_or(u32::MAX) };
    status.exits = before.exits;
    status.remember(exit);
    status.restarts = before.restarts + 1;
    log.go_on_after(before.log.last);
    log.push(now, Stream::Note, &format!("the process {exit}; starting again"));
    if spec.container.is_some() && before.state == AppState::Running {
        // The container went on, and says only once that it is ready.
        status.state = AppState::Running;
    }
    let guard = CrashGuard::after_exits(&status.exits);
    (status, guard)
}

impl Shim {
    /// Starts the app's process.
    pub fn start(&mut self) -> Result<(), String> {
        self.start_at = None;
        self.main_end = None;
        self.status.started_line = self.log.head().last;
        let Spawned { pid, outputs, input } = spawn::spawn(&self.spec, &self.values, self.folder.marker())?;
        let was_ready = self.status.state == AppState::Running;
        self.input = input;
        self.outputs =
            outputs.into_iter().map(|output| (output, LineSplitter::default(), redact::Stream::default())).collect();
        self.started = Instant::now();
        self.main_since = self.started;
        self.status.started_at = self.clock.now();
        // Not reaped yet, so it has its entry even if it has ended already.
        self.status.child = Identity::of(pid);
        match self.ready.is_some() && !was_ready {
            true => self.become_state(AppState::Starting, "started, and not ready yet".to_owned()),
            false => self.become_state(AppState::Running, "started".to_owned()),
        }
        Ok(())
    }

    /// A line said so.
    pub fn became_ready(&mut self) {
        let took = Millis(u64::try_from(self.started.elapsed().as_millis()).unwrap_or(u64::MAX));
        self.become_state(AppState::Running, format!("ready after {}", seconds(took)));
    }

    /// A start failed at once: there is nothing to hold.
    pub fn could_not_start(&mut self, reason: &str) {
        self.note(reason);
        self.log.flush();
        self.status.ended = true;
        self.become_state(AppState::Failed, reason.to_owned());
    }

    fn become_state(&mut self, state: AppState, reason: String) {
        self.status.state = state;
        self.status.reason = reason;
        self.status.since = self.clock.now();
        self.changed = true;
    }

    /// Brings the process to its end; `grace` instead of the rule's.
    pub fn begin_end(&mut self, why: Why, grace: Option<Millis>) {
        if self.status.ended {
            return;
        }
        let mut rule = self.spec.stop;
        rule.grace = grace.unwrap_or(rule.grace);
        match &mut self.ending {
            // A stop outranks a restart that is under way; both go on with the signals already sent.
            Some(ending) if why == Why::Stop || ending.why == Why::Crash => {
                ending.why = why;
                ending.hurry(rule.grace.duration(), Instant::now());
            }
            Some(_) => return,
            None => {
                let mut ending = self.begin_ending(why, rule);
                ending.send(self.status.shim.pid, self.leader());
                self.ending = Some(ending);
            }
        }
        self.start_at = None;
        self.become_state(AppState::Stopping, "told to stop".to_owned());
    }

    /// By its own command where it has one and still reads, else by signals.
    fn begin_ending(&mut self, why: Why, rule: StopRule) -> Ending {
        match self.spec.stop_line.clone() {
            Some(line) if self.write_line(&line).is_ok() => Ending::begin_by_line(why, rule, Instant::now()),
            _ => Ending::begin(why, rule, Instant::now()),
        }
    }

    /// Ends the process by KILL, whatever is under way.
    pub fn kill_now(&mut self) {
        if self.status.ended {
            return;
        }
        let (now, leader) = (Instant::now(), self.leader());
        let rule = StopRule { signal: Signal::SIGKILL as i32, ..self.spec.stop };
        let ending = self.ending.get_or_insert_with(|| Ending::begin(Why::Stop, rule, now));
        ending.why = Why::Stop;
        ending.kill(now);
        ending.send(self.status.shim.pid, leader);
        self.start_at = None;
        self.become_state(AppState::Stopping, "told to end at once".to_owned());
    }

    /// The leader of the app's process group, while it is not reaped: only so long is the number surely ours.
    pub fn leader(&self) -> Option<i32> {
        if self.main_end.is_some() { None } else { self.status.child.as_ref().map(|child| child.pid) }
    }

    /// Takes in every child that has ended: the app's process, and orphans of its tree.
    pub fn reap(&mut self) {
        loop {
            let (pid, how) = match waitpid(None, Some(WaitPidFlag::WNOHANG)) {
                Ok(WaitStatus::Exited(pid, code)) => (pid, How::Code(code)),
                Ok(WaitStatus::Signaled(pid, signal, _)) => (pid, How::Signal(signal as i32)),
                Ok(WaitStatus::StillAlive) | Err(Errno::ECHILD) => break,
                Ok(_) | Err(Errno::EINTR) => continue,
                Err(_) => break,
            };
            // One that went to the background ends a second time, and that is the end that counts. Nobody else can
            // have its pid before this.
            if self.status.child.as_ref().is_some_and(|child| child.pid == pid.as_raw()) {
                self.main_end = Some(how);
                if let Some(ending) = &mut self.ending {
                    ending.send_missed(self.status.shim.pid);
                }
            }
        }
    }

    /// Does what time and the ends of processes ask for.
    pub fn tick(&mut self, now: Instant) {
        if self.start_at.is_some_and(|at| now >= at) {
            self.status.restarts += 1;
            if let Err(reason) = self.start() {
                self.ended(How::NotStarted, reason);
            }
        }
        let alone = self.status.child.is_none() || self.main_end.is_some();
        if alone && (self.ending.is_some() || self.main_end.is_some()) {
            self.settle();
        }
        let leader = self.leader();
        if let Some(ending) = &mut self.ending
            && ending.is_due(now)
        {
            ending.send(self.status.shim.pid, leader);
        }
        if !self.stuck && self.ending.as_ref().is_some_and(|ending| ending.is_stuck(now)) {
            self.give_notice();
        }
    }

    /// The app's own process is gone: is the rest of its tree, and what follows?
    fn settle(&mut self) {
        let shim = self.status.shim.pid;
        if !tree::has_children(shim) {
            // One may have died since the last look; nobody reaps it after us.
            self.reap();
            let how = self.main_end.unwrap_or(How::Code(0));
            return self.ended(how, String::new());
        }
        if self.ending.is_some() {
            return;
        }
        if self.main_end == Some(How::Code(0)) && self.main_since.elapsed() < BACKGROUND_WITHIN {
            // It went to the background by itself: the eldest of those it left to us stands for it.
            let ours = tree::descendants(shim).into_iter().filter(|stat| stat.parent == shim);
            let eldest = ours.min_by_key(|stat| stat.start).and_then(|stat| Identity::of(stat.pid));
            // Where the last one dies in this moment, its signal brings us back.
            if eldest.is_some() {
                self.status.child = eldest;
                self.main_end = None;
                self.main_since = Instant::now();
                let state =
                    if self.status.state == AppState::Starting { AppState::Starting } else { AppState::Running };
                self.become_state(state, "went to the background".to_owned());
            }
            return;
        }
        let mut ending = Ending::begin(Why::Crash, self.spec.stop, Instant::now());
        ending.send(shim, None);
        self.ending = Some(ending);
    }

    /// Nothing of the app lives any more.
    fn ended(&mut self, how: How, detail: String) {
        for index in (0..self.outputs.len()).rev() {
            self.read_output(index, LAST_READS);
        }
        self.outputs.clear();
        self.input = None;
        let ending = self.ending.take();
        let asked = ending.as_ref().is_some_and(|ending| ending.why != Why::Crash);
        let ran = Millis(u64::try_from(self.started.elapsed().as_millis()).unwrap_or(u64::MAX));
        let left = ending.as_ref().filter(|ending| ending.why == Why::Crash).map_or(0, |ending| ending.killed);
        let exit = Exit { at: self.clock.now(), ran, how, asked, left };
        let ran_at_all = self.status.child.take().is_some();
        if ran_at_all || how == How::NotStarted {
            self.status.remember(exit);
        }
        self.main_end = None;
        self.stuck = false;
        match ending {
            Some(ending) if asked => self.ended_on_request(&ending, ran_at_all.then_some(how)),
            _ => self.crashed(exit, &detail),
        }
    }

    fn ended_on_request(&mut self, ending: &Ending, how: Option<How>) {
        let took = Millis(u64::try_from(ending.began.elapsed().as_millis()).unwrap_or(u64::MAX));
        // By whomever: the kernel for want of memory, or an attendant, which ends as its container did.
        let killed = how == Some(How::Signal(Signal::SIGKILL as i32));
        let stopped = Stopped {
            signal: if killed { Signal::SIGKILL } else { ending.signal } as i32,
            by_line: ending.by_line && !killed,
            took,
            killed: ending.killed,
        };
        self.status.stopped = how.map(|_| stopped);
        let how =
            if how.is_some() { format!("stopped by {stopped}") } else { "stopped before it ran again".to_owned() };
        if ending.why == Why::Restart {
            self.guard.forget();
            self.note(&format!("restarting: {how}"));
            if let Err(reason) = self.start() {
                self.ended(How::NotStarted, reason);
            }
        } else {
            self.note(&how);
            self.status.ended = true;
            self.become_state(AppState::Stopped, how);
        }
    }

    /// A new rule may have no restarts: then the one that is due does not come.
    pub fn forgo_restart(&mut self) {
        if self.start_at.is_some() && self.spec.restart.max_crashes == 0 {
            self.start_at = None;
            self.status.ended = true;
            let reason = format!("{}, but it may not any more", self.status.reason);
            self.note(&reason);
            self.become_state(AppState::Failed, reason);
        }
    }

    fn crashed(&mut self, exit: Exit, detail: &str) {
        let what = if detail.is_empty() { exit.to_string() } else { format!("{exit}: {detail}") };
        let rule = self.spec.restart.clone();
        // It is not the app that fails there, so it is tried for as long as it takes.
        let away = self.spec.container.is_some() && exit.how == How::Signal(attend::AWAY as i32);
        let what = if away { "the container engine does not answer".to_owned() } else { what };
        let next = match away && rule.max_crashes > 0 {
            true => Next::Again(attend::AWAY_AGAIN),
            false => self.guard.crashed(&rule, exit.at),
        };
        let (state, reason) = match next {
            Next::Again(delay) => {
                self.start_at = Some(Instant::now() + delay.duration());
                (AppState::Crashed, format!("{what}; starting again in {}", seconds(delay)))
            }
            Next::Never => (AppState::Failed, what),
            Next::GiveUp { crashes } => {
                let window = rule.window.0 / 1000;
                (AppState::Failed, format!("{what}; given up after {crashes} crashes within {window} s"))
            }
        };
        self.status.ended = state == AppState::Failed;
        self.note(&reason);
        self.become_state(state, reason);
    }
}
