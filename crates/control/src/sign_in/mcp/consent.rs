//! A person lets a program in, or does not. What the program asks for is judged anew at each step: nothing is kept of it
//! until somebody has clicked.

use std::time::Duration;

use sf_actions::access::SpeaksFor;
use sf_actions::{AccessScope, Actor};
use sf_identity::bearer::BearerKind;
use sf_identity::{client, once, pkce};
use sf_store::granted::{self, Granted};
use sf_store::tokens::Token;
use sf_store::{Json, Look, Tx, clients, sessions, tenants, users};
use sf_types::{ErrorKind, Fault, ProgramId, Scope, SessionId, TokenId, UserId};

use super::program::{Program, USED_PROGRAM};
use super::touched;
use crate::control::Control;
use crate::people::passwords::own_session;
use crate::sign_in::Origin;
use crate::sign_in::bearer::{or_signed_out, signed_out};
use crate::sign_in::line::signing;

/// Life of a code: 60 s.
pub const CODE_LIFETIME: Duration = Duration::from_secs(60);
/// Longest state that a program may have sent back, bytes.
pub const MAX_STATE_BYTES: usize = 2048;

/// What a program asks for, as it stands in the address that it sent its person to. Source: OAuth 2.1 section 4.1.1,
/// RFC 8707.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Wish {
    /// `code`.
    pub response_type: String,
    /// Who.
    pub client_id: String,
    /// Where the answer goes.
    pub redirect_uri: String,
    /// What it will prove that it is who asked by.
    pub code_challenge: String,
    /// `S256`.
    pub code_challenge_method: String,
    /// Scopes, with blanks between them; what of them is unknown here is left out.
    pub scope: Option<String>,
    /// To be sent back as it is.
    pub state: Option<String>,
    /// The endpoint it wants a token for.
    pub resource: String,
}

/// One scope on the page.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Offered {
    /// Which.
    pub scope: AccessScope,
    /// Whether the person has any right of it.
    pub available: bool,
    /// Whether it is chosen already. Never `admin`.
    pub chosen: bool,
}

/// What a person is shown.
#[derive(Clone, Debug)]
pub struct Considered {
    /// Who asks.
    pub program: Program,
    /// Where the answer goes.
    pub redirect: String,
    /// What it asks for.
    pub scopes: Vec<Offered>,
    /// The team it would act in.
    pub team: String,
    /// Why it cannot be let in, where it can not, and where a person may go to tell it so.
    pub refused: Option<(Fault, String)>,
}

/// What a person decides.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Consent {
    /// With these scopes.
    Allow(Vec<AccessScope>),
    /// Not at all.
    Deny,
}

impl Control {
    /// The address that this authorization server goes by, without a slash at the end. Source: RFC 8414 section 2.
    pub fn issuer(&self) -> &str {
        self.core().options.public_url.trim_end_matches('/')
    }

    /// The address of the MCP endpoint, to which tokens of hosts are bound.
    pub fn mcp_resource(&self) -> String {
        format!("{}/mcp/v1", self.issuer())
    }

    /// What a program asks of a signed-in person.
    ///
    /// # Errors
    /// Nobody is signed in; the program is unknown or does not name one of its addresses: then there is nowhere to go back to.
    pub async fn consider(&self, actor: &Actor, wish: &Wish) -> Result<Considered, Fault> {
        own_session(actor)?;
        let program = self.program(&wish.client_id).await?;
        if !client::is_listed(&wish.redirect_uri, &program.redirects) {
            let message = "The program wants its answer at an address that is not one of its own.";
            let fault = Fault::new(ErrorKind::Invalid, "oauth.redirect_uri", message);
            return Err(fault.fix("Do not go on: somebody may be after your rights. Start again from the program."));
        }
        let refused = self.refusal(wish).map(|fault| {
            let back = self.back(wish, &[("error", error_of(&fault)), ("error_description", &fault.message)]);
            (fault, back)
        });
        let team = tenants::get(&self.core().store.read(actor.scope()), actor.tenant).await?.name;
        let scopes = offered(wish.scope.as_deref(), &touched(&actor.rights));
        Ok(Considered { program, redirect: wish.redirect_uri.clone(), scopes, team, refused })
    }

    /// A signed-in person decides; answers where the browser goes next.
    ///
    /// # Errors
    /// As [`Control::consider`]; what was asked for cannot be granted; no scope was chosen, or one that is not offered; they
    /// have let in too many.
    pub async fn decide_consent(
        &self,
        actor: &Actor,
        wish: &Wish,
        consent: Consent,
        origin: Origin,
    ) -> Result<String, Fault> {
        let (user, session) = own_session(actor)?;
        let considered = self.consider(actor, wish).await?;
        if let Some((fault, _)) = considered.refused {
            return Err(fault);
        }
        let scopes = match consent {
            Consent::Allow(scopes) => granted_of(&considered.scopes, &scopes)?,
            Consent::Deny => Vec::new(),
        };
        let allowed = !scopes.is_empty();
        let (token, grant, code) = self.new_grant(actor, user, wish, &considered.program, &scopes);
        let registered: Option<ProgramId> = considered.program.id.parse().ok();
        let tenant = actor.tenant;
        let write = self.core().store.write(Scope::System, move |tx| {
            Box::pin(async move {
                hold(tx, user, session).await?;
                let person = users::get(tx, user).await?;
                let outcome = if allowed { "approved" } else { "denied" };
                let mut line = signing(Some((tenant, user)), &person.email, &origin, "connection.allow", outcome);
                if allowed {
                    if granted::count(tx, user).await? >= granted::MAX_LIVING {
                        return Err(too_many().into());
                    }
                    line.fields.push(("token", token.id.to_string()));
                    granted::create(tx, &token, &grant).await?;
                    if let Some(id) = registered {
                        clients::keep(tx, id, tx.now().plus(USED_PROGRAM)).await?;
                    }
                }
                tx.audit(line);
                Ok(())
            })
        });
        write.await?;
        Ok(match allowed {
            true => self.back(wish, &[("code", code.expose())]),
            false => self.back(wish, &[("error", "access_denied"), ("error_description", "The person said no.")]),
        })
    }

    /// Why this cannot be granted, whoever would.
    fn refusal(&self, wish: &Wish) -> Option<Fault> {
        let (code, message) = if wish.response_type != "code" {
            ("oauth.unsupported_response_type", "Only `response_type=code` is granted.")
        } else if wish.code_challenge_method != "S256" || !pkce::is_challenge(&wish.code_challenge) {
            ("oauth.invalid_request", "A `code_challenge` with `code_challenge_method=S256` is needed.")
        } else if wish.state.as_ref().is_some_and(|state| state.len() > MAX_STATE_BYTES) {
            ("oauth.invalid_request", "The `state` is too long.")
        } else if wish.resource != self.mcp_resource() {
            ("oauth.invalid_target", "The `resource` has to be the address of the MCP endpoint.")
        } else {
            return None;
        };
        Some(Fault::new(ErrorKind::Invalid, code, message).fix("Ask whoever offers the program; it may be too old."))
    }

    /// Where the program is answered: with whose answer it is (RFC 9207), and its own state.
    fn back(&self, wish: &Wish, pairs: &[(&str, &str)]) -> String {
        let mut pairs = pairs.to_vec();
        if let Some(state) = &wish.state {
            pairs.push(("state", state));
        }
        pairs.push(("iss", self.issuer()));
        client::with_query(&wish.redirect_uri, &pairs)
    }

    fn new_grant(
        &self,
        actor: &Actor,
        user: UserId,
        wish: &Wish,
        program: &Program,
        scopes: &[AccessScope],
    ) -> (Token, Granted, sf_types::Secret<String>) {
        let core = self.core();
        let (id, now): (TokenId, _) = (core.rng.id(&core.clock), self.now());
        let code = once::issue(BearerKind::HostCode, id.uuid(), &core.rng);
        let mut rights: Vec<_> = scopes.iter().flat_map(|scope| scope.permissions().iter()).collect();
        rights.sort_unstable();
        rights.dedup();
        let end = now.plus(CODE_LIFETIME);
        let token = Token {
            id,
            tenant: actor.tenant,
            user,
            name: called(program, &wish.redirect_uri),
            // Of nothing that anybody has: it is no key.
            hash: core.rng.bytes(),
            scopes: Some(Json(rights.iter().map(|right| right.name().to_owned()).collect())),
            address_list: None,
            created_at: now,
            // Until its code is redeemed.
            expires_at: end,
            last_used_at: None,
            revoked_at: None,
            project: None,
            last_used_from: None,
            speaks_for: SpeaksFor::Ai,
        };
        let grant = Granted {
            id,
            tenant: actor.tenant,
            user,
            client: program.id.clone(),
            client_name: program.name.clone(),
            redirect: wish.redirect_uri.clone(),
            resource: wish.resource.clone(),
            scopes: Json(scopes.iter().map(|scope| scope.name().to_owned()).collect()),
            code_hash: code.hash,
            challenge: wish.code_challenge.clone(),
            code_expires_at: end,
            redeemed_at: None,
            generation: 0,
            current_hash: None,
            previous_hash: None,
            rotated_at: None,
            created_at: now,
        };
        (token, grant, code.text)
    }
}

/// A session that was ended since the request came in lets nobody in: see `hold_password`.
async fn hold(tx: &mut Tx, user: UserId, session: SessionId) -> sf_store::Result<()> {
    users::hold_password(tx, user, None).await?;
    let asking = sessions::get(tx, session).await.map_err(or_signed_out)?;
    if asking.revoked_at.is_some() || users::admitted(tx, user).await?.is_none() {
        return Err(signed_out().into());
    }
    Ok(())
}

/// What stands on cards and in lists: the claimed name never without what is known.
fn called(program: &Program, redirect: &str) -> String {
    let known = program.host.as_deref().unwrap_or_else(|| client::host(redirect));
    match (program.name.as_str(), known) {
        ("", "") => "an AI host".to_owned(),
        ("", known) => known.to_owned(),
        (name, "") => name.to_owned(),
        (name, known) => format!("{name} ({known})"),
    }
}

/// What is shown of what was asked for; all of it where nothing was, with `read` chosen alone.
fn offered(asked: Option<&str>, held: &[AccessScope]) -> Vec<Offered> {
    let named: Vec<AccessScope> = asked.unwrap_or_default().split(' ').filter_map(|name| name.parse().ok()).collect();
    let is_wanted = |scope: &AccessScope| named.is_empty() || named.contains(scope);
    let offer = |scope: AccessScope| {
        let available = held.contains(&scope);
        let wanted = if named.is_empty() { scope == AccessScope::Read } else { scope != AccessScope::Admin };
        Offered { scope, available, chosen: available && wanted }
    };
    AccessScope::ALL.into_iter().filter(is_wanted).map(offer).collect()
}

/// What a person chose, where all of it was offered to them.
fn granted_of(offered: &[Offered], chosen: &[AccessScope]) -> Result<Vec<AccessScope>, Fault> {
    let is_offered = |scope: &&AccessScope| offered.iter().any(|one| one.available && one.scope == **scope);
    if chosen.is_empty() || chosen.iter().filter(is_offered).count() != chosen.len() {
        let message = "At least one scope has to be chosen, and only what is offered to you.";
        let fault = Fault::new(ErrorKind::Invalid, "oauth.scopes", message);
        return Err(fault.fix("Choose among the scopes on the page."));
    }
    Ok(AccessScope::ALL.into_iter().filter(|scope| chosen.contains(scope)).collect())
}

/// The word of OAuth for a fault of ours.
pub(super) fn error_of(fault: &Fault) -> &str {
    fault.code.strip_prefix("oauth.").unwrap_or("server_error")
}

fn too_many() -> Fault {
    let message = format!("You have let in {} programs already.", granted::MAX_LIVING);
    Fault::new(ErrorKind::Conflict, "oauth.too_many_grants", message)
        .fix("Revoke those you do not use, then try again.")
}

#[cfg(test)]
mod tests {
    use super::*;
    use AccessScope::{Admin, Deploy, Files, Read};

    #[test]
    fn what_is_offered_is_what_was_asked_for_and_admin_is_never_chosen() {
        let check = |asked: Option<&str>, held: &[AccessScope], expected: &[(AccessScope, bool, bool)]| {
            let shown: Vec<_> =
                offered(asked, held).into_iter().map(|one| (one.scope, one.available, one.chosen)).collect();
            assert_eq!(shown, expected, "{asked:?}");
        };
        check(Some("deploy read"), &[Read, Deploy], &[(Read, true, true), (Deploy, true, true)]);
        check(Some("read admin"), &AccessScope::ALL, &[(Read, true, true), (Admin, true, false)]);
        // More than the person has.
        check(Some("read files"), &[Read], &[(Read, true, true), (Files, false, false)]);
        check(Some("read offline_access READ  openid"), &[Read], &[(Read, true, true)]);
        let all = offered(None, &AccessScope::ALL);
        assert_eq!(all.len(), 6);
        assert_eq!(all.iter().filter(|one| one.chosen).map(|one| one.scope).collect::<Vec<_>>(), [Read]);
        assert_eq!(offered(Some("nonsense"), &[Read]).len(), 6);
    }

    #[test]
    fn nothing_is_granted_that_was_not_offered() {
        let shown = offered(Some("read files deploy"), &[Read, Deploy]);
        assert_eq!(granted_of(&shown, &[Deploy, Read]).unwrap(), [Read, Deploy]);
        for chosen in [&[][..], &[Files], &[Read, Files], &[Admin], &[Read, Admin]] {
            assert!(granted_of(&shown, chosen).is_err(), "{chosen:?}");
        }
    }

    #[test]
    fn a_claimed_name_never_stands_alone() {
        let program = |name: &str, host: Option<&str>| Program {
            id: "x".into(),
            host: host.map(str::to_owned),
            name: name.into(),
            redirects: Vec::new(),
        };
        for (name, host, redirect, expected) in [
            ("Claude", Some("claude.ai"), "https://x.example/", "Claude (claude.ai)"),
            ("", Some("claude.ai"), "https://x.example/", "claude.ai"),
            ("Claude", None, "http://127.0.0.1:7/x", "Claude (127.0.0.1:7)"),
            ("Claude", None, "com.example:/x", "Claude"),
            ("", None, "com.example:/x", "an AI host"),
        ] {
            assert_eq!(called(&program(name, host), redirect), expected);
        }
    }
}
