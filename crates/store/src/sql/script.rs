//! Changes whose answers nobody needs at once: kept until the write ends or looks at something, then run in order.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::watch;

use crate::sql::Sql;

/// A change with the number of rows it has to meet, where that is known.
#[derive(Clone, Debug)]
pub(crate) struct Later {
    pub(crate) sql: Sql,
    pub(crate) rows: Option<u64>,
}

/// What the store was asked.
#[derive(Debug, Default)]
pub(crate) struct Counters {
    /// Statements on the writer's connection.
    statements: AtomicU64,
    /// Transactions committed: each is one fsync.
    commits: AtomicU64,
    /// Statements on readers' connections.
    looks: AtomicU64,
    /// Audit lines committed.
    audited: watch::Sender<u64>,
    /// Their texts, while somebody wants to see them.
    #[cfg(feature = "testing")]
    seen: Mutex<Option<Vec<String>>>,
}

impl Counters {
    pub(crate) fn add(&self, text: &str) {
        self.statements.fetch_add(1, Ordering::Relaxed);
        #[cfg(feature = "testing")]
        if let Some(seen) = &mut *self.seen.lock().unwrap_or_else(PoisonError::into_inner) {
            seen.push(text.to_owned());
        }
        #[cfg(not(feature = "testing"))]
        let _ = text;
    }

    /// A batch was committed, with so many audit lines.
    pub(crate) fn committed(&self, lines: usize) {
        self.commits.fetch_add(1, Ordering::Relaxed);
        if lines > 0 {
            self.audited.send_modify(|all| *all += lines as u64);
        }
    }

    /// Audit lines committed since the start.
    pub(crate) fn watch_audited(&self) -> watch::Receiver<u64> {
        self.audited.subscribe()
    }

    /// A reader runs a statement.
    pub(crate) fn look(&self) {
        self.looks.fetch_add(1, Ordering::Relaxed);
    }

    /// Readers' statements since the start.
    pub(crate) fn looks(&self) -> u64 {
        self.looks.load(Ordering::Relaxed)
    }

    /// Commits since the start.
    pub(crate) fn commits(&self) -> u64 {
        self.commits.load(Ordering::Relaxed)
    }

    /// The writer's statements since the start.
    pub(crate) fn now(&self) -> u64 {
        self.statements.load(Ordering::Relaxed)
    }

    /// Begins to keep texts, and answers those kept until now.
    #[cfg(feature = "testing")]
    pub(crate) fn watch(&self) -> Vec<String> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner).replace(Vec::new()).unwrap_or_default()
    }
}

/// What a write has still to run.
#[derive(Debug, Default)]
pub(crate) struct Script(Mutex<Vec<Later>>);

impl Script {
    pub(crate) fn add(&self, later: Later) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(later);
    }

    pub(crate) fn take(&self) -> Vec<Later> {
        std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// Shared by the store's handle and its writer.
pub(crate) type SharedCounters = Arc<Counters>;
