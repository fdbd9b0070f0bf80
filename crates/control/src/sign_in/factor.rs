//! A person's own second factors: set up, confirmed, used, taken away.

use sf_actions::{Actor, ActorKind};
use sf_identity::recovery::RecoveryKey;
use sf_identity::totp::TotpSecret;
use sf_store::audit::Entry;
use sf_store::factors::{self, Factor, FactorKind};
use sf_store::{Look, StoreError, Tx, users};
use sf_types::{ErrorKind, FactorId, Fault, Scope, Secret, Timestamp, UserId};

use super::line::signing;
use super::{Origin, lockout};
use crate::control::{Control, Core};
use crate::mail::{self, letter};

/// What an authenticator app is called until its owner can name it.
const LABEL: &str = "Authenticator app";

/// How a second factor is shown.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Method {
    /// A code of an authenticator app.
    Totp,
    /// One of the codes on paper.
    Recovery,
}

/// What a person has set up.
#[derive(Clone, PartialEq, Debug)]
pub struct Factors {
    /// Their confirmed authenticator app.
    pub totp: Option<(FactorId, String, Timestamp)>,
    /// Recovery codes they have left.
    pub recovery_codes_left: u64,
}

/// An authenticator app to be confirmed. Shown once.
#[derive(Debug)]
pub struct NewTotp {
    /// The factor.
    pub id: FactorId,
    /// For typing into the app.
    pub secret: Secret<String>,
    /// For showing it as a picture.
    pub uri: Secret<String>,
}

impl Method {
    /// Its name in the API and in audit lines.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Totp => "totp",
            Self::Recovery => "recovery",
        }
    }

    /// What a typed code looks like: apps show digits, paper shows more than that.
    fn of(code: &str) -> Self {
        let is_short = code.chars().filter(|c| !c.is_whitespace()).count() <= usize::from(sf_identity::totp::DIGITS);
        if is_short { Self::Totp } else { Self::Recovery }
    }
}

impl Control {
    /// What the person behind an actor has set up.
    ///
    /// # Errors
    /// There is no signed-in person behind it, or the store cannot be read.
    pub async fn factors(&self, actor: &Actor) -> Result<Factors, Fault> {
        let (user, reader) = (signed_in_person(actor)?, self.core().store.read(actor.scope()));
        let totp = factors::of_kind(&reader, user, FactorKind::Totp).await?;
        let confirmed = totp.and_then(|factor| Some((factor.id, factor.label, factor.confirmed_at?)));
        let left = if confirmed.is_some() { factors::codes_left(&reader, user).await? } else { 0 };
        Ok(Factors { totp: confirmed, recovery_codes_left: left })
    }

    /// Whether an authenticator app could be set up, for a plan.
    ///
    /// # Errors
    /// There is one already.
    pub async fn may_add_totp(&self, actor: &Actor) -> Result<(), Fault> {
        if self.factors(actor).await?.totp.is_some() { Err(exists()) } else { Ok(()) }
    }

    /// What a change to the person's authenticator app would change, for a plan.
    ///
    /// # Errors
    /// There is none.
    pub async fn factors_in_use(&self, actor: &Actor) -> Result<Factors, Fault> {
        let factors = self.factors(actor).await?;
        if factors.totp.is_some() {
            return Ok(factors);
        }
        let fault = Fault::new(ErrorKind::Conflict, "factor.none", "No authenticator app is set up.");
        Err(fault.fix("Set one up first."))
    }

    /// Begins to set up an authenticator app. It is asked for at sign-in only once a code of it was right.
    ///
    /// # Errors
    /// A wrong password; there is one already.
    pub async fn add_totp(&self, actor: &Actor, password: Secret<String>, origin: Origin) -> Result<NewTotp, Fault> {
        let core = self.core().clone();
        let user = self.prove_password(actor, &password, &origin).await?;
        let secret = TotpSecret::generate(&core.rng);
        let id: FactorId = core.rng.id(&core.clock);
        let row = Factor {
            id,
            tenant: user.tenant,
            user: user.id,
            kind: FactorKind::Totp,
            label: LABEL.to_owned(),
            secret: secret.seal(&id.to_string(), &core.keys.master, &core.rng),
            last_step: 0,
            created_at: self.now(),
            confirmed_at: None,
        };
        let line = signing(Some((user.tenant, user.id)), &user.email, &origin, "factor.set_up", "succeeded");
        let made = core.store.write(actor.scope(), move |tx| {
            Box::pin(async move {
                tx.audit(line);
                factors::begin(tx, &row).await
            })
        });
        made.await.map_err(|error| match error {
            StoreError::Taken(_) => exists(),
            other => other.into(),
        })?;
        Ok(NewTotp { id, secret: secret.text(), uri: secret.uri(&user.email) })
    }

    /// Confirms the app with its first code; answers fresh recovery codes, to be shown once.
    ///
    /// # Errors
    /// Nothing waits for that, or the code is wrong.
    pub async fn confirm_totp(&self, actor: &Actor, code: &str, origin: Origin) -> Result<Vec<Secret<String>>, Fault> {
        let (user, core, code) = (signed_in_person(actor)?, self.core().clone(), code.to_owned());
        let (codes, inner) = (RecoveryKey::generate(&core.rng), core.clone());
        let hashes = hashes(&core, user, &codes);
        let confirmed = core.store.write(actor.scope(), move |tx| {
            Box::pin(async move {
                let waiting = factors::of_kind(tx, user, FactorKind::Totp).await?;
                let Some(factor) = waiting.filter(|factor| factor.confirmed_at.is_none()) else {
                    let fault =
                        Fault::new(ErrorKind::Conflict, "factor.none", "No authenticator app waits for a code.");
                    return Err(fault.fix("Begin its set-up first.").into());
                };
                let secret = open(&inner, &factor)?;
                let Some(step) = secret.step_of(&code, tx.now()) else { return Err(wrong(ErrorKind::Invalid).into()) };
                if !factors::confirm(tx, factor.id, step).await? {
                    return Err(StoreError::Stale("factor"));
                }
                factors::set_codes(tx, user, &hashes).await?;
                told(tx, user, &origin, "factor.confirm", "succeeded").await?;
                write_to_owner(tx, &inner, user, "factor.confirm").await
            })
        });
        confirmed.await?;
        core.mail.posted();
        Ok(codes)
    }

    /// Makes new recovery codes in place of all earlier ones; answers them, to be shown once.
    ///
    /// # Errors
    /// The code is wrong or was used before.
    pub async fn new_recovery_codes(
        &self,
        actor: &Actor,
        code: &str,
        origin: Origin,
    ) -> Result<Vec<Secret<String>>, Fault> {
        let (user, core) = (signed_in_person(actor)?, self.core().clone());
        let codes = RecoveryKey::generate(&core.rng);
        let hashes = hashes(&core, user, &codes);
        self.with_code(user, code, origin, "factor.recovery_codes", move |tx| {
            Box::pin(async move { factors::set_codes(tx, user, &hashes).await })
        })
        .await?;
        Ok(codes)
    }

    /// Takes the authenticator app and its recovery codes away.
    ///
    /// # Errors
    /// The code is wrong or was used before.
    pub async fn remove_totp(&self, actor: &Actor, code: &str, origin: Origin) -> Result<(), Fault> {
        let user = signed_in_person(actor)?;
        self.with_code(user, code, origin, "factor.remove", move |tx| {
            Box::pin(async move { factors::remove_all(tx, user).await.map(drop) })
        })
        .await
    }

    /// The person behind an actor, who shows their password once more. Counts as an attempt on their account.
    ///
    /// # Errors
    /// There is no signed-in person behind it; wrong, or tried too often.
    pub(crate) async fn prove_password(
        &self,
        actor: &Actor,
        password: &Secret<String>,
        origin: &Origin,
    ) -> Result<users::User, Fault> {
        let core = self.core();
        let place = core.people.passwords.place()?;
        let user = users::get(&core.store.read(actor.scope()), signed_in_person(actor)?).await?;
        let account = users::normalise_email(&user.email);
        if self.check_password(place, &account, Some(&user), password, origin.address).await?.is_none() {
            let message = "The password is wrong, or was wrong too often.";
            return Err(Fault::new(ErrorKind::Forbidden, "password.wrong", message).fix("Try again in a while."));
        }
        let (email, address) = (account, origin.address);
        core.store
            .write(Scope::System, move |tx| Box::pin(async move { lockout::succeeded(tx, &email, address).await }))
            .await?;
        Ok(user)
    }

    /// Does `work` in the transaction that spends a code of the person's factor. Each try counts as an attempt on
    /// their account.
    async fn with_code<F>(
        &self,
        user: UserId,
        code: &str,
        origin: Origin,
        action: &'static str,
        work: F,
    ) -> Result<(), Fault>
    where
        F: for<'t> FnOnce(&'t mut Tx) -> sf_store::Work<'t, ()> + Clone + Send + 'static,
    {
        let (core, code) = (self.core().clone(), code.to_owned());
        let inner = core.clone();
        let done = core.store.write(Scope::System, move |tx| {
            Box::pin(async move {
                let row = users::get(tx, user).await?;
                let known = lockout::is_known(tx, user, origin.address).await?;
                let account = lockout::of_account(users::normalise_email(&row.email), known);
                let taken = lockout::attempt(tx, &account, origin.address).await? == lockout::Attempt::Taken;
                if !taken || !spend(tx, &inner, user, Method::of(&code), &code).await? {
                    told(tx, user, &origin, action, "refused").await?;
                    return Ok(Err(wrong(ErrorKind::Forbidden)));
                }
                lockout::succeeded(tx, &row.email, origin.address).await?;
                work(tx).await?;
                told(tx, user, &origin, action, "succeeded").await?;
                write_to_owner(tx, &inner, user, action).await?;
                Ok(Ok(()))
            })
        });
        let done = done.await?;
        core.mail.posted();
        done
    }
}

/// Spends a code of a person's confirmed factor; `false` when it is wrong or was spent before.
pub(super) async fn spend(
    tx: &mut Tx,
    core: &Core,
    user: UserId,
    method: Method,
    code: &str,
) -> sf_store::Result<bool> {
    let factor = factors::of_kind(tx, user, FactorKind::Totp).await?;
    let Some(factor) = factor.filter(|factor| factor.confirmed_at.is_some()) else { return Ok(false) };
    match method {
        Method::Totp => match open(core, &factor)?.step_of(code, tx.now()) {
            Some(step) => factors::spend_step(tx, factor.id, step).await,
            None => Ok(false),
        },
        Method::Recovery => factors::spend_code(tx, user, &core.people.recovery.hash(user, code)).await,
    }
}

/// The answer to every code that is not taken.
pub(super) fn wrong(kind: ErrorKind) -> Fault {
    Fault::new(kind, "factor.wrong", "The code is wrong, or was used before.")
        .fix("Wait for the next code of your app, or use a recovery code. Check the clock of the device that shows it.")
}

fn exists() -> Fault {
    Fault::new(ErrorKind::Conflict, "factor.exists", "An authenticator app is set up already.")
        .fix("Turn it off first; that needs a code of it.")
}

/// Credentials are a matter for people at a keyboard: a long-lived token must not make, read or change them.
pub(super) fn signed_in_person(actor: &Actor) -> Result<UserId, Fault> {
    match actor.kind {
        ActorKind::Person { user, .. } => Ok(user),
        _ => Err(Fault::new(ErrorKind::Forbidden, "session.needed", "Only a signed-in person may do this.")
            .fix("Sign in; a token is not enough for this.")),
    }
}

fn open(core: &Core, factor: &Factor) -> sf_store::Result<TotpSecret> {
    let opened = TotpSecret::open(&factor.secret, &factor.id.to_string(), &core.keys.master);
    opened.map_err(|error| StoreError::from(Fault::from(error)))
}

fn hashes(core: &Core, user: UserId, codes: &[Secret<String>]) -> Vec<[u8; 32]> {
    codes.iter().map(|code| core.people.recovery.hash(user, code.expose())).collect()
}

/// Whoever holds an account hears of it when what opens it has changed.
async fn write_to_owner(tx: &mut Tx, core: &Core, user: UserId, action: &str) -> sf_store::Result<()> {
    let (subject, what) = match action {
        "factor.confirm" => ("A second factor was set up", "An authenticator app was set up for your account."),
        "factor.remove" => ("Your second factor was turned off", "Your password alone signs you in from now on."),
        _ => ("Your recovery codes were replaced", "New recovery codes were made, and the ones before open nothing."),
    };
    let user = users::get(tx, user).await?;
    mail::post(tx, core, "notice", &letter::notice(&user.email, &user.name, subject, what, tx.now()));
    Ok(())
}

async fn told(tx: &mut Tx, user: UserId, origin: &Origin, action: &str, outcome: &str) -> sf_store::Result<()> {
    let user = users::get(tx, user).await?;
    let line: Entry = signing(Some((user.tenant, user.id)), &user.email, origin, action, outcome);
    tx.audit(line);
    Ok(())
}
