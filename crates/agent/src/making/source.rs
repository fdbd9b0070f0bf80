//! Repositories: which commit a reference is, and its files, from hosts and repositories that are not trusted.
//!
//! git only ever runs as a confined child ([`git`]) with an address of our own closed type ([`RepoUrl`]) in its
//! environment, never on its command line. The host is resolved and checked first and the connection pinned to the
//! checked address ([`address`]). Files are not checked out by git: the tree is listed and judged as a whole, then
//! written by us ([`checkout`]), so no filter, hook, attribute or submodule of the repository takes effect.

pub mod address;
mod authority;
pub mod checkout;
mod credential;
mod fault;
mod git;
mod look;
mod ssh;
mod tip;
pub mod url;

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use sf_protocol::order::GitSource;
use sf_protocol::query::Revision;
use sf_types::{ByteSize, Secret};
use tokio_util::sync::CancellationToken;

pub use checkout::Checkout;
pub use fault::SourceError;
pub use look::LOOK_CACHES_KEPT;
pub use url::RepoUrl;

use crate::daemon::aside;
use crate::policy::Policy;
use crate::user::Users;
use git::Git;

/// References answered at the most; a repository may have any number.
pub const REFERENCES_MAX: usize = 200;

/// Longest first line of a commit message kept, in characters.
pub const SUBJECT_CHARS: usize = 200;

/// What a fetch may take.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct FetchLimits {
    /// Bytes on disk of one repository's cache; git is stopped beyond.
    pub cache: ByteSize,
    /// Bytes of all files of a revision.
    pub tree: ByteSize,
    /// Bytes of one file.
    pub file: ByteSize,
    /// Files and links of a revision.
    pub entries: u64,
    /// Nesting of folders of a revision.
    pub depth: usize,
    /// Wall-clock time of one fetch.
    pub time: Duration,
}

impl Default for FetchLimits {
    fn default() -> Self {
        Self {
            cache: ByteSize::mib(4096),
            tree: ByteSize::mib(2048),
            file: ByteSize::mib(512),
            entries: 200_000,
            depth: 200,
            time: Duration::from_secs(600),
        }
    }
}

/// Where the pieces lie.
#[derive(Clone, Debug)]
pub struct Options {
    /// Agent's folder: `credentials` (lines of git-credential-store(1), 0600), `ssh_key` (0600), `known_hosts`,
    /// `authorities.pem` (of https hosts that no public authority vouches for).
    pub state: PathBuf,
    /// Folder for caches, one below it for each key; made where it is not there.
    pub cache: PathBuf,
    /// Numeric users for git, where the agent is root.
    pub users: Arc<Users>,
    /// What a fetch may take.
    pub limits: FetchLimits,
    /// Opens ssh repositories in place of `ssh_key`: an OpenSSH private key.
    pub key: Option<Secret<String>>,
}

type Turn = tokio::sync::OwnedMutexGuard<()>;

/// Resolves and fetches. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Sources {
    options: Arc<Options>,
    locks: Arc<Mutex<HashMap<String, Arc<tokio::sync::Mutex<()>>>>>,
}

impl Sources {
    /// With these options.
    pub fn new(options: Options) -> Self {
        Self { options: Arc::new(options), locks: Arc::default() }
    }

    /// The same, which opens ssh repositories with this key and no other.
    #[must_use]
    pub fn opening_with(&self, key: Option<Secret<String>>) -> Self {
        let Some(key) = key else { return self.clone() };
        let options = Options { key: Some(key), ..self.options.as_ref().clone() };
        Self { options: Arc::new(options), locks: self.locks.clone() }
    }

    /// The commit of a reference (or of the default branch) right now. An exact commit in `source` is answered
    /// unasked; whether it exists shows at the fetch. The subject stays empty.
    ///
    /// # Errors
    /// [`SourceError`]; see its variants.
    pub async fn resolve(
        &self,
        source: &GitSource,
        policy: &Policy,
        cancel: &CancellationToken,
    ) -> Result<Revision, SourceError> {
        check(source)?;
        let reference = source.reference.clone().unwrap_or_default();
        if let Some(commit) = &source.commit {
            return Ok(Revision { commit: commit.clone(), reference, subject: String::new() });
        }
        let key = look::key(&RepoUrl::parse(&source.url)?);
        let _turn = self.turn_or(&key, cancel).await?;
        let git = self.open(&key, source, policy).await?;
        git.tip(source.reference.as_deref(), cancel).await
    }

    /// As [`Sources::fetch`], for a look that belongs to no app; answers also branches and tags, at most
    /// [`REFERENCES_MAX`], branches first. Looks at one repository wait for each other.
    ///
    /// # Errors
    /// As [`Sources::fetch`].
    pub async fn inspect(
        &self,
        source: &GitSource,
        policy: &Policy,
        dest: &Path,
        cancel: &CancellationToken,
    ) -> Result<(Checkout, Vec<String>), SourceError> {
        let key = look::key(&RepoUrl::parse(&source.url)?);
        let checkout = self.fetch(&key, source, policy, (dest, None), cancel).await?;
        let _turn = self.turn_or(&key, cancel).await?;
        let git = self.open(&key, source, policy).await?;
        Ok((checkout, git.references(cancel).await?))
    }

    /// Fetches a revision and writes its files into `dest`, an empty folder; tells what has changed `since` an earlier
    /// commit. `key` names the cache to use (an app's id); fetches of one key wait for each other. A commit in the cache
    /// is not fetched again.
    ///
    /// # Errors
    /// [`SourceError`]; what was written to `dest` before is then still there.
    pub async fn fetch(
        &self,
        key: &str,
        source: &GitSource,
        policy: &Policy,
        (dest, since): (&Path, Option<&str>),
        cancel: &CancellationToken,
    ) -> Result<Checkout, SourceError> {
        check(source)?;
        let _turn = self.turn_or(key, cancel).await?;
        let git = self.open(key, source, policy).await?;
        let mut revision = match &source.commit {
            Some(commit) => {
                let reference = source.reference.clone().unwrap_or_default();
                Revision { commit: commit.clone(), reference, subject: String::new() }
            }
            None => git.tip(source.reference.as_deref(), cancel).await?,
        };
        git.bring(&revision, cancel).await?;
        let (tree, subject) = git.describe(&revision.commit, cancel).await?;
        revision.subject = subject;
        let changed = match since.filter(|since| url::check_commit(since).is_ok()) {
            Some(since) => git.changed(since, &revision.commit, cancel).await,
            None => None,
        };
        let listing = git.list(&revision.commit, cancel).await?;
        let checkout = git.write(listing, revision, dest, cancel).await?;
        Ok(Checkout { tree, changed, ..checkout })
    }

    /// Removes the caches of a key. Call it when its app is deleted.
    ///
    /// # Errors
    /// The disk's reason.
    pub async fn forget(&self, key: &str) -> std::io::Result<()> {
        let _turn = self.turn(key).await;
        let (cache, name) = (self.options.cache.clone(), key.to_owned());
        aside::long(move || git::forget(&cache, &name, None)).await?;
        self.options.users.give_back(&git::user_name(key))
    }

    async fn open(&self, key: &str, source: &GitSource, policy: &Policy) -> Result<Git, SourceError> {
        let url = RepoUrl::parse(&source.url)?;
        if let RepoUrl::File { path } = &url {
            let path = allowed_folder(path, policy)?;
            return Git::open(self.options.clone(), key, RepoUrl::File { path }, None, policy).await;
        }
        let (host, port) = (url.host().unwrap_or_default().to_owned(), url.port().unwrap_or_default());
        let address = address::choose(&host, port, policy).await?;
        Git::open(self.options.clone(), key, url, Some(address), policy).await
    }

    fn lock(&self, key: &str) -> Arc<tokio::sync::Mutex<()>> {
        let mut locks = self.locks.lock().unwrap_or_else(PoisonError::into_inner);
        locks.retain(|_, lock| Arc::strong_count(lock) > 1);
        locks.entry(key.to_owned()).or_default().clone()
    }

    async fn turn(&self, key: &str) -> Turn {
        self.lock(key).lock_owned().await
    }

    async fn turn_or(&self, key: &str, cancel: &CancellationToken) -> Result<Turn, SourceError> {
        tokio::select! {
            turn = self.turn(key) => Ok(turn),
            () = cancel.cancelled() => Err(SourceError::Cancelled),
        }
    }
}

fn check(source: &GitSource) -> Result<(), SourceError> {
    source.reference.as_deref().map_or(Ok(()), url::check_reference)?;
    source.commit.as_deref().map_or(Ok(()), url::check_commit)
}

/// The real folder of a `file://` address, if it lies below one that the policy lists.
fn allowed_folder(path: &Path, policy: &Policy) -> Result<PathBuf, SourceError> {
    let outside = || SourceError::FileOutside { path: path.to_owned(), listed: policy.allow_file_below.clone() };
    // Whether a path outside the listed folders exists is not told: the canonical form decides, silently.
    let real = path.canonicalize().map_err(|_| outside())?;
    let listed = policy.allow_file_below.iter().filter_map(|dir| dir.canonicalize().ok());
    let plain = real.to_str().is_some_and(|text| !text.contains('%') && !text.chars().any(char::is_control));
    if !plain || !listed.into_iter().any(|dir| real.starts_with(dir)) || policy.denies_directory(&real) {
        return Err(outside());
    }
    Ok(real)
}

#[cfg(test)]
mod tests;
