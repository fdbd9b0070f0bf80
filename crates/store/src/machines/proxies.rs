//! Domains: what each shall be, and how it is by its node's word.

use sf_protocol::site::{CertificateState, SiteReport, SiteSettings, SiteSpec};
use sf_types::{AppId, DomainName, NodeId, Page, PageRequest, ProjectId, ProxyId, TenantId, Timestamp};

use crate::apps::App;
use crate::row::{Column, Field, Json, row, words};
use crate::seen::Places;
use crate::sql::{Sql, containing, insert, page_of};
use crate::tx::{Look, Tx};
use crate::{Result, StoreError};

/// Domains of an app at the most.
pub const MAX_PER_APP: u64 = 200;

words! {
    /// How a domain is.
    pub enum ProxyState {
        /// Its node has not said a word of it yet.
        Pending = "pending",
        /// It is served as it was last taken.
        Live = "live",
        /// It is not served; the reason says why.
        Failed = "failed",
    }
}

row! {
    /// A domain that leads to an app.
    pub struct Proxy in "proxies" {
        /// Its id.
        id: ProxyId,
        /// Whose.
        tenant: TenantId = "tenant_id",
        /// In which project.
        project: ProjectId = "project_id",
        /// On which machine.
        node: NodeId = "node_id",
        /// The app it leads to.
        app: AppId = "app_id",
        /// Its name.
        domain: DomainName,
        /// How it shall be served.
        settings: Json<SiteSettings>,
        /// Raised by every order.
        generation: u64,
        /// How it is.
        state: ProxyState,
        /// Why the last order failed, where it did.
        reason: Option<String>,
        /// As its node has last taken it.
        served: Option<Json<SiteSpec>>,
        /// Its certificate, as last heard.
        certificate: Option<Json<CertificateState>>,
        /// When it was made.
        created_at: Timestamp,
        /// When it last changed.
        updated_at: Timestamp,
    }
}

row! {
    struct NameRow in "proxy_names" {
        name: DomainName,
        proxy: ProxyId = "proxy_id",
        tenant: TenantId = "tenant_id",
    }
}

const SEEN: Places = Places { project: "project_id", node: Some("node_id"), app: Some("app_id"), server: None };

/// Which domains.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct ProxyFilter {
    /// That lead to this app.
    pub app: Option<AppId>,
    /// On this machine.
    pub node: Option<NodeId>,
    /// With this in the name.
    pub q: Option<String>,
}

/// A domain inside the scope.
///
/// # Errors
/// [`StoreError::NotFound`].
pub async fn get(at: &impl Look, id: ProxyId) -> Result<Proxy> {
    Sql::select::<Proxy>().and("id = ?", &id).scoped(at.scope()).seen(at, &SEEN).get(at, "domain").await
}

/// Domains inside the scope, newest first.
///
/// # Errors
/// A bad cursor; when the database fails.
pub async fn page(at: &impl Look, filter: &ProxyFilter, page: &PageRequest) -> Result<Page<Proxy>> {
    let mut sql = Sql::select::<Proxy>().scoped(at.scope()).seen(at, &SEEN);
    sql = sql.and_some("app_id = ?", filter.app.as_ref()).and_some("node_id = ?", filter.node.as_ref());
    if let Some(q) = &filter.q {
        sql = sql.with(" AND domain LIKE ? ESCAPE '\\'", containing(q));
    }
    Ok(page_of(sql.page(page)?.all(at).await?, page, |proxy: &Proxy| proxy.id.uuid()))
}

/// The domains that lead to an app, by name.
///
/// # Errors
/// When the database fails.
pub async fn of_app(at: &impl Look, app: AppId) -> Result<Vec<Proxy>> {
    Sql::select::<Proxy>().and("app_id = ?", &app).scoped(at.scope()).push(" ORDER BY domain").all(at).await
}

/// What a node's domains are by its own last word.
///
/// # Errors
/// When the database fails.
pub async fn served(at: &impl Look, node: NodeId) -> Result<Vec<SiteSpec>> {
    let sql = Sql::select::<Proxy>().and("node_id = ?", &node).push(" AND served IS NOT NULL").scoped(at.scope());
    let rows: Vec<Proxy> = sql.push(" ORDER BY id").all(at).await?;
    Ok(rows.into_iter().filter_map(|row| row.served).map(|Json(spec)| spec).collect())
}

/// The domain of an app by its name: what an order about it changes.
///
/// # Errors
/// When the database fails.
pub async fn named(at: &impl Look, app: AppId, domain: &DomainName) -> Result<Option<Proxy>> {
    let sql = Sql::select::<Proxy>().and("app_id = ?", &app).and("domain = ?", domain);
    sql.scoped(at.scope()).find(at).await
}

/// Whose these names are, of those that are not `of`'s. Looks beyond the scope: a name is one domain's, whoever asks; only
/// that it is taken is told.
///
/// # Errors
/// When the database fails.
pub async fn taken(at: &impl Look, names: &[DomainName], of: Option<ProxyId>) -> Result<Option<DomainName>> {
    for name in names {
        let row: Option<NameRow> = Sql::select::<NameRow>().and("name = ?", name).find(at).await?;
        if row.is_some_and(|row| Some(row.proxy) != of) {
            return Ok(Some(name.clone()));
        }
    }
    Ok(None)
}

/// How many domains lead to an app.
///
/// # Errors
/// When the database fails.
pub async fn count_of_app(at: &impl Look, app: AppId) -> Result<u64> {
    let sql = Sql::new("SELECT count(*) FROM proxies WHERE TRUE").and("app_id = ?", &app);
    Ok(sql.scoped(at.scope()).scalar(at).await?.unwrap_or(0))
}

/// Writes down how a domain shall be, for an order that is signed in this transaction: it is made where it is not there, and its
/// generation is raised. Its names are its own from here on; those it had keep until the node has let go of them.
///
/// # Errors
/// [`StoreError::Taken`] when a name is another domain's.
pub async fn order(tx: &mut Tx, app: &App, domain: &DomainName, settings: &SiteSettings) -> Result<Proxy> {
    let proxy = match named(tx, app.id, domain).await? {
        Some(known) => {
            let set =
                Sql::new("UPDATE proxies SET generation = generation + 1").with(", updated_at = ?", tx.now.as_millis());
            let set = set.with(", settings = ?", Json(settings.clone()).to_raw()).push(" WHERE TRUE");
            set.and("id = ?", &known.id).scoped(tx.scope()).run_one(tx, "domain").await?;
            Proxy { generation: known.generation + 1, settings: Json(settings.clone()), updated_at: tx.now, ..known }
        }
        None => {
            tx.own("domain", app.tenant, Some(app.project))?;
            let proxy = Proxy {
                id: tx.new_id(),
                tenant: app.tenant,
                project: app.project,
                node: app.node,
                app: app.id,
                domain: domain.clone(),
                settings: Json(settings.clone()),
                generation: 1,
                state: ProxyState::Pending,
                reason: None,
                served: None,
                certificate: None,
                created_at: tx.now,
                updated_at: tx.now,
            };
            insert(tx, &proxy).await?;
            proxy
        }
    };
    for name in std::iter::once(domain).chain(&settings.aliases) {
        let had: Option<NameRow> = Sql::select::<NameRow>().and("name = ?", name).find(tx).await?;
        match had {
            Some(row) if row.proxy == proxy.id => {}
            Some(_) => return Err(StoreError::Taken("domain".to_owned())),
            None => insert(tx, &NameRow { name: name.clone(), proxy: proxy.id, tenant: proxy.tenant }).await?,
        }
    }
    Ok(proxy)
}

/// What an order came to, by its node's word.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Heard {
    /// As the node has taken it, where it has.
    pub served: Option<SiteSpec>,
    /// How it is now; `None` when the node does not have it.
    pub report: Option<SiteReport>,
    /// Why the order failed, where it did.
    pub reason: Option<String>,
}

/// Writes down what its node says of a domain. A domain that is gone meanwhile is no fault.
///
/// # Errors
/// When the database fails.
pub async fn heard(tx: &mut Tx, id: ProxyId, heard: &Heard) -> Result<Option<Proxy>> {
    let found: Option<Proxy> = Sql::select::<Proxy>().and("id = ?", &id).scoped(tx.scope()).find(tx).await?;
    let Some(mut proxy) = found else { return Ok(None) };
    proxy.state = if heard.report.is_some() { ProxyState::Live } else { ProxyState::Failed };
    proxy.reason.clone_from(&heard.reason);
    if let Some(served) = &heard.served {
        proxy.served = Some(Json(served.clone()));
        release_names(tx, &proxy, served).await?;
    }
    proxy.certificate = heard.report.as_ref().map(|report| Json(report.certificate.clone()));
    proxy.updated_at = tx.now;
    let set = Sql::new("UPDATE proxies SET state = ")
        .with("?", proxy.state.word())
        .with(", reason = ?", proxy.reason.value());
    let set = set.with(", served = ?", proxy.served.value()).with(", certificate = ?", proxy.certificate.value());
    let set = set.with(", updated_at = ?", tx.now.as_millis()).push(" WHERE TRUE");
    set.and("id = ?", &id).scoped(tx.scope()).run_one(tx, "domain").await?;
    Ok(Some(proxy))
}

/// Names that its node serves no more, and that it shall not serve, are anybody's again.
async fn release_names(tx: &Tx, proxy: &Proxy, served: &SiteSpec) -> Result<()> {
    let rows: Vec<NameRow> = Sql::select::<NameRow>().and("proxy_id = ?", &proxy.id).all(tx).await?;
    let wanted = |name: &DomainName| {
        *name == proxy.domain || proxy.settings.0.aliases.contains(name) || served.names().any(|one| one == name)
    };
    for row in rows.into_iter().filter(|row| !wanted(&row.name)) {
        Sql::new("DELETE FROM proxy_names WHERE TRUE").and("name = ?", &row.name).run(tx).await?;
    }
    Ok(())
}

/// A certificate changed by itself.
///
/// # Errors
/// When the database fails.
pub async fn certified(tx: &mut Tx, node: NodeId, report: &SiteReport) -> Result<Option<Proxy>> {
    let sql = Sql::select::<Proxy>().and("id = ?", &report.proxy).and("node_id = ?", &node);
    let found: Option<Proxy> = sql.scoped(tx.scope()).find(tx).await?;
    let Some(proxy) = found else { return Ok(None) };
    let certificate = Json(report.certificate.clone());
    let set = Sql::new("UPDATE proxies SET certificate = ").with("?", certificate.to_raw());
    let set = set.with(", updated_at = ?", tx.now.as_millis()).push(" WHERE TRUE");
    set.and("id = ?", &proxy.id).scoped(tx.scope()).run_one(tx, "domain").await?;
    Ok(Some(Proxy { certificate: Some(certificate), ..proxy }))
}

/// Deletes a domain: its node serves it no more.
///
/// # Errors
/// When the database fails.
pub async fn delete(tx: &mut Tx, id: ProxyId) -> Result<()> {
    Sql::new("DELETE FROM proxy_names WHERE TRUE").and("proxy_id = ?", &id).tenant_scoped(tx.scope()).run(tx).await?;
    Sql::new("DELETE FROM proxies WHERE TRUE").and("id = ?", &id).scoped(tx.scope()).run(tx).await?;
    Ok(())
}

/// Deletes the domains of an app that its node has removed.
///
/// # Errors
/// When the database fails.
pub async fn delete_of_app(tx: &mut Tx, app: AppId) -> Result<()> {
    for proxy in of_app(tx, app).await? {
        delete(tx, proxy.id).await?;
    }
    Ok(())
}
