//! New credentials for the forgetful, on the data folder: whoever may read that folder owns the installation.

use sf_identity::Passwords;
use sf_identity::password::Cost;
use sf_runtime::Rng;
use sf_store::{Store, factors, lockout, users};
use sf_types::{Fault, Scope, Secret};

use super::line;
use crate::people::passwords;

/// Gives somebody a new password and ends all their sessions: for the forgetful, on the data folder. Whoever runs this
/// sees it, so it is good for [`super::GIVEN_PASSWORD_LIFETIME`] and has to be changed at the first sign-in.
///
/// # Errors
/// No such person, or it cannot be recorded.
pub async fn reset_password(store: &Store, rng: &Rng, email: Option<&str>) -> Result<(String, Secret<String>), Fault> {
    let user = find(store, email).await?;
    let password = sf_identity::password::generate(rng);
    let hash = Passwords::new(Cost::default(), 1, rng)?.hash(&password, &[]).await?;
    let (id, tenant) = (user.id, user.tenant);
    store
        .write(Scope::System, move |tx| {
            Box::pin(async move {
                passwords::give(tx, id, &hash, "the password was reset").await?;
                lockout::forgive(tx, id).await?;
                tx.audit(line::on_data_folder(tenant, id, "user.reset_password"));
                Ok(())
            })
        })
        .await?;
    Ok((user.email, password))
}

/// Takes somebody's second factors and recovery codes away, so that their password alone lets them in; answers who and
/// how many factors.
///
/// # Errors
/// No such person, or it cannot be recorded.
pub async fn reset_factors(store: &Store, email: Option<&str>) -> Result<(String, u64), Fault> {
    let user = find(store, email).await?;
    let (id, tenant) = (user.id, user.tenant);
    let removed = store.write(Scope::System, move |tx| {
        Box::pin(async move {
            let removed = factors::remove_all(tx, id).await?;
            lockout::forgive(tx, id).await?;
            tx.audit(line::on_data_folder(tenant, id, "user.reset_factors"));
            Ok(removed)
        })
    });
    Ok((user.email, removed.await?))
}

/// The person with this address, or the first one.
async fn find(store: &Store, email: Option<&str>) -> Result<users::User, Fault> {
    let reader = store.read(Scope::System);
    let user = match email {
        Some(email) => users::by_email(&reader, email).await?,
        None => users::page(&reader, None, &sf_types::PageRequest::default()).await?.items.pop(),
    };
    user.ok_or_else(|| crate::subject::missing("user", email.unwrap_or("")))
}
