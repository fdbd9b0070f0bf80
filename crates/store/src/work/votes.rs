//! Who has said what to a card that more than one person decides.

use sf_types::{ApprovalId, TenantId, Timestamp, UserId};

use crate::Result;
use crate::approvals::Verdict;
use crate::row::row;
use crate::sql::{Sql, insert, insert_all};
use crate::tx::{Look, Tx};

row! {
    /// One voice.
    pub struct Vote in "approval_votes" {
        /// On which card.
        approval: ApprovalId = "approval_id",
        /// Whose team.
        tenant: TenantId = "tenant_id",
        /// Whose voice it is; each counts once.
        voice: UserId = "voice_id",
        /// Who gave it: the same person, or their deputy.
        by: UserId = "user_id",
        /// What was said.
        verdict: Verdict,
        /// Why.
        comment: Option<String>,
        /// When.
        at: Timestamp,
    }
}

/// Counts a voice.
///
/// # Errors
/// [`crate::StoreError::Taken`] where it was given already; [`crate::StoreError::OutOfScope`].
pub async fn give(tx: &mut Tx, vote: &Vote) -> Result<()> {
    tx.own("vote", vote.tenant, None)?;
    insert(tx, vote).await
}

/// A voice that says no from now on, whatever it has said before.
///
/// # Errors
/// [`crate::StoreError::OutOfScope`]; when the database fails.
pub async fn refuse(tx: &mut Tx, vote: &Vote) -> Result<()> {
    tx.own("vote", vote.tenant, None)?;
    let again = " ON CONFLICT (approval_id, voice_id) DO UPDATE SET user_id = excluded.user_id, \
                 verdict = excluded.verdict, comment = excluded.comment, at = excluded.at";
    insert_all(tx, std::slice::from_ref(vote), again).await.map(drop)
}

/// All voices on a card, in the order in which they were given.
///
/// # Errors
/// When the database fails.
pub async fn of_card(at: &impl Look, approval: ApprovalId) -> Result<Vec<Vote>> {
    let sql = Sql::select::<Vote>().and("approval_id = ?", &approval).tenant_scoped(at.scope());
    sql.push(" ORDER BY at, voice_id").all(at).await
}

/// Forgets the voices on a card that is before people anew.
///
/// # Errors
/// When the database fails.
pub async fn forget(tx: &mut Tx, approval: ApprovalId) -> Result<()> {
    let sql = Sql::new("DELETE FROM approval_votes WHERE TRUE").and("approval_id = ?", &approval);
    sql.tenant_scoped(tx.scope()).run(tx).await.map(drop)
}
