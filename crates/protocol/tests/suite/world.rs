//! Fixed keys, ids and one good value of everything.

use sf_protocol::accept::{self, Accept, BodyHash, Refusal};
use sf_protocol::app::{AppSpec, AppState, HealthCheck, Limits, Probe, RestartRule, Traffic, TrafficMode};
use sf_protocol::build::BuildSettings;
use sf_protocol::order::{
    AppAction, AppVerb, Cancel, DeleteProxy, Deploy, DeploySource, DesiredState, GitSource, ProvisionDomain,
    ServiceAction, ServiceVerb, Void,
};
use sf_protocol::outcome::Facts;
use sf_protocol::patch::{Edit, FileChange, Patch, PatchSignal, TakesEffect};
use sf_protocol::query::Query;
use sf_protocol::report::NodeFacts;
use sf_protocol::schedule::{
    CatchUp, ChainStep, Overlap, ScheduleOrder, ScheduleSettings, ScheduleSpec, StepDoes, StepPower, Whose,
};
use sf_protocol::server::{
    Allocation, FileAction, FileContent, FileVerb, Ready, ServerAction, ServerLimits, ServerRuntime, ServerSpec,
    ServerVerb, Startup, Stop,
};
use sf_protocol::site::{SiteSettings, SiteSpec};
use sf_protocol::{
    Authz, Class, Command, Delegation, Guard, Kind, Order, Outcome, PublicKey, SecretKey, Signed, Verdict,
};
use sf_types::{
    AppId, CommandId, FileState, InstanceId, Millis, NodeId, ProxyId, ReleaseId, RequestId, RunId, ScheduleId,
    ServerId, TenantId, Timestamp, TypedId,
};

/// 2026-11-21, about 06:27.
pub const NOW: Timestamp = Timestamp::from_millis(1_795_242_461_000);
pub const EPOCH: u64 = 3;
pub const HOUR_MS: i64 = 3_600_000;

pub fn at(offset_ms: i64) -> Timestamp {
    Timestamp::from_millis(NOW.as_millis() + offset_ms)
}

pub fn id<T: TypedId>(n: u8) -> T {
    T::from_parts(NOW, [n; 10])
}

pub fn root() -> SecretKey {
    SecretKey::from_seed(&[1; 32])
}

pub fn online() -> SecretKey {
    SecretKey::from_seed(&[2; 32])
}

pub fn node_key() -> SecretKey {
    SecretKey::from_seed(&[3; 32])
}

pub fn stranger() -> SecretKey {
    SecretKey::from_seed(&[4; 32])
}

pub fn delegation_of(key: PublicKey, epoch: u64, classes: &[Class]) -> Delegation {
    Delegation {
        key,
        instance: id::<InstanceId>(1),
        classes: classes.to_vec(),
        epoch,
        not_before: at(-24 * HOUR_MS),
        not_after: at(24 * HOUR_MS),
    }
}

pub fn delegation() -> Delegation {
    delegation_of(online().public(), EPOCH, &[Class::Read, Class::Operate, Class::Danger])
}

pub fn certified(delegation: &Delegation) -> Signed {
    Signed::seal(Kind::Delegation, delegation, &root())
}

pub fn server_spec() -> ServerSpec {
    ServerSpec {
        server: id::<ServerId>(15),
        slug: "lobby".parse().unwrap(),
        generation: 3,
        runtime: ServerRuntime::Process,
        startup: Startup::Argv { argv: vec!["/usr/bin/python3".into(), "server.py".into()] },
        env: vec![],
        secrets: vec![],
        edits: vec![],
        ready: Ready { lines: vec![], strip_ansi: true, within: Millis::secs(60) },
        stop: Stop::Command { line: "stop".into(), grace: Millis::secs(20) },
        restart: RestartRule::default(),
        limits: ServerLimits { cpu_percent: Some(150), ..ServerLimits::default() },
        allocations: vec![Allocation { ip: [127, 0, 0, 1].into(), port: 25_565 }],
        denied: vec!["*.jar".into()],
        suspended: false,
    }
}

pub fn app_spec() -> AppSpec {
    AppSpec {
        app: id::<AppId>(10),
        slug: "shop-api".parse().unwrap(),
        generation: 7,
        traffic: Traffic { mode: TrafficMode::Http, port: Some(8080.try_into().unwrap()), public: true },
        build: BuildSettings { start: Some(vec!["node".into(), "server.js".into()]), ..BuildSettings::default() },
        env: vec![],
        secrets: vec![],
        health: Some(HealthCheck::new(Probe::Http { path: "/healthz".into() })),
        restart: RestartRule::default(),
        limits: Limits::default(),
        keep_releases: 3,
    }
}

pub fn site() -> SiteSpec {
    SiteSpec {
        proxy: id::<ProxyId>(14),
        app: id::<AppId>(10),
        generation: 3,
        domain: "shop.example.org".parse().unwrap(),
        settings: SiteSettings::default(),
    }
}

pub fn schedule() -> ScheduleSpec {
    ScheduleSpec {
        schedule: id::<ScheduleId>(15),
        whose: Whose::App(id::<AppId>(10)),
        name: "nightly".parse().unwrap(),
        generation: 2,
        settings: ScheduleSettings {
            cron: "30 2 * * *".into(),
            timezone: "Europe/Berlin".into(),
            command: vec!["node".into(), "tidy.js".into()],
            steps: Vec::new(),
            only_when_online: false,
            time_limit: Millis::secs(300),
            overlap: Overlap::Queue,
            missed: CatchUp::Once,
            enabled: true,
        },
    }
}

/// A chain of a panel server.
pub fn chain() -> ScheduleSpec {
    let step = |delay, does| ChainStep { delay, continue_on_failure: false, does };
    ScheduleSpec {
        schedule: id::<ScheduleId>(16),
        whose: Whose::Server(id::<ServerId>(15)),
        name: "restart".parse().unwrap(),
        generation: 1,
        settings: ScheduleSettings {
            command: vec![],
            steps: vec![
                step(Millis(0), StepDoes::Command("say restarting in a minute".into())),
                ChainStep { continue_on_failure: true, ..step(Millis::secs(60), StepDoes::Command("save-all".into())) },
                step(Millis::secs(5), StepDoes::Power(StepPower::Restart)),
            ],
            only_when_online: true,
            ..schedule().settings
        },
    }
}

/// One order of each kind.
pub fn orders() -> Vec<Order> {
    let source = GitSource { url: "https://git.example/shop.git".into(), reference: Some("main".into()), commit: None };
    vec![
        Order::Deploy(Box::new(Deploy {
            app: app_spec(),
            release: id::<ReleaseId>(11),
            from: DeploySource::Git(source.clone()),
            time_limit: Millis::secs(600),
            watch: Millis::secs(10),
            full: false,
            key: None,
        })),
        Order::AppAction(Box::new(AppAction {
            app: id::<AppId>(10),
            verb: AppVerb::Restart,
            generation: 8,
            secrets: vec![],
        })),
        Order::Query(Query::Inspect { source, build: BuildSettings::default() }),
        Order::Cancel(Cancel { command: id(12) }),
        Order::Void(Void { replaces: id(13) }),
        Order::DesiredState(DesiredState {
            apps: vec![],
            sites: vec![site()],
            schedules: vec![schedule(), chain()],
            servers: vec![],
        }),
        Order::ProvisionDomain(Box::new(ProvisionDomain { site: site(), time_limit: Millis::secs(60) })),
        Order::DeleteProxy(DeleteProxy { proxy: site().proxy, app: site().app }),
        Order::Patch(Box::new(Patch {
            app: id::<AppId>(10),
            generation: 9,
            release: id::<ReleaseId>(14),
            file: FileChange {
                path: "src/app.js".parse().unwrap(),
                before: FileState::Absent,
                edit: Edit::Write { from: 0, to: None, text: "a\n".into() },
            },
            effect: TakesEffect::Signal { signal: PatchSignal::Hup },
            accept_broken: false,
            time_limit: Millis::secs(60),
            watch: Millis::secs(10),
        })),
        Order::ServiceAction(ServiceAction {
            service: "postgres".parse().unwrap(),
            verb: ServiceVerb::Reload,
            time_limit: Millis::secs(60),
        }),
        Order::Schedule(Box::new(ScheduleOrder::Set { spec: schedule() })),
        Order::ServerAction(Box::new(ServerAction {
            spec: server_spec(),
            verb: ServerVerb::Command { line: "say hello".into() },
            time_limit: Millis::secs(10),
        })),
        Order::FileAction(Box::new(FileAction {
            server: id::<ServerId>(15),
            verb: FileVerb::Write {
                path: "config/server.properties".into(),
                content: FileContent::Text("motd=hello\n".into()),
                before: Some(FileState::Absent),
            },
            time_limit: Millis::secs(60),
        })),
    ]
}

/// A good command for the node at high water 41.
pub fn command(order: Order) -> Command {
    let class = order.class();
    Command {
        id: id::<CommandId>(20),
        node: id::<NodeId>(5),
        node_key: node_key().public().id(),
        epoch: EPOCH,
        sequence: if class == Class::Read { 0 } else { 42 },
        issued_at: at(-1_000),
        not_before: at(-1_000),
        expires_at: at(240_000),
        class,
        order,
        guard: Guard::default(),
        authz: Authz { tenant: id::<TenantId>(6), user: None, request: id::<RequestId>(7), run: Some(id::<RunId>(8)) },
    }
}

pub fn restart() -> Command {
    command(orders().swap_remove(1))
}

pub fn seal(command: &Command) -> Signed {
    Signed::seal(command.order.kind(), command, &online())
}

/// What a node at high water 41 with `known` in its journal makes of it.
pub fn obey_knowing(
    signed: &Signed,
    kind: Kind,
    known: Option<(CommandId, BodyHash)>,
    now: Timestamp,
) -> Result<Accept, Refusal> {
    let look = |id: CommandId| known.filter(|(seen, _)| *seen == id).map(|(_, hash)| hash);
    let state =
        accept::State { node: id(5), node_key: node_key().public().id(), epoch: EPOCH, high_water: 41, known: &look };
    accept::accept(&state, signed, kind, &delegation(), now)
}

pub fn obey(signed: &Signed, kind: Kind) -> Result<Accept, Refusal> {
    obey_knowing(signed, kind, None, NOW)
}

pub fn node_facts() -> NodeFacts {
    NodeFacts {
        host: "web-1".into(),
        os: "Debian GNU/Linux 12".into(),
        kernel: "6.1.0".into(),
        arch: "x86_64".into(),
        cpus: 2,
        memory: 4 << 30,
        agent_version: "0.1.0".into(),
        root: true,
        enforces: vec!["landlock 6".into()],
        policy: "root; operate".into(),
        tools: vec!["git 2.47.3".into()],
    }
}

pub fn outcome() -> Outcome {
    Outcome {
        command: id(20),
        node: id(5),
        verdict: Verdict::Succeeded,
        fault: None,
        facts: Facts::App(sf_protocol::outcome::AppFacts {
            state: AppState::Running,
            live_release: Some(id(11)),
            generation: 8,
            port: None,
            stopped_by: None,
        }),
        started_at: at(0),
        finished_at: at(900),
    }
}

/// Every way to change one byte of a text that leaves it a text: each byte xor 1, 2, 4, ... 64.
pub fn flips(text: &str) -> impl Iterator<Item = String> + '_ {
    (0..text.len()).flat_map(move |at| {
        (0..7).filter_map(move |bit| {
            let mut bytes = text.as_bytes().to_vec();
            bytes[at] ^= 1 << bit;
            String::from_utf8(bytes).ok()
        })
    })
}

/// The same message with its body changed and signed anew by `key`: what only the holder of that key can send.
pub fn reseal<T: serde::Serialize + serde::de::DeserializeOwned>(
    text: &str,
    key: &SecretKey,
    change: impl FnOnce(&mut T),
) -> String {
    let frame = sf_protocol::frame::Frame::parse(text).unwrap();
    let (kind, signed) = frame.signed().unwrap();
    let mut body: T = signed.open(kind, &key.public()).unwrap();
    change(&mut body);
    sf_protocol::frame::Frame::of_signed(kind, Signed::seal(kind, &body, key)).unwrap().write().unwrap()
}
