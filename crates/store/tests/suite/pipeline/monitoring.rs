//! Samples and history of servers, and what rules raise about them.

use sf_actions::alert::{Comparison, Metric, RuleScope, RuleSettings, Threshold};
use sf_protocol::report::{NodeSample, SystemLog};
use sf_protocol::server::{ServerSample, ServerState};
use sf_store::alert_rules::{self, AlertRule, NewRule};
use sf_store::alerts::{self, AlertFilter, ClearedBy, Raised};
use sf_store::metrics::tier::KeptFor;
use sf_store::metrics::{self, Range, Subjects};
use sf_store::servers::{self, Placed};
use sf_store::{Scope, StoreError};
use sf_types::{PageRequest, ServerId, Timestamp};

use super::panel;
use crate::fixture::{Side, World};
use crate::write;

const SETTINGS: RuleSettings = RuleSettings {
    metric: Metric::Memory,
    comparison: Comparison::Above,
    threshold: Threshold::Percent(90),
    for_secs: 60,
    margin_percent: 10,
    cooldown_secs: 600,
    enabled: true,
};

fn sample(server: ServerId, memory: u64, net: Option<u64>) -> ServerSample {
    ServerSample {
        server,
        state: ServerState::Running,
        cpu_permille: 250,
        memory,
        processes: 3,
        disk: 40,
        net_received: net,
        net_sent: net,
        uptime_ms: 5_000,
    }
}

async fn takes(world: &World, side: Side, at: Timestamp, servers: &[ServerSample]) {
    let (node, apps) = (NodeSample::default(), Vec::new());
    let log = SystemLog { at, node, apps, servers: servers.to_vec(), held: None };
    write!(world.store, Scope::System, |tx| metrics::append(tx, side.node, std::slice::from_ref(&log)).await).unwrap();
}

async fn two_servers(world: &World) -> (ServerId, ServerId) {
    let (a, b) = (world.a, world.b);
    let (alt_a, alt_b) = (panel::alt(world, a).await, panel::alt(world, b).await);
    let ours = panel::server(world, a, alt_a, "tiny").await.unwrap();
    (ours, panel::server(world, b, alt_b, "theirs").await.unwrap())
}

pub async fn servers_are_sampled_and_folded_as_apps_are(world: World) {
    let (a, now) = (world.a, world.now());
    let (ours, theirs) = two_servers(&world).await;
    let from = Timestamp::from_millis(now.as_millis() / 3_600_000 * 3_600_000 - 3_600_000);
    for n in 0..120_i64 {
        let at = Timestamp::from_millis(from.as_millis() + n * 30_000);
        let (memory, net) = if n == 17 { (900, Some(30_000)) } else { (100, Some(300)) };
        // A node that speaks of another's server is not believed, and one told twice counts once.
        let both = [sample(ours, memory, net), sample(theirs, 1, None)];
        for _ in 0..2 {
            takes(&world, a, at, &both).await;
        }
    }
    let range = Range { from, to: Timestamp::from_millis(from.as_millis() + 3_600_000), points: 1 };
    let read =
        async |side: Side, server| metrics::of_server(&world.reader(side), server, range, KeptFor::default()).await;
    let before = read(a, ours).await.unwrap();
    let point = before.points[0];
    assert_eq!((point.samples, point.up, point.has_network), (120, 120, true));
    assert_eq!((point.memory.low, point.memory.high, point.memory.mean(120)), (100, 900, 106));
    assert_eq!((point.received.sum, point.received.high), (119 * 300 + 30_000, 1_000));
    while write!(world.store, Scope::System, |tx| metrics::fold(tx, Subjects::Servers, 50).await).unwrap() > 0 {}
    assert_eq!(read(a, ours).await.unwrap(), before, "folding changes no answer");
    assert!(read(world.b, theirs).await.unwrap().points.is_empty(), "it is on another node");
    assert!(matches!(read(world.b, ours).await, Err(StoreError::NotFound(_))));

    let latest = metrics::server::latest(&world.reader(a)).await.unwrap();
    assert_eq!((latest.len(), latest[&ours].sample.memory, latest[&ours].since_ms), (1, 100, Some(30_000)));
    assert!(metrics::server::latest(&world.reader(world.b)).await.unwrap().is_empty());
    let last = latest[&ours].at;
    let (system, minute) = (world.system(), Timestamp::from_millis(last.as_millis() - 60_000));
    assert_eq!(metrics::server::between(&system, ours, minute, last).await.unwrap().len(), 3);
    let before = metrics::server::before(&world.system(), a.node, last).await.unwrap();
    assert_eq!(before[&ours].as_millis(), last.as_millis() - 30_000);
}

async fn rule(world: &World, side: Side, name: &str, scope: RuleScope) -> sf_store::Result<AlertRule> {
    let name = name.parse().unwrap();
    write!(world.store, side.scope(), |tx| {
        let new = NewRule { name, scope, project: Some(side.project), settings: SETTINGS, by: None };
        alert_rules::create(tx, side.tenant, new).await
    })
}

async fn placed(world: &World, side: Side) -> Placed {
    servers::placed_on(&world.system(), side.node).await.unwrap().remove(0)
}

pub async fn rules_and_alerts_are_one_teams(world: World) {
    let (a, b) = (world.a, world.b);
    let (ours, theirs) = two_servers(&world).await;
    let team = rule(&world, a, "team", RuleScope::Team).await.unwrap();
    let one = rule(&world, a, "one", RuleScope::Server(ours)).await.unwrap();
    assert!(matches!(rule(&world, a, "one", RuleScope::Team).await, Err(StoreError::Taken(_))));
    let other = rule(&world, b, "one", RuleScope::Team).await.unwrap();
    let (mine, strange) = (placed(&world, a).await, placed(&world, b).await);
    assert_eq!((mine.id, strange.id), (ours, theirs));
    assert!(team.covers(&mine) && one.covers(&mine) && !team.covers(&strange) && !other.covers(&mine));
    assert_eq!((team.scope(), one.scope()), (RuleScope::Team, RuleScope::Server(ours)));
    let in_project = rule(&world, a, "project", RuleScope::Project(a.project)).await.unwrap();
    let on_node = rule(&world, a, "node", RuleScope::Node(a.node)).await.unwrap();
    let of_alt = rule(&world, a, "alt", RuleScope::Alt(mine.alt)).await.unwrap();
    assert!([&in_project, &on_node, &of_alt].iter().all(|rule| rule.covers(&mine) && !rule.covers(&strange)));

    // Whoever is let see one server sees its rule, and not those of all others.
    let sight = sf_types::Sight::of([sf_types::Seen { servers: vec![ours], ..Default::default() }]);
    let narrow = world.reader(a).seeing(sight);
    let names = alert_rules::page(&narrow, &PageRequest::default()).await.unwrap().items;
    assert_eq!(names.iter().map(|rule| rule.name.as_str()).collect::<Vec<_>>(), ["one"]);
    assert!(matches!(alert_rules::get(&world.reader(b), one.id).await, Err(StoreError::NotFound(_))));

    let raised = Raised { since: world.now(), line: 90, value: 95 };
    let raise = async |one: AlertRule, mine: Placed| {
        write!(world.store, Scope::System, |tx| alerts::raise(tx, &one, &mine, raised).await)
    };
    let alert = raise(one.clone(), mine.clone()).await.unwrap();
    assert!(matches!(raise(one.clone(), mine).await, Err(StoreError::Taken(_))), "it is raised once");
    let one = one.id;
    assert_eq!(alerts::open(&narrow, 10).await.unwrap().len(), 1);
    assert!(alerts::open(&world.reader(b), 10).await.unwrap().is_empty());
    assert!(matches!(alerts::get(&world.reader(b), alert.id).await, Err(StoreError::NotFound(_))));
    assert_eq!(alerts::count_by_rule(&world.reader(a)).await.unwrap()[&one], 1);
    world.pass(1_000);
    write!(world.store, Scope::System, |tx| alerts::peaked(tx, alert.id, 99).await).unwrap();
    write!(world.store, Scope::System, |tx| alerts::clear(tx, alert.id, ClearedBy::Back).await).unwrap();
    let last = alerts::last_ended(&world.system(), one, ours).await.unwrap().unwrap();
    assert_eq!(
        (last.id, last.peak, last.cleared_at, last.cleared_by),
        (alert.id, 99, Some(world.now()), Some(ClearedBy::Back))
    );
    write!(world.store, Scope::System, |tx| alerts::reopen(tx, alert.id).await).unwrap();
    assert_eq!(alerts::open_of_node(&world.system(), a.node).await.unwrap()[&(one, ours)].id, alert.id);

    // A rule and a server can go; what was stays, with their names.
    write!(world.store, a.scope(), |tx| {
        alerts::clear_of_server(tx, ours).await?;
        alert_rules::delete(tx, one).await?;
        servers::delete(tx, ours).await
    })
    .unwrap();
    let ended = AlertFilter { open: Some(false), server: Some(ours), rule: None };
    let history = alerts::page(&world.reader(a), &ended, &PageRequest::default()).await.unwrap().items;
    assert_eq!((history[0].server_name.as_str(), history[0].cleared_by), ("tiny", Some(ClearedBy::Server)));
    let pruned = async |before| write!(world.store, Scope::System, |tx| alerts::prune(tx, before).await).unwrap();
    assert_eq!(pruned(world.now()).await, 0);
    assert_eq!(pruned(Timestamp::from_millis(world.now().as_millis() + 1)).await, 1);
}
