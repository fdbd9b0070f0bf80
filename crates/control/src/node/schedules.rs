//! Schedules between their rows and their nodes: what an order about one needs, and what its node's word changes.

use sf_actions::Action;
use sf_actions::schedule::ScheduleAction;
use sf_engine::Run;
use sf_protocol::handshake::SCHEDULES_SINCE;
use sf_protocol::order::Order;
use sf_protocol::schedule::{CatchUp, Overlap, ScheduleOrder, ScheduleReport, ScheduleSettings};
use sf_protocol::{Outcome, Verdict};
use sf_store::{Look, Tx, apps, schedules};
use sf_types::{ErrorKind, Fault, NodeId, ScheduleId};

use crate::approval::alerts;
use crate::control::Core;
use crate::events;
use crate::transition::After;

/// The schedule an action is about, with the generation that an order would give it; `None` for other actions. What cannot be
/// ordered is refused.
pub(crate) async fn foreseen(
    at: &impl Look,
    core: &Core,
    action: &Action,
    app: &apps::App,
) -> sf_store::Result<Result<Option<(ScheduleId, u64)>, Fault>> {
    let Action::Schedule(action) = action else { return Ok(Ok(None)) };
    // A node that is away is asked when it is back.
    if core.links.version(app.node).is_some_and(|version| version < SCHEDULES_SINCE) {
        return Ok(Err(too_old()));
    }
    let known = schedules::named(at, app.id, action.name()).await?;
    match (action, known) {
        (ScheduleAction::Set(_), Some(row)) => Ok(Ok(Some((row.id, row.generation + 1)))),
        (ScheduleAction::Set(_), None) => {
            if schedules::count_of_app(at, app.id).await? >= schedules::MAX_PER_APP {
                let message = format!("`{}` has {} schedules already.", app.name, schedules::MAX_PER_APP);
                let fault = Fault::new(ErrorKind::Conflict, "schedule.too_many", message);
                return Ok(Err(fault.fix("Remove one first.")));
            }
            Ok(Ok(Some((ScheduleId::from_uuid(uuid::Uuid::nil()), 1))))
        }
        (_, Some(row)) => Ok(Ok(Some((row.id, row.generation)))),
        (_, None) => {
            let message = format!("`{}` has no schedule `{}`.", app.name, action.name());
            let fault = Fault::new(ErrorKind::NotFound, "schedule.not_found", message);
            Ok(Err(fault.fix("Look at the app's schedules.")))
        }
    }
}

/// The same in the transaction that signs the order: the schedule's row is written.
pub(crate) async fn ordered(
    tx: &mut Tx,
    core: &Core,
    action: &Action,
    app: &apps::App,
) -> sf_store::Result<Result<Option<(ScheduleId, u64)>, Fault>> {
    let schedule = match foreseen(tx, core, action, app).await? {
        Ok(Some(schedule)) => schedule,
        other => return Ok(other),
    };
    let Action::Schedule(ScheduleAction::Set(set)) = action else { return Ok(Ok(Some(schedule))) };
    if app.live_release.is_none() {
        // The plan refuses it, and no row stays.
        return Ok(Ok(Some(schedule)));
    }
    let row = schedules::order(tx, app, &set.name, &set.settings).await?;
    Ok(Ok(Some((row.id, row.generation))))
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
    if let Some(app) = run.app {
        tx.publish(events::app_changed(run.tenant, run.project, app));
    }
    Ok(())
}

/// What a node tells of a run: kept once, and an alert begins or ends with it.
pub(crate) async fn told(
    tx: &mut Tx,
    node: NodeId,
    report: &ScheduleReport,
    after: &mut After,
) -> sf_store::Result<()> {
    let Some(row) = crate::receive::found(schedules::get(tx, report.schedule).await)? else { return Ok(()) };
    if row.node != node || row.app != report.app || !schedules::keep(tx, &row, report).await? {
        return Ok(());
    }
    alerts::schedule_ran(tx, &row, report, after).await?;
    tx.publish(events::app_changed(row.tenant, Some(row.project), row.app));
    Ok(())
}

/// What an order would do, for people.
pub(crate) fn steps(order: &ScheduleOrder, app: &apps::App) -> Vec<String> {
    match order {
        ScheduleOrder::Set { spec } => set(&spec.name, &spec.settings, app),
        ScheduleOrder::Delete { .. } => vec![
            format!("Have the node of `{}` run it no more; a run under way is stopped", app.name),
            "Delete its history here".to_owned(),
        ],
        ScheduleOrder::Run { .. } => vec![
            format!("Run its command once, as `{}`, in the live release", app.name),
            "Refused where it is running already: it never runs beside itself".to_owned(),
        ],
    }
}

fn set(name: &sf_types::Slug, settings: &ScheduleSettings, app: &apps::App) -> Vec<String> {
    // As words in quotes, so that nobody takes it for a line of a shell.
    let command = settings.command.iter().map(|word| format!("{word:?}")).collect::<Vec<_>>().join(" ");
    let when = format!("`{}` in {}", settings.cron, settings.timezone);
    let mut steps = vec![format!("Have the node of `{}` keep `{name}`: {command}, at {when}", app.name)];
    if settings.enabled {
        steps.push(format!("It runs as `{}`, in its live release, with its environment and limits", app.name));
    } else {
        steps.push("It is turned off: it runs by hand alone".to_owned());
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
    steps.push(format!("After {} s everything it started is killed", settings.time_limit.0 / 1000));
    steps
}

fn too_old() -> Fault {
    let message = "The agent of this app's node is too old to know schedules.";
    Fault::new(ErrorKind::Conflict, "schedule.agent_too_old", message).fix("Update the agent on that machine.")
}
