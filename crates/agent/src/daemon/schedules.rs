//! Standing orders: what this node does by the clock, whether or not anybody is connected.
//!
//! Each schedule is a file beside its app or server, written before anything is done: a time that was begun is never begun again.
//! Start reading at [`Node::keep_schedules`]; `record` decides, `run` and `chain`
//! perform.

mod chain;
pub mod record;
mod run;

use std::collections::HashMap;
use std::io;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use sf_protocol::app::AppState;
use sf_protocol::report::NodeEvent;
use sf_protocol::schedule::{ScheduleSpec, Whose};
use sf_protocol::server::ServerState;
use sf_runtime::Shutdown;
use sf_schedule::Schedule;
use sf_types::{AppId, CommandId, ErrorKind, Fault, ScheduleId, ServerId, Timestamp};
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use crate::execute::Node;
use crate::release::tree;
use record::{Busy, Record, Rest, Tick, cron};

pub use run::{LOG_KEPT, LOGS_KEPT};

/// The clock may be set, and a machine may sleep: what is due is looked at again at least so often.
const LOOK_EVERY: Duration = Duration::from_secs(30);

/// Schedules an app or a server may have on its node.
pub const MAX_OF_ONE: usize = 50;

/// The schedules of all apps and servers; kept in memory, written through.
#[derive(Debug)]
pub struct Schedules {
    apps: PathBuf,
    servers: PathBuf,
    known: Mutex<HashMap<ScheduleId, Entry>>,
    changed: Notify,
}

#[derive(Debug)]
struct Entry {
    record: Record,
    cron: Schedule,
    run: Option<Under>,
}

/// A run under way: how to stop it, and its end.
#[derive(Clone, Debug, Default)]
struct Under {
    stop: CancellationToken,
    over: CancellationToken,
}

impl Schedules {
    /// Reads every schedule of the apps in `apps` and the servers in `servers`. Answers also which files could not be
    /// understood, and why.
    pub fn open(apps: &Path, servers: &Path) -> (Self, Vec<String>) {
        let (known, changed) = Default::default();
        let this = Self { apps: apps.to_owned(), servers: servers.to_owned(), known, changed };
        let (mut known, mut damaged) = (HashMap::new(), Vec::new());
        let all = entries::<AppId>(apps).into_iter().map(Whose::App);
        for whose in all.chain(entries::<ServerId>(servers).into_iter().map(Whose::Server)) {
            let folder = this.folder(whose);
            for id in entries::<FileOf>(&folder) {
                match read(&folder.join(id.name())) {
                    Ok((record, cron)) => drop(known.insert(id.0, Entry { record, cron, run: None })),
                    Err(why) => damaged.push(format!("{} of {whose:?}: {why}", id.name())),
                }
            }
        }
        *this.known() = known;
        (this, damaged)
    }

    fn known(&self) -> MutexGuard<'_, HashMap<ScheduleId, Entry>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Folder of the schedules of an app or a server.
    fn folder(&self, whose: Whose) -> PathBuf {
        let own = match whose {
            Whose::App(app) => self.apps.join(app.to_string()),
            Whose::Server(server) => self.servers.join(server.to_string()),
        };
        own.join("schedules")
    }

    /// Folder of the logs of a schedule's runs.
    fn logs(&self, whose: Whose, schedule: ScheduleId) -> PathBuf {
        self.folder(whose).join(schedule.to_string())
    }

    /// The schedules of an app or a server, by name.
    pub fn of(&self, whose: Whose) -> Vec<ScheduleSpec> {
        let known = self.known();
        let own = known.values().filter(|entry| entry.record.spec.whose == whose);
        let mut specs: Vec<_> = own.map(|entry| entry.record.spec.clone()).collect();
        specs.sort_by(|a, b| a.name.cmp(&b.name));
        specs
    }

    /// One schedule.
    pub fn get(&self, schedule: ScheduleId) -> Option<Record> {
        self.known().get(&schedule).map(|entry| entry.record.clone())
    }

    /// Takes a schedule as it shall be; durable when it returns. Answers when it runs next.
    ///
    /// # Errors
    /// `schedule.invalid`, `schedule.older_generation`, `schedule.too_many`, `schedule.disk`.
    pub fn set(&self, spec: ScheduleSpec, now: Timestamp) -> Result<Option<Timestamp>, Fault> {
        let cron = cron(&spec).map_err(|error| error.fault())?;
        doable(&spec)?;
        let mut known = self.known();
        let record = match known.get(&spec.schedule).map(|entry| &entry.record) {
            Some(had) if spec.generation < had.spec.generation || spec.whose != had.spec.whose => {
                let message = format!("Generation {} is older than {}.", spec.generation, had.spec.generation);
                return Err(Fault::new(ErrorKind::Conflict, "schedule.older_generation", message));
            }
            Some(had) => {
                let mut record = had.clone();
                record.take(spec, now);
                record
            }
            None => {
                if known.values().filter(|entry| entry.record.spec.whose == spec.whose).count() >= MAX_OF_ONE {
                    let message = format!("It has {MAX_OF_ONE} schedules already.");
                    return Err(Fault::new(ErrorKind::Conflict, "schedule.too_many", message).fix("Remove one first."));
                }
                Record::new(spec, now)
            }
        };
        self.write(&record)?;
        let next = Some(&cron).filter(|_| record.spec.settings.enabled).and_then(|cron| cron.next(record.settled));
        let run = known.remove(&record.spec.schedule).and_then(|entry| entry.run);
        known.insert(record.spec.schedule, Entry { record, cron, run });
        drop(known);
        self.look_again();
        Ok(next)
    }

    /// What is due is looked at again.
    pub fn look_again(&self) {
        self.changed.notify_one();
    }

    /// Changes a record and writes it; `None` where there is no such schedule. What cannot be written is not changed.
    fn change<T>(
        &self,
        schedule: ScheduleId,
        change: impl FnOnce(&mut Record, &Schedule) -> T,
    ) -> Result<Option<T>, Fault> {
        let mut known = self.known();
        let Some(entry) = known.get_mut(&schedule) else { return Ok(None) };
        let mut record = entry.record.clone();
        let done = change(&mut record, &entry.cron);
        if record != entry.record {
            self.write(&record)?;
            entry.record = record;
        }
        Ok(Some(done))
    }

    fn write(&self, record: &Record) -> Result<(), Fault> {
        use std::os::unix::fs::DirBuilderExt;
        let path = self.folder(record.spec.whose).join(FileOf(record.spec.schedule).name());
        let written = serde_json::to_vec_pretty(record).map_err(io::Error::other).and_then(|bytes| {
            let folder = self.folder(record.spec.whose);
            std::fs::DirBuilder::new().recursive(true).mode(0o700).create(&folder)?;
            tree::write_atomically(&path, &bytes, 0o600)
        });
        written.map_err(|error| disk(&path, &error))
    }

    /// Marks a schedule's run as begun; what stops it.
    fn begin(&self, schedule: ScheduleId) -> Option<Under> {
        let under = Under::default();
        self.known().get_mut(&schedule)?.run = Some(under.clone());
        Some(under)
    }

    /// Removes a schedule: its run is stopped first, then its file and its logs go.
    ///
    /// # Errors
    /// `schedule.disk`.
    pub async fn remove(&self, whose: Whose, schedule: ScheduleId) -> Result<(), Fault> {
        // Before its run is stopped, so that nothing new begins.
        let path = self.folder(whose).join(FileOf(schedule).name());
        match std::fs::remove_file(&path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(disk(&path, &error)),
            _ => {}
        }
        let gone = self.known().remove(&schedule);
        if let Some(under) = gone.and_then(|entry| entry.run) {
            under.stop.cancel();
            under.over.cancelled().await;
        }
        let logs = self.logs(whose, schedule);
        super::aside::long(move || tree::remove(&logs)).await.map_err(|error| disk(&path, &error))
    }

    fn ids(&self) -> Vec<ScheduleId> {
        self.known().keys().copied().collect()
    }

    fn next(&self) -> Option<Timestamp> {
        let known = self.known();
        let enabled = known.values().filter(|entry| entry.record.spec.settings.enabled);
        enabled.filter_map(|entry| entry.cron.next(entry.record.settled)).min()
    }
}

impl Node {
    /// Starts what is due when it is due, until the agent stops. What was under way when the last agent ended is told first.
    pub async fn keep_schedules(self: &Arc<Self>, shutdown: Shutdown) {
        self.cgroups.sweep(&self.own_schedules());
        for schedule in self.schedules.ids() {
            let now = self.clock.now();
            let found = self.schedules.change(schedule, |record, _| record.recover(now));
            self.follow(schedule, found);
        }
        loop {
            let mut written = true;
            for schedule in self.schedules.ids() {
                let now = self.clock.now();
                let found = self.schedules.change(schedule, |record, cron| {
                    let rests = self.rests(record);
                    record.tick(cron, now, rests, || self.rng.id(&self.clock))
                });
                written &= self.follow(schedule, found);
            }
            let pause = self.schedules.next().map_or(LOOK_EVERY, |at| at.since(self.clock.now()).min(LOOK_EVERY));
            let pause = if written { pause } else { LOOK_EVERY };
            tokio::select! {
                () = shutdown.requested() => return,
                () = self.schedules.changed.notified() => {}
                () = tokio::time::sleep(pause) => {}
            }
        }
    }

    /// Why nothing is to be done now, if nothing is. An app that was stopped on purpose rests as a whole.
    fn rests(&self, record: &Record) -> Option<Rest> {
        match record.spec.whose {
            Whose::App(app) => {
                let rests = self.apps.get(app).is_none_or(|record| record.wanted != AppState::Running);
                rests.then_some(Rest::Silent)
            }
            Whose::Server(server) => match self.servers.get(server) {
                None => Some(Rest::Silent),
                Some(known) if known.spec.suspended => Some(Rest::Suspended),
                Some(_) if record.spec.settings.only_when_online && !self.is_online(server) => Some(Rest::Offline),
                Some(_) => None,
            },
        }
    }

    fn is_online(&self, server: ServerId) -> bool {
        let report = self.server_report(server);
        report.is_some_and(|report| matches!(report.state, ServerState::Starting | ServerState::Running))
    }

    /// Answers whether it could be written down.
    fn follow(self: &Arc<Self>, schedule: ScheduleId, found: Result<Option<Tick>, Fault>) -> bool {
        match found {
            Ok(Some(tick)) => {
                for report in tick.tell {
                    self.outbox.event(NodeEvent::Schedule { report });
                }
                if tick.start {
                    self.perform(schedule);
                }
            }
            Ok(None) => {}
            Err(fault) => {
                // Not written down, so not begun; looked at again.
                self.outbox.notice("schedule.disk", fault.to_string());
                return false;
            }
        }
        true
    }

    /// Runs a schedule once, by hand. An order that was carried out already is not carried out again.
    ///
    /// # Errors
    /// `schedule.unknown`, `schedule.under_way`, `schedule.suspended`, `schedule.offline`, `schedule.disk`.
    pub fn run_schedule(self: &Arc<Self>, schedule: ScheduleId, command: CommandId) -> Result<(), Fault> {
        let now = self.clock.now();
        let begun = self.schedules.change(schedule, |record, _| {
            if record.by_hand == Some(command) {
                return Ok(false);
            }
            match self.rests(record) {
                Some(rest @ (Rest::Suspended | Rest::Offline)) => Err(Busy::Rests(rest)),
                _ => record.by_hand(self.rng.id(&self.clock), command, now),
            }
        })?;
        match begun.ok_or_else(unknown)? {
            Ok(start) => {
                if start {
                    self.perform(schedule);
                }
                Ok(())
            }
            Err(busy) => Err(under_way(busy)),
        }
    }

    /// The schedules of an app or a server go with it.
    pub(crate) async fn forget_schedules(&self, whose: Whose) -> Result<(), Fault> {
        for spec in self.schedules.of(whose) {
            self.schedules.remove(whose, spec.schedule).await?;
        }
        Ok(())
    }
}

/// A schedule's file by its name.
#[derive(Clone, Copy)]
struct FileOf(ScheduleId);

impl FileOf {
    fn name(self) -> String {
        format!("{}.json", self.0)
    }
}

impl FromStr for FileOf {
    type Err = ();

    fn from_str(name: &str) -> Result<Self, ()> {
        name.strip_suffix(".json").and_then(|id| id.parse().ok()).map(Self).ok_or(())
    }
}

fn entries<T: FromStr>(dir: &Path) -> Vec<T> {
    let entries = std::fs::read_dir(dir).into_iter().flatten().flatten();
    entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok()).collect()
}

fn read(path: &Path) -> Result<(Record, Schedule), String> {
    let bytes = std::fs::read(path).map_err(|error| error.to_string())?;
    let record: Record = serde_json::from_slice(&bytes).map_err(|error| error.to_string())?;
    let cron = cron(&record.spec).map_err(|error| error.to_string())?;
    Ok((record, cron))
}

fn disk(path: &Path, error: &io::Error) -> Fault {
    let message = format!("{} cannot be used: {error}.", path.display());
    Fault::new(ErrorKind::Internal, "schedule.disk", message).fix("Check the node's disk and the agent's state folder.")
}

/// No such schedule.
pub fn unknown() -> Fault {
    let fault = Fault::new(ErrorKind::NotFound, "schedule.unknown", "This node knows no such schedule.");
    fault.fix("Set it again.")
}

/// Refuses what has nothing to do.
fn doable(spec: &ScheduleSpec) -> Result<(), Fault> {
    let (command, steps) = (&spec.settings.command, &spec.settings.steps);
    let (message, fix) = match spec.whose {
        Whose::App(_) if command.first().is_none_or(String::is_empty) => {
            ("A schedule of an app needs a command.", "Name a program.")
        }
        Whose::Server(_) if steps.is_empty() => ("A schedule of a server needs steps.", "Name one."),
        _ => return Ok(()),
    };
    Err(Fault::new(ErrorKind::Invalid, "schedule.invalid", message).fix(fix))
}

fn under_way(busy: Busy) -> Fault {
    let (code, message, fix) = match busy {
        Busy::UnderWay => {
            ("under_way", "It is running already, and never runs beside itself.", "Wait until it has ended.")
        }
        Busy::Waiting => ("under_way", "It is running, and one more run waits already.", "Wait until it has ended."),
        Busy::Rests(Rest::Suspended) => ("suspended", "Its server is suspended.", "Ask whoever suspended it."),
        Busy::Rests(_) => {
            ("offline", "Its server does not run, and it is for a server that does.", "Start the server first.")
        }
    };
    Fault::new(ErrorKind::Conflict, format!("schedule.{code}"), message).fix(fix)
}
