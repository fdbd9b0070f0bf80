//! Repositories behind real servers: `git http-backend` behind TLS, and OpenSSH's sshd.

use std::collections::HashMap;
use std::io::{BufRead, BufReader, Read};
use std::net::{Ipv4Addr, SocketAddr};
use std::os::fd::OwnedFd;
use std::os::unix::fs::PermissionsExt;

use base64::Engine;
use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use rustls::pki_types::{CertificateDer, PrivatePkcs8KeyDer};
use sf_runtime::{OnError, Tasks};
use sf_types::Fault;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;

use super::*;

/// Largest request of git's that the server below reads, in bytes.
const REQUEST_BYTES: u64 = 1 << 20;

/// A server that ends with the test.
struct Host {
    port: u16,
    tasks: Tasks,
}

impl Host {
    async fn start<F>(serve: impl Fn(TcpStream) -> F + Send + 'static) -> Self
    where
        F: Future<Output = std::io::Result<()>> + Send + 'static,
    {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let (port, tasks) = (listener.local_addr().unwrap().port(), Tasks::new());
        let connections = tasks.clone();
        tasks.spawn("host", OnError::Log, async move {
            loop {
                let (stream, _): (_, SocketAddr) = listener.accept().await?;
                connections.spawn("host.connection", OnError::Log, serve(stream));
            }
            #[expect(unreachable_code, reason = "tells the type of the error")]
            Ok::<(), std::io::Error>(())
        });
        Self { port, tasks }
    }

    async fn stop(self) {
        self.tasks.stop(Duration::ZERO).await;
    }
}

/// A world whose repository lies behind a host that may be private.
fn world() -> (World, String) {
    let mut world = World::new(FetchLimits::default());
    world.policy = Policy::parse("allow_private_hosts = [\"localhost\"]").unwrap();
    let commit = world.commit(&[("server.js", "one"), ("lib/x.js", "x")], "first");
    (world, commit)
}

fn there(program: &str, package: &str) -> bool {
    let there = Path::new(program).is_file();
    if !there {
        eprintln!("SKIPPED: {program} is missing; install the Debian package {package} (scripts/test-deps.sh)");
    }
    there
}

async fn refusal(world: &World, source: &GitSource) -> Fault {
    world.resolve(source).await.expect_err("refused").into()
}

/// The certificate of `localhost`, and the authority that vouches for it.
fn certified() -> (TlsAcceptor, String) {
    let (authority, key) = (KeyPair::generate().unwrap(), KeyPair::generate().unwrap());
    let mut ca = CertificateParams::new(Vec::new()).unwrap();
    ca.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let pem = ca.self_signed(&authority).unwrap().pem();
    let leaf = CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
    let leaf = leaf.signed_by(&key, &Issuer::new(ca, authority)).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let tls = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![CertificateDer::from(leaf)], PrivatePkcs8KeyDer::from(key.serialize_der()).into())
        .unwrap();
    (TlsAcceptor::from(Arc::new(tls)), pem)
}

/// One request: `/open/...` and, with a password, `/closed/...` are the repositories below `root`; `/moved` leads away.
async fn answer(acceptor: TlsAcceptor, root: PathBuf, stream: TcpStream) -> std::io::Result<()> {
    let mut stream = acceptor.accept(stream).await?;
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await?);
    }
    let head = String::from_utf8(head).map_err(std::io::Error::other)?;
    let mut lines = head.lines();
    let mut words = lines.next().unwrap_or_default().split(' ');
    let (method, target) = (words.next().unwrap_or_default().to_owned(), words.next().unwrap_or_default().to_owned());
    let headers: HashMap<String, String> = lines
        .filter_map(|line| line.split_once(": "))
        .map(|(name, value)| (name.to_ascii_lowercase(), value.to_owned()))
        .collect();
    let length = headers.get("content-length").and_then(|length| length.parse().ok()).unwrap_or(0_u64);
    let mut body = Vec::new();
    (&mut stream).take(length.min(REQUEST_BYTES)).read_to_end(&mut body).await?;
    let expected = format!("Basic {}", base64::engine::general_purpose::STANDARD.encode("me:hunter2"));
    let signed_in = headers.get("authorization") == Some(&expected);
    let answer = match target.strip_prefix("/open").or(target.strip_prefix("/closed").filter(|_| signed_in)) {
        Some(rest) => {
            let (path, query) = rest.split_once('?').unwrap_or((rest, ""));
            let env = [
                ("GIT_PROJECT_ROOT", root.display().to_string()),
                ("GIT_HTTP_EXPORT_ALL", "1".to_owned()),
                ("PATH_INFO", path.to_owned()),
                ("QUERY_STRING", query.to_owned()),
                ("REQUEST_METHOD", method),
                ("CONTENT_TYPE", headers.get("content-type").cloned().unwrap_or_default()),
                ("HTTP_CONTENT_ENCODING", headers.get("content-encoding").cloned().unwrap_or_default()),
                ("CONTENT_LENGTH", body.len().to_string()),
                ("GIT_PROTOCOL", headers.get("git-protocol").cloned().unwrap_or_default()),
                ("GIT_CONFIG_GLOBAL", "/dev/null".to_owned()),
                ("REMOTE_ADDR", Ipv4Addr::LOCALHOST.to_string()),
            ];
            tokio::task::spawn_blocking(move || backend(&env, &body)).await?
        }
        None if target.starts_with("/moved") => {
            b"HTTP/1.1 302 Found\r\nLocation: https://localhost/elsewhere\r\n".to_vec()
        }
        None => b"HTTP/1.1 401 Unauthorized\r\nWWW-Authenticate: Basic realm=\"git\"\r\n".to_vec(),
    };
    let rest: &[u8] =
        if answer.starts_with(b"HTTP/1.1 200") { b"" } else { b"Content-Length: 0\r\nConnection: close\r\n\r\n" };
    stream.write_all(&[&answer, rest].concat()).await?;
    stream.shutdown().await
}

/// One call of the CGI program; its answer as HTTP.
fn backend(env: &[(&str, String)], body: &[u8]) -> Vec<u8> {
    let mut command = Command::new("/usr/lib/git-core/git-http-backend");
    command.envs(env.iter().map(|(name, value)| (name, value))).stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut child = command.spawn().unwrap();
    child.stdin.take().unwrap().write_all(body).unwrap();
    let mut out = BufReader::new(child.stdout.take().unwrap());
    let (mut status, mut head) = ("200 OK".to_owned(), String::new());
    loop {
        let mut line = String::new();
        out.read_line(&mut line).unwrap();
        match line.trim_end().strip_prefix("Status: ") {
            Some(said) => said.clone_into(&mut status),
            None if line.trim_end().is_empty() => break,
            None => head.push_str(&line),
        }
    }
    let mut content = Vec::new();
    out.read_to_end(&mut content).unwrap();
    child.wait().unwrap();
    match status.as_str() {
        "200 OK" => {
            let length = content.len();
            let head = format!("HTTP/1.1 200 OK\r\n{head}Content-Length: {length}\r\nConnection: close\r\n\r\n");
            [head.into_bytes(), content].concat()
        }
        other => format!("HTTP/1.1 {other}\r\n").into_bytes(),
    }
}

#[tokio::test]
async fn a_repository_is_fetched_over_https_from_a_host_whose_authority_the_node_knows() {
    if !there("/usr/lib/git-core/git-http-backend", "git") {
        return;
    }
    let (world, commit) = world();
    let (acceptor, authority) = certified();
    let root = world.dir.path().join("git");
    let host = Host::start(move |stream| answer(acceptor.clone(), root.clone(), stream)).await;
    let at = |path: &str| GitSource {
        url: format!("https://localhost:{}/{path}", host.port),
        reference: Some("main".to_owned()),
        commit: None,
    };
    // Nobody vouches for it yet.
    let unknown = refusal(&world, &at("open/app/.git")).await;
    assert!(unknown.message.to_ascii_lowercase().contains("certificate"), "{unknown}");
    let state = |name: &str| world.dir.path().join("state").join(name);
    std::fs::write(state("authorities.pem"), authority).unwrap();
    let checkout = world.fetch(&at("open/app/.git")).await.unwrap();
    assert_eq!((checkout.revision.commit, checkout.files), (commit.clone(), 2));
    // A commit alone, a second time, out of the cache.
    tree::remove(&world.dest()).unwrap();
    std::fs::create_dir(world.dest()).unwrap();
    let exact = GitSource { commit: Some(commit.clone()), ..at("open/app/.git") };
    assert_eq!(world.fetch(&exact).await.unwrap().revision.subject, "first");
    // What needs a password, without one, with a wrong one, with the right one.
    assert_eq!(refusal(&world, &at("closed/app/.git")).await.code, "source.denied");
    for (password, opens) in [("wrong", false), ("hunter2", true)] {
        let line = format!("https://me:hunter2@localhost\nhttps://me:{password}@localhost:{}\n", host.port);
        std::fs::write(state("credentials"), line).unwrap();
        std::fs::set_permissions(state("credentials"), std::fs::Permissions::from_mode(0o600)).unwrap();
        match world.resolve(&at("closed/app/.git")).await {
            Ok(revision) => assert!(opens && revision.commit == commit),
            Err(error) => assert!(!opens && !error.to_string().contains("wrong"), "{error}"),
        }
    }
    assert_eq!(refusal(&world, &at("open/nothing")).await.code, "source.denied");
    assert_eq!(refusal(&world, &at("moved/app")).await.code, "source.redirected");
    host.stop().await;
}

fn ssh_keygen(file: &Path) {
    let made = Command::new("ssh-keygen").args(["-q", "-t", "ed25519", "-N", "", "-f"]).arg(file).status().unwrap();
    assert!(made.success());
}

/// A folder with a server's keys and settings; it lets this user in with the node's key.
fn ssh_server(world: &World, name: &str) -> PathBuf {
    let dir = world.dir.path().join(name);
    std::fs::create_dir(&dir).unwrap();
    ssh_keygen(&dir.join("host"));
    let settings = format!(
        "HostKey {dir}/host\nAuthorizedKeysFile {dir}/authorized\nStrictModes no\nUsePAM no\n\
         PasswordAuthentication no\nKbdInteractiveAuthentication no\nPidFile none\nPermitRootLogin prohibit-password\n",
        dir = dir.display()
    );
    std::fs::write(dir.join("settings"), settings).unwrap();
    std::fs::copy(world.dir.path().join("state/ssh_key.pub"), dir.join("authorized")).unwrap();
    dir
}

/// sshd for one connection, which is its standard input and output.
async fn sshd(dir: PathBuf, stream: TcpStream) -> std::io::Result<()> {
    let stream = stream.into_std()?;
    stream.set_nonblocking(false)?;
    let (input, output) = (OwnedFd::from(stream.try_clone()?), OwnedFd::from(stream));
    let log = std::fs::File::options().create(true).append(true).open(dir.join("log"))?;
    let mut command = tokio::process::Command::new("/usr/sbin/sshd");
    command.args(["-i", "-e", "-f"]).arg(dir.join("settings")).stdin(input).stdout(output).stderr(log);
    command.kill_on_drop(true).status().await.map(drop)
}

#[tokio::test]
async fn a_repository_is_fetched_over_ssh_from_a_host_whose_key_the_node_knows() {
    if !there("/usr/sbin/sshd", "openssh-server") || !there("/usr/bin/ssh", "openssh-client") {
        return;
    }
    if !nix::unistd::geteuid().is_root() {
        return eprintln!("SKIPPED: only root's sshd lets anybody in");
    }
    // Where sshd locks itself in; Debian makes it when the service starts.
    std::fs::create_dir_all("/run/sshd").unwrap();
    let (mut world, commit) = world();
    let state = |world: &World, name: &str| world.dir.path().join("state").join(name);
    ssh_keygen(&state(&world, "ssh_key"));
    let user = Command::new("id").arg("-un").output().unwrap();
    let user = String::from_utf8(user.stdout).unwrap().trim().to_owned();
    let first = ssh_server(&world, "first");
    let serving = first.clone();
    let host = Host::start(move |stream| sshd(serving.clone(), stream)).await;
    let path = world.repository();
    let at = |port: u16| GitSource {
        url: format!("ssh://{user}@localhost:{port}{}/.git", path.display()),
        reference: Some("main".to_owned()),
        commit: None,
    };
    let log = || std::fs::read_to_string(first.join("log")).unwrap_or_default();
    assert_eq!(refusal(&world, &at(host.port)).await.code, "source.host_key", "{}", log());
    // The owner wrote it down.
    let key = std::fs::read_to_string(first.join("host.pub")).unwrap();
    std::fs::write(state(&world, "known_hosts"), format!("localhost {key}")).unwrap();
    let checkout = world.fetch(&at(host.port)).await.unwrap_or_else(|error| panic!("{error}\n{}", log()));
    assert_eq!((checkout.revision.commit.as_str(), checkout.files), (commit.as_str(), 2));
    // Or lets the node believe what it sees first, and only that.
    std::fs::remove_file(state(&world, "known_hosts")).unwrap();
    world.policy.ssh_accept_new = true;
    assert_eq!(world.resolve(&at(host.port)).await.unwrap().commit, commit);
    let other = ssh_server(&world, "other");
    let forged = Host::start(move |stream| sshd(other.clone(), stream)).await;
    assert_eq!(refusal(&world, &at(forged.port)).await.code, "source.host_key");
    // One that was given for this app alone, where the node's own opens nothing; it is nowhere afterwards.
    let given = state(&world, "given");
    ssh_keygen(&given);
    std::fs::copy(given.with_extension("pub"), first.join("authorized")).unwrap();
    assert_eq!(refusal(&world, &at(host.port)).await.code, "source.denied");
    let key = std::fs::read_to_string(&given).unwrap();
    let own = world.sources.clone();
    world.sources = own.opening_with(Some(sf_types::Secret::new(key.clone())));
    std::fs::remove_dir_all(world.dest()).unwrap();
    std::fs::create_dir(world.dest()).unwrap();
    let checkout = world.fetch(&at(host.port)).await.unwrap_or_else(|error| panic!("{error}\n{}", log()));
    assert_eq!(checkout.revision.commit, commit);
    let cache = world.dir.path().join("cache");
    let kept = Command::new("grep").args(["-rlF", "--", key.lines().nth(2).unwrap()]).arg(cache).output().unwrap();
    assert_eq!(String::from_utf8_lossy(&kept.stdout), "", "the key is on disk no longer than it is needed");
    world.sources = own;
    // A key that the server does not know.
    std::fs::write(first.join("authorized"), "").unwrap();
    assert_eq!(refusal(&world, &at(host.port)).await.code, "source.denied");
    forged.stop().await;
    host.stop().await;
}
