//! People, sessions, tokens and repeated requests.

use sf_actions::Permission;
use sf_store::idempotency::{self, ABANDONED, Begin, KEPT};
use sf_store::sessions::{self, Rotation};
use sf_store::{Look, Scope, StoreError, permissions, tokens, users};
use sf_types::{RunId, Timestamp, TypedId};

use crate::fixture::World;
use crate::tenancy::{session, token};
use crate::write;

pub async fn people_and_passwords(world: World) {
    let a = world.a;
    let at = world.system();
    assert_eq!(users::by_email(&at, "  A@EXAMPLE.org ").await.unwrap().unwrap().id, a.user);
    assert_eq!(users::password(&at, a.user).await.unwrap(), None);
    for hash in ["one", "two"] {
        write!(world.store, a.scope(), |tx| users::set_password(tx, a.user, hash).await).unwrap();
        assert_eq!(users::password(&at, a.user).await.unwrap().as_deref(), Some(hash));
    }
    // What was verified is held only where it is still what is stored; a given password is marked until its owner's own.
    let held = async |hash: Option<&'static str>| {
        write!(world.store, a.scope(), |tx| users::hold_password(tx, a.user, hash).await).unwrap()
    };
    assert_eq!([held(Some("one")).await, held(Some("two")).await, held(None).await], [false, true, true]);
    let due = async || users::get(&at, a.user).await.unwrap().password_due_at;
    write!(world.store, a.scope(), |tx| users::give_password(tx, a.user, "three", tx.now()).await).unwrap();
    assert_eq!((due().await, held(Some("three")).await), (Some(world.now()), true));
    write!(world.store, a.scope(), |tx| users::set_password(tx, a.user, "four").await).unwrap();
    assert_eq!(due().await, None);
    write!(world.store, a.scope(), |tx| users::set_disabled(tx, a.user, true).await).unwrap();
    assert_eq!(users::get(&at, a.user).await.unwrap().disabled_at, Some(world.now()));
    let found = users::page(&at, Some("EXAMPLE"), &Default::default()).await.unwrap();
    assert_eq!(found.items.len(), 2);
    assert!(users::page(&at, Some("%"), &Default::default()).await.unwrap().items.is_empty(), "no wildcard");
}

pub async fn sessions_rotate_once_per_generation(world: World) {
    let (a, now) = (world.a, world.now());
    let later = Timestamp::from_millis(now.as_millis() + 1_000_000);
    let first = session(a, now, later);
    let (kept, id) = (first.clone(), first.id);
    write!(world.store, a.scope(), |tx| sessions::create(tx, &kept).await).unwrap();
    assert_eq!(sessions::get(&world.system(), id).await.unwrap(), first);
    let rotation = |secret: u8| Rotation {
        from_generation: 1,
        current_hash: [secret; 32],
        previous_hash: first.current_hash,
        previous_valid_until: later,
        idle_expires_at: later,
    };
    let store = &world.store;
    let races = (10..30).map(|secret| {
        let to = rotation(secret);
        async move { write!(store, Scope::System, |tx| sessions::rotate(tx, id, &to).await) }
    });
    let races = futures_util::future::join_all(races).await;
    assert_eq!(races.iter().filter(|race| race.is_ok()).count(), 1);
    assert!(races.iter().filter_map(|race| race.as_ref().err()).all(|error| matches!(error, StoreError::Stale(_))));
    let now_is = sessions::get(&world.system(), id).await.unwrap();
    assert_eq!((now_is.generation, now_is.previous_hash), (2, Some(first.current_hash)));
    assert!(write!(store, a.scope(), |tx| sessions::revoke(tx, id, "reuse").await).unwrap());
    assert!(!write!(store, a.scope(), |tx| sessions::revoke(tx, id, "again").await).unwrap());
    let to = Rotation { from_generation: 2, ..rotation(40) };
    let dead = write!(store, Scope::System, |tx| sessions::rotate(tx, id, &to).await);
    assert!(matches!(dead, Err(StoreError::Stale(_))), "a revoked family stays revoked");
    assert!(sessions::of_user(&world.system(), a.user).await.unwrap().is_empty());
}

pub async fn tokens_and_rights(world: World) {
    let (a, now) = (world.a, world.now());
    let kept = token(a, now, now);
    let (row, id) = (kept.clone(), kept.id);
    write!(world.store, a.scope(), |tx| tokens::create(tx, &row).await).unwrap();
    assert_eq!(tokens::get(&world.system(), id).await.unwrap(), kept);
    write!(world.store, a.scope(), |tx| tokens::revoke(tx, id).await).unwrap();
    assert!(write!(world.store, a.scope(), |tx| tokens::revoke(tx, id).await).is_err());
    assert!(tokens::get(&world.system(), id).await.unwrap().revoked_at.is_some());
    assert!(tokens::of_user(&world.system(), a.user, None).await.unwrap().is_empty());
    for _ in 0..2 {
        write!(world.store, a.scope(), |tx| permissions::grant(tx, a.user, Permission::ALL).await).unwrap();
    }
    let mut all = Permission::ALL.to_vec();
    all.sort_unstable();
    assert_eq!(permissions::of_user(&world.system(), a.user).await.unwrap(), all);
    write!(world.store, a.scope(), |tx| permissions::withdraw(tx, a.user, &[Permission::AppView]).await).unwrap();
    assert!(!permissions::of_user(&world.system(), a.user).await.unwrap().contains(&Permission::AppView));
}

pub async fn idempotency_keys_replay_conflict_and_expire(world: World) {
    let (store, scope) = (&world.store, world.a.scope());
    let begin = |hash: u8| async move {
        write!(store, scope, |tx| idempotency::begin(tx, "user:1", "key", &[hash; 32]).await).unwrap()
    };
    let races = futures_util::future::join_all((0..20).map(|_| begin(1))).await;
    assert_eq!(races.iter().filter(|race| **race == Begin::New).count(), 1);
    assert_eq!(races.iter().filter(|race| **race == Begin::Running).count(), 19);
    assert_eq!(begin(2).await, Begin::Conflict);
    let answer = serde_json::json!({"status": 202, "body": {"run": "x"}});
    let kept = answer.clone();
    write!(store, scope, |tx| idempotency::finish(tx, "user:1", "key", kept).await).unwrap();
    assert_eq!(begin(1).await, Begin::Replay(answer));
    assert_eq!(begin(2).await, Begin::Conflict);
    world.pass(i64::try_from(KEPT.as_millis()).unwrap() + 1);
    assert_eq!(begin(2).await, Begin::New, "kept for a day");
    world.pass(i64::try_from(ABANDONED.as_millis()).unwrap() + 1);
    assert_eq!(begin(2).await, Begin::New, "its process died");
    write!(store, scope, |tx| idempotency::forget(tx, "user:1", "key").await).unwrap();
    assert_eq!(begin(3).await, Begin::New);
    let run = |n: u8| RunId::from_parts(Timestamp::EPOCH, [n; 10]);
    let made = serde_json::json!({ "made": "nothing" });
    let claim = |run: RunId| {
        let made = made.clone();
        async move { write!(store, scope, |tx| idempotency::claim(tx, "user:1", "key", run, made).await) }
    };
    claim(run(1)).await.unwrap();
    assert!(matches!(claim(run(2)).await, Err(StoreError::Stale(_))), "one run carries a request out");
    write!(store, scope, |tx| idempotency::forget(tx, "user:1", "key").await).unwrap();
    assert_eq!(begin(3).await, Begin::Carried, "what was done is not forgotten");
    assert_eq!(begin(4).await, Begin::Conflict);
    world.pass(i64::try_from(ABANDONED.as_millis()).unwrap() + 1);
    assert_eq!(begin(3).await, Begin::Carried, "its process died, and its change did not");
    let reader = store.read(scope);
    assert_eq!(idempotency::claimed(&reader, "user:1", "key").await.unwrap(), Some((run(1), made.clone())));
    let answer = serde_json::json!({"status": 200, "body": null});
    let kept = answer.clone();
    write!(store, scope, |tx| idempotency::finish(tx, "user:1", "key", kept).await).unwrap();
    assert_eq!(begin(3).await, Begin::Replay(answer));
    assert_eq!(idempotency::claimed(&reader, "user:1", "key").await.unwrap(), None);
}
