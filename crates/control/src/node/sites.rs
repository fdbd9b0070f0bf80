//! Domains between their rows and their nodes: what an order about one needs, and what its node's word changes.

use sf_actions::Action;
use sf_actions::proxy::{Provision, ProxyAction};
use sf_engine::Run;
use sf_protocol::handshake::SITES_SINCE;
use sf_protocol::order::Order;
use sf_protocol::site::{SiteReport, SiteSpec};
use sf_protocol::{Outcome, Verdict};
use sf_store::proxies::{self, Heard};
use sf_store::{Look, StoreError, Tx, apps, previews};
use sf_types::{DomainName, ErrorKind, Fault, NodeId, ProxyId};

use crate::control::Core;
use crate::events;
use crate::receive::found;

/// The domain an action is about, with the generation that an order would give it; `None` for other actions. What cannot be
/// ordered is refused: a name that is somebody's, an app elsewhere, an agent that knows no domains.
pub(crate) async fn foreseen(
    at: &impl Look,
    core: &Core,
    action: &Action,
    app: &apps::App,
) -> sf_store::Result<Result<Option<(ProxyId, u64)>, Fault>> {
    let wanted = match action {
        Action::Proxy(ProxyAction::Provision(wanted)) => wanted,
        Action::Proxy(ProxyAction::Delete(gone)) => {
            let row = proxies::get(at, gone.proxy).await?;
            return Ok(Ok(Some((row.id, row.generation + 1))));
        }
        _ => return Ok(Ok(None)),
    };
    // A node that is away is asked when it is back.
    if core.links.version(app.node).is_some_and(|version| version < SITES_SINCE) {
        return Ok(Err(too_old()));
    }
    for route in &wanted.settings.routes {
        let there = found(apps::get(at, route.app).await)?.filter(|other| other.node == app.node);
        if there.is_none_or(|other| other.tenant != app.tenant) {
            return Ok(Err(elsewhere(wanted, route.path.as_str())));
        }
    }
    let preview = previews::find(at, app.id).await?;
    if let Some(preview) = &preview
        && (preview.domain != wanted.domain || !wanted.settings.aliases.is_empty())
    {
        return Ok(Err(not_its_own(&preview.domain)));
    }
    let known = proxies::named(at, app.id, &wanted.domain).await?;
    let names: Vec<_> = std::iter::once(&wanted.domain).chain(&wanted.settings.aliases).cloned().collect();
    if let Some(name) = proxies::taken(at, &names, known.as_ref().map(|row| row.id)).await? {
        return Ok(Err(taken(&name)));
    }
    for name in names.iter().filter(|_| preview.is_none()) {
        // A preview that is not served yet has its name already.
        if previews::is_named(at, name).await? {
            return Ok(Err(taken(name)));
        }
    }
    if known.is_none() && proxies::count_of_app(at, app.id).await? >= proxies::MAX_PER_APP {
        let message = format!("`{}` has {} domains already.", app.name, proxies::MAX_PER_APP);
        return Ok(Err(Fault::new(ErrorKind::Conflict, "proxy.too_many", message).fix("Remove one first.")));
    }
    let (id, generation) = known.map_or((ProxyId::from_uuid(uuid::Uuid::nil()), 0), |row| (row.id, row.generation));
    Ok(Ok(Some((id, generation + 1))))
}

/// The same in the transaction that signs the order: the domain's row is written, its names are its own.
pub(crate) async fn ordered(
    tx: &mut Tx,
    core: &Core,
    action: &Action,
    app: &apps::App,
) -> sf_store::Result<Result<Option<(ProxyId, u64)>, Fault>> {
    let site = match foreseen(tx, core, action, app).await? {
        Ok(Some(site)) => site,
        other => return Ok(other),
    };
    let Action::Proxy(ProxyAction::Provision(wanted)) = action else { return Ok(Ok(Some(site))) };
    match proxies::order(tx, app, &wanted.domain, &wanted.settings).await {
        Ok(row) => Ok(Ok(Some((row.id, row.generation)))),
        Err(StoreError::Taken(_)) => Ok(Err(taken(&wanted.domain))),
        Err(error) => Err(error),
    }
}

/// What its node says of a domain after an order about it.
pub(crate) async fn heard(
    tx: &mut Tx,
    run: &Run,
    report: Option<&SiteReport>,
    ordered: Option<&Order>,
    outcome: &Outcome,
) -> sf_store::Result<()> {
    let succeeded = outcome.verdict == Verdict::Succeeded;
    match ordered {
        Some(Order::ProvisionDomain(order)) => {
            let reason = outcome.fault.as_ref().map(|fault| fault.message.clone());
            let served: Option<SiteSpec> = succeeded.then(|| order.site.clone());
            let heard = Heard { served, report: report.cloned(), reason };
            proxies::heard(tx, order.site.proxy, &heard).await?;
        }
        Some(Order::DeleteProxy(order)) if succeeded => proxies::delete(tx, order.proxy).await?,
        _ => {}
    }
    if let Some(app) = run.app {
        tx.publish(events::app_changed(run.tenant, run.project, app));
    }
    Ok(())
}

/// What a node tells by itself: a certificate was renewed, or could not be.
pub(crate) async fn told(tx: &mut Tx, node: NodeId, report: &SiteReport) -> sf_store::Result<()> {
    if let Some(row) = proxies::certified(tx, node, report).await? {
        tx.publish(events::app_changed(row.tenant, Some(row.project), row.app));
    }
    Ok(())
}

fn too_old() -> Fault {
    let message = "The agent of this app's node is too old to serve domains.";
    Fault::new(ErrorKind::Conflict, "proxy.agent_too_old", message).fix("Update the agent on that machine.")
}

fn taken(name: &DomainName) -> Fault {
    let message = format!("{name} leads to an app already.");
    Fault::new(ErrorKind::Conflict, "proxy.domain_taken", message).fix("Remove it there first, or choose another name.")
}

fn not_its_own(domain: &DomainName) -> Fault {
    let message = format!("This app is a preview, and a preview has one domain: {domain}.");
    Fault::new(ErrorKind::Conflict, "proxy.preview", message).fix("Have other domains lead to an app that stays.")
}

fn elsewhere(wanted: &Provision, path: &str) -> Fault {
    let message = format!("{}{path} should lead to an app that is not on the same node.", wanted.domain);
    Fault::new(ErrorKind::Invalid, "proxy.app_elsewhere", message).fix("Choose an app of the same node.")
}
