//! Previews of branches: rows of their own, and nobody else's.

use sf_actions::preview::PreviewSettings;
use sf_actions::role::{RoleRef, built_in};
use sf_actions::{Object, ObjectRef, Permission, Standing};
use sf_protocol::site::CertificateFrom;
use sf_store::apps::{AppFilter, NewApp};
use sf_store::previews::{self, Preview};
use sf_store::{StoreError, apps, grants, secrets};
use sf_types::{AppId, DomainName, PageRequest, TriggerId, UserId};

use crate::fixture::{Side, World, id};
use crate::write;

fn base() -> DomainName {
    "preview.example.org".parse().unwrap()
}

fn preview(world: &World, side: Side, branch: &str, host: &str) -> Preview {
    let now = world.now();
    Preview {
        app: id(),
        tenant: side.tenant,
        project: side.project,
        parent: side.app,
        branch: branch.to_owned(),
        domain: format!("{host}.preview.example.org").parse().unwrap(),
        certificate: CertificateFrom::Acme,
        commit: None,
        user: side.user,
        trigger: id::<TriggerId>(),
        site_owner: side.user,
        pushed_at: now,
        deployed_at: None,
        site_at: None,
        expires_at: now,
        ends_why: None,
        ended_at: None,
        problem: None,
        created_at: now,
    }
}

async fn made(world: &World, side: Side, preview: &Preview, name: &str) -> sf_store::Result<()> {
    let (preview, name) = (preview.clone(), name.to_owned());
    write!(world.store, side.scope(), |tx| {
        let parent = apps::get(tx, preview.parent).await?;
        let new = NewApp {
            id: preview.app,
            project: parent.project,
            node: parent.node,
            name: name.parse().unwrap(),
            settings: parent.settings.0.clone(),
            preview_of: Some(parent.id),
        };
        apps::add(tx, new).await?;
        previews::create(tx, &preview).await
    })
}

pub async fn a_branch_has_one_preview_with_a_name_of_its_own(world: World) {
    let (a, b) = (world.a, world.b);
    let first = preview(&world, a, "feature/x", "x-shop");
    made(&world, a, &first, "x-shop").await.unwrap();
    for (branch, host) in [("feature/x", "other"), ("other", "x-shop")] {
        let again = made(&world, a, &preview(&world, a, branch, host), "another").await;
        assert!(matches!(again, Err(StoreError::Taken(_))), "{branch} {host} {again:?}");
    }
    let theirs = made(&world, b, &preview(&world, b, "feature/x", "x-shop"), "x-shop").await;
    assert!(matches!(theirs, Err(StoreError::Taken(_))), "a name is one preview's, over all teams: {theirs:?}");
    let of_branch = |side: Side| {
        let reader = world.reader(side);
        async move { previews::of_branch(&reader, a.app, "feature/x").await.unwrap() }
    };
    assert_eq!(of_branch(a).await, Some(first.clone()));
    assert_eq!(of_branch(b).await, None);
    let other = Preview { commit: Some("c".repeat(40)), ends_why: Some("why".into()), ..first.clone() };
    for (side, done) in [(b, false), (a, true)] {
        let set = other.clone();
        assert_eq!(write!(world.store, side.scope(), |tx| previews::set(tx, &set).await).is_ok(), done);
    }
    assert_eq!(previews::get(&world.reader(a), first.app).await.unwrap(), other);
    assert_eq!(previews::of_app(&world.reader(a), a.app).await.unwrap(), [other]);
    let page = |previews| {
        let reader = world.reader(a);
        async move {
            let filter = AppFilter { previews, ..AppFilter::default() };
            let page = apps::page(&reader, &filter, &PageRequest::default()).await.unwrap();
            page.items.into_iter().map(|app| app.id).collect::<Vec<AppId>>()
        }
    };
    assert_eq!(page(Some(true)).await, [first.app]);
    assert_eq!(page(Some(false)).await, [a.app]);
    assert_eq!(page(None).await.len(), 2);
    let gone = first.app;
    write!(world.store, b.scope(), |tx| previews::delete(tx, gone).await).unwrap();
    assert!(previews::find(&world.reader(a), gone).await.unwrap().is_some());
    write!(world.store, a.scope(), |tx| previews::delete(tx, gone).await).unwrap();
    assert_eq!(previews::find(&world.reader(a), gone).await.unwrap(), None);
}

pub async fn a_base_is_one_teams(world: World) {
    let (a, b) = (world.a, world.b);
    write!(world.store, a.scope(), |tx| {
        let app = apps::get(tx, a.app).await?;
        previews::want(tx, &app, a.user, &PreviewSettings::below(base())).await?;
        previews::want(tx, &app, a.user, &PreviewSettings::below(base())).await
    })
    .unwrap();
    let wanted = previews::wanted(&world.reader(a), a.app).await.unwrap().unwrap();
    assert_eq!((wanted.owner, wanted.settings.0.days), (a.user, 7));
    assert_eq!(previews::wanted(&world.reader(b), a.app).await.unwrap(), None);
    assert!(!previews::is_anothers(&world.reader(a), a.tenant, &base()).await.unwrap());
    assert!(previews::is_anothers(&world.reader(b), b.tenant, &base()).await.unwrap());
    write!(world.store, b.scope(), |tx| previews::unwant(tx, a.app).await).unwrap();
    assert!(previews::is_anothers(&world.reader(b), b.tenant, &base()).await.unwrap());
    write!(world.store, a.scope(), |tx| previews::unwant(tx, a.app).await).unwrap();
    assert!(!previews::is_anothers(&world.reader(b), b.tenant, &base()).await.unwrap());
}

pub async fn a_right_at_an_app_holds_for_its_previews_and_for_no_others(world: World) {
    let a = world.a;
    let first = preview(&world, a, "feature/x", "x-shop");
    made(&world, a, &first, "x-shop").await.unwrap();
    let user: UserId = a.user;
    write!(world.store, a.scope(), |tx| {
        for grant in grants::of_user(tx, user).await? {
            grants::take(tx, user, grant.id).await?;
        }
        let role = RoleRef::BuiltIn(built_in::owner());
        grants::give(tx, user, role, ObjectRef(Object::App(a.app)), None).await.map(drop)
    })
    .unwrap();
    let may = |app: AppId| {
        let reader = world.reader(a);
        async move {
            let standing = Standing { app: Some(app), ..Standing::TENANT };
            grants::rights_of(&reader, user).await.unwrap().at(&standing).has(Permission::AppDelete)
        }
    };
    assert!(may(a.app).await && may(first.app).await);
    assert!(!may(id()).await);
    let gone = first.app;
    write!(world.store, a.scope(), |tx| apps::delete(tx, gone).await).unwrap();
    assert!(!may(first.app).await);
}

pub async fn secrets_that_are_there_are_productions(world: World) {
    let a = world.a;
    let secret = id();
    let row = write!(world.store, a.scope(), |tx| {
        let new = secrets::NewSecret {
            id: secret,
            tenant: a.tenant,
            project: a.project,
            name: "key".parse().unwrap(),
            description: String::new(),
            by: None,
            environment: sf_actions::Environment::default(),
        };
        secrets::create(tx, new, vec![1]).await?;
        secrets::get(tx, secret).await
    })
    .unwrap();
    assert_eq!(row.environment, sf_actions::Environment::Production);
    write!(world.store, a.scope(), |tx| secrets::mark(tx, secret, None, sf_actions::Environment::All).await).unwrap();
    let row = secrets::get(&world.reader(a), secret).await.unwrap();
    assert_eq!((row.environment, row.version), (sf_actions::Environment::All, 1));
}
