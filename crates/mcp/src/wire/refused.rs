//! Calls that a limit refused, on their way to the log: counted here and written now and then, so that a flood of them costs
//! neither rows nor writes.

use std::collections::HashMap;
use std::convert::Infallible;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use sf_actions::Actor;
use sf_control::Control;
use sf_control::audit::calls::Limited;
use sf_runtime::{OnError, Tasks};
use sf_types::{Timestamp, text};
use tokio::sync::Notify;

use super::rates::{Limiter, Principal};
use crate::call::Caller;

/// Between two writes: the first one of a quiet time is written at once.
pub const WRITTEN_EVERY: Duration = Duration::from_secs(5);
/// Of how many credentials and tools it is known at a time; what is more goes unnoted until the next write.
pub const MAX_WAITING: usize = 1_000;

/// By credential and what it called.
type Waiting = HashMap<(Principal, &'static str), (Actor, Limited)>;

/// What has not been written yet.
#[derive(Debug, Default)]
pub struct Refused {
    waiting: Mutex<Waiting>,
    woken: Notify,
}

impl Refused {
    /// Notes one.
    pub(super) fn note(&self, principal: Principal, caller: &Caller, called: &'static str, at: Timestamp) {
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        if waiting.len() >= MAX_WAITING && !waiting.contains_key(&(principal, called)) {
            return;
        }
        let (_, limited) = waiting.entry((principal, called)).or_insert_with(|| {
            let client = caller.client.chars().filter(|c| !text::is_deceptive(*c)).collect();
            (caller.actor.clone(), Limited { client, tool: called.to_owned(), times: 0, at })
        });
        limited.times += 1;
        limited.at = limited.at.max(at);
        drop(waiting);
        self.woken.notify_one();
    }

    /// What is to be written, which is not known here any more.
    pub(super) fn taken(&self) -> Vec<(Actor, Limited)> {
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        waiting.drain().map(|(_, noted)| noted).collect()
    }

    async fn write(&self, control: &Control) {
        for (actor, limited) in self.taken() {
            if let Err(fault) = control.note_limited(&actor, limited).await {
                tracing::warn!(%fault, "calls that a limit refused could not be noted");
            }
        }
    }
}

/// Writes what a limiter has refused, for as long as there is something to serve.
pub(super) fn keep(control: Control, tasks: &Tasks, limiter: Arc<Limiter>) {
    let shutdown = tasks.shutdown();
    tasks.spawn("refused calls", OnError::Log, async move {
        while !shutdown.is_requested() {
            tokio::select! {
                () = shutdown.requested() => {}
                () = limiter.refused.woken.notified() => limiter.refused.write(&control).await,
            }
            tokio::select! {
                () = shutdown.requested() => {}
                () = tokio::time::sleep(WRITTEN_EVERY) => {}
            }
        }
        limiter.refused.write(&control).await;
        Ok::<(), Infallible>(())
    });
}

#[cfg(test)]
mod tests {
    use super::*;
    use sf_actions::{ActorKind, PermissionSet, Rights};
    use sf_types::{TenantId, TokenId, UserId};
    use uuid::Uuid;

    fn noted(refused: &Refused, who: usize, called: &'static str, at: i64) {
        let id = Uuid::from_u128(who as u128);
        let kind = ActorKind::Ai { user: UserId::from_uuid(id), token: TokenId::from_uuid(id) };
        let rights = Rights::everywhere(PermissionSet::ALL);
        let actor = Actor { kind, tenant: TenantId::from_uuid(Uuid::nil()), rights };
        let principal = Principal::of(&actor).expect("an AI");
        let caller = Caller { actor, scopes: [].into(), client: "Evil\u{202e}Host\n".to_owned() };
        refused.note(principal, &caller, called, Timestamp::from_millis(at));
    }

    #[test]
    fn what_is_refused_is_counted_until_it_is_taken() {
        let refused = Refused::default();
        for (called, at) in [("deploy", 5), ("deploy", 9), ("stop", 1), ("deploy", 7)] {
            noted(&refused, 1, called, at);
        }
        let mut taken: Vec<_> = refused.taken().into_iter().map(|(_, limited)| limited).collect();
        taken.sort_by_key(|limited| limited.tool.clone());
        let limited = |tool: &str, times, at| Limited {
            client: "EvilHost".to_owned(),
            tool: tool.to_owned(),
            times,
            at: Timestamp::from_millis(at),
        };
        assert_eq!(taken, [limited("deploy", 3, 9), limited("stop", 1, 1)]);
        assert!(refused.taken().is_empty());
    }

    #[test]
    fn a_crowd_does_not_fill_the_memory() {
        let refused = Refused::default();
        for who in 0..MAX_WAITING + 100 {
            noted(&refused, who, "deploy", 0);
        }
        noted(&refused, 0, "deploy", 0);
        let taken = refused.taken();
        assert_eq!(taken.len(), MAX_WAITING);
        assert!(taken.iter().any(|(_, limited)| limited.times == 2), "who is known already is still counted");
    }
}
