//! Watching one shim: what it says, and that it lives.

use std::convert::Infallible;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use sf_protocol::app::AppState;
use sf_runtime::OnError;
use sf_types::{Millis, ReleaseId};
use tokio::sync::{broadcast, watch};

use super::client::{self, Connection};
use super::folder::{RunFolder, SPEC, STATE};
use super::{Process, ProcessError, Supervisor, launch, tree};
use crate::shim::state::{Exit, How, Request, Status};
use crate::shim::{Message, ShimSpec, StopRule};

/// Longest wait for a shim that holds its lock to listen, or for the lock of one that has closed its socket.
const SETTLE: Duration = Duration::from_secs(2);
/// Between two looks meanwhile.
const LOOK_AGAIN: Duration = Duration::from_millis(5);

/// What is known of one process.
#[derive(Debug)]
pub struct Watched {
    pub release: ReleaseId,
    pub folder: RunFolder,
    pub log_dir: PathBuf,
    pub status: watch::Sender<Status>,
    /// Number of the newest log line heard of.
    pub log: watch::Sender<u64>,
    stop: Mutex<StopRule>,
    /// A killed shim is started again only while the process is wanted.
    wanted: AtomicBool,
    changes: broadcast::Sender<Status>,
}

impl Watched {
    /// It is being stopped: a shim that dies now stays dead.
    pub fn give_up(&self) {
        self.wanted.store(false, Ordering::SeqCst);
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
            stop: Mutex::new(spec.stop),
            wanted: AtomicBool::new(true),
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
        let rule = folder.read::<ShimSpec>(SPEC).ok().flatten().map(|spec| spec.restart);
        let wanted = process.0.wanted.load(Ordering::SeqCst) && rule.is_some_and(|rule| rule.max_crashes > 0);
        tracing::warn!(release = %process.0.release, wanted, "the holder of a process was killed");
        let failure = if wanted {
            match launch::launch(&self.0.options.program, "shim", folder).await {
                Ok(()) => return true,
                Err(failure) => failure.reason,
            }
        } else {
            "its holder was killed".to_owned()
        };
        let status = self.bury(&process.status(), failure);
        if let Err(error) = folder.write(STATE, &status, true) {
            tracing::warn!(%error, "the end of a process could not be written down");
        }
        process.0.learn(status);
        false
    }

    /// Ends what a killed shim left behind, and says how it is now.
    pub(super) fn bury(&self, last: &Status, reason: String) -> Status {
        let mut status = last.clone();
        let marker = format!("SERVERFLOW_PROCESS={}", last.release);
        let left = status.child.take().map_or(0, |child| tree::kill_leftovers(&child, &marker));
        let at = self.0.options.clock.now();
        let ran = Millis(u64::try_from(at.since(status.started_at).as_millis()).unwrap_or(u64::MAX));
        let left = u32::try_from(left).unwrap_or(u32::MAX);
        status.remember(Exit { at, ran, how: How::Unseen, asked: false, left });
        Status { state: AppState::Failed, since: at, reason, ended: true, ..status }
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
