//! Hooks as people see them: never their secrets.

use std::collections::HashMap;

use sf_actions::{Actor, Permission};
use sf_engine::Run;
use sf_store::hooks::{self, Delivery, Hook};
use sf_store::{Reader, apps, runs, users};
use sf_types::{AppId, Fault, Page, PageRequest, RunId};

use super::none;
use crate::control::Control;
use crate::receive::found;

/// A hook, with what decides what it takes.
#[derive(Clone, PartialEq, Debug)]
pub struct HookShown {
    /// The hook.
    pub hook: Hook,
    /// For whom it acts; `None` where they are gone.
    pub owner: Option<String>,
    /// Whether it still can: they are not suspended.
    pub is_armed: bool,
    /// The branch it waits for; the repository's default where `None`.
    pub branch: Option<String>,
}

/// A delivery, with the run that was opened for it.
#[derive(Clone, PartialEq, Debug)]
pub struct DeliveryShown {
    /// The delivery.
    pub delivery: Delivery,
    /// Its run, as far as it is to be seen.
    pub run: Option<Run>,
}

impl Control {
    /// The hook of an app, where it has one.
    ///
    /// # Errors
    /// No such app, no right, or the store cannot be read.
    pub async fn hook(&self, actor: &Actor, app: AppId) -> Result<Option<HookShown>, Fault> {
        self.shown_hook(self.view(actor, Permission::AppView)?, app).await
    }

    /// The hook that somebody has just set: its address is theirs to know, whether they may see the app or not.
    ///
    /// # Errors
    /// It is gone meanwhile, no right, or the store cannot be read.
    pub async fn hook_of(&self, actor: &Actor, app: AppId) -> Result<HookShown, Fault> {
        self.shown_hook(self.view(actor, Permission::AppDeploy)?, app).await?.ok_or_else(none)
    }

    async fn shown_hook(&self, reader: Reader, app: AppId) -> Result<Option<HookShown>, Fault> {
        let app = apps::get(&reader, app).await?;
        let Some(hook) = hooks::of_app(&reader, app.id).await? else { return Ok(None) };
        let owner = found(users::get(&reader, hook.owner).await)?;
        let is_armed = users::admitted(&reader, hook.owner).await?.is_some();
        let branch = hook.settings.0.branch.clone().or(app.settings.0.reference);
        Ok(Some(HookShown { owner: owner.map(|owner| owner.name), is_armed, branch, hook }))
    }

    /// What the hook of an app was sent, newest first.
    ///
    /// # Errors
    /// As [`Self::hook`], and when it has none.
    pub async fn hook_deliveries(
        &self,
        actor: &Actor,
        app: AppId,
        page: &PageRequest,
    ) -> Result<Page<DeliveryShown>, Fault> {
        let reader = self.view(actor, Permission::AppView)?;
        let app = apps::get(&reader, app).await?;
        let hook = hooks::of_app(&reader, app.id).await?.ok_or_else(none)?;
        let page = hooks::deliveries(&reader, hook.id, page).await?;
        let ids: Vec<RunId> = page.items.iter().filter_map(|delivery| delivery.run).collect();
        let opened: HashMap<RunId, Run> = runs::of_ids(&reader, &ids).await?;
        let shown = |delivery: Delivery| {
            let run = delivery.run.and_then(|run| opened.get(&run).cloned());
            DeliveryShown { delivery, run }
        };
        let items = page.items.into_iter().map(shown).collect();
        Ok(Page { items, next: page.next })
    }
}
