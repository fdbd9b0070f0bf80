//! Keys by which a repeated request is answered with what it was answered first.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use sf_types::{RunId, Scope, TenantId, Timestamp};

use crate::row::{Column, Field, Json, row};
use crate::sql::{Sql, insert};
use crate::tx::{Look, Tx};
use crate::{Result, StoreError};

/// How long an answer is kept.
pub const KEPT: Duration = Duration::from_secs(24 * 3600);
/// A request that has not been answered for so long died with its process; its key may be used again.
pub const ABANDONED: Duration = Duration::from_secs(60);

/// What a key means for a request.
#[derive(Clone, PartialEq, Debug)]
pub enum Begin {
    /// New: go ahead, then [`finish`].
    New,
    /// The same request was answered: give this answer again.
    Replay(Value),
    /// The same request was carried out, and its process ended before the answer was kept: what it made is in
    /// [`claimed`].
    Carried,
    /// The same request is being worked on.
    Running,
    /// The key was used for another request.
    Conflict,
}

row! {
    struct KeyRow in "idempotency_keys" {
        tenant: TenantId = "tenant_id",
        principal: String,
        key: String,
        request_hash: [u8; 32],
        run: Option<RunId> = "run_id",
        response: Option<Json<Value>>,
        created_at: Timestamp,
        expires_at: Timestamp,
    }
}

/// What stands in a key's row between the change it stands for and the answer.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Claim {
    claim: Value,
}

/// Looks a key up and takes it where it is new. `request_hash` covers method, path and body.
///
/// # Errors
/// [`StoreError::OutOfScope`] for the system, which has no keys; when the database fails.
pub async fn begin(tx: &mut Tx, principal: &str, key: &str, request_hash: &[u8; 32]) -> Result<Begin> {
    let tenant = tenant(tx.scope())?;
    let found: Option<KeyRow> = at(Sql::select::<KeyRow>(), tenant, principal, key).find(tx).await?;
    if let Some(found) = found.filter(|found| found.expires_at > tx.now) {
        if found.request_hash != *request_hash {
            return Ok(Begin::Conflict);
        }
        match found.response {
            Some(kept) if claim_in(&kept.0).is_none() => return Ok(Begin::Replay(kept.0)),
            Some(_) => return Ok(Begin::Carried),
            None => {}
        }
        if found.created_at.plus(ABANDONED) > tx.now {
            return Ok(Begin::Running);
        }
    }
    at(Sql::new("DELETE FROM idempotency_keys WHERE TRUE"), tenant, principal, key).run(tx).await?;
    let row = KeyRow {
        tenant,
        principal: principal.to_owned(),
        key: key.to_owned(),
        request_hash: *request_hash,
        run: None,
        response: None,
        created_at: tx.now,
        expires_at: tx.now.plus(KEPT),
    };
    insert(tx, &row).await?;
    Ok(Begin::New)
}

/// Binds a key to the run that carries its request out, in the transaction that opens the run: whatever ends the
/// process afterwards, a repetition does not do it again. `claim` is what [`claimed`] gives back.
///
/// # Errors
/// [`StoreError::Stale`] when the key was not begun, or another run carries the request out.
pub async fn claim(tx: &mut Tx, principal: &str, key: &str, run: RunId, claim: Value) -> Result<()> {
    let tenant = tenant(tx.scope())?;
    let claim = serde_json::to_value(Claim { claim }).expect("a value in a struct");
    let set = Sql::new("UPDATE idempotency_keys SET response = ")
        .with("?", Json(claim).to_raw())
        .with(", run_id = ? WHERE run_id IS NULL", run.value());
    match at(set, tenant, principal, key).run(tx).await? {
        0 => Err(StoreError::Stale("idempotency key")),
        _ => Ok(()),
    }
}

/// The run that carried a key's request out and what its claim said; `None` where there is none, or the answer is
/// kept already.
///
/// # Errors
/// [`StoreError::OutOfScope`] for the system; when the database fails.
pub async fn claimed(at_hand: &impl Look, principal: &str, key: &str) -> Result<Option<(RunId, Value)>> {
    let tenant = tenant(at_hand.scope())?;
    let found: Option<KeyRow> = at(Sql::select::<KeyRow>(), tenant, principal, key).find(at_hand).await?;
    Ok(found.and_then(|row| Some((row.run?, claim_in(&row.response?.0)?))))
}

/// Keeps the answer for repetitions.
///
/// # Errors
/// [`StoreError::NotFound`] when the key was not begun.
pub async fn finish(tx: &mut Tx, principal: &str, key: &str, response: Value) -> Result<()> {
    let tenant = tenant(tx.scope())?;
    let set = Sql::new("UPDATE idempotency_keys SET response = ").with("? WHERE TRUE", Json(response).to_raw());
    at(set, tenant, principal, key).run_one(tx, "idempotency key").await
}

/// Lets a key be used again that this run has carried out: for whoever wants the same done once more, and never for two at
/// once. Answers whether it was still bound to it.
///
/// # Errors
/// [`StoreError::OutOfScope`] for the system; when the database fails.
pub async fn renew(tx: &mut Tx, principal: &str, key: &str, run: RunId) -> Result<bool> {
    let tenant = tenant(tx.scope())?;
    let delete = Sql::new("DELETE FROM idempotency_keys WHERE TRUE").and("run_id = ?", &run);
    Ok(at(delete, tenant, principal, key).run(tx).await? > 0)
}

/// Forgets a key whose request was not carried out, so that it can be tried again. One with a run stays.
///
/// # Errors
/// When the database fails.
pub async fn forget(tx: &mut Tx, principal: &str, key: &str) -> Result<()> {
    let tenant = tenant(tx.scope())?;
    let delete = Sql::new("DELETE FROM idempotency_keys WHERE run_id IS NULL");
    at(delete, tenant, principal, key).run(tx).await.map(drop)
}

/// Deletes expired keys; answers how many.
///
/// # Errors
/// When the database fails.
pub async fn prune(tx: &mut Tx) -> Result<u64> {
    let sql = Sql::new("DELETE FROM idempotency_keys WHERE TRUE").and("expires_at <= ?", &tx.now);
    sql.tenant_scoped(tx.scope()).run(tx).await
}

fn claim_in(kept: &Value) -> Option<Value> {
    Claim::deserialize(kept).ok().map(|claim| claim.claim)
}

fn at(sql: Sql, tenant: TenantId, principal: &str, key: &str) -> Sql {
    sql.and("tenant_id = ?", &tenant).with(" AND principal = ?", principal).with(" AND key = ?", key)
}

fn tenant(scope: Scope) -> Result<TenantId> {
    scope.tenant().ok_or(StoreError::OutOfScope("idempotency key"))
}
