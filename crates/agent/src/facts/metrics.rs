//! Samples of the machine and its apps, read from `/proc` by hand: no library holds tables for what is not asked.

use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};

use sf_protocol::app::AppState;
use sf_protocol::report::{AppSample, NodeSample, SystemLog};
use sf_protocol::server::{ServerSample, ServerState};
use sf_types::{AppId, Millis, ServerId, Timestamp};

use crate::process::{Usage, tree};

/// How often a sample is taken and kept.
pub const EVERY: Millis = Millis::secs(30);
/// How often while somebody watches; those are not kept.
pub const EVERY_WATCHED: Millis = Millis::secs(1);

/// Takes samples; remembers the last one, since most values are differences.
#[derive(Debug)]
pub struct Sampler {
    disk: PathBuf,
    cpu: Option<CpuTimes>,
    net: Option<Net>,
    at: Option<Timestamp>,
    apps: HashMap<AppId, (u64, u64)>,
    servers: Servers,
}

/// One app as it is read.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct AppReading {
    /// The app.
    pub app: AppId,
    /// Its state.
    pub state: AppState,
    /// What its process tree uses now.
    pub usage: Usage,
    /// Requests its relay has taken since it was started.
    pub requests: u64,
    /// Restarts of the live release.
    pub restarts: u32,
}

/// One panel server as it is read.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct ServerReading {
    /// The server.
    pub server: ServerId,
    /// Its state.
    pub state: ServerState,
    /// CPU time used since some beginning, milliseconds.
    pub cpu_ms: u64,
    /// Memory, bytes.
    pub memory: u64,
    /// Processes.
    pub processes: u32,
    /// Bytes of its files, as last counted.
    pub disk: u64,
    /// Bytes received and sent since some beginning, where it has a network of its own.
    pub net: Option<(u64, u64)>,
    /// Milliseconds since it was started; 0 while it does not run.
    pub uptime_ms: u64,
}

/// What was last read of servers, since samples are differences.
#[derive(Debug, Default)]
pub struct Servers(HashMap<ServerId, (Timestamp, ServerReading)>);

impl Servers {
    /// The sample that follows from this reading.
    pub fn sample(&mut self, now: Timestamp, reading: &ServerReading) -> ServerSample {
        let (at, before) = self.0.insert(reading.server, (now, *reading)).unwrap_or((now, *reading));
        let passed = u64::try_from(now.since(at).as_millis()).unwrap_or(u64::MAX);
        let net = |of: fn((u64, u64)) -> u64| reading.net.map(|now| since(of(now), before.net.map_or(0, of)));
        ServerSample {
            server: reading.server,
            state: reading.state,
            cpu_permille: permille(since(reading.cpu_ms, before.cpu_ms), passed),
            memory: reading.memory,
            processes: reading.processes,
            disk: reading.disk,
            net_received: net(|(received, _)| received),
            net_sent: net(|(_, sent)| sent),
            uptime_ms: reading.uptime_ms,
        }
    }

    /// Forgets all others.
    pub fn keep(&mut self, servers: &[ServerReading]) {
        self.0.retain(|server, _| servers.iter().any(|reading| reading.server == *server));
    }
}

/// A fresh process, relay or group counts from 0 again.
const fn since(now: u64, before: u64) -> u64 {
    if now >= before { now - before } else { now }
}

/// Bytes received and sent over the interfaces of the network that `pid` is in, but loopback; `None` when it is gone.
pub fn net_of(pid: i32) -> Option<(u64, u64)> {
    let sum = net(&fs::read_to_string(format!("/proc/{pid}/net/dev")).ok()?);
    Some((sum.received, sum.sent))
}

#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
struct CpuTimes {
    busy: u64,
    total: u64,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
struct Net {
    received: u64,
    sent: u64,
}

impl Sampler {
    /// Samples the disk of `disk`.
    pub fn new(disk: &Path) -> Self {
        let (cpu, net, at) = (None, None, None);
        Self { disk: disk.to_owned(), cpu, net, at, apps: HashMap::new(), servers: Servers::default() }
    }

    /// One sample. What the machine does not tell is 0.
    pub fn take(&mut self, now: Timestamp, apps: &[AppReading], servers: &[ServerReading]) -> SystemLog {
        let node = self.node();
        let passed = self.at.map_or(0, |at| u64::try_from(now.since(at).as_millis()).unwrap_or(u64::MAX));
        let sampled = apps.iter().map(|reading| self.app(reading, passed)).collect();
        self.apps.retain(|app, _| apps.iter().any(|reading| reading.app == *app));
        self.at = Some(now);
        self.servers.keep(servers);
        let servers = servers.iter().map(|reading| self.servers.sample(now, reading)).collect();
        SystemLog { at: now, node, apps: sampled, servers, held: None }
    }

    fn node(&mut self) -> NodeSample {
        let read = |path: &str| fs::read_to_string(path).unwrap_or_default();
        let cpu = cpu_times(&read("/proc/stat"));
        let net = net(&read("/proc/net/dev"));
        let (memory_used, memory_total) = memory(&read("/proc/meminfo"));
        let (disk_used, disk_total) = disk(&self.disk);
        let (cpu_before, net_before) = (self.cpu.replace(cpu).unwrap_or(cpu), self.net.replace(net).unwrap_or(net));
        let own = i32::try_from(std::process::id()).ok();
        NodeSample {
            cpu_permille: permille(
                cpu.busy.saturating_sub(cpu_before.busy),
                cpu.total.saturating_sub(cpu_before.total),
            ),
            load_permille: thousandths(&read("/proc/loadavg")),
            memory_used,
            memory_total,
            disk_used,
            disk_total,
            net_received: net.received.saturating_sub(net_before.received),
            net_sent: net.sent.saturating_sub(net_before.sent),
            uptime_secs: u64::from(thousandths(&read("/proc/uptime"))) / 1000,
            agent_rss: own.and_then(|pid| tree::rss(pid).ok()).unwrap_or(0),
        }
    }

    fn app(&mut self, reading: &AppReading, passed_ms: u64) -> AppSample {
        let now = (reading.usage.cpu_ms, reading.requests);
        let before = self.apps.insert(reading.app, now).unwrap_or(now);
        AppSample {
            app: reading.app,
            state: reading.state,
            cpu_permille: permille(since(now.0, before.0), passed_ms),
            memory: reading.usage.rss_bytes,
            processes: reading.usage.processes,
            requests: since(now.1, before.1),
            restarts: reading.restarts,
        }
    }
}

fn permille(part: u64, of: u64) -> u32 {
    part.saturating_mul(1000).checked_div(of).map_or(0, |value| u32::try_from(value).unwrap_or(u32::MAX))
}

/// First line of `/proc/stat` (proc_stat(5)): user nice system idle iowait irq softirq steal, in ticks.
fn cpu_times(text: &str) -> CpuTimes {
    let first = text.lines().next().unwrap_or_default();
    let ticks: Vec<u64> = first.split_ascii_whitespace().skip(1).take(8).filter_map(|t| t.parse().ok()).collect();
    let total = ticks.iter().sum();
    let idle: u64 = ticks.iter().skip(3).take(2).sum();
    CpuTimes { busy: total - idle, total }
}

/// All interfaces but loopback: `iface: bytes packets errs drop fifo frame compressed multicast bytes ...`.
fn net(text: &str) -> Net {
    let mut sum = Net::default();
    for line in text.lines().skip(2) {
        let Some((name, counts)) = line.split_once(':') else { continue };
        if name.trim() == "lo" {
            continue;
        }
        let counts: Vec<u64> = counts.split_ascii_whitespace().filter_map(|count| count.parse().ok()).collect();
        sum.received += counts.first().copied().unwrap_or(0);
        sum.sent += counts.get(8).copied().unwrap_or(0);
    }
    sum
}

/// Memory used and in all, bytes (proc_meminfo(5), values in KiB).
fn memory(text: &str) -> (u64, u64) {
    let value = |name: &str| {
        let line = text.lines().find_map(|line| line.strip_prefix(name))?;
        line.trim_start_matches(':').split_ascii_whitespace().next()?.parse::<u64>().ok()
    };
    let total = value("MemTotal").unwrap_or(0);
    let free = value("MemAvailable").unwrap_or(total);
    (total.saturating_sub(free) * 1024, total * 1024)
}

/// Memory of the machine, bytes.
pub fn memory_total() -> u64 {
    memory(&fs::read_to_string("/proc/meminfo").unwrap_or_default()).1
}

/// Bytes used and in all of the disk that holds `path`.
pub fn disk(path: &Path) -> (u64, u64) {
    let Ok(stat) = rustix::fs::statvfs(path) else { return (0, 0) };
    let (block, free) = (stat.f_frsize, stat.f_bfree);
    (stat.f_blocks.saturating_sub(free).saturating_mul(block), stat.f_blocks.saturating_mul(block))
}

/// The first number of a text, in thousandths: `0.52 ...` is 520.
fn thousandths(text: &str) -> u32 {
    let first = text.split_ascii_whitespace().next().unwrap_or_default();
    let (whole, part) = first.split_once('.').unwrap_or((first, ""));
    let part: String = part.chars().chain("000".chars()).take(3).collect();
    let value = whole.parse::<u32>().unwrap_or(0).saturating_mul(1000);
    value.saturating_add(part.parse().unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use super::*;
    use sf_types::TypedId;

    #[test]
    fn the_kernels_tables_are_read() {
        let stat = "cpu  10 0 20 60 10 0 0 0 0 0\ncpu0 1 1 1 1\n";
        assert_eq!(cpu_times(stat), CpuTimes { busy: 30, total: 100 });
        let dev =
            "Inter-| Receive\n face |bytes\n    lo: 5 0 0 0 0 0 0 0 5 0\n  eth0:100 2 0 0 0 0 0 0 7 1 0 0 0 0 0 0\n";
        assert_eq!(net(dev), Net { received: 100, sent: 7 });
        assert_eq!(memory("MemTotal:  1000 kB\nMemFree: 1 kB\nMemAvailable:   400 kB\n"), (600 * 1024, 1000 * 1024));
        for (text, expected) in [("0.52 0.58 1/2", 520), ("12.3", 12_300), ("7", 7_000), ("", 0)] {
            assert_eq!(thousandths(text), expected, "{text}");
        }
    }

    #[test]
    fn differences_survive_a_restarted_process_and_relay() {
        let mut sampler = Sampler::new(Path::new("/"));
        let app = AppId::from_parts(Timestamp::EPOCH, [1; 10]);
        let reading = |cpu_ms, requests| AppReading {
            app,
            state: AppState::Running,
            usage: Usage { cpu_ms, rss_bytes: 9, processes: 2 },
            requests,
            restarts: 0,
        };
        let mut check = |second: i64, reading, expected: (u32, u64)| {
            let sample = sampler.take(Timestamp::from_millis(second * 1000), &[reading], &[]);
            assert_eq!((sample.apps[0].cpu_permille, sample.apps[0].requests), expected);
            assert!(sample.node.memory_total > 0 && sample.node.agent_rss > 0);
        };
        check(0, reading(500, 10), (0, 0));
        check(1, reading(1000, 15), (500, 5));
        check(2, reading(100, 2), (100, 2));
    }

    #[test]
    fn servers_are_sampled_by_what_changed() {
        let server = ServerId::from_parts(Timestamp::EPOCH, [2; 10]);
        let reading = |cpu_ms, net| ServerReading {
            server,
            state: ServerState::Running,
            cpu_ms,
            memory: 7,
            processes: 1,
            disk: 9,
            net,
            uptime_ms: 5,
        };
        let mut servers = Servers::default();
        let mut check = |second: i64, reading, expected: (u32, Option<u64>, Option<u64>)| {
            let sample = servers.sample(Timestamp::from_millis(second * 1000), &reading);
            assert_eq!((sample.cpu_permille, sample.net_received, sample.net_sent), expected);
        };
        check(0, reading(100, Some((10, 20))), (0, Some(0), Some(0)));
        check(2, reading(1100, Some((15, 27))), (500, Some(5), Some(7)));
        check(3, reading(250, Some((3, 4))), (250, Some(3), Some(4)));
        check(4, reading(250, None), (0, None, None));
        servers.keep(&[]);
        assert!(servers.0.is_empty());
    }
}
