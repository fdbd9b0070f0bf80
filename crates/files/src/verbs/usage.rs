//! What a tree takes on disk, counted in steps, in bounded memory.

use std::collections::HashSet;

use serde::{Deserialize, Serialize};

use crate::walk::{Then, Visit, Walk};
use crate::{Cancel, FileFault, Kind, Tree, TreePath};

/// What a tree takes.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Usage {
    /// Bytes on disk, a file with several names once; no entry takes less than a block.
    pub bytes: u64,
    /// Files, links, folders and the rest.
    pub entries: u64,
    /// Whether nothing was left out, and no file counted twice: not so below [`Tree::DEPTH_MAX`] folders, in folders that
    /// cannot be read, and beyond [`Count::LINKED_MAX`] files with several names.
    pub exact: bool,
}

/// A count that is under way.
pub struct Count {
    walk: Walk,
    usage: Usage,
    /// Files with several names that were met.
    linked: HashSet<(u64, u64)>,
}

impl Count {
    /// Files with several names that are remembered.
    pub const LINKED_MAX: usize = 100_000;

    /// Counts on, at most `entries`; whether there is more.
    ///
    /// # Errors
    /// [`FileFault`]
    pub fn step(&mut self, entries: u64, cancel: &Cancel) -> Result<bool, FileFault> {
        let (usage, linked) = (&mut self.usage, &mut self.linked);
        for _ in 0..entries {
            cancel.check()?;
            let more = self.walk.step(&mut |visit| {
                let Visit::Entry(met) = visit else { return Ok(Then::Pass) };
                let facts = met.facts;
                let mut known = false;
                if facts.kind != Kind::Folder && facts.links > 1 {
                    if linked.len() < Self::LINKED_MAX {
                        known = !linked.insert(facts.id);
                    } else {
                        known = linked.contains(&facts.id);
                        usage.exact &= known;
                    }
                }
                usage.entries += 1;
                if !known {
                    usage.bytes = usage.bytes.saturating_add(facts.disk.max(crate::quota::BLOCK));
                }
                Ok(Then::Enter)
            })?;
            if !more {
                usage.exact &= self.walk.missed == 0;
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// What was counted so far.
    pub const fn usage(&self) -> Usage {
        self.usage
    }
}

impl Tree {
    /// Begins to count what is in a folder; a tree that changes meanwhile is counted as it is met.
    ///
    /// # Errors
    /// [`FileFault`]
    pub fn count(&self, path: &TreePath) -> Result<Count, FileFault> {
        let walk = Walk::new(self.folder(path.names())?, &path.to_bytes())?;
        let usage = Usage { bytes: 0, entries: 0, exact: true };
        Ok(Count { walk, usage, linked: HashSet::new() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::verbs::tests::Bench;

    #[test]
    fn a_file_with_two_names_is_counted_once() {
        let bench = Bench::new();
        bench.put("a/x", vec![7; 40_000]);
        std::fs::hard_link(bench.path("a/x"), bench.path("y")).unwrap();
        bench.put("b/empty", "");
        std::os::unix::fs::symlink("/", bench.path("out")).unwrap();
        let mut count = bench.tree().count(&TreePath::root()).unwrap();
        let mut steps = 0;
        while count.step(2, &Cancel::new()).unwrap() {
            steps += 1;
        }
        let usage = count.usage();
        assert!(steps > 2 && usage.exact);
        assert_eq!(usage.entries, 6);
        assert!((56_000..70_000).contains(&usage.bytes), "{usage:?}");
    }
}
