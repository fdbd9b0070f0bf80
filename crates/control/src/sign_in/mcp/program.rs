//! Programs that want to be let in: by a document at an address of theirs (CIMD), or registered (RFC 7591).

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use sf_egress::Egress;
use sf_identity::client::{self, ClientRefusal, Described};
use sf_runtime::places::network;
use sf_store::{Json, StoreError, clients};
use sf_types::{ErrorKind, Fault, ProgramId, Scope, Timestamp};
use tokio::sync::Semaphore;

use crate::control::Control;

/// Time for a program's document.
pub const FETCH_WITHIN: Duration = Duration::from_secs(5);
/// Documents that are fetched at the same time.
pub const FETCHES_AT_ONCE: usize = 8;
/// A document is kept at least this long, and as long where it does not say: 5 minutes.
pub const KEPT_AT_LEAST: Duration = Duration::from_secs(300);
/// And at most this long: a day.
pub const KEPT_AT_MOST: Duration = Duration::from_secs(86_400);
/// Documents that are kept.
pub const MAX_KEPT: usize = 256;
/// A program that registered and was not let in is forgotten after a day.
pub const UNUSED_PROGRAM: Duration = Duration::from_secs(86_400);
/// One that was let in, 90 days after the last time.
pub const USED_PROGRAM: Duration = Duration::from_secs(90 * 86_400);

/// A program that wants to be let in.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Program {
    /// By which it is asked for.
    pub id: String,
    /// The host of its address, which it has proven; none where it only registered.
    pub host: Option<String>,
    /// What it calls itself: claimed.
    pub name: String,
    /// Where it may be answered.
    pub(super) redirects: Vec<String>,
}

/// A program that has just registered.
#[derive(Clone, Debug)]
pub struct Registered {
    /// By which it is asked for from now on.
    pub id: ProgramId,
    /// What it calls itself.
    pub name: String,
    /// Where it may be answered.
    pub redirects: Vec<String>,
    /// When it registered.
    pub at: Timestamp,
}

/// Documents of programs, and the way to them.
#[derive(Debug)]
pub(crate) struct Programs {
    egress: Egress,
    places: Semaphore,
    kept: Mutex<HashMap<String, (Described, Timestamp)>>,
}

impl Programs {
    pub(crate) fn new(options: &sf_egress::Options) -> Result<Self, sf_egress::BadOptions> {
        let egress = Egress::hurried(options, FETCH_WITHIN)?;
        Ok(Self { egress, places: Semaphore::new(FETCHES_AT_ONCE), kept: Mutex::default() })
    }

    /// The document at an address, from memory for as long as it says.
    async fn described(&self, address: &str, now: Timestamp) -> Result<Described, Fault> {
        client::check_address(address).map_err(unfit)?;
        if let Some(known) = self.known(address, now) {
            return Ok(known);
        }
        let Ok(_place) = self.places.try_acquire() else {
            let fault = Fault::new(ErrorKind::Unavailable, "oauth.busy", "Too many programs are being looked at.");
            return Err(fault.fix("Try again in a few seconds."));
        };
        let unreachable = |why: String| {
            let message = format!("The program's document could not be fetched: {why}.");
            Fault::new(ErrorKind::Invalid, "oauth.client_document", message)
                .fix("Ask whoever offers the program; its address has to be in the public internet.")
        };
        let target = self.egress.target(address).map_err(|refused| unreachable(refused.to_string()))?;
        let page = self.egress.get(&target).await.map_err(|failed| unreachable(failed.to_string()))?;
        if page.status != 200 {
            return Err(unreachable(format!("{} answers {}", target.host(), page.status)));
        }
        let described = client::read_document(address, &page.body).map_err(unfit)?;
        self.keep(address, described.clone(), page.max_age, now);
        Ok(described)
    }

    fn known(&self, address: &str, now: Timestamp) -> Option<Described> {
        let kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.get(address).filter(|(_, until)| now < *until).map(|(described, _)| described.clone())
    }

    fn keep(&self, address: &str, described: Described, max_age: Option<Duration>, now: Timestamp) {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.len() >= MAX_KEPT {
            kept.retain(|_, (_, until)| now < *until);
        }
        if kept.len() >= MAX_KEPT {
            // Whoever is asked for again is fetched again.
            kept.clear();
        }
        let until = now.plus(max_age.unwrap_or_default().clamp(KEPT_AT_LEAST, KEPT_AT_MOST));
        kept.insert(address.to_owned(), (described, until));
    }
}

impl Control {
    /// The program with this client id.
    ///
    /// # Errors
    /// There is none; its document cannot be fetched, or is not one.
    pub(super) async fn program(&self, id: &str) -> Result<Program, Fault> {
        if let Ok(registered) = id.parse::<ProgramId>() {
            return match clients::get(&self.core().store.read(Scope::System), registered).await {
                Ok(row) => {
                    Ok(Program { id: row.id.to_string(), host: None, name: row.name, redirects: row.redirects.0 })
                }
                Err(StoreError::NotFound(_)) => Err(unknown()),
                Err(error) => Err(error.into()),
            };
        }
        let Described { name, redirects } = self.core().people.programs.described(id, self.now()).await?;
        Ok(Program { id: id.to_owned(), host: Some(client::host(id).to_owned()), name, redirects })
    }

    /// Registers a program, for those that have no address of their own. It is worth nothing until a person lets it in.
    ///
    /// # Errors
    /// What it says of itself is refused; too many have registered.
    pub async fn register_program(&self, document: &[u8], address: IpAddr) -> Result<Registered, Fault> {
        let Described { name, redirects } = client::read_registration(document).map_err(unfit)?;
        let core = self.core();
        let (id, at) = (core.rng.id(&core.clock), self.now());
        let row = clients::Client {
            id,
            name: name.clone(),
            redirects: Json(redirects.clone()),
            address: network(address).to_string(),
            created_at: at,
            expires_at: at.plus(UNUSED_PROGRAM),
        };
        core.store.write(Scope::System, move |tx| Box::pin(async move { clients::create(tx, &row).await })).await?;
        Ok(Registered { id, name, redirects, at })
    }
}

fn unfit(refusal: ClientRefusal) -> Fault {
    let code = match refusal {
        ClientRefusal::Redirect(_) | ClientRefusal::Redirects => "oauth.invalid_redirect_uri",
        _ => "oauth.invalid_client_metadata",
    };
    let mut message = refusal.to_string();
    message.push('.');
    Fault::new(ErrorKind::Invalid, code, message).fix("Ask whoever offers the program.")
}

fn unknown() -> Fault {
    Fault::new(
        ErrorKind::Invalid,
        "oauth.invalid_client",
        "No program is registered under this id, or it was forgotten.",
    )
    .fix("Remove the connection in the program and add it again.")
}
