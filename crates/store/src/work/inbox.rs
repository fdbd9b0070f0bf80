//! What waits in a person's inbox: cards before people, runs that broke, automatic runs to look back at, and what this
//! person has put aside.

use sf_engine::Run;
use sf_types::{Page, PageRequest, ProjectId, RunId, TenantId, Timestamp, UserId};
use uuid::Uuid;

use crate::approvals::{self, Approval};
use crate::row::{Column, column, row};
use crate::sql::{Sql, page_of};
use crate::tx::{Look, Tx};
use crate::{Result, StoreError, runs};

/// A number on a badge goes no further.
pub const MAX_COUNT: u64 = 1_000;

row! {
    /// An automatic run that a person looks back at.
    pub struct Review in "reviews" {
        /// Of which run.
        run: RunId = "run_id",
        /// Whose.
        tenant: TenantId = "tenant_id",
        /// In which project.
        project: Option<ProjectId> = "project_id",
        /// Since when.
        opened_at: Timestamp,
        /// Whether it was right.
        good: Option<bool>,
        /// Why.
        comment: Option<String>,
        /// Who said so.
        reviewed_by: Option<UserId>,
        /// When.
        reviewed_at: Option<Timestamp>,
    }
}

/// For whom an inbox is read, and when.
#[derive(Clone, Copy, Debug)]
pub struct Reading {
    /// Who.
    pub user: UserId,
    /// When: what is put aside until later is not shown.
    pub now: Timestamp,
    /// What broke earlier is not shown any more.
    pub since: Timestamp,
}

impl Sql {
    /// Without what the person has put aside.
    fn not_aside(self, reading: Reading, card: &str) -> Self {
        let marked = format!(" AND NOT EXISTS (SELECT 1 FROM inbox_marks m WHERE m.card_id = {card} AND m.user_id = ?");
        self.with(&marked, reading.user.uuid()).with(" AND (m.until IS NULL OR m.until > ?))", reading.now.as_millis())
    }
}

fn waiting(at: &impl Look, sql: Sql, reading: Reading) -> Sql {
    let sql = sql.push(" AND state IN ('open', 'escalated')").and("expires_at > ?", &reading.now);
    sql.scoped(at.scope()).seen(at, &approvals::SEEN).not_aside(reading, "approvals.id")
}

fn broken(at: &impl Look, sql: Sql, reading: Reading) -> Sql {
    let sql = sql.push(" AND done IN ('failed', 'rolledBack') AND parent_run IS NULL");
    let sql = sql.and("closed_at > ?", &reading.since);
    sql.scoped(at.scope()).seen(at, &runs::SEEN).not_aside(reading, "runs.id")
}

fn unreviewed(at: &impl Look, sql: Sql, reading: Reading) -> Sql {
    let sql = sql.push(" AND closed_at IS NOT NULL");
    let sql = sql.push(" AND id IN (SELECT v.run_id FROM reviews v WHERE v.reviewed_at IS NULL");
    let sql = sql.and_some("v.tenant_id = ?", at.scope().tenant().as_ref()).push(")");
    sql.scoped(at.scope()).seen(at, &runs::SEEN).not_aside(reading, "runs.id")
}

/// Cards that can be decided, newest first.
///
/// # Errors
/// A bad cursor; when the database fails.
pub async fn cards(at: &impl Look, reading: Reading, page: &PageRequest) -> Result<Page<Approval>> {
    let sql = waiting(at, Sql::select::<Approval>(), reading).page(page)?;
    Ok(page_of(sql.all(at).await?, page, |card: &Approval| card.id.uuid()))
}

/// Runs that failed or were taken back, newest first.
///
/// # Errors
/// A bad cursor; when the database fails.
pub async fn failures(at: &impl Look, reading: Reading, page: &PageRequest) -> Result<Page<Run>> {
    runs::page_of_runs(at, broken(at, runs::selected(), reading), page).await
}

/// Automatic runs that nobody has looked back at, newest first.
///
/// # Errors
/// A bad cursor; when the database fails.
pub async fn to_review(at: &impl Look, reading: Reading, page: &PageRequest) -> Result<Page<Run>> {
    runs::page_of_runs(at, unreviewed(at, runs::selected(), reading), page).await
}

fn counted(table: &str) -> Sql {
    Sql::new(&format!("SELECT count(*) FROM (SELECT 1 FROM {table} WHERE TRUE"))
}

async fn number(at: &impl Look, sql: Sql) -> Result<u64> {
    Ok(sql.with(" LIMIT ?) AS counted", MAX_COUNT.value()).scalar(at).await?.unwrap_or(0))
}

/// How many cards can be decided, and how many runs looked back at, up to [`MAX_COUNT`] each.
///
/// # Errors
/// When the database fails.
pub async fn count_to_decide(at: &impl Look, reading: Reading) -> Result<(u64, u64)> {
    let open = number(at, waiting(at, counted("approvals"), reading)).await?;
    Ok((open, number(at, unreviewed(at, counted("runs"), reading)).await?))
}

/// How many runs broke, up to [`MAX_COUNT`].
///
/// # Errors
/// When the database fails.
pub async fn count_failures(at: &impl Look, reading: Reading) -> Result<u64> {
    number(at, broken(at, counted("runs"), reading)).await
}

/// What a person has put aside of these, and since when.
///
/// # Errors
/// When the database fails.
pub async fn aside(at: &impl Look, reading: Reading, cards: &[Uuid]) -> Result<Vec<(Uuid, Timestamp)>> {
    let Some((first, more)) = cards.split_first() else { return Ok(Vec::new()) };
    let sql = Sql::new("SELECT card_id, seen_at FROM inbox_marks WHERE TRUE").and("user_id = ?", &reading.user);
    let sql = sql.with(" AND (until IS NULL OR until > ?)", reading.now.as_millis()).with(" AND card_id IN (?", *first);
    let sql = more.iter().fold(sql, |sql, card| sql.with(", ?", *card)).push(")");
    let read = |row| {
        let mut place = 0;
        Ok((column(row, &mut place)?, column(row, &mut place)?))
    };
    sql.raws(at).await?.iter().map(read).collect()
}

/// A person puts a card aside, until a moment or for good. It stays before everybody else.
///
/// # Errors
/// When the database fails.
pub async fn put_aside(tx: &mut Tx, user: UserId, card: Uuid, until: Option<Timestamp>) -> Result<()> {
    Sql::new("INSERT INTO inbox_marks (user_id, card_id, seen_at, until) VALUES (")
        .with("?", user.uuid())
        .with(", ?", card)
        .with(", ?", tx.now.as_millis())
        .with(", ?)", until.value())
        .push(" ON CONFLICT (user_id, card_id) DO UPDATE SET seen_at = excluded.seen_at, until = excluded.until")
        .run(tx)
        .await
        .map(drop)
}

/// A person wants a card back.
///
/// # Errors
/// When the database fails.
pub async fn take_up(tx: &mut Tx, user: UserId, card: Uuid) -> Result<()> {
    let sql = Sql::new("DELETE FROM inbox_marks WHERE TRUE").and("user_id = ?", &user);
    sql.with(" AND card_id = ?", card).run(tx).await.map(drop)
}

/// Asks for a look back at an automatic run, with the write's other late changes.
///
/// # Errors
/// [`StoreError::OutOfScope`].
pub fn ask_back(tx: &mut Tx, run: &Run) -> Result<()> {
    tx.own("review", run.tenant, run.project)?;
    Sql::new("INSERT INTO reviews (run_id, tenant_id, project_id, opened_at) VALUES (")
        .with("?", run.id.uuid())
        .with(", ?", run.tenant.uuid())
        .with(", ?", run.project.value())
        .with(", ?) ON CONFLICT DO NOTHING", tx.now.as_millis())
        .later(tx, None);
    Ok(())
}

/// The look back at a run; `None` where none was asked for.
///
/// # Errors
/// When the database fails.
pub async fn review(at: &impl Look, run: RunId) -> Result<Option<Review>> {
    Sql::select::<Review>().and("run_id = ?", &run).scoped(at.scope()).find(at).await
}

/// Keeps what a person says of a run afterwards, once.
///
/// # Errors
/// [`StoreError::Stale`] where somebody was faster, or nobody was asked.
pub async fn reviewed(tx: &mut Tx, run: RunId, good: bool, by: UserId, comment: Option<&str>) -> Result<()> {
    let changed = Sql::new("UPDATE reviews SET good = ")
        .with("?", good)
        .with(", comment = ?", comment.map(str::to_owned))
        .with(", reviewed_by = ?", by.uuid())
        .with(", reviewed_at = ? WHERE reviewed_at IS NULL", tx.now.as_millis())
        .and("run_id = ?", &run)
        .scoped(tx.scope())
        .run(tx)
        .await?;
    if changed == 1 { Ok(()) } else { Err(StoreError::Stale("review")) }
}

/// Forgets what was put aside before `before`, and what somebody who is gone has put aside.
///
/// # Errors
/// When the database fails.
pub async fn prune(tx: &mut Tx, before: Timestamp) -> Result<u64> {
    Sql::new("DELETE FROM inbox_marks WHERE TRUE").and("seen_at < ?", &before).run(tx).await
}
