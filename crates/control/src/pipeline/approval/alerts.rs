//! What is wrong with machines, apps and servers for longer than a moment: cards of the inbox, and told once when it begins, for
//! as long as it is true. Every fact is a row that something else has written.

use std::collections::HashMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use sf_actions::{Actor, Permission};
use sf_engine::notify::Kind;
use sf_protocol::app::AppState;
use sf_protocol::report::NodeSample;
use sf_protocol::schedule::{RunReason, ScheduleReport, ScheduleRunState, Whose};
use sf_store::apps::App;
use sf_store::inbox::{self, Reading};
use sf_store::nodes::{Node, NodeStatus};
use sf_store::schedules::{self, Home, Schedule};
use sf_store::{Look, Reader, StoreError, Tx, alerts, apps, nodes, servers};
use sf_types::{AlertId, AppId, Fault, NodeId, ScheduleId, Timestamp};
use uuid::Uuid;

use crate::control::{Control, Core};
use crate::events;
use crate::notify::notice::{self, Notice};
use crate::panel::alerts::because;
use crate::transition::After;

/// A disk is full from here on, percent.
pub const FULL_FROM: u64 = 95;
/// And is not any more below this, percent: one that is just about full is told once.
pub const FULL_UNTIL: u64 = 90;
/// Machines shown at the most, and apps.
const MAX_ALERTS: u32 = 50;

/// What is wrong. Of several things the first counts.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Trouble {
    /// A machine is cut off until a person looks.
    Locked,
    /// A machine has not said anything for long.
    Silent,
    /// A machine's disk is full.
    DiskFull,
    /// An app ended by itself too often, and is not started any more.
    Down,
    /// What is to run by the clock failed or was left out, and has not succeeded since.
    Schedule,
    /// A server crossed the line of an alert rule.
    Crossed,
}

/// With what.
#[derive(Clone, Debug)]
pub enum Thing {
    /// A machine.
    Node(Box<Node>),
    /// An app.
    App(Box<App>),
    /// A schedule of an app or a server.
    Schedule(Box<(Schedule, Home)>),
    /// A server, as the rule that was crossed has noted it.
    Server(Box<alerts::Alert>),
}

/// Something that a person should look at.
#[derive(Clone, Debug)]
pub struct Alert {
    /// What is wrong.
    pub trouble: Trouble,
    /// With what.
    pub thing: Thing,
    /// Why it is here, for people.
    pub because: String,
}

impl Trouble {
    /// What is wrong with a machine; silence counts when it began before `silent_since`.
    fn of_node(node: &Node, silent_since: Timestamp) -> Option<Self> {
        let is_silent = node.status == NodeStatus::Offline && node.last_seen_at.is_some_and(|seen| seen < silent_since);
        match node.status {
            NodeStatus::Removed => None,
            NodeStatus::Locked => Some(Self::Locked),
            _ if is_silent => Some(Self::Silent),
            _ => node.disk_full_at.map(|_| Self::DiskFull),
        }
    }

    fn of_app(app: &App) -> Option<Self> {
        (app.state == AppState::Failed && app.live_release.is_some()).then_some(Self::Down)
    }

    /// What is wrong, one line.
    pub const fn title(self) -> &'static str {
        match self {
            Self::Locked => "A node is locked",
            Self::Silent => "A node is silent",
            Self::DiskFull => "The disk of a node is full",
            Self::Down => "An app is down",
            Self::Schedule => "A schedule goes wrong",
            Self::Crossed => "A server has crossed the line of an alert rule",
        }
    }
}

impl Alert {
    /// By which it is found and put aside.
    pub fn id(&self) -> Uuid {
        match &self.thing {
            Thing::Node(node) => node.id.uuid(),
            Thing::App(app) => app.id.uuid(),
            Thing::Schedule(of) => of.0.id.uuid(),
            Thing::Server(alert) => alert.id.uuid(),
        }
    }

    /// Since when, as well as it is known.
    pub fn since(&self) -> Timestamp {
        match &self.thing {
            Thing::Node(node) => match self.trouble {
                Trouble::DiskFull => node.disk_full_at.unwrap_or(node.created_at),
                _ => node.last_seen_at.unwrap_or(node.created_at),
            },
            Thing::App(app) => app.updated_at,
            Thing::Schedule(of) => of.0.troubled_at.unwrap_or(of.0.updated_at),
            Thing::Server(alert) => alert.raised_at,
        }
    }

    fn of_node(node: Node, silent_after: Duration, now: Timestamp) -> Option<Self> {
        let trouble = Trouble::of_node(&node, now.minus(silent_after))?;
        let because = match trouble {
            Trouble::Locked => node.locked_reason.clone().unwrap_or_default(),
            Trouble::DiskFull => full(),
            _ => silent_for(silent_after),
        };
        Some(Self { trouble, thing: Thing::Node(Box::new(node)), because })
    }

    fn of_server(alert: alerts::Alert) -> Option<Self> {
        let because = because(&alert);
        let is_so = alert.cleared_at.is_none();
        is_so.then(|| Self { trouble: Trouble::Crossed, thing: Thing::Server(Box::new(alert)), because })
    }

    fn of_app(app: App) -> Option<Self> {
        let trouble = Trouble::of_app(&app)?;
        let because = app.state_reason.clone().unwrap_or_else(|| "it ended by itself too often".to_owned());
        Some(Self { trouble, thing: Thing::App(Box::new(app)), because })
    }
}

/// A schedule that goes wrong; `None` for one that does not, or whose app or server is not to be seen.
async fn of_schedule(at: &Reader, schedule: Schedule) -> Result<Option<Alert>, StoreError> {
    if schedule.troubled_at.is_none() {
        return Ok(None);
    }
    let home = match schedule.whose() {
        Some(Whose::App(app)) => there(apps::get(at, app).await)?.map(|app| Home::from(&app)),
        Some(Whose::Server(server)) => there(servers::get(at, server).await)?.map(|server| Home::from(&server)),
        None => None,
    };
    let Some(home) = home else { return Ok(None) };
    let last = schedules::last_trouble(at, schedule.id).await?;
    let because = last.map_or_else(|| "it has not succeeded since".to_owned(), |run| went_wrong(&run.report.0));
    Ok(Some(Alert { trouble: Trouble::Schedule, thing: Thing::Schedule(Box::new((schedule, home))), because }))
}

fn went_wrong(report: &ScheduleReport) -> String {
    let what = match report.state {
        ScheduleRunState::Missed => "was missed",
        ScheduleRunState::TimedOut => "took too long",
        ScheduleRunState::Interrupted => "was interrupted",
        _ => "failed",
    };
    let note = if report.note.is_empty() { String::new() } else { format!(": {}", report.note) };
    format!("the run that was due at {} {what}{note}", report.due)
}

/// A schedule ran, or did not: told once when it begins to go wrong, and over when it succeeds. What somebody runs by hand they
/// look at themselves.
pub(crate) async fn schedule_ran(
    tx: &mut Tx,
    schedule: &Schedule,
    report: &ScheduleReport,
    after: &mut After,
) -> sf_store::Result<()> {
    use ScheduleRunState::{Failed, Interrupted, Missed, Succeeded, TimedOut};
    match (report.state, schedule.troubled_at) {
        (Succeeded, Some(_)) => {
            schedules::set_troubled(tx, schedule.id, None).await?;
            schedule_turned(tx, schedule, "scheduleWell");
            Ok(())
        }
        (Failed | TimedOut | Interrupted | Missed, None) if report.why == RunReason::Clock => {
            schedules::set_troubled(tx, schedule.id, Some(tx.now())).await?;
            schedule_turned(tx, schedule, "scheduleFailing");
            let text = format!("`{}`: {}", schedule.name, went_wrong(report));
            let notice = Notice {
                app: schedule.app,
                server: schedule.server,
                right: Permission::ScheduleView,
                path: format!("/inbox/{}", schedule.id),
                project: Some(schedule.project),
                node: Some(schedule.node),
                schedule: Some(schedule.id),
                ..told(schedule.tenant, Trouble::Schedule, text, tx.now())
            };
            notice::raise(tx, &notice, after);
            Ok(())
        }
        _ => Ok(()),
    }
}

/// A server has crossed the line of a rule: told once, to those who see its monitoring.
pub(crate) fn crossed(tx: &mut Tx, alert: &alerts::Alert, after: &mut After) {
    let text = format!("`{}`: {}", alert.server_name, because(alert));
    let notice = Notice {
        right: Permission::MonitoringView,
        path: format!("/inbox/{}", alert.id),
        project: Some(alert.project),
        node: Some(alert.node),
        server: Some(alert.server),
        crossed: Some(alert.id),
        ..told(alert.tenant, Trouble::Crossed, text, tx.now())
    };
    notice::raise(tx, &notice, after);
}

/// Inboxes that are open show or lose its card.
fn schedule_turned(tx: &mut Tx, schedule: &Schedule, change: &str) {
    let (tenant, project) = (schedule.tenant, Some(schedule.project));
    match schedule.whose() {
        Some(Whose::App(app)) => tx.publish(events::app_turned(tenant, project, app, change)),
        Some(Whose::Server(server)) => tx.publish(events::server_turned(tenant, project, server, change)),
        None => {}
    }
}

fn silent_for(time: Duration) -> String {
    let seconds = time.as_secs();
    match (seconds / 60, seconds % 60) {
        (minutes, 0) if minutes > 0 => format!("it has not said anything for more than {minutes} min"),
        _ => format!("it has not said anything for more than {seconds} s"),
    }
}

fn full() -> String {
    format!("more than {FULL_FROM} % of the disk is in use where the agent keeps its state: releases, logs and apps")
}

/// A machine's connection has ended: it is told when that lasts, and only then.
pub(crate) fn watch(tx: &mut Tx, core: &Core, node: &Node, after: &mut After) {
    let (after_all, since) = (core.options.alerts.silent_after(), tx.now());
    let text = silent_for(after_all);
    let notice = Notice { silent_since: Some(since), ..of_node(node, Trouble::Silent, text, since) };
    // A moment later than the card: both see the same.
    notice::raise_at(tx, &notice, since.plus(after_all + Duration::from_millis(1)), after);
}

/// A machine was locked.
pub(crate) fn locked(tx: &mut Tx, node: &Node, why: &str, after: &mut After) {
    let notice = of_node(node, Trouble::Locked, why.to_owned(), tx.now());
    notice::raise(tx, &notice, after);
}

/// What a machine says of its disk: full for the first time, not full any more, or nothing new.
pub(crate) async fn disk(tx: &mut Tx, node: &Node, sample: &NodeSample, after: &mut After) -> sf_store::Result<()> {
    let Some(is_full) = turned(node.disk_full_at.is_some(), sample) else { return Ok(()) };
    nodes::set_disk_full(tx, node.id, is_full).await?;
    if is_full {
        let notice = of_node(node, Trouble::DiskFull, full(), tx.now());
        notice::raise(tx, &notice, after);
    }
    tx.publish(events::node_changed(node.tenant, node.id, if is_full { "diskFull" } else { "diskFree" }));
    Ok(())
}

/// Whether a disk turned full or free.
fn turned(was_full: bool, sample: &NodeSample) -> Option<bool> {
    let above = |percent: u64| {
        u128::from(sample.disk_used) * 100 >= u128::from(sample.disk_total) * u128::from(percent)
            && sample.disk_total > 0
    };
    match was_full {
        false => above(FULL_FROM).then_some(true),
        true => (!above(FULL_UNTIL)).then_some(false),
    }
}

/// An app is in another state by itself.
pub(crate) fn app_turned(tx: &mut Tx, before: &App, state: AppState, why: &str, after: &mut After) {
    let was_down = before.state == AppState::Failed;
    if (state == AppState::Failed) == was_down || before.live_release.is_none() {
        return;
    }
    if !was_down {
        let notice = Notice {
            app: Some(before.id),
            right: Permission::AppView,
            path: format!("/inbox/{}", before.id),
            project: Some(before.project),
            node: Some(before.node),
            ..told(before.tenant, Trouble::Down, why.to_owned(), tx.now())
        };
        notice::raise(tx, &notice, after);
    }
    let change = if was_down { "up" } else { "down" };
    tx.publish(events::app_turned(before.tenant, Some(before.project), before.id, change));
}

fn of_node(node: &Node, trouble: Trouble, text: String, at: Timestamp) -> Notice {
    let path = format!("/inbox/{}", node.id);
    Notice { path, project: node.project, node: Some(node.id), ..told(node.tenant, trouble, text, at) }
}

fn told(tenant: sf_types::TenantId, trouble: Trouble, text: String, at: Timestamp) -> Notice {
    Notice {
        tenant,
        kind: Kind::Alert,
        approval: None,
        alert: Some(trouble),
        silent_since: None,
        schedule: None,
        crossed: None,
        title: trouble.title().to_owned(),
        text,
        path: String::new(),
        project: None,
        node: None,
        app: None,
        server: None,
        right: Permission::NodeView,
        at,
    }
}

/// Whether what a notice tells is still so. A machine that came back and went again is another silence.
pub(crate) async fn is_so(at: &Reader, notice: &Notice) -> Result<bool, StoreError> {
    let Some(trouble) = notice.alert else { return Ok(true) };
    if let (Trouble::Down, Some(app)) = (trouble, notice.app) {
        return Ok(there(apps::get(at, app).await)?.is_some_and(|app| Trouble::of_app(&app).is_some()));
    }
    if let (Trouble::Schedule, Some(schedule)) = (trouble, notice.schedule) {
        return Ok(there(schedules::get(at, schedule).await)?.is_some_and(|row| row.troubled_at.is_some()));
    }
    if let (Trouble::Crossed, Some(alert)) = (trouble, notice.crossed) {
        return Ok(there(alerts::get(at, alert).await)?.is_some_and(|alert| alert.cleared_at.is_none()));
    }
    let Some(node) = notice.node else { return Ok(false) };
    let Some(node) = there(nodes::get(at, node).await)? else { return Ok(false) };
    Ok(match trouble {
        Trouble::Silent => node.status == NodeStatus::Offline && node.last_seen_at == notice.silent_since,
        Trouble::Locked => node.status == NodeStatus::Locked,
        Trouble::DiskFull => node.disk_full_at.is_some(),
        Trouble::Down | Trouble::Schedule | Trouble::Crossed => false,
    })
}

fn there<T>(found: Result<T, StoreError>) -> Result<Option<T>, StoreError> {
    match found {
        Ok(found) => Ok(Some(found)),
        Err(StoreError::NotFound(_)) => Ok(None),
        Err(error) => Err(error),
    }
}

impl Control {
    /// What is wrong with machines and apps that this person may see, and has not put aside.
    pub(super) async fn alerts(&self, actor: &Actor, reading: Reading) -> Result<Vec<Alert>, Fault> {
        let silent_after = self.core().options.alerts.silent_after();
        let mut alerts = Vec::new();
        if let Ok(reader) = self.view(actor, Permission::NodeView) {
            let troubled = nodes::troubled(&reader, reading.now.minus(silent_after), MAX_ALERTS).await?;
            alerts.extend(troubled.into_iter().filter_map(|node| Alert::of_node(node, silent_after, reading.now)));
        }
        if let Ok(reader) = self.view(actor, Permission::AppView) {
            alerts.extend(apps::down(&reader, MAX_ALERTS).await?.into_iter().filter_map(Alert::of_app));
        }
        if let Ok(reader) = self.view(actor, Permission::ScheduleView) {
            for schedule in schedules::troubled(&reader, MAX_ALERTS).await? {
                alerts.extend(of_schedule(&reader, schedule).await?);
            }
        }
        if let Ok(reader) = self.view(actor, Permission::MonitoringView) {
            alerts.extend(alerts::open(&reader, MAX_ALERTS).await?.into_iter().filter_map(Alert::of_server));
        }
        let ids: Vec<Uuid> = alerts.iter().map(Alert::id).collect();
        let reader = self.core().store.read(actor.scope());
        let aside: HashMap<Uuid, Timestamp> = inbox::aside(&reader, reading, &ids).await?.into_iter().collect();
        // One that was over and is there again is another card.
        let is_new = |alert: &Alert| aside.get(&alert.id()).is_none_or(|seen| alert.since() > *seen);
        Ok(alerts.into_iter().filter(is_new).collect())
    }

    /// The alert about a machine or an app of this id, where something is wrong with it.
    pub(super) async fn alert(&self, actor: &Actor, id: Uuid) -> Result<Option<Alert>, Fault> {
        if let Ok(node) = self.node(actor, NodeId::from_uuid(id)).await {
            return Ok(Alert::of_node(node, self.core().options.alerts.silent_after(), self.now()));
        }
        if let Ok(reader) = self.view(actor, Permission::ScheduleView)
            && let Some(schedule) = there(schedules::get(&reader, ScheduleId::from_uuid(id)).await)?
        {
            return Ok(of_schedule(&reader, schedule).await?);
        }
        if let Ok(reader) = self.view(actor, Permission::MonitoringView)
            && let Some(alert) = there(alerts::get(&reader, AlertId::from_uuid(id)).await)?
        {
            return Ok(Alert::of_server(alert));
        }
        let Ok(reader) = self.view(actor, Permission::AppView) else { return Ok(None) };
        Ok(there(apps::get(&reader, AppId::from_uuid(id)).await)?.and_then(Alert::of_app))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_disk_turns_full_once_and_free_once() {
        let check = |was_full, used, total, expected| {
            let sample = NodeSample { disk_used: used, disk_total: total, ..NodeSample::default() };
            assert_eq!(turned(was_full, &sample), expected, "{was_full} {used}/{total}");
        };
        check(false, 94, 100, None);
        check(false, 95, 100, Some(true));
        check(false, u64::MAX, u64::MAX, Some(true));
        check(false, 0, 0, None);
        check(true, 94, 100, None);
        check(true, 90, 100, None);
        check(true, 89, 100, Some(false));
        check(true, 100, 100, None);
    }

    #[test]
    fn a_silence_says_how_long_it_is() {
        assert_eq!(silent_for(Duration::from_secs(300)), "it has not said anything for more than 5 min");
        assert_eq!(silent_for(Duration::from_secs(2)), "it has not said anything for more than 2 s");
        assert_eq!(silent_for(Duration::from_secs(90)), "it has not said anything for more than 90 s");
    }
}
