//! Letters about what changed on an account, and about who came in.

use std::net::IpAddr;
use std::time::Duration;

use http::Method;
use serde_json::json;
use sf_actions::Permission;
use sf_control::sign_in::{Entered, Origin};
use sf_runtime::Tasks;
use sf_store::sessions::SessionKind;
use sf_types::Secret;

use super::sink::Sink;
use crate::sign_in::factors::{pass, set_up};
use crate::world::{EMAIL, PASSWORD, World, id};

#[tokio::test]
async fn a_letter_follows_every_change_of_a_second_factor() {
    let tasks = Tasks::new();
    let mut sink = Sink::plain(&tasks).await;
    let world = World::mailing(sink.options()).await;
    let app = set_up(&world, &world.token).await;
    assert_eq!(sink.next().await.header("Subject"), "A second factor was set up");
    pass(&world, Duration::from_secs(30));
    let code = json!({ "code": app.code(&world) });
    world.post("/api/v1/auth/factors/recovery-codes", code).await.expect(200);
    assert_eq!(sink.next().await.header("Subject"), "Your recovery codes were replaced");
    pass(&world, Duration::from_secs(30));
    let wrong = json!({ "code": "000000" });
    assert_eq!(world.call(Method::DELETE, "/api/v1/auth/factors/totp", Some(wrong)).await.code(), "factor.wrong");
    let code = json!({ "code": app.code(&world) });
    world.call(Method::DELETE, "/api/v1/auth/factors/totp", Some(code)).await.expect(200);
    assert_eq!(sink.next().await.header("Subject"), "Your second factor was turned off", "and none of the refusal");
    tasks.stop(Duration::ZERO).await;
}

#[tokio::test]
async fn whose_factors_are_reset_by_somebody_else_hears_of_it() {
    let tasks = Tasks::new();
    let mut sink = Sink::plain(&tasks).await;
    let world = World::mailing(sink.options()).await;
    let bo = world.member(world.tenant().await, "bo@example.org", &[Permission::UserView]).await;
    set_up(&world, &bo).await;
    sink.next().await;
    let me = world.send(Method::GET, "/api/v1/auth/me", Some(&bo), None).await.expect(200);
    world.post(&format!("/api/v1/users/{}/reset-factors", id(&me["user"])), json!({})).await.expect(200);
    let letter = sink.next().await;
    assert_eq!(
        (letter.to.as_slice(), &*letter.header("Subject")),
        (&["bo@example.org".to_owned()][..], "Your second factor was reset")
    );
    tasks.stop(Duration::ZERO).await;
}

#[tokio::test]
async fn a_sign_in_from_a_network_never_seen_before_is_told_to_the_owner() {
    let tasks = Tasks::new();
    let mut sink = Sink::plain(&tasks).await;
    let world = World::mailing(sink.options()).await;
    let enter = |address: [u8; 4]| {
        let origin = Origin {
            address: IpAddr::from(address),
            user_agent: Some("Firefox on Linux".to_owned()),
            request: world.control.rng().id(world.control.clock()),
            kind: SessionKind::Browser,
        };
        world.control.sign_in(EMAIL, Secret::new(PASSWORD.to_owned()), origin)
    };
    // The first sign-in of all, by the test's own world, is told to nobody; one from there again neither.
    assert!(matches!(enter([0, 0, 0, 0]).await.unwrap(), Entered::SignedIn(_)));
    enter([192, 0, 2, 7]).await.unwrap();
    let letter = sink.next().await;
    assert_eq!(letter.header("Subject"), "A sign-in from a new network");
    assert!(letter.text().contains("Firefox on Linux") && letter.text().contains("192.0.2.7"), "{}", letter.text());
    enter([192, 0, 2, 7]).await.unwrap();
    enter([198, 51, 100, 1]).await.unwrap();
    assert!(sink.next().await.text().contains("198.51.100.1"), "the one before was known by then");
    tasks.stop(Duration::ZERO).await;
}
