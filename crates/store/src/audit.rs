//! The audit chain: one per control plane instance. Each line carries the hash of the one before it, so that nothing
//! can be changed, dropped or put in between unseen. Personal values stand beside the chain and can be erased; the
//! chain holds only salted commitments to them.

use sf_types::{InstanceId, ProjectId, RequestId, RunId, Scope, TenantId, Timestamp};

use crate::row::row;
use crate::sql::{Sql, insert_later};
use crate::tx::{Look, Tx};
use crate::{Result, StoreError};

pub mod chain;
mod checkpoints;
pub mod fields;
pub mod file;
pub mod mcp_calls;
mod page;
mod retain;
pub mod verifier;
pub mod walk;

pub use chain::{FirstBad, Head, verify};
pub use checkpoints::{
    Checkpoint, Witnessed, add_checkpoint, checkpoint_at, checkpoints, checkpoints_from, first_line, heads, restores,
    thin_checkpoints, witnessed, witnesses,
};
pub use page::{Activity, ActivityFilter, page};
pub use retain::{erase_attempts, erase_old, erase_person, prune};

/// What a write adds to the chain; number, time and hashes come at the end of its batch.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Entry {
    /// Whose; `None` for the installation itself.
    pub tenant: Option<TenantId>,
    /// Narrower, where it belongs to one project.
    pub project: Option<ProjectId>,
    /// `person`, `token`, `ai`, `system`, `node`.
    pub actor_kind: String,
    /// A pseudonym (an id), never a name or address.
    pub actor_ref: String,
    /// Dotted name: `app.deploy`, `session.open`.
    pub action: String,
    /// What it was done to: `app`, `node`, `run`, ...
    pub target_kind: String,
    /// Its id.
    pub target_id: String,
    /// The run it belongs to.
    pub run: Option<RunId>,
    /// The request it belongs to.
    pub request: Option<RequestId>,
    /// `opened`, `succeeded`, `refused`, ...
    pub outcome: String,
    /// Structured details under names of [`fields::FIELDS`].
    pub fields: Vec<(&'static str, String)>,
    /// Details about persons.
    pub personal: Vec<Personal>,
}

/// A detail about a person: committed to by the chain, kept beside it, erasable.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Personal {
    /// What it is, a name of [`fields::PERSONAL`]: `email`, `ip`.
    pub field: &'static str,
    /// About whom: a user id, or another pseudonym by which it will be erased.
    pub subject: String,
    /// The value.
    pub value: String,
}

row! {
    /// A line of the chain as stored. The hash covers every field but itself; see [`chain`].
    pub struct Line in "activity_logs" {
        /// Whose chain.
        instance: InstanceId = "instance_id",
        /// From 1, without gaps.
        seq: u64,
        /// Whose; `None` for the installation itself.
        tenant: Option<TenantId> = "tenant_id",
        /// Narrower.
        project: Option<ProjectId> = "project_id",
        /// When.
        at: Timestamp,
        /// Who, by kind.
        actor_kind: String,
        /// Who, by pseudonym.
        actor_ref: String,
        /// What.
        action: String,
        /// Done to what.
        target_kind: String,
        /// Its id.
        target_id: String,
        /// In which run.
        run: Option<RunId> = "run_id",
        /// Through which request.
        request: Option<RequestId> = "request_id",
        /// How it went.
        outcome: String,
        /// A JSON object of strings, its exact text.
        fields: String,
        /// A JSON object from field to commitment (hexadecimal), its exact text.
        personal: String,
        /// Hash of the line before; zeros before the first.
        prev_hash: [u8; 32],
        /// Hash of this line.
        entry_hash: [u8; 32],
    }
}

row! {
    /// A detail about a person as stored.
    pub struct PersonalValue in "activity_personal" {
        /// Whose chain.
        instance: InstanceId = "instance_id",
        /// In which line.
        seq: u64,
        /// What it is.
        field: String,
        /// About whom.
        subject: String = "subject_id",
        /// The salt of its commitment.
        salt: [u8; 32],
        /// The value.
        value: String,
    }
}

/// Chains what a batch collected to the chain that ends with `before`, and stores it; answers how it ends then. Where the chain
/// has another end by now, nothing of it is stored.
pub(crate) fn store(tx: &Tx, instance: InstanceId, before: Head, entries: Vec<Entry>) -> Head {
    let mut head = before;
    if entries.is_empty() {
        return head;
    }
    let (mut lines, mut personal) = (Vec::with_capacity(entries.len()), Vec::new());
    for entry in entries {
        let line = link(tx, instance, &head, entry, &mut personal);
        head = Head { seq: line.seq, hash: line.entry_hash };
        lines.push(line);
    }
    insert_later(tx, &lines);
    insert_later(tx, &personal);
    Sql::new("INSERT INTO audit_heads (instance_id, seq, hash) VALUES (")
        .with("?", instance.uuid())
        .with(", ?", i64::try_from(head.seq).unwrap_or(i64::MAX))
        .with(", ?) ON CONFLICT (instance_id) DO UPDATE SET seq = excluded.seq, hash = excluded.hash", &head.hash[..])
        .with(" WHERE audit_heads.seq = ?", i64::try_from(before.seq).unwrap_or(i64::MAX))
        .with(" AND audit_heads.hash = ?", &before.hash[..])
        .later(tx, Some(1));
    head
}

fn link(tx: &Tx, instance: InstanceId, head: &Head, entry: Entry, personal: &mut Vec<PersonalValue>) -> Line {
    let seq = head.seq + 1;
    let entry = listed(entry);
    let mut commitments = serde_json::Map::new();
    for detail in entry.personal {
        let salt = tx.rng.bytes();
        let value = fields::cut(detail.value);
        let commitment = chain::hex(&chain::commit(&salt, detail.field, &value));
        commitments.insert(detail.field.to_owned(), commitment.into());
        let (field, subject) = (detail.field.to_owned(), detail.subject);
        personal.push(PersonalValue { instance, seq, field, subject, salt, value });
    }
    let fields: serde_json::Map<_, _> =
        entry.fields.into_iter().map(|(name, value)| (name.to_owned(), fields::cut(value).into())).collect();
    let mut line = Line {
        instance,
        seq,
        tenant: entry.tenant,
        project: entry.project,
        at: tx.now(),
        actor_kind: entry.actor_kind,
        actor_ref: entry.actor_ref,
        action: entry.action,
        target_kind: entry.target_kind,
        target_id: entry.target_id,
        run: entry.run,
        request: entry.request,
        outcome: entry.outcome,
        fields: serde_json::Value::Object(fields).to_string(),
        personal: serde_json::Value::Object(commitments).to_string(),
        prev_hash: head.hash,
        entry_hash: [0; 32],
    };
    line.entry_hash = chain::hash(&line);
    line
}

/// Leaves out what has no place in a line. Every name is written in code, so that tests find one that is not listed.
fn listed(mut entry: Entry) -> Entry {
    let told = |good: bool, name: &str, action: &str| {
        debug_assert!(good, "`{name}` is not in `store::audit::fields`: list it there and in docs/guides/audit.md");
        if !good {
            tracing::error!(name, action, "a detail that is not on the list was left out of an audit line");
        }
        good
    };
    let action = entry.action.clone();
    entry.fields.retain(|(name, _)| told(fields::is_listed(name), name, &action));
    entry.personal.retain(|detail| told(fields::is_personal(detail.field), detail.field, &action));
    entry
}

/// How a chain ends now; zeros before its first line.
///
/// # Errors
/// When the database fails.
pub async fn head(at: &impl Look, instance: InstanceId) -> Result<Head> {
    let row =
        Sql::new("SELECT seq, hash FROM audit_heads").with(" WHERE instance_id = ?", instance.uuid()).raw(at).await?;
    let Some(row) = row else { return Ok(Head::default()) };
    let mut place = 0;
    Ok(Head { seq: crate::row::column(&row, &mut place)?, hash: crate::row::column(&row, &mut place)? })
}

/// Lines of one chain after `after`, ascending, for export and [`verify`]. System only: a chain is the
/// installation's.
///
/// # Errors
/// [`StoreError::OutOfScope`] for anybody else; when the database fails.
pub async fn export(at: &impl Look, instance: InstanceId, after: u64, limit: u32) -> Result<Vec<Line>> {
    system_only(at.scope())?;
    Sql::select::<Line>()
        .and("instance_id = ?", &instance)
        .and("seq > ?", &after)
        .with(" ORDER BY seq LIMIT ?", i64::from(limit))
        .all(at)
        .await
}

/// Lines of one chain inside the scope after `after`, ascending: picked from it, for those who may not see all of it.
///
/// # Errors
/// When the database fails.
pub async fn picked(at: &impl Look, instance: InstanceId, after: u64, limit: u32) -> Result<Vec<Line>> {
    let sql = Sql::select::<Line>().scoped(at.scope()).and("instance_id = ?", &instance).and("seq > ?", &after);
    sql.with(" ORDER BY seq LIMIT ?", i64::from(limit)).all(at).await
}

/// One line. System only.
///
/// # Errors
/// [`StoreError::OutOfScope`] for anybody else; when the database fails.
pub async fn line(at: &impl Look, instance: InstanceId, seq: u64) -> Result<Option<Line>> {
    system_only(at.scope())?;
    Sql::select::<Line>().and("instance_id = ?", &instance).and("seq = ?", &seq).find(at).await
}

/// What is still known of persons in lines `from` to `to` of one chain, in the order of the lines. System only.
///
/// # Errors
/// [`StoreError::OutOfScope`] for anybody else; when the database fails.
pub async fn personal(at: &impl Look, instance: InstanceId, from: u64, to: u64) -> Result<Vec<PersonalValue>> {
    system_only(at.scope())?;
    let sql = Sql::select::<PersonalValue>().and("instance_id = ?", &instance).and("seq >= ?", &from);
    sql.and("seq <= ?", &to).push(" ORDER BY seq, field").all(at).await
}

fn system_only(scope: Scope) -> Result<()> {
    if scope == Scope::System { Ok(()) } else { Err(StoreError::OutOfScope("audit chain")) }
}
