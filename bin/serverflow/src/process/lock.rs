//! Who holds an open-file-description lock. The kernel names no process for one (such locks belong to an open file), but
//! tells of each open file whether it holds one. Source: proc(5), `/proc/PID/fdinfo`.

use std::path::Path;

use super::{Identity, all};

/// The process that holds a lock on the file `lock`; `None` where nobody does or the kernel does not tell us.
pub fn lock_holder(lock: &Path) -> Option<Identity> {
    let lock = lock.canonicalize().ok()?;
    all().find(|process| holds(process.pid, &lock))
}

fn holds(pid: i32, lock: &Path) -> bool {
    let files = std::fs::read_dir(format!("/proc/{pid}/fd")).into_iter().flatten().flatten();
    files.filter(|file| std::fs::read_link(file.path()).is_ok_and(|target| target == lock)).any(|file| {
        let info = Path::new("/proc").join(pid.to_string()).join("fdinfo").join(file.file_name());
        std::fs::read_to_string(info).is_ok_and(|info| info.lines().any(|line| line.starts_with("lock:")))
    })
}

#[cfg(test)]
mod tests {
    use std::fs::File;
    use std::os::fd::AsRawFd;

    use super::*;

    #[test]
    fn the_holder_is_found_and_who_only_looks_is_not() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("lock");
        assert_eq!(lock_holder(&path), None);
        let file = File::create(&path).unwrap();
        assert_eq!(lock_holder(&path), None, "open, and not locked");
        let whole = nix::libc::flock {
            l_type: i16::try_from(nix::libc::F_WRLCK).unwrap(),
            l_whence: 0,
            l_start: 0,
            l_len: 0,
            l_pid: 0,
        };
        // SAFETY: fcntl reads a structure of ours.
        assert_eq!(unsafe { nix::libc::fcntl(file.as_raw_fd(), nix::libc::F_OFD_SETLK, &whole) }, 0);
        assert_eq!(lock_holder(&path), Identity::own());
        drop(file);
        assert_eq!(lock_holder(&path), None);
    }
}
