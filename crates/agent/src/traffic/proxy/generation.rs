//! The files that nginx reads: a folder for each change, and a link to the one that counts.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use sf_types::Fault;

use super::config::{self, Ground, Site};
use super::nginx::{Nginx, disk, unwritable};
use super::text::{self, Directive};
use crate::release::tree;

/// Name of the link.
const LIVE: &str = "live";
/// What the names of folders begin with; their token follows.
const PREFIX: &str = "gen-";

/// The folders of changes.
#[derive(Debug)]
pub struct Generations {
    dir: PathBuf,
}

impl Generations {
    /// Below `dir`.
    ///
    /// # Errors
    /// `proxy.disk`.
    pub fn open(dir: &Path) -> Result<Self, Fault> {
        super::folder(dir, 0o711)?;
        Ok(Self { dir: dir.to_owned() })
    }

    /// Has nginx serve `sites` and nothing else of ours. One that serves just that already is left in peace.
    ///
    /// # Errors
    /// `proxy.*`; the link leads to where it led before then.
    pub async fn change(&self, nginx: &Nginx, ground: &Ground, sites: &[Site]) -> Result<(), Fault> {
        if self.is_served(nginx, ground, sites).await {
            return Ok(());
        }
        let before = self.live();
        let fresh = self.dir.join(format!("{PREFIX}{:032x}", ground.token));
        let done = self.try_change(nginx, ground, sites, &fresh).await;
        if done.is_err() {
            self.go_back(nginx, before.as_deref()).await;
        }
        self.sweep();
        done
    }

    /// Whether the files that count are the ones that would be written, and nginx has taken them.
    async fn is_served(&self, nginx: &Nginx, ground: &Ground, sites: &[Site]) -> bool {
        let Some(live) = self.live() else { return false };
        let Some(token) = token_of(&live) else { return false };
        let Ok(files) = files(&live, &Ground { token, ..ground.clone() }, sites) else { return false };
        let same = |(path, text): &(PathBuf, String)| fs::read_to_string(path).is_ok_and(|there| there == *text);
        let others = fs::read_dir(&live).map_or(0, Iterator::count) != files.len();
        !others && files.iter().all(same) && nginx.is_led_to(&self.dir.join(LIVE)) && nginx.shows(token).await
    }

    async fn try_change(&self, nginx: &Nginx, ground: &Ground, sites: &[Site], fresh: &Path) -> Result<(), Fault> {
        write_all(fresh, &files(fresh, ground, sites)?)?;
        nginx.accepts_alone(fresh, &self.dir.join("test")).await?;
        fail::fail_point!("proxy-before-link");
        self.point(fresh)?;
        fail::fail_point!("proxy-after-link");
        nginx.lead_to(&self.dir.join(LIVE))?;
        nginx.accepts_whole().await?;
        let earlier = nginx.take().await?;
        nginx.serves(ground.token, &earlier).await
    }

    /// What was served before: nginx may have taken something, so it is told again.
    async fn go_back(&self, nginx: &Nginx, before: Option<&Path>) {
        let back = match before {
            Some(before) if self.live().as_deref() == Some(before) => return,
            Some(before) => self.point(before),
            None => fs::remove_file(self.dir.join(LIVE)).map_err(|error| disk(&self.dir, &error)),
        };
        let back = match back {
            // Before the first one there is nothing to have it take.
            Ok(()) if before.is_some() => nginx.take().await.map(drop),
            other => other,
        };
        if let Err(fault) = back {
            tracing::warn!(%fault, "the earlier domains could not be put back");
        }
    }

    fn live(&self) -> Option<PathBuf> {
        fs::read_link(self.dir.join(LIVE)).ok().map(|to| self.dir.join(to))
    }

    /// Moves the link, at once.
    fn point(&self, to: &Path) -> Result<(), Fault> {
        let (link, staged) = (self.dir.join(LIVE), self.dir.join("live-next"));
        let moved = remove_link(&staged)
            .and_then(|()| std::os::unix::fs::symlink(to.file_name().unwrap_or_default(), &staged))
            .and_then(|()| fs::rename(&staged, &link))
            .and_then(|()| tree::sync_dir(&self.dir));
        moved.map_err(|error| disk(&link, &error))
    }

    /// Removes folders that nothing leads to.
    fn sweep(&self) {
        let live = self.live();
        for entry in fs::read_dir(&self.dir).into_iter().flatten().flatten() {
            let is_ours = entry.file_name().to_str().is_some_and(|name| name.starts_with(PREFIX));
            if is_ours
                && live.as_deref() != Some(&entry.path())
                && let Err(error) = tree::remove(&entry.path())
            {
                tracing::warn!(%error, "an old folder of domains stays");
            }
        }
    }
}

fn remove_link(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

fn token_of(folder: &Path) -> Option<u128> {
    u128::from_str_radix(folder.file_name()?.to_str()?.strip_prefix(PREFIX)?, 16).ok()
}

/// All files of `folder`, with their text.
fn files(folder: &Path, ground: &Ground, sites: &[Site]) -> Result<Vec<(PathBuf, String)>, Fault> {
    let text_of = |lines: &[Directive]| text::text(lines).map_err(|error| unwritable(&error));
    let mut files = vec![(folder.join("00-shared.conf"), text_of(&config::shared(ground))?)];
    for site in sites {
        let (settings, proxy) = (&site.spec.settings, site.spec.proxy);
        let page = settings.maintenance.as_ref().filter(|_| settings.redirect.is_none()).map(|maintenance| {
            let page = folder.join(format!("{proxy}.html"));
            files.push((page.clone(), config::page(maintenance)));
            page
        });
        files.push((folder.join(format!("{proxy}.conf")), text_of(&config::site(site, page.as_deref(), ground))?));
    }
    Ok(files)
}

/// nginx's workers read pages, so that all of it may be read.
fn write_all(folder: &Path, files: &[(PathBuf, String)]) -> Result<(), Fault> {
    super::folder(folder, 0o711)?;
    for (path, text) in files {
        tree::write_atomically(path, text.as_bytes(), 0o644).map_err(|error| disk(path, &error))?;
    }
    tree::sync_dir(folder).map_err(|error| disk(folder, &error))
}
