//! Deploys under load: `wrk` asks through nginx and relay, and nothing it asks for fails.

use std::process::Stdio;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use sf_protocol::Verdict;
use sf_types::Millis;
use tokio::process::{Child, Command};

use super::super::server;
use super::{Domains, without_tls};

/// An upper bound; it is told to end before.
const LONGEST: &str = "55s";

/// A `wrk` at work.
struct Load(Child);

impl Load {
    fn begin(domains: &Domains) -> Self {
        let url = format!("http://127.0.0.1:{}/", domains.http);
        let child = Command::new("wrk")
            .args(["-t", "1", "-c", "8", "-d", LONGEST, "-H", "Host: shop.example.test", &url])
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn();
        Self(child.expect("wrk (Debian package `wrk`)"))
    }

    async fn end(self) -> String {
        kill(Pid::from_raw(self.0.id().unwrap().cast_signed()), Signal::SIGINT).unwrap();
        String::from_utf8(self.0.wait_with_output().await.unwrap().stdout).unwrap()
    }
}

#[tokio::test]
async fn nobody_who_asks_notices_deploys_that_go_well_or_badly() {
    let mut domains = Domains::running(false).await;
    let site = without_tls(domains.site("shop.example.test"));
    domains.served(&domains.provision(&site).await);
    let load = Load::begin(&domains);
    for (text, health, life, expected) in [
        ("two", 200, None, Verdict::Succeeded),
        ("ill", 500, None, Verdict::Failed),
        ("three", 200, None, Verdict::Succeeded),
        ("short", 200, Some(700), Verdict::RolledBack),
        ("four", 200, None, Verdict::Succeeded),
    ] {
        domains.world.commit_server(&server(text, health, life)).await;
        let sf_protocol::order::Order::Deploy(mut order) = domains.world.deploy_order(None, Millis::secs(2)) else {
            unreachable!()
        };
        order.time_limit = Millis::secs(if expected == Verdict::Failed { 3 } else { 60 });
        let outcome = domains.world.plane.run(sf_protocol::order::Order::Deploy(order)).await;
        assert_eq!(outcome.verdict, expected, "{text}: {:?}\n{}", outcome.fault, domains.world.log());
    }
    let said = load.end().await;
    assert!(!said.contains("Socket errors") && !said.contains("Non-2xx"), "{said}");
    let requests =
        said.split_once(" requests in").and_then(|(head, _)| head.split_whitespace().last()?.parse::<u64>().ok());
    assert!(requests.is_some_and(|count| count > 1000), "{said}");
    assert!(domains.plain("shop.example.test", "/").await.ends_with("four"));
}
