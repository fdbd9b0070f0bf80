//! What a control plane restored from a backup does before it serves: a higher epoch, and nothing open from before.

use std::path::Path;

use sf_identity::Online;
use sf_store::audit::Entry;
use sf_store::dump::{RESTORED, end_what_was_open};
use sf_store::{Store, delegations, meta};
use sf_types::Scope;

use crate::options::StartError;

/// A file in the data folder while a backup is put into it.
pub const GUARD_FILE: &str = "restoring";

/// Refuses a data folder into which a backup is being put, or was half put.
///
/// # Errors
/// [`StartError::Restoring`].
pub(crate) fn refuse_half(data: &Path) -> Result<(), StartError> {
    if data.join(GUARD_FILE).exists() { Err(StartError::Restoring { data: data.to_owned() }) } else { Ok(()) }
}

/// Refuses to serve a restored database whose epoch was not raised.
///
/// # Errors
/// [`StartError::Restored`]; when the database fails.
pub(crate) async fn refuse_unfinished(store: &Store) -> Result<(), StartError> {
    let mark = meta::get(&store.read(Scope::System), RESTORED).await?;
    if mark.is_some() { Err(StartError::Restored) } else { Ok(()) }
}

/// Keeps the certificate of a higher epoch. Where the database was restored, the same transaction ends sessions and
/// open one-time tokens, says so in the audit chain, and takes the mark away.
pub(crate) async fn resume(store: &Store, raised: Online) -> Result<(), StartError> {
    let instance = store.instance();
    let work = store.write(Scope::System, move |tx| {
        Box::pin(async move {
            let Online { certificate, delegation, .. } = &raised;
            let (key, epoch) = (delegation.key.id(), delegation.epoch);
            delegations::create(tx, certificate, key, epoch, delegation.not_before, delegation.not_after).await?;
            let mark = meta::get(tx, RESTORED).await?;
            let mut fields = vec![("epoch", epoch.to_string())];
            if let Some(made) = &mark {
                // What is gone lies between that moment and this line; counted is what was ended.
                fields.push(("from", made.clone()));
                let ended: u64 = end_what_was_open(tx).await?.into_iter().map(|(_, rows)| rows).sum();
                fields.push(("count", ended.to_string()));
                meta::remove(tx, RESTORED).await?;
                super::instance::release_first(tx).await?;
            }
            tx.audit(Entry {
                tenant: None,
                project: None,
                actor_kind: "system".to_owned(),
                actor_ref: "admin".to_owned(),
                action: if mark.is_some() { "instance.restore" } else { "instance.raise_epoch" }.to_owned(),
                target_kind: "instance".to_owned(),
                target_id: instance.to_string(),
                run: None,
                request: None,
                outcome: "succeeded".to_owned(),
                fields,
                personal: Vec::new(),
            });
            Ok(())
        })
    });
    Ok(work.await?)
}
