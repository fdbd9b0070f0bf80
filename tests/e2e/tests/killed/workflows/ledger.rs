//! What the outside was told: whatever stands here must stay true.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::{Mutex, MutexGuard, PoisonError};

use anyhow::{Result, ensure};
use serde_json::Value;
use sf_types::RunId;

/// One book, shared by all who write in it.
#[derive(Default)]
pub struct Ledger(Mutex<Told>);

#[derive(Default)]
pub struct Told {
    /// Runs whose start was answered, by their number.
    pub started: BTreeMap<usize, RunId>,
    /// Steps that were seen as ended.
    pub ended: HashMap<(RunId, String), Value>,
    /// Runs that were seen as ended.
    pub over: BTreeSet<RunId>,
    /// Decisions that were answered, by their card.
    pub decided: HashMap<String, bool>,
    /// Events that were answered, by their run.
    pub sent: HashMap<RunId, Value>,
    /// Requests to stop that were answered.
    pub stopped: BTreeSet<RunId>,
}

/// States of a step that never change.
const ENDED: [&str; 4] = ["succeeded", "failed", "skipped", "cancelled"];

impl Ledger {
    pub fn told(&self) -> MutexGuard<'_, Told> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Writes a start down; the same number has the same run for ever.
    pub fn started(&self, n: usize, run: RunId) -> Result<()> {
        let before = self.told().started.insert(n, run);
        ensure!(before.is_none_or(|before| before == run), "start {n} was answered with {before:?}, then with {run}");
        Ok(())
    }

    /// Takes in how a run looks: what has ended before has ended now, and in the same way. Answers whether it is over.
    pub fn seen(&self, run: RunId, look: &Value) -> Result<bool> {
        let mut told = self.told();
        let steps = look["steps"].as_array().map(Vec::as_slice).unwrap_or_default();
        let ended = steps.iter().filter(|step| step["state"].as_str().is_some_and(|state| ENDED.contains(&state)));
        let mut now: HashMap<String, Value> = ended.map(|step| (text(&step["key"]), how(step))).collect();
        for ((_, key), how) in told.ended.iter().filter(|((of, _), _)| *of == run) {
            let again = now.remove(key);
            ensure!(again.as_ref() == Some(how), "step {key} of {run} had ended as {how} and is now {again:?}: {look}");
        }
        told.ended.extend(now.into_iter().map(|(key, how)| ((run, key), how)));
        let over = look["state"] == "done";
        ensure!(over || !told.over.contains(&run), "{run} was over and is not any more: {look}");
        if over {
            told.over.insert(run);
        }
        Ok(over)
    }
}

/// How a step ended; its times are part of it.
fn how(step: &Value) -> Value {
    let parts = ["state", "output", "fault", "attempts", "startedAt", "endedAt"];
    parts.iter().map(|part| ((*part).to_owned(), step[*part].clone())).collect::<serde_json::Map<_, _>>().into()
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}
