//! The keys of this control plane: made at first start, sealed under the master key in the database; the root in a
//! file of its own that can be taken offline.

use std::path::PathBuf;
use std::sync::{PoisonError, RwLock};

use sf_identity::access::AccessKey;
use sf_identity::master::Sealed;
use sf_identity::root::Renewal;
use sf_identity::{AccessKeys, MasterKey, Online, Root};
use sf_protocol::wire::{decode_base64, encode_base64};
use sf_protocol::{Class, KeyId, PublicKey};
use sf_runtime::{Clock, OnError, Rng};
use sf_store::{Store, delegations, meta};
use sf_types::{Fault, InstanceId, Scope, Timestamp};
use uuid::Uuid;

use crate::control::Control;
use crate::options::{Options, StartError};
use crate::restore;
use crate::signer::Certified;
use crate::start::instance;

/// How often the certificate's age is looked at.
const LOOK_EVERY: std::time::Duration = std::time::Duration::from_secs(3600);

/// Keys and where they are.
#[derive(Debug)]
pub(crate) struct Keys {
    pub(crate) master: MasterKey,
    root_path: PathBuf,
    root: PublicKey,
    online: RwLock<(Online, Uuid)>,
}

impl Keys {
    /// Loads what there is and makes what is missing.
    pub(crate) async fn open(
        options: &Options,
        store: &Store,
        clock: &Clock,
        rng: &Rng,
    ) -> Result<(Self, AccessKeys), StartError> {
        let master = MasterKey::fetch(&options.master, rng).await?;
        let root_path = options.data.join("root.key");
        let file = Root::load(&root_path)?;
        let known = read(store, "root_public").await?;
        let root = match (&file, known) {
            (_, Some(text)) => PublicKey::try_from(text).map_err(|_| StartError::Damaged { what: "root key" })?,
            (Some(root), None) => root.public(),
            (None, None) => Root::create(&root_path, rng)?.public(),
        };
        let file = match file {
            Some(file) => Some(file),
            None => Root::load(&root_path)?,
        };
        write(store, "root_public", String::from(root)).await?;
        // Common to all control planes on this database; the audit chain alone is each one's own.
        let installation = instance::installation(store).await?;
        let own = Own { installation, master: &master, root: &root };
        let (online, id) = online(store, &own, file.as_ref(), clock.now(), rng, &root_path).await?;
        let access = access(store, &own, clock.now(), rng).await?;
        Ok((Self { master, root_path, root, online: RwLock::new((online, id)) }, access))
    }

    pub(crate) fn root_id(&self) -> KeyId {
        self.root.id()
    }

    pub(crate) fn delegation_id(&self) -> Uuid {
        self.online.read().unwrap_or_else(PoisonError::into_inner).1
    }

    /// The online key as the signer wants it.
    pub(crate) fn certified(&self) -> Certified {
        let online = &self.online.read().unwrap_or_else(PoisonError::into_inner).0;
        Certified {
            key: online.key.clone(),
            signed: online.certificate.clone(),
            delegation: online.delegation.clone(),
            root: self.root,
        }
    }
}

impl Control {
    /// Renews the certificate of the online key from its 20th day on, as long as the root key's file is there.
    pub(crate) fn start_renewal(&self) {
        let control = self.clone();
        self.core().tasks.spawn("certificate renewal", OnError::Log, async move {
            let shutdown = control.core().tasks.shutdown();
            while !shutdown.is_requested() {
                if let Err(error) = control.renew_if_due().await {
                    tracing::warn!(%error, "the signing key's certificate could not be renewed");
                }
                tokio::select! {
                    () = shutdown.requested() => {}
                    () = tokio::time::sleep(LOOK_EVERY) => {}
                }
            }
            Ok::<(), Fault>(())
        });
    }

    async fn renew_if_due(&self) -> Result<(), StartError> {
        let (core, now) = (self.core(), self.now());
        let online = core.keys.online.read().unwrap_or_else(PoisonError::into_inner).0.clone();
        if online.renewal(now) == Renewal::Fresh {
            return Ok(());
        }
        // Another control plane, which has the root key, may have renewed it for all.
        let newest = delegations::newest(&core.store.read(Scope::System), &online.key.public().id()).await?;
        if let Some(newest) = newest {
            let told = newest.signed.0.open(sf_protocol::Kind::Delegation, &core.keys.root);
            let renewed =
                told.map(|delegation| Online { certificate: newest.signed.0.clone(), delegation, ..online.clone() });
            if let Ok(renewed) = renewed
                && renewed.renewal(now) == Renewal::Fresh
                && renewed.delegation.epoch == online.delegation.epoch
            {
                *core.keys.online.write().unwrap_or_else(PoisonError::into_inner) = (renewed, newest.id);
                core.signer.renew(core.keys.certified());
                return Ok(());
            }
        }
        let renewed = Root::require(&core.keys.root_path)?.renew(&online, now);
        let id = keep(&core.store, &renewed).await?;
        *core.keys.online.write().unwrap_or_else(PoisonError::into_inner) = (renewed, id);
        core.signer.renew(core.keys.certified());
        tracing::info!("the signing key's certificate was renewed");
        Ok(())
    }
}

/// Raises the epoch after a restore from a backup, which ends that restore. Works on the data folder; the root key's
/// file must be there. The new epoch holds from the next start on.
///
/// # Errors
/// [`StartError`]; a missing root key is named with its path.
pub async fn raise_epoch(options: &Options, store: &Store, clock: &Clock, rng: &Rng) -> Result<u64, StartError> {
    let (keys, _) = Keys::open(options, store, clock, rng).await?;
    let online = keys.online.read().unwrap_or_else(PoisonError::into_inner).0.clone();
    let raised = Root::require(&keys.root_path)?.raise_epoch(&online, clock.now());
    restore::resume(store, raised.clone()).await?;
    Ok(raised.delegation.epoch)
}

/// What keys are sealed and certified with.
struct Own<'a> {
    installation: InstanceId,
    master: &'a MasterKey,
    root: &'a PublicKey,
}

async fn online(
    store: &Store,
    own: &Own<'_>,
    file: Option<&Root>,
    now: Timestamp,
    rng: &Rng,
    root_path: &std::path::Path,
) -> Result<(Online, Uuid), StartError> {
    let Own { installation, master, root } = *own;
    let sealed = read(store, "online_key").await?;
    let reader = store.read(Scope::System);
    let certificate = match read(store, "online_key_id").await?.and_then(|id| id.parse().ok()) {
        Some(id) => delegations::newest(&reader, &id).await?,
        None => None,
    };
    if let (Some(sealed), Some(stored)) = (sealed, certificate) {
        let online = Online::restore(installation, &unseal(&sealed)?, stored.signed.0, root, master);
        let online = online.map_err(other_master)?;
        return Ok((online, stored.id));
    }
    let missing = || sf_identity::IdentityError::RootAbsent { path: root_path.to_owned() };
    let file = file.ok_or_else(missing)?;
    let classes = vec![Class::Read, Class::Operate, Class::Danger];
    let made = file.certify(Online::generate_key(rng), installation, 1, classes, now);
    write(store, "online_key_id", made.key.public().id().to_string()).await?;
    write(store, "online_key", encode_base64(&made.seal_key(master, rng).to_bytes())).await?;
    let id = keep(store, &made).await?;
    Ok((made, id))
}

/// Stores a certificate; the newest one counts.
async fn keep(store: &Store, online: &Online) -> Result<Uuid, StartError> {
    let Online { certificate, delegation, .. } = online.clone();
    let id = store
        .write(Scope::System, move |tx| {
            Box::pin(async move {
                let (key, epoch) = (delegation.key.id(), delegation.epoch);
                delegations::create(tx, &certificate, key, epoch, delegation.not_before, delegation.not_after).await
            })
        })
        .await?;
    Ok(id)
}

fn other_master(error: sf_identity::IdentityError) -> StartError {
    match error {
        sf_identity::IdentityError::OtherMasterKey { .. } => StartError::OtherMaster(error),
        other => other.into(),
    }
}

async fn access(store: &Store, own: &Own<'_>, now: Timestamp, rng: &Rng) -> Result<AccessKeys, StartError> {
    let Own { installation, master, .. } = *own;
    let damaged = || StartError::Damaged { what: "access token key" };
    let mut keys = Vec::new();
    for line in read(store, "access_keys").await?.unwrap_or_default().lines() {
        let mut parts = line.split(' ');
        let (Some(id), Some(at), Some(sealed)) = (parts.next(), parts.next(), parts.next()) else {
            return Err(damaged());
        };
        let at = Timestamp::from_millis(at.parse().map_err(|_| damaged())?);
        keys.push(AccessKey::open(id, at, &unseal(sealed)?, master)?);
    }
    let known = match keys.is_empty() {
        true => AccessKeys::new(installation, AccessKey::generate(now, rng), []),
        false => AccessKeys::new(installation, keys.remove(0), keys),
    };
    let known = if known.is_rotation_due(now) { known.rotated(AccessKey::generate(now, rng)) } else { known };
    let line = |key: &AccessKey| {
        format!("{} {} {}", key.id(), key.created_at().as_millis(), encode_base64(&key.seal(master, rng).to_bytes()))
    };
    let lines: Vec<_> = known.keys().iter().map(line).collect();
    write(store, "access_keys", lines.join("\n")).await?;
    Ok(known)
}

fn unseal(text: &str) -> Result<Sealed, StartError> {
    let damaged = StartError::Damaged { what: "sealed key" };
    let Ok(bytes) = decode_base64(text) else { return Err(damaged) };
    Sealed::from_bytes(&bytes).ok_or(damaged)
}

async fn read(store: &Store, key: &str) -> Result<Option<String>, StartError> {
    Ok(meta::get(&store.read(Scope::System), key).await?)
}

async fn write(store: &Store, key: &'static str, value: String) -> Result<(), StartError> {
    Ok(store.write(Scope::System, move |tx| Box::pin(async move { meta::set(tx, key, &value).await })).await?)
}
