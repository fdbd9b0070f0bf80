//! The audit chain as stored.

use sf_store::audit::chain::{self, Head};
use sf_store::audit::{self, ActivityFilter, Checkpoint, Entry, Personal, verify};
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
