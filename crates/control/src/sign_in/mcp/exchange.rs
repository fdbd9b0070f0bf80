//! Codes and refresh tokens for access tokens: what a program does by itself, without its person.

use std::time::Duration;

use sf_actions::AccessScope;
use sf_identity::bearer::{BearerKind, Presented};
use sf_identity::host::{self, HostGrant};
use sf_identity::refresh::{self, Family, IDLE, Rotate};
use sf_identity::{once, pkce};
use sf_store::granted::{self, Granted};
use sf_store::tokens::{self, Token};
use sf_store::{Look, StoreError, Tx, users};
use sf_types::{ErrorKind, Fault, Scope, Secret, SessionId, TokenId};

use super::scopes_of;
use crate::control::{Control, Core};
use crate::events;
use crate::sign_in::Origin;
use crate::sign_in::line::signing;

/// Times a rotation is decided anew when another control plane was faster.
const MAX_RACES: u32 = 3;

/// A code, and the proof of who asked for it. Source: OAuth 2.1 section 4.1.3, RFC 8707.
#[derive(Debug)]
pub struct Redemption {
    /// Who asked.
    pub client_id: String,
    /// `sfc_…`.
    pub code: Secret<String>,
    /// Where it was answered.
    pub redirect_uri: String,
    /// What the challenge is the hash of.
    pub verifier: Secret<String>,
    /// The endpoint.
    pub resource: String,
}

/// What a program gets.
#[derive(Debug)]
pub struct HostTokens {
    /// For `Authorization: Bearer`.
    pub access: Secret<String>,
    /// How long it is good.
    pub lives: Duration,
    /// For the next one.
    pub refresh: Secret<String>,
    /// What it was granted.
    pub scopes: Vec<AccessScope>,
}

/// What became of it in its transaction. A refusal is a value, so that what it ends stays ended.
type Turned = Result<(Granted, Secret<String>), Fault>;

impl Control {
    /// Redeems a code. It is spent by being presented, rightly or not; a second time, or by somebody who cannot prove that they
    /// asked for it, ends the grant. Source: RFC 6749 section 4.1.2, RFC 9700 section 2.1.1.
    ///
    /// # Errors
    /// A fault whose code is `oauth.` and the word of RFC 6749 section 5.2.
    pub async fn redeem_code(&self, asked: Redemption, origin: Origin) -> Result<HostTokens, Fault> {
        let core = self.core().clone();
        let presented = once::read(BearerKind::HostCode, asked.code.expose()).map_err(|_| invalid_grant())?;
        let asked = std::sync::Arc::new(asked);
        let turned = self.core().store.write(Scope::System, move |tx| {
            Box::pin(async move { redeem(tx, &core, &presented, &asked, &origin).await })
        });
        self.issued(turned.await??)
    }

    /// Exchanges a refresh token for the next one and an access token. One that is spent ends the grant: somebody has a copy.
    ///
    /// # Errors
    /// As [`Control::redeem_code`].
    pub async fn refresh_host(
        &self,
        client_id: &str,
        text: &str,
        resource: Option<&str>,
        origin: Origin,
    ) -> Result<HostTokens, Fault> {
        let (_, presented) = refresh::read_host(text).map_err(|_| invalid_grant())?;
        let id = TokenId::from_uuid(presented.id);
        if resource.is_some_and(|resource| resource != self.mcp_resource()) {
            return Err(invalid_target());
        }
        let mut tries = 1;
        loop {
            let (core, presented, origin) = (self.core().clone(), presented.clone(), origin.clone());
            let client = client_id.to_owned();
            let turned = self.core().store.write(Scope::System, move |tx| {
                Box::pin(async move { turn(tx, &core, id, &client, &presented, &origin).await })
            });
            match turned.await {
                Err(StoreError::Stale(_)) if tries < MAX_RACES => tries += 1,
                turned => return self.issued(turned??),
            }
        }
    }

    /// A program gives its grant back: by a refresh token or an access token of it. What is none is none already.
    /// Source: RFC 7009.
    ///
    /// # Errors
    /// When it cannot be recorded.
    pub async fn give_back(&self, text: &str, origin: Origin) -> Result<(), Fault> {
        let core = self.core().clone();
        let refresh = refresh::read_host(text).ok();
        let claims = core.access.verify_host(&self.mcp_resource(), text, self.now()).ok();
        let id = match (&refresh, claims) {
            (Some((_, presented)), _) => TokenId::from_uuid(presented.id),
            (None, Some(claims)) => claims.gid,
            (None, None) => return Ok(()),
        };
        let given = self.core().store.write(Scope::System, move |tx| {
            Box::pin(async move {
                let Some((grant, token)) = living(tx, id).await? else { return Ok(()) };
                if let Some((_, presented)) = refresh {
                    let known = core.people.hosts.rotate(family(&grant, &token).as_ref(), &presented, tx.now());
                    if matches!(known, Rotate::Refused(_)) {
                        return Ok(());
                    }
                }
                end(tx, &grant, &origin, "connection.end", "succeeded").await
            })
        });
        Ok(given.await?)
    }

    fn issued(&self, (grant, refresh): (Granted, Secret<String>)) -> Result<HostTokens, Fault> {
        let core = self.core();
        let scopes = scopes_of(&grant);
        let claims = HostGrant { resource: grant.resource, user: grant.user, grant: grant.id, tenant: grant.tenant };
        let access = core.access.issue_host(claims, self.now(), &core.rng)?;
        Ok(HostTokens { access, lives: host::LIFETIME, refresh, scopes })
    }
}

/// A grant with its token, while it is good and its person may come in.
async fn living(tx: &mut Tx, id: TokenId) -> sf_store::Result<Option<(Granted, Token)>> {
    let (grant, token) = match (granted::get(tx, id).await, tokens::get(tx, id).await) {
        (Ok(grant), Ok(token)) => (grant, token),
        (Err(StoreError::NotFound(_)), _) | (_, Err(StoreError::NotFound(_))) => return Ok(None),
        (Err(error), _) | (_, Err(error)) => return Err(error),
    };
    let is_over = token.revoked_at.is_some() || users::admitted(tx, grant.user).await?.is_none();
    Ok((!is_over).then_some((grant, token)))
}

async fn redeem(
    tx: &mut Tx,
    core: &Core,
    presented: &Presented,
    asked: &Redemption,
    origin: &Origin,
) -> sf_store::Result<Turned> {
    let id = TokenId::from_uuid(presented.id);
    let Some((grant, token)) = living(tx, id).await? else { return Ok(Err(invalid_grant())) };
    // Who does not have the code learns and ends nothing.
    let stored = once::Stored { hash: grant.code_hash, expires_at: grant.code_expires_at, is_spent: false };
    if !once::is_good(presented, Some(&stored), grant.created_at) {
        return Ok(Err(invalid_grant()));
    }
    let is_first = granted::spend(tx, id).await?;
    let is_in_time = tx.now() < grant.code_expires_at && tx.now() < token.expires_at;
    let is_theirs = grant.client == asked.client_id
        && grant.redirect == asked.redirect_uri
        && pkce::answers(asked.verifier.expose(), &grant.challenge);
    if !is_first || !is_theirs {
        end(tx, &grant, origin, "connection.reuse", "revoked").await?;
        return Ok(Err(invalid_grant()));
    }
    if !is_in_time {
        return Ok(Err(invalid_grant()));
    }
    if grant.resource != asked.resource {
        end(tx, &grant, origin, "connection.open", "refused").await?;
        return Ok(Err(invalid_target()));
    }
    let (text, begun) = core.people.hosts.start(SessionId::from_uuid(id.uuid()), tx.now(), &core.rng);
    granted::begin(tx, id, begun.current).await?;
    tokens::extend(tx, id, tx.now().plus(IDLE)).await?;
    let person = users::get(tx, grant.user).await?;
    let mut line = signing(Some((grant.tenant, grant.user)), &person.email, origin, "connection.open", "succeeded");
    line.fields.push(("token", id.to_string()));
    tx.audit(line);
    Ok(Ok((grant, text)))
}

async fn turn(
    tx: &mut Tx,
    core: &Core,
    id: TokenId,
    client: &str,
    presented: &Presented,
    origin: &Origin,
) -> sf_store::Result<Turned> {
    let Some((grant, token)) = living(tx, id).await? else { return Ok(Err(invalid_grant())) };
    let family = family(&grant, &token);
    let decided = core.people.hosts.rotate(family.as_ref(), presented, tx.now());
    // Whoever shows another program's token has it from somewhere.
    if grant.client != client && !matches!(decided, Rotate::Refused(_)) {
        end(tx, &grant, origin, "connection.reuse", "revoked").await?;
        return Ok(Err(invalid_grant()));
    }
    Ok(match decided {
        Rotate::Rotated { token: text, family } => {
            let previous = family.previous.unwrap_or_default();
            granted::rotate(tx, id, family.generation - 1, family.current, previous).await?;
            let longest = family.created_at.plus(refresh::ABSOLUTE);
            tokens::extend(tx, id, tx.now().plus(IDLE).min(longest)).await?;
            Ok((grant, text))
        }
        Rotate::Grace { token: text } => Ok((grant, text)),
        Rotate::Reuse => {
            end(tx, &grant, origin, "connection.reuse", "revoked").await?;
            Err(invalid_grant())
        }
        Rotate::Refused(_) => Err(invalid_grant()),
    })
}

/// Ends a grant, and says so: who watches as this person looks anew.
async fn end(tx: &mut Tx, grant: &Granted, origin: &Origin, action: &str, outcome: &str) -> sf_store::Result<()> {
    match tokens::revoke(tx, grant.id).await {
        Ok(()) | Err(StoreError::NotFound(_)) => {}
        Err(error) => return Err(error),
    }
    let mut line = signing(Some((grant.tenant, grant.user)), "", origin, action, outcome);
    line.actor_kind = "ai".to_owned();
    line.fields.push(("token", grant.id.to_string()));
    tx.audit(line);
    tx.publish(events::user_changed(grant.tenant, grant.user, "connection ended"));
    Ok(())
}

/// What is known of a grant's refresh tokens; nothing before its code was redeemed.
fn family(grant: &Granted, token: &Token) -> Option<Family> {
    Some(Family {
        session: SessionId::from_uuid(grant.id.uuid()),
        generation: grant.generation,
        current: grant.current_hash?,
        previous: grant.previous_hash,
        created_at: grant.created_at,
        rotated_at: grant.rotated_at?,
        revoked_at: token.revoked_at,
    })
}

/// One answer for all that is wrong with a code or a refresh token: which of it is nobody's business.
fn invalid_grant() -> Fault {
    Fault::new(ErrorKind::Invalid, "oauth.invalid_grant", "The code or refresh token is not good, or not any more.")
        .fix("Ask the person again.")
}

fn invalid_target() -> Fault {
    Fault::new(ErrorKind::Invalid, "oauth.invalid_target", "The `resource` has to be the one that was asked for.")
        .fix("Send the address of the MCP endpoint, as its metadata says it.")
}
