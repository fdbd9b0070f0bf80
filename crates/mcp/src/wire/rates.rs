//! How often one principal may call one tool: a bucket for each, and one for all it does. What is refused is noted.

use std::time::Duration;

use sf_actions::{Actor, ActorKind};
use sf_runtime::buckets::{Buckets, Rate};
use sf_types::{Timestamp, TokenId, UserId};

use super::refused::Refused;
use crate::call::Caller;

/// Buckets remembered at the most.
pub const MAX_BUCKETS: usize = 20_000;

/// Who is counted, and whose sessions are whose: a person's one credential.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Principal {
    /// For whom it acts.
    pub user: UserId,
    /// By which key or grant.
    pub token: TokenId,
}

impl Principal {
    /// Of an AI; nobody else calls here.
    pub fn of(actor: &Actor) -> Option<Self> {
        match actor.kind {
            ActorKind::Ai { user, token } => Some(Self { user, token }),
            _ => None,
        }
    }
}

/// The limits.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Rates {
    /// Of a tool that only reads.
    pub reading: Rate,
    /// Of a tool that changes something.
    pub acting: Rate,
    /// Of a tool whose changes may lose something.
    pub destroying: Rate,
    /// Of all requests of one principal together.
    pub all: Rate,
}

impl Default for Rates {
    fn default() -> Self {
        Self {
            reading: Rate { burst: 600, per_minute: 18_000 },
            acting: Rate { burst: 30, per_minute: 60 },
            destroying: Rate { burst: 10, per_minute: 20 },
            all: Rate { burst: 1_200, per_minute: 36_000 },
        }
    }
}

/// What is counted.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Counted {
    /// Whatever it is.
    Request,
    /// Calls of this tool, which is one of the list.
    Tool(&'static str, Weight),
}

/// How much a tool can do.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Weight {
    /// Reads.
    Reading,
    /// Changes.
    Acting,
    /// Loses.
    Destroying,
}

/// The counters of this process.
#[derive(Debug)]
pub struct Limiter {
    rates: Rates,
    buckets: Buckets<(Principal, Counted)>,
    pub(super) refused: Refused,
}

impl Limiter {
    /// Nobody has called yet.
    pub fn new(rates: Rates) -> Self {
        Self { rates, buckets: Buckets::new(MAX_BUCKETS), refused: Refused::default() }
    }

    /// Counts one. What is refused is noted for the log of calls as `called`, which is of a fixed set.
    ///
    /// # Errors
    /// How long to wait, in whole seconds, when the bucket is empty.
    pub fn take(
        &self,
        (principal, caller): (Principal, &Caller),
        what: Counted,
        called: &'static str,
        now: Timestamp,
    ) -> Result<(), Duration> {
        let rate = match what {
            Counted::Request => self.rates.all,
            Counted::Tool(_, Weight::Reading) => self.rates.reading,
            Counted::Tool(_, Weight::Acting) => self.rates.acting,
            Counted::Tool(_, Weight::Destroying) => self.rates.destroying,
        };
        let took = self.buckets.take((principal, what), rate, now).map(drop);
        if took.is_err() {
            self.refused.note(principal, caller, called, now);
        }
        took
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use sf_actions::{PermissionSet, Rights};
    use sf_types::TenantId;
    use uuid::Uuid;

    fn caller(n: u128) -> Caller {
        let kind = ActorKind::Ai {
            user: UserId::from_uuid(Uuid::from_u128(n)),
            token: TokenId::from_uuid(Uuid::from_u128(n)),
        };
        let tenant = TenantId::from_uuid(Uuid::from_u128(1));
        let actor = Actor { kind, tenant, rights: Rights::everywhere(PermissionSet::ALL) };
        Caller { actor, scopes: [].into(), client: "a host".to_owned() }
    }

    #[test]
    fn each_tool_of_each_principal_has_a_bucket_and_what_is_refused_is_noted() {
        let rate = |burst, per_minute| Rate { burst, per_minute };
        let rates = Rates { reading: rate(2, 60), acting: rate(1, 6), destroying: rate(1, 1), all: rate(9, 9) };
        let limiter = Limiter::new(rates);
        let (find, stop) = (Counted::Tool("find", Weight::Reading), Counted::Tool("stop", Weight::Acting));
        for (millis, who, what, expected) in [
            (0, 1, find, Ok(())),
            (0, 1, find, Ok(())),
            (0, 1, find, Err(1)),
            (0, 2, find, Ok(())),
            (0, 1, stop, Ok(())),
            (0, 1, stop, Err(10)),
            (1_000, 1, find, Ok(())),
            (9_999, 1, stop, Err(1)),
            (10_000, 1, stop, Ok(())),
        ] {
            let caller = caller(who);
            let principal = Principal::of(&caller.actor).unwrap();
            let Counted::Tool(called, _) = what else { unreachable!("only tools are called") };
            let took = limiter.take((principal, &caller), what, called, Timestamp::from_millis(millis));
            assert_eq!(took.map_err(|wait| wait.as_secs()), expected, "{millis} {what:?}");
        }
        let mut noted: Vec<_> = limiter.refused.taken().into_iter().map(|(_, one)| (one.tool, one.times)).collect();
        noted.sort();
        assert_eq!(noted, [("find".to_owned(), 1), ("stop".to_owned(), 2)]);
    }
}
