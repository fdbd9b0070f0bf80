//! `backup`: a whole control plane in one encrypted file, made while it runs; looked through; and put back.
//!
//! Start reading at `archive` (what is inside), then `create`, `restore`. `seal` is the encryption.

mod archive;
mod create;
mod restore;
mod seal;
mod verify;

use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};
use sf_runtime::{Clock, Rng};

use crate::clone::Place;
use crate::config::Config;
use crate::context::Context;
use crate::failure::{Done, Failure};

/// The database in the data folder, where it is SQLite and no other place is configured.
const DATABASE: &str = "serverflow.db";
/// The master key in the data folder.
const MASTER_KEY: &str = "master.key";
/// The root key, unless it was taken offline.
const ROOT_KEY: &str = "root.key";
/// Files of the data folder that a backup holds: nothing else is taken out of one either.
const FILES: &[&str] = &[MASTER_KEY, ROOT_KEY, "agents-tls.crt", "agents-tls.key", "metrics.token"];

/// Arguments of `backup`.
#[derive(Debug, Args)]
pub struct BackupArgs {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Write database and keys of a control plane, which may be running, into one encrypted file
    Create(create::CreateArgs),
    /// Look whether a backup is whole, and at what is in it
    Verify(verify::VerifyArgs),
    /// Make a control plane out of a backup; its nodes go on with it
    Restore(restore::RestoreArgs),
}

/// Runs `backup`.
///
/// # Errors
/// What kept it from being done.
pub async fn run(context: &Context, args: BackupArgs) -> Done {
    match args.command {
        Command::Create(args) => create::run(context, &args, &Clock::system()).await,
        Command::Verify(args) => verify::run(context, &args),
        Command::Restore(args) => restore::run(context, &args, &Clock::system(), &Rng::system()).await,
    }
}

/// The configuration, with the data folder as an absolute path: the given one, else this clone's, where `up` made one,
/// else the configured one.
fn config(context: &Context, data: Option<&Path>) -> Result<Config, Failure> {
    let mut config = Config::load(context.config_file().as_deref())?;
    match data {
        Some(folder) => config.data.folder = folder.to_owned(),
        None => {
            let control = Place::here(None)?.control();
            if context.config_file().is_none() && control.is_dir() {
                config.data.folder = control;
            }
        }
    }
    let folder: PathBuf =
        std::path::absolute(&config.data.folder).map_err(|error| Failure::file(&config.data.folder, &error))?;
    config.data.folder = folder;
    Ok(config)
}
