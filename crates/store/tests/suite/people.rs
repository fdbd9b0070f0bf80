//! Invitations, links for new passwords, and people who leave.

pub mod notices;

use sf_actions::ObjectRef;
use sf_actions::user::{Invite, UserAction};
use sf_actions::{Action, Permission};
use sf_store::invitations::{self, Invitation};
use sf_store::resets::{self, Reset};
use sf_store::users::{self, HANDED_ON, OWNED, UserFilter};
use sf_store::{StoreError, idempotency, permissions, runs, sessions, tokens};
use sf_types::{PageRequest, Timestamp};

use crate::fixture::{Side, World, id, new_run};
use crate::tenancy::{session, token};
use crate::write;

fn invitation(side: Side, email: &str, now: Timestamp) -> Invitation {
    Invitation {
        id: id(),
        tenant: side.tenant,
        email: email.to_owned(),
        role: "viewer".to_owned(),
        object_kind: "tenant".to_owned(),
        object_id: String::new(),
        hash: [7; 32],
        invited_by: Some(side.user),
        created_at: now,
        expires_at: Timestamp::from_millis(now.as_millis() + 1_000),
        used_at: None,
        withdrawn_at: None,
        user: None,
        from_operator: None,
        permissions: None,
    }
}

fn reset(side: Side, now: Timestamp) -> Reset {
    let expires_at = Timestamp::from_millis(now.as_millis() + 1_000);
    Reset { id: id(), tenant: side.tenant, user: side.user, hash: [8; 32], created_at: now, expires_at, used_at: None }
}

pub async fn an_address_has_one_open_invitation_and_it_is_used_once(world: World) {
    let (a, now) = (world.a, world.now());
    let (first, second) = (invitation(a, "bo@example.org", now), invitation(a, "bo@example.org", now));
    let (one, two) = (first.clone(), second.clone());
    write!(world.store, a.scope(), |tx| invitations::create(tx, &one).await).unwrap();
    write!(world.store, a.scope(), |tx| invitations::create(tx, &two).await).unwrap();
    let open = invitations::page(&world.system(), None, &PageRequest::default()).await.unwrap().items;
    assert_eq!(open.iter().map(|row| row.id).collect::<Vec<_>>(), [second.id]);
    assert_eq!(invitations::count_since(&world.system(), "bo@example.org", now).await.unwrap(), 2);
    let stale = write!(world.store, a.scope(), |tx| invitations::spend(tx, first.id, a.user).await);
    assert!(matches!(stale, Err(StoreError::Stale(_))), "{stale:?}");
    write!(world.store, a.scope(), |tx| invitations::spend(tx, second.id, a.user).await).unwrap();
    let again = write!(world.store, a.scope(), |tx| invitations::spend(tx, second.id, a.user).await);
    assert!(matches!(again, Err(StoreError::Stale(_))), "{again:?}");
    let gone = write!(world.store, a.scope(), |tx| invitations::withdraw(tx, second.id).await);
    assert!(matches!(gone, Err(StoreError::NotFound(_))), "{gone:?}");
    assert_eq!(invitations::count_open(&world.system()).await.unwrap(), 0);
}

pub async fn links_of_another_tenant_are_not_there(world: World) {
    let (a, b, now) = (world.a, world.b, world.now());
    let (theirs, link) = (invitation(b, "bo@example.org", now), reset(b, now));
    let (row, other) = (theirs.clone(), link.clone());
    write!(world.store, b.scope(), |tx| {
        invitations::create(tx, &row).await?;
        resets::create(tx, &other).await
    })
    .unwrap();
    let at = world.store.read(a.scope());
    assert!(matches!(invitations::get(&at, theirs.id).await, Err(StoreError::NotFound(_))));
    assert!(matches!(resets::get(&at, link.id).await, Err(StoreError::NotFound(_))));
    assert!(invitations::page(&at, None, &PageRequest::default()).await.unwrap().items.is_empty());
    assert_eq!(invitations::count_since(&at, "bo@example.org", now).await.unwrap(), 0);
    assert_eq!(resets::count_since(&at, b.user, now).await.unwrap(), 0);
    write!(world.store, a.scope(), |tx| {
        assert!(invitations::withdraw(tx, theirs.id).await.is_err());
        assert_eq!(invitations::withdraw_of(tx, b.user).await?, 0);
        assert!(invitations::spend(tx, theirs.id, a.user).await.is_err());
        assert!(resets::spend(tx, link.id).await.is_err());
        assert_eq!(resets::spend_all(tx, b.user).await?, 0);
        assert_eq!(tokens::revoke_all(tx, b.user).await?, 0);
        assert!(users::rename(tx, b.user, "x").await.is_err());
        assert!(users::remove(tx, b.user).await.is_err());
        Ok(())
    })
    .unwrap();
    let (row, other) = (invitation(b, "cy@example.org", now), reset(b, now));
    let foreign = write!(world.store, a.scope(), |tx| invitations::create(tx, &row).await);
    assert!(matches!(foreign, Err(StoreError::OutOfScope(_))), "{foreign:?}");
    let foreign = write!(world.store, a.scope(), |tx| resets::create(tx, &other).await);
    assert!(matches!(foreign, Err(StoreError::OutOfScope(_))), "{foreign:?}");
    assert_eq!(users::list(&at, &UserFilter::default(), &PageRequest::default()).await.unwrap().items.len(), 1);
}

pub async fn who_is_removed_leaves_nothing_but_an_id(world: World) {
    let (a, now) = (world.a, world.now());
    let later = Timestamp::from_millis(now.as_millis() + 1_000_000);
    let email = users::get(&world.system(), a.user).await.unwrap().email;
    let (session, token, reset, theirs) =
        (session(a, now, later), token(a, now, later), reset(a, now), invitation(a, &email, now));
    let role = Some("viewer".parse().unwrap());
    let invite = Invite { email: email.parse().unwrap(), role, permissions: Vec::new(), object: ObjectRef::TENANT };
    let theirs_id = theirs.id;
    let mut run = new_run(a, now);
    run.action = Action::User(UserAction::Invite(invite));
    let (run, run_id) = (run.clone(), run.id);
    write!(world.store, a.scope(), |tx| {
        users::set_password(tx, a.user, "hash").await?;
        permissions::grant(tx, a.user, &[Permission::AppView]).await?;
        sessions::create(tx, &session).await?;
        tokens::create(tx, &token).await?;
        resets::create(tx, &reset).await?;
        invitations::create(tx, &theirs).await?;
        invitations::spend(tx, theirs_id, a.user).await?;
        idempotency::begin(tx, &a.user.to_string(), "k", &[1; 32]).await?;
        runs::insert(tx, &run)
    })
    .unwrap();
    write!(world.store, a.scope(), |tx| {
        assert_eq!(runs::erase_person(tx, a.user, &email).await?, 1);
        users::remove(tx, a.user).await
    })
    .unwrap();
    assert!(matches!(users::get(&world.system(), a.user).await, Err(StoreError::NotFound(_))));
    assert!(matches!(invitations::get(&world.system(), theirs_id).await, Err(StoreError::NotFound(_))));
    let kept = runs::get(&world.system(), run_id).await.unwrap();
    assert!(!serde_json::to_string(&kept.action).unwrap().contains("a@example.org"), "{:?}", kept.action);
    // The other tenant's person is untouched.
    users::get(&world.system(), world.b.user).await.unwrap();
}

/// A table that refers to people must not keep a person from being removed.
pub async fn every_table_that_refers_to_people_goes_with_them(_: World) {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/src/migrate");
    let mut referring = std::collections::BTreeSet::new();
    for file in std::fs::read_dir(folder).unwrap() {
        let text = std::fs::read_to_string(file.unwrap().path()).unwrap();
        for table in text.split("CREATE TABLE ").skip(1) {
            let body = table.split("\n)").next().unwrap();
            let cascades = body.lines().filter(|line| line.contains("REFERENCES users"));
            if cascades.filter(|line| !line.contains("ON DELETE CASCADE")).count() > 0 {
                referring.insert(body.split_whitespace().next().unwrap().to_owned());
            }
        }
    }
    assert!(referring.len() >= 5, "{referring:?}");
    for table in referring {
        let known = OWNED.contains(&table.as_str()) || HANDED_ON.contains(&table.as_str());
        assert!(known, "add `{table}` to users::OWNED or HANDED_ON, or let it cascade");
    }
}
