//! Mail, by a server that speaks SMTP.

use std::time::Duration;

use serde_json::json;
use sf_runtime::Tasks;

use super::sink::Sink;
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
