//! Changes whose answers nobody needs at once: kept until the write ends or looks at something, then run together.
//! SQLite takes all of them in one turn of its thread, and a turn costs more than most statements.

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

/// Statements on the writer's connection, and turns they took.
#[derive(Debug, Default)]
pub(crate) struct Counters {
    statements: AtomicU64,
    turns: AtomicU64,
    /// Audit lines committed.
    audited: watch::Sender<u64>,
    /// Their texts, while somebody wants to see them.
    #[cfg(feature = "testing")]
    seen: Mutex<Option<Vec<String>>>,
}

impl Counters {
    pub(crate) fn add<'a>(&self, texts: impl ExactSizeIterator<Item = &'a str>) {
        self.statements.fetch_add(texts.len() as u64, Ordering::Relaxed);
        self.turns.fetch_add(1, Ordering::Relaxed);
        #[cfg(feature = "testing")]
        if let Some(seen) = &mut *self.seen.lock().unwrap_or_else(PoisonError::into_inner) {
            seen.extend(texts.map(str::to_owned));
        }
    }

    /// Audit lines were committed.
    pub(crate) fn audited(&self, lines: usize) {
        if lines > 0 {
            self.audited.send_modify(|all| *all += lines as u64);
        }
    }

    /// Audit lines committed since the start.
    pub(crate) fn watch_audited(&self) -> watch::Receiver<u64> {
        self.audited.subscribe()
    }

    /// Statements and turns since the start.
    pub(crate) fn now(&self) -> (u64, u64) {
        (self.statements.load(Ordering::Relaxed), self.turns.load(Ordering::Relaxed))
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

    /// Whether there are several.
    pub(crate) fn is_long(&self) -> bool {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).len() > 1
    }

    pub(crate) fn take(&self) -> Vec<Later> {
        std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// Several changes as one text, their values numbered through.
pub(crate) fn joined(all: Vec<Later>) -> Sql {
    let mut one = Sql::new("");
    for Later { sql, .. } in all {
        if !one.text.is_empty() {
            one.text.push_str("; ");
        }
        renumber(&sql.text, one.values.len(), &mut one.text);
        one.values.extend(sql.values);
    }
    one
}

/// Copies `text` with every `$n` raised by `by`. A `$` stands for a value only: texts hold no other.
fn renumber(text: &str, by: usize, out: &mut String) {
    let mut parts = text.split('$');
    out.push_str(parts.next().unwrap_or(""));
    for part in parts {
        let digits = part.bytes().take_while(u8::is_ascii_digit).count();
        let number: usize = part[..digits].parse().unwrap_or(0);
        out.push('$');
        out.push_str(&(number + by).to_string());
        out.push_str(&part[digits..]);
    }
}

/// Shared by the store's handle and its writer.
pub(crate) type SharedCounters = Arc<Counters>;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_numbered_through() {
        let later = |text: &str, values: i64| {
            let values = (0..values).map(|_| 1_i64.into()).collect();
            Later { sql: Sql { text: text.to_owned(), values }, rows: None }
        };
        let all = vec![
            later("UPDATE a SET b = $1 WHERE c = $2", 2),
            later("DELETE FROM a", 0),
            later("INSERT INTO a VALUES ($1, $10), ($2, 5)", 10),
            later("UPDATE a SET b = $1", 1),
        ];
        let one = joined(all);
        let text = "UPDATE a SET b = $1 WHERE c = $2; DELETE FROM a; INSERT INTO a VALUES ($3, $12), ($4, 5); \
                    UPDATE a SET b = $13";
        assert_eq!((one.text.as_str(), one.values.len()), (text, 13));
    }
}
