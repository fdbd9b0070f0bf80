//! Previews as people see them.

use sf_actions::{Actor, Permission};
use sf_protocol::app::AppState;
use sf_store::apps::App;
use sf_store::previews::{self, Preview, Wanted};
use sf_store::proxies::{self, Proxy};
use sf_store::{apps, users};
use sf_types::{AppId, Fault};

use crate::control::Control;
use crate::receive::found;

/// What an app has previews of, and those there are.
#[derive(Clone, PartialEq, Debug)]
pub struct PreviewsShown {
    /// What it has previews of; `None` where it has none.
    pub wanted: Option<Wanted>,
    /// For whom their domains are served; `None` where they are gone.
    pub owner: Option<String>,
    /// Those there are, the one that was pushed last first.
    pub previews: Vec<PreviewShown>,
}

/// A preview, with how it is.
#[derive(Clone, PartialEq, Debug)]
pub struct PreviewShown {
    /// The preview.
    pub preview: Preview,
    /// The app that it is.
    pub app: App,
    /// Its domain, as its node has it.
    pub site: Option<Proxy>,
}

impl PreviewShown {
    /// Whether somebody who opens its address sees it.
    pub fn is_served(&self) -> bool {
        self.site.as_ref().is_some_and(|site| site.state == proxies::ProxyState::Live)
            && self.app.state == AppState::Running
    }
}

impl Control {
    /// The previews of an app.
    ///
    /// # Errors
    /// No such app, no right, or the store cannot be read.
    pub async fn previews(&self, actor: &Actor, app: AppId) -> Result<PreviewsShown, Fault> {
        let reader = self.view(actor, Permission::AppView)?;
        let app = apps::get(&reader, app).await?;
        let wanted = previews::wanted(&reader, app.id).await?;
        let owner = match &wanted {
            Some(wanted) => found(users::get(&reader, wanted.owner).await)?.map(|owner| owner.name),
            None => None,
        };
        let mut shown = Vec::new();
        for preview in previews::of_app(&reader, app.id).await? {
            // Deleted meanwhile.
            let Some(app) = found(apps::get(&reader, preview.app).await)? else { continue };
            let site = proxies::named(&reader, app.id, &preview.domain).await?;
            shown.push(PreviewShown { preview, app, site });
        }
        Ok(PreviewsShown { wanted, owner, previews: shown })
    }

    /// The preview that an app is; `None` for an ordinary one.
    ///
    /// # Errors
    /// As [`Self::previews`].
    pub async fn branch_preview(&self, actor: &Actor, app: AppId) -> Result<Option<PreviewShown>, Fault> {
        let reader = self.view(actor, Permission::AppView)?;
        let app = apps::get(&reader, app).await?;
        let Some(preview) = previews::find(&reader, app.id).await? else { return Ok(None) };
        let site = proxies::named(&reader, app.id, &preview.domain).await?;
        Ok(Some(PreviewShown { preview, app, site }))
    }
}
