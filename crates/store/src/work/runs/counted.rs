//! How much was proposed of late, and what policy said to it.

use sf_actions::Decision;
use sf_types::{ProjectId, Timestamp, UserId};

use super::SEEN;
use crate::Result;
use crate::row::{Column, Json, column};
use crate::sql::Sql;
use crate::tx::{Look, Tx};

/// How many runs a person has opened since `since`, for quotas, counted up to `up_to`; the system's own where `None`.
///
/// # Errors
/// When the database fails.
pub async fn opened_since(at: &impl Look, by: Option<UserId>, since: Timestamp, up_to: u64) -> Result<u64> {
    let sql = Sql::new("SELECT count(*) FROM (SELECT 1 FROM runs WHERE TRUE").and("opened_at >= ?", &since);
    let sql = sql.scoped(at.scope());
    // What was denied took nothing: counted, a proposer that tries again would never be let in again.
    let sql = sql.push(" AND (done IS NULL OR done <> 'denied')");
    let sql = match by {
        Some(user) => sql.and("user_id = ?", &user),
        None => sql.push(" AND user_id IS NULL"),
    };
    Ok(sql.with(" LIMIT ?) AS opened", up_to.value()).scalar(at).await?.unwrap_or(0))
}

/// How many runs of these actions a person, or the AI agents that act for them, have opened since `since`, counted up
/// to `up_to`: names, families such as `app.*`, or `*`; of all actions where there are none.
///
/// # Errors
/// When the database fails.
pub async fn opened_of(
    at: &impl Look,
    user: UserId,
    ai: bool,
    actions: &[&str],
    since: Timestamp,
    up_to: u32,
) -> Result<u64> {
    let mut sql = Sql::new("SELECT count(*) FROM (SELECT 1 FROM runs WHERE TRUE").and("opened_at >= ?", &since);
    sql = sql.and("user_id = ?", &user).scoped(at.scope()).push(" AND (done IS NULL OR done <> 'denied')");
    // Both databases read `->>` with a name; a workflow's actor names the agent that started it, where one did.
    sql = sql.push(if ai { " AND (" } else { " AND NOT (" });
    sql = sql.push("actor ->> 'kind' = 'ai' OR actor ->> 'ai' IS NOT NULL)");
    for (number, pattern) in actions.iter().enumerate() {
        sql = sql.push(if number == 0 { " AND (FALSE" } else { "" });
        sql = match pattern.strip_suffix('*') {
            Some(family) => sql.with(" OR action_name LIKE ?", format!("{family}%")),
            None => sql.with(" OR action_name = ?", *pattern),
        };
    }
    let sql = if actions.is_empty() { sql } else { sql.push(")") };
    Ok(sql.with(" LIMIT ?) AS opened", i64::from(up_to)).scalar(at).await?.unwrap_or(0))
}

/// As [`opened_since`], for whoever opens one more in this very transaction: until COMMIT no other control plane opens
/// one for the same principal.
///
/// # Errors
/// When the database fails.
pub async fn opened_alone(tx: &mut Tx, by: Option<UserId>, since: Timestamp, up_to: u64) -> Result<u64> {
    // A row that is written is a lock on both databases, also where a person is there no more: then there is no race.
    let hold = match by {
        Some(user) => {
            Sql::new("UPDATE users SET name = name WHERE TRUE").and("id = ?", &user).tenant_scoped(tx.scope())
        }
        None => Sql::new("UPDATE tenants SET name = name WHERE TRUE").and_some("id = ?", tx.scope().tenant().as_ref()),
    };
    hold.run(tx).await?;
    opened_since(tx, by, since, up_to).await
}

/// The last `limit` decisions of policy, newest first: of a project, or of all.
///
/// # Errors
/// When the database fails.
pub async fn decisions(
    at: &impl Look,
    project: Option<ProjectId>,
    limit: u32,
) -> Result<Vec<(Option<ProjectId>, Decision, Timestamp)>> {
    let sql = Sql::new("SELECT project_id, policy, opened_at FROM runs WHERE TRUE").scoped(at.scope());
    let sql = sql.and_some("project_id = ?", project.as_ref()).seen(at, &SEEN);
    let rows = sql.with(" ORDER BY id DESC LIMIT ?", i64::from(limit)).raws(at).await?;
    let read = |row| {
        let mut place = 0;
        let (project, decision): (_, Json<Decision>) = (column(row, &mut place)?, column(row, &mut place)?);
        Ok((project, decision.0, column(row, &mut place)?))
    };
    rows.iter().map(read).collect()
}
