//! Facts as rows. A value that is too large for a row is kept once, beside the journal, under its hash.

use std::collections::HashMap;
use std::sync::Arc;

use serde_json::{Value, json};
use sf_engine::workflow::{Definition, Execution, Fact};
use sf_store::executions::{self, Blob, Entry};
use sf_store::{Look, StoreError};
use sf_types::{Page, PageRequest, RunId, Timestamp};
use sha2::{Digest, Sha256};

/// Bytes of a value that stands in the journal itself: 16 KiB.
pub const MAX_INLINE_BYTES: usize = 16 * 1024;
/// The key of a value that stands elsewhere. No value of a workflow has an object with this one key alone.
const BLOB: &str = "$serverflow:blob";

/// Facts of one moment as a row, with the values that stand beside it.
pub(super) fn entry(run: RunId, seq: u64, at: Timestamp, facts: &[Fact]) -> (Entry, Vec<Blob>) {
    let mut text = serde_json::to_string(facts).expect("facts are texts, numbers, lists and maps of texts");
    let mut blobs = Vec::new();
    if text.len() > MAX_INLINE_BYTES {
        let mut value = serde_json::to_value(facts).expect("the same facts");
        for fact in value.as_array_mut().into_iter().flatten() {
            for (_, field) in fact.as_object_mut().into_iter().flatten() {
                set_aside(run, field, &mut blobs);
            }
        }
        text = value.to_string();
    }
    (Entry { run, seq, at, facts: text }, blobs)
}

fn set_aside(run: RunId, field: &mut Value, blobs: &mut Vec<Blob>) {
    if !matches!(field, Value::Object(_) | Value::Array(_) | Value::String(_)) {
        return;
    }
    let text = field.to_string();
    if text.len() > MAX_INLINE_BYTES {
        let hash = Sha256::digest(text.as_bytes()).to_vec();
        *field = json!({ BLOB: hex(&hash) });
        blobs.push(Blob { run, hash, value: text });
    }
}

/// An execution from its journal; answers the number of its last entry, too.
pub(super) async fn rebuild(
    at: &impl Look,
    definition: Arc<Definition>,
    run: RunId,
) -> sf_store::Result<(Execution, u64)> {
    execution(definition, run, facts(at, run).await?)
}

/// An execution from what happened; answers the number of the last entry, too.
pub(super) fn execution(
    definition: Arc<Definition>,
    run: RunId,
    entries: Vec<(u64, Timestamp, Vec<Fact>)>,
) -> sf_store::Result<(Execution, u64)> {
    let seq = entries.last().map_or(0, |(seq, _, _)| *seq);
    let facts = entries.into_iter().flat_map(|(_, at, facts)| facts.into_iter().map(move |fact| (at, fact)));
    let execution = Execution::rebuild(definition, run, facts).map_err(malformed)?;
    Ok((execution, seq))
}

/// Everything that happened, with the number of its entry.
pub(super) async fn facts(at: &impl Look, run: RunId) -> sf_store::Result<Vec<(u64, Timestamp, Vec<Fact>)>> {
    let entries = executions::journal(at, run).await?;
    let blobs = match entries.iter().any(|entry| entry.facts.contains(BLOB)) {
        true => executions::blobs(at, run).await?,
        false => Vec::new(),
    };
    decode(entries, blobs)
}

/// What happened at one moment, as it is told.
#[derive(Clone, Debug)]
pub struct Recorded {
    /// From 1, without gaps.
    pub seq: u64,
    /// When.
    pub at: Timestamp,
    /// What, in order; and whether a value of it is too large to be told here.
    pub facts: Vec<(Fact, bool)>,
}

/// A part of a journal, oldest first. Values that stand beside it are left out, but for those that say what was done.
pub(super) async fn page(at: &impl Look, run: RunId, page: &PageRequest) -> sf_store::Result<Page<Recorded>> {
    let Page { items, next } = executions::journal_page(at, run, page).await?;
    let mut told = Vec::with_capacity(items.len());
    for entry in items {
        let facts: Vec<Value> = serde_json::from_str(&entry.facts).map_err(malformed)?;
        let mut recorded = Vec::with_capacity(facts.len());
        for mut fact in facts {
            let mut left_out = false;
            for (name, field) in fact.as_object_mut().into_iter().flatten() {
                let Some(hash) = hash_in(field) else { continue };
                match name.as_str() {
                    "call" | "fault" | "message" => {
                        let hash = unhex(hash).ok_or_else(|| malformed("a large value has no hash"))?;
                        let blob = executions::blob(at, run, &hash).await?;
                        let blob = blob.ok_or_else(|| malformed("a large value is missing"))?;
                        *field = serde_json::from_str(&blob.value).map_err(malformed)?;
                    }
                    "items" => (*field, left_out) = (json!([]), true),
                    _ => (*field, left_out) = (Value::Null, true),
                }
            }
            recorded.push((serde_json::from_value(fact).map_err(malformed)?, left_out));
        }
        told.push(Recorded { seq: entry.seq, at: entry.at, facts: recorded });
    }
    Ok(Page { items: told, next })
}

/// Facts from their rows.
pub(super) fn decode(entries: Vec<Entry>, blobs: Vec<Blob>) -> sf_store::Result<Vec<(u64, Timestamp, Vec<Fact>)>> {
    let read = |blob: Blob| Ok((hex(&blob.hash), serde_json::from_str(&blob.value).map_err(malformed)?));
    let blobs: HashMap<String, Value> = blobs.into_iter().map(read).collect::<sf_store::Result<_>>()?;
    let mut all = Vec::with_capacity(entries.len());
    for entry in entries {
        let facts: Vec<Fact> = if entry.facts.contains(BLOB) {
            let mut value: Value = serde_json::from_str(&entry.facts).map_err(malformed)?;
            for fact in value.as_array_mut().into_iter().flatten() {
                for (_, field) in fact.as_object_mut().into_iter().flatten() {
                    put_back(field, &blobs)?;
                }
            }
            serde_json::from_value(value).map_err(malformed)?
        } else {
            serde_json::from_str(&entry.facts).map_err(malformed)?
        };
        all.push((entry.seq, entry.at, facts));
    }
    Ok(all)
}

fn put_back(field: &mut Value, blobs: &HashMap<String, Value>) -> sf_store::Result<()> {
    if let Some(hash) = hash_in(field) {
        let found = blobs.get(hash).cloned();
        *field = found.ok_or_else(|| malformed("a large value is missing"))?;
    }
    Ok(())
}

/// The hash of a value that stands elsewhere.
fn hash_in(field: &Value) -> Option<&str> {
    field.as_object().filter(|object| object.len() == 1).and_then(|object| object.get(BLOB)?.as_str())
}

fn malformed(why: impl ToString) -> StoreError {
    StoreError::malformed("a workflow's journal", why.to_string())
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn unhex(text: &str) -> Option<Vec<u8>> {
    let pairs = (0..text.len()).step_by(2).map(|at| u8::from_str_radix(text.get(at..at + 2)?, 16).ok());
    pairs.collect()
}
