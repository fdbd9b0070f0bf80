//! Domains as people see them.

use sf_actions::{Actor, Permission};
use sf_store::apps;
use sf_store::proxies::{self, Proxy, ProxyFilter};
use sf_types::{Fault, Page, PageRequest, ProxyId, Slug};

use crate::control::Control;
use crate::receive::found;

/// A domain with the name of its app.
#[derive(Clone, PartialEq, Debug)]
pub struct ProxyShown {
    /// The domain.
    pub proxy: Proxy,
    /// What its app is called.
    pub app: Option<Slug>,
}

impl Control {
    /// Domains of the tenant.
    ///
    /// # Errors
    /// No right, or the store cannot be read.
    pub async fn proxies(
        &self,
        actor: &Actor,
        filter: &ProxyFilter,
        page: &PageRequest,
    ) -> Result<Page<ProxyShown>, Fault> {
        let reader = self.view(actor, Permission::ProxyView)?;
        let found_page = proxies::page(&reader, filter, page).await?;
        let mut items = Vec::with_capacity(found_page.items.len());
        for proxy in found_page.items {
            let app = found(apps::get(&reader, proxy.app).await)?.map(|app| app.name);
            items.push(ProxyShown { proxy, app });
        }
        Ok(Page { items, next: found_page.next })
    }

    /// One domain.
    ///
    /// # Errors
    /// Not there, no right, or the store cannot be read.
    pub async fn proxy(&self, actor: &Actor, proxy: ProxyId) -> Result<ProxyShown, Fault> {
        let reader = self.view(actor, Permission::ProxyView)?;
        let proxy = proxies::get(&reader, proxy).await?;
        let app = found(apps::get(&reader, proxy.app).await)?.map(|app| app.name);
        Ok(ProxyShown { proxy, app })
    }
}
