//! Consoles: by number, with history, and pushed while somebody watches.

use std::time::Instant;

use sf_protocol::order::Void;
use sf_protocol::report::Stream;

use super::*;

#[tokio::test]
async fn a_console_is_read_back_by_number_over_restarts_and_resumed_without_a_gap() {
    let mut bench = Bench::installed().await;
    bench.succeeds(ServerVerb::Start).await;
    for number in 0..20 {
        bench.says(&format!("number {number}")).await;
    }
    bench.line("said number 19", 1).await;
    bench.succeeds(ServerVerb::Restart).await;
    bench.line("listening", 2).await;

    // Everything there is, page by page, is what is there.
    let latest = bench.page(None, 5, None).await;
    assert_eq!(latest.lines.last().unwrap().sequence, latest.newest);
    let (mut after, mut all) = (0, Vec::new());
    loop {
        let page = bench.page(Some(after), 7, None).await;
        let Some(last) = page.lines.last() else { break };
        assert!(page.lines.len() <= 7 && page.oldest == 1);
        after = last.sequence;
        all.extend(page.lines);
    }
    let numbers: Vec<u64> = all.iter().map(|line| line.sequence).collect();
    assert_eq!(numbers, (1..=after).collect::<Vec<_>>());
    let has = |text: &str, stream| all.iter().any(|line| line.text.contains(text) && line.stream == stream);
    assert!(has("setting up", Stream::Out) && has("said number 7", Stream::Tty) && has("Installed", Stream::Note));
    assert_eq!(all.iter().filter(|line| line.text.contains("listening now")).count(), 2);

    // What was pushed meanwhile is the same, without a gap and without a line twice.
    let pushed: Vec<_> = bench.world.plane.state(|state| {
        state
            .consoles
            .iter()
            .inspect(|output| assert_eq!(output.skipped, 0))
            .flat_map(|output| output.lines.clone())
            .collect()
    });
    assert!(pushed.windows(2).all(|pair| pair[0].sequence + 1 == pair[1].sequence));
    assert!(pushed.iter().all(|line| all.get(usize::try_from(line.sequence).unwrap() - 1) == Some(line)));
    // And once a second how it is.
    // The newest one may still be of its start.
    let running = |state: &mut super::super::plane::State| {
        let samples = state.consoles.iter().filter_map(|output| output.sample);
        samples.rev().find(|sample| sample.state == ServerState::Running)
    };
    assert_eq!(bench.world.plane.until("a sample", running).await.server, bench.spec.server);
    bench
        .world
        .plane
        .until("memory and uptime", |state| {
            let samples = state.consoles.iter().filter_map(|output| output.sample);
            samples.rev().find(|sample| sample.memory > 0 && sample.processes > 0 && sample.uptime_ms > 0)
        })
        .await;
    // The same among the samples of the node.
    bench.world.plane.ask(Query::Watch { time: Millis::secs(30) }).await;
    let server = bench.spec.server;
    let sampled = |state: &mut super::super::plane::State| {
        state.servers.get(&server).filter(|sample| sample.state == ServerState::Running && sample.disk > 0).copied()
    };
    assert_eq!(bench.world.plane.until("a sample of the node", sampled).await.net_received, None);
    let unknown = ConsoleWanted { server: spec().server, after: None, lines: 5, time: None };
    let refused = bench.world.plane.ask(Query::Console(unknown)).await;
    assert!(matches!(refused, Reply::Fault(fault) if fault.code == "server.unknown"));
}

/// A flood neither delays an order nor grows the agent, and whoever watches is told what was left out.
#[tokio::test]
async fn a_flood_with_a_watcher_delays_no_order_and_costs_no_memory() {
    let mut bench = Bench::installed().await;
    bench.succeeds(ServerVerb::Start).await;
    let daemon = bench.world.daemon.as_ref().and_then(tokio::process::Child::id).unwrap();
    let daemon = i32::try_from(daemon).unwrap();
    let before = sf_agent::process::tree::rss(daemon).unwrap();
    bench.says("flood").await;
    let (mut slowest, mut largest) = (std::time::Duration::ZERO, 0);
    for _ in 0..20 {
        let since = Instant::now();
        let void = Order::Void(Void { replaces: Rng::system().id(&Clock::system()) });
        bench.world.plane.run(void).await;
        slowest = slowest.max(since.elapsed());
        largest = largest.max(sf_agent::process::tree::rss(daemon).unwrap());
    }
    // All that was pushed is too much to look through each time.
    let over = |state: &mut super::super::plane::State| {
        let mut newest = state.consoles.iter().rev().take(20).flat_map(|output| &output.lines);
        newest.any(|line| line.text == "flooded").then_some(())
    };
    bench.world.plane.until("its end", over).await;
    let (frames, skipped) = bench.world.plane.state(|state| {
        let skipped: u64 = state.consoles.iter().map(|output| output.skipped).sum();
        let mut last = 0;
        for output in &state.consoles {
            for line in &output.lines {
                assert!(line.sequence > last, "numbers only grow");
                last = line.sequence;
            }
        }
        (state.consoles.len(), skipped)
    });
    eprintln!("{frames} frames, {skipped} lines left out, slowest order {slowest:?}, {before} to {largest} bytes");
    assert!(skipped > 0, "more came than fits");
    assert!(slowest < std::time::Duration::from_secs(5), "{slowest:?}");
    assert!(largest < before + 24 * 1024 * 1024, "{before} to {largest}");
    // What was left out can be read back, as far as it is kept.
    let page = bench.page(None, 3, None).await;
    assert!(bench.page(Some(page.oldest + 10), 5, None).await.lines.len() == 5);
}
