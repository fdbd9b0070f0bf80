//! Which addresses may be dialled.

use std::net::IpAddr;

use sf_types::Network;
use sf_types::network::is_public;

/// Whether an address may be dialled: it belongs to the public internet, or to a network the operator allows.
pub fn may_be_dialled(address: IpAddr, allowed: &[Network]) -> bool {
    is_public(address) || is_allowed(address, allowed)
}

/// Whether the operator allows it although it is not public.
pub fn is_allowed(address: IpAddr, allowed: &[Network]) -> bool {
    allowed.iter().any(|network| network.holds(address))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_operator_may_allow_a_network_and_no_more() {
        let allowed: Vec<Network> = ["127.0.0.0/8", "fd00::/16"].map(|text| text.parse().unwrap()).into();
        for (text, expected) in [
            ("127.0.0.1", true),
            ("::ffff:127.0.0.1", true),
            ("fd00::1", true),
            ("::1", false),
            ("10.0.0.1", false),
            ("140.82.121.4", true),
        ] {
            assert_eq!(may_be_dialled(text.parse().unwrap(), &allowed), expected, "{text}");
        }
    }
}
