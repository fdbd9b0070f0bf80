//! What a machine brings to a build: its distribution, its packages, its interpreters. Nothing is run to find out: a file
//! that was put in another's place has another number or another time of change.

use std::io::Read;
use std::path::{Path, PathBuf};

use rustix::fs::Stat;
use sha2::{Digest, Sha256};

/// Where distributions write down which packages are installed: each change of one is a change of one of these.
const PACKAGE_LISTS: [&str; 4] =
    ["/var/lib/dpkg/status", "/lib/apk/db/installed", "/var/lib/rpm/rpmdb.sqlite", "/var/lib/pacman/local"];

/// Folders whose programs come from the distribution's packages.
const OF_DISTRIBUTION: [&str; 4] = ["/usr/bin", "/bin", "/usr/sbin", "/sbin"];

/// Bytes of hexadecimal digits kept of a hash.
const DIGITS: usize = 32;

/// A name for the machine as far as builds see it. The agent's version is part of it: it gives builds their environment.
pub(super) fn name() -> String {
    let mut parts = vec![env!("CARGO_PKG_VERSION").to_owned(), std::env::consts::ARCH.to_owned()];
    parts.push(std::fs::read_to_string("/etc/os-release").unwrap_or_default());
    for list in PACKAGE_LISTS {
        parts.push(rustix::fs::stat(list).map_or_else(|_| "none".to_owned(), |stat| stamp(&stat)));
    }
    digest(parts.iter().map(String::as_bytes))
}

/// A name for programs as they are now, looked up in `path`.
///
/// # Errors
/// Half a sentence: which one's version cannot be told.
pub(super) fn programs(names: &[&str], path: &str, pinned: bool) -> Result<String, String> {
    let stamps: Vec<String> = names.iter().map(|name| program(name, path, pinned)).collect::<Result<_, _>>()?;
    Ok(digest(stamps.iter().map(String::as_bytes)))
}

fn program(name: &str, path: &str, pinned: bool) -> Result<String, String> {
    let unknown = |why: &str| format!("which {name} is used cannot be told: {why}");
    let mut dirs = path.split(':').map(Path::new);
    let found = dirs.find_map(|dir| Some(dir.join(name)).filter(|file| file.is_file()));
    let found = found.ok_or_else(|| unknown("it is not installed"))?;
    let real = found.canonicalize().map_err(|error| unknown(&error.to_string()))?;
    let stat = rustix::fs::stat(&real).map_err(|error| unknown(&error.to_string()))?;
    if found.with_file_name("rustup").exists() || real.file_name().is_some_and(|file| file == "rustup") {
        return Err(unknown("rustup chooses it at each call"));
    }
    let mut stamps = format!("{} {}", real.display(), stamp(&stat));
    if is_script(&real) {
        if real.components().any(|part| part.as_os_str() == "corepack") && !pinned {
            return Err(unknown("package.json names no version in `packageManager`"));
        }
        match manifest_above(&real) {
            Some(manifest) => {
                let stat = rustix::fs::stat(&manifest).map_err(|error| unknown(&error.to_string()))?;
                stamps.push_str(&format!(" {} {}", manifest.display(), stamp(&stat)));
            }
            None if OF_DISTRIBUTION.iter().any(|dir| real.starts_with(dir)) => {}
            None => return Err(unknown("it is a script that may choose another one")),
        }
    }
    Ok(stamps)
}

fn is_script(path: &Path) -> bool {
    let mut head = [0; 2];
    std::fs::File::open(path).and_then(|mut file| file.read_exact(&mut head)).is_ok() && head == *b"#!"
}

/// The package.json of the package that a script belongs to.
fn manifest_above(script: &Path) -> Option<PathBuf> {
    let above = script.ancestors().skip(1).take_while(|dir| !OF_DISTRIBUTION.iter().any(|of| dir == &Path::new(of)));
    above.map(|dir| dir.join("package.json")).find(|manifest| manifest.is_file())
}

fn stamp(stat: &Stat) -> String {
    format!("{} {} {} {} {}", stat.st_dev, stat.st_ino, stat.st_size, stat.st_ctime, stat.st_ctime_nsec)
}

/// A hash over parts, each with its length before it.
pub(super) fn digest<'a>(parts: impl IntoIterator<Item = &'a [u8]>) -> String {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update(u64::try_from(part.len()).unwrap_or(u64::MAX).to_be_bytes());
        hash.update(part);
    }
    let mut hex: String = hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect();
    hex.truncate(DIGITS);
    hex
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::{PermissionsExt, symlink};

    #[test]
    fn another_program_has_another_name_and_what_may_choose_has_none() {
        let dir = tempfile::tempdir().unwrap();
        let put = |name: &str, text: &str| {
            let path = dir.path().join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            let _ = std::fs::remove_file(&path);
            std::fs::write(&path, text).unwrap();
            std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
            path
        };
        let path = dir.path().join("bin").display().to_string();
        let name = |pinned| programs(&["tool"], &path, pinned);
        assert!(name(false).unwrap_err().contains("not installed"));
        put("bin/tool", "\u{7f}ELF 1");
        let first = name(false).unwrap();
        assert_eq!(name(false).unwrap(), first);
        put("bin/tool", "\u{7f}ELF 2, longer");
        assert_ne!(name(false).unwrap(), first);
        put("bin/tool", "#!/bin/sh\nexec \"$(choose)\"");
        assert!(name(false).unwrap_err().contains("may choose"));
        // A script of a package is that package's version.
        for (package, pinned_only) in [("npm", false), ("corepack", true)] {
            let script = put(&format!("lib/{package}/bin/cli.js"), "#!/usr/bin/env node");
            put(&format!("lib/{package}/package.json"), "{\"version\":\"1\"}");
            let _ = std::fs::remove_file(dir.path().join("bin/tool"));
            symlink(script, dir.path().join("bin/tool")).unwrap();
            assert_eq!(name(false).is_err(), pinned_only, "{package}");
            let before = name(true).unwrap();
            put(&format!("lib/{package}/package.json"), "{\"version\":\"1.2\"}");
            assert_ne!(name(true).unwrap(), before, "{package}");
        }
        put("bin/rustup", "");
        assert!(name(true).unwrap_err().contains("rustup"));
    }
}
