//! Alerts about servers: what rules have raised, and what became of it.

use std::collections::HashMap;
use std::time::Duration;

use sf_actions::alert::RuleSettings;
use sf_types::{AlertId, AlertRuleId, Name, NodeId, Page, PageRequest, ProjectId, ServerId, Slug, TenantId, Timestamp};

use crate::Result;
use crate::alert_rules::AlertRule;
use crate::row::{Column, Json, row, words};
use crate::seen::Places;
use crate::servers::Placed;
use crate::sql::{Sql, insert, page_of};
use crate::tx::{Look, Tx};

/// How long one is kept after it has ended: 90 days.
pub const KEPT: Duration = Duration::from_secs(90 * 86_400);
/// Rows removed in one bite.
pub const BITE: u32 = 1_000;

words! {
    /// Why an alert has ended.
    pub enum ClearedBy {
        /// The server is on the right side again.
        Back = "back",
        /// It was stopped.
        Stopped = "stopped",
        /// It has no limit any more.
        NoLimit = "noLimit",
        /// The rule was deleted, switched off, or changed to be about something else.
        Rule = "rule",
        /// The server was deleted.
        Server = "server",
    }
}

row! {
    /// One time that a rule was crossed.
    pub struct Alert in "alerts" {
        /// Its id.
        id: AlertId,
        /// Whose.
        tenant: TenantId = "tenant_id",
        /// In which project the server is.
        project: ProjectId = "project_id",
        /// On which machine it was.
        node: NodeId = "node_id",
        /// The server.
        server: ServerId = "server_id",
        /// The rule.
        rule: AlertRuleId = "rule_id",
        /// What the server was called.
        server_name: Slug,
        /// What the rule was called.
        rule_name: Name,
        /// What the rule said.
        settings: Json<RuleSettings>,
        /// Where its line was, in the unit of the metric.
        line: u64,
        /// What it was when this was raised.
        value: u64,
        /// The worst since.
        peak: u64,
        /// Since when it had been so.
        since: Timestamp,
        /// When this was raised.
        raised_at: Timestamp,
        /// When it ended; `None` while it is so.
        cleared_at: Option<Timestamp>,
        /// Why.
        cleared_by: Option<ClearedBy>,
    }
}

const SEEN: Places = Places { project: "project_id", node: Some("node_id"), app: None, server: Some("server_id") };

/// What is raised.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Raised {
    /// Since when.
    pub since: Timestamp,
    /// Where the line is.
    pub line: u64,
    /// What it is.
    pub value: u64,
}

/// Raises an alert.
///
/// # Errors
/// [`crate::StoreError::Taken`] when it is raised already.
pub async fn raise(tx: &mut Tx, rule: &AlertRule, server: &Placed, raised: Raised) -> Result<Alert> {
    let alert = Alert {
        id: tx.new_id(),
        tenant: server.tenant,
        project: server.project,
        node: server.node,
        server: server.id,
        rule: rule.id,
        server_name: server.name.clone(),
        rule_name: rule.name.clone(),
        settings: rule.settings.clone(),
        line: raised.line,
        value: raised.value,
        peak: raised.value,
        since: raised.since,
        raised_at: tx.now,
        cleared_at: None,
        cleared_by: None,
    };
    insert(tx, &alert).await?;
    Ok(alert)
}

/// One that has just ended is there again.
///
/// # Errors
/// [`crate::StoreError::NotFound`].
pub async fn reopen(tx: &mut Tx, id: AlertId) -> Result<()> {
    let set = Sql::new("UPDATE alerts SET cleared_at = NULL, cleared_by = NULL WHERE TRUE").and("id = ?", &id);
    set.tenant_scoped(tx.scope()).run_one(tx, "alert").await
}

/// It is worse than before.
///
/// # Errors
/// [`crate::StoreError::NotFound`].
pub async fn peaked(tx: &mut Tx, id: AlertId, peak: u64) -> Result<()> {
    let set = Sql::new("UPDATE alerts SET peak = ").with("?", peak.value()).push(" WHERE TRUE").and("id = ?", &id);
    set.tenant_scoped(tx.scope()).run_one(tx, "alert").await
}

/// One has ended.
///
/// # Errors
/// When the database fails.
pub async fn clear(tx: &mut Tx, id: AlertId, by: ClearedBy) -> Result<()> {
    ending(tx, by).and("id = ?", &id).run(tx).await.map(drop)
}

/// All that a rule has raised end; answers them as they were.
///
/// # Errors
/// When the database fails.
pub async fn clear_of_rule(tx: &mut Tx, rule: AlertRuleId) -> Result<Vec<Alert>> {
    let open = Sql::select::<Alert>().and("rule_id = ?", &rule).push(" AND cleared_at IS NULL");
    let open = open.tenant_scoped(tx.scope()).all(tx).await?;
    ending(tx, ClearedBy::Rule).and("rule_id = ?", &rule).run(tx).await?;
    Ok(open)
}

/// All about a server end.
///
/// # Errors
/// When the database fails.
pub async fn clear_of_server(tx: &mut Tx, server: ServerId) -> Result<()> {
    ending(tx, ClearedBy::Server).and("server_id = ?", &server).run(tx).await.map(drop)
}

fn ending(tx: &Tx, by: ClearedBy) -> Sql {
    let set = Sql::new("UPDATE alerts SET cleared_at = ").with("?", tx.now.as_millis());
    let set = set.with(", cleared_by = ?", by.word()).push(" WHERE cleared_at IS NULL");
    set.tenant_scoped(tx.scope())
}

/// Which alerts.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct AlertFilter {
    /// Those that are so now, or those that have ended.
    pub open: Option<bool>,
    /// About this server.
    pub server: Option<ServerId>,
    /// By this rule.
    pub rule: Option<AlertRuleId>,
}

/// One inside the scope.
///
/// # Errors
/// [`crate::StoreError::NotFound`].
pub async fn get(at: &impl Look, id: AlertId) -> Result<Alert> {
    Sql::select::<Alert>().and("id = ?", &id).scoped(at.scope()).seen(at, &SEEN).get(at, "alert").await
}

/// Alerts, newest first.
///
/// # Errors
/// A bad cursor; when the database fails.
pub async fn page(at: &impl Look, filter: &AlertFilter, page: &PageRequest) -> Result<Page<Alert>> {
    let mut sql = Sql::select::<Alert>().scoped(at.scope()).seen(at, &SEEN);
    sql = match filter.open {
        Some(true) => sql.push(" AND cleared_at IS NULL"),
        Some(false) => sql.push(" AND cleared_at IS NOT NULL"),
        None => sql,
    };
    sql = sql.and_some("server_id = ?", filter.server.as_ref()).and_some("rule_id = ?", filter.rule.as_ref());
    Ok(page_of(sql.page(page)?.all(at).await?, page, |alert: &Alert| alert.id.uuid()))
}

/// The newest that are so now, at most so many.
///
/// # Errors
/// When the database fails.
pub async fn open(at: &impl Look, limit: u32) -> Result<Vec<Alert>> {
    let sql = Sql::select::<Alert>().push(" AND cleared_at IS NULL").scoped(at.scope()).seen(at, &SEEN);
    sql.with(" ORDER BY id DESC LIMIT ?", i64::from(limit)).all(at).await
}

/// How many each rule has that are so now.
///
/// # Errors
/// When the database fails.
pub async fn count_by_rule(at: &impl Look) -> Result<HashMap<AlertRuleId, u64>> {
    let sql = Sql::new("SELECT rule_id, count(*) FROM alerts WHERE cleared_at IS NULL").scoped(at.scope());
    let rows = sql.seen(at, &SEEN).push(" GROUP BY rule_id").raws(at).await?;
    rows.iter().map(|cells| Ok((Column::read(cells, 0)?, Column::read(cells, 1)?))).collect()
}

/// Those of a machine's servers that are so now, by rule and server. System only sees all.
///
/// # Errors
/// When the database fails.
pub async fn open_of_node(at: &impl Look, node: NodeId) -> Result<HashMap<(AlertRuleId, ServerId), Alert>> {
    let sql = Sql::select::<Alert>().and("node_id = ?", &node).push(" AND cleared_at IS NULL").scoped(at.scope());
    let rows: Vec<Alert> = sql.all(at).await?;
    Ok(rows.into_iter().map(|alert| ((alert.rule, alert.server), alert)).collect())
}

/// The last one that has ended, of a rule and a server.
///
/// # Errors
/// When the database fails.
pub async fn last_ended(at: &impl Look, rule: AlertRuleId, server: ServerId) -> Result<Option<Alert>> {
    let sql = Sql::select::<Alert>().and("rule_id = ?", &rule).and("server_id = ?", &server);
    let sql = sql.push(" AND cleared_at IS NOT NULL").scoped(at.scope());
    sql.push(" ORDER BY cleared_at DESC LIMIT 1").find(at).await
}

/// Deletes some of those that ended before; answers how many. System only.
///
/// # Errors
/// When the database fails.
pub async fn prune(tx: &mut Tx, before: Timestamp) -> Result<u64> {
    crate::metrics::history::system_only(tx)?;
    let old = Sql::new("DELETE FROM alerts WHERE id IN (SELECT id FROM alerts WHERE cleared_at IS NOT NULL");
    old.and("cleared_at < ?", &before).with(" LIMIT ?)", i64::from(BITE)).run(tx).await
}
