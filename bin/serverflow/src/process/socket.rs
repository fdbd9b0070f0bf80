//! Who listens on a TCP port. Source: proc(5), `/proc/net/tcp`.

use std::path::Path;

/// The state `LISTEN` in `/proc/net/tcp`.
const LISTEN: &str = "0A";

/// Who holds a port.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Owner {
    /// Its pid.
    pub pid: i32,
    /// Its program with its arguments.
    pub program: String,
}

/// Who listens on `port`; `None` where nobody does or the kernel does not tell us.
pub fn port_owner(port: u16) -> Option<Owner> {
    let tables = ["/proc/net/tcp", "/proc/net/tcp6"].map(|table| std::fs::read_to_string(table).unwrap_or_default());
    let inodes: Vec<_> = tables.iter().flat_map(|table| listening(table, port)).collect();
    let links: Vec<_> = inodes.iter().map(|inode| format!("socket:[{inode}]")).collect();
    if links.is_empty() {
        return None;
    }
    let processes = std::fs::read_dir("/proc").ok()?.flatten();
    processes.filter_map(|entry| entry.file_name().to_str()?.parse::<i32>().ok()).find_map(|pid| {
        let files = std::fs::read_dir(format!("/proc/{pid}/fd")).ok()?.flatten();
        let holds = files.filter_map(|file| std::fs::read_link(file.path()).ok());
        let holds = holds.into_iter().any(|target| links.iter().any(|link| target == Path::new(link)));
        holds.then(|| Owner { pid, program: program(pid) })
    })
}

fn program(pid: i32) -> String {
    let bytes = std::fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
    let text = String::from_utf8_lossy(&bytes).replace('\0', " ");
    text.trim().chars().take(120).collect()
}

/// Inodes of the sockets that listen on `port`.
fn listening(table: &str, port: u16) -> Vec<String> {
    let ending = format!(":{port:04X}");
    let of = |line: &str| {
        let fields: Vec<_> = line.split_whitespace().collect();
        let hit = fields.get(1)?.ends_with(&ending) && *fields.get(3)? == LISTEN;
        hit.then(|| fields.get(9).map(|inode| (*inode).to_owned()))?
    };
    table.lines().skip(1).filter_map(of).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_taken_port_names_its_owner() {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let owner = port_owner(listener.local_addr().unwrap().port()).unwrap();
        assert_eq!(owner.pid, i32::try_from(std::process::id()).unwrap());
        assert!(owner.program.contains("serverflow"), "{owner:?}");
    }
}
