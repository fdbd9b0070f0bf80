//! The audit chain: one per control plane instance. Each line carries the hash of the one before it, so that nothing
//! can be changed, dropped or put in between unseen. Personal values stand beside the chain and can be erased; the
//! chain holds only salted commitments to them.

use sf_protocol::dsse::Signed;
use sf_types::{Cursor, InstanceId, Page, PageRequest, ProjectId, RequestId, RunId, Scope, TenantId, Timestamp};

use crate::row::{Json, row};
use crate::sql::{Sql, insert, insert_later};
use crate::tx::{Look, Tx};
use crate::{Result, StoreError};

pub mod chain;

pub use chain::{FirstBad, Head, verify};

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
    /// Structured details; the names are written in code, so nobody can smuggle one in.
    pub fields: Vec<(&'static str, String)>,
    /// Details about persons.
    pub personal: Vec<Personal>,
}

/// A detail about a person: committed to by the chain, kept beside it, erasable.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Personal {
    /// What it is: `email`, `ip`.
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
    struct PersonalRow in "activity_personal" {
        instance: InstanceId = "instance_id",
        seq: u64,
        field: String,
        subject: String = "subject_id",
        salt: [u8; 32],
        value: String,
    }
}

row! {
    /// A signed statement of how long a chain was and how it ended.
    pub struct Checkpoint in "audit_checkpoints" {
        /// Whose chain.
        instance: InstanceId = "instance_id",
        /// Lines.
        size: u64,
        /// Hash of the last of them.
        hash: [u8; 32],
        /// When.
        at: Timestamp,
        /// The statement with its signature.
        signed: Json<Signed>,
    }
}

/// A line with what is still known about the persons in it.
#[derive(Clone, PartialEq, Debug)]
pub struct Activity {
    /// The line.
    pub line: Line,
    /// Field and value; erased ones are missing.
    pub personal: Vec<(String, String)>,
}

/// Which lines.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct ActivityFilter {
    /// An action by its whole name, or a family by its part before the dot.
    pub action: Option<String>,
    /// The id of what it was done to.
    pub target: Option<String>,
    /// Not before.
    pub from: Option<Timestamp>,
    /// Before.
    pub to: Option<Timestamp>,
}

/// Chains what a batch collected to the chain that ends with `head`, and stores it.
pub(crate) fn store(tx: &Tx, instance: InstanceId, mut head: Head, entries: Vec<Entry>) {
    if entries.is_empty() {
        return;
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
        .later(tx, Some(1));
}

fn link(tx: &Tx, instance: InstanceId, head: &Head, entry: Entry, personal: &mut Vec<PersonalRow>) -> Line {
    let seq = head.seq + 1;
    let mut commitments = serde_json::Map::new();
    for detail in entry.personal {
        let salt = tx.rng.bytes();
        let commitment = chain::hex(&chain::commit(&salt, detail.field, &detail.value));
        commitments.insert(detail.field.to_owned(), commitment.into());
        let (field, subject, value) = (detail.field.to_owned(), detail.subject, detail.value);
        personal.push(PersonalRow { instance, seq, field, subject, salt, value });
    }
    let fields: serde_json::Map<_, _> =
        entry.fields.into_iter().map(|(name, value)| (name.to_owned(), value.into())).collect();
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

/// Lines inside the scope, newest first, with what is still known about persons.
///
/// # Errors
/// A bad cursor; when the database fails.
pub async fn page(at: &impl Look, filter: &ActivityFilter, page: &PageRequest) -> Result<Page<Activity>> {
    let mut sql = Sql::select::<Line>()
        .scoped(at.scope())
        .and_some("target_id = ?", filter.target.as_ref())
        .and_some("at >= ?", filter.from.as_ref())
        .and_some("at < ?", filter.to.as_ref());
    if let Some(action) = &filter.action {
        // Names hold no wildcard; what else is asked for finds nothing.
        let family = format!("{}.%", action.replace(['\\', '%', '_'], "."));
        sql = sql.with(" AND (action = ?", action.as_str()).with(" OR action LIKE ?)", family);
    }
    if let Some(after) = &page.after {
        let (time, seq) = parse_cursor(after)?;
        sql = sql.with(" AND (at < ?", time).with(" OR (at = ?", time).with(" AND seq < ?))", seq);
    }
    let limit = i64::try_from(page.rows() + 1).unwrap_or(i64::MAX);
    let lines: Vec<Line> = sql.with(" ORDER BY at DESC, seq DESC LIMIT ?", limit).all(at).await?;
    let cursor = |line: &Line| format!("{}.{}", line.at.as_millis(), line.seq);
    let lines = Page::from_overfetch(lines, page.rows(), cursor);
    let mut items = Vec::with_capacity(lines.items.len());
    for line in lines.items {
        let personal = personal_of(at, &line).await?;
        items.push(Activity { line, personal });
    }
    Ok(Page { items, next: lines.next })
}

async fn personal_of(at: &impl Look, line: &Line) -> Result<Vec<(String, String)>> {
    if line.personal == "{}" {
        return Ok(Vec::new());
    }
    let rows: Vec<PersonalRow> = Sql::select::<PersonalRow>()
        .and("instance_id = ?", &line.instance)
        .and("seq = ?", &line.seq)
        .push(" ORDER BY field")
        .all(at)
        .await?;
    Ok(rows.into_iter().map(|row| (row.field, row.value)).collect())
}

fn parse_cursor(cursor: &Cursor) -> Result<(i64, i64)> {
    let parts = cursor.0.split_once('.').and_then(|(at, seq)| Some((at.parse().ok()?, seq.parse().ok()?)));
    parts.ok_or_else(|| {
        sf_types::Fault::new(sf_types::ErrorKind::Invalid, "page.cursor", "`after` is no cursor of this list.").into()
    })
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

/// Erases what is kept about a person. The chain goes on verifying. Answers how many values are gone.
///
/// # Errors
/// [`StoreError::OutOfScope`] in a project's scope; when the database fails.
pub async fn erase_person(tx: &mut Tx, subject: &str) -> Result<u64> {
    let mut sql = Sql::new("DELETE FROM activity_personal").with(" WHERE subject_id = ?", subject);
    match tx.scope() {
        Scope::System => {}
        Scope::Project(..) => return Err(StoreError::OutOfScope("person")),
        Scope::Tenant(tenant) => {
            sql = sql.with(
                " AND EXISTS (SELECT 1 FROM activity_logs l WHERE l.instance_id = activity_personal.instance_id \
                 AND l.seq = activity_personal.seq AND l.tenant_id = ?)",
                tenant.uuid(),
            );
        }
    }
    sql.run(tx).await
}

/// Keeps a signed checkpoint.
///
/// # Errors
/// [`StoreError::OutOfScope`] for anybody but the system; [`StoreError::Taken`] when there is one of this size.
pub async fn add_checkpoint(tx: &mut Tx, checkpoint: &Checkpoint) -> Result<()> {
    system_only(tx.scope())?;
    insert(tx, checkpoint).await
}

/// Checkpoints of one chain, newest first.
///
/// # Errors
/// [`StoreError::OutOfScope`] for anybody but the system; when the database fails.
pub async fn checkpoints(at: &impl Look, instance: InstanceId, limit: u32) -> Result<Vec<Checkpoint>> {
    system_only(at.scope())?;
    Sql::select::<Checkpoint>()
        .and("instance_id = ?", &instance)
        .with(" ORDER BY size DESC LIMIT ?", i64::from(limit))
        .all(at)
        .await
}

fn system_only(scope: Scope) -> Result<()> {
    if scope == Scope::System { Ok(()) } else { Err(StoreError::OutOfScope("audit chain")) }
}
