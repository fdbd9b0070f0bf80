//! The audit chain as stored.

use sf_store::audit::chain::{self, Head};
use sf_store::audit::fields::Retention;
use sf_store::audit::{self, ActivityFilter, Checkpoint, Entry, Personal, Witnessed, verify};
use sf_store::{Json, Scope};
use sf_types::{PageRequest, Timestamp};

use crate::fixture::{Side, World, signed};
use crate::tenancy::line;
use crate::write;

fn sign_in(side: Side) -> Entry {
    let personal = |field, value: &str| Personal { field, subject: side.user.to_string(), value: value.into() };
    Entry {
        action: "session.open".into(),
        fields: vec![("kind", "browser".into())],
        personal: vec![personal("email", "a@example.org"), personal("ip", "192.0.2.1")],
        ..line(side)
    }
}

async fn fill(world: &World, count: u32) {
    let (store, a, b) = (&world.store, world.a, world.b);
    let lines = (0..count).map(|n| async move {
        let side = if n.is_multiple_of(3) { b } else { a };
        write!(store, side.scope(), |tx| {
            tx.audit(line(side));
            tx.audit(sign_in(side));
            if n.is_multiple_of(7) { Err(sf_store::StoreError::Stale("run")) } else { Ok(()) }
        })
    });
    futures_util::future::join_all(lines).await;
}

pub async fn the_chain_verifies_and_a_person_can_be_erased(world: World) {
    fill(&world, 100).await;
    let (store, at, instance) = (&world.store, world.system(), world.store.instance());
    let lines = audit::export(&at, instance, 0, 1000).await.unwrap();
    let head = verify(Head::default(), &lines).unwrap();
    assert_eq!(head, audit::head(&at, instance).await.unwrap());
    assert_eq!(head.seq, 85 * 2, "failed writes leave no line and no gap");
    let checkpoint =
        Checkpoint { instance, size: head.seq, hash: head.hash, at: world.now(), signed: Json(signed("checkpoint")) };
    let kept = checkpoint.clone();
    write!(store, Scope::System, |tx| audit::add_checkpoint(tx, &kept).await).unwrap();
    assert_eq!(audit::checkpoints(&at, instance, 5).await.unwrap(), [checkpoint]);
    let filter = ActivityFilter { action: Some("session".into()), ..Default::default() };
    let page = audit::page(&world.reader(world.a), &filter, &PageRequest::default()).await.unwrap();
    let activity = &page.items[0];
    assert_eq!(activity.personal[0], ("email".to_owned(), "a@example.org".to_owned()));
    assert!(!activity.line.personal.contains("example.org"), "the chain holds commitments only");
    assert_eq!(activity.line.fields, r#"{"kind":"browser"}"#);
    let subject = world.a.user.to_string();
    let erased = write!(store, world.a.scope(), |tx| audit::erase_person(tx, &subject).await).unwrap();
    assert!(erased > 50);
    let page = audit::page(&world.reader(world.a), &filter, &PageRequest::default()).await.unwrap();
    assert!(page.items.iter().all(|activity| activity.personal.is_empty()));
    let after = audit::export(&at, instance, 0, 1000).await.unwrap();
    assert_eq!(verify(Head::default(), &after), Ok(head), "the chain verifies after erasure");
    fill(&world, 5).await;
    let more = audit::export(&at, instance, head.seq, 1000).await.unwrap();
    assert!(verify(head, &more).is_ok(), "and goes on");
}

pub async fn a_changed_line_is_named(world: World) {
    fill(&world, 20).await;
    let instance = world.store.instance();
    let forged = "UPDATE activity_logs SET outcome = 'forged' WHERE seq = 11";
    sf_store::testing::forge(&world.store, forged).await;
    let lines = audit::export(&world.system(), instance, 0, 1000).await.unwrap();
    let bad = verify(Head::default(), &lines).unwrap_err();
    assert_eq!(bad.seq, 11);
    assert_eq!(chain::hash(&lines[9]), lines[9].entry_hash);
}

pub async fn activity_pages_by_time(world: World) {
    for _ in 0..3 {
        fill(&world, 10).await;
        world.pass(1000);
    }
    let at = world.reader(world.a);
    let (mut seen, mut after) = (Vec::new(), None);
    loop {
        let page = audit::page(&at, &ActivityFilter::default(), &PageRequest { limit: Some(4), after }).await.unwrap();
        seen.extend(page.items.into_iter().map(|activity| (activity.line.at, activity.line.seq)));
        after = page.next;
        if after.is_none() {
            break;
        }
    }
    assert!(seen.windows(2).all(|pair| pair[0] > pair[1]), "newest first, each once");
    assert_eq!(seen.len(), 3 * 2 * 5);
    let from = Timestamp::from_millis(world.now().as_millis() - 1000);
    let filter = ActivityFilter { from: Some(from), action: Some("app.deploy".into()), ..Default::default() };
    assert_eq!(audit::page(&at, &filter, &PageRequest::default()).await.unwrap().items.len(), 5);
    let filter = ActivityFilter { action: Some("app.dep".into()), ..Default::default() };
    assert!(audit::page(&at, &filter, &PageRequest::default()).await.unwrap().items.is_empty());
}

fn checkpoint(world: &World, head: Head, at: Timestamp) -> Checkpoint {
    let instance = world.store.instance();
    Checkpoint { instance, size: head.seq, hash: head.hash, at, signed: Json(signed("checkpoint")) }
}

pub async fn lines_are_found_by_text_actor_outcome_and_person(world: World) {
    fill(&world, 12).await;
    let at = world.reader(world.a);
    let user = world.a.user.to_string();
    let count = |filter: ActivityFilter| {
        let at = at.clone();
        async move { audit::page(&at, &filter, &PageRequest { limit: Some(200), after: None }).await.unwrap().items.len() }
    };
    let of = |q: &str| ActivityFilter { q: Some(q.into()), ..Default::default() };
    let all = count(ActivityFilter::default()).await;
    let sign_ins = count(ActivityFilter { action: Some("session".into()), ..Default::default() }).await;
    assert!(sign_ins > 3 && all == 2 * sign_ins);
    for (filter, expected) in [
        (of("SESSION.op"), sign_ins),
        (of("a@example"), sign_ins),
        (of("192.0.2.1"), sign_ins),
        (of("100%"), 0),
        (of("_"), 0),
        (of("browser"), sign_ins),
        (of(&user), all),
        (of(&world.a.app.to_string()), all),
        (of(&world.b.user.to_string()), 0),
        (ActivityFilter { actor: Some(user.clone()), ..Default::default() }, all),
        (ActivityFilter { actor: Some("person".into()), ..Default::default() }, all),
        (ActivityFilter { actor: Some("ai".into()), ..Default::default() }, 0),
        (ActivityFilter { outcome: Some("opened".into()), ..Default::default() }, all),
        (ActivityFilter { outcome: Some("refused".into()), ..Default::default() }, 0),
    ] {
        assert_eq!(count(filter.clone()).await, expected, "{filter:?}");
    }
}

pub async fn old_details_go_by_kind_and_lines_up_to_a_checkpoint(world: World) {
    let instance = world.store.instance();
    fill(&world, 8).await;
    let old = audit::head(&world.system(), instance).await.unwrap();
    world.pass(1_000_000);
    fill(&world, 8).await;
    let head = audit::head(&world.system(), instance).await.unwrap();
    let before = Timestamp::from_millis(world.now().as_millis() - 1_000);
    let erased = |bite| {
        world.write(move |tx| {
            Box::pin(async move { audit::erase_old(tx, instance, Retention::Address, before, bite).await })
        })
    };
    let (mut gone, all) = (0, audit::personal(&world.system(), instance, 1, head.seq).await.unwrap());
    loop {
        match erased(3).await.unwrap() {
            0 => break,
            bite => {
                assert!(bite <= 3);
                gone += bite;
            }
        }
    }
    let left = audit::personal(&world.system(), instance, 1, head.seq).await.unwrap();
    assert_eq!(left.len() + usize::try_from(gone).unwrap(), all.len());
    assert!(left.iter().all(|value| value.field == "email" || value.seq > old.seq), "only addresses, only old ones");
    assert!(left.iter().any(|value| value.field == "email" && value.seq <= old.seq));
    // Lines go only where a checkpoint vouches for them.
    let prune = |size| world.write(move |tx| Box::pin(async move { audit::prune(tx, instance, size, 5).await }));
    assert!(prune(old.seq).await.is_err());
    let kept = checkpoint(&world, old, world.now());
    world.write(move |tx| Box::pin(async move { audit::add_checkpoint(tx, &kept).await })).await.unwrap();
    while prune(old.seq).await.unwrap() > 0 {}
    assert_eq!(audit::first_line(&world.system(), instance).await.unwrap(), Some(old.seq + 1));
    let lines = audit::export(&world.system(), instance, 0, 1000).await.unwrap();
    assert_eq!(verify(old, &lines), Ok(head));
    assert!(audit::personal(&world.system(), instance, 1, old.seq).await.unwrap().is_empty());
}

pub async fn checkpoints_are_thinned_but_for_the_last_of_each_span(world: World) {
    let instance = world.store.instance();
    let hour = 3_600_000;
    let start = world.now().as_millis() / hour * hour;
    for n in 1..=12_i64 {
        let head = Head { seq: u64::try_from(n).unwrap(), hash: [1; 32] };
        // Four an hour.
        let one = checkpoint(&world, head, Timestamp::from_millis(start + n * hour / 4));
        world.write(move |tx| Box::pin(async move { audit::add_checkpoint(tx, &one).await })).await.unwrap();
    }
    let before = Timestamp::from_millis(start + 2 * hour + 1);
    let thin = || world.write(move |tx| Box::pin(async move { audit::thin_checkpoints(tx, before, hour).await }));
    assert_eq!(thin().await.unwrap(), 6);
    assert_eq!(thin().await.unwrap(), 0);
    let left = audit::checkpoints_from(&world.store.read(Scope::System), instance, 0, 100).await.unwrap();
    assert_eq!(left.iter().map(|one| one.size).collect::<Vec<_>>(), [3, 7, 9, 10, 11, 12]);
}

pub async fn a_tenant_sees_its_own_witnesses_alone(world: World) {
    let instance = world.store.instance();
    let seen = |side: Side, size| Witnessed {
        instance,
        node: side.node,
        tenant: side.tenant,
        size,
        hash: [2; 32],
        at: world.now(),
        epoch: 1,
        signed: Json(signed("witness")),
    };
    for row in [seen(world.a, 5), seen(world.b, 9), seen(world.a, 7)] {
        world.write(move |tx| Box::pin(async move { audit::witnessed(tx, &row).await })).await.unwrap();
    }
    assert_eq!(audit::witnesses(&world.reader(world.a), instance, 10).await.unwrap(), [seen(world.a, 7)]);
    let all = audit::witnesses(&world.system(), instance, 10).await.unwrap();
    assert_eq!(all.iter().map(|row| row.size).collect::<Vec<_>>(), [9, 7]);
    let foreign = seen(world.b, 1);
    assert!(write!(world.store, world.a.scope(), |tx| audit::witnessed(tx, &foreign).await).is_err());
    for scope in [world.a.scope(), Scope::Project(world.a.tenant, world.a.project)] {
        let at = world.store.read(scope);
        assert!(audit::heads(&at).await.is_err() && audit::line(&at, instance, 1).await.is_err());
        assert!(audit::personal(&at, instance, 1, 9).await.is_err());
    }
}
