//! A control plane on a temporary database, its router, and somebody signed in.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use http::{HeaderMap, Method, Request, StatusCode};
use http_body_util::BodyExt;
use serde_json::{Value, json};
use sf_actions::{Action, Permission};
use sf_api::ApiOptions;
use sf_api::rate::Rates;
use sf_control::options::{Identity, RequireSecondFactor, Routing};
use sf_control::{Control, MailOptions, Options};
use sf_identity::password::Cost;
use sf_protocol::SecretKey;
use sf_protocol::report::NodeFacts;
use sf_protocol::site::SiteSettings;
use sf_runtime::{Clock, Rate, Rng, Tasks};
use sf_store::schedules::Home;
use sf_store::{apps, nodes, permissions, proxies, tenants, users};
use sf_types::{AppId, DomainName, NodeId, Scope, Secret, TenantId, Timestamp};
use tower::ServiceExt;

pub const EMAIL: &str = "ada@example.org";
pub const PASSWORD: &str = "four lanterns drift westward";

/// Where the dashboard is said to be.
pub const PUBLIC_URL: &str = "https://panel.example.org";

/// What an operator allows to be reached besides the public internet, unless told otherwise.
const LOOPBACK: &[&str] = &["127.0.0.0/8"];
/// In a world's folder, where it trusts a further authority.
const FURTHER_CA: &str = "further-ca.pem";

pub struct World {
    pub control: Control,
    pub router: Router,
    pub tasks: Tasks,
    pub clock: Clock,
    /// Access token of the first administrator.
    pub token: String,
    pub folder: tempfile::TempDir,
}

pub struct Answer {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub body: Value,
}

impl Answer {
    pub fn code(&self) -> &str {
        self.body["error"]["code"].as_str().unwrap_or_default()
    }

    pub fn data(&self) -> &Value {
        &self.body["data"]
    }

    /// The data of a success.
    pub fn expect(self, status: u16) -> Value {
        assert_eq!(self.status.as_u16(), status, "{}", self.body);
        self.body["data"].clone()
    }
}

/// The beginning of a test's time; it moves only when a test moves it.
pub fn start() -> Timestamp {
    Timestamp::from_millis(1_795_242_461_007)
}

impl World {
    pub async fn new() -> Self {
        Self::with(|_| {}).await
    }

    pub async fn with(change: impl FnOnce(&mut ApiOptions)) -> Self {
        Self::built((Routing::default(), None, Identity::default()), change).await
    }

    /// One that sends its mail by this server.
    pub async fn mailing(mail: MailOptions) -> Self {
        Self::built((Routing::default(), Some(mail), Identity::default()), |_| {}).await
    }

    /// One whose policy is another.
    pub async fn routed(routing: Routing) -> Self {
        Self::built((routing, None, Identity::default()), |_| {}).await
    }

    /// One that trusts another authority when it fetches what people named.
    pub async fn trusting(ca: &std::path::Path) -> Self {
        let folder = tempfile::tempdir().unwrap();
        std::fs::copy(ca, folder.path().join(FURTHER_CA)).unwrap();
        Self::begun(folder, (Routing::default(), None, Identity::default()), |_| {}).await
    }

    async fn built(settings: (Routing, Option<MailOptions>, Identity), change: impl FnOnce(&mut ApiOptions)) -> Self {
        Self::begun(tempfile::tempdir().unwrap(), settings, change).await
    }

    async fn begun(
        folder: tempfile::TempDir,
        (routing, mail, identity): (Routing, Option<MailOptions>, Identity),
        change: impl FnOnce(&mut ApiOptions),
    ) -> Self {
        let mut world =
            Self::over(folder, Clock::manual(start()), (7, routing, mail, identity), LOOPBACK, change).await;
        world.control.first_admin(EMAIL, "Ada", Secret::new(PASSWORD.to_owned())).await.unwrap();
        world.sign_in().await;
        world
    }

    /// The same control plane after its process died: what is stored, and nothing else.
    pub async fn started_again(self, later: Duration) -> Self {
        let Self { folder, clock, tasks, .. } = self;
        tasks.stop(Duration::ZERO).await;
        clock.set(clock.now().plus(later));
        let settings = (8, Routing::default(), None, Identity::default());
        let mut world = Self::over(folder, clock, settings, LOOPBACK, |_| {}).await;
        world.sign_in().await;
        world
    }

    /// The same after an operator has changed whom a second factor is asked of; nobody is signed in anew.
    pub async fn obliging(self, who: RequireSecondFactor) -> Self {
        let Self { folder, clock, tasks, token, .. } = self;
        tasks.stop(Duration::ZERO).await;
        let settings = (9, Routing::default(), None, Identity { require_second_factor: who });
        Self { token, ..Self::over(folder, clock, settings, LOOPBACK, |_| {}).await }
    }

    /// The same after an operator has changed which networks may be reached; nobody is signed in anew.
    pub async fn reaching(self, networks: &[&str]) -> Self {
        let Self { folder, clock, tasks, token, .. } = self;
        tasks.stop(Duration::ZERO).await;
        let settings = (10, Routing::default(), None, Identity::default());
        Self { token, ..Self::over(folder, clock, settings, networks, |_| {}).await }
    }

    async fn over(
        folder: tempfile::TempDir,
        clock: Clock,
        (seed, routing, mail, identity): (u64, Routing, Option<MailOptions>, Identity),
        networks: &[&str],
        change: impl FnOnce(&mut ApiOptions),
    ) -> Self {
        let tasks = Tasks::new();
        let mut options = Options::in_folder(folder.path().to_owned());
        options.password_cost = Cost::for_tests();
        options.routing = routing;
        options.mail = mail;
        options.identity = identity;
        options.public_url = PUBLIC_URL.to_owned();
        options.egress.allowed_networks = networks.iter().map(|network| network.parse().unwrap()).collect();
        options.egress.ca = Some(folder.path().join(FURTHER_CA)).filter(|file| file.exists());
        let control = Control::start(options, clock.clone(), Rng::seeded(seed), &tasks).await.unwrap();
        let mut options = ApiOptions::new(tasks.clone());
        let wide = Rate::a_second(100_000, 100_000);
        options.rates = Rates { address: wide, principal: wide, sign_in: wide };
        options.metrics_token = Some(Arc::new(Secret::new("metrics-secret".to_owned())));
        options.pterodactyl_clients = true;
        change(&mut options);
        let router = sf_api::router(control.clone(), options);
        Self { control, router, tasks, clock, token: String::new(), folder }
    }

    /// Lets time pass, and what is due then happen.
    pub async fn pass(&self, time: Duration) {
        self.clock.set(self.clock.now().plus(time));
        while self.control.perform_due().await.unwrap().is_some_and(|next| next <= self.clock.now()) {}
    }

    /// The time in which a decision can be taken back is over.
    pub async fn hold_is_over(&self) {
        self.pass(Duration::from_secs(5)).await;
    }

    /// Signs the administrator in once more: access tokens end soon.
    pub async fn sign_in(&mut self) {
        let body = json!({ "email": EMAIL, "password": PASSWORD });
        let signed_in = self.send(Method::POST, "/api/v1/auth/login", None, Some(body)).await.expect(200);
        self.token = signed_in["accessToken"].as_str().unwrap().to_owned();
    }

    /// One request as the administrator.
    pub async fn call(&self, method: Method, path: &str, body: Option<Value>) -> Answer {
        self.send(method, path, Some(&self.token), body).await
    }

    pub async fn get(&self, path: &str) -> Answer {
        self.call(Method::GET, path, None).await
    }

    pub async fn post(&self, path: &str, body: Value) -> Answer {
        self.call(Method::POST, path, Some(body)).await
    }

    pub async fn send(&self, method: Method, path: &str, token: Option<&str>, body: Option<Value>) -> Answer {
        self.raw(request(method, path, token, body, &[])).await
    }

    pub async fn raw(&self, request: Request<Body>) -> Answer {
        answer(self.router.clone(), request).await
    }

    /// A machine that is not connected.
    pub async fn node(&self, name: &str) -> NodeId {
        let tenant = self.tenant().await;
        self.node_of(tenant, name, u8::try_from(name.len()).unwrap()).await
    }

    pub async fn tenant(&self) -> TenantId {
        let me = self.get("/api/v1/auth/me").await.expect(200);
        me["tenant"]["id"].as_str().unwrap().parse().unwrap()
    }

    async fn node_of(&self, tenant: TenantId, name: &str, seed: u8) -> NodeId {
        let new = nodes::NewNode {
            tenant,
            name: name.to_owned(),
            public_key: SecretKey::from_seed(&[seed; 32]).public(),
            facts: facts(name),
            epoch: 1,
            join_counter: 1,
            binding: "exporter".to_owned(),
        };
        let store = self.control.store();
        let create =
            store.write(Scope::System, move |tx| Box::pin(async move { Ok(nodes::create(tx, new).await?.id) }));
        create.await.unwrap()
    }

    /// An app of the administrator's tenant, never deployed.
    pub async fn app(&self, name: &str, node: NodeId) -> String {
        let body = json!({ "name": name, "nodeId": node, "settings": { "repository": "https://git.example.org/a" } });
        id(&self.post("/api/v1/apps", body).await.expect(201))
    }

    /// A run that waits for a machine that is away.
    pub async fn run(&self, app: &str) -> String {
        let opened = self.post(&format!("/api/v1/apps/{app}/deploy"), json!({})).await.expect(202);
        id(&opened["run"])
    }

    /// A domain that leads to an app, as if its order had been signed.
    pub async fn domain(&self, app: &str, name: &str) -> String {
        let (app, name): (AppId, DomainName) = (app.parse().unwrap(), name.parse().unwrap());
        let order = self.control.store().write(Scope::System, move |tx| {
            Box::pin(async move {
                let app = apps::get(tx, app).await?;
                proxies::order(tx, &app, &name, &SiteSettings::default()).await
            })
        });
        order.await.unwrap().id.to_string()
    }

    /// The schedule `tidy` of an app, as if its order had been signed.
    pub async fn schedule(&self, app: &str) {
        let (app, name): (AppId, sf_types::Slug) = (app.parse().unwrap(), "tidy".parse().unwrap());
        let settings = serde_json::from_value(json!({ "cron": "@daily", "command": ["true"] })).unwrap();
        let order = self.control.store().write(Scope::System, move |tx| {
            Box::pin(async move {
                let app = apps::get(tx, app).await?;
                sf_store::schedules::order(tx, &Home::from(&app), &name, &settings).await
            })
        });
        order.await.unwrap();
    }

    /// A category, a template, ports of a machine and a server with two of them, whose installation waits for the machine.
    pub async fn panel(&self, node: NodeId) -> Panel {
        let ctrl = id(&self.post("/api/v1/ctrls", json!({ "name": "Games" })).await.expect(201));
        let alt = json!({ "ctrlId": ctrl, "document": template("Tiny") });
        let alt = id(&self.post("/api/v1/alts", alt).await.expect(201)["alt"]);
        let ports = format!("/api/v1/nodes/{node}/allocations");
        self.post(&ports, json!({ "ports": "25565-25568" })).await.expect(200);
        let settings = json!({ "allocationLimit": 4 });
        let body = json!({ "name": "tiny", "altId": alt, "nodeId": node, "ports": 2, "settings": settings });
        let server = self.post("/api/v1/servers", body).await.expect(201);
        let second_port = id(&server["allocations"][1]);
        Panel { ctrl, alt, server: id(&server), second_port }
    }

    /// Another tenant with its own administrator, machine, app, run, token and session, and that one's token.
    pub async fn stranger(&self) -> Stranger {
        let (tenant, _) =
            self.control.store().write(Scope::System, |tx| Box::pin(tenants::create(tx, "other"))).await.unwrap();
        let node = self.node_of(tenant.id, "theirs", 200).await;
        let token = self.member(tenant.id, "eve@example.org", Permission::ALL).await;
        let token = token.as_str();
        let as_them = |method, path: String, body| async move { self.send(method, &path, Some(token), body).await };
        stranger(as_them, node).await
    }

    /// A person with some rights, signed in: their access token.
    pub async fn member(&self, tenant: TenantId, email: &str, rights: &'static [Permission]) -> String {
        let hash = sf_identity::Passwords::new(Cost::for_tests(), 1, &Rng::seeded(1)).unwrap();
        let hash = hash.hash(&Secret::new(PASSWORD.to_owned()), &[]).await.unwrap();
        let address = email.to_owned();
        let store = self.control.store();
        let create = store.write(Scope::System, move |tx| {
            Box::pin(async move {
                let user = users::create(tx, tenant, &address, "Somebody").await?;
                users::set_password(tx, user.id, &hash).await?;
                permissions::grant(tx, user.id, rights).await
            })
        });
        create.await.unwrap();
        let body = json!({ "email": email, "password": PASSWORD });
        let signed_in = self.send(Method::POST, "/api/v1/auth/login", None, Some(body)).await.expect(200);
        signed_in["accessToken"].as_str().unwrap().to_owned()
    }
}

/// Ids of things that belong to somebody else.
#[derive(Clone, Debug)]
pub struct Stranger {
    pub node: String,
    pub app: String,
    pub run: String,
    pub token: String,
    pub session: String,
    pub user: String,
    pub invitation: String,
    pub secret: String,
    pub project: String,
    pub role: String,
    pub grant: String,
    pub tenant: String,
    pub workflow: String,
    pub execution: String,
    pub channel: String,
    pub team_channel: String,
    pub ctrl: String,
    pub alt: String,
    pub server: String,
    pub rule: String,
    pub port: String,
}

async fn stranger<F: Future<Output = Answer>>(
    ask: impl Fn(Method, String, Option<Value>) -> F,
    node: NodeId,
) -> Stranger {
    let settings = json!({ "repository": "https://git.example.org/b" });
    let body = json!({ "name": "theirs", "nodeId": node, "settings": settings });
    let app = id(&ask(Method::POST, "/api/v1/apps".into(), Some(body)).await.expect(201));
    let opened = ask(Method::POST, format!("/api/v1/apps/{app}/deploy"), None).await.expect(202);
    let body = json!({ "name": "their token", "days": 1 });
    let made = ask(Method::POST, "/api/v1/tokens".into(), Some(body)).await.expect(201);
    let body = json!({ "name": "theirs", "value": "their value" });
    let secret = id(&ask(Method::POST, "/api/v1/secrets".into(), Some(body)).await.expect(201));
    let sessions = ask(Method::GET, "/api/v1/sessions".into(), None).await.expect(200);
    let me = ask(Method::GET, "/api/v1/auth/me".into(), None).await.expect(200);
    let body = json!({ "email": "theirs@example.org", "role": "viewer" });
    let invited = ask(Method::POST, "/api/v1/invitations".into(), Some(body)).await.expect(201);
    let body = json!({ "name": "theirs" });
    let project = id(&ask(Method::POST, "/api/v1/projects".into(), Some(body)).await.expect(201));
    let body = json!({ "name": "theirs", "permissions": ["app:view"] });
    let role = id(&ask(Method::POST, "/api/v1/roles".into(), Some(body)).await.expect(201));
    let document = "workflow: 1\nname: theirs\nsteps: [{ id: w, wait: { event: go } }]";
    let body = json!({ "document": document });
    let workflow = id(&ask(Method::POST, "/api/v1/workflows".into(), Some(body)).await.expect(201));
    let begun = ask(Method::POST, format!("/api/v1/workflows/{workflow}/execute"), None).await.expect(202);
    let body = json!({ "name": "theirs", "target": { "kind": "mail" } });
    let own = ask(Method::POST, "/api/v1/me/notification-channels".into(), Some(body)).await.expect(201);
    let channel = id(&own["channel"]);
    let body = json!({ "name": "theirs", "target": { "kind": "mail", "to": "theirs@example.org" } });
    let made_team = ask(Method::POST, "/api/v1/notification-channels".into(), Some(body)).await.expect(201);
    let ctrl = id(&ask(Method::POST, "/api/v1/ctrls".into(), Some(json!({ "name": "theirs" }))).await.expect(201));
    let body = json!({ "ctrlId": ctrl, "document": template("theirs") });
    let alt = id(&ask(Method::POST, "/api/v1/alts".into(), Some(body)).await.expect(201)["alt"]);
    let ports = format!("/api/v1/nodes/{node}/allocations");
    ask(Method::POST, ports, Some(json!({ "ports": "25565" }))).await.expect(200);
    let body = json!({ "name": "theirs", "altId": alt, "nodeId": node });
    let server = ask(Method::POST, "/api/v1/servers".into(), Some(body)).await.expect(201);
    let rule = id(&ask(Method::POST, "/api/v1/monitoring/rules".into(), Some(rule("theirs"))).await.expect(201));
    Stranger {
        rule,
        ctrl,
        alt,
        port: id(&server["allocations"][0]),
        server: id(&server),
        channel,
        team_channel: id(&made_team["channel"]),
        execution: id(&begun["run"]),
        workflow,
        project,
        role,
        grant: id(&me["grants"][0]),
        tenant: id(&me["tenant"]),
        node: node.to_string(),
        run: id(&opened["run"]),
        token: id(&made["token"]),
        session: id(&sessions[0]),
        user: id(&me["user"]),
        invitation: id(&invited["invitation"]),
        secret,
        app,
    }
}

pub fn id(value: &Value) -> String {
    value["id"].as_str().unwrap_or_else(|| panic!("an id: {value}")).to_owned()
}

pub fn request(
    method: Method,
    path: &str,
    token: Option<&str>,
    body: Option<Value>,
    headers: &[(&str, &str)],
) -> Request<Body> {
    let mut request = Request::builder().method(method).uri(path).header("host", "localhost");
    if let Some(token) = token {
        request = request.header("authorization", format!("Bearer {token}"));
    }
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    match body {
        Some(body) => request.header("content-type", "application/json").body(Body::from(body.to_string())).unwrap(),
        None => request.body(Body::empty()).unwrap(),
    }
}

pub async fn answer(router: Router, request: Request<Body>) -> Answer {
    let response = router.oneshot(request).await.unwrap();
    let (parts, body) = response.into_parts();
    let bytes = body.collect().await.unwrap().to_bytes();
    let body = serde_json::from_slice(&bytes).unwrap_or_else(|_| String::from_utf8_lossy(&bytes).into_owned().into());
    Answer { status: parts.status, headers: parts.headers, body }
}

pub fn facts(host: &str) -> NodeFacts {
    NodeFacts {
        host: host.to_owned(),
        os: "Debian GNU/Linux 12".to_owned(),
        kernel: "6.1".to_owned(),
        arch: "x86_64".to_owned(),
        cpus: 2,
        memory: 1 << 30,
        agent_version: "0.1.0".to_owned(),
        root: false,
        enforces: Vec::new(),
        policy: "owned by root".to_owned(),
        tools: Vec::new(),
    }
}

/// Every action of the vocabulary, to see that what is generated is complete.
pub fn actions() -> Vec<&'static str> {
    Action::all_specs().map(|spec| spec.name).collect()
}

/// The panel's things of a test.
pub struct Panel {
    pub ctrl: String,
    pub alt: String,
    pub server: String,
    pub second_port: String,
}

/// A rule about all servers of a team.
pub fn rule(name: &str) -> Value {
    let settings = json!({ "metric": "memory", "comparison": "above", "threshold": { "percent": 90 }, "forSecs": 60 });
    json!({ "name": name, "settings": settings })
}

/// A template whose servers are processes.
pub fn template(name: &str) -> Value {
    json!({
        "alt": 1,
        "name": name,
        "slug": name.to_lowercase(),
        "runtime": "process",
        "startups": [{
            "label": "Default",
            "run": { "kind": "argv", "argv": ["sh", "server.sh", "{{MOTD}}", "{{SERVER_PORT}}"] },
        }],
        "variables": [
            { "name": "Message", "env": "MOTD", "default": "hello", "viewable": true, "editable": true,
              "rules": ["required", "string", "max:20"] },
            { "name": "Players", "env": "MAX_PLAYERS", "default": "10", "viewable": true, "editable": true,
              "rules": ["required", "integer", "between:1,100"] },
        ],
        "install": { "entrypoint": "sh", "script": "echo installed > marker\n" },
        "ready": { "lines": [{ "kind": "text", "text": "ready" }], "within": 60000 },
        "stop": { "kind": "command", "line": "stop", "grace": 10000 },
    })
}
