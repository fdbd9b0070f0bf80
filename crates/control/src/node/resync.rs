//! Bringing a node and its control plane back in step: a node that fell behind is told what should be true of its apps
//! (DESIRED_STATE, once a connection), a control plane that was restored asks before it orders anything.

use std::sync::Arc;

use sf_actions::Actor;
use sf_protocol::app::{AppSpec, AppState};
use sf_protocol::handshake::{SCHEDULES_SINCE, SECRETS_SINCE, SERVERS_SINCE, SITES_SINCE, VERSIONS};
use sf_protocol::order::{DesiredApp, DesiredState, Order};
use sf_protocol::outcome::AppFacts;
use sf_protocol::query::{AppReport, Query, Reply};
use sf_protocol::schedule::{ScheduleSpec, Whose};
use sf_protocol::site::SiteSpec;
use sf_protocol::{Guard, wire};
use sf_store::apps::{AppChange, Applied, Desired};
use sf_store::{Tx, apps, commands, nodes, proxies, releases, schedules};
use sf_types::{AppId, ErrorKind, Fault, NodeId, Scope};

use crate::control::{Control, Core};
use crate::dispatch::{self, Delivery, MAX_ORDER_BYTES};
use crate::receive::found;
use crate::transition::After;
use crate::{backlog, events, panel, speech};

/// Signs what should be true of a node's apps by its own last word on them. A node that holds it already changes
/// nothing; it can lower no generation.
pub(crate) async fn snapshot(tx: &mut Tx, core: &Arc<Core>, node: NodeId, after: &mut After) -> sf_store::Result<()> {
    let mut applied = apps::applied(tx, node).await?;
    if core.links.version(node).is_none_or(|version| version < SECRETS_SINCE) {
        // An older agent would refuse the whole snapshot for the sake of what it cannot read.
        applied.retain(|one| one.spec.secrets.is_empty());
    }
    let version = core.links.version(node).unwrap_or(VERSIONS.min);
    applied.retain_mut(|one| speech::fit_settings(&mut one.spec.build, version).is_ok());
    let knows_sites = core.links.version(node).is_some_and(|version| version >= SITES_SINCE);
    let sites = if knows_sites { proxies::served(tx, node).await? } else { Vec::new() };
    let knows_schedules = core.links.version(node).is_some_and(|version| version >= SCHEDULES_SINCE);
    let mut standing = if knows_schedules { schedules::standing(tx, node).await? } else { Vec::new() };
    let knows_servers = core.links.version(node).is_some_and(|version| version >= SERVERS_SINCE);
    standing.retain(|spec| knows_servers || matches!(spec.whose, Whose::App(_)));
    panel::heard::tell(tx, core, node, after).await?;
    if applied.is_empty() && sites.is_empty() && standing.is_empty() {
        return Ok(());
    }
    let tenant = nodes::get(tx, node).await?.tenant;
    for order in orders(applied, sites).into_iter().chain(of_schedules(standing)) {
        let authz = dispatch::own_authz(tx, tenant, None);
        let command = dispatch::sign(tx, core, authz, node, order, Guard::default()).await?;
        commands::insert(tx, &command)?;
        after.deliveries.push(Delivery { node, command: dispatch::numbered(&command) });
    }
    Ok(())
}

/// As few orders as hold all of them; one alone always fits, as its deploy did.
fn orders(applied: Vec<Applied>, sites: Vec<SiteSpec>) -> Vec<Order> {
    let mut orders = Vec::new();
    let (mut apps, mut bytes) = (Vec::new(), 0);
    for one in applied {
        let one = desired(one);
        let size = wire::write(&one).len() + 1;
        if bytes + size > MAX_ORDER_BYTES && !apps.is_empty() {
            orders
                .push(Order::DesiredState(DesiredState { apps: std::mem::take(&mut apps), ..DesiredState::default() }));
            bytes = 0;
        }
        bytes += size;
        apps.push(one);
    }
    if !apps.is_empty() {
        orders.push(Order::DesiredState(DesiredState { apps, ..DesiredState::default() }));
    }
    orders.extend(of_sites(sites));
    orders
}

/// The same of domains.
fn of_sites(sites: Vec<SiteSpec>) -> Vec<Order> {
    let mut orders = Vec::new();
    let (mut fitting, mut bytes) = (Vec::new(), 0);
    for one in sites {
        let size = wire::write(&one).len() + 1;
        if bytes + size > MAX_ORDER_BYTES && !fitting.is_empty() {
            let sites = std::mem::take(&mut fitting);
            orders.push(Order::DesiredState(DesiredState { sites, ..DesiredState::default() }));
            bytes = 0;
        }
        bytes += size;
        fitting.push(one);
    }
    if !fitting.is_empty() {
        orders.push(Order::DesiredState(DesiredState { sites: fitting, ..DesiredState::default() }));
    }
    orders
}

/// The same of schedules.
fn of_schedules(standing: Vec<ScheduleSpec>) -> Vec<Order> {
    let mut orders = Vec::new();
    let (mut fitting, mut bytes) = (Vec::new(), 0);
    for one in standing {
        let size = wire::write(&one).len() + 1;
        if bytes + size > MAX_ORDER_BYTES && !fitting.is_empty() {
            let schedules = std::mem::take(&mut fitting);
            orders.push(Order::DesiredState(DesiredState { schedules, ..DesiredState::default() }));
            bytes = 0;
        }
        bytes += size;
        fitting.push(one);
    }
    if !fitting.is_empty() {
        orders.push(Order::DesiredState(DesiredState { schedules: fitting, ..DesiredState::default() }));
    }
    orders
}

fn desired(Applied { spec, generation, desired, live }: Applied) -> DesiredApp {
    let state = match desired {
        Desired::Running => AppState::Running,
        Desired::Stopped => AppState::Stopped,
    };
    DesiredApp { spec: AppSpec { generation, ..spec }, release: Some(live), state }
}

/// What an app shall do from here on, by how its node says that it is.
pub(crate) const fn desired_of(state: AppState) -> Option<Desired> {
    match state {
        AppState::Empty => None,
        AppState::Stopping | AppState::Stopped => Some(Desired::Stopped),
        AppState::Starting | AppState::Running | AppState::Crashed | AppState::Failed => Some(Desired::Running),
    }
}

/// What a node's facts about an app change here.
pub(crate) fn change_of(facts: &AppFacts) -> AppChange {
    AppChange {
        state: Some(facts.state),
        live_release: Some(facts.live_release),
        stable_port: facts.port.map(Some),
        generation: Some(facts.generation),
        desired: desired_of(facts.state),
        ..AppChange::default()
    }
}

impl Control {
    /// Asks a node about its apps, takes over what is newer there, and then orders what has waited. If the node goes
    /// away meanwhile, its next connection does it again.
    pub(crate) fn learn(&self, node: NodeId) {
        let control = self.clone();
        self.core().tasks.spawn("learn from a node", sf_runtime::OnError::Log, async move {
            let reports = control.ask_about_apps(node).await?;
            let core = control.core().clone();
            let after = core
                .store
                .clone()
                .write(Scope::System, move |tx| {
                    Box::pin(async move {
                        for (app, AppReport { facts, kept, .. }) in &reports {
                            apps::heard(tx, *app, &change_of(facts));
                            releases::settle_all(tx, *app, facts.live_release, kept).await?;
                            let row = found(apps::get(tx, *app).await)?;
                            let told = row.map(|row| events::app_changed(row.tenant, Some(row.project), *app));
                            told.into_iter().for_each(|event| tx.publish(event));
                        }
                        let mut after = After::default();
                        backlog::waiting(tx, &core, node, &mut after).await?;
                        Ok(after)
                    })
                })
                .await?;
            control.deliver(after);
            Ok::<(), Fault>(())
        });
    }

    async fn ask_about_apps(&self, node: NodeId) -> Result<Vec<(AppId, AppReport)>, Fault> {
        let core = self.core();
        let reader = core.store.read(Scope::System);
        let row = nodes::get(&reader, node).await?;
        let mut reports = Vec::new();
        for app in apps::of_node(&reader, node).await? {
            let request = core.rng.id(&core.clock);
            match self.ask(&Actor::system(row.tenant), request, &row, Query::App { app: app.id }).await {
                Ok(Reply::App(report)) => reports.push((app.id, *report)),
                // It was made here and never deployed there.
                Err(fault) if fault.kind == ErrorKind::NotFound => {}
                Ok(_) => {}
                Err(fault) => return Err(fault),
            }
        }
        Ok(reports)
    }
}

#[cfg(test)]
mod tests {
    use sf_actions::app::Settings;
    use sf_types::{ReleaseId, Timestamp, TypedId};

    use super::*;

    fn applied(n: u8, padding: usize) -> Applied {
        let live = ReleaseId::from_parts(Timestamp::from_millis(1), [n; 10]);
        let facts = sf_engine::plan::AppFacts {
            app: AppId::from_parts(Timestamp::from_millis(1), [n; 10]),
            slug: "shop".parse().unwrap(),
            settings: Settings::of("https://git.example.org/shop"),
            generation: 1,
            live: None,
            kept: Vec::new(),
            site: None,
            environment: sf_actions::Environment::Production,
            schedule: None,
        };
        let mut spec = sf_engine::plan::app_spec(&facts);
        spec.build.start = Some(vec!["x".repeat(padding)]);
        Applied { spec, generation: 7, desired: Desired::Running, live }
    }

    #[test]
    fn a_snapshot_is_split_so_that_each_part_fits_and_none_is_lost() {
        for (count, padding, parts) in [(1, 10, 1), (40, 10, 1), (5, 20_000, 3), (3, MAX_ORDER_BYTES - 2_000, 3)] {
            let orders = orders((0..count).map(|n| applied(n, padding)).collect(), Vec::new());
            assert_eq!(orders.len(), parts, "{count} of {padding}");
            let mut apps = 0;
            for order in &orders {
                assert!(wire::write(order).len() < sf_protocol::wire::MAX_BODY_BYTES - 1024);
                let Order::DesiredState(desired) = order else { panic!("{order:?}") };
                assert!(desired.apps.iter().all(|one| one.spec.generation == 7));
                apps += desired.apps.len();
            }
            assert_eq!(apps, usize::from(count));
        }
    }
}
