//! Where a request comes from: the peer, or what a trusted proxy says of it.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use axum::extract::{ConnectInfo, Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use http::HeaderMap;
use sf_types::{ErrorKind, Fault, Network};

use crate::fault::Problem;
use crate::state::Api;

/// The address a request counts for, as an extension of it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct From(pub IpAddr);

pub(crate) async fn find(State(api): State<Api>, mut request: Request, next: Next) -> Response {
    let peer = request.extensions().get::<ConnectInfo<SocketAddr>>().map(|info| info.0.ip());
    let peer = peer.unwrap_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED));
    let address = behind(peer, request.headers(), &api.options().trusted_proxies);
    request.extensions_mut().insert(From(address));
    // For edges beside this one, which know no type of ours.
    request.extensions_mut().insert(address);
    if !may_ask(address, &api.options().allowed_networks) {
        let message = "This control plane does not answer requests from your address.";
        let fault = Fault::new(ErrorKind::Forbidden, "address.refused", message);
        return Problem::from(fault.fix("Add your network to `api.allowed_networks` in serverflow.toml."))
            .into_response();
    }
    next.run(request).await
}

/// Whether an address may ask at all. Loopback always may: whoever is on the machine could change the list.
fn may_ask(address: IpAddr, allowed: &[Network]) -> bool {
    allowed.is_empty() || address.is_loopback() || allowed.iter().any(|network| network.holds(address))
}

/// The nearest address that is no trusted proxy. What stands left of it in `X-Forwarded-For` is hearsay.
fn behind(peer: IpAddr, headers: &HeaderMap, trusted: &[IpAddr]) -> IpAddr {
    let peer = peer.to_canonical();
    if !trusted.contains(&peer) {
        return peer;
    }
    let listed = headers.get_all("x-forwarded-for").into_iter().filter_map(|value| value.to_str().ok());
    let hops: Vec<&str> = listed.flat_map(|text| text.split(',')).map(str::trim).collect();
    let mut nearest = peer;
    for hop in hops.into_iter().rev() {
        let Ok(address) = hop.parse::<IpAddr>() else { return nearest };
        nearest = address.to_canonical();
        if !trusted.contains(&nearest) {
            return nearest;
        }
    }
    nearest
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(peer: &str, forwarded: &str, expected: &str) {
        let mut headers = HeaderMap::new();
        headers.insert("x-forwarded-for", forwarded.parse().unwrap());
        let trusted = ["10.0.0.1".parse().unwrap(), "10.0.0.2".parse().unwrap()];
        assert_eq!(behind(peer.parse().unwrap(), &headers, &trusted), expected.parse::<IpAddr>().unwrap());
    }

    #[test]
    fn a_list_of_networks_keeps_all_others_out() {
        let list: Vec<Network> = ["192.0.2.0/24", "2001:db8::/32"].map(|text| text.parse().unwrap()).to_vec();
        for (address, listed, expected) in [
            ("203.0.113.1", &[][..], true),
            ("192.0.2.9", &list, true),
            ("2001:db8::9", &list, true),
            ("203.0.113.1", &list, false),
            ("127.0.0.1", &list, true),
            ("::1", &list, true),
        ] {
            assert_eq!(may_ask(address.parse().unwrap(), listed), expected, "{address}");
        }
    }

    #[test]
    fn only_trusted_proxies_speak_for_others() {
        check("192.0.2.9", "198.51.100.1", "192.0.2.9");
        check("10.0.0.1", "198.51.100.1", "198.51.100.1");
        check("::ffff:10.0.0.1", "198.51.100.1", "198.51.100.1");
        check("10.0.0.1", "6.6.6.6, 198.51.100.1, 10.0.0.2", "198.51.100.1");
        check("10.0.0.1", "198.51.100.1, garbage", "10.0.0.1");
        check("10.0.0.1", "", "10.0.0.1");
    }
}
