//! The join counter: how a copied node key is noticed.

/// What a presented join counter means.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Join {
    /// Let it in. Store both; `pending` goes into AUTHORIZED and becomes `confirmed` with the agent's first frame.
    Accept {
        /// The oldest counter that is still good: the one presented, since its holder has shown that it has it.
        confirmed: u64,
        /// The counter offered now.
        pending: u64,
    },
    /// Older than one that this node has confirmed: two hold the key. Cut both, lock the node until a person looks.
    Cloned {
        /// What has been confirmed.
        confirmed: u64,
        /// What was presented.
        presented: u64,
    },
}

/// Decides about a presented counter. `pending` is what the last AUTHORIZED offered and no first frame confirmed.
///
/// The offered counter and the confirmed one are both good until the first frame: an agent that lost the connection
/// before it could write the new one is not a clone. A counter *ahead* of both is good as well: it is what an agent
/// holds after the control plane was restored from a backup, and a clone that jumps ahead is found out by the next
/// connection of the real node.
pub fn join(confirmed: u64, pending: Option<u64>, presented: u64) -> Join {
    // One below the end stays free so that a clone cannot wedge the counter where it no longer rises.
    let Some(next) = presented.checked_add(1) else { return Join::Cloned { confirmed, presented } };
    if presented < confirmed {
        return Join::Cloned { confirmed, presented };
    }
    // `max`: a number that was offered once keeps its meaning; offering it anew gives the same number.
    let pending = if presented == confirmed { pending.unwrap_or(next).max(next) } else { next };
    Join::Accept { confirmed: presented, pending }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_counter_older_than_the_confirmed_one_is_a_clone() {
        let check = |confirmed, pending, presented, expected: Option<(u64, u64)>| {
            let expected = expected.map_or(Join::Cloned { confirmed, presented }, |(confirmed, pending)| {
                Join::Accept { confirmed, pending }
            });
            assert_eq!(join(confirmed, pending, presented), expected, "{confirmed} {pending:?} {presented}");
        };
        check(5, None, 5, Some((5, 6)));
        check(5, Some(6), 5, Some((5, 6))); // AUTHORIZED was lost
        check(5, Some(6), 6, Some((6, 7))); // written, but the first frame was lost
        check(5, Some(6), 4, None);
        check(6, None, 5, None);
        check(5, None, 9, Some((9, 10))); // the control plane came back from a backup
        check(0, None, 0, Some((0, 1)));
        check(5, None, u64::MAX, None);
        check(u64::MAX, None, u64::MAX, None);
    }

    #[test]
    fn two_holders_of_one_key_are_found_out_whoever_comes_first() {
        // Both start from counter 5; each order of four joins, with every first frame arriving.
        for order in [[0, 1, 0, 1], [1, 0, 0, 1], [0, 0, 1, 0], [1, 1, 0, 0]] {
            let (mut confirmed, mut holders, mut found) = (5, [5, 5], false);
            for who in order {
                match join(confirmed, None, holders[who]) {
                    Join::Accept { pending, .. } => (confirmed, holders[who]) = (pending, pending),
                    Join::Cloned { .. } => found = true,
                }
            }
            assert!(found, "{order:?}");
        }
    }
}
