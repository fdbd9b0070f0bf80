//! Calls of tools by AI hosts: what was asked, what was answered, and whether the answer held words that others wrote.

use std::time::Duration;

use sf_types::{ApprovalId, Page, PageRequest, RunId, TenantId, Timestamp, TokenId, UserId};
use uuid::Uuid;

use crate::Result;
use crate::row::{row, words};
use crate::sql::{Sql, containing, insert, insert_all, page_of};
use crate::tx::{Look, Tx};

/// How long a call is kept: 90 days.
pub const KEPT: Duration = Duration::from_secs(90 * 86_400);
/// Rows removed in one bite.
pub const BITE: u32 = 1_000;
/// Where a row stands for many calls, each with its own arguments.
pub const NO_DIGEST: [u8; 32] = [0; 32];
/// Characters of a client's name that are kept.
pub const MAX_CLIENT_CHARS: usize = 120;

words! {
    /// What a call came to.
    pub enum CallDecision {
        /// It was answered, or what it asked for was begun.
        Allowed = "allowed",
        /// A person has to decide first.
        Held = "held",
        /// Policy said no, or its caller may not do this.
        Denied = "denied",
        /// A value was refused, or there is no such thing.
        Refused = "refused",
        /// It went wrong: a machine that does not answer, our own defect.
        Failed = "failed",
        /// A limit was used up.
        Limited = "limited",
    }
}

row! {
    /// One call.
    pub struct McpCall in "mcp_calls" {
        /// Its id.
        id: Uuid,
        /// In which team.
        tenant: TenantId = "tenant_id",
        /// For whom.
        user: UserId = "user_id",
        /// By which credential.
        token: TokenId = "token_id",
        /// What the host calls itself. Its own word, never believed.
        client: String,
        /// Which tool.
        tool: String,
        /// SHA-256 of the canonical arguments; [`NO_DIGEST`] where this stands for many calls.
        digest: [u8; 32],
        /// What it came to.
        decision: CallDecision,
        /// The code of what was refused.
        code: Option<String>,
        /// The run it opened.
        run: Option<RunId> = "run_id",
        /// The card it waits for.
        approval: Option<ApprovalId> = "approval_id",
        /// Whether the answer held words that others wrote.
        untrusted: bool,
        /// How long it took, in microseconds.
        duration_us: u64,
        /// When it was answered; the last of them where this stands for many.
        at: Timestamp,
        /// Calls that this stands for: one, but for those that a rate limit refused.
        times: u64,
    }
}

/// Which calls.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct CallFilter {
    /// Of this tool.
    pub tool: Option<String>,
    /// That came to this.
    pub decision: Option<CallDecision>,
    /// Of hosts whose name holds this.
    pub client: Option<String>,
    /// Whose tool, client or code holds this.
    pub q: Option<String>,
    /// By this credential.
    pub token: Option<TokenId>,
}

/// Keeps a call.
///
/// # Errors
/// When the database fails.
pub async fn keep(tx: &mut Tx, call: &McpCall) -> Result<()> {
    tx.own("call", call.tenant, None)?;
    insert(tx, call).await
}

/// Keeps calls by a row that stands for all of them: what is there under its id already is counted on.
///
/// # Errors
/// When the database fails.
pub async fn count(tx: &mut Tx, call: &McpCall) -> Result<()> {
    tx.own("call", call.tenant, None)?;
    let tail = " ON CONFLICT (id) DO UPDATE SET times = mcp_calls.times + excluded.times, client = excluded.client, \
                at = CASE WHEN excluded.at > mcp_calls.at THEN excluded.at ELSE mcp_calls.at END \
                WHERE mcp_calls.tenant_id = excluded.tenant_id";
    insert_all(tx, std::slice::from_ref(call), tail).await.map(drop)
}

/// Calls inside the scope, newest first.
///
/// # Errors
/// A bad cursor; when the database fails.
pub async fn page(at: &impl Look, filter: &CallFilter, page: &PageRequest) -> Result<Page<McpCall>> {
    let mut sql = Sql::select::<McpCall>().tenant_scoped(at.scope());
    sql = sql.and_some("tool = ?", filter.tool.as_ref()).and_some("decision = ?", filter.decision.as_ref());
    sql = sql.and_some("token_id = ?", filter.token.as_ref());
    if let Some(client) = &filter.client {
        sql = sql.with(" AND client LIKE ? ESCAPE '\\'", containing(client));
    }
    if let Some(q) = &filter.q {
        sql = sql.with(" AND (tool LIKE ? ESCAPE '\\'", containing(q));
        sql = sql.with(" OR client LIKE ? ESCAPE '\\'", containing(q));
        sql = sql.with(" OR code LIKE ? ESCAPE '\\')", containing(q));
    }
    Ok(page_of(sql.page(page)?.all(at).await?, page, |call: &McpCall| call.id))
}

/// Whether a credential was given words that others wrote, at `since` or later.
///
/// # Errors
/// When the database fails.
pub async fn is_tainted(at: &impl Look, token: TokenId, since: Timestamp) -> Result<bool> {
    let sql = Sql::new("SELECT id FROM mcp_calls WHERE untrusted").and("token_id = ?", &token).and("at >= ?", &since);
    Ok(sql.tenant_scoped(at.scope()).push(" LIMIT 1").scalar::<Uuid>(at).await?.is_some())
}

/// Removes a bite of calls from before; answers how many.
///
/// # Errors
/// When the database fails; out of scope for anybody but the system.
pub async fn prune(tx: &mut Tx, before: Timestamp) -> Result<u64> {
    crate::metrics::history::system_only(tx)?;
    let old = Sql::new("DELETE FROM mcp_calls WHERE id IN (SELECT id FROM mcp_calls WHERE TRUE").and("at < ?", &before);
    old.with(" LIMIT ?)", i64::from(BITE)).run(tx).await
}
