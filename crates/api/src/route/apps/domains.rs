//! Domains: names that lead to apps, served by nginx on the app's node.

use axum::extract::State;
use axum::response::Response;
use serde::Deserialize;
use sf_actions::Action;
use sf_actions::proxy::{Provision, ProxyAction, ProxyRef};
use sf_protocol::site::SiteSettings;
use sf_store::proxies::ProxyFilter;
use sf_types::{AppId, DomainName, NodeId, ProxyId};
use utoipa::{IntoParams, ToSchema};

use crate::body::{Asked, Id, Strict};
use crate::caller::Caller;
use crate::envelope::{Envelope, Result, ok, page};
use crate::fault::Problem;
use crate::route::{Write, ordered, page_request};
use crate::state::Api;
use crate::view::app::domain::{DomainSettings, DomainView};
use crate::view::run::RunOpened;

/// Which domains.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ListDomains {
    /// That lead to this app.
    #[param(value_type = Option<uuid::Uuid>)]
    app_id: Option<AppId>,
    /// On this machine.
    #[param(value_type = Option<uuid::Uuid>)]
    node_id: Option<NodeId>,
    /// With this in the name.
    q: Option<String>,
    /// Rows wanted, 1 to 200.
    limit: Option<u16>,
    /// Continue after this cursor.
    after: Option<String>,
}

/// A domain and the app it shall lead to.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ProvisionDomain {
    /// The app.
    #[schema(value_type = uuid::Uuid)]
    app_id: AppId,
    /// Its name: `shop.example.org`.
    #[schema(value_type = String)]
    domain: DomainName,
    /// How it is served, whole.
    #[serde(default)]
    #[schema(value_type = Option<DomainSettings>)]
    settings: SiteSettings,
    /// How sure whoever proposes it is, 0 to 100.
    #[serde(default)]
    confidence: Option<f64>,
}

/// How a domain shall be served.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ChangeDomain {
    /// How it is served, whole.
    #[schema(value_type = DomainSettings)]
    settings: SiteSettings,
    /// How sure whoever proposes it is, 0 to 100.
    #[serde(default)]
    confidence: Option<f64>,
}

/// Domains, newest first.
#[utoipa::path(get, path = "/api/v1/proxies", tag = "domains", operation_id = "listDomains", params(ListDomains),
    responses((status = 200, body = Envelope<Vec<DomainView>>)))]
pub async fn list(State(api): State<Api>, caller: Caller, Asked(query): Asked<ListDomains>) -> Result<Vec<DomainView>> {
    let filter = ProxyFilter { app: query.app_id, node: query.node_id, q: query.q };
    let found = api.control().proxies(&caller.actor, &filter, &page_request(query.limit, query.after)).await?;
    Ok(page(found, DomainView::from))
}

/// One domain, with its certificate.
#[utoipa::path(get, path = "/api/v1/proxies/{id}", tag = "domains", operation_id = "getDomain",
    params(("id" = uuid::Uuid, Path)), responses((status = 200, body = Envelope<DomainView>)))]
pub async fn get(State(api): State<Api>, caller: Caller, Id(proxy): Id<ProxyId>) -> Result<DomainView> {
    Ok(ok(DomainView::from(api.control().proxy(&caller.actor, proxy).await?)))
}

/// Has a domain lead to an app: nginx serves it, the node asks for its certificate and renews it. Where the domain leads to
/// this app already, it is changed; asked again, a certificate that could not be had is asked for at once.
#[utoipa::path(post, path = "/api/v1/proxies", tag = "domains", operation_id = "provisionDomain", params(Write),
    request_body = ProvisionDomain, responses((status = 202, body = Envelope<RunOpened>)))]
pub async fn provision(
    State(api): State<Api>,
    caller: Caller,
    Asked(write): Asked<Write>,
    Strict(body): Strict<ProvisionDomain>,
) -> std::result::Result<Response, Problem> {
    let ProvisionDomain { app_id: app, domain, settings, confidence } = body;
    let action = Action::Proxy(ProxyAction::Provision(Box::new(Provision { app, domain, settings })));
    ordered(&api, &caller, write, action, confidence).await
}

/// Changes how a domain is served; what was served before is served on if that fails.
#[utoipa::path(put, path = "/api/v1/proxies/{id}", tag = "domains", operation_id = "changeDomain",
    params(("id" = uuid::Uuid, Path), Write), request_body = ChangeDomain,
    responses((status = 202, body = Envelope<RunOpened>)))]
pub async fn change(
    State(api): State<Api>,
    caller: Caller,
    Id(proxy): Id<ProxyId>,
    Asked(write): Asked<Write>,
    Strict(body): Strict<ChangeDomain>,
) -> std::result::Result<Response, Problem> {
    let known = api.control().proxy(&caller.actor, proxy).await?.proxy;
    let provision = Provision { app: known.app, domain: known.domain, settings: body.settings };
    let action = Action::Proxy(ProxyAction::Provision(Box::new(provision)));
    ordered(&api, &caller, write, action, body.confidence).await
}

/// Has a domain lead nowhere; its certificate is deleted.
#[utoipa::path(delete, path = "/api/v1/proxies/{id}", tag = "domains", operation_id = "deleteDomain",
    params(("id" = uuid::Uuid, Path), Write), responses((status = 202, body = Envelope<RunOpened>)))]
pub async fn delete(
    State(api): State<Api>,
    caller: Caller,
    Id(proxy): Id<ProxyId>,
    Asked(write): Asked<Write>,
) -> std::result::Result<Response, Problem> {
    let action = Action::Proxy(ProxyAction::Delete(ProxyRef { proxy }));
    ordered(&api, &caller, write, action, None).await
}
