//! Who is next: each group in its turn, whatever the others have waiting.

use std::collections::{BTreeMap, VecDeque};
use std::ops::Bound;

/// What waits, by group. Groups take turns; within one, first come, first served.
#[derive(Debug)]
pub(super) struct Fair<K, T> {
    groups: BTreeMap<K, VecDeque<T>>,
    last: Option<K>,
}

impl<K: Ord + Copy, T> Fair<K, T> {
    pub(super) const fn new() -> Self {
        Self { groups: BTreeMap::new(), last: None }
    }

    pub(super) fn push(&mut self, group: K, item: T) {
        self.groups.entry(group).or_default().push_back(item);
    }

    /// The next of the group behind the one that had the last turn.
    pub(super) fn pop(&mut self) -> Option<T> {
        let behind = self.last.and_then(|last| self.groups.range((Bound::Excluded(last), Bound::Unbounded)).next());
        let group = behind.or_else(|| self.groups.iter().next()).map(|(group, _)| *group)?;
        let queue = self.groups.get_mut(&group)?;
        let item = queue.pop_front()?;
        if queue.is_empty() {
            self.groups.remove(&group);
        }
        self.last = Some(group);
        Some(item)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_large_group_does_not_keep_a_small_one_waiting() {
        let mut fair = Fair::new();
        (0..1_000).for_each(|item| fair.push(1, item));
        fair.push(2, 5_000);
        let first: Vec<i32> = std::iter::from_fn(|| fair.pop()).take(3).collect();
        assert_eq!(first, [0, 5_000, 1]);
        assert_eq!(std::iter::from_fn(|| fair.pop()).count(), 998);
    }
}
