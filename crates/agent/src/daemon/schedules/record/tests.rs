//! What follows from the time, as tables.

use sf_protocol::schedule::{ScheduleSettings, Whose};
use sf_types::{AppId, Millis, ScheduleId, TypedId};

use super::*;

const MINUTE: i64 = 60_000;

fn at(minutes: i64) -> Timestamp {
    // 2026-11-27T00:00Z and so many minutes.
    Timestamp::from_millis(1_795_737_600_000 + minutes * MINUTE)
}

fn record(cron: &str, overlap: Overlap, missed: CatchUp) -> Record {
    let settings = ScheduleSettings {
        cron: cron.to_owned(),
        timezone: "UTC".to_owned(),
        command: vec!["true".to_owned()],
        steps: Vec::new(),
        only_when_online: false,
        time_limit: Millis::secs(60),
        overlap,
        missed,
        enabled: true,
    };
    let spec = ScheduleSpec {
        schedule: ScheduleId::from_parts(at(0), [1; 10]),
        whose: Whose::App(AppId::from_parts(at(0), [2; 10])),
        name: "tidy".parse().unwrap(),
        generation: 1,
        settings,
    };
    Record::new(spec, at(0))
}

fn tick(record: &mut Record, now: Timestamp) -> Tick {
    let line = cron(&record.spec).unwrap();
    tick_while(record, &line, now, None)
}

fn tick_while(record: &mut Record, line: &Schedule, now: Timestamp, rests: Option<Rest>) -> Tick {
    let mut n = 0;
    record.tick(line, now, rests, || {
        n += 1;
        ScheduleRunId::from_parts(now, [n; 10])
    })
}

fn states(tick: &Tick) -> Vec<(ScheduleRunState, &str)> {
    tick.tell.iter().map(|report| (report.state, report.note.as_str())).collect()
}

fn done(record: &Record) -> ScheduleReport {
    record.report(record.under_way.as_ref().unwrap(), ScheduleRunState::Succeeded)
}

#[test]
fn a_time_is_run_once_however_often_it_is_looked() {
    let mut record = record("*/10 * * * *", Overlap::Skip, CatchUp::Skip);
    assert_eq!(tick(&mut record, at(9)), Tick::default());
    let first = tick(&mut record, at(10));
    assert!(first.start && first.changed && first.tell.is_empty());
    assert_eq!(record.under_way.as_ref().unwrap().due, at(10));
    assert_eq!(tick(&mut record, at(10)), Tick::default());
    // Also when the clock is set back and passes it again.
    assert_eq!(tick(&mut record, at(5)), Tick::default());
    assert_eq!(tick(&mut record, at(10)), Tick::default());
    assert!(!record.end(done(&record), at(11)));
    assert!(tick(&mut record, at(20)).start);
}

#[test]
fn overlapping_times_are_left_out_or_one_of_them_waits() {
    let mut skips = record("* * * * *", Overlap::Skip, CatchUp::Skip);
    assert!(tick(&mut skips, at(1)).start);
    let second = tick(&mut skips, at(2));
    assert_eq!((second.start, states(&second).len(), second.tell[0].state), (false, 1, ScheduleRunState::Skipped));
    assert!(tick(&mut skips, at(3)).tell.is_empty(), "told once");
    assert_eq!((skips.left_out, &skips.waiting), (2, &None));

    let mut queues = record("* * * * *", Overlap::Queue, CatchUp::Skip);
    assert!(tick(&mut queues, at(1)).start);
    let second = tick(&mut queues, at(2));
    assert!(!second.start && second.tell.is_empty());
    assert_eq!(tick(&mut queues, at(3)).tell[0].state, ScheduleRunState::Skipped);
    assert!(queues.end(done(&queues), at(4)), "the one that waited is next");
    let under_way = queues.under_way.clone().unwrap();
    assert_eq!((under_way.due, under_way.started_at, queues.waiting), (at(2), Some(at(4)), None));
}

#[test]
fn times_of_a_node_that_was_off_are_left_out_or_made_up_for_once() {
    let mut leaves = record("0 * * * *", Overlap::Skip, CatchUp::Skip);
    let back = tick(&mut leaves, at(185));
    assert_eq!(states(&back), [(ScheduleRunState::Missed, "left out 3 times while the node was off")]);
    assert_eq!((back.start, back.tell[0].due), (false, at(60)));
    assert_eq!(tick(&mut leaves, at(186)), Tick::default(), "told once");

    // Late by less than a minute is not missed.
    let mut late = record("0 * * * *", Overlap::Skip, CatchUp::Skip);
    let back = tick(&mut late, at(120).plus(std::time::Duration::from_secs(30)));
    assert_eq!(states(&back), [(ScheduleRunState::Missed, "left out 1 time while the node was off")]);
    assert!(back.start);

    let mut once = record("0 * * * *", Overlap::Skip, CatchUp::Once);
    let back = tick(&mut once, at(185));
    assert!(back.start && back.tell.is_empty());
    let begun = once.under_way.clone().unwrap();
    assert_eq!((begun.due, begun.for_others), (at(180), 2));
    assert!(once.report(&begun, ScheduleRunState::Running).note.contains("2 times"));
}

#[test]
fn what_is_turned_off_or_belongs_to_a_stopped_app_rests_without_a_word() {
    let mut off = record("* * * * *", Overlap::Skip, CatchUp::Once);
    off.spec.settings.enabled = false;
    assert_eq!(tick(&mut off, at(10)), Tick { changed: true, ..Tick::default() });
    let mut on = off.spec.clone();
    on.settings.enabled = true;
    off.take(on, at(20));
    assert_eq!(tick(&mut off, at(20)), Tick::default(), "what passed while it was off is none of its times");
    assert!(tick(&mut off, at(21)).start);

    let mut stopped = record("* * * * *", Overlap::Skip, CatchUp::Once);
    let line = cron(&stopped.spec).unwrap();
    let id = || ScheduleRunId::from_parts(at(0), [1; 10]);
    assert_eq!(stopped.tick(&line, at(10), Some(Rest::Silent), id), Tick { changed: true, ..Tick::default() });
}

#[test]
fn times_of_a_server_that_rests_are_left_out_and_told_once() {
    let mut chain = record("* * * * *", Overlap::Skip, CatchUp::Once);
    let line = cron(&chain.spec).unwrap();
    let mut look = |minutes, rests| {
        let tick = tick_while(&mut chain, &line, at(minutes), rests);
        (tick.start, tick.tell.into_iter().map(|report| report.note).collect::<Vec<_>>())
    };
    let (started, told) = look(1, Some(Rest::Suspended));
    assert!(!started && told[0].contains("suspended"), "{told:?}");
    assert_eq!(look(2, Some(Rest::Suspended)), (false, vec![]));
    // However many passed while the node was off, and whatever it makes up for.
    assert_eq!(look(200, Some(Rest::Suspended)), (false, vec![]));
    let (started, told) = look(201, Some(Rest::Offline));
    assert!(!started && told[0].contains("does not run"), "another reason is told: {told:?}");
    assert_eq!(look(202, None), (true, vec![]));
    let (_, told) = look(203, Some(Rest::Offline));
    assert_eq!(told.len(), 1, "and again after it ran");
}

#[test]
fn after_a_crash_it_is_said_how_far_a_chain_was() {
    let note = |step| {
        let mut chain = record("* * * * *", Overlap::Skip, CatchUp::Skip);
        let power = |power| serde_json::from_value(serde_json::json!({ "power": power })).unwrap();
        chain.spec.settings.steps = vec![power("stop"), power("start")];
        assert!(tick(&mut chain, at(1)).start);
        chain.under_way.as_mut().unwrap().step = step;
        chain.recover(at(2)).tell.remove(0).note
    };
    assert!(note(0).contains("before the first of 2 steps"), "{}", note(0));
    assert!(note(2).contains("after step 2 of 2 was begun"), "{}", note(2));
}

#[test]
fn after_a_crash_nothing_is_run_twice() {
    let mut crashed = record("* * * * *", Overlap::Skip, CatchUp::Once);
    assert!(tick(&mut crashed, at(1)).start);
    let run = crashed.under_way.as_ref().unwrap().run;
    let found = crashed.recover(at(2));
    assert_eq!((found.start, found.tell[0].run, found.tell[0].state), (false, run, ScheduleRunState::Interrupted));
    assert_eq!(crashed.under_way, None);
    // What ended is told again, under its own id, and nothing is interrupted a second time.
    let again = crashed.recover(at(3));
    assert_eq!((again.changed, again.tell[0].run, again.tell.len()), (false, run, 1));

    for (missed, starts) in [(CatchUp::Once, true), (CatchUp::Skip, false)] {
        let mut queued = record("* * * * *", Overlap::Queue, missed);
        tick(&mut queued, at(1));
        tick(&mut queued, at(2));
        let found = queued.recover(at(5));
        assert_eq!(found.start, starts, "{missed:?}");
        assert_eq!(queued.under_way.is_some(), starts);
        assert_eq!(found.tell.iter().any(|report| report.state == ScheduleRunState::Missed), !starts);
    }
}

#[test]
fn by_hand_it_runs_also_where_it_is_turned_off_and_never_beside_itself() {
    let command = |n| CommandId::from_parts(at(0), [n; 10]);
    let run = |n| ScheduleRunId::from_parts(at(0), [n; 10]);
    let mut skips = record("* * * * *", Overlap::Skip, CatchUp::Skip);
    skips.spec.settings.enabled = false;
    assert_eq!(skips.by_hand(run(1), command(1), at(1)), Ok(true));
    assert_eq!(skips.by_hand(run(2), command(2), at(1)), Err(Busy::UnderWay));
    assert_eq!(skips.by_hand, Some(command(1)));
    let mut queues = record("* * * * *", Overlap::Queue, CatchUp::Skip);
    assert_eq!(queues.by_hand(run(1), command(1), at(1)), Ok(true));
    assert_eq!(queues.by_hand(run(2), command(2), at(1)), Ok(false));
    assert_eq!(queues.by_hand(run(3), command(3), at(1)), Err(Busy::Waiting));
}
