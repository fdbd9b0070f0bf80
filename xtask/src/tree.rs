//! The files of the checkout: everything git tracks or would track, so that build output is never read.

use std::path::Path;
use std::process::Command;

use anyhow::{Context, bail};

/// Paths relative to the root, with `/`, sorted. Files deleted but not yet committed are left out.
pub fn files(root: &Path) -> anyhow::Result<Vec<String>> {
    let listed = Command::new("git")
        .args(["ls-files", "-z", "--cached", "--others", "--exclude-standard"])
        .current_dir(root)
        .output()
        .context("cannot run git; tidy reads the file list from it, so install git")?;
    if !listed.status.success() {
        bail!("git ls-files failed: {}; run tidy in a git checkout", String::from_utf8_lossy(&listed.stderr).trim());
    }
    let mut files: Vec<String> = String::from_utf8(listed.stdout)
        .context("a file name is not UTF-8; rename it")?
        .split('\0')
        .filter(|path| !path.is_empty() && root.join(path).is_file())
        .map(str::to_owned)
        .collect();
    files.sort();
    files.dedup();
    Ok(files)
}

/// The text of a file, or `None` when it is binary. A file that vanished since it was listed reads as binary, because
/// people save while tidy runs.
pub fn text(root: &Path, path: &str) -> anyhow::Result<Option<String>> {
    match std::fs::read(root.join(path)) {
        Ok(bytes) if bytes.contains(&0) => Ok(None),
        Ok(bytes) => Ok(String::from_utf8(bytes).ok()),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error).with_context(|| format!("cannot read {path}")),
    }
}
