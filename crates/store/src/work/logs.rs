//! Lines of apps and builds, as the nodes send them: taken in once, kept within limits.

use sf_protocol::report::{LogLine, LogSource, LogStream, Stream};
use sf_types::{AppId, ProjectId, TenantId, Timestamp};
use uuid::Uuid;

use crate::row::{row, words};
use crate::sql::{Sql, containing, insert_all};
use crate::tx::{Look, Tx};
use crate::{Result, StoreError};

mod newest;
mod retain;

pub use newest::{
    MAX_LINES_PER_CHUNK, MAX_LOGS_PER_SEARCH, Place, Window, around, before, bytes_of_app, logs_of_app, oldest_of_app,
};
pub use retain::{Cut, Kept, cut, kept, older, oldest_first};

/// Lines kept of one log between two housekeepings; older ones go at once. What stays is a matter of days and bytes.
pub const MAX_LINES_PER_LOG: u64 = 1_000_000;
/// Bytes that a line counts besides its text.
pub const LINE_BYTES: u64 = 64;
/// How many lines a log may be above that before it is cut: cutting at each append would cost more.
const SLACK: u64 = 1_000;
/// Lines of one answer at the most.
pub const MAX_LINES_PER_READ: u32 = 5_000;

words! {
    /// Which kind of log.
    enum SourceKind {
        /// A release of an app.
        App = "app",
        /// A run's build.
        Run = "run",
    }
}

row! {
    /// How far a log is stored.
    pub struct LogCursor in "log_cursors" {
        /// `app` or `run`.
        source_kind: String,
        /// The release, or the run.
        source: Uuid = "source_id",
        /// Whose.
        tenant: TenantId = "tenant_id",
        /// In which project.
        project: Option<ProjectId> = "project_id",
        /// Of which app.
        app: Option<AppId> = "app_id",
        /// Number of the last line stored.
        up_to: u64,
        /// Number of the first line that is still there.
        first_kept: u64,
        /// Lines the node lost before sending.
        dropped: u64,
        /// When the last lines came.
        updated_at: Timestamp,
        /// Bytes kept.
        bytes: u64,
        /// The latest time of a line.
        newest_at: Timestamp,
    }
}

row! {
    struct LineRow in "log_lines" {
        source_kind: SourceKind,
        source: Uuid = "source_id",
        seq: u64,
        at: Timestamp,
        stream: Stream,
        text: String,
    }
}

/// Whose log it is: from the app or run it belongs to.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct LogOwner {
    /// Whose.
    pub tenant: TenantId,
    /// In which project.
    pub project: Option<ProjectId>,
    /// Of which app.
    pub app: Option<AppId>,
}

fn key(source: LogSource) -> (SourceKind, Uuid) {
    match source {
        LogSource::App { release, .. } => (SourceKind::App, release.uuid()),
        LogSource::Run { run } => (SourceKind::Run, run.uuid()),
    }
}

fn of(sql: Sql, source: LogSource) -> Sql {
    let (kind, id) = key(source);
    sql.and("source_kind = ?", &kind).and("source_id = ?", &id)
}

/// Takes lines in; those already stored are skipped. Answers the number up to which the log is stored now, and the
/// lines that were new.
///
/// # Errors
/// [`StoreError::OutOfScope`] when the log belongs to somebody else; when the database fails.
pub async fn append(tx: &mut Tx, owner: LogOwner, batch: &LogStream) -> Result<(u64, Vec<LogLine>)> {
    tx.own("log", owner.tenant, owner.project)?;
    let (source_kind, source) = key(batch.source);
    let found: Option<LogCursor> = of(Sql::select::<LogCursor>(), batch.source).find(tx).await?;
    if found.as_ref().is_some_and(|cursor| cursor.tenant != owner.tenant) {
        return Err(StoreError::OutOfScope("log"));
    }
    let before = found.as_ref().map_or(0, |cursor| cursor.up_to);
    let mut up_to = before;
    let mut fresh = Vec::new();
    for line in &batch.lines {
        if line.sequence > up_to {
            up_to = line.sequence;
            fresh.push(line.clone());
        }
    }
    // What was lost is told with the lines after the gap, so a repeated batch must not count it twice.
    let dropped = if batch.lines.first().is_none_or(|line| line.sequence > before) { batch.dropped } else { 0 };
    if fresh.is_empty() && dropped == 0 {
        return Ok((up_to, fresh));
    }
    let rows: Vec<_> = fresh
        .iter()
        .map(|line| LineRow {
            source_kind,
            source,
            seq: line.sequence,
            at: line.at,
            stream: line.stream,
            text: storable(&line.text),
        })
        .collect();
    insert_all(tx, &rows, "").await?;
    let (first_kept, freed) = cut_above(tx, batch.source, found.as_ref(), up_to).await?;
    let added: u64 = rows.iter().map(|row| row.text.len() as u64 + LINE_BYTES).sum();
    let newest = rows.iter().map(|row| row.at).max();
    let cursor = LogCursor {
        source_kind: source_kind.word().to_owned(),
        source,
        tenant: owner.tenant,
        project: owner.project,
        app: owner.app,
        up_to,
        first_kept,
        dropped: found.as_ref().map_or(0, |cursor| cursor.dropped) + dropped,
        updated_at: tx.now,
        bytes: (found.as_ref().map_or(0, |cursor| cursor.bytes) + added).saturating_sub(freed),
        newest_at: found.as_ref().map(|cursor| cursor.newest_at).max(newest).unwrap_or(tx.now),
    };
    let tail = " ON CONFLICT (source_kind, source_id) DO UPDATE SET up_to = excluded.up_to, \
                first_kept = excluded.first_kept, dropped = excluded.dropped, updated_at = excluded.updated_at, \
                bytes = excluded.bytes, newest_at = excluded.newest_at";
    insert_all(tx, std::slice::from_ref(&cursor), tail).await?;
    Ok((up_to, fresh))
}

/// PostgreSQL's text holds no NUL.
fn storable(text: &str) -> String {
    if text.contains('\0') { text.replace('\0', "\u{fffd}") } else { text.to_owned() }
}

/// Deletes lines above the limit, now and then; answers the first that is left, and the bytes that are free.
async fn cut_above(tx: &Tx, source: LogSource, cursor: Option<&LogCursor>, up_to: u64) -> Result<(u64, u64)> {
    let first = cursor.map_or(1, |cursor| cursor.first_kept);
    if up_to < first + MAX_LINES_PER_LOG + SLACK {
        return Ok((first, 0));
    }
    let first = up_to - MAX_LINES_PER_LOG + 1;
    let above = |head: &str| of(Sql::new(head), source).and("seq < ?", &first);
    let bytes = "SELECT CAST(COALESCE(SUM(octet_length(text) + 64), 0) AS BIGINT) FROM log_lines WHERE TRUE";
    let freed = above(bytes).scalar(tx).await?.unwrap_or(0);
    above("DELETE FROM log_lines WHERE TRUE").run(tx).await?;
    Ok((first, freed))
}

/// How far a log is stored; `None` when there is none inside the scope.
///
/// # Errors
/// When the database fails.
pub async fn cursor(at: &impl Look, source: LogSource) -> Result<Option<LogCursor>> {
    of(Sql::select::<LogCursor>(), source).scoped(at.scope()).find(at).await
}

/// The logs of an app's releases, the one with the newest lines first.
///
/// # Errors
/// When the database fails.
pub async fn cursors_of_app(at: &impl Look, app: AppId) -> Result<Vec<LogCursor>> {
    let sql = Sql::select::<LogCursor>().and("app_id = ?", &app).scoped(at.scope());
    sql.push(" ORDER BY updated_at DESC").all(at).await
}

/// Lines after number `after`, ascending.
///
/// # Errors
/// [`StoreError::NotFound`] when there is no such log inside the scope.
pub async fn after(at: &impl Look, source: LogSource, after: u64, limit: u32) -> Result<Vec<LogLine>> {
    visible(at, source).await?;
    let sql = of(Sql::select::<LineRow>(), source).and("seq > ?", &after);
    read(at, sql.with(" ORDER BY seq LIMIT ?", i64::from(limit.min(MAX_LINES_PER_READ)))).await
}

/// The last `count` lines, ascending.
///
/// # Errors
/// [`StoreError::NotFound`] when there is no such log inside the scope.
pub async fn tail(at: &impl Look, source: LogSource, count: u32) -> Result<Vec<LogLine>> {
    visible(at, source).await?;
    let sql = of(Sql::select::<LineRow>(), source);
    let mut lines = read(at, sql.with(" ORDER BY seq DESC LIMIT ?", i64::from(count.min(MAX_LINES_PER_READ)))).await?;
    lines.reverse();
    Ok(lines)
}

/// Lines with `text` in them, whatever the case of ASCII letters, after number `after`, ascending.
///
/// # Errors
/// [`StoreError::NotFound`] when there is no such log inside the scope.
pub async fn search(at: &impl Look, source: LogSource, text: &str, after: u64, limit: u32) -> Result<Vec<LogLine>> {
    visible(at, source).await?;
    let sql = of(Sql::select::<LineRow>(), source)
        .and("seq > ?", &after)
        .with(" AND lower(text) LIKE ? ESCAPE '\\'", containing(text))
        .with(" ORDER BY seq LIMIT ?", i64::from(limit.min(MAX_LINES_PER_READ)));
    read(at, sql).await
}

async fn visible(at: &impl Look, source: LogSource) -> Result<LogCursor> {
    cursor(at, source).await?.ok_or(StoreError::NotFound("log"))
}

async fn read(at: &impl Look, sql: Sql) -> Result<Vec<LogLine>> {
    let rows: Vec<LineRow> = sql.all(at).await?;
    let line = |row: LineRow| LogLine { sequence: row.seq, at: row.at, stream: row.stream, text: row.text };
    Ok(rows.into_iter().map(line).collect())
}

/// Number of the last line stored of a log; 0 for none: the agent's resume point.
///
/// # Errors
/// When the database fails.
pub async fn up_to(at: &impl Look, source: LogSource) -> Result<u64> {
    let sql = of(Sql::new("SELECT up_to FROM log_cursors WHERE TRUE"), source).scoped(at.scope());
    Ok(sql.scalar::<u64>(at).await?.unwrap_or(0))
}
