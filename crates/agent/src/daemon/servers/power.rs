//! Start, stop, kill, a line to its input, and the end of everything.

use std::time::Duration;

use sf_protocol::app::AppState;
use sf_protocol::outcome::Step;
use sf_protocol::server::{InstallState, ServerLimits, ServerRuntime, ServerSpec, ServerState, ServerVerb};
use sf_types::{ByteSize, ErrorKind, Fault, ServerId};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::live::Doing;
use super::record::{End as Over, ServerRecord};
use super::report::hold;
use super::secrets::sealed_elsewhere;
use super::{edits, launch, places};
use crate::daemon::aside;
use crate::execute::app::disk;
use crate::execute::{End, Node, Progress};
use crate::process::{Process, ProcessError};
use crate::release::tree;
use crate::shim::state::Status;

/// Looks at the lock of a shim that has said goodbye, and the pause between two.
const GONE_TRIES: usize = 100;
const GONE_PAUSE: Duration = Duration::from_millis(10);

/// What its shim has not killed by then is killed by its control group.
const SHIM_KILLS_WITHIN: Duration = Duration::from_millis(200);

/// One order under way.
#[derive(Debug)]
pub struct Errand<'a> {
    /// The server.
    pub server: ServerId,
    /// Its voice.
    pub progress: &'a Progress,
    /// Somebody takes the order back.
    pub cancel: &'a CancellationToken,
    /// Somebody kills the server.
    pub halt: CancellationToken,
    /// When its time is over.
    pub until: Instant,
    /// A person's doing; what the agent does by itself waits for an engine that is just starting.
    pub by_order: bool,
}

impl Errand<'_> {
    /// Does something that may take long, unless it is ended before.
    pub(super) async fn unless_ended<T>(&self, work: impl Future<Output = Result<T, Fault>>) -> Result<T, End> {
        tokio::select! {
            biased;
            () = self.halt.cancelled() => Err(killed().into()),
            () = self.cancel.cancelled() => Err(End::Cancelled),
            done = work => Ok(done?),
            () = tokio::time::sleep_until(self.until) => {
                Err(Fault::new(ErrorKind::Timeout, "server.slow", "It took longer than the order had time for.").into())
            }
        }
    }
}

/// It was killed on request.
pub fn killed() -> Fault {
    Fault::new(ErrorKind::Conflict, "server.killed", "The server was killed meanwhile.")
}

/// What processes say, in words about servers.
pub fn process_fault(error: ProcessError) -> Fault {
    let conflict = |code: &str, message: String| Fault::new(ErrorKind::Conflict, code, message);
    match error {
        ProcessError::Program { reason } => conflict("server.program", format!("It could not be started: {reason}."))
            .fix("Correct its startup, or install what is missing."),
        ProcessError::Secret { name } => sealed_elsewhere(&name),
        ProcessError::AlreadyRuns { .. } => conflict("server.runs", "It runs already.".to_owned()),
        ProcessError::Gone { .. } | ProcessError::Unknown { .. } => not_running(),
        ProcessError::Refused { reason, .. } if reason == "no process runs" => not_running(),
        ProcessError::Refused { reason, .. } => conflict("server.refused", format!("The server refuses: {reason}."))
            .fix("Try again in a moment, or kill the server."),
        other => other.into(),
    }
}

fn not_running() -> Fault {
    Fault::new(ErrorKind::Conflict, "server.not_running", "The server does not run.").fix("Start it first.")
}

/// Why it must not be started.
fn startable(record: &ServerRecord) -> Result<(), Fault> {
    if record.spec.suspended {
        let message = "The server is suspended.";
        return Err(Fault::new(ErrorKind::Forbidden, "server.suspended", message).fix("Ask whoever suspended it."));
    }
    let message = match record.install {
        InstallState::Installed => return Ok(()),
        InstallState::Missing => "The server was never installed.",
        InstallState::Installing => "The server is being installed.",
        InstallState::Failed => "The last installation of the server failed.",
    };
    Err(Fault::new(ErrorKind::Conflict, "server.not_installed", message).fix("Install it first."))
}

impl Node {
    /// Starts a server and waits until it is ready, its time is over, or it has ended.
    pub(crate) async fn start_server(&self, errand: &Errand<'_>) -> Result<(), End> {
        let server = errand.server;
        startable(&self.servers.known_one(server)?)?;
        // A restart that was killed in its first half.
        if errand.halt.is_cancelled() {
            return Err(killed().into());
        }
        let crashed = self.server_process(server).filter(|process| process.status().state == AppState::Crashed);
        if crashed.is_some() {
            // It would come back by itself after a while; whoever asks wants it now.
            self.stop_server(errand).await?;
        }
        let record = self.servers.change(server, |record| record.runs = true)?;
        let process = match self.server_process(server) {
            Some(process) => {
                errand.progress.skipped(Step::Start, "it runs already");
                process
            }
            None => self.launch_server(&record.spec, errand).await?,
        };
        self.until_ready(&record.spec, &process, errand).await
    }

    /// Starts the process of a server that has none. When this returns its program was executed.
    pub(super) async fn launch_server(&self, spec: &ServerSpec, errand: &Errand<'_>) -> Result<Process, End> {
        let (server, live) = (spec.server, self.servers.live(spec.server));
        live.stops_for(None);
        let since = self.clock.now();
        live.does(Some(Doing { state: ServerState::Starting, reason: "being prepared".to_owned(), since }));
        self.tell_server(server);
        let launched = self.do_launch(spec, errand).await;
        if let Err(End::Failed(fault)) = &launched {
            errand.progress.failed(&fault.message);
            // A shim that lives writes the log.
            if !self.held.holds(hold(server).1) {
                self.server_console(server).note(&fault.to_string());
            }
            let over =
                Over { state: ServerState::Error, at: self.clock.now(), reason: fault.message.clone(), restarts: 0 };
            self.servers.change(server, |record| {
                // A kill has said what it is.
                let over = if record.runs { over } else { Over { state: ServerState::Stopped, ..over } };
                record.end = Some(over);
            })?;
        }
        if matches!(launched, Err(End::Cancelled)) {
            self.servers.change(server, |record| record.runs = false)?;
        }
        live.does(None);
        self.tell_server(server);
        // Whoever watches has a shim to listen to now.
        live.wrote(0);
        launched
    }

    async fn do_launch(&self, spec: &ServerSpec, errand: &Errand<'_>) -> Result<Process, End> {
        let (server, progress) = (spec.server, errand.progress);
        self.check_disk(spec)?;
        if spec.allocations.iter().any(|at| at.port == 0) {
            return Err(launch::refused("0 is no port to listen on.".to_owned()).into());
        }
        let allocations = spec.allocations.clone();
        aside::short(move || places::free(&allocations)).await?;
        if !spec.edits.is_empty() {
            progress.begin(Step::Edit, "");
            let user = self.server_user(server)?;
            let root = self.server_folder(self.servers.files(server), user)?;
            let (edited, values, count) = (spec.clone(), self.server_values(spec)?, spec.edits.len());
            aside::short(move || edits::edit_files(&edited, &values, &root, user)).await?;
            progress.done(&format!("{count} files are as its settings say"));
        }
        if let ServerRuntime::Docker { image } = &spec.runtime {
            let mut console = self.server_console(server);
            let mut say = |text: String| console.note(&text);
            match errand.unless_ended(self.have_image(image, &mut say)).await {
                // Its attendant waits for the engine.
                Err(End::Failed(fault)) if fault.code == "engine.away" && !errand.by_order => {}
                other => drop(other?),
            }
        }
        progress.begin(Step::Start, "");
        let (shim, enforced) = self.server_shim(spec)?;
        self.servers.change(server, |record| (record.end, record.enforced) = (None, enforced))?;
        fail::fail_point!("agent-server-start");
        if errand.halt.is_cancelled() {
            return Err(killed().into());
        }
        let process = match self.held.start(&shim).await {
            // Busy as it was, its shim did not answer when everything was found again.
            Err(ProcessError::AlreadyRuns { release }) => self.held.find(release).await,
            other => other,
        };
        let process = process.map_err(process_fault)?;
        if errand.halt.is_cancelled() {
            self.end_by_kill(server, &process).await?;
            return Err(killed().into());
        }
        progress.done("");
        Ok(process)
    }

    /// A server whose files take more than they may would only fail in the middle of its work.
    fn check_disk(&self, spec: &ServerSpec) -> Result<(), Fault> {
        let used = self.servers.live(spec.server).disk();
        match spec.limits.disk {
            Some(limit) if used > limit.bytes() => {
                let message = format!("Its files take {}, and {limit} are allowed.", ByteSize(used));
                Err(Fault::new(ErrorKind::Conflict, "server.disk_full", message)
                    .fix("Delete files of it, or give it more disk."))
            }
            _ => Ok(()),
        }
    }

    async fn until_ready(&self, spec: &ServerSpec, process: &Process, errand: &Errand<'_>) -> Result<(), End> {
        let (server, progress) = (spec.server, errand.progress);
        progress.begin(Step::Health, "waits until it says that it is ready");
        let mut news = process.watch();
        let settled = async {
            let settled = news.wait_for(|status| status.ended || status.state == AppState::Running).await;
            settled.map(|status| status.clone()).unwrap_or_else(|_| process.status())
        };
        let limit = (Instant::now() + spec.ready.within.duration()).min(errand.until);
        let settled = tokio::select! {
            biased;
            () = errand.halt.cancelled() => return Err(killed().into()),
            settled = settled => settled,
            () = errand.cancel.cancelled() => {
                self.servers.change(server, |record| record.runs = false)?;
                self.end_by_kill(server, process).await?;
                return Err(End::Cancelled);
            }
            () = tokio::time::sleep_until(limit) => {
                let seconds = spec.ready.within.0 / 1000;
                progress.done(&format!("it has not said so within {seconds} s, and goes on starting"));
                return Ok(());
            }
        };
        if settled.ended {
            self.server_ended(&settled);
            let message = format!("It ended before it was ready: {}.", settled.reason);
            progress.failed(&message);
            let fix = "Look at its console for the reason.";
            return Err(Fault::new(ErrorKind::Conflict, "server.ended", message).fix(fix).into());
        }
        progress.done(&settled.reason);
        Ok(())
    }

    /// Stops a server by its rule, if it runs.
    pub(crate) async fn stop_server(&self, errand: &Errand<'_>) -> Result<(), End> {
        let (server, now) = (errand.server, self.clock.now());
        let record = self.servers.change(server, |record| {
            record.runs = false;
            // Seen and done with.
            if let Some(end) = record.end.as_mut().filter(|end| end.state == ServerState::Error) {
                (end.state, end.at) = (ServerState::Stopped, now);
            }
        })?;
        let Ok(process) = self.held.find(hold(server).1).await else {
            self.tell_server(server);
            return Ok(());
        };
        errand.progress.begin(Step::Stop, "");
        let live = self.servers.live(server);
        live.does(Some(Doing { state: ServerState::Stopping, reason: "told to stop".to_owned(), since: now }));
        self.tell_server(server);
        let status = process.stop(None).await.map_err(process_fault);
        live.does(None);
        let status = status.inspect_err(|fault| errand.progress.failed(&fault.message))?;
        self.after_end(server, &status, &record.spec).await;
        let how = self.servers.get(server).and_then(|record| record.stopped_by);
        errand.progress.done(how.as_deref().unwrap_or("it had ended"));
        Ok(())
    }

    /// Ends a server at once, with whatever an order is doing to it. Nobody's turn is waited for.
    pub(crate) async fn kill_server(&self, server: ServerId, progress: &Progress) -> Result<(), Fault> {
        self.servers.change(server, |record| record.runs = false)?;
        self.servers.live(server).halt();
        let Ok(process) = self.held.find(hold(server).1).await else { return Ok(()) };
        progress.begin(Step::Stop, "at once");
        let ended = self.end_by_kill(server, &process).await;
        ended.inspect_err(|fault| progress.failed(&fault.message))?;
        progress.done("");
        Ok(())
    }

    /// A server is to be deleted: what waits in its other orders is ended now, so that their turns end.
    pub(crate) async fn give_way(&self, server: ServerId) {
        self.servers.live(server).files_end();
        if self.servers.get(server).is_some()
            && let Err(fault) = self.kill_server(server, &self.silent_progress()).await
        {
            tracing::warn!(%server, %fault, "a server that is to be deleted could not be killed yet");
        }
    }

    async fn end_by_kill(&self, server: ServerId, process: &Process) -> Result<(), Fault> {
        let record = self.servers.known_one(server)?;
        // What forks as fast as its shim looks is met by its control group.
        let group = self.server_group(&launch::group_name(server), &record.spec.limits);
        let mut kill = std::pin::pin!(process.kill());
        let ended = tokio::select! {
            ended = &mut kill => ended,
            () = tokio::time::sleep(SHIM_KILLS_WITHIN) => {
                tokio::join!(kill, aside::long(move || group.kill())).0
            }
        };
        let status = ended.map_err(process_fault)?;
        self.after_end(server, &status, &record.spec).await;
        Ok(())
    }

    /// Takes away what is left of a process that has ended on request.
    pub(super) async fn after_end(&self, server: ServerId, status: &Status, spec: &ServerSpec) {
        self.server_ended(status);
        if self.held.container(hold(server).1).is_some() {
            // Said in the log, and owed.
            drop(self.remove_server_containers(server).await);
        }
        let group = self.server_group(&launch::group_name(server), &spec.limits);
        if let Err(error) = group.remove() {
            tracing::debug!(%server, %error, "a control group could not be removed");
        }
        self.tell_server(server);
    }

    /// Writes a line to the input of a server that runs.
    pub(crate) async fn command_server(&self, server: ServerId, line: &str) -> Result<(), Fault> {
        let bad = |message: String| Err(Fault::new(ErrorKind::Invalid, "server.command", message));
        if line.len() > ServerVerb::COMMAND_BYTES {
            return bad(format!("A command has at most {} bytes.", ServerVerb::COMMAND_BYTES));
        }
        if line.contains(char::is_control) {
            return bad("A command is one line without control characters.".to_owned());
        }
        self.servers.known_one(server)?;
        let process = self.server_process(server).ok_or_else(not_running)?;
        process.input(line).await.map(drop).map_err(process_fault)
    }

    /// Everything of the server goes: process, container, files, console, number. One that is not there is gone already.
    pub(super) async fn delete_server(&self, errand: &Errand<'_>) -> Result<(), Fault> {
        let (server, release) = (errand.server, hold(errand.server).1);
        if self.servers.get(server).is_some() {
            self.kill_server(server, errand.progress).await?;
        }
        errand.progress.begin(Step::Remove, "");
        let gone = self.remove_server(server, release).await;
        gone.inspect_err(|fault| errand.progress.failed(&fault.message))?;
        errand.progress.done("its files, console and containers are gone");
        Ok(())
    }

    async fn remove_server(&self, server: ServerId, release: sf_types::ReleaseId) -> Result<(), Fault> {
        // Also of a start that an earlier agent was cut off in.
        let record = self.servers.get(server);
        let is_docker = record.is_none_or(|record| matches!(record.spec.runtime, ServerRuntime::Docker { .. }));
        if is_docker || self.held.container(release).is_some() {
            self.remove_server_containers(server).await?;
        }
        // What still runs after that keeps its files: the order fails, and can be given again.
        let mut again = 1..GONE_TRIES;
        loop {
            match self.held.remove(release) {
                Err(ProcessError::AlreadyRuns { .. }) if again.next().is_some() => {
                    tokio::time::sleep(GONE_PAUSE).await;
                }
                Ok(()) => break,
                Err(error) => return Err(process_fault(error)),
            }
        }
        if let Err(error) = self.server_group(&launch::group_name(server), &ServerLimits::default()).remove() {
            tracing::debug!(%server, %error, "a control group could not be removed");
        }
        // Before its folder goes: late news of its end would be written into it.
        self.servers.forget(server);
        self.forget_secrets_of(server);
        let folder = self.servers.folder(server);
        let removed = folder.clone();
        aside::long(move || tree::remove(&removed)).await.map_err(|error| disk(&folder, &error))?;
        self.outbox.forget_console(server);
        if let Err(error) = self.users.give_back(&launch::user_name(server)) {
            tracing::warn!(%server, %error, "a user number could not be given back");
        }
        Ok(())
    }
}
