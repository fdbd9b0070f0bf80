//! Notification channels, preferences, and notices that wait.

use sf_engine::notify::{Kind, Preferences, When};
use sf_store::channels::{self, Channel, ChannelKind, MAX_BROWSERS, MAX_CHANNELS};
use sf_store::held::{self, Held, MAX_HELD};
use sf_store::{Json, Scope, StoreError, outbox, preferences, users};
use sf_types::{NotificationChannelId, Timestamp, UserId};
use uuid::Uuid;

use crate::fixture::{Side, World, id};
use crate::write;

fn channel(side: Side, user: Option<UserId>, kind: ChannelKind) -> Channel {
    let id: NotificationChannelId = id();
    let mut fingerprint = [0; 32];
    fingerprint[..16].copy_from_slice(id.uuid().as_bytes());
    Channel {
        id,
        tenant: side.tenant,
        user,
        kind,
        name: "ops".parse().unwrap(),
        sealed: vec![1, 2, 3],
        fingerprint,
        hint: "https://hooks.example.org …cdef".into(),
        kinds: Json(vec![Kind::Approval, Kind::Escalated]),
        projects: None,
        enabled: true,
        last_sent_at: None,
        last_error: None,
        last_error_at: None,
        created_at: Timestamp::EPOCH,
        updated_at: Timestamp::EPOCH,
    }
}

fn held_for(channel: &Channel, number: u128, due_at: Timestamp) -> Held {
    Held {
        id: Uuid::from_u128(number),
        tenant: channel.tenant,
        user: channel.user,
        channel: channel.id,
        notice: Json(serde_json::json!({ "n": u64::try_from(number).unwrap() })),
        due_at,
        created_at: Timestamp::EPOCH,
    }
}

pub async fn a_channel_is_its_owners_and_there_are_only_so_many(world: World) {
    let a = world.a;
    let (own, team) = (channel(a, Some(a.user), ChannelKind::Slack), channel(a, None, ChannelKind::Webhook));
    let rows = [own.clone(), team.clone()];
    write!(world.store, a.scope(), |tx| {
        for row in &rows {
            channels::create(tx, row).await?;
        }
        Ok(())
    })
    .unwrap();
    let at = world.reader(a);
    assert_eq!(channels::of(&at, Some(a.user)).await.unwrap(), std::slice::from_ref(&own));
    assert_eq!(channels::of(&at, None).await.unwrap(), std::slice::from_ref(&team));
    assert_eq!(channels::in_use(&world.system(), a.tenant).await.unwrap().len(), 2);
    let mut changed = own.clone();
    changed.projects = Some(Json(vec![a.project]));
    changed.enabled = false;
    let kept = changed.clone();
    write!(world.store, a.scope(), |tx| channels::update(tx, &kept).await).unwrap();
    let found = channels::get(&at, own.id).await.unwrap();
    assert_eq!((found.projects.clone(), found.enabled, found.created_at), (changed.projects, false, own.created_at));
    assert!(!found.takes(Kind::Approval, Some(a.project)), "it is off");
    assert_eq!(channels::in_use(&world.system(), a.tenant).await.unwrap(), std::slice::from_ref(&team));
    let on = Channel { enabled: true, ..found };
    assert!(on.takes(Kind::Approval, Some(a.project)) && !on.takes(Kind::Failed, Some(a.project)));
    assert!(!on.takes(Kind::Approval, Some(world.b.project)) && !on.takes(Kind::Approval, None));
    assert!(team.takes(Kind::Escalated, None));
    // How it goes is noted, and a success ends what was wrong.
    write!(world.store, a.scope(), |tx| channels::went(tx, own.id, Some(&"x".repeat(999))).await).unwrap();
    let failing = channels::get(&at, own.id).await.unwrap();
    assert_eq!(failing.last_error.map(|why| why.len()), Some(channels::MAX_ERROR_CHARS));
    write!(world.store, a.scope(), |tx| channels::went(tx, own.id, None).await).unwrap();
    let sent = channels::get(&at, own.id).await.unwrap();
    assert_eq!((sent.last_error, sent.last_error_at), (None, None));
    assert!(sent.last_sent_at.is_some());
    // Only so many, browsers counted apart; one browser is one.
    for (kind, most) in [(ChannelKind::Ntfy, MAX_CHANNELS - 1), (ChannelKind::Push, MAX_BROWSERS)] {
        for _ in 0..most {
            let row = channel(a, Some(a.user), kind);
            write!(world.store, a.scope(), |tx| channels::create(tx, &row).await).unwrap();
        }
        let row = channel(a, Some(a.user), kind);
        let full = write!(world.store, a.scope(), |tx| channels::create(tx, &row).await);
        assert!(matches!(full, Err(StoreError::Taken(_))), "{kind:?}: {full:?}");
    }
    let known = channels::of(&at, Some(a.user)).await.unwrap().into_iter().find(|row| row.kind == ChannelKind::Push);
    let again = Channel { id: id(), ..known.clone().unwrap() };
    let row = again.clone();
    write!(world.store, a.scope(), |tx| channels::create(tx, &row).await).unwrap();
    assert!(channels::get(&at, known.unwrap().id).await.is_err() && channels::get(&at, again.id).await.is_ok());
    write!(world.store, a.scope(), |tx| channels::delete(tx, team.id).await).unwrap();
    assert!(channels::of(&at, None).await.unwrap().is_empty());
}

pub async fn another_tenant_sees_and_changes_no_channel(world: World) {
    let (a, b) = (world.a, world.b);
    let own = channel(a, Some(a.user), ChannelKind::Slack);
    let row = own.clone();
    write!(world.store, a.scope(), |tx| channels::create(tx, &row).await).unwrap();
    let wanted = Preferences { kinds: [(Kind::Failed, When::Never)].into(), ..Preferences::default() };
    let kept = wanted.clone();
    write!(world.store, a.scope(), |tx| preferences::set(tx, a.user, &kept).await).unwrap();
    assert_eq!(preferences::get(&world.reader(a), a.user).await.unwrap(), wanted);
    for scope in [b.scope(), Scope::Project(a.tenant, b.project)] {
        let at = world.store.read(scope);
        assert!(channels::get(&at, own.id).await.is_err());
        assert!(channels::of(&at, Some(a.user)).await.unwrap().is_empty());
        assert!(channels::in_use(&at, a.tenant).await.unwrap().is_empty());
        assert_eq!(preferences::get(&at, a.user).await.unwrap(), Preferences::default());
        assert!(matches!(held::due(&at, own.id).await, Err(StoreError::OutOfScope(_))));
        assert!(matches!(outbox::due_lanes(&at, "notify", 9).await, Err(StoreError::OutOfScope(_))));
        let (mine, new, kept) = (own.clone(), channel(a, None, ChannelKind::Mail), wanted.clone());
        write!(world.store, scope, |tx| {
            assert!(channels::update(tx, &mine).await.is_err());
            assert!(channels::delete(tx, mine.id).await.is_err());
            channels::went(tx, mine.id, Some("broken")).await?;
            assert!(preferences::set(tx, a.user, &kept).await.is_err());
            assert!(channels::create(tx, &new).await.is_err());
            let stolen = Channel { tenant: b.tenant, ..mine.clone() };
            assert!(channels::create(tx, &stolen).await.is_err(), "of somebody else's person");
            Ok(())
        })
        .unwrap();
    }
    let found = channels::get(&world.reader(a), own.id).await.unwrap();
    assert_eq!((found.last_error, found.name), (None, own.name.clone()));
    // Whoever leaves takes it all along.
    let waits = held_for(&own, 1, Timestamp::EPOCH);
    world.write(move |tx| Box::pin(async move { held::keep(tx, &waits).await })).await.unwrap();
    write!(world.store, a.scope(), |tx| users::remove(tx, a.user).await).unwrap();
    assert!(held::due(&world.system(), own.id).await.unwrap().is_empty());
    assert!(channels::in_use(&world.system(), a.tenant).await.unwrap().is_empty());
}

pub async fn what_waits_for_a_channel_waits_once_and_is_bounded(world: World) {
    let a = world.a;
    let own = channel(a, Some(a.user), ChannelKind::Slack);
    let row = own.clone();
    write!(world.store, a.scope(), |tx| channels::create(tx, &row).await).unwrap();
    let (now, later) = (world.now(), world.now().plus(std::time::Duration::from_secs(60)));
    let of = own.clone();
    world
        .write(move |tx| {
            Box::pin(async move {
                for number in [2, 1, 2] {
                    assert!(held::keep(tx, &held_for(&of, number, now)).await?);
                }
                held::keep(tx, &held_for(&of, 3, later)).await.map(drop)
            })
        })
        .await
        .unwrap();
    let due = held::due(&world.system(), own.id).await.unwrap();
    assert_eq!(due.iter().map(|held| held.id.as_u128()).collect::<Vec<_>>(), [1, 2]);
    let ids: Vec<_> = due.iter().map(|held| held.id).collect();
    world.write(move |tx| Box::pin(async move { held::forget(tx, &ids).await })).await.unwrap();
    assert!(held::due(&world.system(), own.id).await.unwrap().is_empty());
    world.pass(60_000);
    assert_eq!(held::due(&world.system(), own.id).await.unwrap().len(), 1);
    let of = own.clone();
    let fit = world.write(move |tx| {
        Box::pin(async move {
            let mut fit = 0;
            for number in 10..(u128::from(MAX_HELD) + 20) {
                fit += u64::from(held::keep(tx, &held_for(&of, number, now)).await?);
            }
            Ok(fit)
        })
    });
    assert_eq!(fit.await.unwrap(), MAX_HELD - 1);
    write!(world.store, a.scope(), |tx| channels::delete(tx, own.id).await).unwrap();
    assert!(held::due(&world.system(), own.id).await.unwrap().is_empty());
}

pub async fn lanes_of_a_family_are_found_when_they_are_due(world: World) {
    let now = world.now();
    let later = now.plus(std::time::Duration::from_secs(60));
    let push = world.write(move |tx| {
        Box::pin(async move {
            for (lane, due) in [("x/b", now), ("x/a", now), ("x/a", now), ("x/c", later), ("xy", now), ("x", now)] {
                outbox::push(tx, lane, "notice", serde_json::json!({}), due);
            }
            Ok(())
        })
    });
    push.await.unwrap();
    assert_eq!(outbox::due_lanes(&world.system(), "x", 9).await.unwrap(), ["x/a", "x/b"]);
    assert_eq!(outbox::due_lanes(&world.system(), "x", 1).await.unwrap(), ["x/a"]);
    assert_eq!(outbox::next_due_of(&world.system(), "x").await.unwrap(), Some(now));
    let lease = std::time::Duration::from_secs(30);
    for lane in ["x/a", "x/b"] {
        world.write(move |tx| Box::pin(async move { outbox::claim(tx, lane, 9, lease).await })).await.unwrap();
    }
    assert!(outbox::due_lanes(&world.system(), "x", 9).await.unwrap().is_empty());
    world.pass(60_000);
    assert_eq!(outbox::due_lanes(&world.system(), "x", 9).await.unwrap(), ["x/a", "x/b", "x/c"]);
}
