//! Relays as the daemon sees them.

use std::collections::HashMap;
use std::convert::Infallible;
use std::io;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use sf_runtime::{OnError, Tasks};
use sf_types::{AppId, ErrorKind, Fault, Millis};
use tokio_util::sync::{CancellationToken, DropGuard};

use super::spec::{Drained, Message, Pointer, RelaySpec, RelayStatus, Request};
use crate::process::detach::{EXIT_HELD, EXIT_PORT};
use crate::process::folder::{RunFolder, SPEC};
use crate::process::{Connection, launch, request};

/// Longest wait for an answer that needs no work.
const ANSWER_LIMIT: Millis = Millis::secs(5);
/// Time for requests in flight when a relay is replaced because its port or protocol changes.
const REPLACE_GRACE: Millis = Millis::secs(5);
/// Pause before a relay that was killed and could not be started again is tried again.
const TRY_AGAIN: Duration = Duration::from_secs(2);
/// A relay that lived shorter may be one that cannot live.
const SHORT_LIFE: Duration = Duration::from_secs(5);
/// Pause before such a one is started again.
const BREATHER: Duration = Duration::from_millis(250);
/// Longest wait for a relay that said goodbye to be gone.
const ENDED_WITHIN: Duration = Duration::from_secs(20);
/// Between two looks at a relay that is ending.
const LOOK_AGAIN: Duration = Duration::from_millis(5);

/// Why a relay could not do what was asked.
#[derive(Debug, thiserror::Error)]
pub enum RelayError {
    /// Its port belongs to somebody else.
    #[error("{reason}")]
    PortTaken {
        /// Which port, and by whom where the system tells: "port 8080 is taken by nginx (pid 812)".
        reason: String,
    },
    /// It could not be started.
    #[error("the relay of app {app} could not be started: {reason}")]
    Launch {
        /// The app.
        app: AppId,
        /// Why.
        reason: String,
    },
    /// Its run folder cannot be used.
    #[error("the run folder {} cannot be used: {source}", path.display())]
    Folder {
        /// Which.
        path: PathBuf,
        /// The operating system's reason.
        source: io::Error,
    },
    /// It does not run or does not answer.
    #[error("the relay of app {app} does not answer: {source}")]
    Silent {
        /// The app.
        app: AppId,
        /// What happened.
        source: io::Error,
    },
    /// It refuses.
    #[error("the relay of app {app} refuses: {reason}")]
    Refused {
        /// The app.
        app: AppId,
        /// Why.
        reason: String,
    },
}

impl From<RelayError> for Fault {
    fn from(error: RelayError) -> Self {
        let (kind, code, fix) = match &error {
            RelayError::PortTaken { .. } => {
                (ErrorKind::Conflict, "relay.port_taken", "Choose another port for the app, or stop that program.")
            }
            RelayError::Launch { .. } => (ErrorKind::Internal, "relay.launch", "Look into the agent's log."),
            RelayError::Folder { .. } => {
                (ErrorKind::Internal, "relay.folder", "Check the disk and the rights of the agent's state folder.")
            }
            RelayError::Silent { .. } => (ErrorKind::Unavailable, "relay.silent", "Try again in a moment."),
            RelayError::Refused { .. } => (ErrorKind::Conflict, "relay.refused", "Check the disk of the node."),
        };
        Self::new(kind, code, error.to_string()).fix(fix)
    }
}

/// What the relays need.
#[derive(Clone, Debug)]
pub struct Options {
    /// Folder of the run folders, one per app.
    pub dir: PathBuf,
    /// The program that has the mode `relay`: usually this one.
    pub program: PathBuf,
    /// Owner of the watching tasks.
    pub tasks: Tasks,
}

/// Starts, finds again, points and ends relays. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Relays(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    options: Options,
    /// Relays that should run, each with its watch. One that is replaced or forgotten ends at once: it holds a connection
    /// to its relay, which serves few of them.
    wanted: Mutex<HashMap<AppId, DropGuard>>,
}

impl Relays {
    /// Knows no relay yet; see [`Relays::adopt`].
    pub fn new(options: Options) -> Self {
        Self(Arc::new(Inner { options, wanted: Mutex::default() }))
    }

    fn folder(&self, app: AppId) -> RunFolder {
        RunFolder::at(self.0.options.dir.join(app.to_string()))
    }

    fn wanted(&self) -> MutexGuard<'_, HashMap<AppId, DropGuard>> {
        self.0.wanted.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Makes sure that a relay runs as `spec` says. One that runs so already is left alone; one with another port,
    /// address or protocol is replaced. A new one points at what the last one pointed at, else at nothing.
    ///
    /// # Errors
    /// [`RelayError::PortTaken`] names port and owner.
    pub async fn ensure(&self, spec: &RelaySpec) -> Result<RelayStatus, RelayError> {
        let (app, folder) = (spec.app, self.folder(spec.app));
        let at = |source| RelayError::Folder { path: folder.path().to_owned(), source };
        folder.create().map_err(at)?;
        if folder.is_held().map_err(at)? {
            let status = self.status(app).await?;
            let same_port = spec.port == 0 || spec.port == status.port;
            if same_port && status.address == spec.address && status.mode == spec.mode {
                self.watch(app);
                return Ok(status);
            }
            self.stop(app, REPLACE_GRACE).await?;
        }
        folder.write(SPEC, spec, true).map_err(at)?;
        self.start(app).await
    }

    async fn start(&self, app: AppId) -> Result<RelayStatus, RelayError> {
        let until = tokio::time::Instant::now() + ENDED_WITHIN;
        loop {
            match launch(&self.0.options.program, "relay", &self.folder(app), None).await {
                Ok(()) => break,
                // Another one is about to listen, or about to end.
                Err(failure) if failure.code == EXIT_HELD => {
                    if self.status(app).await.is_ok() || tokio::time::Instant::now() >= until {
                        break;
                    }
                    tokio::time::sleep(LOOK_AGAIN).await;
                }
                Err(failure) if failure.code == EXIT_PORT => {
                    return Err(RelayError::PortTaken { reason: failure.reason });
                }
                Err(failure) => return Err(RelayError::Launch { app, reason: failure.reason }),
            }
        }
        let status = self.status(app).await?;
        self.watch(app);
        Ok(status)
    }

    /// Finds every relay again after a restart of the daemon; those that were killed meanwhile are started again.
    pub async fn adopt(&self) -> Vec<(AppId, Result<RelayStatus, RelayError>)> {
        let Ok(entries) = std::fs::read_dir(&self.0.options.dir) else { return Vec::new() };
        let specs = entries.flatten().filter_map(|entry| RunFolder::at(entry.path()).read::<RelaySpec>(SPEC).ok()?);
        let ensure = specs.map(|spec| async move { (spec.app, self.ensure(&spec).await) });
        futures_util::future::join_all(ensure).await
    }

    /// Sends new requests elsewhere, at once and for good.
    ///
    /// # Errors
    /// [`RelayError::Silent`] without a relay; [`RelayError::Refused`] when the pointer cannot be written.
    pub async fn switch(&self, app: AppId, pointer: Pointer) -> Result<RelayStatus, RelayError> {
        self.ask_status(app, &Request::Switch { pointer }).await
    }

    /// Waits until nothing is in flight on old releases, at most `within`.
    ///
    /// # Errors
    /// [`RelayError::Silent`] without a relay.
    pub async fn drain(&self, app: AppId, within: Millis) -> Result<Drained, RelayError> {
        self.ask_drained(app, &Request::Drain { within }, within).await
    }

    /// Lets new requests wait until a switch, [`Relays::resume`], or `within`.
    ///
    /// # Errors
    /// [`RelayError::Silent`] without a relay.
    pub async fn hold(&self, app: AppId, within: Millis) -> Result<RelayStatus, RelayError> {
        self.ask_status(app, &Request::Hold { within }).await
    }

    /// Ends a hold.
    ///
    /// # Errors
    /// [`RelayError::Silent`] without a relay.
    pub async fn resume(&self, app: AppId) -> Result<RelayStatus, RelayError> {
        self.ask_status(app, &Request::Resume).await
    }

    /// Lets a relay believe what a proxy on this machine says about who asks; off until asked for, and kept across
    /// restarts of the relay. Needs no restart, so that a domain can be put before a running app.
    ///
    /// # Errors
    /// [`RelayError::Silent`] without a relay; [`RelayError::Refused`] when it cannot be written down.
    pub async fn trust_proxy(&self, app: AppId, proxy: bool) -> Result<RelayStatus, RelayError> {
        self.ask_status(app, &Request::Trust { proxy }).await
    }

    /// How a relay is.
    ///
    /// # Errors
    /// [`RelayError::Silent`] without a relay.
    pub async fn status(&self, app: AppId) -> Result<RelayStatus, RelayError> {
        self.ask_status(app, &Request::Status).await
    }

    /// Ends a relay: nothing new is taken, what is in flight has `within` to finish. Its port is free afterwards.
    /// Ending one that does not run is fine.
    ///
    /// # Errors
    /// [`RelayError::Silent`] when it lives but does not answer.
    pub async fn stop(&self, app: AppId, within: Millis) -> Result<(), RelayError> {
        self.wanted().remove(&app);
        let folder = self.folder(app);
        let held = || folder.is_held().map_err(|source| RelayError::Folder { path: folder.path().to_owned(), source });
        if !held()? {
            return Ok(());
        }
        self.ask_drained(app, &Request::Stop { within }, within).await?;
        let until = tokio::time::Instant::now() + ENDED_WITHIN;
        while held()? {
            if tokio::time::Instant::now() >= until {
                return Err(RelayError::Silent { app, source: io::ErrorKind::TimedOut.into() });
            }
            tokio::time::sleep(LOOK_AGAIN).await;
        }
        Ok(())
    }

    /// Ends a relay and removes its run folder: its port is forgotten.
    ///
    /// # Errors
    /// As [`Relays::stop`].
    pub async fn remove(&self, app: AppId, within: Millis) -> Result<(), RelayError> {
        self.stop(app, within).await?;
        let folder = self.folder(app);
        match std::fs::remove_dir_all(folder.path()) {
            Err(source) if source.kind() != io::ErrorKind::NotFound => {
                Err(RelayError::Folder { path: folder.path().to_owned(), source })
            }
            _ => Ok(()),
        }
    }

    async fn ask(&self, app: AppId, question: &Request, limit: Millis) -> Result<Message, RelayError> {
        let answer = request(&self.folder(app), question, limit).await;
        match answer.and_then(|message| message.ok_or_else(|| io::ErrorKind::ConnectionReset.into())) {
            Ok(Message::Refused(reason)) => Err(RelayError::Refused { app, reason }),
            Ok(message) => Ok(message),
            Err(source) => Err(RelayError::Silent { app, source }),
        }
    }

    async fn ask_status(&self, app: AppId, question: &Request) -> Result<RelayStatus, RelayError> {
        match self.ask(app, question, ANSWER_LIMIT).await? {
            Message::Status(status) => Ok(*status),
            other => Err(RelayError::Refused { app, reason: format!("it answered {other:?}") }),
        }
    }

    async fn ask_drained(&self, app: AppId, question: &Request, within: Millis) -> Result<Drained, RelayError> {
        match self.ask(app, question, Millis(within.0.saturating_add(ANSWER_LIMIT.0))).await? {
            Message::Drained(drained) => Ok(drained),
            other => Err(RelayError::Refused { app, reason: format!("it answered {other:?}") }),
        }
    }

    /// Notices when a relay is killed and starts it again.
    fn watch(&self, app: AppId) {
        let over = CancellationToken::new();
        self.wanted().insert(app, over.clone().drop_guard());
        let relays = self.clone();
        self.0.options.tasks.spawn("relay.watch", OnError::Log, async move {
            relays.keep_watch(app, over).await;
            Ok::<(), Infallible>(())
        });
    }

    async fn keep_watch(&self, app: AppId, over: CancellationToken) {
        let (folder, shutdown) = (self.folder(app), self.0.options.tasks.shutdown());
        let begun = tokio::time::Instant::now();
        while !over.is_cancelled() {
            if let Ok(mut connection) = Connection::open(&folder).await {
                // A relay speaks only when asked, so this ends when it does.
                tokio::select! {
                    _ = connection.receive::<Message>() => {}
                    () = shutdown.requested() => return,
                    () = over.cancelled() => return,
                }
            }
            if over.is_cancelled() {
                return;
            }
            if folder.is_held().unwrap_or(false) {
                tokio::time::sleep(LOOK_AGAIN).await;
                continue;
            }
            tracing::warn!(%app, "a relay was killed; starting it again");
            if begun.elapsed() < SHORT_LIFE {
                // One that ends at once, again and again, must not keep the machine busy.
                tokio::time::sleep(BREATHER).await;
                if shutdown.is_requested() || over.is_cancelled() {
                    return;
                }
            }
            match Box::pin(self.start(app)).await {
                // The new start has its own watch.
                Ok(_) => return,
                Err(error) => {
                    tracing::warn!(%app, %error, "a relay could not be started again");
                    tokio::time::sleep(TRY_AGAIN).await;
                }
            }
        }
    }
}
