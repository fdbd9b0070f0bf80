//! The files of a release, a page at a time: only as many paths are kept as a page has, whatever the release holds.

use std::collections::BTreeMap;
use std::io;
use std::os::fd::OwnedFd;
use std::path::Path;

use rustix::fs::{AtFlags, Dir, FileType, Mode, OFlags};
use sf_protocol::patch::{CHUNK_JSON_BYTES_MAX, FILES_MAX, FileEntry};
use sf_types::FilePath;

use crate::release::tree;

/// Folders of what installers bring; listed when asked for.
const DEPENDENCIES: &[&str] = &["node_modules", ".venv", "venv", "__pycache__", ".git"];
/// What an entry takes in an answer besides its path.
const ENTRY_JSON_BYTES: usize = 40;
/// Entries looked at in one go; a release with more is listed as far as that.
const LOOKED_AT_MAX: usize = 300_000;

/// The first [`FILES_MAX`] files after `after` whose paths hold `search`, in the order of their paths, and whether there are
/// more. Links and what is no file are left out, as are paths that nobody could name.
///
/// # Errors
/// When the top cannot be read.
pub fn list(
    top: &Path,
    search: Option<&str>,
    after: Option<&FilePath>,
    dependencies: bool,
) -> io::Result<(Vec<FileEntry>, bool)> {
    let search = search.map(str::to_lowercase);
    let mut page: BTreeMap<FilePath, u64> = BTreeMap::new();
    let mut looked_at = 0;
    let mut folders = vec![String::new()];
    while let Some(folder) = folders.pop() {
        let opened = open(top, &folder)?;
        let Some(mut dir) = opened else { continue };
        while let Some(entry) = dir.read() {
            let entry = entry?;
            looked_at += 1;
            if looked_at > LOOKED_AT_MAX {
                break;
            }
            let Ok(name) = entry.file_name().to_str() else { continue };
            if matches!(name, "." | "..") {
                continue;
            }
            let path = if folder.is_empty() { name.to_owned() } else { format!("{folder}/{name}") };
            let flags = AtFlags::SYMLINK_NOFOLLOW;
            let Ok(stat) = rustix::fs::statat(dir.fd()?, entry.file_name(), flags) else { continue };
            match FileType::from_raw_mode(stat.st_mode) {
                FileType::Directory if dependencies || !DEPENDENCIES.contains(&name) => folders.push(path),
                FileType::RegularFile => {
                    let wanted = search.as_ref().is_none_or(|search| path.to_lowercase().contains(search));
                    let Some(path) = path.parse::<FilePath>().ok().filter(|_| wanted) else { continue };
                    if after.is_none_or(|after| path > *after) {
                        page.insert(path, u64::try_from(stat.st_size).unwrap_or(0));
                        // One more than a page says that there are more.
                        if page.len() > FILES_MAX + 1 {
                            page.pop_last();
                        }
                    }
                }
                _ => {}
            }
        }
    }
    let found = page.len();
    // Long paths fill an answer sooner.
    let mut room = CHUNK_JSON_BYTES_MAX;
    let mut fits = |path: &FilePath| {
        let left = room.checked_sub(path.as_str().len() * 2 + ENTRY_JSON_BYTES);
        room = left.unwrap_or(0);
        left.is_some()
    };
    let files = page.into_iter().take(FILES_MAX).take_while(|(path, _)| fits(path));
    let files: Vec<_> = files.map(|(path, size)| FileEntry { path, size }).collect();
    let more = files.len() < found;
    Ok((files, more))
}

/// A folder below the top through real folders only; `None` when it is none any more.
fn open(top: &Path, folder: &str) -> io::Result<Option<Dir>> {
    let named: OwnedFd = match tree::open_inside(top, Path::new(folder)) {
        Err(_) if !folder.is_empty() => return Ok(None),
        other => other?,
    };
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
    match rustix::fs::openat(&named, ".", flags, Mode::empty()) {
        Err(_) if !folder.is_empty() => Ok(None),
        other => Ok(Some(Dir::new(other?)?)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn paths(files: &[FileEntry]) -> Vec<&str> {
        files.iter().map(|file| file.path.as_str()).collect()
    }

    #[test]
    fn pages_are_sorted_whole_and_without_links_or_dependencies() {
        let dir = tempfile::tempdir().unwrap();
        let top = dir.path();
        for folder in ["src/deep", "node_modules/x"] {
            std::fs::create_dir_all(top.join(folder)).unwrap();
        }
        for n in 0..250 {
            std::fs::write(top.join(format!("src/file-{n:03}.js")), "abc").unwrap();
        }
        std::fs::write(top.join("src/deep/Config.json"), "{}").unwrap();
        std::fs::write(top.join("node_modules/x/index.js"), "").unwrap();
        std::os::unix::fs::symlink("/etc/passwd", top.join("a-link")).unwrap();
        std::os::unix::fs::symlink("/etc", top.join("etc")).unwrap();
        let (mut seen, mut after, mut pages) = (Vec::new(), None, 0);
        loop {
            let (files, more) = list(top, None, after.as_ref(), false).unwrap();
            pages += 1;
            after = files.last().map(|file| file.path.clone());
            seen.extend(files);
            if !more {
                break;
            }
        }
        assert_eq!((seen.len(), pages), (251, 3));
        assert!(seen.windows(2).all(|pair| pair[0].path < pair[1].path));
        assert_eq!(seen[1].size, 3);
        assert_eq!(paths(&list(top, Some("config"), None, false).unwrap().0), ["src/deep/Config.json"]);
        assert_eq!(paths(&list(top, Some("index"), None, true).unwrap().0), ["node_modules/x/index.js"]);
        assert_eq!(list(top, Some("passwd"), None, true).unwrap(), (vec![], false));
        let deep = ["d".repeat(200).as_str(), "e".repeat(200).as_str()].join("/");
        std::fs::create_dir_all(top.join(&deep)).unwrap();
        for n in 0..90 {
            std::fs::write(top.join(&deep).join(format!("{n:03}")), "").unwrap();
        }
        let (files, more) = list(top, Some("ddd"), None, false).unwrap();
        assert!(more && files.len() > 30 && serde_json::to_string(&files).unwrap().len() < CHUNK_JSON_BYTES_MAX);
    }
}
