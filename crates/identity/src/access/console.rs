//! Tokens for the console of one server, in the claims that clients of Pterodactyl know: signed by the same keys, of another type,
//! so that neither kind passes for the other.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use sf_runtime::Rng;
use sf_types::{InstanceId, Secret, ServerId, SessionId, TenantId, Timestamp, TokenId, UserId};

use super::{AccessKeys, AccessRefusal, in_time, jti};
use crate::error::IdentityError;

/// Life of a console token: 10 minutes. Its client asks for another before.
pub const LIFETIME: Duration = Duration::from_secs(10 * 60);
/// No other JWT passes for one (RFC 8725 section 3.11).
const TYPE: &str = "console+jwt";

/// What a console token says.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ConsoleClaims {
    /// The control plane that made it.
    pub iss: InstanceId,
    /// Who.
    pub user_uuid: UserId,
    /// Whose console, and nobody else's.
    pub server_uuid: ServerId,
    /// What its holder was allowed there when it was made, in words of Pterodactyl: no more than that, and no more than what
    /// they may when they do something.
    pub permissions: Vec<String>,
    /// What it was asked for with: what ends that ends the token.
    pub by: Holder,
    /// The team it acts in.
    pub tid: TenantId,
    /// Made at, seconds since the epoch.
    pub iat: i64,
    /// Valid until.
    pub exp: i64,
    /// Its own id.
    pub jti: String,
}

/// The credential that a console token was asked for with.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Holder {
    /// A session of a person.
    Session(SessionId),
    /// An API key.
    Key(TokenId),
}

/// For whom and what a console token is made.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ConsoleGrant {
    /// Who.
    pub user: UserId,
    /// Whose console.
    pub server: ServerId,
    /// What they may do there.
    pub permissions: Vec<String>,
    /// What they have shown.
    pub by: Holder,
    /// The team.
    pub tenant: TenantId,
}

impl AccessKeys {
    /// Makes a token for one console.
    ///
    /// # Errors
    /// [`IdentityError::BadKey`] when the signing library refuses the key.
    pub fn issue_console(
        &self,
        grant: ConsoleGrant,
        now: Timestamp,
        rng: &Rng,
    ) -> Result<Secret<String>, IdentityError> {
        let claims = ConsoleClaims {
            iss: self.instance,
            user_uuid: grant.user,
            server_uuid: grant.server,
            permissions: grant.permissions,
            by: grant.by,
            tid: grant.tenant,
            iat: now.as_secs(),
            exp: now.plus(LIFETIME).as_secs(),
            jti: jti(rng),
        };
        self.sign(TYPE, &claims)
    }

    /// Reads a token for the console of one server.
    ///
    /// # Errors
    /// [`AccessRefusal`]; nothing in the claims is looked at before the signature holds.
    pub fn verify_console(
        &self,
        server: ServerId,
        token: &str,
        now: Timestamp,
    ) -> Result<ConsoleClaims, AccessRefusal> {
        let claims: ConsoleClaims = self.read(TYPE, token)?;
        if claims.iss != self.instance {
            return Err(AccessRefusal::Issuer);
        }
        if claims.server_uuid != server {
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

    fn id<T: TypedId>(nth: u8) -> T {
        T::from_parts(NOW, [nth; 10])
    }

    fn keys(seed: u8) -> (AccessKeys, Rng) {
        let rng = Rng::seeded(seed.into());
        (AccessKeys::new(id(seed), AccessKey::generate(NOW, &rng), []), rng)
    }

    fn grant() -> ConsoleGrant {
        let permissions = vec!["websocket.connect".to_owned()];
        ConsoleGrant { user: id(1), server: id(2), permissions, by: Holder::Key(id(3)), tenant: id(4) }
    }

    #[test]
    fn one_is_good_for_one_console_of_one_control_plane_and_ten_minutes() {
        let (ours, rng) = keys(1);
        let token = ours.issue_console(grant(), NOW, &rng).unwrap();
        let token = token.expose().as_str();
        let check = |keys: &AccessKeys, server, token: &str, now| keys.verify_console(server, token, now).err();
        assert_eq!(check(&ours, id(2), token, NOW), None);
        assert_eq!(ours.verify_console(id(2), token, NOW).unwrap().by, Holder::Key(id(3)));
        assert_eq!(check(&ours, id(9), token, NOW), Some(AccessRefusal::Audience));
        let last = NOW.plus(LIFETIME + LEEWAY).minus(Duration::from_secs(1));
        assert_eq!(check(&ours, id(2), token, last), None);
        assert_eq!(check(&ours, id(2), token, NOW.plus(LIFETIME + LEEWAY)), Some(AccessRefusal::Expired));
        assert_eq!(check(&ours, id(2), token, NOW.minus(Duration::from_secs(60))), Some(AccessRefusal::NotYet));
        assert_eq!(check(&keys(2).0, id(2), token, NOW), Some(AccessRefusal::UnknownKey));
        let (head, tail) = token.rsplit_once('.').unwrap();
        let other = format!("{head}.{}", tail.chars().rev().collect::<String>());
        assert!(check(&ours, id(2), &other, NOW).is_some());
        for bad in ["", "a.b.c", &"x".repeat(5000)] {
            assert_eq!(check(&ours, id(2), bad, NOW), Some(AccessRefusal::Malformed));
        }
    }

    #[test]
    fn neither_kind_passes_for_the_other() {
        let (ours, rng) = keys(1);
        let console = ours.issue_console(grant(), NOW, &rng).unwrap();
        for audience in [Audience::Api, Audience::Ws, Audience::Mcp] {
            let refused = ours.verify(audience, console.expose(), NOW).unwrap_err();
            assert_eq!(refused, AccessRefusal::Malformed);
            let access = Grant { audience, user: id(1), session: id(2), tenant: id(4) };
            let access = ours.issue(access, NOW, &rng).unwrap();
            assert_eq!(ours.verify_console(id(2), access.expose(), NOW).unwrap_err(), AccessRefusal::Malformed);
        }
    }
}
