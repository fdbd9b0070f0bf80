//! Looking for lines: newest first, across the chains of all control planes by their time.

use sf_types::{Cursor, Page, PageRequest, Timestamp};
use uuid::Uuid;

use super::{Line, PersonalValue};
use crate::Result;
use crate::sql::{Sql, containing};
use crate::tx::Look;

/// A line with what is still known about the persons in it.
#[derive(Clone, PartialEq, Debug)]
pub struct Activity {
    /// The line.
    pub line: Line,
    /// Field and value; erased ones are missing.
    pub personal: Vec<(String, String)>,
}

/// Which lines.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct ActivityFilter {
    /// A text anywhere in action, details or what is known of persons; or the whole id of a person, object, run or
    /// request: everything about it.
    pub q: Option<String>,
    /// An action by its whole name, or a family by its part before the dot.
    pub action: Option<String>,
    /// Who: a pseudonym, or a kind (`person`, `ai`).
    pub actor: Option<String>,
    /// How it went: `opened`, `refused`.
    pub outcome: Option<String>,
    /// The id of what it was done to.
    pub target: Option<String>,
    /// Not before.
    pub from: Option<Timestamp>,
    /// Before.
    pub to: Option<Timestamp>,
}

/// Lines inside the scope, newest first, with what is still known about persons.
///
/// # Errors
/// A bad cursor; when the database fails.
pub async fn page(at: &impl Look, filter: &ActivityFilter, page: &PageRequest) -> Result<Page<Activity>> {
    let mut sql = filtered(Sql::select::<Line>().scoped(at.scope()), filter);
    if let Some(after) = &page.after {
        let (time, seq, instance) = parse_cursor(after)?;
        // The bound by itself lets the index begin there: with the alternatives alone, every page reads all before it.
        sql = sql.with(" AND at <= ?", time);
        sql = sql.with(" AND (at < ?", time).with(" OR (at = ?", time).with(" AND (seq < ?", seq);
        sql = match instance {
            Some(instance) => sql.with(" OR (seq = ?", seq).with(" AND instance_id < ?))))", instance),
            None => sql.push(")))"),
        };
    }
    let limit = i64::try_from(page.rows() + 1).unwrap_or(i64::MAX);
    let sql = sql.with(" ORDER BY at DESC, seq DESC, instance_id DESC LIMIT ?", limit);
    let lines: Vec<Line> = sql.all(at).await?;
    let cursor = |line: &Line| format!("{}.{}.{}", line.at.as_millis(), line.seq, line.instance);
    let lines = Page::from_overfetch(lines, page.rows(), cursor);
    let mut items = Vec::with_capacity(lines.items.len());
    for line in lines.items {
        let personal = personal_of(at, &line).await?;
        items.push(Activity { line, personal });
    }
    Ok(Page { items, next: lines.next })
}

fn filtered(sql: Sql, filter: &ActivityFilter) -> Sql {
    let mut sql = sql
        .and_some("target_id = ?", filter.target.as_ref())
        .and_some("outcome = ?", filter.outcome.as_ref())
        .and_some("at >= ?", filter.from.as_ref())
        .and_some("at < ?", filter.to.as_ref());
    if let Some(action) = &filter.action {
        // Names hold no wildcard; what else is asked for finds nothing.
        let family = format!("{}.%", action.replace(['\\', '%', '_'], "."));
        sql = sql.with(" AND (action = ?", action.as_str()).with(" OR action LIKE ?)", family);
    }
    if let Some(actor) = &filter.actor {
        sql = sql.with(" AND (actor_ref = ?", actor.as_str()).with(" OR actor_kind = ?)", actor.as_str());
    }
    match &filter.q {
        None => sql,
        Some(q) => match Uuid::try_parse(q.trim()) {
            Ok(id) => about(sql, id),
            Err(_) => mentioning(sql, q.trim()),
        },
    }
}

/// Lines that an id has to do with: done by it, to it, for it, or about that person.
fn about(sql: Sql, id: Uuid) -> Sql {
    let text = id.to_string();
    sql.with(" AND (actor_ref = ?", text.as_str())
        .with(" OR target_id = ?", text.as_str())
        .with(" OR run_id = ?", id)
        .with(" OR request_id = ?", id)
        .with(" OR fields LIKE ?", format!("%{text}%"))
        .with(
            " OR EXISTS (SELECT 1 FROM activity_personal p WHERE p.instance_id = activity_logs.instance_id \
             AND p.seq = activity_logs.seq AND p.subject_id = ?))",
            text,
        )
}

fn mentioning(mut sql: Sql, q: &str) -> Sql {
    let pattern = containing(q);
    sql = sql.with(" AND (lower(action) LIKE ? ESCAPE '\\'", pattern.as_str());
    for column in ["outcome", "target_kind", "target_id", "actor_ref", "fields"] {
        sql = sql.with(&format!(" OR lower({column}) LIKE ? ESCAPE '\\'"), pattern.as_str());
    }
    sql.with(
        " OR EXISTS (SELECT 1 FROM activity_personal p WHERE p.instance_id = activity_logs.instance_id \
         AND p.seq = activity_logs.seq AND lower(p.value) LIKE ? ESCAPE '\\'))",
        pattern,
    )
}

async fn personal_of(at: &impl Look, line: &Line) -> Result<Vec<(String, String)>> {
    if line.personal == "{}" {
        return Ok(Vec::new());
    }
    let rows: Vec<PersonalValue> = Sql::select::<PersonalValue>()
        .and("instance_id = ?", &line.instance)
        .and("seq = ?", &line.seq)
        .push(" ORDER BY field")
        .all(at)
        .await?;
    Ok(rows.into_iter().map(|row| (row.field, row.value)).collect())
}

/// Time, number and chain; cursors of earlier versions name no chain.
fn parse_cursor(cursor: &Cursor) -> Result<(i64, i64, Option<Uuid>)> {
    let mut parts = cursor.0.splitn(3, '.');
    let mut number = || parts.next().and_then(|part| part.parse::<i64>().ok());
    let (at, seq) = (number(), number());
    let instance = parts.next().map(Uuid::try_parse).transpose().ok();
    let read = at.zip(seq).zip(instance).map(|((at, seq), instance)| (at, seq, instance));
    read.ok_or_else(|| {
        sf_types::Fault::new(sf_types::ErrorKind::Invalid, "page.cursor", "`after` is no cursor of this list.").into()
    })
}
