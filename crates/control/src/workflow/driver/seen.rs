//! What of the inbox was taken in.

use std::collections::{HashSet, VecDeque};

use uuid::Uuid;

/// Ids that are remembered.
const MAX_SEEN: usize = 10_000;

/// The last ids of the inbox.
#[derive(Default)]
pub(super) struct Seen(HashSet<Uuid>, VecDeque<Uuid>);

impl Seen {
    /// Remembers an id; `false` where it was known.
    pub(super) fn insert(&mut self, id: Uuid) -> bool {
        if !self.0.insert(id) {
            return false;
        }
        self.1.push_back(id);
        if self.1.len() > MAX_SEEN
            && let Some(old) = self.1.pop_front()
        {
            self.0.remove(&old);
        }
        true
    }

    pub(super) fn forget(&mut self, id: &Uuid) {
        self.0.remove(id);
    }
}
