//! Mail, by a server that speaks SMTP.

use std::time::Duration;

use serde_json::{Value, json};
use sf_control::MailOptions;
use sf_control::mail::MAX_ATTEMPTS;
use sf_runtime::Tasks;

use super::sink::{SignIn, Sink};
use super::{accept, invite};
use crate::world::{EMAIL, World, start};

/// Whether any file of the control plane holds this text.
fn is_on_disk(world: &World, text: &str) -> bool {
    let files = std::fs::read_dir(world.folder.path()).unwrap();
    files.filter_map(Result::ok).any(|file| {
        let bytes = std::fs::read(file.path()).unwrap_or_default();
        bytes.windows(text.len()).any(|window| window == text.as_bytes())
    })
}

#[tokio::test]
async fn an_invitation_goes_by_mail_under_tls() {
    let tasks = Tasks::new();
    let mut sink = Sink::starttls(&tasks).await;
    let world = World::mailing(sink.options()).await;
    let made = invite(&world, "bo@example.org").await;
    assert_eq!(made["mailed"], true);
    let letter = sink.next().await;
    assert_eq!(letter.to, ["bo@example.org"]);
    assert_eq!(letter.header("Subject"), "Ada invites you to ServerFlow");
    assert_eq!(letter.header("Auto-Submitted"), "auto-generated");
    assert!(made["link"].as_str().unwrap().ends_with(&letter.secret()));
    accept(&world, &letter.secret()).await.expect(200);
    tasks.stop(Duration::ZERO).await;
}

#[tokio::test]
async fn who_has_an_account_is_told_by_mail_and_nobody_else_is() {
    let tasks = Tasks::new();
    let mut sink = Sink::plain(&tasks).await;
    let world = World::mailing(sink.options()).await;
    world.stranger().await;
    assert_eq!(sink.next().await.to, ["theirs@example.org"]);
    let made = invite(&world, "eve@example.org").await;
    assert_eq!(made["mailed"], true);
    let text = sink.next().await.text();
    assert!(text.contains("there is an account with your address already") && !text.contains("sfi_"), "{text}");
    tasks.stop(Duration::ZERO).await;
}

#[tokio::test]
async fn a_letter_waits_sealed_and_is_the_same_message_when_it_goes() {
    let tasks = Tasks::new();
    let mut sink = Sink::plain(&tasks).await;
    let world = World::mailing(sink.options()).await;
    sink.refuse(&["451 later, bo@example.org\r\n"]);
    let made = invite(&world, "bo@example.org").await;
    let link = made["link"].as_str().unwrap();
    let state = loop {
        let state = world.get("/api/v1/mail").await.expect(200);
        if state["lastError"].is_string() {
            break state;
        }
        tokio::task::yield_now().await;
    };
    assert_eq!((state["waiting"].as_u64(), state["host"].as_str()), (Some(1), Some("localhost")));
    let error = state["lastError"].as_str().unwrap();
    assert!(error.contains("451") && !error.contains("bo@example.org"), "{error}");
    assert!(is_on_disk(&world, "bo@example.org"), "the search finds what is there");
    assert!(!is_on_disk(&world, link.split_once('#').unwrap().1), "a link is nowhere in the clear");
    // Never before its time, and then as the same message.
    assert!(world.control.deliver_mail().await.unwrap().is_some());
    assert_eq!(sink.unread(), 0);
    world.clock.set(start().plus(Duration::from_secs(2)));
    world.control.deliver_mail().await.unwrap();
    let letter = sink.next().await;
    assert!(letter.header("Message-ID").ends_with("@example.org>"), "{}", letter.header("Message-ID"));
    // Whoever delivered it notes so a moment later.
    loop {
        let state = world.get("/api/v1/mail").await.expect(200);
        if state["waiting"] == 0 {
            assert!(state["lastError"].is_null(), "{state}");
            break;
        }
        tokio::task::yield_now().await;
    }
    tasks.stop(Duration::ZERO).await;
}

#[tokio::test]
async fn what_a_server_never_takes_is_given_up() {
    let tasks = Tasks::new();
    let mut sink = Sink::plain(&tasks).await;
    let world = World::mailing(sink.options()).await;
    sink.refuse(&["550 no such user here\r\n"]);
    world.post("/api/v1/mail/test", json!({ "to": "gone@example.org" })).await.expect(202);
    loop {
        let state = world.get("/api/v1/mail").await.expect(200);
        if state["lastError"].is_string() && state["waiting"] == 0 {
            assert!(state["lastError"].as_str().unwrap().contains("550"), "{state}");
            break;
        }
        tokio::task::yield_now().await;
    }
    world.post("/api/v1/mail/test?dryRun=true", json!({ "to": EMAIL })).await.expect(200);
    world.post("/api/v1/mail/test", json!({ "to": EMAIL })).await.expect(202);
    assert_eq!(sink.next().await.header("Subject"), "Mail from ServerFlow arrives");
    assert_eq!(sink.unread(), 0);
    tasks.stop(Duration::ZERO).await;
}

#[tokio::test]
async fn a_server_that_is_away_holds_no_request_up_and_letters_survive_a_restart() {
    let tasks = Tasks::new();
    let sink = Sink::plain(&tasks).await;
    let options = sink.options();
    tasks.stop(Duration::ZERO).await;
    drop(sink);
    let world = World::mailing(options).await;
    let made = tokio::time::timeout(Duration::from_secs(5), invite(&world, "bo@example.org")).await.expect("at once");
    assert_eq!(made["mailed"], true);
    let world = world.started_again(Duration::from_secs(600)).await;
    assert_eq!(world.get("/api/v1/mail").await.expect(200)["waiting"], 1);
}

/// Waits until mail is as wanted; answers how it is.
async fn until(world: &World, wanted: impl Fn(&Value) -> bool) -> Value {
    let wait = async {
        loop {
            let state = world.get("/api/v1/mail").await.expect(200);
            if wanted(&state) {
                return state;
            }
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(20), wait).await.expect("in time")
}

async fn send(world: &World) {
    world.post("/api/v1/mail/test", json!({ "to": EMAIL })).await.expect(202);
}

/// What is shown once a letter did not go.
async fn error(world: &World) -> String {
    let state = until(world, |state| state["lastError"].is_string()).await;
    assert_eq!(state["waiting"], 1, "it waits: {state}");
    state["lastError"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn letters_go_by_a_server_that_wants_a_sign_in_however_it_speaks() {
    for mechanism in ["PLAIN", "LOGIN", "LOGIN PLAIN"] {
        let tasks = Tasks::new();
        for mut sink in [Sink::tls(&tasks).await, Sink::starttls(&tasks).await, Sink::plain(&tasks).await] {
            sink.ask(Some(SignIn { user: "flow", password: "p\u{e4}ss w\u{f6}rd", mechanism }));
            let world = World::mailing(sink.options_as("flow", "p\u{e4}ss w\u{f6}rd")).await;
            send(&world).await;
            assert_eq!(sink.next().await.to, [EMAIL], "{mechanism}");
            until(&world, |state| state["waiting"] == 0 && state["lastError"].is_null()).await;
            world.tasks.stop(Duration::ZERO).await;
        }
        tasks.stop(Duration::ZERO).await;
    }
}

#[tokio::test]
async fn a_wrong_password_loses_no_letter_and_is_named() {
    let tasks = Tasks::new();
    let mut sink = Sink::tls(&tasks).await;
    let asked = SignIn { user: "flow", password: "new password", mechanism: "PLAIN LOGIN" };
    sink.ask(Some(asked));
    // With a wrong one, and with none at all.
    for options in [sink.options_as("flow", "canary-old-password"), sink.options()] {
        sink.ask(Some(asked));
        let world = World::mailing(options).await;
        send(&world).await;
        let told = error(&world).await;
        assert!(told.contains("check mail.user and its password"), "{told}");
        assert!(!told.contains("canary-old-password"), "{told}");
        // The server is told of the password: what waited goes, as it would with the right one here.
        sink.ask(Some(SignIn { password: "canary-old-password", ..asked }).filter(|_| told.contains("535")));
        world.clock.set(start().plus(Duration::from_secs(10)));
        world.control.deliver_mail().await.unwrap();
        assert_eq!(sink.next().await.to, [EMAIL]);
        until(&world, |state| state["waiting"] == 0 && state["lastError"].is_null()).await;
        world.tasks.stop(Duration::ZERO).await;
    }
    tasks.stop(Duration::ZERO).await;
}

#[tokio::test]
async fn a_certificate_nobody_vouches_for_gets_no_letter_and_no_password() {
    let tasks = Tasks::new();
    for sink in [Sink::tls(&tasks).await, Sink::starttls(&tasks).await] {
        sink.ask(Some(SignIn { user: "flow", password: "x", mechanism: "PLAIN" }));
        // Not trusted at all; and trusted, but for another name.
        let unknown = MailOptions { ca: None, ..sink.options_as("flow", "x") };
        let other = MailOptions { host: "127.0.0.1".to_owned(), ..sink.options_as("flow", "x") };
        for options in [unknown, other] {
            let world = World::mailing(options).await;
            send(&world).await;
            let told = error(&world).await;
            assert!(told.contains("certificate") && told.contains("mail.ca"), "{told}");
            assert_eq!(sink.unread(), 0);
            world.tasks.stop(Duration::ZERO).await;
        }
    }
    tasks.stop(Duration::ZERO).await;
}

#[tokio::test]
async fn a_server_that_hangs_is_given_up_on_in_time_and_tried_again() {
    let tasks = Tasks::new();
    for mut sink in [Sink::plain(&tasks).await, Sink::tls(&tasks).await] {
        sink.hang(true);
        let world = World::mailing(MailOptions { send_within: Duration::from_millis(300), ..sink.options() }).await;
        let asked = std::time::Instant::now();
        send(&world).await;
        assert!(asked.elapsed() < Duration::from_secs(5), "nobody waits for a mail server");
        let told = error(&world).await;
        assert!(told.contains("longer than 0.3 s") || told.contains("timed out"), "{told}");
        assert!(told.contains("mail.port"), "{told}");
        sink.hang(false);
        world.clock.set(start().plus(Duration::from_secs(10)));
        world.control.deliver_mail().await.unwrap();
        assert_eq!(sink.next().await.to, [EMAIL]);
        world.tasks.stop(Duration::ZERO).await;
    }
    tasks.stop(Duration::ZERO).await;
}

#[tokio::test]
async fn a_letter_that_never_goes_is_given_up_after_its_tries_and_that_is_shown() {
    let tasks = Tasks::new();
    let sink = Sink::plain(&tasks).await;
    let mut world = World::mailing(sink.options()).await;
    sink.refuse(&["451 not now\r\n"; MAX_ATTEMPTS as usize]);
    // A letter that somebody needs for longer than it is tried.
    invite(&world, "bo@example.org").await;
    error(&world).await;
    while world.get("/api/v1/mail").await.expect(200)["waiting"] == 1 {
        if let Some(due) = world.control.deliver_mail().await.unwrap() {
            world.clock.set(due.max(world.control.now()));
            world.sign_in().await;
        }
        assert!(sink.met() <= MAX_ATTEMPTS as usize, "tried {} times", sink.met());
    }
    let state = world.get("/api/v1/mail").await.expect(200);
    let told = state["lastError"].as_str().unwrap();
    assert!(told.contains(&format!("given up after {MAX_ATTEMPTS} tries")) && told.contains("451"), "{told}");
    assert_eq!((sink.met(), sink.unread()), (MAX_ATTEMPTS as usize, 0));
    tasks.stop(Duration::ZERO).await;
}
