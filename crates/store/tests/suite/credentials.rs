//! Second factors, tickets, counters of failed sign-ins, sign-ins by code: each is spent once, whoever races.

use futures_util::future::join_all;
use sf_store::cli_logins::{self, CliLogin, CliLoginState};
use sf_store::factors::{self, Factor, FactorKind};
use sf_store::granted::{self, Granted};
use sf_store::lockout::{self, Subject};
use sf_store::tickets::{self, AddressFamily, MAX_ATTEMPTS, Ticket};
use sf_store::tokens::{self, Token};
use sf_store::{Json, Scope, StoreError, clients, sessions};
use sf_types::{PageRequest, Timestamp};

use crate::fixture::{Side, World, id};
use crate::tenancy::{session, token};
use crate::write;

const RACERS: usize = 50;

fn factor(side: Side, now: Timestamp) -> Factor {
    Factor {
        id: id(),
        tenant: side.tenant,
        user: side.user,
        kind: FactorKind::Totp,
        label: "phone".to_owned(),
        secret: vec![1, 2, 3],
        last_step: 0,
        created_at: now,
        confirmed_at: None,
    }
}

fn ticket(side: Side, now: Timestamp) -> Ticket {
    Ticket {
        id: id(),
        tenant: side.tenant,
        user: side.user,
        hash: [7; 32],
        family: AddressFamily::V6,
        attempts: 0,
        created_at: now,
        expires_at: Timestamp::from_millis(now.as_millis() + 1_000),
        used_at: None,
    }
}

fn cli_login(byte: u8, address: &str, now: Timestamp) -> CliLogin {
    CliLogin {
        id: id(),
        tenant: None,
        user: None,
        device_hash: [byte; 32],
        user_hash: [byte; 32],
        client: "serverflow on laptop".to_owned(),
        address: address.to_owned(),
        state: CliLoginState::Pending,
        interval_secs: 5,
        polled_at: None,
        created_at: now,
        expires_at: Timestamp::from_millis(now.as_millis() + 1_000),
    }
}

async fn confirmed(world: &World, side: Side) -> Factor {
    let row = factor(side, world.now());
    let kept = row.clone();
    write!(world.store, side.scope(), |tx| factors::begin(tx, &kept).await).unwrap();
    let factor = row.id;
    assert!(write!(world.store, side.scope(), |tx| factors::confirm(tx, factor, 10).await).unwrap());
    row
}

pub async fn a_step_and_a_recovery_code_are_spent_once(world: World) {
    let (store, scope) = (&world.store, world.a.scope());
    let (factor, user) = (confirmed(&world, world.a).await.id, world.a.user);
    for (step, taken) in [(9, false), (10, false), (12, true), (11, false), (12, false), (13, true)] {
        let spent = write!(store, scope, |tx| factors::spend_step(tx, factor, step).await).unwrap();
        assert_eq!(spent, taken, "{step}");
    }
    let races = (0..RACERS)
        .map(|_| async move { write!(store, scope, |tx| factors::spend_step(tx, factor, 20).await).unwrap() });
    assert_eq!(join_all(races).await.into_iter().filter(|spent| *spent).count(), 1);
    let hashes = [[1; 32], [2; 32], [3; 32]];
    write!(store, scope, |tx| factors::set_codes(tx, user, &hashes).await).unwrap();
    let races = (0..RACERS)
        .map(|_| async move { write!(store, scope, |tx| factors::spend_code(tx, user, &[2; 32]).await).unwrap() });
    assert_eq!(join_all(races).await.into_iter().filter(|spent| *spent).count(), 1);
    assert_eq!(factors::codes_left(&world.system(), user).await.unwrap(), 2);
    assert!(!write!(store, scope, |tx| factors::spend_code(tx, user, &[9; 32]).await).unwrap());
    write!(store, scope, |tx| factors::set_codes(tx, user, &[[4; 32]]).await).unwrap();
    assert!(!write!(store, scope, |tx| factors::spend_code(tx, user, &[1; 32]).await).unwrap(), "replaced");
}

pub async fn factors_are_set_up_once_and_taken_away_whole(world: World) {
    let (store, a) = (&world.store, world.a);
    let waiting = factor(a, world.now());
    let (kept, unconfirmed) = (waiting.clone(), waiting.id);
    write!(store, a.scope(), |tx| factors::begin(tx, &kept).await).unwrap();
    assert!(!factors::is_needed(&world.system(), a.user).await.unwrap());
    assert!(!write!(store, a.scope(), |tx| factors::spend_step(tx, unconfirmed, 1).await).unwrap());
    let row = confirmed(&world, a).await;
    assert!(factors::is_needed(&world.system(), a.user).await.unwrap());
    let found = factors::of_kind(&world.reader(a), a.user, FactorKind::Totp).await.unwrap().unwrap();
    assert_eq!((found.id, found.last_step, found.confirmed_at), (row.id, 10, Some(world.now())));
    let again = factor(a, world.now());
    let refused = write!(store, a.scope(), |tx| factors::begin(tx, &again).await);
    assert!(matches!(refused, Err(StoreError::Taken(_))), "{refused:?}");
    assert!(!write!(store, a.scope(), |tx| factors::confirm(tx, unconfirmed, 11).await).unwrap(), "it is gone");
    let open = ticket(a, world.now());
    let kept = open.clone();
    write!(store, a.scope(), |tx| tickets::create(tx, &kept).await).unwrap();
    assert_eq!(write!(store, a.scope(), |tx| factors::remove_all(tx, a.user).await).unwrap(), 1);
    assert!(!factors::is_needed(&world.system(), a.user).await.unwrap());
    assert!(matches!(tickets::get(&world.system(), open.id).await, Err(StoreError::NotFound(_))));
}

pub async fn a_ticket_takes_five_tries_and_is_spent_once(world: World) {
    let (store, a) = (&world.store, world.a);
    let row = ticket(a, world.now());
    let (kept, id) = (row.clone(), row.id);
    write!(store, a.scope(), |tx| tickets::create(tx, &kept).await).unwrap();
    assert_eq!(tickets::get(&world.system(), id).await.unwrap(), row);
    let tries =
        (0..RACERS).map(|_| async move { write!(store, Scope::System, |tx| tickets::attempt(tx, id).await).unwrap() });
    let taken = join_all(tries).await.into_iter().filter(|taken| *taken).count();
    assert_eq!(taken, usize::try_from(MAX_ATTEMPTS).unwrap());
    let spends =
        (0..RACERS).map(|_| async move { write!(store, Scope::System, |tx| tickets::spend(tx, id).await).unwrap() });
    assert_eq!(join_all(spends).await.into_iter().filter(|spent| *spent).count(), 1);
    let row = ticket(a, world.now());
    let id = row.id;
    write!(store, a.scope(), |tx| tickets::create(tx, &row).await).unwrap();
    world.pass(1_000);
    assert!(!write!(store, Scope::System, |tx| tickets::attempt(tx, id).await).unwrap(), "expired");
    let later = Timestamp::from_millis(world.now().as_millis() + 1);
    assert_eq!(write!(store, Scope::System, |tx| tickets::prune(tx, later).await).unwrap(), 2);
}

pub async fn attempts_are_counted_one_after_the_other(world: World) {
    let store = &world.store;
    let subject = Subject::Strangers("bo@example.org".to_owned());
    let count = || {
        let subject = subject.clone();
        async move {
            write!(store, Scope::System, |tx| {
                let mut counter = lockout::take(tx, &subject).await?;
                counter.attempts += 1;
                lockout::put(tx, &counter).await
            })
            .unwrap();
        }
    };
    join_all((0..RACERS).map(|_| count())).await;
    let read = subject.clone();
    let counter = write!(store, Scope::System, |tx| lockout::take(tx, &read).await).unwrap();
    assert_eq!(counter.attempts, u32::try_from(RACERS).unwrap());
    let known = Subject::Known("bo@example.org".to_owned());
    let other = write!(store, Scope::System, |tx| lockout::take(tx, &known).await).unwrap();
    assert_eq!(other.attempts, 0, "a counter of its own");
    let refused = write!(store, world.a.scope(), |tx| lockout::take(tx, &Subject::Codes(id())).await);
    assert!(matches!(refused, Err(StoreError::OutOfScope(_))));
    // Of many, the one under attack stays.
    for nth in 0..20 {
        let made_up = Subject::Strangers(format!("made-up-{nth}"));
        write!(store, Scope::System, |tx| lockout::take(tx, &made_up).await).unwrap();
    }
    let epoch = Timestamp::EPOCH;
    assert_eq!(write!(store, Scope::System, |tx| lockout::prune_to(tx, epoch, 2).await).unwrap(), 20);
    let kept = write!(store, Scope::System, |tx| lockout::take(tx, &subject).await).unwrap();
    assert_eq!(kept.attempts, u32::try_from(RACERS).unwrap());
    let user = world.a.user;
    let account = Subject::Known("a@example.org".to_owned());
    let taken = account.clone();
    write!(store, Scope::System, |tx| {
        let mut counter = lockout::take(tx, &taken).await?;
        counter.attempts = 9;
        lockout::put(tx, &counter).await
    })
    .unwrap();
    write!(store, world.a.scope(), |tx| lockout::forgive(tx, user).await).unwrap();
    assert_eq!(write!(store, Scope::System, |tx| lockout::take(tx, &account).await).unwrap().attempts, 0);
}

pub async fn a_sign_in_by_code_is_decided_and_fetched_once(world: World) {
    let (store, a, b) = (&world.store, world.a, world.b);
    let row = cli_login(1, "192.0.2.1", world.now());
    let (kept, id) = (row.clone(), row.id);
    write!(store, Scope::System, |tx| cli_logins::create(tx, &kept).await).unwrap();
    assert_eq!(cli_logins::by_code(&world.reader(a), &[1; 32]).await.unwrap(), Some(row));
    assert_eq!(cli_logins::by_code(&world.reader(a), &[2; 32]).await.unwrap(), None);
    assert!(!write!(store, Scope::System, |tx| cli_logins::spend(tx, id).await).unwrap(), "nobody approved");
    let races = (0..RACERS).map(|nth| {
        let side = if nth % 2 == 0 { a } else { b };
        async move { write!(store, side.scope(), |tx| cli_logins::decide(tx, id, side.user, true).await) }
    });
    assert_eq!(join_all(races).await.into_iter().filter(Result::is_ok).count(), 1);
    let decided = cli_logins::get(&world.system(), id).await.unwrap();
    assert_eq!(decided.state, CliLoginState::Approved);
    assert!(decided.user == Some(a.user) && decided.tenant == Some(a.tenant) || decided.user == Some(b.user));
    let races =
        (0..RACERS).map(|_| async move { write!(store, Scope::System, |tx| cli_logins::spend(tx, id).await).unwrap() });
    assert_eq!(join_all(races).await.into_iter().filter(|spent| *spent).count(), 1);
    let late = cli_login(2, "192.0.2.1", world.now());
    let (kept, late) = (late.clone(), late.id);
    write!(store, Scope::System, |tx| cli_logins::create(tx, &kept).await).unwrap();
    world.pass(1_000);
    let refused = write!(store, a.scope(), |tx| cli_logins::decide(tx, late, a.user, true).await);
    assert!(matches!(refused, Err(StoreError::Stale(_))), "expired");
    for nth in 0..cli_logins::MAX_PENDING_PER_NETWORK {
        let row = cli_login(10 + u8::try_from(nth).unwrap(), "192.0.2.9", world.now());
        write!(store, Scope::System, |tx| cli_logins::create(tx, &row).await).unwrap();
    }
    let row = cli_login(200, "192.0.2.9", world.now());
    assert!(write!(store, Scope::System, |tx| cli_logins::create(tx, &row).await).is_err());
    let row = cli_login(201, "192.0.2.10", world.now());
    write!(store, Scope::System, |tx| cli_logins::create(tx, &row).await).unwrap();
    let later = Timestamp::from_millis(world.now().as_millis() + 5_000);
    assert_eq!(write!(store, Scope::System, |tx| cli_logins::prune(tx, later).await).unwrap(), 13);
}

fn grant(side: Side, now: Timestamp) -> (Token, Granted) {
    let later = Timestamp::from_millis(now.as_millis() + 60_000);
    let token = Token { hash: [9; 32], ..token(side, now, later) };
    let grant = Granted {
        id: token.id,
        tenant: side.tenant,
        user: side.user,
        client: "https://app.example.com/client.json".to_owned(),
        client_name: "App".to_owned(),
        redirect: "http://127.0.0.1/cb".to_owned(),
        resource: "https://panel.example.org/mcp/v1".to_owned(),
        scopes: Json(vec!["read".to_owned()]),
        code_hash: [1; 32],
        challenge: "c".to_owned(),
        code_expires_at: later,
        redeemed_at: None,
        generation: 0,
        current_hash: None,
        previous_hash: None,
        rotated_at: None,
        created_at: now,
    };
    (token, grant)
}

pub async fn a_grant_is_a_token_that_is_no_key_and_its_code_is_spent_once(world: World) {
    let (store, a, b, now) = (&world.store, world.a, world.b, world.now());
    let (token, row) = grant(a, now);
    let (kept, id) = (row.clone(), row.id);
    write!(store, a.scope(), |tx| granted::create(tx, &token, &kept).await).unwrap();
    assert_eq!(granted::get(&world.reader(a), id).await.unwrap(), row);
    assert!(tokens::of_user(&world.reader(a), a.user, None).await.unwrap().is_empty());
    assert_eq!(tokens::many(&world.reader(a), &[id]).await.unwrap().len(), 1);
    assert_eq!(granted::count(&world.reader(a), a.user).await.unwrap(), 1);
    let page = PageRequest::default();
    assert!(granted::page(&world.reader(a), None, &page).await.unwrap().items.is_empty(), "nobody has it yet");
    // Another team neither sees it nor changes it.
    assert!(granted::get(&world.reader(b), id).await.is_err());
    assert!(tokens::many(&world.reader(b), &[id]).await.unwrap().is_empty());
    assert!(!write!(store, b.scope(), |tx| granted::spend(tx, id).await).unwrap());
    assert!(write!(store, b.scope(), |tx| granted::begin(tx, id, [2; 32]).await).is_err());
    assert!(write!(store, b.scope(), |tx| granted::rotate(tx, id, 0, [2; 32], [1; 32]).await).is_err());
    assert!(write!(store, b.scope(), |tx| tokens::extend(tx, id, now).await).is_err());
    let (other, theirs) = grant(a, now);
    assert!(write!(store, b.scope(), |tx| granted::create(tx, &other, &theirs).await).is_err());
    let races =
        (0..RACERS).map(|_| async move { write!(store, Scope::System, |tx| granted::spend(tx, id).await).unwrap() });
    assert_eq!(join_all(races).await.into_iter().filter(|spent| *spent).count(), 1);
    write!(store, a.scope(), |tx| granted::begin(tx, id, [2; 32]).await).unwrap();
    assert!(write!(store, a.scope(), |tx| granted::begin(tx, id, [3; 32]).await).is_err(), "it begins once");
    let races = (0..RACERS).map(|_| async move {
        write!(store, Scope::System, |tx| granted::rotate(tx, id, 0, [4; 32], [2; 32]).await).is_ok()
    });
    assert_eq!(join_all(races).await.into_iter().filter(|turned| *turned).count(), 1);
    let turned = granted::get(&world.reader(a), id).await.unwrap();
    assert_eq!((turned.generation, turned.current_hash, turned.previous_hash), (1, Some([4; 32]), Some([2; 32])));
    assert_eq!(granted::page(&world.reader(a), Some(a.user), &page).await.unwrap().items.len(), 1);
    assert!(granted::page(&world.reader(b), None, &page).await.unwrap().items.is_empty());
    write!(store, a.scope(), |tx| tokens::revoke(tx, id).await).unwrap();
    assert!(granted::page(&world.reader(a), None, &page).await.unwrap().items.is_empty());
    assert_eq!(granted::count(&world.reader(a), a.user).await.unwrap(), 0);
    assert!(write!(store, a.scope(), |tx| tokens::extend(tx, id, now).await).is_err(), "what is revoked stays so");
}

pub async fn programs_that_register_are_few_and_forgotten(world: World) {
    let (store, a) = (&world.store, world.a);
    let client = |address: &str| clients::Client {
        id: id(),
        name: "App".to_owned(),
        redirects: Json(vec!["http://127.0.0.1/cb".to_owned()]),
        address: address.to_owned(),
        created_at: world.now(),
        expires_at: Timestamp::from_millis(world.now().as_millis() + 1_000),
    };
    let first = client("192.0.2.9");
    let kept = first.clone();
    assert!(write!(store, a.scope(), |tx| clients::create(tx, &kept).await).is_err(), "the system's alone");
    let kept = first.clone();
    write!(store, Scope::System, |tx| clients::create(tx, &kept).await).unwrap();
    assert_eq!(clients::get(&world.system(), first.id).await.unwrap(), first);
    assert!(clients::get(&world.reader(a), first.id).await.is_err());
    for _ in 1..clients::MAX_PER_NETWORK {
        let row = client("192.0.2.9");
        write!(store, Scope::System, |tx| clients::create(tx, &row).await).unwrap();
    }
    let row = client("192.0.2.9");
    assert!(write!(store, Scope::System, |tx| clients::create(tx, &row).await).is_err());
    let row = client("192.0.2.10");
    write!(store, Scope::System, |tx| clients::create(tx, &row).await).unwrap();
    let (used, until) = (first.id, Timestamp::from_millis(world.now().as_millis() + 5_000));
    write!(store, Scope::System, |tx| clients::keep(tx, used, until).await).unwrap();
    world.pass(1_000);
    let row = client("192.0.2.9");
    write!(store, Scope::System, |tx| clients::create(tx, &row).await).unwrap();
    let now = Timestamp::from_millis(world.now().as_millis() + 1);
    let gone = write!(store, Scope::System, |tx| clients::prune(tx, now).await).unwrap();
    assert_eq!(gone, clients::MAX_PER_NETWORK, "all but the one that was let in and the newest");
    assert!(clients::get(&world.system(), first.id).await.is_ok());
}

pub async fn credentials_of_another_tenant_are_out_of_reach(world: World) {
    let (store, a, b) = (&world.store, world.a, world.b);
    let theirs = confirmed(&world, b).await.id;
    write!(store, b.scope(), |tx| factors::set_codes(tx, b.user, &[[1; 32]]).await).unwrap();
    assert_eq!(factors::of_kind(&world.reader(a), b.user, FactorKind::Totp).await.unwrap(), None);
    assert_eq!(factors::codes_left(&world.reader(a), b.user).await.unwrap(), 0);
    assert!(!write!(store, a.scope(), |tx| factors::spend_step(tx, theirs, 99).await).unwrap());
    assert!(!write!(store, a.scope(), |tx| factors::spend_code(tx, b.user, &[1; 32]).await).unwrap());
    assert!(write!(store, a.scope(), |tx| factors::remove_all(tx, b.user).await).is_err());
    assert!(write!(store, a.scope(), |tx| factors::set_codes(tx, b.user, &[[2; 32]]).await).is_err());
    assert!(write!(store, a.scope(), |tx| lockout::forgive(tx, b.user).await).is_err());
    let (row, now) = (factor(b, world.now()), world.now());
    assert!(write!(store, a.scope(), |tx| factors::begin(tx, &row).await).is_err());
    let row = ticket(b, now);
    assert!(write!(store, a.scope(), |tx| tickets::create(tx, &row).await).is_err());
    let row = cli_login(1, "192.0.2.1", now);
    let id = row.id;
    write!(store, Scope::System, |tx| cli_logins::create(tx, &row).await).unwrap();
    assert!(write!(store, a.scope(), |tx| cli_logins::decide(tx, id, b.user, true).await).is_err());
    assert!(cli_logins::get(&world.reader(a), id).await.is_err());
    assert!(write!(store, a.scope(), |tx| cli_logins::spend(tx, id).await).is_err());
    assert!(factors::is_needed(&world.system(), b.user).await.unwrap(), "all of it is still there");
}

pub async fn known_networks_and_pages_of_sessions(world: World) {
    let (store, a, now) = (&world.store, world.a, world.now());
    let later = Timestamp::from_millis(now.as_millis() + 1_000_000);
    for nth in 0..5 {
        let mut row = session(a, now, later);
        row.ip = Some(format!("192.0.2.{nth}"));
        write!(store, a.scope(), |tx| sessions::create(tx, &row).await).unwrap();
    }
    let mut row = session(a, now, later);
    row.ip = Some("no address".to_owned());
    let id = row.id;
    write!(store, a.scope(), |tx| sessions::create(tx, &row).await).unwrap();
    write!(store, a.scope(), |tx| sessions::revoke(tx, id, "test").await).unwrap();
    assert_eq!(sessions::addresses(&world.system(), a.user).await.unwrap().len(), 5);
    assert!(sessions::addresses(&world.reader(world.b), a.user).await.unwrap().is_empty());
    let mut page = PageRequest { limit: Some(2), after: None };
    let mut seen = Vec::new();
    loop {
        let rows = sessions::page_of_user(&world.reader(a), a.user, &page).await.unwrap();
        seen.extend(rows.items.into_iter().map(|row| row.id));
        page.after = rows.next;
        if page.after.is_none() {
            break;
        }
    }
    seen.dedup();
    assert_eq!(seen.len(), 5);
    assert!(!seen.contains(&id), "ended");
}
