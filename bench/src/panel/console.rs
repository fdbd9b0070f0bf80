//! A console that says two thousand lines every tenth of a second, and twenty people who watch it.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use sf_runtime::{Clock, OnError, Tasks};
use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio::time::{Instant, sleep, timeout};
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async};

use super::desk::Desk;
use crate::house::{House, resident_mb};
use crate::line::{Line, Times};

/// People who watch.
const VIEWERS: usize = 20;
/// Tenths of a second of flood.
const BEATS: u32 = 100;
/// Lines in each.
const LINES: u32 = 2_000;
/// A restart and a kill change the server so often at the least.
const UPDATES_MIN: usize = 4;
/// Nothing more comes to a viewer once it has been quiet for so long.
const QUIET: Duration = Duration::from_secs(1);
/// Between two looks at the memory of a program.
const LOOK_EVERY: Duration = Duration::from_millis(100);
/// Within this a person sees a line: three pushes of the agent.
const PROMISED_MS: f64 = 300.0;
/// What the control plane and the agent may take more than before, MB.
const MEMORY_MB: f64 = 16.0;

/// Floods when it is told to. Each line begins with the time it was written at.
const PROGRAM: &str = r#"use Time::HiRes qw(time sleep); use IO::Handle; STDOUT->autoflush(1); print "listening\n";
while (<STDIN>) { if (/^flood (\d+) (\d+)/) { my ($beats, $lines) = ($1, $2);
for my $beat (1..$beats) { my $at = time; my $text = sprintf("%.6f", $at);
print join("", map { "$text the quick brown fox of line $_ jumps over beat $beat\n" } 1..$lines);
my $left = 0.1 - (time - $at); sleep($left) if $left > 0; } print "flooded\n"; } }
"#;

/// What one viewer saw.
#[derive(Debug, Default)]
struct Seen {
    latencies: Vec<Duration>,
    lines: u64,
    skipped: u64,
    samples: u32,
    /// Numbers of the events that say that the server changed.
    updates: Vec<String>,
    lagged: u32,
}

pub async fn measure(house: &House, desk: &Desk) -> Result<()> {
    let script = format!("cat > server.pl <<'END'\n{PROGRAM}END\n");
    let alt = desk.alt("flood", &["/usr/bin/perl", "server.pl"], Some(&script), Some("listening")).await?;
    let server = desk.server("flood", &alt).await?;
    desk.power(&server, "start").await?;
    desk.until("it runs", &server, |server| server["state"] == "running").await?;
    let (tasks, is_over) = (Tasks::new(), Arc::new(AtomicBool::new(false)));
    let mut viewers = Vec::with_capacity(VIEWERS);
    // The first one sees no console: what it hears is not beside any flood.
    for n in 0..=VIEWERS {
        viewers.push(Viewer::open(desk, &server, n > 0).await?);
    }
    let (ended, end) = watch::channel(false);
    let before = (resident_mb(house.agent()?)?, resident_mb(house.plane()?)?);
    let peak = watch_memory(house, &tasks, is_over.clone())?;
    let watching = futures_util::future::try_join_all(viewers.into_iter().map(|viewer| viewer.watch(end.clone())));
    let flooding = async {
        let took = flood(desk, &server).await;
        ended.send_replace(true);
        took
    };
    let (seen, took) = tokio::try_join!(watching, flooding)?;
    is_over.store(true, Ordering::Relaxed);
    let (agent, plane) = peak.await.context("nobody looked at the memory")?;
    tasks.stop(Duration::from_secs(5)).await;
    let (undisturbed, seen) = seen.split_first().context("a viewer")?;
    tell(undisturbed, seen, took)?;
    let line = |name, value: f64, before: f64| {
        let note = format!("{before:.1} MB before");
        Line::new("panel", name, value, "MB").floor(before + MEMORY_MB).note(note).print()
    };
    line("console_agent_peak", agent, before.0)?;
    line("console_plane_peak", plane, before.1)
}

/// Floods, then restarts the server in the middle of a second flood, then ends it. Answers how long the first one took.
async fn flood(desk: &Desk, server: &str) -> Result<Duration> {
    let command = format!("/servers/{server}/command");
    let began = Instant::now();
    desk.post(&command, json!({ "line": format!("flood {BEATS} {LINES}") })).await?;
    // tidy: sleep because the flood lasts as long as it does
    sleep(Duration::from_millis(100) * BEATS).await;
    let took = began.elapsed();
    desk.post(&command, json!({ "line": format!("flood {BEATS} {LINES}") })).await?;
    // tidy: sleep because the restart comes in the middle of a flood
    sleep(Duration::from_secs(2)).await;
    desk.power(server, "restart").await?;
    desk.until("it is restarted", server, |server| server["state"] == "running").await?;
    // tidy: sleep because what a restart tells of comes after it
    sleep(Duration::from_secs(1)).await;
    desk.power(server, "kill").await?;
    desk.until("it is stopped", server, |server| server["state"] == "stopped").await?;
    Ok(took)
}

fn tell(undisturbed: &Seen, seen: &[Seen], took: Duration) -> Result<()> {
    let times = Times::new(seen.iter().flat_map(|seen| seen.latencies.iter().copied()).collect());
    ensure!(times.len() > 0, "nobody saw a line");
    let least = |of: fn(&Seen) -> u64| seen.iter().map(of).min().unwrap_or_default();
    let written = f64::from(BEATS) * f64::from(LINES);
    let note = format!(
        "{VIEWERS} viewers, {written} lines in {:.1} s; lines of the flood that were shown",
        took.as_secs_f64()
    );
    Line::new("panel", "console_line_p50", times.at(500), "ms").note(note).print()?;
    Line::new("panel", "console_line_p99", times.at(990), "ms").floor(PROMISED_MS).print()?;
    Line::new("panel", "console_lines_shown", least(|seen| seen.lines) as f64, "lines")
        .note("of the viewer with the fewest")
        .print()?;
    Line::new("panel", "console_lines_summed_up", least(|seen| seen.skipped) as f64, "lines").print()?;
    Line::new("panel", "console_samples", least(|seen| u64::from(seen.samples)) as f64, "frames")
        .floor(10.0)
        .print()?;
    let updates = &undisturbed.updates;
    ensure!(updates.len() >= UPDATES_MIN, "a restart and a kill are told in {} updates", updates.len());
    let lost = seen.iter().filter(|seen| seen.updates != *updates || seen.lagged > 0).count();
    let note = format!("viewers that did not hear each of {} updates", updates.len());
    Line::new("panel", "console_status_lost", lost as f64, "viewers").floor(0.0).note(note).print()
}

/// Looks at both programs until it is over. Answers the most that the agent and the control plane took, in MB.
fn watch_memory(
    house: &House,
    tasks: &Tasks,
    is_over: Arc<AtomicBool>,
) -> Result<tokio::sync::oneshot::Receiver<(f64, f64)>> {
    let (agent, plane) = (house.agent()?, house.plane()?);
    let (tell, told) = tokio::sync::oneshot::channel();
    tasks.spawn("memory", OnError::Log, async move {
        let mut peak = (0.0_f64, 0.0_f64);
        while !is_over.load(Ordering::Relaxed) {
            peak = (peak.0.max(resident_mb(agent)?), peak.1.max(resident_mb(plane)?));
            // tidy: sleep because memory tells nobody that it grows
            sleep(LOOK_EVERY).await;
        }
        // Whoever asked may have given up.
        let _ = tell.send(peak);
        Ok::<(), anyhow::Error>(())
    });
    Ok(told)
}

/// Somebody with a socket.
struct Viewer(WebSocketStream<MaybeTlsStream<TcpStream>>);

impl Viewer {
    async fn open(desk: &Desk, server: &str, with_console: bool) -> Result<Self> {
        let mut request = format!("ws://{}/api/v1/ws", desk.address).into_client_request()?;
        request.headers_mut().insert("Authorization", format!("Bearer {}", desk.key).parse()?);
        let (mut socket, _) = connect_async(request).await?;
        let mut topics = vec![format!("server:{server}")];
        topics.extend(with_console.then(|| format!("console:{server}")));
        socket.send(Message::text(json!({ "subscribe": { "topics": topics } }).to_string())).await?;
        while next(&mut socket).await?.is_none_or(|said| said.get("subscribed").is_none()) {}
        Ok(Self(socket))
    }

    /// Until all is over and nothing more comes.
    async fn watch(mut self, mut end: watch::Receiver<bool>) -> Result<Seen> {
        let mut seen = Seen::default();
        loop {
            let is_over = *end.borrow();
            let said = tokio::select! {
                said = next(&mut self.0) => said?,
                changed = end.changed(), if !is_over => {
                    changed.context("the flood failed")?;
                    continue;
                }
                // tidy: sleep because nothing says that nothing more comes
                () = sleep(QUIET), if is_over => break,
            };
            if let Some(said) = said {
                seen.take(&said);
            }
        }
        // Whoever watches does not wait for the goodbye.
        let _ = timeout(Duration::from_secs(1), self.0.close(None)).await;
        Ok(seen)
    }
}

async fn next(socket: &mut WebSocketStream<MaybeTlsStream<TcpStream>>) -> Result<Option<Value>> {
    match socket.next().await.context("the socket ended")?? {
        Message::Text(text) => Ok(Some(serde_json::from_str(&text)?)),
        _ => Ok(None),
    }
}

impl Seen {
    fn take(&mut self, said: &Value) {
        if said["event"] == "lagged" {
            self.lagged += 1;
        }
        let data = &said["data"];
        match said["event"].as_str() {
            Some("console.output") => self.output(data),
            Some("server.status.update") => self.updates.extend(said["seq"].as_str().map(str::to_owned)),
            _ => {}
        }
    }

    fn output(&mut self, data: &Value) {
        let now = Clock::system().now().as_millis() as f64 / 1000.0;
        self.skipped += data["skipped"].as_u64().unwrap_or_default();
        self.samples += u32::from(!data["sample"].is_null());
        for line in data["lines"].as_array().map_or(&[][..], Vec::as_slice) {
            let text = line["text"].as_str().unwrap_or_default();
            let written = text.split_once(' ').and_then(|(at, _)| at.parse::<f64>().ok()).filter(|at| *at > 1e9);
            if let Some(written) = written {
                self.lines += 1;
                self.latencies.push(Duration::from_secs_f64((now - written).max(0.0)));
            }
        }
    }
}
