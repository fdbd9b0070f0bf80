//! Nodes that ask to be enrolled by showing a code. They belong to nobody until a person approves, so most calls are
//! the system's; a tenant sees what is pending, because it may be its own, and what it decided.

use sf_protocol::PublicKey;
use sf_protocol::report::NodeFacts;
use sf_types::{DeviceCodeId, ErrorKind, Fault, NodeId, Scope, TenantId, Timestamp};

use crate::row::{Json, row, words};
use crate::sql::{Sql, insert};
use crate::tx::{Look, Tx};
use crate::{Result, StoreError};

/// Enrolments pending at a time at the most; beyond it agents are told to come back later.
pub const MAX_PENDING: u64 = 100;
/// Wrong guesses of codes in a row, over all pending enrolments, after which all of them end.
pub const MAX_ATTEMPTS: u32 = 50;

words! {
    /// Where a device enrolment stands.
    pub enum DeviceState {
        /// Waits for a person.
        Pending = "pending",
        /// A person agreed; the node exists.
        Approved = "approved",
        /// A person refused.
        Denied = "denied",
        /// The agent was told.
        Used = "used",
    }
}

row! {
    /// A pending enrolment.
    pub struct DeviceCode in "device_codes" {
        /// Its id.
        id: DeviceCodeId,
        /// SHA-256 of the code.
        code_hash: [u8; 32],
        /// The node's key.
        public_key: PublicKey,
        /// The host name it says.
        host: String,
        /// The address it comes from.
        address: String,
        /// What it says it is.
        facts: Json<NodeFacts>,
        /// Six words of its key, to compare.
        key_words: String,
        /// When it asked.
        created_at: Timestamp,
        /// Useless from then on.
        expires_at: Timestamp,
        /// Wrong guesses while it was pending.
        attempts: u32,
        /// Where it stands.
        state: DeviceState,
        /// Who approved.
        tenant: Option<TenantId> = "tenant_id",
        /// The node made.
        node: Option<NodeId> = "node_id",
        /// Name chosen for it.
        name: Option<String>,
    }
}

/// Keeps a new pending enrolment.
///
/// # Errors
/// [`StoreError::OutOfScope`] for anybody but the system; [`StoreError::Taken`] when the code is pending already; a
/// fault when too many are.
pub async fn create(tx: &mut Tx, code: &DeviceCode) -> Result<()> {
    if tx.scope() != Scope::System {
        return Err(StoreError::OutOfScope("device code"));
    }
    let pending = Sql::new("SELECT count(*) FROM device_codes WHERE state = 'pending'").and("expires_at > ?", &tx.now);
    if pending.scalar::<u64>(tx).await?.unwrap_or(0) >= MAX_PENDING {
        let fault = Fault::new(ErrorKind::RateLimited, "enrol.too_many", "Too many machines wait for approval.");
        return Err(fault.fix("Approve or deny the waiting ones first.").into());
    }
    insert(tx, code).await
}

/// Forgets a pending enrolment whose machine went away; one that was decided stays.
///
/// # Errors
/// When the database fails.
pub async fn withdraw(tx: &mut Tx, id: DeviceCodeId) -> Result<()> {
    let sql = Sql::new("DELETE FROM device_codes WHERE state = 'pending'").and("id = ?", &id);
    whole_tenant(tx.scope(), sql).run(tx).await.map(drop)
}

/// What is pending now, newest first.
///
/// # Errors
/// When the database fails.
pub async fn pending(at: &impl Look) -> Result<Vec<DeviceCode>> {
    let sql = Sql::select::<DeviceCode>().push(" AND state = 'pending'").and("expires_at > ?", &at.now());
    whole_tenant(at.scope(), sql).push(" ORDER BY id DESC").all(at).await
}

/// One enrolment: a pending one, or one that this tenant decided.
///
/// # Errors
/// [`StoreError::NotFound`].
pub async fn get(at: &impl Look, id: DeviceCodeId) -> Result<DeviceCode> {
    let sql = visible(at.scope(), Sql::select::<DeviceCode>().and("id = ?", &id));
    sql.get(at, "device code").await
}

/// The pending enrolment with this code; `None`: no such code, expired, or too many wrong guesses before
/// ([`guessed`]).
///
/// # Errors
/// When the database fails.
pub async fn by_code(at: &impl Look, code_hash: &[u8; 32]) -> Result<Option<DeviceCode>> {
    let sql = Sql::select::<DeviceCode>()
        .push(" AND state = 'pending'")
        .and("code_hash = ?", code_hash)
        .and("expires_at > ?", &at.now())
        .and("attempts < ?", &MAX_ATTEMPTS);
    whole_tenant(at.scope(), sql).find(at).await
}

/// Counts a wrong guess against all that are pending. In a write of its own: the one that guessed is taken back.
///
/// # Errors
/// When the database fails.
pub async fn guessed(tx: &mut Tx) -> Result<()> {
    Sql::new("UPDATE device_codes SET attempts = attempts + 1 WHERE state = 'pending'").run(tx).await.map(drop)
}

/// Approves a pending enrolment, in the transaction that creates its node.
///
/// # Errors
/// [`StoreError::Stale`] when somebody decided before or it has expired.
pub async fn approve(tx: &mut Tx, id: DeviceCodeId, tenant: TenantId, node: NodeId, name: &str) -> Result<()> {
    tx.own("device code", tenant, None)?;
    let sql = Sql::new("UPDATE device_codes SET state = 'approved'")
        .with(", tenant_id = ?", tenant.uuid())
        .with(", node_id = ?", node.uuid())
        .with(", name = ? WHERE state = 'pending'", name)
        .and("id = ?", &id)
        .and("expires_at > ?", &tx.now);
    if sql.run(tx).await? == 1 { Ok(()) } else { Err(StoreError::Stale("device code")) }
}

/// Refuses a pending enrolment.
///
/// # Errors
/// [`StoreError::Stale`] when somebody decided before.
pub async fn deny(tx: &mut Tx, id: DeviceCodeId) -> Result<()> {
    let tenant = tx.scope().tenant().map(|tenant| tenant.uuid());
    let sql =
        Sql::new("UPDATE device_codes SET state = 'denied'").with(", tenant_id = ? WHERE state = 'pending'", tenant);
    let sql = whole_tenant(tx.scope(), sql.and("id = ?", &id));
    if sql.run(tx).await? == 1 { Ok(()) } else { Err(StoreError::Stale("device code")) }
}

/// The agent was told: the code is spent.
///
/// # Errors
/// [`StoreError::Stale`] when it is not approved or was spent before.
pub async fn spend(tx: &mut Tx, id: DeviceCodeId) -> Result<()> {
    let sql = Sql::new("UPDATE device_codes SET state = 'used' WHERE state = 'approved'").and("id = ?", &id);
    let sql = sql.and_some("tenant_id = ?", tx.scope().tenant().as_ref());
    if sql.run(tx).await? == 1 { Ok(()) } else { Err(StoreError::Stale("device code")) }
}

/// Deletes what expired before `before`; answers how many. System only.
///
/// # Errors
/// [`StoreError::OutOfScope`]; when the database fails.
pub async fn prune(tx: &mut Tx, before: Timestamp) -> Result<u64> {
    if tx.scope() != Scope::System {
        return Err(StoreError::OutOfScope("device code"));
    }
    Sql::new("DELETE FROM device_codes WHERE TRUE").and("expires_at < ?", &before).run(tx).await
}

/// What belongs to nobody yet concerns tenants, never a project.
fn whole_tenant(scope: Scope, sql: Sql) -> Sql {
    if scope.project().is_some() { sql.push(" AND FALSE") } else { sql }
}

fn visible(scope: Scope, sql: Sql) -> Sql {
    let sql = whole_tenant(scope, sql);
    match scope.tenant() {
        Some(tenant) => sql.with(" AND (state = 'pending' OR tenant_id = ?)", tenant.uuid()),
        None => sql,
    }
}
