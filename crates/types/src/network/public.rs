//! Which addresses belong to the public internet: the one list that everything dials by, on the control plane and on nodes.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Whether an address belongs to the public internet: not loopback, private, link-local (cloud metadata services
/// among them), shared, multicast, reserved or for documentation. Source: the IANA special-purpose registries (RFC 6890).
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
        _ => address.to_ipv4_mapped().is_some_and(is_public_v4),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_special_purpose_ranges_are_not_public() {
        for (text, expected) in [
            ("140.82.121.4", true),
            ("2606:50c0:8000::64", true),
            ("0.0.0.0", false),
            ("127.0.0.1", false),
            ("127.255.255.254", false),
            ("10.1.2.3", false),
            ("172.16.0.1", false),
            ("172.31.0.1", false),
            ("172.32.0.1", true),
            ("192.168.0.1", false),
            ("169.254.169.254", false),
            ("100.64.0.1", false),
            ("100.100.100.200", false),
            ("192.0.0.192", false),
            ("192.0.2.1", false),
            ("198.18.0.1", false),
            ("198.51.100.1", false),
            ("203.0.113.1", false),
            ("224.0.0.1", false),
            ("239.255.255.250", false),
            ("240.0.0.1", false),
            ("255.255.255.255", false),
            ("::", false),
            ("::1", false),
            ("::127.0.0.1", false),
            ("::ffff:127.0.0.1", false),
            ("::ffff:169.254.169.254", false),
            ("::ffff:140.82.121.4", true),
            ("64:ff9b::7f00:1", false),
            ("64:ff9b::a9fe:a9fe", false),
            ("64:ff9b::8c52:7904", true),
            ("64:ff9b:1::8c52:7904", false),
            ("2002:7f00:1::", false),
            ("2002:a9fe:a9fe::", false),
            ("2001::1", false),
            ("2001:db8::1", false),
            ("3fff::1", false),
            ("fe80::1", false),
            ("fec0::1", false),
            ("fd00:ec2::254", false),
            ("ff02::1", false),
        ] {
            assert_eq!(is_public(text.parse().unwrap()), expected, "{text}");
        }
    }
}
