//! Changes whose answers nobody needs at once: kept until the batch ends or somebody looks at what they change.
//!
//! A statement on a server costs its way there and back, which is more than most statements take. So rows of one kind
//! share statements, also those of different writes of a batch.

use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::watch;

use super::many::Many;
use crate::StoreError;
use crate::sql::Sql;

/// A change that can wait.
#[derive(Clone, Debug)]
pub(crate) enum Later {
    /// A statement of its own, behind all that was kept before it and before all that is kept after it.
    Alone {
        sql: Sql,
        /// How many rows it has to meet, where that is known.
        rows: Option<u64>,
    },
    /// Rows that share a statement with others of their kind.
    Rows(Many),
}

impl Later {
    /// Whether a look with this text may see what it changes.
    fn concerns(&self, look: &str) -> bool {
        let table = match self {
            Self::Rows(rows) => rows.table,
            Self::Alone { sql, .. } => return sql.table().is_none_or(|table| look.contains(table)),
        };
        look.contains(table)
    }
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

/// What the writes of a batch have still to run.
#[derive(Debug, Default)]
pub(crate) struct Script {
    kept: Mutex<Vec<Later>>,
    numbers: AtomicI64,
    failed: Mutex<Option<StoreError>>,
}

impl Script {
    /// Why some of it could not be run.
    pub(crate) fn failure(&self) -> Option<StoreError> {
        self.failed.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Some of it could not be run.
    pub(crate) fn fail(&self, error: &StoreError) {
        *self.failed.lock().unwrap_or_else(PoisonError::into_inner) = Some(error.clone());
    }

    /// The write is taken back: so is what it kept, and its failure.
    pub(crate) fn forget(&self) {
        drop(self.take());
        *self.failed.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }

    /// A number above all before it, for rows that have to keep their order.
    pub(crate) fn next(&self) -> i64 {
        self.numbers.fetch_add(1, Ordering::Relaxed)
    }

    /// Keeps a statement of its own.
    pub(crate) fn add(&self, sql: Sql, rows: Option<u64>) {
        self.lock().push(Later::Alone { sql, rows });
    }

    /// Keeps rows, with those of their kind where there are some behind the last statement of its own.
    pub(crate) fn add_rows(&self, rows: Many) {
        let mut kept = self.lock();
        let alike = kept
            .iter_mut()
            .rev()
            .map_while(|later| match later {
                Later::Rows(others) => Some(others),
                Later::Alone { .. } => None,
            })
            .find(|others| others.is_alike(&rows));
        match alike {
            Some(others) if others.takes(&rows) => others.extend(rows),
            _ => kept.push(Later::Rows(rows)),
        }
    }

    /// Whether a look with this text may see what is kept. What is no plain look has to come behind all of it.
    pub(crate) fn concerns(&self, look: &str) -> bool {
        let kept = self.lock();
        !kept.is_empty() && (!look.starts_with("SELECT") || kept.iter().any(|later| later.concerns(look)))
    }

    /// All of it in the order in which it is to run.
    pub(crate) fn take(&self) -> Vec<Later> {
        let mut kept = std::mem::take(&mut *self.lock());
        for stretch in kept.split_mut(|later| matches!(later, Later::Alone { .. })) {
            stretch.sort_by_key(|later| match later {
                Later::Rows(rows) => Some(rows.stage),
                Later::Alone { .. } => None,
            });
        }
        kept
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Vec<Later>> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Shared by the store's handle and its writer.
pub(crate) type SharedCounters = Arc<Counters>;
