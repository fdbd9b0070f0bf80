//! Every kind of credential at every kind of door: all but the right pairings are refused. A new kind of either belongs
//! into this table.

use std::net::SocketAddr;

use http::Method;
use serde_json::{Value, json};
use sf_identity::Audience;
use sf_identity::totp::TotpSecret;
use sf_protocol::SecretKey;
use sf_protocol::enrol::UserCode;
use sf_store::{Json, Scope, devices, lockout};
use sha2::{Digest, Sha256};

use crate::sign_in::hosts::Host;
use crate::sockets;
use crate::world::{Answer, EMAIL, PASSWORD, World, facts, request};

/// Kinds of credentials, and the doors each opens.
const OPENS: [(&str, &[&str]); 16] = [
    ("access token, api", &["rest", "socket", "socket protocol"]),
    ("access token, ws", &["socket", "socket protocol"]),
    ("access token, mcp", &[]),
    ("CLI token", &["rest", "socket", "socket protocol", "mcp"]),
    ("refresh token", &["refresh", "refresh cookie"]),
    ("set-up code", &["set-up"]),
    ("enrolment token", &[]),
    ("enrolment code", &["enrolment approval"]),
    ("login ticket", &["second factor"]),
    ("recovery code", &["code off"]),
    ("CLI device code", &["CLI poll"]),
    ("CLI user code", &["CLI approval"]),
    ("metrics token", &["metrics"]),
    ("host access token", &["mcp"]),
    ("host refresh token", &["host refresh"]),
    ("host code", &["host redemption"]),
];

/// Doors; the gateway's are not HTTP and have a table of their own in its protocol's tests.
const DOORS: [&str; 15] = [
    "rest",
    "socket",
    "socket protocol",
    "refresh",
    "refresh cookie",
    "set-up",
    "enrolment approval",
    "second factor",
    "code off",
    "CLI poll",
    "CLI approval",
    "metrics",
    "mcp",
    "host refresh",
    "host redemption",
];

/// Somebody with an authenticator app, whose credentials are made, and an administrator who only asks.
struct Case {
    world: World,
    address: SocketAddr,
    person: String,
    secret: TotpSecret,
    host: Host,
    paper: std::cell::RefCell<Vec<String>>,
    nth: std::cell::Cell<u8>,
}

impl Case {
    async fn new() -> Self {
        let world = World::with(|options| options.trusted_proxies = vec!["0.0.0.0".parse().unwrap()]).await;
        let tenant = world.tenant().await;
        let person = world.member(tenant, "bo@example.org", sf_actions::Permission::ALL).await;
        let address = sockets::serve(&world).await;
        let made = world.send(Method::POST, "/api/v1/auth/factors/totp", Some(&person), Some(password())).await;
        let secret = TotpSecret::from_text(made.expect(201)["secret"].as_str().unwrap()).unwrap();
        let body = json!({ "code": secret.code_at(world.control.now()).expose() });
        let path = "/api/v1/auth/factors/totp/confirm";
        let codes = world.send(Method::POST, path, Some(&person), Some(body)).await.expect(200);
        let paper = codes["recoveryCodes"].as_array().unwrap().iter().map(|code| code.as_str().unwrap().to_owned());
        let paper = std::cell::RefCell::new(paper.collect());
        let host = Host::register(&world).await;
        Self { host, world, address, person, secret, paper, nth: Default::default() }
    }

    /// A fresh credential of a kind that would open its own door now.
    async fn make(&self, kind: &str) -> String {
        let world = &self.world;
        let text = |value: &Value, name: &str| value[name].as_str().unwrap().to_owned();
        match kind {
            "access token, api" => self.person.clone(),
            "access token, ws" => self.access(Audience::Ws).await,
            "access token, mcp" => self.access(Audience::Mcp).await,
            "CLI token" => {
                text(&world.post("/api/v1/tokens", json!({ "name": "t", "days": 1 })).await.expect(201), "secret")
            }
            "refresh token" => text(&self.login(EMAIL).await.expect(200), "refreshToken"),
            "set-up code" => world.control.new_setup_code().await.unwrap().expose().clone(),
            "enrolment token" => text(&world.post("/api/v1/enrol-tokens", json!({})).await.expect(201), "token"),
            "enrolment code" => self.machine().await,
            "login ticket" => text(&self.login("bo@example.org").await.expect(200)["factor"], "ticket"),
            "recovery code" => self.paper.borrow_mut().pop().expect("one is left"),
            "CLI device code" => {
                let begun = self.device().await;
                let body = json!({ "userCode": begun["userCode"] });
                world.post("/api/v1/auth/device/approve", body).await.expect(200);
                text(&begun, "deviceCode")
            }
            "CLI user code" => text(&self.device().await, "userCode"),
            "metrics token" => "metrics-secret".to_owned(),
            "host access token" => self.host.tokens(world, &world.token, &["read"]).await.access,
            "host refresh token" => self.host.tokens(world, &world.token, &["read"]).await.refresh,
            "host code" => self.host.allowed(world, &world.token, &["read"]).await,
            other => panic!("how is a {other} made?"),
        }
    }

    /// Whether a door opens to it: anything but the refusal that the door has for what is no credential of its own.
    async fn opens(&self, door: &str, credential: &str) -> bool {
        let world = &self.world;
        let send = async |path: &str, body: Value| self.sent_anew(Method::POST, path, None, Some(body)).await;
        let answer = match door {
            "rest" => self.sent_anew(Method::GET, "/api/v1/auth/me", Some(credential), None).await,
            "socket" => {
                let header = ("authorization", format!("Bearer {credential}"));
                return sockets::open(self.address, &[header]).await.is_ok();
            }
            "socket protocol" => {
                let header = ("sec-websocket-protocol", format!("serverflow.v1, serverflow.bearer.{credential}"));
                return sockets::open(self.address, &[header]).await.is_ok();
            }
            "refresh" => send("/api/v1/auth/refresh", json!({ "refreshToken": credential })).await,
            "refresh cookie" => {
                let session = sf_identity::refresh::read(credential).ok().map(|(session, _)| session);
                let csrf = session.map(|session| world.control.csrf_token(session)).unwrap_or_default();
                let cookie = format!("sf_refresh={credential}; sf_csrf={csrf}");
                let headers = [
                    ("cookie", cookie.as_str()),
                    ("x-serverflow-client", "web"),
                    ("origin", "http://localhost"),
                    ("x-serverflow-csrf", csrf.as_str()),
                ];
                world.raw(request(Method::POST, "/api/v1/auth/refresh", None, None, &headers)).await
            }
            "set-up" => {
                let body = json!({ "code": credential, "email": "x@example.org", "name": "X", "password": PASSWORD });
                let answer = send("/api/v1/setup", body).await;
                // Somebody is there already: that is told to who has the code.
                return answer.code() == "setup.done";
            }
            "enrolment approval" => world.post("/api/v1/device-codes/approve", json!({ "code": credential })).await,
            "second factor" => {
                self.pass();
                let code = self.secret.code_at(world.control.now()).expose().clone();
                send("/api/v1/auth/login/factor", json!({ "ticket": credential, "method": "totp", "code": code })).await
            }
            "code off" => {
                let body = json!({ "code": credential });
                let path = "/api/v1/auth/factors/recovery-codes";
                self.sent_anew(Method::POST, path, Some(&self.person), Some(body)).await
            }
            "CLI poll" => send("/api/v1/auth/device/token", json!({ "deviceCode": credential })).await,
            "CLI approval" => world.post("/api/v1/auth/device/approve", json!({ "userCode": credential })).await,
            "metrics" => world.send(Method::GET, "/metrics", Some(credential), None).await,
            "mcp" => return crate::sign_in::hosts::caller(world, credential).await.is_ok(),
            "host refresh" => self.host.refresh(world, credential).await,
            "host redemption" => self.host.redeem(world, credential).await,
            other => panic!("how is {other} tried?"),
        };
        assert!(!answer.status.is_server_error(), "{door}: {}", answer.body);
        answer.status.is_success()
    }

    /// From an address that was never seen.
    async fn sent_anew(&self, method: Method, path: &str, token: Option<&str>, body: Option<Value>) -> Answer {
        let nth = self.nth.get().wrapping_add(1);
        self.nth.set(nth);
        let from = format!("10.0.0.{nth}");
        self.world.raw(request(method, path, token, body, &[("x-forwarded-for", &from)])).await
    }

    async fn login(&self, email: &str) -> Answer {
        let body = json!({ "email": email, "password": PASSWORD, "kind": "cli" });
        self.sent_anew(Method::POST, "/api/v1/auth/login", None, Some(body)).await
    }

    async fn access(&self, audience: Audience) -> String {
        let actor = self.world.control.authenticate(Audience::Api, &self.world.token, None).await.unwrap();
        self.world.control.access_for(&actor, audience).unwrap().unwrap().expose().clone()
    }

    async fn device(&self) -> Value {
        let body = json!({ "client": "serverflow" });
        self.sent_anew(Method::POST, "/api/v1/auth/device", None, Some(body)).await.expect(200)
    }

    /// A machine that waits for approval, and its code.
    async fn machine(&self) -> String {
        let nth = self.nth.get().wrapping_add(1);
        self.nth.set(nth);
        let code = UserCode::from_random([nth; 16]);
        let public_key = SecretKey::from_seed(&[nth; 32]).public();
        let now = self.world.control.now();
        let row = devices::DeviceCode {
            id: self.world.control.rng().id(self.world.control.clock()),
            code_hash: Sha256::digest(code.to_string()).into(),
            public_key,
            host: format!("m{nth}"),
            address: "10.0.0.1".to_owned(),
            facts: Json(facts("m")),
            key_words: public_key.id().words(),
            created_at: now,
            expires_at: now.plus(UserCode::LIFETIME),
            attempts: 0,
            state: devices::DeviceState::Pending,
            tenant: None,
            node: None,
            name: None,
        };
        let store = self.world.control.store();
        store.write(Scope::System, move |tx| Box::pin(async move { devices::create(tx, &row).await })).await.unwrap();
        code.to_string()
    }

    /// What slows down guessing has tests of its own.
    async fn forget(&self) {
        let later = self.world.control.now().plus(std::time::Duration::from_secs(1));
        let store = self.world.control.store();
        store.write(Scope::System, move |tx| Box::pin(async move { lockout::prune(tx, later).await })).await.unwrap();
    }

    fn pass(&self) {
        self.world.clock.set(self.world.control.now().plus(std::time::Duration::from_secs(30)));
    }
}

fn password() -> Value {
    json!({ "password": PASSWORD })
}

async fn check(door: &'static str) {
    let case = Case::new().await;
    for (kind, opens) in OPENS {
        if door == "set-up" {
            // Wrong ones use it up.
            case.world.control.new_setup_code().await.unwrap();
        }
        case.forget().await;
        let credential = case.make(kind).await;
        let expected = opens.contains(&door);
        assert_eq!(case.opens(door, &credential).await, expected, "a {kind} at {door}");
    }
}

macro_rules! doors {
    ($($name:ident = $door:literal,)*) => {
        $(#[tokio::test]
        async fn $name() {
            check($door).await;
        })*

        #[test]
        fn every_door_is_tried_and_every_kind_but_those_of_other_programs_has_one() {
            assert_eq!(DOORS, [$($door),*]);
            for (kind, opens) in OPENS {
                assert!(opens.iter().all(|door| DOORS.contains(door)), "{kind}");
                let elsewhere = ["access token, mcp", "enrolment token"].contains(&kind);
                assert_eq!(opens.is_empty(), elsewhere, "{kind}");
            }
        }
    };
}

doors! {
    rest = "rest",
    socket = "socket",
    socket_protocol = "socket protocol",
    refresh = "refresh",
    refresh_cookie = "refresh cookie",
    set_up = "set-up",
    enrolment_approval = "enrolment approval",
    second_factor = "second factor",
    code_off = "code off",
    cli_poll = "CLI poll",
    cli_approval = "CLI approval",
    metrics = "metrics",
    mcp = "mcp",
    host_refresh = "host refresh",
    host_redemption = "host redemption",
}
