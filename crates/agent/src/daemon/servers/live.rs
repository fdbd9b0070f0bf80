//! What is known of a server in memory alone: the order under way, who watches its console, what its files take.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use sf_files::Quota;
use sf_protocol::handshake::Nonce;
use sf_protocol::server::ServerState;
use sf_types::{RunId, Timestamp};
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
    quota: Quota,
    turn: Arc<Turns<()>>,
    stopped_for: Mutex<Option<String>>,
    files: Arc<Turns<()>>,
    files_halt: Mutex<CancellationToken>,
    searching: Arc<Turns<()>>,
    transfers: Mutex<HashMap<Moved, CancellationToken>>,
}

/// What a second connection moves: one of each at a time.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Moved {
    /// More of an upload.
    Upload(RunId),
    /// What was asked for by this.
    Download(Nonce),
}

/// Bytes of a server's files on their way: no longer when this is dropped.
#[derive(Debug)]
pub struct OnItsWay {
    live: Arc<Live>,
    moved: Moved,
    /// Cancelled when it is to end.
    pub halt: CancellationToken,
}

impl Drop for OnItsWay {
    fn drop(&mut self) {
        let mut all = self.live.transfers.lock().unwrap_or_else(PoisonError::into_inner);
        // A newer one of the same upload cancelled this one before it took its place.
        if !self.halt.is_cancelled() {
            all.remove(&self.moved);
        }
    }
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

    /// Held while its power is changed: an order and a step of a schedule take turns.
    pub fn turn(&self) -> &Arc<Turns<()>> {
        &self.turn
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

    /// Ends the change of its files that is under way, and what is on its way of them.
    pub fn files_end(&self) {
        self.files_halt.lock().unwrap_or_else(PoisonError::into_inner).cancel();
        let mut all = self.transfers.lock().unwrap_or_else(PoisonError::into_inner);
        all.drain().for_each(|(_, halt)| halt.cancel());
    }

    /// Bytes are on their way; those of the same upload that are so already end, since whoever sends them comes again.
    /// `None` where there are `most` others.
    pub fn transfer_begin(self: &Arc<Self>, moved: Moved, most: usize) -> Option<OnItsWay> {
        let mut all = self.transfers.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(earlier) = all.remove(&moved) {
            earlier.cancel();
        }
        if all.len() >= most {
            return None;
        }
        let halt = CancellationToken::new();
        all.insert(moved, halt.clone());
        Some(OnItsWay { live: self.clone(), moved, halt })
    }

    /// Ends what is on its way of this.
    pub fn transfer_end(&self, moved: Moved) {
        if let Some(halt) = self.transfers.lock().unwrap_or_else(PoisonError::into_inner).remove(&moved) {
            halt.cancel();
        }
    }

    /// Held while its files are searched or counted for somebody.
    pub fn searching(&self) -> &Arc<Turns<()>> {
        &self.searching
    }

    /// Bytes of its files, as last counted.
    pub fn disk(&self) -> u64 {
        self.quota.used()
    }

    /// They were counted.
    pub fn counted(&self, bytes: u64) {
        self.quota.set_used(bytes);
    }

    /// The one meter of all that is written for it at the same time.
    pub fn quota(&self, limit: Option<u64>) -> Quota {
        self.quota.set_limit(limit);
        self.quota.clone()
    }
}
