//! Secrets and their sealed values.

use sf_actions::Variable;
use sf_actions::app::Settings;
use sf_store::secrets::{self, NewSecret, SecretFilter, SecretRow, VERSIONS_KEPT};
use sf_store::{Look, Scope, StoreError, apps};
use sf_types::{PageRequest, RunId};

use crate::fixture::{Side, World, id};
use crate::write;

async fn made(world: &World, side: Side, name: &str) -> SecretRow {
    let (secret, name) = (id(), name.parse().unwrap());
    let new = NewSecret {
        id: secret,
        tenant: side.tenant,
        project: side.project,
        name,
        description: "what for".into(),
        by: Some(side.user),
        environment: sf_actions::Environment::default(),
    };
    write!(world.store, side.scope(), |tx| secrets::create(tx, new, vec![1]).await).unwrap()
}

pub async fn versions_are_kept_in_order_and_old_ones_go(world: World) {
    let a = world.a;
    let mut row = made(&world, a, "api").await;
    let last = VERSIONS_KEPT + 3;
    for version in 2..=last {
        let before = row.clone();
        let sealed = vec![u8::try_from(version).unwrap()];
        let added =
            write!(world.store, a.scope(), |tx| secrets::add_version(tx, &before, Some(a.user), sealed).await).unwrap();
        assert_eq!(added, version);
        row = secrets::get(&world.reader(a), row.id).await.unwrap();
        assert_eq!(row.version, version);
    }
    let at = world.reader(a);
    for version in 1..=last {
        let kept = secrets::sealed(&at, row.id, version).await;
        assert_eq!(kept.is_ok(), version > last - VERSIONS_KEPT, "{version}");
    }
    assert_eq!(secrets::sealed(&at, row.id, last).await.unwrap(), [u8::try_from(last).unwrap()]);
    // Somebody else was faster.
    let old = SecretRow { version: 3, ..row.clone() };
    let late = write!(world.store, a.scope(), |tx| secrets::add_version(tx, &old, None, vec![0]).await);
    assert!(matches!(late, Err(StoreError::NotFound(_))));
    assert_eq!(secrets::count(&at, a.project).await.unwrap(), 1);
    let again = NewSecret {
        id: id(),
        tenant: a.tenant,
        project: a.project,
        name: row.name.clone(),
        description: String::new(),
        by: None,
        environment: sf_actions::Environment::default(),
    };
    let taken = write!(world.store, a.scope(), |tx| secrets::create(tx, again, vec![1]).await);
    assert!(matches!(taken, Err(StoreError::Taken(_))), "{taken:?}");
    write!(world.store, a.scope(), |tx| secrets::delete(tx, row.id, None).await).unwrap();
    assert!(matches!(secrets::sealed(&at, row.id, last).await, Err(StoreError::NotFound(_))));
    assert!(secrets::page(&at, &SecretFilter::default(), &PageRequest::default()).await.unwrap().items.is_empty());
    made(&world, a, "api").await;
}

pub async fn another_tenant_sees_and_changes_no_secret(world: World) {
    let (a, b) = (world.a, world.b);
    let row = made(&world, a, "api").await;
    let run: RunId = id();
    write!(world.store, a.scope(), |tx| secrets::wait(tx, a.tenant, run, vec![7]).await).unwrap();
    for scope in [b.scope(), Scope::Project(a.tenant, b.project)] {
        let at = world.store.read(scope);
        assert!(secrets::get(&at, row.id).await.is_err());
        assert_eq!(secrets::find(&at, row.id).await.unwrap(), None);
        assert_eq!(secrets::by_name(&at, a.project, &row.name).await.unwrap(), None);
        assert!(secrets::sealed(&at, row.id, 1).await.is_err());
        assert_eq!(secrets::count(&at, a.project).await.unwrap(), 0);
        let all = secrets::page(&at, &SecretFilter::default(), &PageRequest::default()).await.unwrap();
        assert!(all.items.is_empty());
        let (mine, theirs) = (row.clone(), row.clone());
        write!(world.store, scope, |tx| {
            assert!(secrets::add_version(tx, &mine, None, vec![0]).await.is_err());
            assert!(secrets::describe(tx, mine.id, None, "stolen").await.is_err());
            assert!(secrets::delete(tx, mine.id, None).await.is_err());
            assert_eq!(secrets::take(tx, run).await?, None);
            Ok(())
        })
        .unwrap();
        let new = NewSecret {
            id: id(),
            tenant: a.tenant,
            project: a.project,
            name: "other".parse().unwrap(),
            description: String::new(),
            by: None,
            environment: sf_actions::Environment::default(),
        };
        let made = write!(world.store, scope, |tx| secrets::create(tx, new, vec![1]).await);
        assert!(matches!(made, Err(StoreError::OutOfScope(_))));
        assert_eq!(secrets::get(&world.reader(a), row.id).await.unwrap(), theirs, "nothing changed");
    }
    let refused = write!(world.store, b.scope(), |tx| secrets::wait(tx, a.tenant, id(), vec![1]).await);
    assert!(matches!(refused, Err(StoreError::OutOfScope(_))));
    let taken = write!(world.store, a.scope(), |tx| Ok((secrets::take(tx, run).await?, secrets::take(tx, run).await?)));
    assert_eq!(taken.unwrap(), (Some(vec![7]), None), "once");
}

pub async fn apps_that_name_a_secret_are_found(world: World) {
    let (a, b) = (world.a, world.b);
    let mut settings = Settings::of("https://git.example.org/a");
    settings.env = vec![Variable::value("A", "secret"), Variable::secret("B", "api".parse().unwrap())];
    let text = settings.clone();
    write!(world.store, a.scope(), |tx| apps::update_settings(tx, a.app, &text).await).unwrap();
    let found = secrets::users(&world.reader(a), Some(a.project)).await.unwrap();
    assert_eq!((found.len(), found[0].by, found[0].secrets[0].as_str()), (1, secrets::UsedBy::App(a.app), "api"));
    assert!(secrets::users(&world.reader(a), Some(b.project)).await.unwrap().is_empty());
    assert!(secrets::users(&world.reader(b), None).await.unwrap().is_empty());
    // One that is hidden behind a later variable of the same name is not used.
    settings.env.push(Variable::value("B", "plain"));
    write!(world.store, a.scope(), |tx| apps::update_settings(tx, a.app, &settings).await).unwrap();
    let found = secrets::users(&world.reader(a), None).await.unwrap();
    assert!(found.iter().all(|user| user.secrets.is_empty()), "{found:?}");
    assert_eq!(world.reader(a).scope(), a.scope());
}
