//! Hooks of apps, and what they were sent.

use sf_actions::hook::HookSettings;
use sf_engine::push::Sender;
use sf_store::deploy_keys::{self, NewKey};
use sf_store::hooks::{self, DELIVERIES_KEPT, Delivery, Hook, Outcome};
use sf_store::{Scope, StoreError, apps};
use sf_types::{PageRequest, RunId};

use crate::fixture::{Side, World, id};
use crate::write;

async fn made(world: &World, side: Side) -> Hook {
    let (hook, settings) = (id(), HookSettings::default());
    write!(world.store, side.scope(), |tx| {
        let app = apps::get(tx, side.app).await?;
        hooks::create(tx, hook, &app, side.user, &settings, vec![1]).await
    })
    .unwrap()
}

fn delivery(world: &World, hook: &Hook, name: &str, (before, commit): (&str, &str)) -> Delivery {
    Delivery {
        // In the order in which they are made.
        id: id::<RunId>().uuid(),
        tenant: hook.tenant,
        project: hook.project,
        hook: hook.id,
        delivery: name.to_owned(),
        sender: Sender::GitHub,
        event: "push".into(),
        branch: Some("main".into()),
        before: Some(before.to_owned()),
        commit: Some(commit.to_owned()),
        heard: true,
        outcome: Outcome::Ignored,
        reason: "why".into(),
        run: None,
        at: world.now(),
    }
}

async fn keep(world: &World, side: Side, delivery: &Delivery) -> sf_store::Result<()> {
    let kept = delivery.clone();
    write!(world.store, side.scope(), |tx| hooks::keep(tx, &kept).await)
}

pub async fn an_app_has_one_and_it_goes_with_what_it_was_sent(world: World) {
    let (a, b) = (world.a, world.b);
    let hook = made(&world, a).await;
    let twice = id();
    let again = write!(world.store, a.scope(), |tx| {
        let app = apps::get(tx, a.app).await?;
        hooks::create(tx, twice, &app, a.user, &HookSettings::default(), vec![1]).await
    });
    assert!(matches!(again, Err(StoreError::Taken(_))), "{again:?}");
    let settings = HookSettings { paths: vec!["api".into()], ..HookSettings::default() };
    let other =
        Hook { settings: sf_store::Json(settings), sealed: vec![2], sealed_before: Some(vec![1]), ..hook.clone() };
    let set = other.clone();
    world.pass(10);
    write!(world.store, a.scope(), |tx| hooks::set(tx, &set).await).unwrap();
    let read = hooks::get(&world.system(), hook.id).await.unwrap();
    assert_eq!(
        (&read.sealed, &read.sealed_before, read.updated_at),
        (&other.sealed, &other.sealed_before, world.now())
    );
    keep(&world, a, &delivery(&world, &hook, "one", ("0", "1"))).await.unwrap();
    write!(world.store, a.scope(), |tx| hooks::refused(tx, hook.id, "a reason").await).unwrap();
    assert_eq!(hooks::of_app(&world.reader(a), a.app).await.unwrap().unwrap().refused_why.as_deref(), Some("a reason"));
    // Another tenant sees and changes nothing.
    assert!(hooks::of_app(&world.reader(b), a.app).await.unwrap().is_none());
    assert!(hooks::get(&world.reader(b), hook.id).await.is_err());
    assert!(hooks::delivery(&world.reader(b), hook.id, "one").await.unwrap().is_none());
    let page = hooks::deliveries(&world.reader(b), hook.id, &PageRequest::default()).await.unwrap();
    assert!(page.items.is_empty() && hooks::pushes(&world.reader(b), hook.id, "main").await.unwrap().is_empty());
    let set = other.clone();
    let theirs = write!(world.store, b.scope(), |tx| hooks::set(tx, &set).await);
    assert!(matches!(theirs, Err(StoreError::NotFound(_))));
    assert!(!write!(world.store, b.scope(), |tx| hooks::delete_of_app(tx, a.app).await).unwrap());
    let theirs = delivery(&world, &hook, "theirs", ("0", "1"));
    assert!(matches!(keep(&world, b, &theirs).await, Err(StoreError::OutOfScope(_))));
    assert!(write!(world.store, b.scope(), |tx| hooks::hold(tx, hook.id).await).is_err());
    assert!(write!(world.store, a.scope(), |tx| hooks::delete_of_app(tx, a.app).await).unwrap());
    assert!(hooks::get(&world.system(), hook.id).await.is_err());
    assert!(hooks::delivery(&world.system(), hook.id, "one").await.unwrap().is_none());
}

pub async fn a_delivery_is_one_row_and_the_last_ones_are_kept(world: World) {
    let a = world.a;
    let hook = made(&world, a).await;
    let at = |scope: Scope| world.store.read(scope);
    // What started nothing is replaced by what is made of it later; what opened a run is not.
    let first = delivery(&world, &hook, "one", ("0", "1"));
    keep(&world, a, &first).await.unwrap();
    let run = Some(id());
    let later = Delivery { id: id::<RunId>().uuid(), outcome: Outcome::Deploy, run, ..first.clone() };
    keep(&world, a, &later).await.unwrap();
    assert!(matches!(keep(&world, a, &first).await, Err(StoreError::Stale(_))));
    assert_eq!(hooks::delivery(&at(a.scope()), hook.id, "one").await.unwrap().unwrap().run, run);
    let denied =
        Delivery { outcome: Outcome::Refused, run, heard: false, ..delivery(&world, &hook, "two", ("1", "2")) };
    keep(&world, a, &denied).await.unwrap();
    keep(&world, a, &Delivery { id: id::<RunId>().uuid(), run: None, ..denied.clone() }).await.unwrap();
    // What was not taken up is not known.
    let known = hooks::pushes(&at(a.scope()), hook.id, "main").await.unwrap();
    assert_eq!(known, [(Some("0".to_owned()), "1".to_owned())]);
    assert!(hooks::pushes(&at(a.scope()), hook.id, "next").await.unwrap().is_empty());
    for nth in 0..DELIVERIES_KEPT + 5 {
        keep(&world, a, &delivery(&world, &hook, &format!("more {nth}"), ("1", "2"))).await.unwrap();
    }
    let page = PageRequest { limit: Some(200), after: None };
    let kept = hooks::deliveries(&at(a.scope()), hook.id, &page).await.unwrap().items;
    assert_eq!(kept.len(), DELIVERIES_KEPT);
    assert!(hooks::delivery(&at(a.scope()), hook.id, "one").await.unwrap().is_none(), "the oldest went");
}

pub async fn an_app_has_one_deploy_key_that_nobody_else_sees(world: World) {
    let (a, b) = (world.a, world.b);
    let new = || NewKey { id: id(), public: "ssh-ed25519 A".into(), fingerprint: "SHA256:x".into(), sealed: vec![1] };
    let make = async |side: Side, of: Side| {
        let new = new();
        write!(world.store, side.scope(), |tx| {
            let app = apps::get(tx, of.app).await?;
            deploy_keys::create(tx, &app, new).await
        })
    };
    make(a, a).await.unwrap();
    assert!(matches!(make(a, a).await, Err(StoreError::Taken(_))));
    assert!(make(b, a).await.is_err());
    assert!(deploy_keys::of_app(&world.reader(b), a.app).await.unwrap().is_none());
    assert!(!write!(world.store, b.scope(), |tx| deploy_keys::delete_of_app(tx, a.app).await).unwrap());
    let key = deploy_keys::of_app(&world.reader(a), a.app).await.unwrap().unwrap();
    assert_eq!(
        (key.public.as_str(), key.fingerprint.as_str(), key.created_at),
        ("ssh-ed25519 A", "SHA256:x", world.now())
    );
    assert!(write!(world.store, a.scope(), |tx| deploy_keys::delete_of_app(tx, a.app).await).unwrap());
    make(a, a).await.unwrap();
}
