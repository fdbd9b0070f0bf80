//! Events, logs and metrics.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use sf_protocol::app::AppState;
use sf_protocol::report::{AppSample, LogLine, LogSource, LogStream, NodeSample, Stream, SystemLog};
use sf_store::events::{self, EventFilter, NewEvent};
use sf_store::logs::{self, Cut, LINE_BYTES, LogOwner, MAX_LINES_PER_LOG, Place, Window};
use sf_store::metrics::history::Horizon;
use sf_store::metrics::tier::KeptFor;
use sf_store::metrics::{self, Range, Subjects};
use sf_store::{Scope, StoreError, StoreOptions};
use sf_types::{ReleaseId, Timestamp};

use crate::fixture::{World, id};
use crate::write;

pub async fn events_have_no_gaps_and_resume(world: World) {
    let heard = Arc::new(Mutex::new(Vec::new()));
    let ears = heard.clone();
    world.store.on_commit(move |events| ears.lock().unwrap().extend(events.iter().map(|stored| stored.seq)));
    let (store, a, b) = (&world.store, world.a, world.b);
    let say = |n: u64| async move {
        let side = if n.is_multiple_of(2) { a } else { b };
        write!(store, side.scope(), |tx| {
            tx.publish(NewEvent {
                tenant: Some(side.tenant),
                project: n.is_multiple_of(4).then_some(side.project),
                topics: vec![format!("run:{n}"), "runs".into()],
                name: "run.update".into(),
                data: format!(r#"{{"n":{n}}}"#).into(),
            });
            if n.is_multiple_of(5) { Err(StoreError::Stale("run")) } else { Ok(()) }
        })
    };
    let told = futures_util::future::join_all((0..100).map(say)).await;
    assert_eq!(told.iter().filter(|told| told.is_ok()).count(), 80);
    assert_eq!(*heard.lock().unwrap(), (1..=80).collect::<Vec<_>>(), "in order, after COMMIT, without gaps");
    assert_eq!(events::head(&world.system()).await.unwrap(), 80);
    // Resuming in small steps gives each event of one's own exactly once.
    let (mut seen, mut at) = (Vec::new(), 0);
    loop {
        let (found, next) = events::after(&world.reader(a), at, &EventFilter::default(), 7).await.unwrap();
        if found.is_empty() {
            break;
        }
        seen.extend(found);
        at = next;
    }
    assert_eq!(seen.len(), 40);
    assert!(seen.windows(2).all(|pair| pair[0].seq < pair[1].seq));
    assert!(seen.iter().all(|stored| stored.event.tenant == Some(a.tenant)));
    let narrow = world.store.read(Scope::Project(a.tenant, a.project));
    assert_eq!(events::after(&narrow, 0, &EventFilter::default(), 100).await.unwrap().0.len(), 20);
    let one = EventFilter { topics: vec!["run:42".into()] };
    let (found, _) = events::after(&world.reader(a), 0, &one, 10).await.unwrap();
    assert_eq!((found.len(), &*found[0].event.data), (1, r#"{"n":42}"#));
    world.pass(10);
    let before = world.now();
    let gone = write!(store, Scope::System, |tx| events::prune(tx, before).await).unwrap();
    assert_eq!((gone, events::head(&world.system()).await.unwrap()), (79, 80), "the head is kept");
    say(1).await.unwrap();
    assert_eq!(events::head(&world.system()).await.unwrap(), 81);
    two_control_planes(&world).await;
}

/// Several control planes share the numbers of one PostgreSQL.
async fn two_control_planes(world: &World) {
    if world.db.folder().is_some() {
        return;
    }
    let options = StoreOptions { instance: Some(id()), ..world.db.options.clone() };
    let other = sf_store::testing::TestStore::at(options).await.unwrap();
    let before = events::head(&world.system()).await.unwrap();
    let (one, two, tenant) = (&world.store, &other.store, world.a.tenant);
    let say = |n: u32| async move {
        let store = if n.is_multiple_of(2) { one } else { two };
        write!(store, Scope::System, |tx| {
            let topics = vec!["runs".into()];
            tx.publish(NewEvent { tenant: Some(tenant), project: None, topics, name: "x".into(), data: "{}".into() });
            Ok(())
        })
    };
    let told = futures_util::future::join_all((0..100).map(say)).await;
    assert!(told.iter().all(Result::is_ok));
    let (found, _) = events::after(&world.system(), before, &EventFilter::default(), 1000).await.unwrap();
    assert_eq!(found.iter().map(|e| e.seq).collect::<Vec<_>>(), (before + 1..=before + 100).collect::<Vec<_>>());
    // By turns: what each knows of the numbers is old whenever it is its turn.
    for n in 0..10 {
        say(n).await.unwrap();
    }
    let (found, _) = events::after(&world.system(), before + 100, &EventFilter::default(), 1000).await.unwrap();
    assert_eq!(found.iter().map(|e| e.seq).collect::<Vec<_>>(), (before + 101..=before + 110).collect::<Vec<_>>());
}

/// Who is alone asks once where numbers go on; once somebody else has given one, it asks again and takes the lock.
pub async fn numbers_are_asked_for_once(world: World) {
    if world.db.folder().is_some() {
        return;
    }
    let (tenant, one) = (world.a.tenant, &world.store);
    let say = |store: sf_store::Store| async move {
        write!(store, Scope::System, |tx| {
            let topics = vec!["runs".into()];
            tx.publish(NewEvent { tenant: Some(tenant), project: None, topics, name: "x".into(), data: "{}".into() });
            Ok(())
        })
        .unwrap();
    };
    let asked = || sf_store::testing::statements(one).iter().filter(|text| text.contains("max(seq)")).count();
    say(one.clone()).await;
    asked();
    for _ in 0..3 {
        say(one.clone()).await;
    }
    assert_eq!(asked(), 0, "nobody else is there");
    let options = StoreOptions { instance: Some(id()), ..world.db.options.clone() };
    let other = sf_store::testing::TestStore::at(options).await.unwrap();
    let before = events::head(&world.system()).await.unwrap();
    say(other.store.clone()).await;
    say(one.clone()).await;
    assert!(asked() > 0, "its number was given");
    say(one.clone()).await;
    assert!(asked() > 0, "and may be given again");
    assert_eq!(events::head(&world.system()).await.unwrap(), before + 3);
}

fn batch(source: LogSource, from: u64, to: u64, dropped: u64) -> LogStream {
    let line = |sequence| LogLine {
        sequence,
        at: Timestamp::from_millis(1),
        stream: Stream::Err,
        text: format!("Line {sequence} 100%\0"),
    };
    LogStream { source, lines: (from..=to).map(line).collect(), dropped }
}

pub async fn logs_are_taken_in_once_and_cut(world: World) {
    let (a, store) = (world.a, &world.store);
    let source = LogSource::App { app: a.app, release: id::<ReleaseId>() };
    let owner = LogOwner { tenant: a.tenant, project: Some(a.project), app: Some(a.app) };
    let append = |from, to, dropped| async move {
        let lines = batch(source, from, to, dropped);
        let (up_to, fresh) = write!(store, Scope::System, |tx| logs::append(tx, owner, &lines).await).unwrap();
        (up_to, fresh.len())
    };
    assert_eq!(append(1, 50, 0).await, (50, 50));
    assert_eq!(append(1, 50, 0).await, (50, 0), "a repetition");
    assert_eq!(append(40, 60, 0).await, (60, 10), "an overlap");
    assert_eq!(append(71, 80, 10).await, (80, 10));
    assert_eq!(append(71, 80, 10).await, (80, 0));
    let at = world.reader(a);
    let cursor = logs::cursor(&at, source).await.unwrap().unwrap();
    assert_eq!((cursor.up_to, cursor.dropped, cursor.first_kept), (80, 10, 1), "what was lost counts once");
    let numbers = |lines: Vec<LogLine>| lines.into_iter().map(|line| line.sequence).collect::<Vec<_>>();
    assert_eq!(numbers(logs::tail(&at, source, 3).await.unwrap()), [78, 79, 80]);
    assert_eq!(numbers(logs::after(&at, source, 58, 3).await.unwrap()), [59, 60, 71]);
    assert_eq!(numbers(logs::search(&at, source, "LINE 7", 0, 100).await.unwrap()).len(), 10);
    assert_eq!(numbers(logs::search(&at, source, "0%", 75, 100).await.unwrap()), [76, 77, 78, 79, 80]);
    assert_eq!(logs::tail(&at, source, 1).await.unwrap()[0].text, "Line 80 100%\u{fffd}");
    let bytes = |cursor: logs::LogCursor| (cursor.up_to, cursor.first_kept, cursor.bytes);
    let cursor = || async { logs::cursor(&at, source).await.unwrap().unwrap() };
    // "Line 80 100%" and a NUL, which is stored as three bytes; the first nine are a digit shorter.
    let of_digits = |digits: u64| 5 + digits + 5 + 3 + LINE_BYTES;
    assert_eq!(cursor().await.bytes, 9 * of_digits(1) + 61 * of_digits(2));
    // Numbers far ahead, as after a gap: what is too many goes at once.
    let far = of_digits(7);
    append(MAX_LINES_PER_LOG + 2_001, MAX_LINES_PER_LOG + 2_100, 0).await;
    assert_eq!(bytes(cursor().await), (MAX_LINES_PER_LOG + 2_100, 2_101, 100 * far));
    assert_eq!(
        logs::after(&at, source, 0, 1).await.unwrap()[0].sequence,
        MAX_LINES_PER_LOG + 2_001,
        "older lines are gone"
    );
    let cut = |what, limit| async move {
        write!(store, Scope::System, |tx| logs::cut(tx, source, what, limit).await).unwrap()
    };
    assert_eq!(cut(Cut::Bytes(3 * far - 1), 100).await, 3 * far, "whole lines");
    assert_eq!(cut(Cut::Bytes(1 << 40), 7).await, 7 * far, "no more than a bite");
    assert_eq!(bytes(cursor().await).1, MAX_LINES_PER_LOG + 2_011);
    assert_eq!(cut(Cut::Before(Timestamp::from_millis(1)), 100).await, 0);
    assert_eq!(logs::kept(&world.system()).await.unwrap(), [(Some(a.app), 90 * far)]);
    assert_eq!(logs::older(&world.system(), Some(a.app), Timestamp::from_millis(2)).await.unwrap().len(), 1);
    assert_eq!(cut(Cut::Before(Timestamp::from_millis(2)), 100).await, 90 * far);
    assert_eq!((cursor().await.bytes, logs::kept(&world.system()).await.unwrap()), (0, Vec::new()));
    assert!(logs::tail(&at, source, 10).await.unwrap().is_empty());
    assert_eq!(append(1, 50, 0).await.1, 0, "what was removed is not taken in again");
    let outside = write!(store, a.scope(), |tx| logs::cut(tx, source, Cut::Bytes(1), 1).await);
    assert!(matches!(outside, Err(StoreError::OutOfScope(_))));
}

/// Lines of two releases and a build, some of the same time, are one row from the newest to the oldest.
pub async fn lines_of_all_logs_are_one_row_by_time(world: World) {
    let (a, store) = (world.a, &world.store);
    let run = world.run(a).await;
    let owner = LogOwner { tenant: a.tenant, project: Some(a.project), app: Some(a.app) };
    let sources = [
        LogSource::App { app: a.app, release: id::<ReleaseId>() },
        LogSource::App { app: a.app, release: id::<ReleaseId>() },
        LogSource::Run { run: run.id },
    ];
    for (n, source) in sources.into_iter().enumerate() {
        // The clock of the second goes back in the middle.
        let at =
            |sequence: u64| i64::try_from(if n == 1 && sequence > 5 { sequence - 3 } else { sequence }).unwrap() * 10;
        let line = |sequence| LogLine {
            sequence,
            at: Timestamp::from_millis(at(sequence)),
            stream: if sequence.is_multiple_of(2) { Stream::Err } else { Stream::Out },
            text: format!("{n}:{sequence}"),
        };
        let batch = LogStream { source, lines: (1..=10).map(line).collect(), dropped: 0 };
        write!(store, Scope::System, |tx| logs::append(tx, owner, &batch).await).unwrap();
    }
    let at = world.reader(a);
    let newest: Vec<_> =
        logs::logs_of_app(&at, a.app).await.unwrap().iter().map(|log| log.newest_at.as_millis()).collect();
    assert_eq!(newest, [100, 100, 70]);
    let window = Window { from: Some(Timestamp::from_millis(20)), to: Some(Timestamp::from_millis(90)), stream: None };
    let id_of = |source| match source {
        LogSource::App { release, .. } => release.uuid(),
        LogSource::Run { run } => run.uuid(),
    };
    let mut all = Vec::new();
    for source in sources {
        let lines = logs::before(&at, source, window, None, 100).await.unwrap();
        all.extend(
            lines.iter().map(|line| (Place { at: line.at, source: id_of(source), sequence: line.sequence }, source)),
        );
    }
    all.sort_by_key(|one| std::cmp::Reverse(one.0));
    assert_eq!(all.len(), 23);
    // From every place on, each log gives exactly what stands behind it.
    for (nth, (place, _)) in all.iter().enumerate() {
        for source in sources {
            let lines = logs::before(&at, source, window, Some(*place), 100).await.unwrap();
            let behind = all[nth + 1..].iter().filter(|(_, of)| *of == source).map(|(place, _)| place.sequence);
            assert_eq!(lines.iter().map(|line| line.sequence).collect::<Vec<_>>(), behind.collect::<Vec<_>>());
        }
    }
    let errors = Window { stream: Some(Stream::Err), ..window };
    assert!(
        logs::before(&at, sources[0], errors, None, 3)
            .await
            .unwrap()
            .iter()
            .all(|line| line.sequence.is_multiple_of(2))
    );
    let around = logs::around(&at, sources[0], 2, 3).await.unwrap();
    assert_eq!(around.iter().map(|line| line.sequence).collect::<Vec<_>>(), [1, 2, 3, 4, 5]);
    assert_eq!(logs::oldest_of_app(&at, a.app).await.unwrap(), Some(Timestamp::from_millis(10)));
    assert_eq!(logs::bytes_of_app(&at, a.app).await.unwrap(), 3 * (9 * 3 + 4) + 30 * LINE_BYTES);
    let other = world.reader(world.b);
    assert!(logs::logs_of_app(&other, a.app).await.unwrap().is_empty());
    assert!(matches!(logs::before(&other, sources[0], window, None, 9).await, Err(StoreError::NotFound(_))));
    assert!(matches!(logs::around(&other, sources[0], 2, 3).await, Err(StoreError::NotFound(_))));
    assert_eq!(logs::oldest_of_app(&other, a.app).await.unwrap(), None);
    assert_eq!(logs::bytes_of_app(&other, a.app).await.unwrap(), 0);
}

pub async fn metrics_are_taken_in_once_and_folded(world: World) {
    let (a, store) = (world.a, &world.store);
    let sample = |n: i64| SystemLog {
        at: Timestamp::from_millis(n * 1000),
        node: NodeSample { cpu_permille: u32::try_from(n).unwrap() * 10, net_received: 1, ..Default::default() },
        apps: [a.app, world.b.app]
            .map(|app| AppSample {
                app,
                state: AppState::Running,
                cpu_permille: 1,
                memory: 2,
                processes: 1,
                requests: 3,
                restarts: 0,
            })
            .to_vec(),
        servers: Vec::new(),
        held: None,
    };
    for _ in 0..2 {
        let samples: Vec<_> = (0..100).map(sample).collect();
        write!(store, Scope::System, |tx| metrics::append(tx, a.node, &samples).await).unwrap();
    }
    let at = world.reader(a);
    let kept = KeptFor {
        samples: Duration::from_millis(u64::try_from(world.now().as_millis()).unwrap()),
        ..KeptFor::default()
    };
    let range = |points| Range { from: Timestamp::EPOCH, to: Timestamp::from_millis(100_000), points };
    assert_eq!(metrics::of_node(&at, a.node, range(1000), kept).await.unwrap().points.len(), 100);
    let course = metrics::of_node(&at, a.node, range(10), kept).await.unwrap();
    assert_eq!((course.step_ms, course.points.len()), (10_000, 10));
    assert_eq!(course.points.iter().map(|fold| fold.received.sum).sum::<u64>(), 100, "taken in once");
    let apps = metrics::of_app(&at, a.app, range(1), kept).await.unwrap().points;
    assert_eq!((apps.len(), apps[0].requests.sum, apps[0].memory.mean(100)), (1, 300, 2));
    let other = metrics::latest_of_app(&world.reader(world.b), world.b.app).await.unwrap();
    assert_eq!(other, None, "a node cannot speak for an app that is not on it");
    let (time, newest) = metrics::latest_of_node(&at, a.node).await.unwrap().unwrap();
    assert_eq!((time.as_millis(), newest.cpu_permille), (99_000, 990));
    let both = metrics::latest_of_nodes(&at, &[a.node, world.b.node]).await.unwrap();
    assert_eq!(both.into_iter().map(|(node, (at, _))| (node, at.as_millis())).collect::<Vec<_>>(), [(a.node, 99_000)]);
}

/// Folds and removes all that is due, as the housekeeping does, `limit` rows at a time.
async fn keep_history(world: &World, kept: KeptFor, limit: u32) {
    let now = world.now();
    let before =
        Horizon { samples: now.minus(kept.samples), fine: now.minus(kept.fine), coarse: now.minus(kept.coarse) };
    for of in Subjects::ALL {
        while write!(world.store, Scope::System, |tx| metrics::fold(tx, of, limit).await).unwrap() > 0 {}
        for id in metrics::overdue(&world.system(), of, before).await.unwrap() {
            while write!(world.store, Scope::System, |tx| metrics::prune(tx, of, id, before, limit).await).unwrap() > 0
            {
            }
        }
        assert!(metrics::overdue(&world.system(), of, before).await.unwrap().is_empty());
    }
}

/// One sample each 30 s, idle but for one spike.
fn sample_at(app: sf_types::AppId, at: i64, cpu: u32) -> SystemLog {
    let node = NodeSample { cpu_permille: cpu, net_received: 3_000, memory_used: u64::MAX, ..Default::default() };
    let state = AppState::Running;
    let of_app = AppSample { app, state, cpu_permille: cpu, memory: 7, processes: 1, requests: 60, restarts: 0 };
    SystemLog { at: Timestamp::from_millis(at), node, apps: vec![of_app], servers: Vec::new(), held: None }
}

const HOUR_MS: i64 = 3_600_000;
const DAY_MS: i64 = 24 * HOUR_MS;

pub async fn a_history_is_exact_whenever_it_is_folded(world: World) {
    let (a, store, kept) = (world.a, &world.store, KeptFor::default());
    let now = world.now().as_millis() / HOUR_MS * HOUR_MS;
    let samples: Vec<_> = (1..=2 * HOUR_MS / 30_000)
        .map(|n| sample_at(a.app, now - n * 30_000, if n == 17 { 990 } else { 10 }))
        .collect();
    // The second half comes late, and some of the first once more.
    let (in_time, late) = samples.split_at(samples.len() / 2);
    let append = |part: Vec<SystemLog>| async move {
        write!(store, Scope::System, |tx| metrics::append(tx, a.node, &part).await).unwrap();
    };
    let at = || world.reader(a);
    let range = Range { from: Timestamp::from_millis(now - 2 * HOUR_MS), to: Timestamp::from_millis(now), points: 2 };
    let read = || async { metrics::of_node(&at(), a.node, range, kept).await.unwrap() };
    let of_app = || async { metrics::of_app(&at(), a.app, range, kept).await.unwrap() };
    append(in_time.to_vec()).await;
    let before = (read().await, of_app().await);
    assert_eq!(write!(store, Scope::System, |tx| metrics::fold(tx, Subjects::Nodes, 7).await).unwrap(), 7);
    assert_eq!((read().await, of_app().await), before, "a part of it is folded");
    // A fold that ends before its COMMIT has folded nothing.
    let broken = write!(store, Scope::System, |tx| {
        metrics::fold(tx, Subjects::Nodes, 100).await?;
        Err::<(), _>(StoreError::Stale("run"))
    });
    assert!(broken.is_err());
    assert_eq!((read().await, of_app().await), before);
    keep_history(&world, kept, 7).await;
    assert_eq!((read().await, of_app().await), before, "all of it is folded");
    append(late.iter().chain(&in_time[..5]).cloned().collect()).await;
    let all = read().await;
    keep_history(&world, kept, 50).await;
    assert_eq!(read().await, all, "what came late counts like what came in time");
    assert_eq!(
        (all.step_ms, all.points.iter().map(|fold| fold.samples).collect::<Vec<_>>()),
        (HOUR_MS, vec![120, 120])
    );
    let spiked = all.points[1];
    assert_eq!((spiked.cpu.low, spiked.cpu.high, spiked.cpu.sum), (10, 990, 119 * 10 + 990));
    assert_eq!((spiked.received.sum, spiked.received.high), (360_000, 100), "3,000 bytes in 30 s");
    assert_eq!(spiked.memory.high, metrics::fold::MAX_VALUE, "a number beyond belief breaks no sum");
    assert_eq!(of_app().await.points.iter().map(|fold| fold.requests.sum).collect::<Vec<_>>(), [7_200, 7_200]);
}

pub async fn a_spike_is_seen_a_year_later_in_few_rows(world: World) {
    let (a, store, kept) = (world.a, &world.store, KeptFor::default());
    let now = world.now().as_millis();
    let spike = now - 364 * DAY_MS;
    let mut samples: Vec<_> = (1..=2_000).map(|n| sample_at(a.app, now - n * 30_000, 10)).collect();
    samples.extend((0..60).map(|n| sample_at(a.app, spike + n * 30_000, if n == 30 { 870 } else { 10 })));
    // Of before all times, and of a clock that is a year ahead.
    samples.extend([-500 * DAY_MS, 365 * DAY_MS].map(|away| sample_at(a.app, now + away, 10)));
    for part in samples.chunks(500) {
        let part = part.to_vec();
        write!(store, Scope::System, |tx| metrics::append(tx, a.node, &part).await).unwrap();
    }
    let year = Range { from: Timestamp::from_millis(now - 365 * DAY_MS), to: world.now(), points: 365 };
    let high = |course: &metrics::Course<metrics::fold::NodeFold>| course.points.iter().map(|fold| fold.cpu.high).max();
    keep_history(&world, kept, 100).await;
    let course = metrics::of_node(&world.reader(a), a.node, year, kept).await.unwrap();
    assert_eq!((course.step_ms, high(&course)), (DAY_MS, Some(870)));
    // Samples are kept a day after they came, however old they are: until then a repeated one is known.
    let samples = metrics::of_node(&world.reader(a), a.node, Range { points: 1, ..year }, kept).await.unwrap();
    assert_eq!(samples.points[0].samples, 2_060);
    world.pass(DAY_MS + 1);
    keep_history(&world, kept, 100).await;
    let fresh = Range { from: Timestamp::from_millis(now - 3 * HOUR_MS), to: world.now(), points: 2_000 };
    let all_kept = KeptFor { samples: Duration::from_secs(1 << 33), ..kept };
    assert!(
        metrics::of_node(&world.reader(a), a.node, fresh, all_kept).await.unwrap().points.is_empty(),
        "samples are gone"
    );
    let course = metrics::of_node(&world.reader(a), a.node, year, kept).await.unwrap();
    assert_eq!(high(&course), Some(870), "their history is not");
    let others = metrics::of_node(&world.reader(world.b), a.node, year, kept).await;
    assert!(matches!(others, Err(StoreError::NotFound(_))), "{others:?}");
}
