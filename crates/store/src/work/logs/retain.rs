//! How long lines stay: by days and by bytes, the oldest first, a few at a time.

use sf_protocol::report::LogSource;
use sf_types::{AppId, Scope, Timestamp};

use super::{LINE_BYTES, LogCursor, of};
use crate::row::Column;
use crate::sql::Sql;
use crate::tx::{Look, Tx};
use crate::{Result, StoreError};

/// The app whose logs they are, none for logs of runs without one, and the bytes kept of them.
pub type Kept = (Option<AppId>, u64);

/// All apps with lines. System only.
///
/// # Errors
/// When the database fails.
pub async fn kept(at: &impl Look) -> Result<Vec<Kept>> {
    let sql = "SELECT app_id, CAST(SUM(bytes) AS BIGINT) FROM log_cursors WHERE first_kept <= up_to GROUP BY app_id";
    let rows = Sql::new(sql).raws(at).await?;
    rows.iter().map(|cells| Ok((Column::read(cells, 0)?, Column::read(cells, 1)?))).collect()
}

fn of_app(sql: Sql, app: Option<AppId>) -> Sql {
    match app {
        Some(app) => sql.and("app_id = ?", &app),
        None => sql.push(" AND app_id IS NULL"),
    }
}

/// The logs of an app that hold a line from before then.
///
/// # Errors
/// When the database fails.
pub async fn older(at: &impl Look, app: Option<AppId>, before: Timestamp) -> Result<Vec<LogCursor>> {
    let sql = of_app(Sql::select::<LogCursor>(), app).push(" AND first_kept <= up_to");
    let line = " AND EXISTS (SELECT 1 FROM log_lines l WHERE l.source_kind = log_cursors.source_kind \
                AND l.source_id = log_cursors.source_id AND l.at < ?)";
    sql.with(line, before.as_millis()).all(at).await
}

/// The logs of an app, the one that ended first before all others.
///
/// # Errors
/// When the database fails.
pub async fn oldest_first(at: &impl Look, app: AppId) -> Result<Vec<LogCursor>> {
    let sql = of_app(Sql::select::<LogCursor>(), Some(app)).push(" AND first_kept <= up_to");
    sql.push(" ORDER BY newest_at, source_id").all(at).await
}

/// Which lines go from the beginning of a log.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Cut {
    /// Those from before then.
    Before(Timestamp),
    /// Until so many bytes are free.
    Bytes(u64),
}

/// Deletes up to `limit` lines from the beginning of a log; answers how many bytes are free now. System only. The cursor
/// stays, so that nothing is taken in twice.
///
/// # Errors
/// [`StoreError::OutOfScope`]; when the database fails.
pub async fn cut(tx: &mut Tx, source: LogSource, cut: Cut, limit: u32) -> Result<u64> {
    if tx.scope() != Scope::System {
        return Err(StoreError::OutOfScope("log"));
    }
    let first = of(Sql::new("SELECT seq, at, CAST(octet_length(text) AS BIGINT) FROM log_lines WHERE TRUE"), source);
    let rows = first.with(" ORDER BY seq LIMIT ?", i64::from(limit)).raws(tx).await?;
    let (mut last, mut freed) = (None, 0);
    for cells in &rows {
        let (sequence, at, bytes) = (u64::read(cells, 0)?, Timestamp::read(cells, 1)?, u64::read(cells, 2)?);
        let goes = match cut {
            Cut::Before(before) => at < before,
            Cut::Bytes(wanted) => freed < wanted,
        };
        if !goes {
            break;
        }
        (last, freed) = (Some(sequence), freed + bytes + LINE_BYTES);
    }
    let Some(last) = last else { return Ok(0) };
    of(Sql::new("DELETE FROM log_lines WHERE TRUE"), source).and("seq <= ?", &last).run(tx).await?;
    let next = of(Sql::new("SELECT seq FROM log_lines WHERE TRUE"), source).push(" ORDER BY seq LIMIT 1");
    let next: Option<u64> = next.scalar(tx).await?;
    let change = match next {
        Some(next) => Sql::new("UPDATE log_cursors SET")
            .with(" bytes = CASE WHEN bytes > ?", freed.value())
            .with(" THEN bytes - ? ELSE 0 END", freed.value())
            .with(", first_kept = ?", next.value()),
        None => Sql::new("UPDATE log_cursors SET bytes = 0, first_kept = up_to + 1"),
    };
    of(change.push(" WHERE TRUE"), source).run(tx).await?;
    Ok(freed)
}
