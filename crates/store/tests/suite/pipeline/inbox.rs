//! What waits in people's inboxes, the rules that put it there, and what is learnt from it.

use std::time::Duration;

use sf_actions::ActorKind;
use sf_actions::rules::Terms;
use sf_engine::{Done, RunState};
use sf_policy::learning::Source;
use sf_store::approvals::{ApprovalState, Verdict};
use sf_store::deputies::{self, Deputy};
use sf_store::inbox::{self, Reading};
use sf_store::learning::{self, SampleFilter, SampleRow};
use sf_store::votes::{self, Vote};
use sf_store::{Json, Scope, StoreError, approvals, rules, runs, users};
use sf_types::{PageRequest, RunId, Timestamp, TokenId};
use uuid::Uuid;

use crate::fixture::{Side, World, id, new_run};
use crate::{tenancy, write};

fn reading(world: &World, side: Side) -> Reading {
    Reading { user: side.user, now: world.now(), since: world.now().minus(Duration::from_secs(86_400)) }
}

fn page(limit: u16) -> PageRequest {
    PageRequest { limit: Some(limit), ..PageRequest::default() }
}

async fn card(world: &World, side: Side) -> approvals::Approval {
    let run = world.run(side).await;
    let card = tenancy::approval(side, run.id, world.now(), world.now().plus(Duration::from_secs(600)));
    let kept = card.clone();
    write!(world.store, side.scope(), |tx| approvals::open(tx, &kept).await).unwrap();
    card
}

async fn ended(world: &World, side: Side, done: Done) -> RunId {
    let mut run = new_run(side, world.now());
    (run.state, run.closed_at) = (RunState::Done(done), Some(world.now()));
    let id = run.id;
    write!(world.store, side.scope(), |tx| runs::insert(tx, &run)).unwrap();
    id
}

pub async fn cards_failures_and_reviews_come_in_pages_and_can_be_put_aside(world: World) {
    let (a, at) = (world.a, world.reader(world.a));
    let mut open = Vec::new();
    for _ in 0..5 {
        open.push(card(&world, a).await.id);
        world.pass(1);
    }
    let failed = [ended(&world, a, Done::Failed).await, ended(&world, a, Done::RolledBack).await];
    let automatic = ended(&world, a, Done::Succeeded).await;
    let run = runs::get(&at, automatic).await.unwrap();
    write!(world.store, a.scope(), |tx| inbox::ask_back(tx, &run)).unwrap();
    card(&world, world.b).await;

    let first = inbox::cards(&at, reading(&world, a), &page(3)).await.unwrap();
    let second = PageRequest { after: first.next.clone(), ..page(3) };
    let second = inbox::cards(&at, reading(&world, a), &second).await.unwrap();
    let found: Vec<_> = first.items.iter().chain(&second.items).map(|card| card.id).collect();
    open.reverse();
    assert_eq!(found, open);
    let broken = inbox::failures(&at, reading(&world, a), &page(10)).await.unwrap();
    assert_eq!(broken.items.len(), 2);
    assert!(broken.items.iter().all(|run| failed.contains(&run.id)));
    let reviews = inbox::to_review(&at, reading(&world, a), &page(10)).await.unwrap();
    assert_eq!(reviews.items.iter().map(|run| run.id).collect::<Vec<_>>(), [automatic]);
    assert_eq!(inbox::count_to_decide(&at, reading(&world, a)).await.unwrap(), (5, 1));
    assert_eq!(inbox::count_failures(&at, reading(&world, a)).await.unwrap(), 2);

    // Put aside until later it is back then; for good it is not; for others it never was.
    let (user, later) = (a.user, world.now().plus(Duration::from_secs(60)));
    let (snoozed, seen) = (open[0].uuid(), failed[0].uuid());
    write!(world.store, a.scope(), |tx| inbox::put_aside(tx, user, snoozed, Some(later)).await).unwrap();
    write!(world.store, a.scope(), |tx| inbox::put_aside(tx, user, seen, None).await).unwrap();
    assert_eq!(inbox::count_to_decide(&at, reading(&world, a)).await.unwrap().0, 4);
    assert_eq!(inbox::count_failures(&at, reading(&world, a)).await.unwrap(), 1);
    assert_eq!(inbox::aside(&at, reading(&world, a), &[snoozed, seen]).await.unwrap().len(), 2);
    let other = Reading { user: world.b.user, ..reading(&world, a) };
    assert_eq!(inbox::count_failures(&at, other).await.unwrap(), 2);
    world.pass(61_000);
    assert_eq!(inbox::count_to_decide(&at, reading(&world, a)).await.unwrap().0, 5);
    assert_eq!(inbox::count_failures(&at, reading(&world, a)).await.unwrap(), 1);
    write!(world.store, a.scope(), |tx| inbox::take_up(tx, user, seen).await).unwrap();
    assert_eq!(inbox::count_failures(&at, reading(&world, a)).await.unwrap(), 2);

    // Nobody decides what has expired, and what broke long ago is no news.
    world.pass(600_000);
    assert_eq!(inbox::count_to_decide(&at, reading(&world, a)).await.unwrap().0, 0);
    let since = world.now();
    assert_eq!(inbox::count_failures(&at, Reading { since, ..reading(&world, a) }).await.unwrap(), 0);

    write!(world.store, a.scope(), |tx| inbox::reviewed(tx, automatic, true, user, None).await).unwrap();
    let again = write!(world.store, a.scope(), |tx| inbox::reviewed(tx, automatic, false, user, None).await);
    assert!(matches!(again, Err(StoreError::Stale(_))), "{again:?}");
    assert_eq!(inbox::review(&at, automatic).await.unwrap().unwrap().good, Some(true));
}

fn sample(world: &World, side: Side, run: RunId, source: Source) -> SampleRow {
    SampleRow {
        id: Uuid::from_u128(u128::from(run.uuid().as_u128() as u64) + source as u128),
        tenant: side.tenant,
        project: Some(side.project),
        run,
        source,
        action: "app.deploy".into(),
        agent: TokenId::from_uuid(side.user.uuid()),
        tool: None,
        score: Some(95),
        confidence: Some(71),
        estimate: Some(801),
        good: source.is_good(),
        at: world.now(),
    }
}

pub async fn nobody_sees_or_changes_the_rules_votes_and_samples_of_others(world: World) {
    let (a, b) = (world.a, world.b);
    let (ours, theirs) = (world.reader(a), world.reader(b));
    let card = card(&world, a).await;
    let vote = Vote {
        approval: card.id,
        tenant: a.tenant,
        voice: a.user,
        by: a.user,
        verdict: Verdict::Approved,
        comment: None,
        at: world.now(),
    };
    let (kept, said) = (sample(&world, a, card.run.unwrap(), Source::Approved), serde_json::json!({ "v": 1 }));
    let deputy = Deputy {
        id: id(),
        tenant: a.tenant,
        from: a.user,
        to: b.user,
        starts_at: world.now(),
        ends_at: world.now().plus(Duration::from_secs(60)),
        created_at: world.now(),
    };
    let run = runs::get(&ours, card.run.unwrap()).await.unwrap();
    // Nobody writes rows of another team.
    let (v, s, d, r) = (vote.clone(), kept.clone(), deputy.clone(), run.clone());
    let refused =
        |result: Result<(), StoreError>| assert!(matches!(result, Err(StoreError::OutOfScope(_))), "{result:?}");
    refused(write!(world.store, b.scope(), |tx| votes::give(tx, &v).await));
    refused(write!(world.store, b.scope(), |tx| learning::keep(tx, &s).await.map(drop)));
    refused(write!(world.store, b.scope(), |tx| deputies::name(tx, &d).await));
    refused(write!(world.store, b.scope(), |tx| inbox::ask_back(tx, &r)));
    let (tenant, state) = (a.tenant, said.clone());
    refused(write!(world.store, b.scope(), |tx| learning::learn(tx, tenant, "all///", state)));
    let rules_of_a = said.clone();
    refused(write!(world.store, b.scope(), |tx| rules::keep(tx, tenant, None, rules_of_a, 0, None).await.map(drop)));

    let (v, s, d) = (vote.clone(), kept.clone(), deputy.clone());
    write!(world.store, a.scope(), |tx| votes::give(tx, &v).await).unwrap();
    assert!(write!(world.store, a.scope(), |tx| learning::keep(tx, &s).await).unwrap());
    let s = SampleRow { id: id::<sf_types::RunId>().uuid(), ..kept.clone() };
    assert!(!write!(world.store, a.scope(), |tx| learning::keep(tx, &s).await).unwrap(), "one of each source a run");
    write!(world.store, a.scope(), |tx| deputies::name(tx, &d).await).unwrap();
    write!(world.store, a.scope(), |tx| inbox::ask_back(tx, &run)).unwrap();
    for version in 0..2 {
        let state = serde_json::json!({ "v": version });
        write!(world.store, a.scope(), |tx| learning::learn(tx, tenant, "all///", state)).unwrap();
    }
    write!(world.store, a.scope(), |tx| rules::keep(tx, tenant, None, said, 0, None).await.map(drop)).unwrap();

    assert_eq!(votes::of_card(&ours, card.id).await.unwrap(), std::slice::from_ref(&vote));
    let again = write!(world.store, a.scope(), |tx| votes::give(tx, &vote).await);
    assert!(matches!(again, Err(StoreError::Taken(_))), "{again:?}");
    let levels = ["all///".to_owned(), "own/a/b/".to_owned()];
    let learnt = learning::states(&ours, a.tenant, &levels).await.unwrap();
    assert_eq!(learnt, [("all///".to_owned(), serde_json::json!({ "v": 1 }))]);
    let all = SampleFilter::default();
    assert_eq!(learning::newest(&ours, &all, 10).await.unwrap(), [kept]);
    assert_eq!(
        learning::groups(&ours, 10).await.unwrap(),
        [("app.deploy".to_owned(), TokenId::from_uuid(a.user.uuid()), 1, 1)]
    );
    assert_eq!(deputies::of_person(&ours, a.user, world.now()).await.unwrap(), std::slice::from_ref(&deputy));

    assert!(votes::of_card(&theirs, card.id).await.unwrap().is_empty());
    assert!(learning::states(&theirs, a.tenant, &levels).await.unwrap().is_empty());
    assert!(learning::newest(&theirs, &all, 10).await.unwrap().is_empty());
    assert!(learning::page(&theirs, &all, &page(10)).await.unwrap().items.is_empty());
    assert!(learning::groups(&theirs, 10).await.unwrap().is_empty());
    assert!(rules::all(&theirs, a.tenant).await.unwrap().is_empty());
    assert!(deputies::of_person(&theirs, a.user, world.now()).await.unwrap().is_empty());
    assert!(matches!(deputies::get(&theirs, deputy.id).await, Err(StoreError::NotFound(_))));
    assert!(!write!(world.store, b.scope(), |tx| deputies::take_back(tx, deputy.id).await).unwrap());
    assert!(inbox::review(&theirs, card.run.unwrap()).await.unwrap().is_none());
    assert!(inbox::cards(&theirs, reading(&world, b), &page(10)).await.unwrap().items.is_empty());
    write!(world.store, b.scope(), |tx| votes::forget(tx, card.id).await).unwrap();
    assert_eq!(votes::of_card(&ours, card.id).await.unwrap().len(), 1);
}

pub async fn rules_are_replaced_once_each(world: World) {
    let (a, at) = (world.a, world.reader(world.a));
    for project in [None, Some(a.project)] {
        for from in 0..3 {
            let rules = serde_json::json!({ "autoAt": from });
            let kept =
                write!(world.store, a.scope(), |tx| rules::keep(tx, a.tenant, project, rules, from, Some(a.user))
                    .await);
            assert_eq!(kept.unwrap(), from + 1);
            let late = serde_json::json!({});
            let late = write!(world.store, a.scope(), |tx| rules::keep(tx, a.tenant, project, late, from, None).await);
            assert!(matches!(late, Err(StoreError::Stale(_))), "{late:?}");
        }
    }
    let rows = rules::all(&at, a.tenant).await.unwrap();
    let told: Vec<_> = rows.iter().map(|row| (row.project, row.version, row.rules.0["autoAt"].clone())).collect();
    assert_eq!(told, [(None, 3, 2.into()), (Some(a.project), 3, 2.into())]);
}

pub async fn a_step_is_reopened_while_it_is_held_and_not_later(world: World) {
    let (a, at) = (world.a, world.reader(world.a));
    let run = world.run(a).await;
    let mut card = tenancy::approval(a, run.id, world.now(), world.now().plus(Duration::from_secs(600)));
    card.terms = Some(Json(Terms { quorum: 2, four_eyes: true, ..Terms::default() }));
    let kept = card.clone();
    write!(world.store, a.scope(), |tx| approvals::open(tx, &kept).await).unwrap();
    let until = world.now().plus(Duration::from_secs(5));
    let decide = |world: &World| {
        let (store, id) = (world.store.clone(), card.id);
        async move {
            write!(store, a.scope(), |tx| {
                approvals::decide(tx, id, "h", Verdict::Approved, a.user, Some("fine")).await?;
                approvals::hold(tx, id, until).await
            })
        }
    };
    let id = card.id;
    decide(&world).await.unwrap();
    write!(world.store, a.scope(), |tx| approvals::reopen(tx, id).await).unwrap();
    let open = approvals::get(&at, id).await.unwrap();
    assert_eq!((open.state, open.decision, open.comment, open.held_until), (ApprovalState::Open, None, None, None));
    decide(&world).await.unwrap();
    world.pass(5_000);
    let late = write!(world.store, a.scope(), |tx| approvals::reopen(tx, id).await);
    assert!(matches!(late, Err(StoreError::Stale(_))), "{late:?}");
    assert!(write!(world.store, a.scope(), |tx| approvals::release(tx, id).await).unwrap());
    assert!(!write!(world.store, a.scope(), |tx| approvals::release(tx, id).await).unwrap(), "it counts once");
    let decided = approvals::decided_of_run(&at, card.run.unwrap(), "h").await.unwrap().unwrap();
    assert_eq!((decided.id, decided.terms), (id, card.terms.clone()));
    // The decision about a run is taken back: another card takes this one's place, and nobody has decided it.
    let hidden = write!(world.store, world.b.scope(), |tx| approvals::undecide(tx, id).await);
    assert!(matches!(hidden, Err(StoreError::Stale(_))), "{hidden:?}");
    write!(world.store, a.scope(), |tx| approvals::undecide(tx, id).await).unwrap();
    let gone = approvals::get(&at, id).await.unwrap();
    assert_eq!((gone.state, gone.decision, gone.decided_by), (ApprovalState::Withdrawn, None, None));
    assert!(approvals::decided_of_run(&at, card.run.unwrap(), "h").await.unwrap().is_none());
    let again = write!(world.store, a.scope(), |tx| approvals::undecide(tx, id).await);
    assert!(matches!(again, Err(StoreError::Stale(_))), "{again:?}");
}

pub async fn deputies_count_for_a_while_and_go_with_people(world: World) {
    let (a, at) = (world.a, world.reader(world.a));
    let made = write!(world.store, Scope::System, |tx| users::create(tx, a.tenant, "deputy@a.example", "Deputy").await);
    let to = made.unwrap().id;
    let start = world.now();
    let deputy = Deputy {
        id: id(),
        tenant: a.tenant,
        from: a.user,
        to,
        starts_at: start.plus(Duration::from_secs(10)),
        ends_at: start.plus(Duration::from_secs(20)),
        created_at: start,
    };
    write!(world.store, a.scope(), |tx| deputies::name(tx, &deputy).await).unwrap();
    for (millis, expected) in [(9_999, 0), (10_000, 1), (19_999, 1), (20_000, 0)] {
        let now = Timestamp::from_millis(start.as_millis() + millis);
        assert_eq!(deputies::decides_for(&at, to, now).await.unwrap().len(), expected, "{millis}");
    }
    let inside = start.plus(Duration::from_secs(15));
    assert!(deputies::decides_for(&at, a.user, inside).await.unwrap().is_empty(), "not the other way round");
    write!(world.store, a.scope(), |tx| users::set_disabled(tx, a.user, true).await).unwrap();
    assert!(deputies::decides_for(&at, to, inside).await.unwrap().is_empty(), "who is suspended has no deputy");
    write!(world.store, a.scope(), |tx| users::set_disabled(tx, a.user, false).await).unwrap();
    write!(world.store, a.scope(), |tx| inbox::put_aside(tx, to, Uuid::nil(), None).await).unwrap();
    write!(world.store, a.scope(), |tx| users::remove(tx, to).await).unwrap();
    assert!(deputies::of_person(&at, a.user, start).await.unwrap().is_empty());
}

pub async fn budgets_count_agents_and_people_apart(world: World) {
    let (a, at) = (world.a, world.reader(world.a));
    let kinds = [
        ActorKind::Person { user: a.user, session: id() },
        ActorKind::Ai { user: a.user, token: id() },
        ActorKind::Ai { user: a.user, token: id() },
        ActorKind::Workflow { user: a.user, run: id(), ai: Some(id()) },
        ActorKind::Workflow { user: a.user, run: id(), ai: None },
    ];
    for actor in kinds {
        let mut run = new_run(a, world.now());
        run.actor = actor;
        write!(world.store, a.scope(), |tx| runs::insert(tx, &run)).unwrap();
    }
    let since = world.now().minus(Duration::from_secs(60));
    for (ai, actions, up_to, expected) in [
        (true, &[][..], 10, 3),
        (false, &[], 10, 2),
        (true, &["app.deploy"], 10, 3),
        (true, &["app.*"], 2, 2),
        (true, &["*"], 10, 3),
        (true, &["app.stop", "node.*"], 10, 0),
    ] {
        let count = runs::opened_of(&at, a.user, ai, actions, since, up_to).await.unwrap();
        assert_eq!(count, expected, "{ai} {actions:?}");
    }
    assert_eq!(runs::opened_of(&at, a.user, true, &[], world.now().plus(Duration::from_secs(1)), 10).await.unwrap(), 0);
    assert_eq!(runs::decisions(&at, Some(a.project), 3).await.unwrap().len(), 3);
    assert!(runs::decisions(&world.reader(world.b), Some(a.project), 3).await.unwrap().is_empty());
}
