//! Runs, commands, approvals, the outbox, apps and releases.

pub mod agents;
pub mod hooks;
pub mod inbox;
pub mod monitoring;
pub mod panel;
pub mod previews;
pub mod schedules;

use std::time::Duration;

use sf_actions::app::Settings;
use sf_engine::{Done, Input, RunState, step};
use sf_protocol::Kind;
use sf_protocol::app::AppState;
use sf_protocol::outcome::{DeployFacts, Facts, Outcome, Step, StepTime, Verdict as NodeVerdict};
use sf_store::approvals::{self, ApprovalState, Verdict};
use sf_store::apps::{AppChange, Desired};
use sf_store::commands::{self, CommandState, StoredCommand};
use sf_store::releases::{self, ReleaseState};
use sf_store::runs::RunFilter;
use sf_store::timeline::{self, Moment, MomentKind};
use sf_store::{Scope, StoreError, apps, outbox, runs};
use sf_types::{CommandId, NodeId, PageRequest, Port, ReleaseId, Timestamp};

use crate::fixture::{World, id, new_command, signed};
use crate::tenancy::approval;
use crate::write;

pub async fn runs_change_by_version_and_end_once(world: World) {
    let (a, store, now) = (world.a, &world.store, world.now());
    let run = world.run(a).await;
    assert_eq!(runs::get(&world.reader(a), run.id).await.unwrap(), run, "reads back as it was written");
    let (sent, _) = step(run.clone(), Input::Sent, now).unwrap();
    let racing = (0..10).map(|_| {
        let sent = sent.clone();
        async move { write!(store, a.scope(), |tx| runs::update(tx, &sent, None).await) }
    });
    let won = futures_util::future::join_all(racing).await.into_iter().filter(Result::is_ok).count();
    assert_eq!(won, 1);
    let outcome = Outcome {
        command: id(),
        node: a.node,
        verdict: NodeVerdict::RolledBack,
        fault: None,
        facts: Facts::None,
        started_at: now,
        finished_at: now,
    };
    let (ended, _) = step(sent, Input::Outcome(Box::new(outcome.clone())), now).unwrap();
    let (kept, word) = (ended.clone(), outcome.clone());
    write!(store, a.scope(), |tx| runs::update(tx, &kept, Some(&word)).await).unwrap();
    let record = runs::record(&world.reader(a), run.id).await.unwrap();
    assert_eq!((record.run.state, record.outcome), (RunState::Done(Done::RolledBack), Some(outcome)));
    // Even a writer with the right version cannot bring it back.
    let mut undead = ended;
    (undead.version, undead.state, undead.closed_at) = (undead.version + 1, RunState::Ready, None);
    let refused = write!(store, Scope::System, |tx| runs::update(tx, &undead, None).await);
    assert!(matches!(refused, Err(StoreError::Stale(_))));
}

pub async fn run_lists_and_filters(world: World) {
    let a = world.a;
    let mut made = Vec::new();
    for _ in 0..5 {
        made.push(world.run(a).await.id);
    }
    made.reverse();
    let at = world.reader(a);
    let (mut seen, mut after) = (Vec::new(), None);
    loop {
        let page = runs::page(&at, &RunFilter::default(), &PageRequest { limit: Some(2), after }).await.unwrap();
        seen.extend(page.items.iter().map(|record| record.run.id));
        after = page.next;
        if after.is_none() {
            break;
        }
    }
    assert_eq!(seen, made, "newest first, each once");
    let count = |filter: RunFilter| {
        let at = at.clone();
        async move { runs::page(&at, &filter, &PageRequest::default()).await.unwrap().items.len() }
    };
    let filter = RunFilter::default;
    for (filter, expected) in [
        (RunFilter { state: Some("ready".into()), ..filter() }, 5),
        (RunFilter { state: Some("open".into()), ..filter() }, 5),
        (RunFilter { state: Some("failed".into()), ..filter() }, 0),
        (RunFilter { action: Some("app.deploy".into()), ..filter() }, 5),
        (RunFilter { app: Some(world.b.app), ..filter() }, 0),
        (RunFilter { node: Some(a.node), ..filter() }, 5),
        (RunFilter { q: Some("DEPL".into()), ..filter() }, 5),
        (RunFilter { q: Some("sho".into()), ..filter() }, 5),
        (RunFilter { q: Some("nothing".into()), ..filter() }, 0),
    ] {
        assert_eq!(count(filter.clone()).await, expected, "{filter:?}");
    }
    assert_eq!(runs::in_state(&at, RunState::Ready).await.unwrap().len(), 5);
    assert_eq!(runs::opened_since(&at, Some(a.user), world.now(), 100).await.unwrap(), 5);
    assert_eq!(runs::opened_since(&at, Some(a.user), world.now(), 3).await.unwrap(), 3, "no further than asked for");
    assert_eq!(runs::opened_since(&at, None, world.now(), 100).await.unwrap(), 0);
    let bad = PageRequest { limit: None, after: Some(sf_types::Cursor("x' OR 1".into())) };
    assert!(matches!(runs::page(&at, &filter(), &bad).await, Err(StoreError::Refused(_))));
}

pub async fn timeline_in_order(world: World) {
    let run = world.run(world.a).await;
    let moment = |note: &str| Moment {
        at: Timestamp::EPOCH,
        kind: MomentKind::Step,
        step: Some(Step::StopOld),
        state: Some(sf_protocol::report::StepState::Skipped),
        note: note.into(),
    };
    for notes in [vec!["1"], vec!["2", "3"], vec!["4"]] {
        let moments: Vec<_> = notes.into_iter().map(moment).collect();
        let run = run.clone();
        write!(world.store, Scope::System, |tx| timeline::append(tx, &run, &moments)).unwrap();
    }
    let seen = timeline::of_run(&world.system(), run.id).await.unwrap();
    assert_eq!(seen, ["1", "2", "3", "4"].map(moment));
}

pub async fn commands_wait_in_order_and_move_forward_only(world: World) {
    let (a, store, now) = (world.a, &world.store, world.now());
    let run = world.run(a).await;
    let mut made = Vec::new();
    for _ in 0..4 {
        made.push(world.command(&run).await);
    }
    assert_eq!(commands::get(&world.system(), made[0].id).await.unwrap(), made[0], "the exact bytes");
    let waiting = || async {
        let backlog = commands::backlog(&world.system(), a.node, 1, 1, 10).await.unwrap();
        let open = backlog.iter().filter(|command| matches!(command.state, CommandState::Ready | CommandState::Sent));
        open.map(|command| command.sequence).collect::<Vec<_>>()
    };
    assert_eq!(waiting().await, [1, 2, 3, 4]);
    let first = made[0].id;
    for (state, news) in [("sent", true), ("sent", false), ("acked", true), ("sent", false), ("done", true)] {
        assert_eq!(moves(&world, a.node, first, state).await, news, "{state}");
    }
    let done = commands::get(&world.system(), first).await.unwrap();
    assert_eq!((done.state, done.result.unwrap().0), (CommandState::Done, signed("result")));
    assert!(!moves(&world, a.node, first, "acked").await);
    assert!(!moves(&world, world.b.node, made[1].id, "done").await, "the word of another node counts for nothing");
    let found = commands::under_way(&world.system(), Some(a.node), first).await.unwrap().unwrap();
    assert_eq!((found.order, found.run), (Some(made[0].payload.clone()), Some(run.clone())));
    assert_eq!(waiting().await, [2, 3, 4]);
    // A void takes the number of one that was never accepted.
    let second = made[1].id;
    let void = write!(store, Scope::System, |tx| {
        let (epoch, sequence) = commands::mark_void(tx, second).await?.unwrap();
        let void = new_command(&run, epoch, sequence, now);
        commands::insert(tx, &void)?;
        Ok(void)
    });
    assert_eq!((void.unwrap().sequence, waiting().await), (2, vec![2, 3, 4]));
    assert_eq!(write!(store, Scope::System, |tx| commands::mark_void(tx, first).await).unwrap(), None);
    let taken = new_command(&world.run(a).await, 1, 3, now);
    let taken = write!(store, Scope::System, |tx| commands::insert(tx, &taken));
    assert!(matches!(taken, Err(StoreError::Taken(_))), "a number is given once");
    world.pass(60_001);
    // The journal lost what it had accepted: its number is free, and what was said of it stays.
    assert!(write!(store, Scope::System, |tx| commands::mark_lost(tx, first).await).unwrap());
    let lost = commands::get(&world.system(), first).await.unwrap();
    assert_eq!((lost.state, lost.result.unwrap().0), (CommandState::Void, signed("result")));
    let unaccepted = made[2].id;
    assert!(!write!(store, Scope::System, |tx| commands::mark_lost(tx, unaccepted).await).unwrap());
    assert_eq!(commands::of_older_epochs(&world.system(), a.node, 2).await.unwrap().len(), 3);
    assert_eq!(commands::highest(&world.system(), a.node, 1).await.unwrap(), 4);
    // Its node's word is about what was ordered, whatever the kind of order.
    let orders = Kind::ALL.iter().filter(|kind| kind.describes_its_object() || **kind == Kind::FileAction);
    for (sequence, kind) in (9..).zip(orders) {
        let kind = *kind;
        let ordered = StoredCommand { kind, ..new_command(&world.run(a).await, 1, sequence, now) };
        let (command, payload) = (ordered.id, ordered.payload.clone());
        write!(store, Scope::System, |tx| commands::insert(tx, &ordered)).unwrap();
        let found = commands::under_way(&world.system(), Some(a.node), command).await.unwrap().unwrap();
        assert_eq!(found.order, Some(payload).filter(|_| kind.describes_its_object()), "{kind}");
    }
}

/// A command comes further by a node's word, if it is news.
async fn moves(world: &World, node: NodeId, id: CommandId, state: &'static str) -> bool {
    let now = world.now();
    let met = write!(world.store, Scope::System, |tx| {
        let Some(found) = commands::under_way(tx, Some(node), id).await? else { return Ok(false) };
        match state {
            "sent" if found.state == CommandState::Ready => commands::sent(tx, id, now),
            "acked" if found.is_unpromised() => commands::acked(tx, id, Some(&signed("ack")), None),
            "done" if found.state != CommandState::Done => commands::done(tx, id, Some(&signed("result")), None),
            _ => return Ok(false),
        }
        Ok(true)
    });
    met.unwrap()
}

pub async fn approvals_count_once_and_for_what_was_shown(world: World) {
    let (a, store, now) = (world.a, &world.store, world.now());
    let run = world.run(a).await.id;
    let later = Timestamp::from_millis(now.as_millis() + 1000);
    let card = approval(a, run, now, later);
    let (kept, card_id) = (card.clone(), card.id);
    write!(store, a.scope(), |tx| approvals::open(tx, &kept).await).unwrap();
    let twin = approval(a, run, now, later);
    assert!(write!(store, a.scope(), |tx| approvals::open(tx, &twin).await).is_err(), "one open card a run");
    let decide = |hash: &'static str, verdict| async move {
        write!(store, a.scope(), |tx| approvals::decide(tx, card_id, hash, verdict, a.user, Some("ok")).await)
    };
    assert!(matches!(decide("other", Verdict::Approved).await, Err(StoreError::Stale(_))));
    decide("h", Verdict::Approved).await.unwrap();
    assert!(matches!(decide("h", Verdict::Rejected).await, Err(StoreError::Stale(_))), "single use");
    let decided = approvals::get(&world.reader(a), card_id).await.unwrap();
    assert_eq!(
        (decided.state, decided.decision, decided.decided_by),
        (ApprovalState::Decided, Some(Verdict::Approved), Some(a.user))
    );
    let late = approval(a, run, now, later);
    let (kept, late) = (late.clone(), late.id);
    write!(store, a.scope(), |tx| approvals::open(tx, &kept).await).unwrap();
    assert_eq!(approvals::open_of_run(&world.reader(a), run).await.unwrap().unwrap().id, late);
    world.pass(1000);
    let late = write!(store, a.scope(), |tx| approvals::decide(tx, late, "h", Verdict::Approved, a.user, None).await);
    assert!(matches!(late, Err(StoreError::Stale(_))), "silence and lateness never approve");
    assert!(write!(store, a.scope(), |tx| approvals::end(tx, run, ApprovalState::Expired).await).unwrap());
    assert!(!write!(store, a.scope(), |tx| approvals::end(tx, run, ApprovalState::Expired).await).unwrap());
}

pub async fn outbox_is_claimed_once_and_retried(world: World) {
    let (store, now) = (&world.store, world.now());
    let at = move |millis: i64| Timestamp::from_millis(now.as_millis() + millis);
    write!(store, Scope::System, |tx| {
        for (kind, due) in [("late", at(5000)), ("second", at(10)), ("first", at(0))] {
            outbox::push(tx, "timers", kind, serde_json::json!({"n": 1}), due);
        }
        Ok(outbox::push(tx, "other", "x", serde_json::json!({}), at(0)))
    })
    .unwrap();
    assert_eq!(outbox::next_due(&world.system(), "timers").await.unwrap(), Some(at(0)));
    assert_eq!(outbox::next_due(&world.system(), "none").await.unwrap(), None);
    world.pass(10);
    let claim = || async {
        let lease = Duration::from_millis(100);
        write!(store, Scope::System, |tx| outbox::claim(tx, "timers", 10, lease).await).unwrap()
    };
    let tasks = claim().await;
    assert_eq!(tasks.iter().map(|task| task.kind.as_str()).collect::<Vec<_>>(), ["first", "second"]);
    assert!(claim().await.is_empty(), "somebody is at them");
    let (first, second) = (tasks[0].id, tasks[1].id);
    assert!(write!(store, Scope::System, |tx| outbox::done(tx, first).await).unwrap());
    write!(store, Scope::System, |tx| outbox::fail(tx, second, "no route", at(50)).await).unwrap();
    assert!(claim().await.is_empty(), "not before its time");
    world.pass(40);
    let again = claim().await;
    assert_eq!((again[0].id, again[0].attempts, again[0].last_error.as_deref()), (second, 2, Some("no route")));
    assert_eq!(outbox::next_due(&world.system(), "timers").await.unwrap(), Some(at(151)), "when the lease ends");
    world.pass(101);
    assert_eq!(claim().await.len(), 1, "whoever had it is gone");
    assert_eq!(write!(store, Scope::System, |tx| outbox::release_all(tx).await).unwrap(), 1);
    assert_eq!(claim().await.len(), 1);
}

pub async fn apps_keep_names_generations_and_facts(world: World) {
    let (a, store) = (world.a, &world.store);
    let settings = Settings::of("https://git.example.org/other");
    let twin = settings.clone();
    let taken = write!(store, a.scope(), |tx| {
        let id = tx.new_id();
        apps::create(tx, id, a.project, a.node, &"shop".parse().unwrap(), &twin).await
    });
    assert!(matches!(taken, Err(StoreError::Taken(_))));
    let kept = settings.clone();
    assert_eq!(write!(store, a.scope(), |tx| apps::update_settings(tx, a.app, &kept).await).unwrap(), 2);
    assert_eq!(write!(store, a.scope(), |tx| apps::set_desired(tx, a.app, Desired::Stopped).await).unwrap(), 3);
    let live: ReleaseId = id();
    let change = AppChange {
        state: Some(AppState::Crashed),
        reason: Some("exited with code 1".into()),
        live_release: Some(Some(live)),
        stable_port: Some(Port::try_from(20_001).ok()),
        detected_ports: Some(vec![Port::try_from(3000).unwrap()]),
        restarts: Some(4),
        generation: Some(2),
        ..Default::default()
    };
    write!(store, a.scope(), |tx| apps::change(tx, a.app, &change).await).unwrap();
    let app = apps::get(&world.reader(a), a.app).await.unwrap();
    assert_eq!((app.settings.0, app.generation, app.desired), (settings, 3, Desired::Stopped));
    assert_eq!((app.state, app.live_release, app.restarts), (AppState::Crashed, Some(live), 4));
    write!(store, a.scope(), |tx| apps::change(tx, a.app, &AppChange::default()).await).unwrap();
    assert_eq!(apps::get(&world.reader(a), a.app).await.unwrap().restarts, 4, "what is not given stays");
    assert_eq!(apps::facts(&world.reader(a), a.app).await.unwrap().generation, 4);
    write!(store, a.scope(), |tx| apps::delete(tx, a.app).await).unwrap();
    assert!(apps::get(&world.reader(a), a.app).await.is_err());
    let again = write!(store, a.scope(), |tx| {
        let id = tx.new_id();
        apps::create(tx, id, a.project, a.node, &"shop".parse().unwrap(), &Settings::of("x")).await
    });
    assert!(again.is_ok(), "the name is free again");
}

pub async fn releases_follow_the_node(world: World) {
    let (a, store) = (world.a, &world.store);
    let run = world.run(a).await.id;
    let made: [ReleaseId; 3] = [id(), id(), id()];
    for (n, release) in made.into_iter().enumerate() {
        let new = write!(store, a.scope(), |tx| releases::create(tx, release, a.app, run, None, None).await);
        assert_eq!(new.unwrap().number, n as u64 + 1);
    }
    let facts = |release, live, kept: &[ReleaseId]| DeployFacts {
        release,
        commit: Some("c".repeat(40)),
        subject: Some("Fix it".into()),
        builder: Some(sf_protocol::build::Builder::Node),
        live_release: live,
        port: None,
        kept: kept.to_vec(),
        timings: vec![StepTime { step: Step::Build, took_ms: 7 }],
        generation: 1,
        state: AppState::Running,
        path: None,
    };
    let [one, two, three] = made;
    use ReleaseState::{Building, Failed, Gone, Kept, Live};
    for (facts, expected) in [
        (facts(one, Some(one), &[one]), [Live, Building, Building]),
        (facts(two, Some(two), &[two, one]), [Kept, Live, Building]),
        (facts(three, Some(two), &[two, one]), [Kept, Live, Failed]),
        (facts(one, Some(one), &[one, two]), [Live, Kept, Failed]),
        (facts(one, Some(one), &[one]), [Live, Gone, Failed]),
    ] {
        world.pass(1);
        write!(store, a.scope(), |tx| releases::apply(tx, a.app, &facts).await).unwrap();
        for (release, state) in made.into_iter().zip(expected) {
            assert_eq!(releases::get(&world.reader(a), release).await.unwrap().state, state, "{release}");
        }
    }
    let page = releases::page(&world.reader(a), a.app, &PageRequest::default()).await.unwrap();
    assert_eq!(page.items.iter().map(|release| release.number).collect::<Vec<_>>(), [3, 2, 1]);
    assert_eq!((page.items[0].subject.as_deref(), page.items[0].timings.0.len()), (Some("Fix it"), 1));
}
