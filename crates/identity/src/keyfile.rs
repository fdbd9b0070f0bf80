//! Files that hold a secret: made once, with mode 0600, whole or not at all; refused when others can read them.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use sf_types::Secret;

use crate::error::IdentityError;

/// Largest key file, in bytes.
pub const MAX_BYTES: u64 = 16 * 1024;

/// Reads a key file; `None` when it is not there.
///
/// # Errors
/// [`IdentityError::FileExposed`] when group or others have any right to it, [`IdentityError::File`].
pub fn read(path: &Path) -> Result<Option<Secret<Vec<u8>>>, IdentityError> {
    let failed = |source| IdentityError::File { path: path.to_owned(), verb: "read", source };
    let file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(failed(error)),
    };
    let found = file.metadata().map_err(failed)?;
    if !found.is_file() || found.len() > MAX_BYTES {
        return Err(failed(io::Error::other(format!("it is no file of at most {MAX_BYTES} bytes"))));
    }
    let mode = found.mode() & 0o777;
    if mode & 0o077 != 0 {
        return Err(IdentityError::FileExposed { path: path.to_owned(), mode });
    }
    let mut bytes = Vec::with_capacity(usize::try_from(MAX_BYTES).unwrap_or(0));
    file.take(MAX_BYTES).read_to_end(&mut bytes).map_err(failed)?;
    Ok(Some(Secret::new(bytes)))
}

/// Makes a key file with mode 0600. It appears whole, after it has reached the disk; an existing one is never
/// touched. Answers whether it was made.
///
/// # Errors
/// [`IdentityError::File`].
pub fn create(path: &Path, bytes: &[u8]) -> Result<bool, IdentityError> {
    create_file(path, bytes).map_err(|source| IdentityError::File { path: path.to_owned(), verb: "written", source })
}

fn create_file(path: &Path, bytes: &[u8]) -> io::Result<bool> {
    let draft = draft_path(path);
    // A draft can only be left by a process that was killed here: nobody has used it.
    match fs::remove_file(&draft) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&draft)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    let made = match fs::hard_link(&draft, path) {
        Ok(()) => true,
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => false,
        Err(error) => return Err(error),
    };
    fs::remove_file(&draft)?;
    if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
        File::open(folder)?.sync_all()?;
    }
    Ok(made)
}

fn draft_path(path: &Path) -> PathBuf {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(".draft");
    path.with_file_name(name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn a_key_file_is_private_and_never_overwritten() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("key");
        assert!(read(&path).unwrap().is_none());
        fs::write(draft_path(&path), "left by a killed process").unwrap();
        assert!(create(&path, b"one").unwrap());
        assert!(!create(&path, b"two").unwrap());
        assert_eq!(read(&path).unwrap().unwrap().expose(), b"one");
        assert_eq!(fs::metadata(&path).unwrap().mode() & 0o777, 0o600);
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn a_file_that_others_can_read_is_refused_with_the_remedy() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("key");
        create(&path, b"one").unwrap();
        for (mode, good) in [(0o600, true), (0o400, true), (0o640, false), (0o604, false), (0o620, false)] {
            fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
            assert_eq!(read(&path).is_ok(), good, "{mode:o}");
        }
        let fault = sf_types::Fault::from(read(&path).unwrap_err());
        assert!(fault.to_string().contains("mode 620") && fault.fix.starts_with("Run: chmod 600 -- "), "{fault}");
        let missing = create(&folder.path().join("absent/key"), b"x").unwrap_err();
        assert!(missing.to_string().contains("absent/key could not be written"), "{missing}");
    }
}
