//! Secrets as people see them: never a value.

use sf_actions::app::Settings;
use sf_actions::{Actor, Permission};
use sf_store::secrets::{self, SecretFilter, SecretRow, User};
use sf_store::{apps, users};
use sf_types::{Fault, Page, PageRequest, SecretId, SecretName};

use crate::control::Control;

/// A secret with who changed it and what uses it.
#[derive(Clone, PartialEq, Debug)]
pub struct SecretShown {
    /// The secret.
    pub secret: SecretRow,
    /// What the person who changed it last is called.
    pub updated_by: Option<String>,
    /// The apps and servers that use it.
    pub used_by: Vec<User>,
}

impl Control {
    /// Secrets of the tenant.
    ///
    /// # Errors
    /// No right, or the store cannot be read.
    pub async fn secrets(
        &self,
        actor: &Actor,
        filter: &SecretFilter,
        page: &PageRequest,
    ) -> Result<Page<SecretShown>, Fault> {
        let reader = self.view(actor, Permission::SecretView)?;
        let found = secrets::page(&reader, filter, page).await?;
        let all = secrets::users(&reader, filter.project).await?;
        let mut items = Vec::with_capacity(found.items.len());
        for secret in found.items {
            items.push(shown(&reader, secret, &all).await?);
        }
        Ok(Page { items, next: found.next })
    }

    /// One secret.
    ///
    /// # Errors
    /// Not there, no right, or the store cannot be read.
    pub async fn secret(&self, actor: &Actor, secret: SecretId) -> Result<SecretShown, Fault> {
        let reader = self.view(actor, Permission::SecretView)?;
        let secret = secrets::get(&reader, secret).await?;
        let all = secrets::users(&reader, Some(secret.project)).await?;
        shown(&reader, secret, &all).await
    }

    /// The secrets of an app that its processes have in another version, or not at all: the next deploy or restart
    /// gives them. Empty while nothing of it is live.
    ///
    /// # Errors
    /// No right, or the store cannot be read.
    pub async fn secrets_pending(&self, actor: &Actor, app: &apps::App) -> Result<Vec<SecretName>, Fault> {
        let settings: &Settings = &app.settings.0;
        if settings.secrets(app.environment()).is_empty() || app.live_release.is_none() {
            return Ok(Vec::new());
        }
        let reader = self.view(actor, Permission::AppView)?;
        let had = apps::applied_of(&reader, app.id).await?.map(|spec| spec.secrets).unwrap_or_default();
        let mut pending = Vec::new();
        for name in settings.secrets(app.environment()) {
            let row = secrets::by_name(&reader, app.project, name).await?;
            let has = |row: &SecretRow| had.iter().any(|var| var.secret == row.id && var.version == row.version);
            if !row.as_ref().is_some_and(has) {
                pending.push(name.clone());
            }
        }
        Ok(pending)
    }
}

async fn shown(reader: &sf_store::Reader, secret: SecretRow, all: &[User]) -> Result<SecretShown, Fault> {
    let updated_by = match secret.updated_by {
        Some(user) => users::get(reader, user).await.ok().map(|user| user.name),
        None => None,
    };
    let uses = |user: &&User| user.project == secret.project && user.secrets.contains(&secret.name);
    let used_by = all.iter().filter(uses).cloned().collect();
    Ok(SecretShown { secret, updated_by, used_by })
}
