//! Lines of one log by time, newest first: what a search over many logs is made of.

use sf_protocol::report::{LogLine, LogSource, Stream};
use sf_types::{AppId, Timestamp};
use uuid::Uuid;

use super::{LineRow, LogCursor, SourceKind, of, visible};
use crate::Result;
use crate::sql::Sql;
use crate::tx::Look;

/// Logs that one search looks at, those with the newest lines: some years of deploys.
pub const MAX_LOGS_PER_SEARCH: u32 = 10_000;
/// Lines read at a time at the most.
pub const MAX_LINES_PER_CHUNK: u32 = 2_000;

/// The place of a line among all logs: newest first is by this, downwards.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Place {
    /// When it was written.
    pub at: Timestamp,
    /// The release or run that wrote it.
    pub source: Uuid,
    /// Its number there.
    pub sequence: u64,
}

/// Which lines.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Window {
    /// Not before.
    pub from: Option<Timestamp>,
    /// Before.
    pub to: Option<Timestamp>,
    /// Only these.
    pub stream: Option<Stream>,
}

/// The logs of an app that hold lines, those with the newest first.
///
/// # Errors
/// When the database fails.
pub async fn logs_of_app(at: &impl Look, app: AppId) -> Result<Vec<LogCursor>> {
    let sql = Sql::select::<LogCursor>().and("app_id = ?", &app).scoped(at.scope()).push(" AND first_kept <= up_to");
    sql.with(" ORDER BY newest_at DESC, source_id DESC LIMIT ?", i64::from(MAX_LOGS_PER_SEARCH)).all(at).await
}

impl LogCursor {
    /// Which log it is; `None` for one without an app, or of a kind that this version does not know.
    pub fn log(&self) -> Option<LogSource> {
        match (SourceKind::from_word(&self.source_kind)?, self.app) {
            (SourceKind::App, Some(app)) => {
                Some(LogSource::App { app, release: sf_types::ReleaseId::from_uuid(self.source) })
            }
            (SourceKind::App, None) => None,
            (SourceKind::Run, _) => Some(LogSource::Run { run: sf_types::RunId::from_uuid(self.source) }),
        }
    }
}

/// Up to `limit` lines of a log that stand before `place` among all logs, newest first.
///
/// # Errors
/// [`StoreError::NotFound`] when there is no such log inside the scope.
pub async fn before(
    at: &impl Look,
    source: LogSource,
    window: Window,
    place: Option<Place>,
    limit: u32,
) -> Result<Vec<LogLine>> {
    let log = visible(at, source).await?;
    let mut sql = of(Sql::select::<LineRow>(), source);
    sql = sql.and_some("at >= ?", window.from.as_ref()).and_some("at < ?", window.to.as_ref());
    sql = sql.and_some("stream = ?", window.stream.as_ref());
    if let Some(place) = place {
        // Of one time, logs stand by their id: this one's lines of that time are all before it, none, or some.
        sql = match log.source.cmp(&place.source) {
            std::cmp::Ordering::Less => sql.and("at <= ?", &place.at),
            std::cmp::Ordering::Greater => sql.and("at < ?", &place.at),
            std::cmp::Ordering::Equal => sql
                .and("at <= ?", &place.at)
                .and("(at, seq) < (?", &place.at)
                .with(", ?)", i64::try_from(place.sequence).unwrap_or(i64::MAX)),
        };
    }
    let sql = sql.with(" ORDER BY at DESC, seq DESC LIMIT ?", i64::from(limit.min(MAX_LINES_PER_CHUNK)));
    super::read(at, sql).await
}

/// Lines around one of a log, ascending, itself included; those that are not kept any more are missing.
///
/// # Errors
/// [`StoreError::NotFound`] when there is no such log inside the scope.
pub async fn around(at: &impl Look, source: LogSource, sequence: u64, each_side: u32) -> Result<Vec<LogLine>> {
    visible(at, source).await?;
    let each_side = each_side.min(super::MAX_LINES_PER_READ / 2);
    let near = |newer: bool| {
        let sql = of(Sql::select::<LineRow>(), source);
        let sql = if newer { sql.and("seq >= ?", &sequence) } else { sql.and("seq < ?", &sequence) };
        let order = if newer { " ORDER BY seq LIMIT ?" } else { " ORDER BY seq DESC LIMIT ?" };
        sql.with(order, i64::from(each_side) + i64::from(newer))
    };
    let mut lines = super::read(at, near(false)).await?;
    lines.reverse();
    lines.extend(super::read(at, near(true)).await?);
    Ok(lines)
}

/// When the oldest line kept of an app's logs was written.
///
/// # Errors
/// When the database fails.
pub async fn oldest_of_app(at: &impl Look, app: AppId) -> Result<Option<Timestamp>> {
    let cursors = "SELECT source_kind, source_id FROM log_cursors WHERE first_kept <= up_to";
    let oldest = "(SELECT l.at FROM log_lines l WHERE l.source_kind = c.source_kind AND l.source_id = c.source_id ORDER BY l.at LIMIT 1)";
    let sql =
        Sql::new(&format!("SELECT {oldest} AS oldest FROM (")).push(cursors).and("app_id = ?", &app).scoped(at.scope());
    let found: Option<Option<Timestamp>> = match sql.push(") c ORDER BY oldest LIMIT 1").raw(at).await? {
        Some(cells) => Some(crate::row::Column::read(&cells, 0)?),
        None => None,
    };
    Ok(found.flatten())
}

/// Bytes kept of an app's logs.
///
/// # Errors
/// When the database fails.
pub async fn bytes_of_app(at: &impl Look, app: AppId) -> Result<u64> {
    let sql = Sql::new("SELECT CAST(COALESCE(SUM(bytes), 0) AS BIGINT) FROM log_cursors WHERE first_kept <= up_to");
    Ok(sql.and("app_id = ?", &app).scoped(at.scope()).scalar(at).await?.unwrap_or(0))
}
