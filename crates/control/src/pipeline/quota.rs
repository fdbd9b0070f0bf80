//! How many runs each principal has opened lately. The rows are the truth; they are counted once a second at the most
//! and what this control plane opens since is added, since counting grows with what is counted. Near the limit each
//! run is counted for in the transaction that opens it, so that of many that race for the last place one gets it.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use sf_actions::admission::Inputs;
use sf_engine::Run;
use sf_store::{Look, Reader, Tx, runs};
use sf_types::{Fault, Timestamp, UserId};

use crate::admission::QUOTA_WINDOW;
use crate::dispatch;

/// For how long a count is added to instead of being taken anew.
const FRESH: Duration = Duration::from_secs(1);
/// Principals remembered at the most; beyond it all are counted anew.
const MAX_PRINCIPALS: usize = 4096;

/// Counts by principal; the system's own under `None`.
#[derive(Debug, Default)]
pub(crate) struct Quota(Mutex<HashMap<Option<UserId>, Count>>);

/// Places left, as last counted, below which a run is counted for in its own transaction: more than race for them
/// within [`FRESH`], whatever is opened elsewhere meanwhile.
const EXACT_WITHIN: u32 = 256;

#[derive(Clone, Copy, Debug)]
struct Count {
    taken_at: Timestamp,
    runs: u64,
}

impl Quota {
    /// Runs that `by` has opened in the window before `now`, counted up to `limit`.
    pub(crate) async fn used(
        &self,
        reader: &Reader,
        by: Option<UserId>,
        now: Timestamp,
        limit: u64,
    ) -> Result<u64, Fault> {
        let known = self.lock().get(&by).filter(|count| now.since(count.taken_at) < FRESH).map(|count| count.runs);
        if let Some(runs) = known {
            return Ok(runs);
        }
        let runs = runs::opened_since(reader, by, now.minus(QUOTA_WINDOW), limit).await?;
        let mut counts = self.lock();
        if counts.len() >= MAX_PRINCIPALS {
            counts.clear();
        }
        counts.insert(by, Count { taken_at: now, runs });
        Ok(runs)
    }

    /// One more was opened.
    pub(crate) fn opened(&self, by: Option<UserId>) {
        if let Some(count) = self.lock().get_mut(&by) {
            count.runs += 1;
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<Option<UserId>, Count>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Judges a run anew where the last places were taken since it was admitted. To be called in the transaction that
/// opens it.
pub(crate) async fn judge(tx: &mut Tx, mut run: Run, limit: u64) -> sf_store::Result<Run> {
    let left = run.decision.inputs.quota_left;
    if left == 0 || left > EXACT_WITHIN {
        return Ok(run);
    }
    let since = tx.now().minus(QUOTA_WINDOW);
    let opened = runs::opened_alone(tx, dispatch::authz(&run).user, since, limit).await?;
    if opened >= limit {
        run.decision = sf_policy::admit(Inputs { quota_left: 0, ..run.decision.inputs });
    }
    Ok(run)
}
