//! Tokens of AI hosts for the MCP endpoint: signed by the same keys, of another type and for another audience, so that none
//! passes for a person's and none of a person's passes for one. Source: RFC 9068, RFC 8707.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use sf_runtime::Rng;
use sf_types::{InstanceId, Secret, TenantId, Timestamp, TokenId, UserId};

use super::{AccessKeys, AccessRefusal, in_time, jti};
use crate::error::IdentityError;

/// Life of a host's access token: 15 minutes.
pub const LIFETIME: Duration = Duration::from_secs(15 * 60);
/// No other JWT passes for one (RFC 8725 section 3.11).
const TYPE: &str = "mcp+jwt";

/// What a host's token says. What it may do is not in it: that is looked up, so that it ends with its grant.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HostClaims {
    /// The control plane that made it.
    pub iss: InstanceId,
    /// The address of the endpoint it is for.
    pub aud: String,
    /// Who let the host in.
    pub sub: UserId,
    /// By which grant.
    pub gid: TokenId,
    /// The team it acts in.
    pub tid: TenantId,
    /// Made at, seconds since the epoch.
    pub iat: i64,
    /// Valid until.
    pub exp: i64,
    /// Its own id.
    pub jti: String,
}

/// For whom a host's token is made.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct HostGrant {
    /// The address of the endpoint.
    pub resource: String,
    /// Who let the host in.
    pub user: UserId,
    /// By which grant.
    pub grant: TokenId,
    /// The team.
    pub tenant: TenantId,
}

impl AccessKeys {
    /// Makes a token for an AI host.
    ///
    /// # Errors
    /// [`IdentityError::BadKey`] when the signing library refuses the key.
    pub fn issue_host(&self, grant: HostGrant, now: Timestamp, rng: &Rng) -> Result<Secret<String>, IdentityError> {
        let claims = HostClaims {
            iss: self.instance,
            aud: grant.resource,
            sub: grant.user,
            gid: grant.grant,
            tid: grant.tenant,
            iat: now.as_secs(),
            exp: now.plus(LIFETIME).as_secs(),
            jti: jti(rng),
        };
        self.sign(TYPE, &claims)
    }

    /// Reads a token for the endpoint at `resource`.
    ///
    /// # Errors
    /// [`AccessRefusal`]; nothing in the claims is looked at before the signature holds.
    pub fn verify_host(&self, resource: &str, token: &str, now: Timestamp) -> Result<HostClaims, AccessRefusal> {
        let claims: HostClaims = self.read(TYPE, token)?;
        if claims.iss != self.instance {
            return Err(AccessRefusal::Issuer);
        }
        if resource.is_empty() || claims.aud != resource {
            return Err(AccessRefusal::Audience);
        }
        in_time(claims.iat, claims.exp, now).map(|()| claims)
    }
}

#[cfg(test)]
mod tests {
    use super::super::{AccessKey, Audience, Grant, LEEWAY};
    use super::*;
    use sf_types::TypedId;

    const NOW: Timestamp = Timestamp::from_millis(1_790_000_000_000);
    const HERE: &str = "https://panel.example.org/mcp/v1";

    fn id<T: TypedId>(nth: u8) -> T {
        T::from_parts(NOW, [nth; 10])
    }

    fn keys(seed: u8) -> (AccessKeys, Rng) {
        let rng = Rng::seeded(seed.into());
        (AccessKeys::new(id(seed), AccessKey::generate(NOW, &rng), []), rng)
    }

    fn grant() -> HostGrant {
        HostGrant { resource: HERE.to_owned(), user: id(1), grant: id(2), tenant: id(4) }
    }

    #[test]
    fn one_is_good_at_one_endpoint_of_one_control_plane_and_fifteen_minutes() {
        let (ours, rng) = keys(1);
        let token = ours.issue_host(grant(), NOW, &rng).unwrap();
        let token = token.expose().as_str();
        let check = |keys: &AccessKeys, resource: &str, now| keys.verify_host(resource, token, now).err();
        assert_eq!(ours.verify_host(HERE, token, NOW).unwrap().gid, id(2));
        for other in
            ["", "https://panel.example.org", "https://panel.example.org/mcp/v1/", "https://PANEL.example.org/mcp/v1"]
        {
            assert_eq!(check(&ours, other, NOW), Some(AccessRefusal::Audience), "{other}");
        }
        assert_eq!(check(&ours, HERE, NOW.plus(LIFETIME + LEEWAY)), Some(AccessRefusal::Expired));
        assert_eq!(check(&ours, HERE, NOW.minus(Duration::from_secs(60))), Some(AccessRefusal::NotYet));
        assert_eq!(check(&keys(2).0, HERE, NOW), Some(AccessRefusal::UnknownKey));
    }

    #[test]
    fn neither_kind_passes_for_the_other() {
        let (ours, rng) = keys(1);
        let host = ours.issue_host(grant(), NOW, &rng).unwrap();
        for audience in [Audience::Api, Audience::Ws, Audience::Mcp] {
            assert_eq!(ours.verify(audience, host.expose(), NOW).unwrap_err(), AccessRefusal::Malformed);
            let access = Grant { audience, user: id(1), session: id(2), tenant: id(4) };
            let access = ours.issue(access, NOW, &rng).unwrap();
            assert_eq!(ours.verify_host(HERE, access.expose(), NOW).unwrap_err(), AccessRefusal::Malformed);
        }
        assert_eq!(ours.verify_console(id(2), host.expose(), NOW).unwrap_err(), AccessRefusal::Malformed);
    }
}
