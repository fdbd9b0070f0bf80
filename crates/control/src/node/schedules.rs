//! Schedules between their rows and their nodes: what an order about one needs, and what its node's word changes. One of an app
//! is ordered with its app (`sf_engine::plan`), one of a server here.

use sf_actions::Action;
use sf_actions::schedule::{ScheduleAction, SetSchedule};
use sf_engine::Run;
use sf_protocol::handshake::{SCHEDULES_SINCE, SERVERS_SINCE};
use sf_protocol::order::Order;
use sf_protocol::schedule::{
    CatchUp, ChainStep, Overlap, ScheduleOrder, ScheduleReport, ScheduleSettings, StepDoes, StepPower, Whose,
};
use sf_protocol::{Outcome, Verdict};
use sf_store::schedules::Home;
use sf_store::servers::Server;
use sf_store::{Look, Tx, apps, schedules};
use sf_types::{ErrorKind, Fault, NodeId, ScheduleId};

use crate::approval::alerts;
use crate::control::Core;
use crate::events;
use crate::transition::After;

/// The schedule of an app that an action is about, with the generation that an order would give it; `None` for other actions.
/// What cannot be ordered is refused.
pub(crate) async fn foreseen(
    at: &impl Look,
    core: &Core,
    action: &Action,
    app: &apps::App,
) -> sf_store::Result<Result<Option<(ScheduleId, u64)>, Fault>> {
    let Action::Schedule(action) = action else { return Ok(Ok(None)) };
    Ok(known(at, core, action, &Home::from(app)).await?.map(Some))
}

async fn known(
    at: &impl Look,
    core: &Core,
    action: &ScheduleAction,
    home: &Home,
) -> sf_store::Result<Result<(ScheduleId, u64), Fault>> {
    let (since, what) = match home.whose {
        Whose::App(_) => (SCHEDULES_SINCE, "schedules"),
        Whose::Server(_) => (SERVERS_SINCE, "schedules of servers"),
    };
    // A node that is away is asked when it is back.
    if core.links.version(home.node).is_some_and(|version| version < since) {
        return Ok(Err(too_old(what)));
    }
    let row = schedules::named(at, home.whose, action.name()).await?;
    match (action, row) {
        (ScheduleAction::Set(_), Some(row)) => Ok(Ok((row.id, row.generation + 1))),
        (ScheduleAction::Set(_), None) => {
            if schedules::count_of(at, home.whose).await? >= schedules::MAX_OF_ONE {
                let message = format!("`{}` has {} schedules already.", home.name, schedules::MAX_OF_ONE);
                let fault = Fault::new(ErrorKind::Conflict, "schedule.too_many", message);
                return Ok(Err(fault.fix("Remove one first.")));
            }
            Ok(Ok((ScheduleId::from_uuid(uuid::Uuid::nil()), 1)))
        }
        (_, Some(row)) => Ok(Ok((row.id, row.generation))),
        (_, None) => {
            let message = format!("`{}` has no schedule `{}`.", home.name, action.name());
            let fault = Fault::new(ErrorKind::NotFound, "schedule.not_found", message);
            Ok(Err(fault.fix("Look at its schedules.")))
        }
    }
}

/// The same of an app in the transaction that signs the order: the schedule's row is written.
pub(crate) async fn ordered(
    tx: &mut Tx,
    core: &Core,
    action: &Action,
    app: &apps::App,
) -> sf_store::Result<Result<Option<(ScheduleId, u64)>, Fault>> {
    let Action::Schedule(action) = action else { return Ok(Ok(None)) };
    let home = Home::from(app);
    let schedule = match known(tx, core, action, &home).await? {
        Ok(schedule) => schedule,
        Err(fault) => return Ok(Err(fault)),
    };
    match action {
        // Of an app without a release the plan refuses it, and no row stays.
        ScheduleAction::Set(set) if app.live_release.is_some() => Ok(Ok(Some(written(tx, &home, set).await?))),
        _ => Ok(Ok(Some(schedule))),
    }
}

async fn written(tx: &mut Tx, home: &Home, set: &SetSchedule) -> sf_store::Result<(ScheduleId, u64)> {
    let row = schedules::order(tx, home, &set.name, &set.settings).await?;
    Ok((row.id, row.generation))
}

/// The order that an action would give about a schedule of a server.
pub(crate) async fn foreseen_at(
    at: &impl Look,
    core: &Core,
    action: &ScheduleAction,
    server: &Server,
) -> sf_store::Result<Result<Order, Fault>> {
    if server.standing.is_none() {
        let message = format!("`{}` is not on its machine yet.", server.name);
        let fault = Fault::new(ErrorKind::Conflict, "server.not_installed", message);
        return Ok(Err(fault.fix("Install it first.")));
    }
    let known = known(at, core, action, &Home::from(server)).await?;
    Ok(known.map(|known| order(action, known)))
}

/// The same in the transaction that signs it: the schedule's row is written. The server's generation stays.
pub(crate) async fn ordered_at(
    tx: &mut Tx,
    core: &Core,
    action: &ScheduleAction,
    server: &Server,
) -> sf_store::Result<Result<Order, Fault>> {
    match (foreseen_at(tx, core, action, server).await?, action) {
        (Ok(_), ScheduleAction::Set(set)) => {
            let known = written(tx, &Home::from(server), set).await?;
            Ok(Ok(order(action, known)))
        }
        (foreseen, _) => Ok(foreseen),
    }
}

fn order(action: &ScheduleAction, known: (ScheduleId, u64)) -> Order {
    Order::Schedule(Box::new(sf_engine::plan::of_schedule(action, known)))
}

/// What its node made of an order about a schedule.
pub(crate) async fn heard(tx: &mut Tx, run: &Run, ordered: Option<&Order>, outcome: &Outcome) -> sf_store::Result<()> {
    let Some(Order::Schedule(order)) = ordered else { return Ok(()) };
    let succeeded = outcome.verdict == Verdict::Succeeded;
    match &**order {
        ScheduleOrder::Set { spec } => {
            let why = outcome.fault.as_ref().map_or("it was not carried out", |fault| &fault.message);
            schedules::heard(tx, spec, Some(why).filter(|_| !succeeded)).await?;
        }
        ScheduleOrder::Delete { schedule, .. } if succeeded => schedules::delete(tx, *schedule).await?,
        ScheduleOrder::Delete { .. } | ScheduleOrder::Run { .. } => {}
    }
    let home = run.app.map(Whose::App).or_else(|| run.server.map(Whose::Server));
    changed(tx, run.tenant, run.project, home);
    Ok(())
}

/// Whoever looks at the schedules of an app or a server sees that something changed.
fn changed(tx: &mut Tx, tenant: sf_types::TenantId, project: Option<sf_types::ProjectId>, whose: Option<Whose>) {
    match whose {
        Some(Whose::App(app)) => tx.publish(events::app_changed(tenant, project, app)),
        Some(Whose::Server(server)) => tx.publish(events::server_changed(tenant, project, server)),
        None => {}
    }
}

/// What a node tells of a run: kept once, and an alert begins or ends with it.
pub(crate) async fn told(
    tx: &mut Tx,
    node: NodeId,
    report: &ScheduleReport,
    after: &mut After,
) -> sf_store::Result<()> {
    let Some(row) = crate::receive::found(schedules::get(tx, report.schedule).await)? else { return Ok(()) };
    if row.node != node || row.whose() != Some(report.whose) || !schedules::keep(tx, &row, report).await? {
        return Ok(());
    }
    alerts::schedule_ran(tx, &row, report, after).await?;
    changed(tx, row.tenant, Some(row.project), row.whose());
    Ok(())
}

/// What an order would do, for people. `name` is of the app or the server.
pub(crate) fn steps(order: &ScheduleOrder, name: &str) -> Vec<String> {
    let is_app = matches!(order.whose(), Whose::App(_));
    let (once, rest) = match is_app {
        true => (
            format!("Run its command once, as `{name}`, in the live release"),
            "run it no more; a run under way is stopped",
        ),
        false => (
            format!("Do its steps to `{name}` once, now"),
            "do it no more; of a run under way no further step is begun",
        ),
    };
    match order {
        ScheduleOrder::Set { spec } => set(spec.name.as_str(), &spec.settings, name, is_app),
        ScheduleOrder::Delete { .. } => {
            vec![format!("Have the node of `{name}` {rest}"), "Delete its history here".to_owned()]
        }
        ScheduleOrder::Run { .. } => {
            vec![once, "Refused where it is running already: it never runs beside itself".to_owned()]
        }
    }
}

fn set(schedule: &str, settings: &ScheduleSettings, name: &str, is_app: bool) -> Vec<String> {
    let when = format!("`{}` in {}", settings.cron, settings.timezone);
    let mut steps = Vec::new();
    if is_app {
        // As words in quotes, so that nobody takes it for a line of a shell.
        let command = settings.command.iter().map(|word| format!("{word:?}")).collect::<Vec<_>>().join(" ");
        steps.push(format!("Have the node of `{name}` keep `{schedule}`: {command}, at {when}"));
    } else {
        let count = settings.steps.len();
        let counted = if count == 1 { "1 step".to_owned() } else { format!("{count} steps") };
        steps.push(format!("Have the node of `{name}` keep `{schedule}`: {counted}, at {when}"));
        steps.extend(settings.steps.iter().enumerate().map(|(at, step)| chain_step(at + 1, step)));
    }
    match (settings.enabled, is_app) {
        (false, _) => steps.push("It is turned off: it runs by hand alone".to_owned()),
        (true, true) => {
            steps.push(format!("It runs as `{name}`, in its live release, with its environment and limits"));
        }
        (true, false) if settings.only_when_online => {
            steps.push("Times at which the server does not run, or is suspended, are left out".to_owned());
        }
        (true, false) => steps.push("Times at which the server is suspended are left out".to_owned()),
    }
    steps.push(match settings.overlap {
        Overlap::Skip => "A time at which the last run is still under way is left out".to_owned(),
        Overlap::Queue => {
            "A time at which the last run is still under way waits for its end, one at the most".to_owned()
        }
    });
    steps.push(match settings.missed {
        CatchUp::Skip => "Times that pass while the node is off are left out, and told".to_owned(),
        CatchUp::Once => "Times that pass while the node is off are made up for by one run".to_owned(),
    });
    let limit = settings.time_limit.0 / 1000;
    steps.push(match is_app {
        true => format!("After {limit} s everything it started is killed"),
        false => format!("After {limit} s, not counting delays, no further step is begun"),
    });
    steps
}

fn chain_step(number: usize, step: &ChainStep) -> String {
    let does = match &step.does {
        // In quotes, so that nobody takes it for words of ours.
        StepDoes::Command(line) => format!("write {line:?} to its console"),
        StepDoes::Power(power) => match power {
            StepPower::Start => "start it and wait until it is ready",
            StepPower::Stop => "stop it",
            StepPower::Restart => "stop it and start it again",
            StepPower::Kill => "kill it",
        }
        .to_owned(),
    };
    let delay = match step.delay.0 {
        0 => String::new(),
        delay => format!("after {} s, ", delay / 1000),
    };
    let failure = if step.continue_on_failure { "; goes on where that fails" } else { "" };
    format!("Step {number}: {delay}{does}{failure}")
}

fn too_old(what: &str) -> Fault {
    let message = format!("The agent of its node is too old to know {what}.");
    Fault::new(ErrorKind::Conflict, "schedule.agent_too_old", message).fix("Update the agent on that machine.")
}
