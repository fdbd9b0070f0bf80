//! What a right password is worth where a second factor is asked for: a ticket for a few minutes and a few codes, and
//! nothing else.

use std::net::IpAddr;
use std::time::Duration;

use sf_identity::bearer::{self, BearerKind, BearerRefusal, Presented};
use sf_store::audit::Entry;
use sf_store::tickets::{self, AddressFamily};
use sf_store::{StoreError, Tx, users};
use sf_types::{ErrorKind, Fault, Scope, Secret, TicketId, Timestamp};

use super::line::{refused, signing};
use super::{Method, Origin, SignedIn, factor, lockout, session, wrong};
use crate::control::{Control, Core};

/// Life of a ticket: 5 minutes.
pub const LIFETIME: Duration = Duration::from_secs(5 * 60);

/// The question for a second factor.
#[derive(Debug)]
pub struct Ticket {
    /// To be sent back with a code.
    pub text: Secret<String>,
    /// What may answer it.
    pub methods: Vec<Method>,
    /// Until when.
    pub expires_at: Timestamp,
}

impl Control {
    /// Signs in with a ticket and a code of the second factor.
    ///
    /// # Errors
    /// The ticket is unknown, spent, expired or from elsewhere; the code is wrong or was used before.
    pub async fn sign_in_with_code(
        &self,
        ticket: &str,
        method: Method,
        code: &str,
        origin: Origin,
    ) -> Result<SignedIn, Fault> {
        let core = self.core().clone();
        let presented = bearer::read(BearerKind::Ticket, ticket).map_err(BearerRefusal::fault)?;
        let (inner, code) = (core.clone(), code.to_owned());
        let entered = core.store.write(Scope::System, move |tx| {
            Box::pin(async move { enter(tx, &inner, &presented, method, &code, &origin).await })
        });
        let (user, id, token) = entered.await??;
        core.mail.posted();
        self.signed_in(user, id, token).await
    }

    /// A ticket for who has shown the password of this hash. Another password makes it worthless.
    pub(super) async fn new_ticket(&self, user: &users::User, hash: String, origin: &Origin) -> Result<Ticket, Fault> {
        let core = self.core().clone();
        let id: TicketId = core.rng.id(&core.clock);
        let (text, secret) = bearer::issue(BearerKind::Ticket, id.uuid(), &core.rng);
        let expires_at = self.now().plus(LIFETIME);
        let row = tickets::Ticket {
            id,
            tenant: user.tenant,
            user: user.id,
            hash: secret,
            family: family(origin.address),
            attempts: 0,
            created_at: self.now(),
            expires_at,
            used_at: None,
        };
        let line = signing(Some((user.tenant, user.id)), &user.email, origin, "session.factor", "asked");
        let too_late = refused(user, origin);
        let asked = core.store.write(Scope::System, move |tx| {
            Box::pin(async move {
                let is_held = users::hold_password(tx, row.user, Some(&hash)).await?;
                tx.audit(if is_held { line } else { too_late });
                if is_held {
                    tickets::create(tx, &row).await?;
                }
                Ok(is_held)
            })
        });
        if !asked.await? {
            return Err(wrong());
        }
        Ok(Ticket { text, methods: vec![Method::Totp, Method::Recovery], expires_at })
    }
}

type Begun = (users::User, sf_types::SessionId, Secret<String>);

/// Judges ticket and code, and begins the session with what makes them useless. A refusal is a value, so that the
/// count is stored.
async fn enter(
    tx: &mut Tx,
    core: &Core,
    presented: &Presented,
    method: Method,
    code: &str,
    origin: &Origin,
) -> sf_store::Result<Result<Begun, Fault>> {
    let id = TicketId::from_uuid(presented.id);
    let ticket = match tickets::get(tx, id).await {
        Ok(ticket) if presented.matches(&ticket.hash) && ticket.family == family(origin.address) => ticket,
        Ok(_) | Err(StoreError::NotFound(_)) => return Ok(Err(over())),
        Err(error) => return Err(error),
    };
    let user = users::get(tx, ticket.user).await?;
    // Before the ticket is counted: who changes the password takes both in this order, and deletes it.
    users::hold_password(tx, user.id, None).await?;
    if users::is_shut_out(tx, &user).await? || !tickets::attempt(tx, id).await? {
        return Ok(Err(over()));
    }
    let known = lockout::is_known(tx, user.id, origin.address).await?;
    let account = lockout::of_account(users::normalise_email(&user.email), known);
    let may = lockout::count_code(tx, &account).await?;
    if may && factor::spend(tx, core, user.id, method, code).await? && tickets::spend(tx, id).await? {
        let (session, token) = session::begin(tx, core, &user, origin, method.word()).await?;
        return Ok(Ok((user, session, token)));
    }
    let line = signing(Some((user.tenant, user.id)), &user.email, origin, "session.factor", "refused");
    tx.audit(Entry { fields: vec![("method", method.word().to_owned())], ..line });
    Ok(Err(factor::wrong(ErrorKind::Unauthenticated)))
}

const fn family(address: IpAddr) -> AddressFamily {
    match address.to_canonical() {
        IpAddr::V4(_) => AddressFamily::V4,
        IpAddr::V6(_) => AddressFamily::V6,
    }
}

fn over() -> Fault {
    let message = "This sign-in has run out, was used, or had too many wrong codes.";
    Fault::new(ErrorKind::Unauthenticated, "factor.ticket", message).fix("Sign in again with your password.")
}
