//! Watching one shim: what it says, and that it lives.

use std::convert::Infallible;
use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use sf_protocol::app::AppState;
use sf_runtime::OnError;
use sf_types::{Millis, ReleaseId};
use tokio::sync::{broadcast, watch};

use super::client::{self, Connection};
use super::folder::{RunFolder, SPEC, STATE};
use super::{ANSWER_LIMIT, Process, ProcessError, Supervisor, tree};
use crate::process::detach::EXIT_HELD;
use crate::shim::attend::Contained;
use crate::shim::crash::{CrashGuard, Next};
use crate::shim::state::{Exit, How, Request, Status, seconds};
use crate::shim::{Message, ShimSpec, StopRule};

/// Longest wait for a shim that holds its lock to listen, or for the lock of one that has closed its socket.
const SETTLE: Duration = Duration::from_secs(2);
/// Between two looks meanwhile.
pub const LOOK_AGAIN: Duration = Duration::from_millis(5);
/// Longest wait for a shim that said goodbye to be gone.
pub const GONE: Duration = Duration::from_secs(1);

/// What is known of one process.
#[derive(Debug)]
pub struct Watched {
    pub release: ReleaseId,
    pub folder: RunFolder,
    pub log_dir: PathBuf,
    pub status: watch::Sender<Status>,
    /// Number of the newest log line heard of.
    pub log: watch::Sender<u64>,
    /// The container it stands for, where it does.
    pub contained: Option<Contained>,
    stop: Mutex<StopRule>,
    /// A killed shim is started again only while the process is wanted.
    wanted: watch::Sender<bool>,
    changes: broadcast::Sender<Status>,
}

impl Watched {
    /// It is being stopped: a shim that dies now stays dead.
    pub fn give_up(&self) {
        self.wanted.send_replace(false);
    }

    fn is_wanted(&self) -> bool {
        *self.wanted.borrow()
    }

    /// How it is stopped.
    pub fn stop_rule(&self) -> StopRule {
        *self.stop.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes in what the shim said. Late answers of earlier moments, and news after the end, change nothing.
    pub fn learn(&self, status: Status) {
        let news = self.status.send_if_modified(|known| {
            let stale = known.ended || status.log.last < known.log.last && status.shim == known.shim;
            let news = !stale && *known != status;
            if news {
                known.clone_from(&status);
            }
            news
        });
        if news {
            self.log.send_if_modified(|last| {
                let newer = status.log.last > *last;
                *last = status.log.last.max(*last);
                newer
            });
            // Nobody may be listening.
            let _ = self.changes.send(status);
        }
    }
}

impl Supervisor {
    /// Connects to a living shim and watches it from now on.
    pub(super) async fn attach(&self, folder: RunFolder) -> Result<Process, ProcessError> {
        let at = |source| ProcessError::Folder { path: folder.path().to_owned(), source };
        let spec: ShimSpec = folder.read(SPEC).map_err(at)?.ok_or_else(|| at(std::io::ErrorKind::NotFound.into()))?;
        let heard = match hear(&folder).await {
            Ok(heard) => Some(heard),
            // Already over: short-lived processes end before anybody listens.
            Err(error) if client::is_gone(&error) => None,
            Err(source) => return Err(ProcessError::Silent { release: spec.release, source }),
        };
        let (connection, status) = match heard {
            Some((connection, status)) => (Some(connection), status),
            None => {
                (None, folder.read::<Status>(STATE).map_err(at)?.ok_or(ProcessError::Gone { release: spec.release })?)
            }
        };
        let process = Process(std::sync::Arc::new(Watched {
            release: spec.release,
            log_dir: spec.log_dir,
            log: watch::Sender::new(status.log.last),
            contained: spec.container,
            stop: Mutex::new(spec.stop),
            wanted: watch::Sender::new(true),
            changes: self.0.changes.clone(),
            status: watch::Sender::new(status.clone()),
            folder,
        }));
        self.processes().insert(spec.release, process.clone());
        let _ = self.0.changes.send(status);
        let (supervisor, watched) = (self.clone(), process.clone());
        self.0.options.tasks.spawn("process.watch", OnError::Log, async move {
            supervisor.keep_watch(watched, connection).await;
            Ok::<(), Infallible>(())
        });
        Ok(process)
    }

    async fn keep_watch(&self, process: Process, mut connection: Option<Connection>) {
        let stopped = self.0.options.tasks.shutdown();
        loop {
            if let Some(connection) = connection.take() {
                tokio::select! {
                    () = stopped.requested() => return,
                    () = listen(&process, connection) => {}
                }
            }
            match hear(&process.0.folder).await {
                Ok((again, status)) => {
                    process.0.learn(status);
                    connection = Some(again);
                }
                Err(_) if process.0.folder.is_held().unwrap_or(false) => tokio::time::sleep(SETTLE).await,
                Err(_) => match process.0.folder.read::<Status>(STATE) {
                    Ok(Some(status)) if status.ended => return process.0.learn(status),
                    // It said so, but the disk was too full to write it down.
                    _ if process.status().ended => return write_down(&process.0.folder, &process.status()),
                    _ => {
                        if !self.shim_was_killed(&process).await {
                            return;
                        }
                    }
                },
            }
        }
    }

    /// The shim is dead without having said goodbye. Answers whether there is a new one.
    async fn shim_was_killed(&self, process: &Process) -> bool {
        let folder = &process.0.folder;
        tracing::warn!(release = %process.0.release, "the holder of a process was killed");
        let buried = self.bury(&process.status(), folder, "its holder was killed".to_owned()).await;
        let rule = folder.read::<ShimSpec>(SPEC).ok().flatten().map(|spec| spec.restart);
        let next = rule.as_ref().map_or(Next::Never, |rule| CrashGuard::after_kill(rule, &buried.exits));
        let reason = match next {
            Next::Never => buried.reason.clone(),
            Next::GiveUp { crashes } => format!("{}; given up after {crashes} crashes", buried.reason),
            Next::Again(delay) => {
                let reason = format!("{}; starting again in {}", buried.reason, seconds(delay));
                process.0.learn(Status { state: AppState::Crashed, reason, ended: false, ..buried.clone() });
                let mut wanted = process.0.wanted.subscribe();
                let shutdown = self.0.options.tasks.shutdown();
                tokio::select! {
                    () = shutdown.requested() => return false,
                    _ = wanted.wait_for(|wanted| !wanted) => {}
                    () = tokio::time::sleep(delay.duration()) => {}
                }
                match self.succeed(process).await {
                    Ok(()) => return true,
                    Err(reason) => reason,
                }
            }
        };
        let state = if process.0.is_wanted() { AppState::Failed } else { AppState::Stopped };
        let status = Status { state, reason, ..buried };
        write_down(folder, &status);
        process.0.learn(status);
        false
    }

    /// Starts a successor of a killed shim while the process is wanted.
    async fn succeed(&self, process: &Process) -> Result<(), String> {
        if !process.0.is_wanted() {
            return Err("stopped; its holder was killed".to_owned());
        }
        let folder = &process.0.folder;
        let spec = folder.read(SPEC).map_err(|error| format!("its specification cannot be read: {error}"))?;
        let spec: ShimSpec = spec.ok_or("its specification is gone")?;
        match self.hold(folder, &spec).await.map_err(|error| error.to_string())? {
            Err(failure) if failure.code != EXIT_HELD => return Err(failure.reason),
            // Somebody else was quicker: that one is watched then.
            Ok(()) | Err(_) => {}
        }
        if !process.0.is_wanted() {
            // The stop came while there was nobody to tell.
            let _ = process.ask(&Request::Stop { grace: None }, ANSWER_LIMIT).await;
        }
        Ok(())
    }

    /// Ends what a killed shim left behind, and says how it is now.
    pub(super) async fn bury(&self, last: &Status, folder: &RunFolder, reason: String) -> Status {
        let mut status = last.clone();
        let (name, value) = folder.marker();
        let marker = format!("{name}={value}");
        let left = match status.child.take() {
            // It waits for them to be gone, which would hold up everything else.
            Some(child) => {
                tokio::task::spawn_blocking(move || tree::kill_leftovers(&child, &marker)).await.unwrap_or(0)
            }
            None => 0,
        };
        let at = self.0.options.clock.now();
        let ran = Millis(u64::try_from(at.since(status.started_at).as_millis()).unwrap_or(u64::MAX));
        let left = u32::try_from(left).unwrap_or(u32::MAX);
        status.remember(Exit { at, ran, how: How::Unseen, asked: false, left });
        Status { state: AppState::Failed, since: at, reason, ended: true, ..status }
    }
}

fn write_down(folder: &RunFolder, status: &Status) {
    if let Err(error) = folder.write(STATE, status, true) {
        tracing::warn!(%error, "the end of a process could not be written down");
    }
}

/// Takes in what the shim says until it is gone.
async fn listen(process: &Process, mut connection: Connection) {
    while let Ok(Some(message)) = connection.receive::<Message>().await {
        match message {
            Message::Status(status) => process.0.learn(*status),
            Message::Log(last) => drop(process.0.log.send_replace(last)),
            Message::Refused(reason) => tracing::warn!(%reason, "a holder refuses to be watched"),
        }
    }
}

/// Subscribes to the shim in `folder`. Waits a moment for one that holds its lock but does not listen yet.
///
/// # Errors
/// `NotFound` when no shim lives there.
pub async fn hear(folder: &RunFolder) -> std::io::Result<(Connection, Status)> {
    let until = tokio::time::Instant::now() + SETTLE;
    loop {
        match try_hear(folder).await {
            Ok(heard) => return Ok(heard),
            Err(error) if !client::is_gone(&error) => return Err(error),
            Err(_) if !folder.is_held()? => return Err(std::io::ErrorKind::NotFound.into()),
            Err(error) if tokio::time::Instant::now() >= until => {
                return Err(std::io::Error::new(std::io::ErrorKind::TimedOut, error.to_string()));
            }
            Err(_) => tokio::time::sleep(LOOK_AGAIN).await,
        }
    }
}

async fn try_hear(folder: &RunFolder) -> std::io::Result<(Connection, Status)> {
    let mut connection = Connection::open(folder).await?;
    connection.send(&Request::Subscribe).await?;
    let message = tokio::time::timeout(SETTLE, connection.receive::<Message>())
        .await
        .map_err(|_| std::io::Error::from(std::io::ErrorKind::TimedOut))??;
    match message {
        Some(Message::Status(status)) if connection.peer().is_none_or(|pid| pid == status.shim.pid) => {
            Ok((connection, *status))
        }
        Some(_) => Err(std::io::Error::other("it is not the shim it says it is")),
        None => Err(std::io::ErrorKind::ConnectionReset.into()),
    }
}
