//! The second factor: a code is good once, whoever races, and a ticket is good for nothing else.

use std::time::Duration;

use futures_util::future::join_all;
use http::Method;
use serde_json::{Value, json};
use sf_actions::Permission;
use sf_identity::totp::TotpSecret;

use crate::world::{Answer, EMAIL, PASSWORD, World, request};

const STEP: Duration = Duration::from_secs(30);

/// A person's authenticator app and their paper.
pub struct App {
    secret: TotpSecret,
    pub paper: Vec<String>,
}

impl App {
    pub fn code(&self, world: &World) -> String {
        self.secret.code_at(world.control.now()).expose().clone()
    }
}

pub fn pass(world: &World, time: Duration) {
    world.clock.set(world.control.now().plus(time));
}

/// Sets an app up for whoever has this access token; the code that confirmed it is spent.
pub async fn set_up(world: &World, token: &str) -> App {
    let path = "/api/v1/auth/factors/totp";
    let made = world.send(Method::POST, path, Some(token), Some(json!({ "password": PASSWORD }))).await.expect(201);
    let secret = TotpSecret::from_text(made["secret"].as_str().unwrap()).unwrap();
    assert!(made["uri"].as_str().unwrap().starts_with("otpauth://totp/ServerFlow:"), "{made}");
    let mut app = App { secret, paper: Vec::new() };
    let confirm = json!({ "code": app.code(world) });
    let path = "/api/v1/auth/factors/totp/confirm";
    let codes = world.send(Method::POST, path, Some(token), Some(confirm)).await.expect(200);
    app.paper = codes["recoveryCodes"].as_array().unwrap().iter().map(|code| code.as_str().unwrap().into()).collect();
    app
}

pub async fn ticket_of(world: &World, email: &str) -> String {
    let body = json!({ "email": email, "password": PASSWORD });
    let asked = world.send(Method::POST, "/api/v1/auth/login", None, Some(body)).await.expect(200);
    assert!(asked.get("accessToken").is_none(), "{asked}");
    assert_eq!(asked["factor"]["methods"], json!(["totp", "recovery"]));
    asked["factor"]["ticket"].as_str().unwrap().to_owned()
}

pub async fn answer(world: &World, ticket: &str, method: &str, code: &str) -> Answer {
    let body = json!({ "ticket": ticket, "method": method, "code": code, "kind": "cli" });
    world.send(Method::POST, "/api/v1/auth/login/factor", None, Some(body)).await
}

async fn factors(world: &World) -> Value {
    world.get("/api/v1/auth/factors").await.expect(200)
}

#[tokio::test]
async fn changes_to_ones_own_factors_are_planned_and_plans_change_and_spend_nothing() {
    let world = World::new().await;
    let plan = async |method: Method, path: &str, body: Value| {
        let path = format!("/api/v1/auth/factors/{path}?dryRun=true");
        world.call(method, &path, Some(body)).await
    };
    let (password, wrong) = (json!({ "password": "whatever it is" }), json!({ "code": "000000" }));
    let told = plan(Method::POST, "totp", password.clone()).await.expect(200);
    assert!(told["plan"]["steps"][0].as_str().unwrap().contains("if the password is right"), "{told}");
    plan(Method::POST, "totp/confirm", wrong.clone()).await.expect(200);
    for (method, path) in [(Method::POST, "recovery-codes"), (Method::DELETE, "totp")] {
        assert_eq!(plan(method, path, wrong.clone()).await.code(), "factor.none", "{path}");
    }
    assert_eq!(factors(&world).await["totp"], Value::Null);
    let app = set_up(&world, &world.token).await;
    assert_eq!(plan(Method::POST, "totp", password).await.code(), "factor.exists");
    assert_eq!(plan(Method::POST, "totp/confirm", wrong).await.code(), "factor.exists");
    pass(&world, Duration::from_secs(30));
    let code = json!({ "code": app.code(&world) });
    for (method, path, lost) in
        [(Method::POST, "recovery-codes", "10 recovery codes"), (Method::DELETE, "totp", "authenticator app")]
    {
        let told = plan(method, path, code.clone()).await.expect(200);
        assert!(told["plan"]["losses"][0].as_str().unwrap().contains(lost), "{told}");
        assert!(told.get("recoveryCodes").is_none(), "{told}");
    }
    assert_eq!(factors(&world).await["recoveryCodesLeft"], 10);
    // The code was not spent by all that, and neither were the paper ones.
    world.call(Method::DELETE, "/api/v1/auth/factors/totp", Some(code)).await.expect(200);
}

#[tokio::test]
async fn an_app_counts_once_it_was_confirmed_and_until_a_code_turns_it_off() {
    let world = World::new().await;
    assert_eq!(factors(&world).await, json!({ "totp": null, "recoveryCodesLeft": 0 }));
    let wrong = world.post("/api/v1/auth/factors/totp", json!({ "password": "not it, whatever it is" })).await;
    assert_eq!((wrong.status.as_u16(), wrong.code()), (403, "password.wrong"));
    let made = world.post("/api/v1/auth/factors/totp", json!({ "password": PASSWORD })).await.expect(201);
    // Not confirmed yet: the password alone still signs in.
    let body = json!({ "email": EMAIL, "password": PASSWORD });
    let signed_in = world.send(Method::POST, "/api/v1/auth/login", None, Some(body)).await.expect(200);
    assert!(signed_in.get("accessToken").is_some());
    let wrong = world.post("/api/v1/auth/factors/totp/confirm", json!({ "code": "000000" })).await;
    assert_eq!((wrong.status.as_u16(), wrong.code()), (400, "factor.wrong"));
    // A set-up begun again makes the first picture worthless.
    let app = set_up(&world, &world.token).await;
    assert_ne!(made["secret"].as_str().unwrap(), app.secret.text().expose());
    assert_eq!(app.paper.len(), 10);
    let now = factors(&world).await;
    assert_eq!((now["recoveryCodesLeft"].as_u64(), now["totp"]["label"].is_string()), (Some(10), true), "{now}");
    let again = world.post("/api/v1/auth/factors/totp", json!({ "password": PASSWORD })).await;
    assert_eq!((again.status.as_u16(), again.code()), (409, "factor.exists"));
    let again = world.post("/api/v1/auth/factors/totp/confirm", json!({ "code": app.code(&world) })).await;
    assert_eq!(again.code(), "factor.none");
    let off =
        async |code: &str| world.call(Method::DELETE, "/api/v1/auth/factors/totp", Some(json!({ "code": code }))).await;
    let spent = off(&app.code(&world)).await;
    assert_eq!((spent.status.as_u16(), spent.code()), (403, "factor.wrong"), "the code that confirmed it is spent");
    pass(&world, STEP);
    off(&app.code(&world)).await.expect(200);
    assert_eq!(factors(&world).await, json!({ "totp": null, "recoveryCodesLeft": 0 }));
    let body = json!({ "email": EMAIL, "password": PASSWORD });
    let signed_in = world.send(Method::POST, "/api/v1/auth/login", None, Some(body)).await.expect(200);
    assert!(signed_in.get("accessToken").is_some());
}

#[tokio::test]
async fn fifty_uses_of_one_code_sign_one_in() {
    let world = World::new().await;
    let app = set_up(&world, &world.token).await;
    pass(&world, STEP);
    // As many tickets as there are tries: what is spent is the code itself, not the ticket.
    let spare = ticket_of(&world, EMAIL).await;
    let tickets = join_all((0..9).map(|_| ticket_of(&world, EMAIL))).await;
    let code = app.code(&world);
    let answers = join_all((0..50).map(|nth| answer(&world, &tickets[nth % tickets.len()], "totp", &code))).await;
    let good = answers.iter().filter(|answer| answer.status.is_success()).count();
    assert_eq!(good, 1, "{:?}", answers.iter().map(|answer| answer.code().to_owned()).collect::<Vec<_>>());
    // One step later it would still be good, were it not spent; the present one is.
    pass(&world, STEP);
    assert_eq!(answer(&world, &spare, "totp", &code).await.code(), "factor.wrong");
    answer(&world, &spare, "totp", &app.code(&world)).await.expect(200);
}

#[tokio::test]
async fn fifty_uses_of_one_recovery_code_sign_one_in() {
    let world = World::new().await;
    let app = set_up(&world, &world.token).await;
    let tickets = join_all((0..9).map(|_| ticket_of(&world, EMAIL))).await;
    let paper = app.paper[3].to_uppercase().replace('-', " ");
    let answers = join_all((0..50).map(|nth| answer(&world, &tickets[nth % tickets.len()], "recovery", &paper))).await;
    assert_eq!(answers.iter().filter(|answer| answer.status.is_success()).count(), 1);
    assert_eq!(factors(&world).await["recoveryCodesLeft"], 9);
    // All those wrong ones locked the account for a minute.
    pass(&world, STEP * 2);
    let ticket = ticket_of(&world, EMAIL).await;
    assert_eq!(answer(&world, &ticket, "totp", &app.paper[4]).await.code(), "factor.wrong", "paper is no app");
    assert_eq!(answer(&world, &ticket, "recovery", &app.code(&world)).await.code(), "factor.wrong");
    // New ones replace all old ones.
    pass(&world, STEP * 2);
    let body = json!({ "code": app.code(&world) });
    let new = world.post("/api/v1/auth/factors/recovery-codes", body).await.expect(200);
    assert_eq!(answer(&world, &ticket, "recovery", &app.paper[4]).await.code(), "factor.wrong");
    answer(&world, &ticket, "recovery", new["recoveryCodes"][0].as_str().unwrap()).await.expect(200);
}

#[tokio::test]
async fn a_ticket_is_good_once_for_five_codes_and_five_minutes() {
    let world = World::with(|options| options.trusted_proxies = vec!["0.0.0.0".parse().unwrap()]).await;
    let app = set_up(&world, &world.token).await;
    pass(&world, STEP);
    let ticket = ticket_of(&world, EMAIL).await;
    for _ in 0..5 {
        assert_eq!(answer(&world, &ticket, "totp", "000000").await.code(), "factor.wrong");
    }
    assert_eq!(answer(&world, &ticket, "totp", &app.code(&world)).await.code(), "factor.ticket");
    let ticket = ticket_of(&world, EMAIL).await;
    answer(&world, &ticket, "totp", &app.code(&world)).await.expect(200);
    pass(&world, STEP);
    assert_eq!(answer(&world, &ticket, "totp", &app.code(&world)).await.code(), "factor.ticket", "used");
    let ticket = ticket_of(&world, EMAIL).await;
    let body = json!({ "ticket": ticket, "method": "totp", "code": app.code(&world) });
    let headers = [("x-forwarded-for", "2001:db8::1")];
    let elsewhere = request(Method::POST, "/api/v1/auth/login/factor", None, Some(body), &headers);
    assert_eq!(world.raw(elsewhere).await.code(), "factor.ticket", "from the other network");
    pass(&world, Duration::from_secs(5 * 60));
    assert_eq!(answer(&world, &ticket, "totp", &app.code(&world)).await.code(), "factor.ticket", "too late");
    for garbage in ["", "sft_", "sft_aaaa", &world.token] {
        let answer = answer(&world, garbage, "totp", "000000").await;
        assert_eq!(answer.status.as_u16(), 401, "{garbage}");
    }
}

#[tokio::test]
async fn a_restart_forgets_neither_a_ticket_nor_a_spent_code() {
    let world = World::new().await;
    let tenant = world.tenant().await;
    let token = world.member(tenant, "bo@example.org", &[]).await;
    let app = set_up(&world, &token).await;
    pass(&world, STEP);
    let (first, second) = (ticket_of(&world, "bo@example.org").await, ticket_of(&world, "bo@example.org").await);
    let code = app.code(&world);
    answer(&world, &first, "totp", &code).await.expect(200);
    let world = world.started_again(Duration::from_secs(1)).await;
    assert_eq!(answer(&world, &second, "totp", &code).await.code(), "factor.wrong");
    answer(&world, &second, "recovery", &app.paper[0]).await.expect(200);
}

#[tokio::test]
async fn an_administrator_resets_the_factors_of_who_lost_them() {
    let world = World::new().await;
    let tenant = world.tenant().await;
    let token = world.member(tenant, "bo@example.org", &[Permission::UserView]).await;
    set_up(&world, &token).await;
    let me = world.send(Method::GET, "/api/v1/auth/me", Some(&token), None).await.expect(200);
    let path = format!("/api/v1/users/{}/reset-factors", me["user"]["id"].as_str().unwrap());
    let without = world.send(Method::POST, &path, Some(&token), None).await;
    assert_eq!((without.status.as_u16(), without.code()), (403, "permission.missing"));
    let plan = world.post(&format!("{path}?dryRun=true"), json!({})).await.expect(200);
    assert!(plan["plan"]["losses"][0].as_str().unwrap().contains("recovery codes"), "{plan}");
    ticket_of(&world, "bo@example.org").await;
    world.post(&path, json!({})).await.expect(200);
    let body = json!({ "email": "bo@example.org", "password": PASSWORD });
    let signed_in = world.send(Method::POST, "/api/v1/auth/login", None, Some(body)).await.expect(200);
    assert!(signed_in.get("accessToken").is_some(), "{signed_in}");
    let told = world.get("/api/v1/activity?action=user.reset_factors").await.expect(200);
    assert_eq!(told[0]["targetId"], me["user"]["id"], "{told}");
}

#[tokio::test]
async fn credentials_are_a_matter_for_a_session_and_no_request_about_them_is_kept() {
    let world = World::new().await;
    let made = world.post("/api/v1/tokens", json!({ "name": "ci", "days": 1 })).await.expect(201);
    let token = made["secret"].as_str().unwrap();
    for (method, path, body) in [
        (Method::GET, "/api/v1/auth/factors", None),
        (Method::POST, "/api/v1/auth/factors/totp", Some(json!({ "password": PASSWORD }))),
        (Method::POST, "/api/v1/auth/factors/totp/confirm", Some(json!({ "code": "1" }))),
        (Method::DELETE, "/api/v1/auth/factors/totp", Some(json!({ "code": "1" }))),
        (Method::DELETE, "/api/v1/sessions", None),
        (Method::POST, "/api/v1/auth/device/approve", Some(json!({ "userCode": "aaaaa-aaaaa" }))),
    ] {
        let answer = world.send(method.clone(), path, Some(token), body).await;
        assert_eq!((answer.status.as_u16(), answer.code()), (403, "session.needed"), "{method} {path}");
    }
    let body = json!({ "password": PASSWORD });
    let keyed = |_: u8| {
        let headers = [("idempotency-key", "same")];
        request(Method::POST, "/api/v1/auth/factors/totp", Some(&world.token), Some(body.clone()), &headers)
    };
    let (one, two) = (world.raw(keyed(1)).await.expect(201), world.raw(keyed(2)).await.expect(201));
    assert_ne!(one["secret"], two["secret"], "not replayed");
}
