//! The door of AI hosts: what was called through it, and the key by which a call that is made twice is done once.

use std::time::Duration;

use sf_actions::{Actor, Permission};
use sf_store::audit::Entry;
use sf_store::idempotency::{self, Begin};
use sf_store::mcp_calls::{self, CallDecision, CallFilter, McpCall};
use sf_store::{Tx, approvals, runs};
use sf_types::{ApprovalId, Fault, Page, PageRequest, RequestId, RunId, Timestamp, TokenId, TypedId};
use sha2::{Digest, Sha256};
use uuid::Uuid;

use crate::control::Control;
use crate::key;
use crate::transition::actor_words;

/// A call that was answered, as its edge knows it.
#[derive(Clone, Debug)]
pub struct Called {
    /// The request it came in.
    pub request: RequestId,
    /// What the host calls itself.
    pub client: String,
    /// Which tool.
    pub tool: String,
    /// SHA-256 of its canonical arguments.
    pub digest: [u8; 32],
    /// What it came to.
    pub decision: CallDecision,
    /// The code of what was refused.
    pub code: Option<String>,
    /// The run it opened.
    pub run: Option<RunId>,
    /// The card it waits for.
    pub approval: Option<ApprovalId>,
    /// Whether the answer held words that others wrote.
    pub untrusted: bool,
    /// Whether the tool changes something.
    pub acts: bool,
    /// How long it took.
    pub took: Duration,
}

/// Time for which calls that a limit refused are counted in one row: for each credential and tool.
pub const LIMITED_WINDOW: Duration = Duration::from_secs(600);

/// Calls that a rate limit refused before anybody looked at what they ask for.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Limited {
    /// What the host calls itself.
    pub client: String,
    /// Which tool; the method of the protocol where it is another request.
    pub tool: String,
    /// How many.
    pub times: u64,
    /// When the last of them came.
    pub at: Timestamp,
}

impl Control {
    /// Keeps calls that a rate limit refused, in one row for each credential, tool and [`LIMITED_WINDOW`]: whoever floods us
    /// does not fill the disk.
    ///
    /// # Errors
    /// When it cannot be stored.
    pub async fn note_limited(&self, actor: &Actor, limited: Limited) -> Result<(), Fault> {
        let (Some(user), Some(token)) = (actor.user(), actor.kind.token()) else { return Ok(()) };
        let call = McpCall {
            id: row_of(token, &limited.tool, limited.at),
            tenant: actor.tenant,
            user,
            token,
            client: limited.client.chars().take(mcp_calls::MAX_CLIENT_CHARS).collect(),
            tool: limited.tool,
            digest: mcp_calls::NO_DIGEST,
            decision: CallDecision::Limited,
            code: Some("rate.limited".to_owned()),
            run: None,
            approval: None,
            untrusted: false,
            duration_us: 0,
            at: limited.at,
            times: limited.times,
        };
        let kept = self
            .core()
            .store
            .write(actor.scope(), move |tx| Box::pin(async move { mcp_calls::count(tx, &call).await }));
        Ok(kept.await?)
    }

    /// Keeps a call of a tool; of one that changes something, an audit line as well. What others wrote is known of before
    /// anybody is given it: then, and for changes, this waits until it is stored. Other calls are kept a moment later.
    ///
    /// # Errors
    /// When it cannot be stored.
    pub async fn note_call(&self, actor: &Actor, called: Called) -> Result<(), Fault> {
        let (Some(user), Some(token)) = (actor.user(), actor.kind.token()) else { return Ok(()) };
        let (tenant, awaited) = (actor.tenant, called.untrusted || called.acts);
        let line = called.acts.then(|| line(actor, &called));
        let call = McpCall {
            // As old as its answer, whenever it is stored.
            id: self.rng().id::<RequestId>(self.clock()).uuid(),
            tenant,
            user,
            token,
            client: called.client.chars().take(mcp_calls::MAX_CLIENT_CHARS).collect(),
            tool: called.tool,
            digest: called.digest,
            decision: called.decision,
            code: called.code,
            run: called.run,
            approval: called.approval,
            untrusted: called.untrusted,
            duration_us: u64::try_from(called.took.as_micros()).unwrap_or(u64::MAX),
            at: self.now(),
            times: 1,
        };
        let store = &self.core().store;
        if awaited {
            return Ok(store.write(actor.scope(), move |tx| Box::pin(kept(tx, call, line))).await?);
        }
        store.write_unawaited(actor.scope(), move |tx| Box::pin(kept(tx, call, line))).await;
        Ok(())
    }

    /// Calls of tools by AI hosts, newest first.
    ///
    /// # Errors
    /// No right, or the store cannot be read.
    pub async fn mcp_calls(
        &self,
        actor: &Actor,
        filter: &CallFilter,
        page: &PageRequest,
    ) -> Result<Page<McpCall>, Fault> {
        Ok(mcp_calls::page(&self.view_team(actor, Permission::AdminAudit)?, filter, page).await?)
    }

    /// Begins what a key stands for.
    ///
    /// # Errors
    /// When it cannot be stored.
    pub async fn begin_keyed(&self, actor: &Actor, key: &str, hash: [u8; 32]) -> Result<Begin, Fault> {
        let (principal, key) = (key::principal(actor), key.to_owned());
        let begun = self.core().store.write(actor.scope(), move |tx| {
            Box::pin(async move { idempotency::begin(tx, &principal, &key, &hash).await })
        });
        Ok(begun.await?)
    }

    /// The run that a key of this actor was bound to.
    ///
    /// # Errors
    /// When it cannot be read.
    pub async fn keyed_run(&self, actor: &Actor, key: &str) -> Result<Option<sf_engine::Run>, Fault> {
        let reader = self.core().store.read(actor.scope());
        let Some((run, _)) = idempotency::claimed(&reader, &key::principal(actor), key).await? else { return Ok(None) };
        Ok(Some(runs::get(&reader, run).await?))
    }

    /// Lets a key be used again. `run` is what it was bound to; without one, its request was not carried out.
    ///
    /// # Errors
    /// When it cannot be stored.
    pub async fn release_key(&self, actor: &Actor, key: &str, run: Option<RunId>) -> Result<(), Fault> {
        let (principal, key) = (key::principal(actor), key.to_owned());
        let released = self.core().store.write(actor.scope(), move |tx| {
            Box::pin(async move {
                match run {
                    Some(run) => idempotency::renew(tx, &principal, &key, run).await.map(drop),
                    None => idempotency::forget(tx, &principal, &key).await,
                }
            })
        });
        Ok(released.await?)
    }

    /// A run of this actor's own: whoever proposed it may know how it stands, also without the right to see others'.
    ///
    /// # Errors
    /// There is none, or it is somebody else's.
    pub async fn own_run(&self, actor: &Actor, run: RunId) -> Result<sf_engine::Run, Fault> {
        let run = runs::get(&self.core().store.read(actor.scope()), run).await?;
        if run.actor.user() == actor.user() && run.actor.agent() == actor.kind.agent() {
            return Ok(run);
        }
        Err(sf_store::StoreError::NotFound("run").into())
    }

    /// The open card of a run.
    ///
    /// # Errors
    /// When it cannot be read.
    pub async fn card_of(&self, actor: &Actor, run: RunId) -> Result<Option<approvals::Approval>, Fault> {
        Ok(approvals::open_of_run(&self.core().store.read(actor.scope()), run).await?)
    }
}

/// The same id for the same credential, tool and window, whichever control plane counts: as old as the window, so that it has
/// its place among the others.
fn row_of(token: TokenId, tool: &str, at: Timestamp) -> Uuid {
    let window = i64::try_from(LIMITED_WINDOW.as_millis()).unwrap_or(i64::MAX);
    let since = Timestamp::from_millis(at.as_millis() - at.as_millis().rem_euclid(window));
    let hash = Sha256::new().chain_update(token.uuid()).chain_update(tool).finalize();
    let mut rest = [0; 10];
    rest.copy_from_slice(&hash[..10]);
    RequestId::from_parts(since, rest).uuid()
}

async fn kept(tx: &mut Tx, call: McpCall, line: Option<Entry>) -> sf_store::Result<()> {
    mcp_calls::keep(tx, &call).await?;
    if let Some(line) = line {
        tx.audit(line);
    }
    Ok(())
}

fn line(actor: &Actor, called: &Called) -> Entry {
    let (actor_kind, actor_ref) = actor_words(actor.kind);
    let mut fields = vec![("arguments", called.digest.iter().map(|byte| format!("{byte:02x}")).collect())];
    fields.extend(actor.kind.token().map(|token| ("token", token.to_string())));
    fields.extend(called.code.clone().map(|code| ("fault", code)));
    Entry {
        tenant: Some(actor.tenant),
        project: None,
        actor_kind: actor_kind.to_owned(),
        actor_ref,
        action: "mcp.call".to_owned(),
        target_kind: "tool".to_owned(),
        target_id: called.tool.clone(),
        run: called.run,
        request: Some(called.request),
        outcome: called.decision.word().to_owned(),
        fields,
        personal: Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_is_of_one_credential_tool_and_window() {
        let token = |n: u8| TokenId::from_parts(Timestamp::from_millis(1), [n; 10]);
        let at = |secs: i64| Timestamp::from_millis(1_200_000_000 + secs * 1000);
        let row = row_of(token(1), "deploy", at(0));
        for (other, expected) in [
            (row_of(token(1), "deploy", at(599)), true),
            (row_of(token(1), "deploy", at(600)), false),
            (row_of(token(1), "deploy", at(-1)), false),
            (row_of(token(2), "deploy", at(0)), false),
            (row_of(token(1), "stop", at(0)), false),
        ] {
            assert_eq!(row == other, expected, "{other}");
        }
        assert!(row < row_of(token(1), "deploy", at(600)), "rows are as old as their windows");
    }
}
