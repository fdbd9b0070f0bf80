//! Deploy keys of apps. Nothing here can open one.

use sf_types::{AppId, ProjectId, SecretId, TenantId, Timestamp};

use crate::Result;
use crate::apps::App;
use crate::row::row;
use crate::sql::{Sql, insert};
use crate::tx::{Look, Tx};

row! {
    /// The key that opens an app's repository.
    pub struct DeployKey in "deploy_keys" {
        /// Its id, as a secret has one.
        id: SecretId,
        /// Whose.
        tenant: TenantId = "tenant_id",
        /// In which project.
        project: ProjectId = "project_id",
        /// Of which app.
        app: AppId = "app_id",
        /// Its public half as OpenSSH writes it, one line.
        public: String = "public_key",
        /// Its fingerprint: `SHA256:…`.
        fingerprint: String,
        /// Its private half.
        sealed: Vec<u8>,
        /// When it was made.
        created_at: Timestamp,
    }
}

/// What is known of a new key.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct NewKey {
    /// Its id.
    pub id: SecretId,
    /// Its public half.
    pub public: String,
    /// Its fingerprint.
    pub fingerprint: String,
    /// Its private half.
    pub sealed: Vec<u8>,
}

/// Keeps the key of an app.
///
/// # Errors
/// [`crate::StoreError::Taken`] when it has one.
pub async fn create(tx: &mut Tx, app: &App, new: NewKey) -> Result<()> {
    tx.own("deploy key", app.tenant, Some(app.project))?;
    let NewKey { id, public, fingerprint, sealed } = new;
    let (tenant, project, created_at) = (app.tenant, app.project, tx.now);
    insert(tx, &DeployKey { id, tenant, project, app: app.id, public, fingerprint, sealed, created_at }).await
}

/// The key of an app inside the scope.
///
/// # Errors
/// When the database fails.
pub async fn of_app(at: &impl Look, app: AppId) -> Result<Option<DeployKey>> {
    Sql::select::<DeployKey>().and("app_id = ?", &app).scoped(at.scope()).find(at).await
}

/// Deletes the key of an app, where it has one.
///
/// # Errors
/// When the database fails.
pub async fn delete_of_app(tx: &mut Tx, app: AppId) -> Result<bool> {
    let gone = Sql::new("DELETE FROM deploy_keys WHERE TRUE").and("app_id = ?", &app);
    Ok(gone.scoped(tx.scope()).run(tx).await? > 0)
}
