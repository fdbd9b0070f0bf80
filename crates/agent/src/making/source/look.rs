//! Looks at repositories that belong to no app: each repository has a cache of its own, and few of them are kept.

use std::path::Path;
use std::time::SystemTime;

use super::git::{self, hash};
use super::{RepoUrl, Sources};
use crate::daemon::aside;

/// Caches of looks kept on disk, those used last.
pub const LOOK_CACHES_KEPT: usize = 4;

/// Begins the key of every look.
const LOOK: &str = "look-";

/// The key of looks at a repository: by its address, so that two repositories never share a cache or wait for each other.
pub(super) fn key(url: &RepoUrl) -> String {
    format!("{LOOK}{}", hash(url))
}

impl Sources {
    /// Removes the caches of looks that were used longest ago, but for [`LOOK_CACHES_KEPT`] and those in use.
    pub async fn prune_looks(&self) {
        let cache = self.options.cache.clone();
        for key in aside::short(move || beyond_kept(&cache)).await {
            let Ok(turn) = self.lock(&key).try_lock_owned() else { continue };
            let (options, name) = (self.options.clone(), key.clone());
            let forget = move || {
                // Held until it is gone.
                let _turn = turn;
                git::forget(&options.cache, &name, None)?;
                options.users.give_back(&git::user_name(&name))
            };
            if let Err(error) = aside::long(forget).await {
                tracing::warn!(key, %error, "the cache of a look could not be removed");
            }
        }
    }
}

/// Keys of the caches used longest ago.
fn beyond_kept(cache: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(cache).into_iter().flatten().flatten();
    let mut looks: Vec<(SystemTime, String)> = entries
        .filter_map(|entry| {
            let name = entry.file_name().into_string().ok()?;
            let (hash, _) = name.strip_prefix(LOOK)?.split_once('-')?;
            // Its home is made anew at each use.
            Some((entry.metadata().ok()?.modified().ok()?, format!("{LOOK}{hash}")))
        })
        .collect();
    looks.sort_unstable_by(|a, b| b.cmp(a));
    looks.into_iter().skip(LOOK_CACHES_KEPT).map(|(_, key)| key).collect()
}
