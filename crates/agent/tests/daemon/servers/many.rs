//! A thousand servers on one node.

use std::time::{Duration, Instant};

use super::*;

const SERVERS: usize = 1000;

#[tokio::test]
#[ignore = "takes minutes"]
async fn a_thousand_servers_are_adopted_in_time() {
    let mut bench = Bench { world: World::running().await, spec: spec() };
    bench.spec.startup = Startup::Argv { argv: ["sleep", "100000"].map(str::to_owned).to_vec() };
    bench.spec.ready.lines = Vec::new();
    let mut specs = Vec::new();
    for _ in 0..SERVERS {
        bench.spec.server = spec().server;
        bench.spec.generation = 1;
        bench.send(ServerVerb::Install { script: None, wipe: false });
        let started = bench.send(ServerVerb::Start);
        specs.push((bench.spec.clone(), started));
        // As many at once as a person would not ask for.
        if specs.len() % 20 == 0 {
            assert_eq!(bench.world.plane.outcome(started).await.verdict, Verdict::Succeeded);
        }
    }
    for (_, started) in &specs {
        assert_eq!(bench.world.plane.outcome(*started).await.verdict, Verdict::Succeeded);
    }
    bench.world.kill().await;
    // The agent says that it has started when it has found everything again.
    let since = Instant::now();
    bench.world.start(None).await;
    let adopted = since.elapsed();
    bench.world.plane.connected(1).await;
    let report = bench.report().await;
    let answered = since.elapsed();
    assert_eq!(report.state, ServerState::Running);
    let daemon = bench.world.daemon.as_ref().and_then(tokio::process::Child::id).unwrap();
    let rss = sf_agent::process::tree::rss(i32::try_from(daemon).unwrap()).unwrap();
    eprintln!("{SERVERS} servers adopted in {adopted:?}, the first answer after {answered:?}, {rss} bytes");
    for (spec, _) in specs {
        bench.spec = spec;
        bench.send(ServerVerb::Delete);
    }
    let order = bench.order(ServerVerb::Delete);
    assert_eq!(bench.world.plane.run(order).await.verdict, Verdict::Succeeded);
    let left = || std::fs::read_dir(bench.world.state().join("servers")).unwrap().count();
    let gone = async {
        while left() > 0 {
            // tidy: sleep because a thousand deletions are looked at and not each waited for
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    };
    assert!(tokio::time::timeout(LIMIT * 4, gone).await.is_ok(), "{} servers are left", left());
    assert!(adopted < Duration::from_secs(5), "{adopted:?}");
}
