//! Which audit chain is this control plane's. Several of them may work on one PostgreSQL, each with a data folder and a
//! chain of its own; the keys are the installation's and common to all, under one master key.

use std::io::ErrorKind;
use std::path::Path;

use sf_runtime::{Clock, Rng, Tasks};
use sf_store::{Store, StoreError, StoreOptions, meta};
use sf_types::{InstanceId, Scope};

use crate::options::{Options, StartError};

/// File in the data folder with the chain's id.
pub const INSTANCE_FILE: &str = "instance";
/// Under which the database keeps the installation's id; it is also the chain of the first control plane.
const INSTALLATION: &str = "instance";
/// Under which the database keeps that a data folder has taken the first chain.
const TAKEN: &str = "instance_taken";

/// The chain that a data folder has; `None` where it has none of its own yet.
///
/// # Errors
/// The file cannot be read, or holds no id.
pub fn of_folder(data: &Path) -> Result<Option<InstanceId>, StartError> {
    match std::fs::read_to_string(data.join(INSTANCE_FILE)) {
        Ok(text) => text.trim().parse().map(Some).map_err(|_| StartError::Damaged { what: "file `instance`" }),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(unusable(data, &error)),
    }
}

/// Opens the store for the chain of this data folder. The first folder at a server takes the installation's own chain,
/// every other one begins another.
pub(crate) async fn open_store(
    options: &Options,
    clock: &Clock,
    rng: &Rng,
    tasks: &Tasks,
) -> Result<Store, StartError> {
    let instance = match options.store.instance {
        Some(instance) => Some(instance),
        None => of_folder(&options.data)?,
    };
    let own = StoreOptions { instance, ..options.store.clone() };
    let open = async |own: &StoreOptions| Store::open(own, clock.clone(), rng.clone(), tasks).await;
    let store = open(&own).await?;
    // A database file belongs to one data folder as it is.
    if own.sqlite_path().is_some() {
        return Ok(store);
    }
    if let Some(instance) = own.instance {
        // After a restore nobody has the first chain but who says so here.
        store.write(Scope::System, move |tx| Box::pin(take_again(tx, instance))).await?;
        return Ok(store);
    }
    let is_first = store.write(Scope::System, |tx| Box::pin(take_first(tx))).await?;
    let instance = if is_first { store.instance() } else { rng.id(clock) };
    keep(&options.data, instance)?;
    match is_first {
        true => Ok(store),
        false => Ok(open(&StoreOptions { instance: Some(instance), ..own }).await?),
    }
}

/// Written down before the folder knows of it: what dies between the two leaves a chain that nobody goes on with, and
/// never one that two go on with.
async fn take_first(tx: &mut sf_store::Tx) -> Result<bool, StoreError> {
    if meta::get(tx, TAKEN).await?.is_some() {
        return Ok(false);
    }
    meta::set(tx, TAKEN, "yes").await?;
    Ok(true)
}

async fn take_again(tx: &mut sf_store::Tx, instance: InstanceId) -> Result<(), StoreError> {
    let is_first = meta::get(tx, INSTALLATION).await?.is_some_and(|first| first == instance.to_string());
    if is_first { take_first(tx).await.map(drop) } else { Ok(()) }
}

/// A restored database is a new home: the data folder that starts with it takes the first chain, in which its restore
/// stands.
pub(crate) async fn release_first(tx: &mut sf_store::Tx) -> Result<(), StoreError> {
    meta::remove(tx, TAKEN).await.map(drop)
}

fn keep(data: &Path, instance: InstanceId) -> Result<(), StartError> {
    let part = data.join(format!("{INSTANCE_FILE}.part"));
    let written = std::fs::write(&part, format!("{instance}\n"));
    written.and_then(|()| std::fs::rename(&part, data.join(INSTANCE_FILE))).map_err(|error| unusable(data, &error))
}

fn unusable(data: &Path, error: &std::io::Error) -> StartError {
    StartError::Instance { file: data.join(INSTANCE_FILE), why: error.to_string() }
}

/// The installation: what online keys are certified for, and what access tokens name.
///
/// # Errors
/// When the database fails or holds no id there.
pub(crate) async fn installation(store: &Store) -> Result<InstanceId, StartError> {
    let own = store.instance();
    let text = store
        .write(Scope::System, move |tx| {
            Box::pin(async move {
                let known = meta::get(tx, INSTALLATION).await?;
                if known.is_none() {
                    meta::set(tx, INSTALLATION, &own.to_string()).await?;
                }
                Ok(known)
            })
        })
        .await?;
    match text {
        Some(text) => text.parse().map_err(|_| StartError::Damaged { what: "id of the installation" }),
        None => Ok(own),
    }
}
