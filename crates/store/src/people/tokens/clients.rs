//! Programs that registered by themselves (RFC 7591). They belong to nobody and are worth nothing until a person lets one in,
//! so all calls are the system's; they are few, and go soon.

use sf_types::{ErrorKind, Fault, ProgramId, Scope, Timestamp};

use crate::row::{Json, row};
use crate::sql::{Sql, insert};
use crate::tx::{Look, Tx};
use crate::{Result, StoreError};

/// Programs that are registered at a time at the most.
pub const MAX_CLIENTS: u64 = 1_000;
/// The same from one network.
pub const MAX_PER_NETWORK: u64 = 20;

row! {
    /// A program that registered.
    pub struct Client in "mcp_clients" {
        /// Its id, by which it is asked for.
        id: ProgramId,
        /// What it calls itself.
        name: String,
        /// Where it may be answered.
        redirects: Json<Vec<String>>,
        /// The network it came from.
        address: String,
        /// When it registered.
        created_at: Timestamp,
        /// Forgotten from then on.
        expires_at: Timestamp,
    }
}

/// Keeps a new one.
///
/// # Errors
/// [`StoreError::OutOfScope`] for anybody but the system; a fault when there are too many.
pub async fn create(tx: &mut Tx, client: &Client) -> Result<()> {
    system_only(tx.scope())?;
    for (address, limit) in [(None, MAX_CLIENTS), (Some(&client.address), MAX_PER_NETWORK)] {
        let sql = Sql::new("SELECT count(*) FROM mcp_clients WHERE TRUE").and("expires_at > ?", &tx.now);
        if sql.and_some("address = ?", address).scalar::<u64>(tx).await?.unwrap_or(0) >= limit {
            let fault = Fault::new(ErrorKind::RateLimited, "oauth.too_many", "Too many programs have registered.");
            return Err(fault
                .fix("Use a client id that is an address (CIMD), or wait until others are forgotten.")
                .into());
        }
    }
    insert(tx, client).await
}

/// One that is not forgotten yet.
///
/// # Errors
/// [`StoreError::OutOfScope`] for anybody but the system; [`StoreError::NotFound`].
pub async fn get(at: &impl Look, id: ProgramId) -> Result<Client> {
    system_only(at.scope())?;
    Sql::select::<Client>().and("id = ?", &id).and("expires_at > ?", &at.now()).get(at, "program").await
}

/// Keeps one for longer: a person has let it in.
///
/// # Errors
/// [`StoreError::OutOfScope`] for anybody but the system; when the database fails.
pub async fn keep(tx: &mut Tx, id: ProgramId, until: Timestamp) -> Result<()> {
    system_only(tx.scope())?;
    let sql = Sql::new("UPDATE mcp_clients SET expires_at = ").with("? WHERE TRUE", until.as_millis());
    sql.and("id = ?", &id).run(tx).await.map(drop)
}

/// Deletes what is forgotten since `before`; answers how many.
///
/// # Errors
/// [`StoreError::OutOfScope`] for anybody but the system; when the database fails.
pub async fn prune(tx: &mut Tx, before: Timestamp) -> Result<u64> {
    system_only(tx.scope())?;
    Sql::new("DELETE FROM mcp_clients WHERE TRUE").and("expires_at < ?", &before).run(tx).await
}

fn system_only(scope: Scope) -> Result<()> {
    if scope == Scope::System { Ok(()) } else { Err(StoreError::OutOfScope("program")) }
}
