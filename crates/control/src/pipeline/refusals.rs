//! What was refused to somebody who is signed in leaves an audit line: it is how misuse begins. Bounded, since whoever is
//! refused decides how often: some lines a minute, then one that sums the rest up. Reads are not recorded, they only hide.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use sf_actions::{Action, Actor};
use sf_runtime::OnError;
use sf_store::audit::Entry;
use sf_store::runs;
use sf_types::{ErrorKind, Fault, RequestId, TenantId, Timestamp};

use crate::control::Control;
use crate::transition::actor_words;

/// Lines that refusals to one principal leave within [`WINDOW`]; what is more is counted, and told in one line.
pub const LINES_A_MINUTE: u32 = 10;
/// A minute.
const WINDOW: Duration = Duration::from_secs(60);
/// Principals that are counted at a time; they are people and keys of ours, so that this is a bound and no rule.
const MOST_PRINCIPALS: usize = 10_000;

/// Who was refused something: the words of an audit line, in their tenant.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub(crate) struct Principal {
    tenant: TenantId,
    kind: &'static str,
    reference: String,
}

/// A minute of one principal.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Minute {
    since: Timestamp,
    lines: u32,
    untold: u64,
}

/// What was refused within the last minute.
#[derive(Debug, Default)]
pub(crate) struct Refusals(Mutex<HashMap<Principal, Minute>>);

impl Refusals {
    /// Counts one; answers whether it is told by a line of its own.
    fn count(&self, principal: &Principal, now: Timestamp) -> bool {
        let mut minutes = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if !minutes.contains_key(principal) && minutes.len() >= MOST_PRINCIPALS {
            return false;
        }
        let fresh = Minute { since: now, lines: 0, untold: 0 };
        let minute = minutes.entry(principal.clone()).or_insert(fresh);
        // With something untold it stays until that was told.
        if now >= minute.since.plus(WINDOW) && minute.untold == 0 {
            *minute = fresh;
        }
        let is_told = minute.lines < LINES_A_MINUTE;
        if is_told {
            minute.lines += 1;
        } else {
            minute.untold += 1;
        }
        is_told
    }

    /// Forgets minutes that are over (`all`: also those that are not); answers who has how many untold.
    fn take(&self, now: Timestamp, all: bool) -> Vec<(Principal, u64)> {
        let mut minutes = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let over = minutes.extract_if(|_, minute| all || now >= minute.since.plus(WINDOW));
        over.filter(|(_, minute)| minute.untold > 0).map(|(who, minute)| (who, minute.untold)).collect()
    }
}

impl Control {
    /// Records that policy refused or hid what an actor wanted to change. Other faults are no refusals.
    pub(crate) async fn note_refusal(&self, actor: &Actor, request: RequestId, action: &Action, fault: &Fault) {
        if !matches!(fault.kind, ErrorKind::Forbidden | ErrorKind::NotFound) {
            return;
        }
        let (kind, reference) = actor_words(actor.kind);
        let principal = Principal { tenant: actor.tenant, kind, reference };
        if !self.core().refusals.count(&principal, self.now()) {
            return;
        }
        let (target_kind, target_id) = runs::target(action.target());
        self.record(Entry {
            action: action.spec().name.to_owned(),
            target_kind: target_kind.to_owned(),
            target_id,
            request: Some(request),
            fields: vec![("fault", fault.code.clone())],
            ..line(&principal)
        })
        .await;
    }

    /// Tells in one line for each principal what left none of its own in a minute that is over.
    pub async fn sum_up_refusals(&self) {
        self.sum_up(false).await;
    }

    async fn sum_up(&self, all: bool) {
        for (principal, untold) in self.core().refusals.take(self.now(), all) {
            self.record(Entry {
                action: "access.refused".to_owned(),
                target_kind: "tenant".to_owned(),
                fields: vec![("count", untold.to_string())],
                ..line(&principal)
            })
            .await;
        }
    }

    /// Refused is refused, whether or not it can be recorded.
    async fn record(&self, entry: Entry) {
        let scope = sf_types::Scope::System;
        let written = self.core().store.write(scope, move |tx| {
            Box::pin(async move {
                tx.audit(entry);
                Ok(())
            })
        });
        if let Err(error) = written.await {
            tracing::warn!(%error, "a refusal could not be recorded");
        }
    }

    pub(crate) fn start_summing_up_refusals(&self) {
        let control = self.clone();
        self.core().tasks.spawn("refusals", OnError::Log, async move {
            let shutdown = control.core().tasks.shutdown();
            while !shutdown.is_requested() {
                tokio::select! {
                    () = shutdown.requested() => {}
                    () = tokio::time::sleep(WINDOW) => control.sum_up(false).await,
                }
            }
            control.sum_up(true).await;
            Ok::<(), Fault>(())
        });
    }
}

fn line(principal: &Principal) -> Entry {
    Entry {
        tenant: Some(principal.tenant),
        project: None,
        actor_kind: principal.kind.to_owned(),
        actor_ref: principal.reference.clone(),
        action: String::new(),
        target_kind: String::new(),
        target_id: String::new(),
        run: None,
        request: None,
        outcome: "refused".to_owned(),
        fields: Vec::new(),
        personal: Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use sf_types::TypedId;

    fn principal(n: u8) -> Principal {
        let tenant = TenantId::from_parts(Timestamp::from_millis(1), [n; 10]);
        Principal { tenant, kind: "person", reference: n.to_string() }
    }

    #[test]
    fn some_are_told_one_by_one_and_the_rest_at_once_for_each_principal() {
        let (refusals, start) = (Refusals::default(), Timestamp::EPOCH);
        let told = |n: u8, at: Timestamp| refusals.count(&principal(n), at);
        assert_eq!((0..25).filter(|_| told(1, start)).count(), 10);
        assert!(told(2, start), "others are counted for themselves");
        assert_eq!(refusals.take(start, false), [], "the minute is not over");
        let later = start.plus(WINDOW);
        assert!(!told(1, later), "what is untold is told first");
        assert_eq!(refusals.take(later, false), [(principal(1), 16)]);
        assert!(told(1, later) && told(2, later));
        assert_eq!(refusals.take(later, true), []);
        assert!(refusals.0.lock().unwrap().is_empty());
    }

    #[test]
    fn no_crowd_fills_the_memory() {
        let refusals = Refusals::default();
        for n in 0..=MOST_PRINCIPALS {
            let principal = Principal { reference: n.to_string(), ..principal(1) };
            assert_eq!(refusals.count(&principal, Timestamp::EPOCH), n < MOST_PRINCIPALS);
        }
        assert_eq!(refusals.0.lock().unwrap().len(), MOST_PRINCIPALS);
    }
}
