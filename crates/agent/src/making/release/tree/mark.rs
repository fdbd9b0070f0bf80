//! A mark of a tree: another one as soon as anything in it was made, changed or removed, whoever did it.

use std::io;
use std::path::Path;

use rustix::fs::{FileType, Stat};
use sha2::{Digest, Sha256};

use super::open_dir;

/// What a tree was like at one moment.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Mark(u128);

impl Mark {
    /// No order among entries is needed: each file's number and the time of its last change, which only the kernel
    /// writes, go into a sum.
    fn add(&mut self, stat: &Stat) {
        let mut hash = Sha256::new();
        hash.update(stat.st_ino.to_be_bytes());
        hash.update(stat.st_ctime.to_be_bytes());
        hash.update(i64::try_from(stat.st_ctime_nsec).unwrap_or(0).to_be_bytes());
        hash.update(stat.st_size.to_be_bytes());
        let number = hash.finalize().iter().take(16).fold(0, |number, byte| (number << 8) | u128::from(*byte));
        self.0 = self.0.wrapping_add(number);
    }
}

/// The mark of everything below `dir` but the folders in `spare`; of those and of what they lie in also not the folder
/// itself, since making them changes it.
///
/// # Errors
/// When the tree cannot be read or is too deep.
pub fn mark(dir: &Path, spare: &[&Path]) -> io::Result<Mark> {
    let mut mark = Mark::default();
    let mut spared = Vec::new();
    let mut parents = Vec::new();
    for path in spare {
        spared.extend(inode(path)?);
        parents.extend(path.parent().map(inode).transpose()?.flatten());
    }
    super::walk_some(open_dir(dir)?, &mut |_, _, stat| {
        let is_folder = FileType::from_raw_mode(stat.st_mode) == FileType::Directory;
        let number = (stat.st_dev, stat.st_ino);
        if is_folder && spared.contains(&number) {
            return Ok(false);
        }
        if !(is_folder && parents.contains(&number)) {
            mark.add(stat);
        }
        Ok(true)
    })?;
    Ok(mark)
}

fn inode(path: &Path) -> io::Result<Option<(u64, u64)>> {
    match rustix::fs::lstat(path) {
        Ok(stat) => Ok(Some((stat.st_dev, stat.st_ino))),
        Err(rustix::io::Errno::NOENT) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn every_change_but_those_spared_is_seen() {
        let dir = tempfile::tempdir().unwrap();
        let at = |name: &str| dir.path().join(name);
        fs::create_dir_all(at("web/src")).unwrap();
        fs::write(at("web/src/a"), "1").unwrap();
        let spare = at("web/node_modules");
        let look = || mark(dir.path(), &[&spare]).unwrap();
        let before = look();
        assert_eq!(look(), before);
        fs::create_dir(&spare).unwrap();
        fs::write(spare.join("x"), "1").unwrap();
        assert_eq!(look(), before, "what is spared may come");
        let mut last = before;
        let changes: [&dyn Fn(); 4] = [
            &|| fs::write(at("web/src/a"), "another size").unwrap(),
            &|| fs::write(at("web/new"), "").unwrap(),
            &|| std::os::unix::fs::symlink("a", at("web/src/link")).unwrap(),
            &|| fs::remove_file(at("web/new")).unwrap(),
        ];
        for (nth, change) in changes.into_iter().enumerate() {
            change();
            let now = look();
            assert_ne!(now, last, "change {nth}");
            last = now;
        }
    }
}
