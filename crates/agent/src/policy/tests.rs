use std::os::unix::fs::PermissionsExt;

use sf_protocol::app::{Limits, RestartRule, Traffic, TrafficMode};
use sf_protocol::build::BuildSettings;
use sf_protocol::order::Deploy;
use sf_types::{AppId, Millis, Port, ReleaseId, Timestamp, TypedId};

use super::*;

fn deploy(url: &str, port: Option<u16>, public: bool) -> Order {
    let at = Timestamp::from_millis(1);
    Order::Deploy(Box::new(Deploy {
        app: AppSpec {
            app: AppId::from_parts(at, [1; 10]),
            slug: "shop".parse().unwrap(),
            generation: 1,
            traffic: Traffic { mode: TrafficMode::Http, port: port.map(|port| Port::try_from(port).unwrap()), public },
            build: BuildSettings::default(),
            env: Vec::new(),
            secrets: Vec::new(),
            health: None,
            restart: RestartRule::default(),
            limits: Limits::default(),
            keep_releases: 3,
        },
        release: ReleaseId::from_parts(at, [2; 10]),
        from: DeploySource::Git(GitSource { url: url.to_owned(), reference: None, commit: None }),
        time_limit: Millis::secs(60),
        watch: Millis::secs(10),
        full: false,
        key: None,
    }))
}

#[test]
fn a_denial_wins_and_names_its_rule() {
    let host = "https://git.example/team/shop.git";
    for (text, order, rule) in [
        ("deny.kinds = [\"DEPLOY\"]", deploy(host, None, false), Some("deny.kinds")),
        ("deny.repositories = [\"https://git.example/*\"]", deploy(host, None, false), Some("deny.repositories")),
        (
            "deny.repositories = [\"https://git.example/team/shop\"]",
            deploy(host, None, false),
            Some("deny.repositories"),
        ),
        ("deny.repositories = [\"*\"]", deploy(host, None, false), Some("deny.repositories")),
        ("deny.repositories = [\"https://git.example/other/*\"]", deploy(host, None, false), None),
        ("deny.domains = [\"*.example\"]", deploy("GIT@Git.Example:a", None, false), Some("deny.domains")),
        ("deny.directories = [\"/srv/git\"]", deploy("file:///srv/git/a", None, false), Some("deny.directories")),
        ("deny.directories = [\"/srv/git\"]", deploy("file:///srv/gitty", None, false), None),
        ("deny.ports = [22, \"1-1023\"]", deploy(host, Some(443), false), Some("deny.ports")),
        ("deny.ports = [22, \"1-1023\"]", deploy(host, Some(1024), false), None),
        ("deny.public = true", deploy(host, None, true), Some("deny.public")),
        ("", deploy(host, Some(443), true), None),
    ] {
        let policy = Policy::parse(text).unwrap();
        match (decide(&policy, &order), rule) {
            (Ok(()), None) => {}
            (Err(fault), Some(rule)) => assert!(fault.message.contains(rule), "{text}: {fault}"),
            (decision, rule) => panic!("{text}: {decision:?}, expected {rule:?}"),
        }
    }
}

fn start(ip: &str, port: u16, verb: ServerVerb) -> Order {
    use sf_protocol::server::{Allocation, Ready, ServerAction, ServerRuntime, Startup, Stop};
    let spec = ServerSpec {
        server: sf_types::ServerId::from_parts(Timestamp::from_millis(1), [3; 10]),
        slug: "craft".parse().unwrap(),
        generation: 1,
        runtime: ServerRuntime::Process,
        startup: Startup::Argv { argv: vec!["./server".to_owned()] },
        env: Vec::new(),
        secrets: Vec::new(),
        edits: Vec::new(),
        ready: Ready { lines: Vec::new(), strip_ansi: false, within: Millis::secs(1) },
        stop: Stop::Command { line: "stop".to_owned(), grace: Millis::secs(1) },
        restart: RestartRule::default(),
        limits: Default::default(),
        allocations: vec![Allocation { ip: ip.parse().unwrap(), port }],
        denied: Vec::new(),
        suspended: false,
    };
    Order::ServerAction(Box::new(ServerAction { spec, verb, time_limit: Millis::secs(1) }))
}

#[test]
fn servers_are_bounded_by_the_owner_and_what_is_there_can_be_ended() {
    for (text, order, rule) in [
        ("", start("0.0.0.0", 25565, ServerVerb::Start), None),
        ("servers.enabled = false", start("0.0.0.0", 25565, ServerVerb::Start), Some("servers.enabled")),
        ("servers.enabled = false", start("0.0.0.0", 25565, ServerVerb::Stop), None),
        ("servers.enabled = false", start("0.0.0.0", 25565, ServerVerb::Kill), None),
        ("servers.enabled = false", start("0.0.0.0", 25565, ServerVerb::Delete), None),
        ("servers.ports = [\"20000-30000\"]", start("0.0.0.0", 25565, ServerVerb::Start), None),
        ("servers.ports = [\"20000-30000\", 7]", start("0.0.0.0", 80, ServerVerb::Restart), Some("servers.ports")),
        ("deny.ports = [25565]", start("0.0.0.0", 25565, ServerVerb::Start), Some("deny.ports")),
        ("deny.public = true", start("0.0.0.0", 25565, ServerVerb::Start), Some("deny.public")),
        ("deny.public = true", start("127.0.0.1", 25565, ServerVerb::Start), None),
        ("deny.kinds = [\"SERVER_ACTION\"]", start("127.0.0.1", 1, ServerVerb::Stop), Some("deny.kinds")),
    ] {
        let policy = Policy::parse(text).unwrap();
        match (decide(&policy, &order), rule) {
            (Ok(()), None) => {}
            (Err(fault), Some(rule)) => assert!(fault.message.contains(rule), "{text}: {fault}"),
            (decision, rule) => panic!("{text}: {decision:?}, expected {rule:?}"),
        }
    }
}

#[test]
fn who_lets_nobody_change_files_of_servers_lets_nobody_read_them() {
    use sf_protocol::handshake::Nonce;
    use sf_protocol::server::{FileAction, FileLook, FileVerb, ServerFilesWanted, Transfer, TransferWanted};
    let server = sf_types::ServerId::from_parts(Timestamp::from_millis(1), [3; 10]);
    let verb = FileVerb::Delete { paths: vec!["a".to_owned()] };
    let change = Order::FileAction(Box::new(FileAction { server, verb, time_limit: Millis::secs(1) }));
    let look = Order::Query(Query::ServerFiles(Box::new(ServerFilesWanted { server, look: FileLook::Usage })));
    let (ticket, transfer) = (Nonce::from_bytes([1; 32]), Transfer::Folder { path: String::new() });
    let moves = Order::Query(Query::Transfer(Box::new(TransferWanted { server, ticket, transfer })));
    for (text, changes, looks) in [
        ("", true, true),
        ("deny.kinds = [\"FILE_ACTION\"]", false, false),
        ("deny.kinds = [\"SERVER_ACTION\"]", false, false),
        ("deny.kinds = [\"PATCH\"]", true, true),
        ("servers.enabled = false", false, true),
    ] {
        let policy = Policy::parse(text).unwrap();
        let decided = (decide(&policy, &change).is_ok(), decide(&policy, &look).is_ok());
        assert_eq!(decided, (changes, looks), "{text}");
        assert_eq!(decide(&policy, &moves).is_ok(), looks, "{text}");
    }
}

#[test]
fn an_address_git_would_interpret_is_refused_by_every_policy() {
    for url in ["ext::sh -c id", "--upload-pack=x", "http://host/a"] {
        assert_eq!(decide(&Policy::default(), &deploy(url, None, false)).unwrap_err().code, "source.url");
    }
}

#[test]
fn keys_and_values_that_are_not_understood_are_refused() {
    for text in [
        "dangerous = true",
        "danger = \"yes\"",
        "[deny]\nkind = [\"DEPLOY\"]",
        "[deny]\nkinds = [\"deploy\"]",
        "[deny]\nports = [0, 70000]",
        "[deny]\nports = [\"9-1\"]",
        "[deny]\nrepositories = [\"\"]",
        "allow_file_below = [\"srv\"]",
        "[build]\nmemory = 1",
        "not toml",
    ] {
        assert_eq!(Policy::parse(text).expect_err(text).code, "policy.invalid");
    }
    let documented = "danger = false\nallow_file_below = [\"/srv/git\"]\nallow_private_hosts = [\"git.lan\"]\n\
                      ssh_accept_new = false\n[build]\nmemory_mb = 10\nprocesses = 5";
    assert_eq!(Policy::parse(documented).unwrap().build.memory(), ByteSize::mib(10));
}

#[test]
fn a_file_that_others_may_write_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("policy.toml");
    assert_eq!(Policy::load(&path).unwrap(), Loaded::default());
    std::fs::write(&path, "danger = true").unwrap();
    let set = |mode| std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
    set(0o644);
    assert!(Policy::load(&path).unwrap().policy.danger);
    set(0o664);
    assert_eq!(Policy::load(&path).unwrap_err().code, "policy.unsafe_file");
    assert_eq!(owner_of(0, 0o644, 1000), Ok(Owner::Root));
    assert_eq!(owner_of(1000, 0o644, 1000), Ok(Owner::Agent));
    assert!(owner_of(1001, 0o644, 1000).is_err());
}

#[test]
fn the_reference_page_is_a_policy() {
    let page = include_str!("../../../../docs/reference/node-policy.md");
    let written = page.split("```toml\n").nth(1).unwrap().split("\n```").next().unwrap();
    let policy = Policy::parse(written).unwrap();
    assert_eq!(policy.services.len(), 2);
    let defaults = Policy::default();
    assert_eq!(
        (policy.danger, policy.proxy.nginx, policy.build.memory_mb),
        (false, defaults.proxy.nginx, defaults.build.memory_mb)
    );
}

#[test]
fn a_service_that_cannot_be_understood_is_named() {
    let fault = Policy::parse("danger = true\n[services.db]\nunit = \"a b\"\n").unwrap_err();
    assert!(fault.code == "policy.invalid" && fault.message.contains("services.db"), "{fault:?}");
}
