//! People: asked to join, joining, stopped, leaving. Every attack stands here before its defence.

mod mail;
mod notices;
pub mod notifications;
mod passwords;
mod shared;
pub mod sink;
mod teams;

use std::time::Duration;

use http::{Method, StatusCode};
use serde_json::{Value, json};
use sf_actions::Permission;
use sf_store::audit::{self, Head};
use sf_store::{runs, users};
use sf_types::Scope;

use crate::world::{Answer, EMAIL, PASSWORD, PUBLIC_URL, World, answer, id, request, start};

/// A password of somebody who joins.
pub const NEW_PASSWORD: &str = "nine kettles under the bridge";

/// Who may invite viewers and see nobody.
const INVITER: &[Permission] = &[
    Permission::UserCreate,
    Permission::ServerView,
    Permission::BackupView,
    Permission::DatabaseView,
    Permission::NetworkView,
    Permission::MonitoringView,
    Permission::PluginView,
    Permission::NodeView,
    Permission::AppView,
    Permission::ApprovalView,
    Permission::ProjectView,
    Permission::PatchView,
    Permission::ProxyView,
    Permission::ScheduleView,
    Permission::WorkflowView,
    Permission::AgentView,
    Permission::ToolView,
];

/// Asks somebody to join; the answer's data.
async fn invite(world: &World, email: &str) -> Value {
    world.post("/api/v1/invitations", json!({ "email": email, "role": "viewer" })).await.expect(201)
}

/// The secret of a link.
fn secret(made: &Value) -> String {
    let link = made["link"].as_str().unwrap();
    let start = format!("{PUBLIC_URL}/invitation#");
    link.strip_prefix(&start).unwrap_or_else(|| panic!("{link} begins with {start}")).to_owned()
}

fn acceptance(token: &str) -> Value {
    json!({ "token": token, "name": "Bo", "password": NEW_PASSWORD })
}

async fn accept(world: &World, token: &str) -> Answer {
    world.send(Method::POST, "/api/v1/auth/accept", None, Some(acceptance(token))).await
}

async fn open(world: &World, token: &str) -> Answer {
    world.send(Method::POST, "/api/v1/auth/invitation", None, Some(json!({ "token": token }))).await
}

async fn login(world: &World, email: &str, password: &str) -> Answer {
    let body = json!({ "email": email, "password": password, "kind": "cli" });
    world.send(Method::POST, "/api/v1/auth/login", None, Some(body)).await
}

/// Somebody who joined: access token and id.
async fn joined(world: &World, email: &str) -> (String, String) {
    let token = secret(&invite(world, email).await);
    let signed_in = accept(world, &token).await.expect(200);
    (signed_in["accessToken"].as_str().unwrap().to_owned(), id(&signed_in["user"]))
}

#[tokio::test]
async fn who_is_invited_joins_once_with_the_role_that_was_given() {
    let world = World::new().await;
    let made = invite(&world, " Bo@Example.ORG ").await;
    assert_eq!((made["mailed"].as_bool(), made["invitation"]["state"].as_str()), (Some(false), Some("open")));
    assert_eq!(made["invitation"]["object"], json!({ "kind": "tenant", "id": null, "name": null }));
    let token = secret(&made);
    let listed = world.get("/api/v1/invitations").await.expect(200);
    assert_eq!(
        (listed[0]["email"].as_str(), listed[0]["invitedBy"]["name"].as_str()),
        (Some("bo@example.org"), Some("Ada"))
    );
    assert!(!listed.to_string().contains(&token), "a link is shown once");
    let welcome = open(&world, &token).await.expect(200);
    assert_eq!((welcome["email"].as_str(), welcome["invitedBy"].as_str()), (Some("bo@example.org"), Some("Ada")));
    let signed_in = accept(&world, &token).await.expect(200);
    let rights = signed_in["permissions"].to_string();
    assert!(rights.contains("app:view") && !rights.contains("app:deploy"), "{rights}");
    for answer in [open(&world, &token).await, accept(&world, &token).await] {
        assert_eq!((answer.status, answer.code()), (StatusCode::NOT_FOUND, "invitation.over"));
    }
    assert_eq!(world.get("/api/v1/invitations").await.expect(200), json!([]));
    let people = world.get("/api/v1/users?q=bo@").await.expect(200);
    assert_eq!((people[0]["name"].as_str(), people[0]["state"].as_str()), (Some("Bo"), Some("active")));
    login(&world, "bo@example.org", NEW_PASSWORD).await.expect(200);
}

#[tokio::test]
async fn of_fifty_racing_acceptances_one_makes_one_person() {
    let world = World::new().await;
    let token = secret(&invite(&world, "bo@example.org").await);
    let calls = (0..50).map(|_| {
        let request = request(Method::POST, "/api/v1/auth/accept", None, Some(acceptance(&token)), &[]);
        answer(world.router.clone(), request)
    });
    let answers = futures_util::future::join_all(calls).await;
    let (good, bad): (Vec<_>, Vec<_>) = answers.into_iter().partition(|answer| answer.status == StatusCode::OK);
    assert_eq!(good.len(), 1);
    for answer in bad {
        assert!(["invitation.over", "auth.busy"].contains(&answer.code()), "{}", answer.body);
    }
    assert_eq!(world.get("/api/v1/users").await.expect(200).as_array().unwrap().len(), 2);
}

#[tokio::test]
async fn a_link_that_is_replaced_withdrawn_expired_or_made_up_opens_nothing() {
    let world = World::new().await;
    let replaced = secret(&invite(&world, "bo@example.org").await);
    let last = invite(&world, "bo@example.org").await;
    assert_eq!(world.get("/api/v1/invitations").await.expect(200).as_array().unwrap().len(), 1);
    open(&world, &secret(&last)).await.expect(200);
    let withdrawn = invite(&world, "cy@example.org").await;
    let path = format!("/api/v1/invitations/{}", id(&withdrawn["invitation"]));
    world.call(Method::DELETE, &path, None).await.expect(200);
    assert_eq!(world.call(Method::DELETE, &path, None).await.status, StatusCode::NOT_FOUND);
    let made_up = sf_identity::once::issue(
        sf_identity::bearer::BearerKind::Invitation,
        uuid::Uuid::from_u128(1),
        &sf_runtime::Rng::seeded(99),
    );
    for token in [replaced.as_str(), secret(&withdrawn).as_str(), made_up.text.expose()] {
        for answer in [open(&world, token).await, accept(&world, token).await] {
            assert_eq!((answer.status, answer.code()), (StatusCode::NOT_FOUND, "invitation.over"), "{}", answer.body);
        }
    }
    for bad in ["", "sfi_", "sf_abc", "null", "*", &secret(&last)[..40]] {
        assert_eq!(open(&world, bad).await.code(), "invitation.mistyped", "{bad}");
    }
    world.clock.set(start().plus(Duration::from_secs(7 * 86_400)));
    assert_eq!(accept(&world, &secret(&last)).await.code(), "invitation.over");
    let signed_in = login(&world, EMAIL, PASSWORD).await.expect(200);
    let token = signed_in["accessToken"].as_str().unwrap();
    let listed = world.send(Method::GET, "/api/v1/invitations", Some(token), None).await.expect(200);
    assert_eq!(listed[0]["state"], "expired");
}

#[tokio::test]
async fn an_address_with_an_account_elsewhere_is_invited_like_any_other() {
    let world = World::new().await;
    world.stranger().await;
    let known = invite(&world, "eve@example.org").await;
    let unknown = invite(&world, "bo@example.org").await;
    let names = |value: &Value| value.as_object().unwrap().keys().cloned().collect::<Vec<_>>();
    assert_eq!((names(&known), names(&known["invitation"])), (names(&unknown), names(&unknown["invitation"])));
    assert_eq!(known["link"].as_str().unwrap().len(), unknown["link"].as_str().unwrap().len());
    let answer = accept(&world, &secret(&known)).await;
    assert_eq!((answer.status, answer.code()), (StatusCode::NOT_FOUND, "invitation.over"));
}

#[tokio::test]
async fn only_who_may_see_people_is_told_that_somebody_is_here_already() {
    let world = World::new().await;
    let tenant = world.tenant().await;
    let body = json!({ "email": EMAIL, "role": "viewer" });
    let told = world.post("/api/v1/invitations", body.clone()).await;
    assert_eq!((told.status, told.code()), (StatusCode::CONFLICT, "user.exists"));
    let inviter = world.member(tenant, "bo@example.org", INVITER).await;
    let made = world.send(Method::POST, "/api/v1/invitations", Some(&inviter), Some(body)).await.expect(201);
    assert_eq!(accept(&world, &secret(&made)).await.code(), "invitation.over");
}

#[tokio::test]
async fn suspension_ends_everything_a_person_has_open() {
    let world = World::new().await;
    let tenant = world.tenant().await;
    world.member(tenant, "bo@example.org", Permission::ALL).await;
    let session = login(&world, "bo@example.org", PASSWORD).await.expect(200);
    let access = session["accessToken"].as_str().unwrap().to_owned();
    let body = json!({ "name": "ci", "days": 30 });
    let made = world.send(Method::POST, "/api/v1/tokens", Some(&access), Some(body)).await.expect(201);
    let api_token = made["secret"].as_str().unwrap().to_owned();
    let body = json!({ "email": "cy@example.org", "role": "owner" });
    let back_door = world.send(Method::POST, "/api/v1/invitations", Some(&access), Some(body)).await.expect(201);
    let bo = id(&session["user"]);
    let plan = world.post(&format!("/api/v1/users/{bo}/suspend?dryRun=true"), json!({})).await.expect(200);
    assert!(plan["plan"]["losses"].to_string().contains("tokens"), "{plan}");
    assert_eq!(world.send(Method::GET, "/api/v1/apps", Some(&access), None).await.status, StatusCode::OK);
    let view = world.post(&format!("/api/v1/users/{bo}/suspend"), json!({})).await.expect(200);
    assert_eq!(view["state"], "suspended");
    let refused = |world: &World| {
        let refresh = json!({ "refreshToken": session["refreshToken"] });
        [
            request(Method::GET, "/api/v1/apps", Some(&access), None, &[]),
            request(Method::GET, "/api/v1/apps", Some(&api_token), None, &[]),
            request(Method::POST, "/api/v1/auth/refresh", None, Some(refresh), &[]),
        ]
        .map(|request| answer(world.router.clone(), request))
    };
    for answer in futures_util::future::join_all(refused(&world)).await {
        assert_eq!(answer.status, StatusCode::UNAUTHORIZED, "{}", answer.body);
    }
    let wrong = login(&world, "bo@example.org", PASSWORD).await;
    assert_eq!((wrong.status, wrong.code()), (StatusCode::UNAUTHORIZED, "sign_in.wrong"));
    assert_eq!(
        accept(&world, &secret(&back_door)).await.code(),
        "invitation.over",
        "what they asked others to is over"
    );
    let listed = world.get("/api/v1/users?state=suspended").await.expect(200);
    assert_eq!((listed.as_array().unwrap().len(), listed[0]["id"].as_str()), (1, Some(bo.as_str())));
    world.post(&format!("/api/v1/users/{bo}/reinstate"), json!({})).await.expect(200);
    // What was ended stays ended.
    for answer in futures_util::future::join_all(refused(&world)).await {
        assert_eq!(answer.status, StatusCode::UNAUTHORIZED, "{}", answer.body);
    }
    login(&world, "bo@example.org", PASSWORD).await.expect(200);
}

#[tokio::test]
async fn nobody_shuts_themselves_or_the_last_owner_out() {
    let world = World::new().await;
    let tenant = world.tenant().await;
    let ada = id(&world.get("/api/v1/auth/me").await.expect(200)["user"]);
    let bo = world.member(tenant, "bo@example.org", Permission::ALL).await;
    for (token, code) in [(world.token.as_str(), "user.self"), (bo.as_str(), "role.last_owner")] {
        let suspend = format!("/api/v1/users/{ada}/suspend");
        let remove = format!("/api/v1/users/{ada}");
        for (method, path) in [(Method::POST, suspend.as_str()), (Method::DELETE, remove.as_str())] {
            for query in ["", "?dryRun=true"] {
                let answer = world.send(method.clone(), &format!("{path}{query}"), Some(token), None).await;
                assert_eq!((answer.status, answer.code()), (StatusCode::CONFLICT, code), "{method} {path}{query}");
            }
        }
    }
    world.get("/api/v1/apps").await.expect(200);
}

#[tokio::test]
async fn signing_somebody_out_leaves_their_tokens() {
    let world = World::new().await;
    world.member(world.tenant().await, "bo@example.org", Permission::ALL).await;
    let session = login(&world, "bo@example.org", PASSWORD).await.expect(200);
    let access = session["accessToken"].as_str().unwrap();
    let body = json!({ "name": "ci", "days": 30 });
    let made = world.send(Method::POST, "/api/v1/tokens", Some(access), Some(body)).await.expect(201);
    world.post(&format!("/api/v1/users/{}/sign-out", id(&session["user"])), json!({})).await.expect(200);
    for (token, status) in [(access, 401), (made["secret"].as_str().unwrap(), 200)] {
        assert_eq!(world.send(Method::GET, "/api/v1/apps", Some(token), None).await.status.as_u16(), status);
    }
}

#[tokio::test]
async fn who_is_removed_leaves_no_name_and_an_unbroken_chain() {
    let world = World::new().await;
    let (access, bo) = joined(&world, "bo@example.org").await;
    let rename = json!({ "name": "Bo Diddley" });
    world.call(Method::PATCH, &format!("/api/v1/users/{bo}"), Some(rename)).await.expect(200);
    let losses = world.call(Method::DELETE, &format!("/api/v1/users/{bo}?dryRun=true"), None).await.expect(200);
    assert_eq!(losses["plan"]["losses"].as_array().unwrap().len(), 2, "{losses}");
    assert!(world.get("/api/v1/activity").await.expect(200).to_string().contains("bo@example.org"));
    world.call(Method::DELETE, &format!("/api/v1/users/{bo}"), None).await.expect(200);
    assert_eq!(world.send(Method::GET, "/api/v1/apps", Some(&access), None).await.status, StatusCode::UNAUTHORIZED);
    assert_eq!(world.get(&format!("/api/v1/users/{bo}")).await.status, StatusCode::NOT_FOUND);
    assert_eq!(login(&world, "bo@example.org", NEW_PASSWORD).await.status, StatusCode::UNAUTHORIZED);
    let reader = world.control.store().read(Scope::System);
    let instance = world.control.instance();
    let lines = audit::export(&reader, instance, 0, 1000).await.unwrap();
    assert_eq!(audit::verify(Head::default(), &lines).unwrap(), audit::head(&reader, instance).await.unwrap());
    let runs = runs::page(&reader, &Default::default(), &Default::default()).await.unwrap();
    let mut kept = format!("{:?} {lines:?}", runs.items);
    for path in ["activity", "runs", "approvals", "users", "invitations"] {
        kept.push_str(&world.get(&format!("/api/v1/{path}")).await.expect(200).to_string());
    }
    // The failed sign-in after the removal is about an address nobody has: it is kept as what was typed.
    let kept = kept.replace(r#""email":"bo@example.org""#, "");
    assert!(!kept.contains("bo@example.org") && !kept.contains("Diddley"), "{kept}");
    assert_eq!(users::count(&reader).await.unwrap(), 1);
    joined(&world, "bo@example.org").await;
}

#[tokio::test]
async fn bodies_with_more_than_they_may_say_are_refused() {
    let world = World::new().await;
    let (access, bo) = joined(&world, "bo@example.org").await;
    let invitation = secret(&invite(&world, "cy@example.org").await);
    for (method, path, good) in [
        ("POST", "/api/v1/invitations".to_owned(), json!({ "email": "dd@example.org", "role": "viewer" })),
        ("PATCH", format!("/api/v1/users/{bo}"), json!({ "name": "Bo" })),
        ("POST", "/api/v1/auth/invitation".to_owned(), json!({ "token": invitation })),
        ("POST", "/api/v1/auth/accept".to_owned(), acceptance(&invitation)),
        ("POST", "/api/v1/auth/forgot".to_owned(), json!({ "email": EMAIL })),
        ("POST", "/api/v1/auth/reset".to_owned(), json!({ "token": "x", "password": NEW_PASSWORD })),
        ("POST", "/api/v1/auth/password".to_owned(), json!({ "current": PASSWORD, "new": NEW_PASSWORD })),
        ("PATCH", "/api/v1/auth/me".to_owned(), json!({ "name": "Ada" })),
        ("POST", "/api/v1/mail/test".to_owned(), json!({ "to": EMAIL })),
    ] {
        for extra in ["role", "tenantId", "ownerId", "confidence", "userId", "permissions", "state", "isAdmin", "id"] {
            let mut body = good.clone();
            if body.get(extra).is_some() {
                continue;
            }
            body[extra] = "owner".into();
            let method = Method::from_bytes(method.as_bytes()).unwrap();
            let answer = world.call(method.clone(), &path, Some(body)).await;
            assert_eq!(
                (answer.status, answer.code()),
                (StatusCode::BAD_REQUEST, "body.field"),
                "{method} {path} {extra}"
            );
        }
    }
    let me = world.send(Method::GET, "/api/v1/auth/me", Some(&access), None).await.expect(200);
    assert!(!me["permissions"].to_string().contains("app:deploy"), "{me}");
}

#[tokio::test]
async fn what_is_no_role_object_or_address_invites_nobody() {
    let world = World::new().await;
    let theirs = world.stranger().await;
    let some = "0193a1b2-7c3d-7e4f-8a5b-6c7d8e9f0a1b";
    for (email, role, object, status) in [
        ("bo", "viewer", json!({ "kind": "tenant" }), 400),
        ("bo@example.org\r\nBcc: eve@example.org", "viewer", json!({ "kind": "tenant" }), 400),
        ("bo@example.org", "", json!({ "kind": "tenant" }), 400),
        ("bo@example.org", "*", json!({ "kind": "tenant" }), 400),
        ("bo@example.org", "root", json!({ "kind": "tenant" }), 400),
        ("bo@example.org", some, json!({ "kind": "tenant" }), 404),
        ("bo@example.org", "viewer", json!(null), 400),
        ("bo@example.org", "viewer", json!({ "kind": "tenant", "id": some }), 400),
        ("bo@example.org", "viewer", json!({ "kind": "app" }), 400),
        ("bo@example.org", "viewer", json!({ "kind": "app", "id": null }), 400),
        ("bo@example.org", "viewer", json!({ "kind": "app", "id": 0 }), 400),
        ("bo@example.org", "viewer", json!({ "kind": "everything" }), 400),
        ("bo@example.org", "viewer", json!({ "kind": "app", "id": some }), 404),
        ("bo@example.org", "viewer", json!({ "kind": "app", "id": theirs.app }), 404),
        ("bo@example.org", "viewer", json!({ "kind": "node", "id": theirs.node }), 404),
    ] {
        let body = json!({ "email": email, "role": role, "object": object });
        let answer = world.post("/api/v1/invitations", body.clone()).await;
        assert_eq!(answer.status.as_u16(), status, "{body}: {}", answer.body);
    }
    assert_eq!(world.get("/api/v1/invitations").await.expect(200), json!([]));
}

#[tokio::test]
async fn one_address_is_not_flooded_with_invitations() {
    let world = World::new().await;
    for _ in 0..sf_control::people::invitations::MAX_INVITATIONS_A_DAY {
        invite(&world, "bo@example.org").await;
    }
    let body = json!({ "email": "BO@example.org", "role": "viewer" });
    let answer = world.post("/api/v1/invitations", body).await;
    assert_eq!((answer.status, answer.code()), (StatusCode::TOO_MANY_REQUESTS, "invitation.too_often"));
    invite(&world, "cy@example.org").await;
}

#[tokio::test]
async fn nobody_gives_more_than_they_have_or_acts_on_who_may_do_more() {
    let world = World::new().await;
    let tenant = world.tenant().await;
    let ada = id(&world.get("/api/v1/auth/me").await.expect(200)["user"]);
    let rights: &'static [Permission] =
        &[Permission::UserView, Permission::UserCreate, Permission::UserUpdate, Permission::UserDelete];
    let bo = world.member(tenant, "bo@example.org", rights).await;
    for role in ["owner", "admin", "developer", "viewer"] {
        for query in ["", "?dryRun=true"] {
            let body = json!({ "email": "cy@example.org", "role": role });
            let answer = world.send(Method::POST, &format!("/api/v1/invitations{query}"), Some(&bo), Some(body)).await;
            assert_eq!((answer.status, answer.code()), (StatusCode::FORBIDDEN, "grant.beyond"), "{role}{query}");
        }
    }
    for (method, path, body) in [
        (Method::POST, format!("/api/v1/users/{ada}/suspend"), None),
        (Method::POST, format!("/api/v1/users/{ada}/reinstate"), None),
        (Method::POST, format!("/api/v1/users/{ada}/sign-out"), None),
        (Method::PATCH, format!("/api/v1/users/{ada}"), Some(json!({ "name": "Mallory" }))),
        (Method::DELETE, format!("/api/v1/users/{ada}"), None),
    ] {
        let answer = world.send(method.clone(), &path, Some(&bo), body).await;
        assert_eq!((answer.status, answer.code()), (StatusCode::FORBIDDEN, "user.beyond"), "{method} {path}");
    }
    world.get("/api/v1/apps").await.expect(200);
}

#[tokio::test]
async fn an_invitation_gives_no_more_than_who_invited_still_has() {
    let world = World::new().await;
    let tenant = world.tenant().await;
    let bo = world.member(tenant, "bo@example.org", INVITER).await;
    let body = json!({ "email": "cy@example.org", "role": "viewer" });
    let made = world.send(Method::POST, "/api/v1/invitations", Some(&bo), Some(body)).await.expect(201);
    let me = world.send(Method::GET, "/api/v1/auth/me", Some(&bo), None).await.expect(200);
    let user: sf_types::UserId = id(&me["user"]).parse().unwrap();
    let take = world.control.store().write(Scope::System, move |tx| {
        Box::pin(async move { sf_store::permissions::withdraw(tx, user, &[Permission::AppView]).await })
    });
    take.await.unwrap();
    let answer = accept(&world, &secret(&made)).await;
    assert_eq!((answer.status, answer.code()), (StatusCode::NOT_FOUND, "invitation.over"));
    assert_eq!(world.get("/api/v1/users?q=cy@").await.expect(200), json!([]), "nobody came in without a role");
}
