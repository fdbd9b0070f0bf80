//! Which addresses of a host may be dialled. The answer is pinned for the fetch, so that a name that changes its
//! address in between (DNS rebinding) changes nothing.

use std::net::IpAddr;
use std::time::Duration;

use sf_types::network::is_public;

use super::SourceError;
use crate::policy::Policy;

/// How long a name may take to resolve.
pub const RESOLVE_TIME: Duration = Duration::from_secs(10);

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
