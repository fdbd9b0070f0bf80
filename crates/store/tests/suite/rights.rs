//! Roles and grants: what they add up to, and what a reader with rights at single objects sees.

use sf_actions::access::SpeaksFor;
use sf_actions::role::{RoleRef, built_in};
use sf_actions::{Object, ObjectRef, Permission, PermissionSet, Standing};
use sf_store::grants::{self, Given};
use sf_store::{Json, StoreError, approvals, apps, nodes, releases, roles, runs, tenants};
use sf_types::PageRequest;

use crate::fixture::{World, id};
use crate::tenancy::approval;
use crate::write;

fn built_in(name: &str) -> RoleRef {
    RoleRef::BuiltIn(built_in::find(name).unwrap())
}

pub async fn grants_add_up_and_end(world: World) {
    let (a, store) = (world.a, &world.store);
    let role = write!(store, a.scope(), |tx| {
        roles::create(tx, a.tenant, "releaser", "ships", &[Permission::AppView, Permission::AppDeploy]).await
    })
    .unwrap();
    let on_app = ObjectRef(Object::App(a.app));
    write!(store, a.scope(), |tx| {
        grants::give(tx, a.user, built_in("viewer"), ObjectRef::TENANT, None).await?;
        grants::give(tx, a.user, RoleRef::Own(role.id), on_app, Some(a.user)).await?;
        // Given again, it stays one.
        grants::give(tx, a.user, RoleRef::Own(role.id), on_app, None).await?;
        grants::give_permissions(tx, a.user, &[Permission::AppDelete], on_app, Some(a.user)).await
    })
    .unwrap();
    let given = grants::of_user(&world.system(), a.user).await.unwrap();
    assert_eq!(given.len(), 3, "{given:?}");
    assert_eq!((given[1].object, given[1].granted_by), (on_app, Some(a.user)));
    assert_eq!(given[2].given, Given::Permission(Permission::AppDelete));
    assert_eq!(grants::count_at(&world.system(), on_app).await.unwrap(), 2);
    assert_eq!(grants::count_at(&world.reader(world.b), on_app).await.unwrap(), 0, "not their team's to know");
    let rights = grants::rights_of(&world.system(), a.user).await.unwrap();
    let (here, elsewhere) = (Standing { app: Some(a.app), ..Standing::TENANT }, Standing::TENANT);
    let viewer = built_in::find("viewer").unwrap().permissions;
    assert_eq!(rights.at(&elsewhere), viewer);
    assert_eq!(rights.at(&here), viewer.union(PermissionSet::of(&[Permission::AppDeploy, Permission::AppDelete])));
    assert!(matches!(
        write!(store, a.scope(), |tx| roles::delete(tx, role.id).await),
        Err(StoreError::Refused(fault)) if fault.code == "role.in_use"
    ));
    let taken = given[1].id;
    write!(store, a.scope(), |tx| grants::take(tx, a.user, taken).await.map(drop)).unwrap();
    assert!(write!(store, a.scope(), |tx| grants::take(tx, a.user, taken).await.map(drop)).is_err());
    write!(store, a.scope(), |tx| roles::delete(tx, role.id).await).unwrap();
    write!(store, a.scope(), |tx| grants::forget_object(tx, on_app).await).unwrap();
    assert_eq!(grants::of_user(&world.system(), a.user).await.unwrap().len(), 1);
    assert_eq!(grants::owners(&world.system(), a.tenant).await.unwrap(), []);
}

pub async fn servers_of_ones_own_are_not_counted(world: World) {
    let (a, store) = (world.a, &world.store);
    let servers: Vec<_> = (0..=grants::MAX_GRANTS).map(|_| id()).collect();
    let (first, last) = (servers[0], servers[servers.len() - 1]);
    write!(store, a.scope(), |tx| {
        for server in servers {
            let at = ObjectRef(Object::Server(server));
            grants::give(tx, a.user, RoleRef::BuiltIn(built_in::server_owner()), at, None).await?;
        }
        grants::give(tx, a.user, built_in("viewer"), ObjectRef::TENANT, None).await
    })
    .unwrap();
    let at = |server| Standing { server: Some(server), ..Standing::TENANT };
    let rights = grants::rights_of(&world.system(), a.user).await.unwrap();
    let all = built_in::server_owner().permissions;
    assert!(rights.at(&at(first)).has_all(all) && rights.at(&at(last)).has_all(all));
    assert!(!rights.at(&at(id())).has_all(all), "somebody else's");
    // Who has the same everywhere has it at their own, too, and keeps it there when that ends.
    write!(store, a.scope(), |tx| grants::give(tx, a.user, built_in("admin"), ObjectRef::TENANT, None).await).unwrap();
    let rights = grants::rights_of(&world.system(), a.user).await.unwrap();
    assert!(rights.at(&at(first)).has_all(all) && rights.at(&at(id())).has_all(all));
    write!(store, a.scope(), |tx| grants::take_role(tx, a.user, "admin", ObjectRef::TENANT).await).unwrap();
    let rights = grants::rights_of(&world.system(), a.user).await.unwrap();
    assert!(rights.at(&at(last)).has_all(all) && !rights.at(&at(id())).has_all(all));
}

pub async fn a_role_is_its_teams_own(world: World) {
    let (a, b, store) = (world.a, world.b, &world.store);
    let make = |tenant, name: &'static str, scope| async move {
        write!(store, scope, |tx| roles::create(tx, tenant, name, "", &[Permission::AppView]).await)
    };
    let theirs = make(b.tenant, "crew", b.scope()).await.unwrap();
    make(a.tenant, "crew", a.scope()).await.unwrap();
    assert!(matches!(make(a.tenant, "crew", a.scope()).await, Err(StoreError::Taken(_))));
    assert!(matches!(make(b.tenant, "x", a.scope()).await, Err(StoreError::OutOfScope(_))));
    let give = write!(store, a.scope(), |tx| {
        grants::give(tx, a.user, RoleRef::Own(theirs.id), ObjectRef::TENANT, None).await
    });
    assert!(matches!(give, Err(StoreError::NotFound("role"))), "{give:?}");
    // Not even the system gives one team's role to another's person.
    let give = write!(store, sf_store::Scope::System, |tx| {
        grants::give(tx, a.user, RoleRef::Own(theirs.id), ObjectRef::TENANT, None).await
    });
    assert!(matches!(give, Err(StoreError::NotFound("role"))), "{give:?}");
}

pub async fn who_has_rights_at_an_object_sees_it_and_nothing_else(world: World) {
    let (a, store, now) = (world.a, &world.store, world.now());
    let run = world.run(a).await;
    let (other, release) = (id(), id());
    let open = approval(a, run.id, now, now);
    let card = open.id;
    let project = write!(store, a.scope(), |tx| {
        let project = tenants::add_project(tx, a.tenant, "second").await?;
        let settings = sf_actions::app::Settings::of("https://git.example.org/other");
        apps::create(tx, other, project.id, a.node, &"other".parse().unwrap(), &settings).await?;
        releases::create(tx, release, a.app, run.id, None, None).await?;
        approvals::open(tx, &open).await?;
        Ok(project.id)
    })
    .unwrap();
    let page = PageRequest::default();
    // App, node, other app, runs, approvals, release, projects: what a grant of `*:view` at each object shows.
    for (object, expected) in [
        (Object::Tenant, [true, true, true, true, true, true, true]),
        (Object::App(a.app), [true, false, false, true, true, true, false]),
        (Object::App(other), [false, false, true, false, false, false, false]),
        (Object::Node(a.node), [true, true, true, true, true, true, false]),
        (Object::Project(a.project), [true, false, false, true, true, true, false]),
        (Object::Project(project), [false, false, true, false, false, false, true]),
        (Object::App(id()), [false; 7]),
        (Object::Project(id()), [false; 7]),
    ] {
        let rights = sf_actions::Rights::of([(object, PermissionSet::ALL)]);
        let reader = world.reader(a).seeing(rights.sight(Permission::AppView).unwrap());
        let seen = [
            apps::get(&reader, a.app).await.is_ok(),
            nodes::get(&reader, a.node).await.is_ok(),
            apps::get(&reader, other).await.is_ok(),
            runs::record(&reader, run.id).await.is_ok(),
            approvals::get(&reader, card).await.is_ok(),
            releases::get(&reader, release).await.is_ok(),
            tenants::project(&reader, project).await.is_ok(),
        ];
        assert_eq!(seen, expected, "{object:?}");
        let listed = apps::page(&reader, &Default::default(), &page).await.unwrap().items;
        assert_eq!(listed.len(), usize::from(expected[0]) + usize::from(expected[2]), "{object:?}");
        let listed = nodes::page(&reader, &Default::default(), &page).await.unwrap().items;
        assert_eq!(listed.len(), usize::from(expected[1]), "{object:?}");
        let listed = runs::page(&reader, &Default::default(), &page).await.unwrap().items;
        assert_eq!(listed.len(), usize::from(expected[3]), "{object:?}");
        let listed = approvals::page(&reader, None, &page).await.unwrap().items;
        assert_eq!(listed.len(), usize::from(expected[4]), "{object:?}");
    }
}

pub async fn a_key_keeps_its_limits(world: World) {
    let (a, now) = (world.a, world.now());
    let row = sf_store::tokens::Token {
        scopes: Some(Json(vec!["app:view".into()])),
        address_list: Some(Json(vec!["192.0.2.0/24".into()])),
        project: Some(a.project),
        speaks_for: SpeaksFor::Ai,
        ..crate::tenancy::token(a, now, now)
    };
    let kept = row.clone();
    write!(world.store, a.scope(), |tx| sf_store::tokens::create(tx, &kept).await).unwrap();
    write!(world.store, a.scope(), |tx| sf_store::tokens::used(tx, row.id, Some("192.0.2.9")).await).unwrap();
    let read = sf_store::tokens::get(&world.system(), row.id).await.unwrap();
    assert_eq!(read.last_used_from.as_deref(), Some("192.0.2.9"));
    assert_eq!((read.scopes, read.address_list, read.project), (row.scopes, row.address_list, row.project));
    assert_eq!(read.speaks_for, SpeaksFor::Ai);
}
