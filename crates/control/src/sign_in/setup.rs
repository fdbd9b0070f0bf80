//! The first administrator.

use sf_actions::ObjectRef;
use sf_actions::role::{RoleRef, built_in};
use sf_identity::setup::{CodeAnswer, SetupKey, StoredCode};
use sf_protocol::wire::{decode_base64, encode_base64};
use sf_store::{Look, Tx, grants, meta, tenants, users};
use sf_types::{ErrorKind, Fault, Scope, Secret, Timestamp, UserId};

use super::{Origin, SignedIn};
use crate::control::Control;

const CODE: &str = "setup_code";

impl Control {
    /// Whether there is nobody yet.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn needs_setup(&self) -> Result<bool, Fault> {
        Ok(users::count(&self.core().store.read(Scope::System)).await? == 0)
    }

    /// Makes a set-up code, in place of an older one. To be printed once.
    ///
    /// # Errors
    /// When it cannot be recorded.
    pub async fn new_setup_code(&self) -> Result<Secret<String>, Fault> {
        let core = self.core();
        let (code, stored) = core.people.setup.issue(self.now(), &core.rng);
        let line = write_code(&stored);
        core.store.write(Scope::System, move |tx| Box::pin(async move { meta::set(tx, CODE, &line).await })).await?;
        Ok(code)
    }

    /// Makes the first administrator with the set-up code.
    ///
    /// # Errors
    /// A wrong or used code, a weak password, or somebody was faster.
    pub async fn set_up(
        &self,
        code: &str,
        email: &str,
        name: &str,
        password: Secret<String>,
        origin: Origin,
    ) -> Result<SignedIn, Fault> {
        let core = self.core().clone();
        self.count_network(origin.address).await?;
        let hash = core.people.passwords.hash(&password, &[email, name]).await?;
        let (code, email, name, set) = (code.to_owned(), email.to_owned(), name.to_owned(), hash.clone());
        let inner = core.clone();
        let user = core
            .store
            .write(Scope::System, move |tx| {
                Box::pin(async move {
                    if let Err(fault) = spend_code(tx, &inner.people.setup, &code).await? {
                        return Ok(Err(fault));
                    }
                    first_administrator(tx, &email, &name, &set).await.map(Ok)
                })
            })
            .await??;
        self.open_session(user, hash, origin).await
    }

    /// Makes the first administrator without a code: for the local command that owns the data folder. The password that
    /// `serverflow up` prints need not be changed: it is random, printed to its owner alone, on the machine whose data
    /// folder opens everything anyway; a change forced there would protect from nobody.
    ///
    /// # Errors
    /// A weak password, or there is somebody already.
    pub async fn first_admin(&self, email: &str, name: &str, password: Secret<String>) -> Result<UserId, Fault> {
        let core = self.core();
        let hash = core.people.passwords.hash(&password, &[email, name]).await?;
        let (email, name) = (email.to_owned(), name.to_owned());
        let make = core.store.write(Scope::System, move |tx| {
            Box::pin(async move { first_administrator(tx, &email, &name, &hash).await })
        });
        Ok(make.await?.id)
    }
}

fn write_code(code: &StoredCode) -> String {
    let used = code.used_at.map_or(0, Timestamp::as_millis);
    format!("{} {} {} {used}", encode_base64(&code.hash), code.attempts, code.expires_at.as_millis())
}

fn read_code(line: &str) -> Option<StoredCode> {
    let mut parts = line.split(' ');
    let hash = decode_base64(parts.next()?).ok()?.try_into().ok()?;
    let attempts = parts.next()?.parse().ok()?;
    let expires_at = Timestamp::from_millis(parts.next()?.parse().ok()?);
    let used: i64 = parts.next()?.parse().ok()?;
    Some(StoredCode { hash, attempts, expires_at, used_at: (used != 0).then(|| Timestamp::from_millis(used)) })
}

/// Uses the code up, or counts a wrong one. A refusal is a value, so that the count is stored.
async fn spend_code(tx: &mut Tx, key: &SetupKey, typed: &str) -> sf_store::Result<Result<(), Fault>> {
    let stored = meta::get(tx, CODE).await?.as_deref().and_then(read_code);
    let mut stored =
        stored.unwrap_or(StoredCode { hash: [0; 32], attempts: u32::MAX, expires_at: Timestamp::EPOCH, used_at: None });
    let answer = key.check(&stored, typed, tx.now());
    if answer == CodeAnswer::Right {
        stored.used_at = Some(tx.now());
    } else {
        stored.attempts = stored.attempts.saturating_add(1);
    }
    meta::set(tx, CODE, &write_code(&stored)).await?;
    Ok(answer.fault().map_or(Ok(()), Err))
}

async fn first_administrator(tx: &mut Tx, email: &str, name: &str, hash: &str) -> sf_store::Result<users::User> {
    if users::count(tx).await? > 0 {
        let fault = Fault::new(ErrorKind::Conflict, "setup.done", "There is an administrator already.");
        return Err(fault.fix("Sign in, or run `serverflow admin reset-password`.").into());
    }
    let (tenant, _) = tenants::ensure_default(tx, "default").await?;
    let user = users::create(tx, tenant.id, email, name).await?;
    users::set_password(tx, user.id, hash).await?;
    grants::give(tx, user.id, RoleRef::BuiltIn(built_in::owner()), ObjectRef::TENANT, None).await?;
    Ok(user)
}
