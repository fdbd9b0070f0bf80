//! Sees whether only install fills the folder that it fills, and whether it writes nowhere else.

use std::path::{Path, PathBuf};

use super::Site;
use crate::daemon::aside;
use crate::making::hot::{CACHES, Installed};
use crate::release::tree::{self, Mark};

/// The look at one build.
#[derive(Debug)]
pub(super) struct Watch {
    tree: PathBuf,
    folder: Option<PathBuf>,
    name: String,
    /// Everything else, before anything ran.
    before: Option<Mark>,
    /// The folder as install left it, or why it cannot be taken over.
    filled: Option<Result<Mark, String>>,
}

impl Watch {
    /// Begins, before anything runs.
    pub async fn begin(site: &Site, root: &str) -> Self {
        let name = site.fills.clone().unwrap_or_default();
        let folder = site.fills.as_ref().map(|name| site.tree.join(root).join(name));
        let mut watch = Self { tree: site.tree.clone(), folder, name, before: None, filled: None };
        if site.is_filled {
            watch.filled = watch.look_inside().await;
        } else {
            watch.before = watch.look_around().await;
        }
        watch
    }

    /// Install has ended well; repeated, it changes nothing.
    pub async fn installed(&mut self) {
        let Some(folder) = self.folder.clone().filter(|_| self.filled.is_none()) else { return };
        let around = self.look_around().await;
        self.filled = if around.is_none() || around != self.before {
            Some(Err(format!("install also wrote outside {}", self.name)))
        } else if CACHES.iter().any(|cache| folder.join(cache).symlink_metadata().is_ok()) {
            Some(Err(format!("install left a cache in {}", self.name)))
        } else {
            self.look_inside().await
        };
    }

    /// Everything has ended well.
    pub async fn end(mut self) -> Installed {
        self.installed().await;
        let now = self.look_inside().await;
        let why = match (self.filled, now) {
            (Some(Ok(before)), Some(Ok(now))) if before == now => return Installed::Whole,
            (Some(Ok(_)), Some(Ok(_))) => format!("the build also wrote into {}", self.name),
            (Some(Err(why)), _) | (_, Some(Err(why))) => why,
            _ => "it is not known what install writes".to_owned(),
        };
        Installed::Not { why }
    }

    async fn look_around(&self) -> Option<Mark> {
        let (tree, folder) = (self.tree.clone(), self.folder.clone()?);
        aside::long(move || tree::mark(&tree, &[&folder])).await.ok()
    }

    async fn look_inside(&self) -> Option<Result<Mark, String>> {
        let (folder, name) = (self.folder.clone()?, self.name.clone());
        let caches = CACHES.map(|cache| folder.join(cache));
        let look = move || {
            let spare: Vec<&Path> = caches.iter().map(PathBuf::as_path).collect();
            tree::mark(&folder, &spare).map_err(|error| format!("{name} cannot be read ({error})"))
        };
        Some(aside::long(look).await)
    }
}
