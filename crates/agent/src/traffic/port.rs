//! Ports of apps: a stable one each, held by its relay, and one for each process behind it.

use std::collections::HashSet;
use std::net::{IpAddr, Ipv4Addr, TcpListener};
use std::ops::RangeInclusive;
use std::sync::{Arc, Mutex, PoisonError};

use sf_types::{ErrorKind, Fault};

use crate::policy::Policy;

/// Stable ports the node chooses from, where an app asks for none.
pub const STABLE: RangeInclusive<u16> = 20_000..=29_999;
/// Ports of processes behind relays: below the range the kernel takes outgoing ports from (32768 and up), so that a
/// process that is started again finds its port free.
pub const OWN: RangeInclusive<u16> = 30_000..=32_767;

/// Where the kernel tells which ports it chooses from for a program that asks for "any": port 0 in bind(2).
const ANY_RANGE: &str = "/proc/sys/net/ipv4/ip_local_port_range";

/// Whether a port that the kernel chooses can be none of ours. Then an app may ask for one, as headless browsers and test
/// servers do. It could have one anyway: listen(2) on a socket without a port chooses one, and no rule is asked.
pub fn any_is_apart() -> bool {
    std::fs::read_to_string(ANY_RANGE).is_ok_and(|text| is_apart(&text))
}

/// `first last`, both included (ip(7)).
fn is_apart(text: &str) -> bool {
    let mut ports = text.split_ascii_whitespace().map(str::parse::<u16>);
    let (Some(Ok(first)), Some(Ok(last)), None) = (ports.next(), ports.next(), ports.next()) else { return false };
    [STABLE, OWN].iter().all(|ours| last < *ours.start() || first > *ours.end())
}

/// Ports given out and perhaps not bound yet. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub struct Ports(Arc<Mutex<HashSet<u16>>>);

/// A port given out; free again when dropped, unless somebody wrote it down meanwhile.
#[derive(Debug)]
pub struct Reserved {
    ports: Ports,
    /// The port.
    pub port: u16,
}

impl Drop for Reserved {
    fn drop(&mut self) {
        self.ports.0.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.port);
    }
}

impl Ports {
    /// A free port for a process.
    ///
    /// # Errors
    /// `app.no_port` when all are taken.
    pub fn own(&self, taken: &[u16], start: u64) -> Result<Reserved, Fault> {
        self.choose(OWN, taken, start, Ipv4Addr::LOCALHOST.into(), |_| true)
    }

    /// A free stable port.
    ///
    /// # Errors
    /// `app.no_port` when all are taken or denied.
    pub fn stable(&self, taken: &[u16], address: IpAddr, policy: &Policy) -> Result<Reserved, Fault> {
        self.choose(STABLE, taken, 0, address, |port| !policy.denies_port(port))
    }

    fn choose(
        &self,
        range: RangeInclusive<u16>,
        taken: &[u16],
        start: u64,
        address: IpAddr,
        allowed: impl Fn(u16) -> bool,
    ) -> Result<Reserved, Fault> {
        let mut reserved = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (first, count) = (u64::from(*range.start()), u64::from(range.end() - range.start()) + 1);
        let free = (0..count)
            .filter_map(|step| u16::try_from(first + (start % count + step) % count).ok())
            .find(|port| {
                let ours = reserved.contains(port) || taken.contains(port);
                !ours && allowed(*port) && TcpListener::bind((address, *port)).is_ok()
            })
            .ok_or_else(|| {
                let (first, last) = (range.start(), range.end());
                Fault::new(ErrorKind::Conflict, "app.no_port", format!("No port from {first} to {last} is free."))
                    .fix("Delete apps that are no longer needed, or stop other programs that listen there.")
            })?;
        reserved.insert(free);
        Ok(Reserved { ports: self.clone(), port: free })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ports_of_the_kernels_choice_are_told_from_ours() {
        for (text, expected) in [
            ("32768\t60999\n", true),
            ("1024 19999", true),
            ("32767 60999", false),
            ("1024 65535", false),
            ("25000 25001", false),
            ("", false),
            ("32768", false),
            ("a b", false),
        ] {
            assert_eq!(is_apart(text), expected, "{text}");
        }
    }

    #[test]
    fn nobody_gets_a_port_that_another_has() {
        let ports = Ports::default();
        let first = ports.own(&[], 5).unwrap();
        let second = ports.own(&[first.port + 1], 5).unwrap();
        assert!(second.port != first.port && second.port != first.port + 1);
        let listener = TcpListener::bind(("127.0.0.1", second.port)).unwrap();
        let again = second.port;
        drop(second);
        assert_ne!(ports.own(&[], u64::from(again - OWN.start())).unwrap().port, again);
        drop(listener);
    }
}
