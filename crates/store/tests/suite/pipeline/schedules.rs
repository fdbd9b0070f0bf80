//! Schedules of apps, and how their runs went.

use sf_protocol::schedule::{RunReason, ScheduleReport, ScheduleRunState, ScheduleSettings, ScheduleSpec, Whose};
use sf_store::schedules::{self, Home, RUNS_KEPT, Schedule, ScheduleState};
use sf_store::{StoreError, apps};
use sf_types::{PageRequest, ScheduleRunId};

use crate::fixture::{Side, World, id};
use crate::write;

fn settings(cron: &str) -> ScheduleSettings {
    serde_json::from_value(serde_json::json!({ "cron": cron, "command": ["true"] })).unwrap()
}

async fn ordered(world: &World, side: Side, cron: &str) -> Schedule {
    let (name, settings) = ("tidy".parse().unwrap(), settings(cron));
    write!(world.store, side.scope(), |tx| {
        let app = apps::get(tx, side.app).await?;
        schedules::order(tx, &Home::from(&app), &name, &settings).await
    })
    .unwrap()
}

fn report(world: &World, schedule: &Schedule, run: ScheduleRunId, state: ScheduleRunState) -> ScheduleReport {
    ScheduleReport {
        run,
        schedule: schedule.id,
        whose: schedule.whose().unwrap(),
        why: RunReason::Clock,
        due: world.now(),
        started_at: Some(world.now()),
        ended_at: state.is_over().then(|| world.now()),
        state,
        exit_code: None,
        note: String::new(),
        last_lines: vec!["done".to_owned()],
    }
}

async fn kept(world: &World, side: Side, schedule: &Schedule, report: ScheduleReport) -> bool {
    let schedule = schedule.clone();
    write!(world.store, side.scope(), |tx| schedules::keep(tx, &schedule, &report).await).unwrap()
}

pub async fn a_run_that_ended_never_changes_and_the_last_ones_are_kept(world: World) {
    use ScheduleRunState::{Failed, Interrupted, Running, Succeeded};
    let a = world.a;
    let schedule = ordered(&world, a, "@daily").await;
    let run = id();
    assert!(kept(&world, a, &schedule, report(&world, &schedule, run, Running)).await);
    assert!(kept(&world, a, &schedule, report(&world, &schedule, run, Succeeded)).await);
    // A node that was killed between the end and its word tells it again, or another one.
    for late in [Succeeded, Interrupted, Running] {
        assert!(!kept(&world, a, &schedule, report(&world, &schedule, run, late)).await, "{late:?}");
    }
    let last = schedules::last_run(&world.store.read(a.scope()), schedule.id).await.unwrap().unwrap();
    assert_eq!((last.id, last.state.as_str(), last.report.0.state), (run, "succeeded", Succeeded));

    for _ in 0..RUNS_KEPT {
        assert!(kept(&world, a, &schedule, report(&world, &schedule, id(), Failed)).await);
    }
    let all = PageRequest { limit: Some(200), after: None };
    let page = schedules::runs(&world.store.read(a.scope()), schedule.id, &all).await.unwrap();
    assert_eq!(page.items.len(), RUNS_KEPT);
    assert!(page.items.iter().all(|kept| kept.id != run), "the oldest is gone");
    let trouble = schedules::last_trouble(&world.store.read(a.scope()), schedule.id).await.unwrap().unwrap();
    assert_eq!(trouble.id, page.items[0].id);
}

pub async fn nobody_else_sees_a_schedule_and_it_goes_with_its_runs(world: World) {
    let (a, b) = (world.a, world.b);
    let first = ordered(&world, a, "@daily").await;
    assert_eq!((first.generation, first.state), (1, ScheduleState::Pending));
    let again = ordered(&world, a, "@hourly").await;
    assert_eq!((again.id, again.generation, again.settings.0.cron.as_str()), (first.id, 2, "@hourly"));
    let spec = ScheduleSpec {
        schedule: again.id,
        whose: again.whose().unwrap(),
        name: again.name.clone(),
        generation: again.generation,
        settings: again.settings.0.clone(),
    };
    let (refused, taken) = (spec.clone(), spec.clone());
    write!(world.store, a.scope(), |tx| schedules::heard(tx, &refused, Some("no disk")).await).unwrap();
    let reader = world.store.read(a.scope());
    let row = schedules::get(&reader, first.id).await.unwrap();
    assert_eq!((row.state, row.reason.as_deref(), row.standing), (ScheduleState::Failed, Some("no disk"), None));
    write!(world.store, a.scope(), |tx| schedules::heard(tx, &taken, None).await).unwrap();
    assert_eq!(schedules::standing(&reader, row.node).await.unwrap(), [spec]);

    let theirs = world.store.read(b.scope());
    assert!(matches!(schedules::get(&theirs, first.id).await, Err(StoreError::NotFound(_))));
    assert!(schedules::of(&theirs, Whose::App(a.app)).await.unwrap().is_empty());
    assert!(schedules::last_run(&theirs, first.id).await.unwrap().is_none());
    let app = b.app;
    let own = write!(world.store, b.scope(), |tx| schedules::delete(tx, first.id).await);
    own.unwrap();
    assert_eq!(schedules::of(&reader, Whose::App(a.app)).await.unwrap().len(), 1, "what is another's stays ({app})");

    assert!(kept(&world, a, &again, report(&world, &again, id(), ScheduleRunState::Failed)).await);
    let now = world.now();
    write!(world.store, a.scope(), |tx| schedules::set_troubled(tx, first.id, Some(now)).await).unwrap();
    assert_eq!(schedules::troubled(&reader, 10).await.unwrap().len(), 1);
    assert!(schedules::troubled(&theirs, 10).await.unwrap().is_empty());
    write!(world.store, a.scope(), |tx| schedules::delete_of(tx, Whose::App(a.app)).await).unwrap();
    assert!(schedules::of(&reader, Whose::App(a.app)).await.unwrap().is_empty());
    assert!(schedules::last_run(&reader, first.id).await.unwrap().is_none());
}
