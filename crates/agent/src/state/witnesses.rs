//! What this node has seen of audit chains: signed heads, kept so that nobody can take back what was shown once. The
//! file `witness.json` can be given to `serverflow audit verify --witness`.

use serde::{Deserialize, Serialize};
use sf_protocol::witness::{self, Head, Seen, Witness};
use sf_protocol::{KeyId, Signed};

use super::{StateDir, StateError};

/// Heads kept of one chain; older ones are forgotten.
pub const HEADS_KEPT: usize = 64;
/// Chains of which heads are kept; one of each control plane that shares the root.
pub const CHAINS_KEPT: usize = 16;
/// The file.
const FILE: &str = "witness.json";
/// Version of the file.
const VERSION: u16 = 1;

/// `witness.json`.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Kept {
    version: u16,
    /// As they were received, oldest first.
    checkpoints: Vec<Signed>,
}

/// What became of a statement.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Witnessed {
    /// It is kept, on disk, or was already: answer with it.
    Kept {
        /// What it says.
        head: Head,
        /// The control plane was restored since: its chain may go on from an earlier line.
        restored: bool,
    },
    /// It contradicts what was seen: answer with what is kept instead.
    Disputed {
        /// Why.
        why: String,
        /// The newest head kept of that chain.
        kept: Option<Signed>,
    },
    /// It is not signed as it should be.
    Refused(String),
}

/// Judges a statement and keeps it where it is new; durable when this returns. Waits for the disk.
///
/// # Errors
/// When the file cannot be read or written.
pub fn take(state: &StateDir, root: KeyId, signed: &Signed) -> Result<Witnessed, StateError> {
    let next = match Witness::open(signed, root) {
        Ok(head) => head,
        Err(error) => return Ok(Witnessed::Refused(error.to_string())),
    };
    let mut kept = read(state, root)?;
    let seen: Vec<Head> = kept.iter().map(|(head, _)| *head).collect();
    let restored = match witness::judge(&seen, &next) {
        Ok(Seen::Known) => return Ok(Witnessed::Kept { head: next, restored: false }),
        Ok(seen) => seen == Seen::Restored,
        Err(dispute) => {
            let kept = newest(&kept, &next);
            return Ok(Witnessed::Disputed { why: dispute.to_string(), kept });
        }
    };
    kept.push((next, signed.clone()));
    forget(&mut kept, next);
    let checkpoints = kept.into_iter().map(|(_, signed)| signed).collect();
    state.write(FILE, &Kept { version: VERSION, checkpoints })?;
    Ok(Witnessed::Kept { head: next, restored })
}

/// The newest head of each chain, the one seen last first.
///
/// # Errors
/// When the file cannot be read.
pub fn latest(state: &StateDir, root: KeyId) -> Result<Vec<Head>, StateError> {
    let mut heads: Vec<Head> = Vec::new();
    for (head, _) in read(state, root)?.into_iter().rev() {
        if heads.iter().all(|known| known.instance != head.instance) {
            heads.push(head);
        }
    }
    Ok(heads)
}

/// What is kept and signed by this root: of another one, before the node was enrolled again, nothing counts.
fn read(state: &StateDir, root: KeyId) -> Result<Vec<(Head, Signed)>, StateError> {
    let kept = state.read::<Kept>(FILE)?.map_or_else(Vec::new, |kept| kept.checkpoints);
    let open = |signed: Signed| Witness::open(&signed, root).ok().map(|head| (head, signed));
    Ok(kept.into_iter().filter_map(open).collect())
}

fn newest(kept: &[(Head, Signed)], next: &Head) -> Option<Signed> {
    let of_chain = kept.iter().filter(|(head, _)| head.instance == next.instance);
    of_chain.max_by_key(|(head, _)| (head.epoch, head.size)).map(|(_, signed)| signed.clone())
}

/// Makes room: the oldest of this chain beyond its limit, then whole chains that were not heard of for longest.
fn forget(kept: &mut Vec<(Head, Signed)>, next: Head) {
    let own = |(head, _): &(Head, Signed)| head.instance == next.instance;
    let mut beyond = kept.iter().filter(|one| own(one)).count().saturating_sub(HEADS_KEPT);
    kept.retain(|one| {
        let drop = own(one) && beyond > 0;
        beyond -= usize::from(drop);
        !drop
    });
    let mut chains: Vec<_> = Vec::new();
    for (head, _) in kept.iter().rev() {
        if !chains.contains(&head.instance) {
            chains.push(head.instance);
        }
    }
    chains.truncate(CHAINS_KEPT);
    kept.retain(|(head, _)| chains.contains(&head.instance));
}

#[cfg(test)]
mod tests {
    use super::*;
    use sf_protocol::{Class, Delegation, Kind, SecretKey};
    use sf_types::{InstanceId, Timestamp, TypedId};

    struct Plane {
        root: SecretKey,
        key: SecretKey,
        epoch: u64,
    }

    impl Plane {
        fn state(&self, chain: u8, size: u64, hash: u8) -> Signed {
            let instance = InstanceId::from_parts(Timestamp::from_millis(1), [chain; 10]);
            let delegation = Delegation {
                key: self.key.public(),
                instance,
                classes: vec![Class::Read],
                epoch: self.epoch,
                not_before: Timestamp::from_millis(0),
                not_after: Timestamp::from_millis(1_000),
            };
            let certificate = Signed::seal(Kind::Delegation, &delegation, &self.root);
            let head = (instance, size, [hash; 32]);
            Witness::seal(head, Timestamp::from_millis(5), &self.key, &certificate, &self.root.public())
        }
    }

    #[test]
    fn heads_are_kept_bounded_and_never_taken_back() {
        let dir = tempfile::tempdir().unwrap();
        let state = StateDir::open(&dir.path().join("state")).unwrap();
        let mut plane = Plane { root: SecretKey::from_seed(&[1; 32]), key: SecretKey::from_seed(&[2; 32]), epoch: 1 };
        let root = plane.root.public().id();
        assert_eq!(latest(&state, root).unwrap(), []);
        for size in 1..=66 {
            let taken = take(&state, root, &plane.state(1, size, 7)).unwrap();
            assert!(matches!(taken, Witnessed::Kept { restored: false, .. }), "{taken:?}");
        }
        let kept = read(&state, root).unwrap();
        assert_eq!((kept.len(), kept[0].0.size), (HEADS_KEPT, 66 + 1 - HEADS_KEPT as u64));
        // Again is fine; another end, a shorter chain, a stranger are not.
        assert!(matches!(take(&state, root, &plane.state(1, 66, 7)).unwrap(), Witnessed::Kept { .. }));
        for (size, hash) in [(66, 8), (65, 7), (40, 9)] {
            let Witnessed::Disputed { kept, .. } = take(&state, root, &plane.state(1, size, hash)).unwrap() else {
                panic!("{size} {hash} is disputed")
            };
            assert_eq!(kept, Some(plane.state(1, 66, 7)));
        }
        let stranger = Plane { root: SecretKey::from_seed(&[9; 32]), key: SecretKey::from_seed(&[2; 32]), epoch: 1 };
        assert!(matches!(take(&state, root, &stranger.state(1, 90, 7)).unwrap(), Witnessed::Refused(_)));
        assert_eq!(latest(&state, root).unwrap()[0].size, 66);
        plane.epoch = 2;
        let taken = take(&state, root, &plane.state(1, 12, 7)).unwrap();
        assert!(matches!(taken, Witnessed::Kept { restored: true, .. }), "{taken:?}");
        for chain in 2..20 {
            take(&state, root, &plane.state(chain, 1, 7)).unwrap();
        }
        assert_eq!(latest(&state, root).unwrap().len(), CHAINS_KEPT);
        assert_eq!(latest(&state, stranger.root.public().id()).unwrap(), [], "of another root nothing counts");
    }
}
