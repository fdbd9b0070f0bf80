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

    /// Has nginx serve `sites` and nothing else of ours.
    ///
    /// # Errors
    /// `proxy.*`; the link leads to where it led before then.
    pub async fn change(&self, nginx: &Nginx, ground: &Ground, sites: Vec<Site>) -> Result<(), Fault> {
        let before = self.live();
        let fresh = self.dir.join(format!("gen-{:032x}", ground.token));
        let done = self.try_change(nginx, ground, sites, &fresh).await;
        if done.is_err() {
            self.go_back(nginx, before.as_deref()).await;
        }
        self.sweep();
        done
    }

    async fn try_change(&self, nginx: &Nginx, ground: &Ground, sites: Vec<Site>, fresh: &Path) -> Result<(), Fault> {
        write_all(fresh, ground, sites)?;
        nginx.accepts_alone(fresh, &self.dir.join("test")).await?;
        fail::fail_point!("proxy-before-link");
        self.point(fresh)?;
        fail::fail_point!("proxy-after-link");
        nginx.lead_to(&self.dir.join(LIVE))?;
        nginx.accepts_whole().await?;
        nginx.take().await?;
        nginx.serves(ground.token).await
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
            Ok(()) if before.is_some() => nginx.take().await,
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
            let is_ours = entry.file_name().to_str().is_some_and(|name| name.starts_with("gen-"));
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

fn write_all(fresh: &Path, ground: &Ground, sites: Vec<Site>) -> Result<(), Fault> {
    super::folder(fresh, 0o711)?;
    write(&fresh.join("00-shared.conf"), &config::shared(ground))?;
    for mut site in sites {
        let settings = &site.spec.settings;
        if let Some(maintenance) = settings.maintenance.as_ref().filter(|_| settings.redirect.is_none()) {
            let page = fresh.join(format!("{}.html", site.spec.proxy));
            // nginx's workers read it.
            tree::write_atomically(&page, config::page(maintenance).as_bytes(), 0o644)
                .map_err(|error| disk(&page, &error))?;
            site.page = Some(page);
        }
        write(&fresh.join(format!("{}.conf", site.spec.proxy)), &config::site(&site, ground))?;
    }
    tree::sync_dir(fresh).map_err(|error| disk(fresh, &error))
}

fn write(path: &Path, lines: &[Directive]) -> Result<(), Fault> {
    let text = text::text(lines).map_err(|error| unwritable(&error))?;
    tree::write_atomically(path, text.as_bytes(), 0o644).map_err(|error| disk(path, &error))
}
