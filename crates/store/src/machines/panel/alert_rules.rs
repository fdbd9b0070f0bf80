//! Alert rules: what of servers is watched, and where.

use sf_actions::alert::{RuleScope, RuleSettings};
use sf_types::{AlertRuleId, AltId, Name, NodeId, Page, PageRequest, ProjectId, ServerId, TenantId, Timestamp, UserId};

use crate::Result;
use crate::row::{Column, Field, Json, row};
use crate::seen::Places;
use crate::servers::Placed;
use crate::sql::{Sql, insert, page_of};
use crate::tx::{Look, Tx};

/// Rules of a team at the most: each is asked of each sample.
pub const MAX_RULES: u64 = 100;

row! {
    /// A rule about servers.
    pub struct AlertRule in "alert_rules" {
        /// Its id.
        id: AlertRuleId,
        /// Whose.
        tenant: TenantId = "tenant_id",
        /// Of this project's servers, or the project of the one server it is about.
        project: Option<ProjectId> = "project_id",
        /// Of this machine's.
        node: Option<NodeId> = "node_id",
        /// Of those made from this template.
        alt: Option<AltId> = "alt_id",
        /// Of this one.
        server: Option<ServerId> = "server_id",
        /// Its name, unique within the team.
        name: Name,
        /// What it says.
        settings: Json<RuleSettings>,
        /// Whether it is judged.
        enabled: bool,
        /// Who made it.
        by: Option<UserId> = "created_by",
        /// When it was made.
        created_at: Timestamp,
        /// When it last changed.
        updated_at: Timestamp,
    }
}

const SEEN: Places = Places { project: "project_id", node: Some("node_id"), app: None, server: Some("server_id") };

impl AlertRule {
    /// Of which servers it is.
    pub fn scope(&self) -> RuleScope {
        match (self.server, self.alt, self.node, self.project) {
            (Some(server), ..) => RuleScope::Server(server),
            (None, Some(alt), ..) => RuleScope::Alt(alt),
            (None, None, Some(node), _) => RuleScope::Node(node),
            (None, None, None, Some(project)) => RuleScope::Project(project),
            (None, None, None, None) => RuleScope::Team,
        }
    }

    /// Whether it is about this server.
    pub fn covers(&self, server: &Placed) -> bool {
        self.tenant == server.tenant
            && match self.scope() {
                RuleScope::Team => true,
                RuleScope::Project(project) => project == server.project,
                RuleScope::Node(node) => node == server.node,
                RuleScope::Alt(alt) => alt == server.alt,
                RuleScope::Server(id) => id == server.id,
            }
    }
}

/// A new rule. A server's is its project's, too: `project` is that of the server it is about.
#[derive(Clone, PartialEq, Debug)]
pub struct NewRule {
    /// Its name.
    pub name: Name,
    /// Of which servers.
    pub scope: RuleScope,
    /// The project of the server, where it is about one, or of the machine.
    pub project: Option<ProjectId>,
    /// What it says.
    pub settings: RuleSettings,
    /// Who makes it.
    pub by: Option<UserId>,
}

/// Adds a rule.
///
/// # Errors
/// [`crate::StoreError::Taken`] when the team has one of this name.
pub async fn create(tx: &mut Tx, tenant: TenantId, new: NewRule) -> Result<AlertRule> {
    tx.own("alert_rule", tenant, None)?;
    let mut rule = AlertRule {
        id: tx.new_id(),
        tenant,
        project: new.project,
        node: None,
        alt: None,
        server: None,
        name: new.name,
        settings: Json(new.settings),
        enabled: new.settings.enabled,
        by: new.by,
        created_at: tx.now,
        updated_at: tx.now,
    };
    match new.scope {
        RuleScope::Team => rule.project = None,
        RuleScope::Project(project) => rule.project = Some(project),
        RuleScope::Node(node) => rule.node = Some(node),
        RuleScope::Alt(alt) => (rule.alt, rule.project) = (Some(alt), None),
        RuleScope::Server(server) => rule.server = Some(server),
    }
    insert(tx, &rule).await?;
    Ok(rule)
}

/// A rule inside the scope.
///
/// # Errors
/// [`crate::StoreError::NotFound`].
pub async fn get(at: &impl Look, id: AlertRuleId) -> Result<AlertRule> {
    Sql::select::<AlertRule>().and("id = ?", &id).tenant_scoped(at.scope()).seen(at, &SEEN).get(at, "alert_rule").await
}

/// Rules that stand where somebody sees, newest first.
///
/// # Errors
/// A bad cursor; when the database fails.
pub async fn page(at: &impl Look, page: &PageRequest) -> Result<Page<AlertRule>> {
    let sql = Sql::select::<AlertRule>().tenant_scoped(at.scope()).seen(at, &SEEN);
    Ok(page_of(sql.page(page)?.all(at).await?, page, |rule: &AlertRule| rule.id.uuid()))
}

/// The rules of a team that are judged, oldest first.
///
/// # Errors
/// When the database fails.
pub async fn enabled(at: &impl Look, tenant: TenantId) -> Result<Vec<AlertRule>> {
    let sql = Sql::select::<AlertRule>().and("tenant_id = ?", &tenant).push(" AND enabled");
    sql.tenant_scoped(at.scope()).push(" ORDER BY id").all(at).await
}

/// How many a team has.
///
/// # Errors
/// When the database fails.
pub async fn count(at: &impl Look) -> Result<u64> {
    let sql = Sql::new("SELECT count(*) FROM alert_rules WHERE TRUE").tenant_scoped(at.scope());
    Ok(sql.scalar(at).await?.unwrap_or(0))
}

/// What it says from now on.
///
/// # Errors
/// [`crate::StoreError::NotFound`], [`crate::StoreError::Taken`].
pub async fn update(tx: &mut Tx, id: AlertRuleId, name: &Name, settings: &RuleSettings) -> Result<()> {
    let set = Sql::new("UPDATE alert_rules SET name = ").with("?", name.value());
    let set = set.with(", settings = ?", Json(*settings).to_raw()).with(", enabled = ?", settings.enabled);
    let set = set.with(", updated_at = ?", tx.now.as_millis()).push(" WHERE TRUE").and("id = ?", &id);
    set.tenant_scoped(tx.scope()).run_one(tx, "alert_rule").await
}

/// Deletes a rule.
///
/// # Errors
/// [`crate::StoreError::NotFound`].
pub async fn delete(tx: &mut Tx, id: AlertRuleId) -> Result<()> {
    let sql = Sql::new("DELETE FROM alert_rules WHERE TRUE").and("id = ?", &id);
    sql.tenant_scoped(tx.scope()).run_one(tx, "alert_rule").await
}

/// The rules that are about exactly this; of a project, also those about one of its servers.
///
/// # Errors
/// When the database fails.
pub async fn of_scope(at: &impl Look, of: RuleScope) -> Result<Vec<AlertRule>> {
    let sql = Sql::select::<AlertRule>();
    let sql = match of {
        RuleScope::Team => sql.push(" AND project_id IS NULL AND node_id IS NULL AND alt_id IS NULL"),
        RuleScope::Project(project) => sql.and("project_id = ?", &project).push(" AND node_id IS NULL"),
        RuleScope::Node(node) => sql.and("node_id = ?", &node),
        RuleScope::Alt(alt) => sql.and("alt_id = ?", &alt),
        RuleScope::Server(server) => sql.and("server_id = ?", &server),
    };
    sql.tenant_scoped(at.scope()).push(" ORDER BY id").all(at).await
}
