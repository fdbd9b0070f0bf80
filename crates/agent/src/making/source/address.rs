//! Which addresses of a host may be dialled. The answer is pinned for the fetch, so that a name that changes its
//! address in between (DNS rebinding) changes nothing.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::time::Duration;

use super::SourceError;
use crate::policy::Policy;

/// How long a name may take to resolve.
pub const RESOLVE_TIME: Duration = Duration::from_secs(10);

/// Whether an address belongs to the public internet: not loopback, private, link-local (cloud metadata services
/// among them), shared, multicast, reserved or for documentation. See the IANA special-purpose registries (RFC 6890).
pub fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(v4) => is_public_v4(v4),
        IpAddr::V6(v6) => is_public_v6(v6),
    }
}

fn is_public_v4(address: Ipv4Addr) -> bool {
    let [a, b, c, _] = address.octets();
    !(address.is_loopback()
        || address.is_private()
        || address.is_link_local()
        || address.is_multicast()
        || address.is_broadcast()
        || address.is_documentation()
        || a == 0
        || a >= 240
        || (a == 100 && (64..128).contains(&b)) // shared address space, RFC 6598; metadata of some clouds
        || (a == 192 && b == 0 && c == 0) // protocol assignments
        || (a == 192 && b == 88 && c == 99) // 6to4 relays
        || (a == 198 && (18..20).contains(&b))) // benchmarks
}

fn is_public_v6(address: Ipv6Addr) -> bool {
    let [a, b, c, d, e, f, g, h] = address.segments();
    let embedded = |high: u16, low: u16| {
        let ([w, x], [y, z]) = (high.to_be_bytes(), low.to_be_bytes());
        is_public_v4(Ipv4Addr::new(w, x, y, z))
    };
    match (a, b) {
        // NAT64 and 6to4 carry an IPv4 address: that one decides.
        (0x64, 0xff9b) if [c, d, e, f] == [0; 4] => embedded(g, h),
        (0x2002, _) => embedded(b, c),
        // Only 2000::/3 is given out; IPv4-mapped, unique local, link-local and multicast all lie elsewhere.
        (0x2000..=0x3fff, _) => {
            let teredo_or_protocols = a == 0x2001 && b < 0x0200;
            let documentation = (a == 0x2001 && b == 0x0db8) || (a == 0x3fff && b < 0x1000);
            !teredo_or_protocols && !documentation
        }
        _ => match address.to_ipv4_mapped() {
            Some(v4) => is_public_v4(v4),
            None => false,
        },
    }
}

/// Resolves a host and chooses the address to dial. One address that is not public refuses the host, unless the
/// policy lists it.
///
/// # Errors
/// [`SourceError::Unresolved`] or [`SourceError::PrivateAddress`].
pub async fn choose(host: &str, port: u16, policy: &Policy) -> Result<IpAddr, SourceError> {
    let unresolved = |why: String| SourceError::Unresolved { host: host.to_owned(), why };
    let addresses: Vec<IpAddr> = match host.parse::<IpAddr>() {
        Ok(address) => vec![address],
        Err(_) => {
            let lookup = tokio::time::timeout(RESOLVE_TIME, tokio::net::lookup_host((host, port))).await;
            let lookup = lookup.map_err(|_| unresolved(format!("no answer in {} s", RESOLVE_TIME.as_secs())))?;
            lookup.map_err(|error| unresolved(error.to_string()))?.map(|address| address.ip()).collect()
        }
    };
    check(host, &addresses, policy)
}

/// The address to dial of those a host has: IPv4 first, since a node without IPv6 still resolves it.
fn check(host: &str, addresses: &[IpAddr], policy: &Policy) -> Result<IpAddr, SourceError> {
    if !policy.allows_private(host)
        && let Some(address) = addresses.iter().find(|address| !is_public(**address))
    {
        return Err(SourceError::PrivateAddress { host: host.to_owned(), address: *address });
    }
    let first = addresses.iter().find(|address| address.is_ipv4()).or_else(|| addresses.first());
    first.copied().ok_or_else(|| SourceError::Unresolved { host: host.to_owned(), why: "no address".to_owned() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_public_addresses_are_dialled() {
        for (text, expected) in [
            ("140.82.121.4", true),
            ("2606:50c0:8000::64", true),
            ("127.0.0.1", false),
            ("0.0.0.0", false),
            ("10.1.2.3", false),
            ("172.31.0.1", false),
            ("192.168.0.1", false),
            ("169.254.169.254", false),
            ("100.100.100.200", false),
            ("224.0.0.1", false),
            ("255.255.255.255", false),
            ("198.18.0.1", false),
            ("::", false),
            ("::1", false),
            ("::ffff:127.0.0.1", false),
            ("::ffff:140.82.121.4", true),
            ("64:ff9b::7f00:1", false),
            ("64:ff9b::8c52:7904", true),
            ("2002:7f00:1::", false),
            ("fe80::1", false),
            ("fd00:ec2::254", false),
            ("ff02::1", false),
            ("2001:db8::1", false),
        ] {
            assert_eq!(is_public(text.parse().unwrap()), expected, "{text}");
        }
    }

    #[test]
    fn one_private_address_among_many_refuses_the_host_unless_listed() {
        let mixed: Vec<IpAddr> = ["140.82.121.4", "127.0.0.1"].map(|text| text.parse().unwrap()).into();
        assert!(matches!(check("host", &mixed, &Policy::default()), Err(SourceError::PrivateAddress { .. })));
        let listed = Policy::parse("allow_private_hosts = [\"host\"]").unwrap();
        assert_eq!(check("host", &mixed, &listed).unwrap(), mixed[0]);
    }

    #[tokio::test]
    async fn odd_spellings_of_loopback_are_resolved_and_refused() {
        for host in ["127.1", "2130706433", "0x7f.1", "localhost"] {
            let refused = choose(host, 443, &Policy::default()).await.expect_err(host);
            assert!(
                matches!(refused, SourceError::PrivateAddress { .. } | SourceError::Unresolved { .. }),
                "{refused}"
            );
        }
    }
}
