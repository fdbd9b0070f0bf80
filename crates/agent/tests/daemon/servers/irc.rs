//! A real community server of Debian's: `ngircd`, joined over its own protocol.

use std::path::Path;

use sf_protocol::server::Allocation;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;

use super::super::authority::free_port;
use super::*;

const PROGRAM: &str = "/usr/sbin/ngircd";

/// Says it does not run here; in CI that is a failure.
fn is_there() -> bool {
    let there = Path::new(PROGRAM).exists();
    if !there {
        assert!(sf_runtime::env::var("CI").is_none(), "ngircd is not installed");
        eprintln!("SKIPPED: ngircd is not installed: `apt-get install ngircd`");
    }
    there
}

struct Guest(BufReader<TcpStream>);

impl Guest {
    async fn joins(port: u16, nick: &str) -> Self {
        let mut guest = Self(BufReader::new(TcpStream::connect(("127.0.0.1", port)).await.unwrap()));
        guest.says(&format!("NICK {nick}\r\nUSER {nick} 0 * :{nick}\r\n")).await;
        guest.hears(" 001 ").await;
        guest.says("JOIN #sf\r\n").await;
        guest.hears(" 366 ").await;
        guest
    }

    async fn says(&mut self, text: &str) {
        self.0.get_mut().write_all(text.as_bytes()).await.unwrap();
    }

    /// Waits for a line with `part`; `None` when the server has gone before.
    async fn hears(&mut self, part: &str) -> Option<String> {
        let listen = async {
            loop {
                let mut line = String::new();
                if self.0.read_line(&mut line).await.unwrap_or(0) == 0 {
                    return None;
                }
                if let Some(token) = line.strip_prefix("PING ") {
                    let pong = format!("PONG {token}");
                    self.0.get_mut().write_all(pong.as_bytes()).await.unwrap();
                }
                if line.contains(part) {
                    return Some(line);
                }
            }
        };
        tokio::time::timeout(LIMIT, listen).await.unwrap()
    }
}

#[tokio::test]
async fn an_irc_server_is_installed_joined_crashed_and_stopped() {
    if !is_there() {
        return;
    }
    let mut bench = Bench::new().await;
    let port = free_port();
    bench.spec.slug = "chat".parse().unwrap();
    bench.spec.allocations = vec![Allocation { ip: [127, 0, 0, 1].into(), port }];
    bench.spec.env.push(EnvVar { name: "SERVER_PORT".to_owned(), value: port.to_string() });
    bench.spec.startup = Startup::Argv { argv: [PROGRAM, "-n", "-f", "ngircd.conf"].map(str::to_owned).to_vec() };
    bench.spec.ready.lines = vec![Match::Regex { pattern: r"Now listening on .*:\d+".to_owned() }];
    bench.spec.stop = Stop::Signal { signal: "SIGINT".to_owned(), grace: Millis::secs(10) };
    bench.spec.restart.first_delay = Millis(50);
    let script = InstallScript {
        image: None,
        entrypoint: "bash".to_owned(),
        script: "cat > ngircd.conf <<END\n[Global]\nName = irc.example.org\nInfo = A test\nListen = 127.0.0.1\n\
                 Ports = $SERVER_PORT\n[Options]\nIdent = no\nPAM = no\nDNS = no\nEND\n"
            .to_owned(),
    };
    bench.succeeds(ServerVerb::Install { script: Some(script), wipe: false }).await;
    bench.watch().await;
    let started = bench.succeeds(ServerVerb::Start).await;
    assert_eq!(started.state, ServerState::Running, "{started:?}");

    let (mut ada, mut bob) = (Guest::joins(port, "ada").await, Guest::joins(port, "bob").await);
    ada.says("PRIVMSG #sf :hello from ada\r\n").await;
    assert!(bob.hears("hello from ada").await.unwrap().starts_with(":ada!"));
    bench.line("ada", 1).await;

    // The agent goes and comes; nobody is put out.
    bench.world.kill().await;
    bob.says("PRIVMSG #sf :still here\r\n").await;
    assert!(ada.hears("still here").await.is_some());
    bench.again().await;
    assert_eq!(bench.report().await.state, ServerState::Running);

    // It crashes, comes back, and is joined again.
    nix::sys::signal::kill(nix::unistd::Pid::from_raw(bench.pid()), nix::sys::signal::Signal::SIGSEGV).unwrap();
    assert!(ada.hears("never").await.is_none());
    bench.until(|report| report.state == ServerState::Running && report.restarts == 1).await;
    drop(Guest::joins(port, "cyd").await);
    let stopped = bench.succeeds(ServerVerb::Stop).await;
    assert!(stopped.stopped_by.unwrap().starts_with("SIGINT after"));
    assert!(TcpStream::connect(("127.0.0.1", port)).await.is_err());
}
