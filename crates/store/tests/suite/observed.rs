//! Events, logs and metrics.

use std::sync::{Arc, Mutex};

use sf_protocol::app::AppState;
use sf_protocol::report::{AppSample, LogLine, LogSource, LogStream, NodeSample, Stream, SystemLog};
use sf_store::events::{self, EventFilter, NewEvent};
use sf_store::logs::{self, LogOwner, MAX_LINES_PER_LOG};
use sf_store::metrics::{self, Range};
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
    for from in (81..=MAX_LINES_PER_LOG + 2_000).step_by(1_000) {
        append(from, from + 999, 0).await;
    }
    let cursor = logs::cursor(&at, source).await.unwrap().unwrap();
    assert!(cursor.first_kept > 1);
    let oldest = logs::after(&at, source, 0, 1).await.unwrap()[0].sequence;
    assert_eq!(oldest, cursor.first_kept, "older lines are gone");
    world.pass(10);
    let before = world.now();
    let prune = || async move { write!(store, Scope::System, |tx| logs::prune(tx, before, 10).await).unwrap() };
    assert_eq!((prune().await, prune().await), (1, 0));
    assert!(logs::tail(&at, source, 10).await.unwrap().is_empty());
    assert_eq!(append(1, 50, 0).await.1, 0, "what was pruned is not taken in again");
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
    };
    for _ in 0..2 {
        let samples: Vec<_> = (0..100).map(sample).collect();
        write!(store, Scope::System, |tx| metrics::append(tx, a.node, &samples).await).unwrap();
    }
    let at = world.reader(a);
    let range = |points| Range { from: Timestamp::EPOCH, to: Timestamp::from_millis(100_000), points };
    assert_eq!(metrics::of_node(&at, a.node, range(1000)).await.unwrap().len(), 100);
    let points = metrics::of_node(&at, a.node, range(10)).await.unwrap();
    assert_eq!(points.len(), 10);
    assert_eq!(points.iter().map(|(_, sample)| sample.net_received).sum::<u64>(), 100, "taken in once");
    let apps = metrics::of_app(&at, a.app, range(1)).await.unwrap();
    assert_eq!((apps.len(), apps[0].1.requests, apps[0].1.memory), (1, 300, 2));
    let other = metrics::latest_of_app(&world.reader(world.b), world.b.app).await.unwrap();
    assert_eq!(other, None, "a node cannot speak for an app that is not on it");
    let (time, newest) = metrics::latest_of_node(&at, a.node).await.unwrap().unwrap();
    assert_eq!((time.as_millis(), newest.cpu_permille), (99_000, 990));
    let both = metrics::latest_of_nodes(&at, &[a.node, world.b.node]).await.unwrap();
    assert_eq!(both.into_iter().map(|(node, (at, _))| (node, at.as_millis())).collect::<Vec<_>>(), [(a.node, 99_000)]);
    let before = Timestamp::from_millis(50_000);
    assert_eq!(write!(store, Scope::System, |tx| metrics::prune(tx, before).await).unwrap(), 100);
}
