//! Which numbers are whose, where several agents run as root on one machine (two clones, an old and a new state
//! folder). What an agent ends by number must be its own, so each has a block that no other gives out.

use std::fs::{DirBuilder, File};
use std::io;
use std::ops::RangeInclusive;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

use nix::fcntl::{Flock, FlockArg};

use crate::release::tree;

/// Numbers of one agent: three for each of 2,000 apps.
pub const BLOCK: u32 = 6_000;
/// Where a machine's agents write down which block is whose: one small file a block, with the state folder's path.
pub const REGISTER: &str = "/var/lib/server-flow-users";

/// The block of the agent whose list is `list`, the same one at every start. `has` says which numbers of an older list
/// are in use already; its block is the one they are in.
///
/// # Errors
/// When all blocks are taken, or the register cannot be written.
pub fn claim(
    register: &Path,
    range: &RangeInclusive<u32>,
    list: &Path,
    has: impl IntoIterator<Item = u32>,
) -> io::Result<RangeInclusive<u32>> {
    DirBuilder::new().recursive(true).mode(0o700).create(register)?;
    let lock = File::options().create(true).truncate(false).write(true).open(register.join("lock"))?;
    let _held = Flock::lock(lock, FlockArg::LockExclusive).map_err(|(_, error)| io::Error::from(error))?;
    let blocks: Vec<u32> = (*range.start()..=*range.end()).step_by(BLOCK as usize).collect();
    let entry = |first: u32| register.join(first.to_string());
    let of = |first: u32| first..=(first + BLOCK - 1).min(*range.end());
    if let Some(own) = blocks.iter().find(|first| owner(&entry(**first)).is_some_and(|owner| owner == list)) {
        return Ok(of(*own));
    }
    let used: Vec<u32> = has.into_iter().collect();
    let home = blocks.iter().find(|first| used.iter().any(|number| of(**first).contains(number)));
    let free = home.into_iter().chain(&blocks).find(|first| is_free(&entry(**first)));
    let first = free.ok_or_else(|| {
        let place = register.display();
        io::Error::other(format!("{} agents have written down their user numbers in {place}", blocks.len()))
    })?;
    tree::write_atomically(&entry(*first), list.as_os_str().as_encoded_bytes(), 0o600)?;
    Ok(of(*first))
}

fn owner(entry: &Path) -> Option<PathBuf> {
    use std::os::unix::ffi::OsStringExt;
    std::fs::read(entry).ok().map(|bytes| PathBuf::from(std::ffi::OsString::from_vec(bytes)))
}

/// Nobody's yet, or of an agent whose state is gone.
fn is_free(entry: &Path) -> bool {
    owner(entry).is_none_or(|list| !list.exists())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_agents_never_share_a_number_and_each_keeps_its_own() {
        let dir = tempfile::tempdir().unwrap();
        let register = dir.path().join("register");
        let range = 210_000..=(210_000 + 2 * BLOCK - 1);
        let list = |name: &str| {
            let path = dir.path().join(name);
            std::fs::write(&path, b"{}").unwrap();
            path
        };
        let (a, b, c) = (list("a"), list("b"), list("c"));
        let claimed = |list: &Path| claim(&register, &range, list, []);
        let (of_a, of_b) = (claimed(&a).unwrap(), claimed(&b).unwrap());
        assert!(of_a.end() < of_b.start(), "{of_a:?} {of_b:?}");
        assert_eq!((claimed(&a).unwrap(), claimed(&b).unwrap()), (of_a.clone(), of_b));
        assert!(claimed(&c).unwrap_err().to_string().contains("2 agents"));
        std::fs::remove_file(&a).unwrap();
        assert_eq!(claimed(&c).unwrap(), of_a, "what belonged to an agent that is gone is free");
    }

    #[test]
    fn an_older_list_keeps_the_block_its_numbers_are_in() {
        let dir = tempfile::tempdir().unwrap();
        let range = 210_000..=(210_000 + 3 * BLOCK - 1);
        let list = dir.path().join("users.json");
        std::fs::write(&list, b"{}").unwrap();
        let claimed = claim(&dir.path().join("register"), &range, &list, [210_000 + BLOCK + 5]).unwrap();
        assert_eq!(*claimed.start(), 210_000 + BLOCK);
    }
}
