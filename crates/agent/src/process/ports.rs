//! Which TCP ports a process tree listens on, and who has a port that is taken.

use std::collections::{BTreeSet, HashMap};
use std::fmt;
use std::fs;

use super::tree;

/// `TCP_LISTEN` in `/proc/net/tcp` (include/net/tcp_states.h).
const LISTEN: &str = "0A";

/// State of a UDP socket that is bound and connected to nobody (`TCP_CLOSE`).
const BOUND: &str = "07";

/// Who listens on a port.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Owner {
    /// Its pid.
    pub pid: i32,
    /// Its program.
    pub program: String,
}

impl fmt::Display for Owner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} (pid {})", self.program, self.pid)
    }
}

/// Port by inode of every listening TCP socket of this network namespace.
#[derive(Clone, Debug)]
pub struct Sockets(HashMap<u64, u16>);

/// Reads the machine's tables of sockets.
pub fn sockets() -> Sockets {
    Sockets(listening_sockets())
}

/// TCP ports that the processes in `pids` listen on, ascending. Ports of processes that this process may not look
/// into are missing.
pub fn listening(sockets: &Sockets, pids: &[i32]) -> Vec<u16> {
    let ports: BTreeSet<u16> =
        pids.iter().flat_map(|pid| socket_inodes(*pid)).filter_map(|inode| sockets.0.get(&inode).copied()).collect();
    ports.into_iter().collect()
}

/// Who listens on `port`, where `/proc` tells: processes of other users are visible to root alone.
pub fn owner(port: u16) -> Option<Owner> {
    owner_among(listening_sockets(), port)
}

/// Who has the UDP port, where `/proc` tells.
pub fn udp_owner(port: u16) -> Option<Owner> {
    owner_among(tables(["/proc/net/udp", "/proc/net/udp6"], BOUND), port)
}

/// TCP ports that somebody listens on and UDP ports that somebody has, whoever it is.
pub fn held() -> BTreeSet<u16> {
    let udp = tables(["/proc/net/udp", "/proc/net/udp6"], BOUND);
    listening_sockets().into_values().chain(udp.into_values()).collect()
}

fn owner_among(sockets: HashMap<u64, u16>, port: u16) -> Option<Owner> {
    let inodes: Vec<u64> = sockets.into_iter().filter(|(_, p)| *p == port).map(|(inode, _)| inode).collect();
    if inodes.is_empty() {
        return None;
    }
    tree::all()
        .into_iter()
        .find(|stat| socket_inodes(stat.pid).any(|inode| inodes.contains(&inode)))
        .and_then(|stat| Some(Owner { pid: stat.pid, program: tree::program(stat.pid)? }))
}

fn listening_sockets() -> HashMap<u64, u16> {
    tables(["/proc/net/tcp", "/proc/net/tcp6"], LISTEN)
}

fn tables(paths: [&str; 2], state: &str) -> HashMap<u64, u16> {
    paths
        .iter()
        .filter_map(|path| fs::read_to_string(path).ok())
        .flat_map(|table| table.lines().skip(1).filter_map(|line| parse_line(line, state)).collect::<Vec<_>>())
        .collect()
}

/// `sl local_address rem_address st tx:rx tr:tm retrnsmt uid timeout inode` (proc_net_tcp in the kernel's docs).
fn parse_line(line: &str, state: &str) -> Option<(u64, u16)> {
    let mut fields = line.split_ascii_whitespace();
    let local = fields.nth(1)?;
    if fields.nth(1)? != state {
        return None;
    }
    let port = u16::from_str_radix(local.rsplit_once(':')?.1, 16).ok()?;
    Some((fields.nth(5)?.parse().ok()?, port))
}

fn socket_inodes(pid: i32) -> impl Iterator<Item = u64> {
    fs::read_dir(format!("/proc/{pid}/fd")).into_iter().flatten().flatten().filter_map(|entry| {
        let target = fs::read_link(entry.path()).ok()?;
        target.to_str()?.strip_prefix("socket:[")?.strip_suffix(']')?.parse().ok()
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::TcpListener;

    #[test]
    fn only_listening_sockets_count() {
        let listen = "   0: 0100007F:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000  0  0 991 1 f 100";
        assert_eq!(parse_line(listen, LISTEN), Some((991, 8080)));
        assert_eq!(parse_line(&listen.replace(" 0A ", " 01 "), LISTEN), None);
        assert_eq!(parse_line("garbage", LISTEN), None);
    }

    #[test]
    fn own_listeners_are_found_on_both_families() {
        let four = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = four.local_addr().unwrap().port();
        let pid = i32::try_from(std::process::id()).unwrap();
        assert!(listening(&sockets(), &[pid]).contains(&port));
        assert_eq!(owner(port).map(|owner| owner.pid), Some(pid));
        let udp = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
        let udp_port = udp.local_addr().unwrap().port();
        assert_eq!(udp_owner(udp_port).map(|owner| owner.pid), Some(pid));
        let all = held();
        assert!(all.contains(&port) && all.contains(&udp_port), "{all:?}");
        if let Ok(six) = TcpListener::bind("[::1]:0") {
            assert!(listening(&sockets(), &[pid]).contains(&six.local_addr().unwrap().port()));
        }
    }
}
