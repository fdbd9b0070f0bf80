//! What is known of a server in memory alone: the order under way, who watches its console, what its files take.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use sf_protocol::server::ServerState;
use sf_types::Timestamp;
use tokio::sync::{Mutex as Turns, watch};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

/// See above. Everything begins anew with the agent.
#[derive(Debug, Default)]
pub struct Live {
    doing: Mutex<Option<Doing>>,
    halt: Mutex<CancellationToken>,
    written: watch::Sender<u64>,
    watched_until: Mutex<Option<Instant>>,
    disk: AtomicU64,
    stopped_for: Mutex<Option<String>>,
    files: Arc<Turns<()>>,
    files_halt: Mutex<CancellationToken>,
    searching: Arc<Turns<()>>,
}

/// What an order is about to do to a server whose process does not say so itself.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Doing {
    /// The state meanwhile.
    pub state: ServerState,
    /// For people.
    pub reason: String,
    /// Since when.
    pub since: Timestamp,
}

impl Live {
    /// What an order is about to do, where it says so.
    pub fn doing(&self) -> Option<Doing> {
        self.doing.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Says so, or that it is over.
    pub fn does(&self, doing: Option<Doing>) {
        *self.doing.lock().unwrap_or_else(PoisonError::into_inner) = doing;
    }

    /// Why the agent has stopped it by itself, since its last start.
    pub fn stopped_for(&self) -> Option<String> {
        self.stopped_for.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Says so, or that it is started again.
    pub fn stops_for(&self, reason: Option<String>) {
        *self.stopped_for.lock().unwrap_or_else(PoisonError::into_inner) = reason;
    }

    /// An order begins: cancelled when somebody kills the server meanwhile.
    pub fn begin(&self) -> CancellationToken {
        let token = CancellationToken::new();
        self.halt.lock().unwrap_or_else(PoisonError::into_inner).clone_from(&token);
        token
    }

    /// Ends what waits in the order under way.
    pub fn halt(&self) {
        self.halt.lock().unwrap_or_else(PoisonError::into_inner).cancel();
    }

    /// The console has a new line that no shim tells of.
    pub fn wrote(&self, number: u64) {
        self.written.send_replace(number);
    }

    /// A way to wait for the next one.
    pub fn written(&self) -> watch::Receiver<u64> {
        self.written.subscribe()
    }

    /// The console is watched until then. Answers whether nobody watched it until now.
    pub fn watch(&self, until: Instant) -> bool {
        let mut watched = self.watched_until.lock().unwrap_or_else(PoisonError::into_inner);
        let fresh = watched.is_none();
        *watched = Some(watched.map_or(until, |known| known.max(until)));
        fresh
    }

    /// Until when it is watched; once that is over, nobody watches it any more.
    pub fn watched(&self) -> Option<Instant> {
        let mut watched = self.watched_until.lock().unwrap_or_else(PoisonError::into_inner);
        if watched.is_some_and(|until| until <= Instant::now()) {
            *watched = None;
        }
        *watched
    }

    /// Held while its files are changed or what was left of a change is removed.
    pub fn files(&self) -> &Arc<Turns<()>> {
        &self.files
    }

    /// A change of its files begins: cancelled when the server is to be deleted meanwhile.
    pub fn files_begin(&self) -> CancellationToken {
        let token = CancellationToken::new();
        self.files_halt.lock().unwrap_or_else(PoisonError::into_inner).clone_from(&token);
        token
    }

    /// Ends the change of its files that is under way.
    pub fn files_end(&self) {
        self.files_halt.lock().unwrap_or_else(PoisonError::into_inner).cancel();
    }

    /// Held while its files are searched or counted for somebody.
    pub fn searching(&self) -> &Arc<Turns<()>> {
        &self.searching
    }

    /// Bytes of its files, as last counted.
    pub fn disk(&self) -> u64 {
        self.disk.load(Ordering::Relaxed)
    }

    /// They were counted.
    pub fn counted(&self, bytes: u64) {
        self.disk.store(bytes, Ordering::Relaxed);
    }
}
