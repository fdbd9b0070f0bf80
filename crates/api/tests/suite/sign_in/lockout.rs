//! Guessing: nothing that is written differently, comes from elsewhere, at the same time or after a restart gets more
//! guesses, nobody is locked out by strangers, and no answer tells which accounts there are.

use std::time::{Duration, Instant};

use futures_util::future::join_all;
use http::Method;
use serde_json::{Value, json};
use sf_identity::password::Cost;
use sf_identity::throttle::{MOST_FAILURES, STRANGERS};
use sf_runtime::Rng;
use sf_store::{Scope, users};
use sf_types::{Secret, UserId};

use super::factors;
use crate::world::{Answer, EMAIL, PASSWORD, World, request};

const WRONG: &str = "seven lamps, a blue harbour";

async fn world() -> World {
    World::with(|options| options.trusted_proxies = vec!["0.0.0.0".parse().unwrap()]).await
}

/// One try from a network.
async fn login(world: &World, email: &str, password: &str, from: &str) -> Answer {
    let body = json!({ "email": email, "password": password });
    let headers = [("x-forwarded-for", from)];
    world.raw(request(Method::POST, "/api/v1/auth/login", None, Some(body), &headers)).await
}

fn stranger(nth: usize) -> String {
    format!("10.{}.{}.1", nth / 200, nth % 200)
}

/// People who were never here, each with the one password.
async fn people(world: &World, emails: &[String]) -> Vec<UserId> {
    let tenant = world.tenant().await;
    let hasher = sf_identity::Passwords::new(Cost::for_tests(), 1, &Rng::seeded(1)).unwrap();
    let hash = hasher.hash(&Secret::new(PASSWORD.to_owned()), &[]).await.unwrap();
    let emails = emails.to_vec();
    let made = world.control.store().write(Scope::System, move |tx| {
        Box::pin(async move {
            let mut made = Vec::new();
            for email in &emails {
                let user = users::create(tx, tenant, email, "Somebody").await?;
                users::set_password(tx, user.id, &hash).await?;
                made.push(user.id);
            }
            Ok(made)
        })
    });
    made.await.unwrap()
}

#[tokio::test]
async fn parallel_tries_from_everywhere_in_every_spelling_are_as_many_tries() {
    let world = world().await;
    people(&world, &["bo@example.org".to_owned()]).await;
    let spellings = ["bo@example.org", " BO@Example.ORG ", "ｂｏ@example.org", "bO@ｅxample.org"];
    let hundred = (0..100).map(|nth| {
        let world = &world;
        async move { login(world, spellings[nth % spellings.len()], WRONG, &stranger(nth)).await }
    });
    for answer in join_all(hundred).await {
        assert!(matches!(answer.status.as_u16(), 401 | 429), "{}", answer.body);
    }
    // Ten were taken and the next one waits, whatever the headers say, and even with the right password.
    for forwarded in ["10.9.9.9", "1.1.1.1, 10.9.9.8", "::1"] {
        let locked = login(&world, "bo@example.org", PASSWORD, forwarded).await;
        assert_eq!((locked.status.as_u16(), locked.code()), (401, "sign_in.wrong"), "{forwarded}");
    }
    factors::pass(&world, Duration::from_secs(1));
    login(&world, "bo@example.org", PASSWORD, "10.9.9.9").await.expect(200);
}

#[tokio::test]
async fn a_lock_survives_a_restart() {
    let world = world().await;
    people(&world, &["bo@example.org".to_owned()]).await;
    // The world started again trusts no proxy: all come from one address there, and not so many as to lock that.
    for _ in 0..12 {
        login(&world, "bo@example.org", WRONG, "0.0.0.0").await;
    }
    let world = world.started_again(Duration::ZERO).await;
    assert_eq!(login(&world, "bo@example.org", PASSWORD, "0.0.0.0").await.code(), "sign_in.wrong");
    factors::pass(&world, Duration::from_secs(1));
    login(&world, "bo@example.org", PASSWORD, "0.0.0.0").await.expect(200);
}

#[tokio::test]
async fn strangers_get_fifty_guesses_a_month_and_the_owner_is_let_in_where_they_are_known() {
    let world = world().await;
    people(&world, &["bo@example.org".to_owned()]).await;
    login(&world, "bo@example.org", PASSWORD, "192.0.2.7").await.expect(200);
    // A patient attacker: waits out every lock for four weeks.
    let hashes = world.control.password_hashes();
    let mut day = 0;
    for nth in 0..2_000 {
        login(&world, "bo@example.org", WRONG, &stranger(nth)).await;
        if nth % 10 == 9 {
            factors::pass(&world, STRANGERS.longest);
            day += 1;
        }
    }
    assert!(day > 100 && world.control.password_hashes() - hashes >= 2_000, "every try costs a hash");
    for from in ["10.200.0.1", "198.51.100.1"] {
        assert_eq!(login(&world, "bo@example.org", PASSWORD, from).await.code(), "sign_in.wrong", "{from}");
    }
    // At home it works as ever, and that lets the owner in from elsewhere, too.
    login(&world, "bo@example.org", PASSWORD, "192.0.2.7").await.expect(200);
    login(&world, "bo@example.org", PASSWORD, "198.51.100.1").await.expect(200);
    const { assert!(MOST_FAILURES <= 100) };
}

#[tokio::test]
async fn one_network_is_slowed_down_over_all_accounts_and_told_so() {
    let world = world().await;
    let mut told = 0;
    for nth in 0..25 {
        let answer = login(&world, &format!("nobody{nth}@example.org"), WRONG, "203.0.113.9").await;
        if answer.code() == "auth.throttled" {
            assert_eq!(answer.status.as_u16(), 429);
            told += 1;
        }
    }
    assert_eq!(told, 5);
    login(&world, EMAIL, PASSWORD, "203.0.113.10").await.expect(200);
}

#[tokio::test]
async fn wrong_codes_count_against_the_account() {
    let world = world().await;
    let tenant = world.tenant().await;
    let token = world.member(tenant, "bo@example.org", &[]).await;
    let app = factors::set_up(&world, &token).await;
    // Two tickets with five wrong codes each: twelve attempts.
    for _ in 0..2 {
        let ticket = factors::ticket_of(&world, "bo@example.org").await;
        for _ in 0..5 {
            assert_eq!(factors::answer(&world, &ticket, "totp", "000000").await.code(), "factor.wrong");
        }
    }
    assert_eq!(login(&world, "bo@example.org", PASSWORD, "0.0.0.0").await.code(), "sign_in.wrong", "locked");
    factors::pass(&world, Duration::from_secs(60));
    let ticket = factors::ticket_of(&world, "bo@example.org").await;
    factors::answer(&world, &ticket, "totp", &app.code(&world)).await.expect(200);
    factors::ticket_of(&world, "bo@example.org").await;
}

/// Whose sign-in has to look like everybody's.
const KINDS: [&str; 5] = ["unknown", "wrong", "locked", "suspended", "factor"];
/// Tries of each kind.
const ROUNDS: usize = 60;

/// Accounts of each kind, fresh for each try but for what makes the kind.
async fn accounts(world: &World) -> Vec<[String; KINDS.len()]> {
    let names: Vec<[String; KINDS.len()]> =
        (0..ROUNDS).map(|nth| KINDS.map(|kind| format!("{kind}{nth}@example.org"))).collect();
    let mut nth = 0;
    for (place, kind) in KINDS.iter().enumerate().skip(1) {
        let emails: Vec<String> = names.iter().map(|row| row[place].clone()).collect();
        let made = people(world, &emails).await;
        match *kind {
            "suspended" => {
                let suspend = world.control.store().write(Scope::System, move |tx| {
                    Box::pin(async move {
                        for user in made {
                            users::set_disabled(tx, user, true).await?;
                        }
                        Ok(())
                    })
                });
                suspend.await.unwrap();
            }
            "locked" => {
                for email in &emails {
                    for _ in 0..STRANGERS.free {
                        nth += 1;
                        login(world, email, WRONG, &stranger(nth)).await;
                    }
                }
            }
            "factor" => {
                for (email, home) in emails.iter().zip(0..) {
                    let home = format!("172.16.{home}.1");
                    let signed_in = login(world, email, PASSWORD, &home).await.expect(200);
                    factors::set_up(world, signed_in["accessToken"].as_str().unwrap()).await;
                }
            }
            _ => {}
        }
    }
    names
}

#[tokio::test]
async fn text_work_and_time_of_a_refusal_say_nothing_about_the_account() {
    let world = world().await;
    let names = accounts(&world).await;
    let mut seen: Vec<(Value, u64)> = Vec::new();
    // The least work of each kind: now and then something else is written beside it.
    let mut work = [u64::MAX; KINDS.len()];
    let mut times = vec![Vec::new(); KINDS.len()];
    for (round, row) in names.iter().enumerate() {
        for (place, email) in row.iter().enumerate() {
            // A suspended and a locked account refuse the right password with the same words.
            let password = if matches!(KINDS[place], "suspended" | "locked") { PASSWORD } else { WRONG };
            let (hashes, before) = (world.control.password_hashes(), world.control.store().statements());
            let began = Instant::now();
            let answer = login(&world, email, password, &format!("10.100.{round}.{place}")).await;
            times[place].push(began.elapsed());
            let after = world.control.store().statements();
            work[place] = work[place].min(after - before);
            assert_eq!(answer.status.as_u16(), 401, "{email}");
            seen.push((answer.body["error"].clone(), world.control.password_hashes() - hashes));
        }
    }
    let first = seen[0].clone();
    assert_eq!(first.1, 1, "one hash");
    for (nth, one) in seen.iter().enumerate() {
        assert_eq!(*one, first, "{}", KINDS[nth % KINDS.len()]);
    }
    assert_eq!(work, [work[0]; KINDS.len()], "statements of {KINDS:?}");
    let mut medians: Vec<(Duration, &str)> = times
        .iter_mut()
        .zip(KINDS)
        .map(|(times, kind)| {
            times.sort();
            (times[times.len() / 2], kind)
        })
        .collect();
    medians.sort();
    let (fastest, slowest) = (medians[0].0, medians[KINDS.len() - 1].0);
    // The work is the same to the statement; this finds a sleep, a lookup or an fsync that only some of them have.
    assert!(slowest < fastest * 2 + Duration::from_millis(2), "{medians:?}");
}
