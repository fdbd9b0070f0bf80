//! `reset`: as `down`, and the data is gone, too.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use serde_json::json;

use super::agreed;
use super::down::end_all;
use super::place::Place;
use crate::context::Context;
use crate::credentials::{Credentials, Stored};
use crate::failure::{Done, Exit, Failure};

/// Arguments of `reset`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Do not ask.
    #[arg(long)]
    yes: bool,
    /// The state folder, where it is not this clone's own.
    #[arg(long, value_name = "DIR", env = "SERVERFLOW_STATE")]
    state: Option<PathBuf>,
}

/// Ends everything and deletes the state folder.
///
/// # Errors
/// Nobody agreed; a folder that `up` did not make.
pub async fn run(context: &Context, args: Args) -> Done {
    let place = Place::here(args.state.as_deref())?;
    if place.record()?.is_none() {
        if place.state.is_dir() && fs::read_dir(&place.state).is_ok_and(|mut entries| entries.next().is_some()) {
            let message = format!("{} has no up.json: it was not made by `up`.", place.state.display());
            return Err(Failure::new(Exit::Failed, "reset.not_ours", message)
                .fix("Delete it by hand if it is yours to delete."));
        }
        context.screen.answer(&json!({ "deleted": null }), |_| "There is nothing to reset.".to_owned());
        return Ok(Exit::Succeeded);
    }
    let question = format!("Stop everything of this clone and delete {} with all its data?", place.state.display());
    if !args.yes && !agreed(&question)? {
        return Ok(Exit::Refused);
    }
    end_all(&place).await?;
    let token = place.token()?;
    delete(&place.state)?;
    forget(token)?;
    context.screen.answer(&json!({ "deleted": place.state }), |_| {
        format!("Everything is stopped and {} is deleted.", place.state.display())
    });
    Ok(Exit::Succeeded)
}

/// Deletes a tree. Releases are read-only; their owner has to make their folders writable first.
fn delete(folder: &Path) -> Result<(), Failure> {
    if !nix::unistd::geteuid().is_root() {
        make_writable(folder);
    }
    fs::remove_dir_all(folder).map_err(|error| Failure::file(folder, &error))
}

fn make_writable(folder: &Path) {
    drop(fs::set_permissions(folder, fs::Permissions::from_mode(0o700)));
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            make_writable(&entry.path());
        }
    }
}

/// The token of a control plane that is no more is of no use.
fn forget(token: Option<Stored>) -> Result<(), Failure> {
    let Some(stored) = token else { return Ok(()) };
    let mut credentials = Credentials::load()?;
    credentials.forget(&stored.token);
    credentials.save()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn read_only_trees_are_deleted_and_links_are_not_followed() {
        let folder = tempfile::tempdir().unwrap();
        let (state, other) = (folder.path().join("state"), folder.path().join("other"));
        fs::create_dir_all(state.join("a/b")).unwrap();
        fs::create_dir_all(&other).unwrap();
        fs::write(other.join("kept"), "").unwrap();
        std::os::unix::fs::symlink(&other, state.join("a/link")).unwrap();
        fs::write(state.join("a/b/file"), "").unwrap();
        fs::set_permissions(state.join("a/b"), fs::Permissions::from_mode(0o500)).unwrap();
        delete(&state).unwrap();
        assert!(!state.exists() && other.join("kept").exists());
    }
}
