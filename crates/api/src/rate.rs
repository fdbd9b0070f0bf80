//! How often one caller may ask: a bucket for each principal and each address.

use std::net::IpAddr;
use std::time::Duration;

use sf_runtime::buckets::{Buckets, Left, Rate};
use sf_runtime::places::network;
use sf_types::{SessionId, Timestamp, TokenId};

/// Callers remembered at the most.
pub const MAX_CALLERS: usize = 20_000;

/// The limits of the edge.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Rates {
    /// One address without credential.
    pub address: Rate,
    /// One principal.
    pub principal: Rate,
    /// One address at sign-in and set-up, besides the throttle per account.
    pub sign_in: Rate,
}

impl Default for Rates {
    fn default() -> Self {
        Self {
            address: Rate::a_second(200, 50),
            principal: Rate::a_second(4_000, 2_000),
            sign_in: Rate::a_second(20, 1),
        }
    }
}

/// Who is counted.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Caller {
    /// A machine somewhere. IPv6 addresses count by their /64: one customer has a whole one.
    Address(IpAddr),
    /// The same, at sign-in.
    SignIn(IpAddr),
    /// A browser or CLI session.
    Session(SessionId),
    /// A token.
    Token(TokenId),
}

impl Caller {
    /// An address as it counts.
    pub fn address(ip: IpAddr) -> Self {
        Self::Address(network(ip))
    }

    /// An address as it counts at sign-in.
    pub fn sign_in(ip: IpAddr) -> Self {
        Self::SignIn(network(ip))
    }

    /// The name of the limit it counts under.
    pub const fn policy(self) -> &'static str {
        match self {
            Self::Address(_) => "address",
            Self::SignIn(_) => "sign-in",
            Self::Session(_) | Self::Token(_) => "principal",
        }
    }
}

/// The counters of this process.
#[derive(Debug)]
pub struct Limiter {
    rates: Rates,
    buckets: Buckets<Caller>,
}

impl Limiter {
    /// Nobody has asked yet.
    pub fn new(rates: Rates) -> Self {
        Self { rates, buckets: Buckets::new(MAX_CALLERS) }
    }

    /// Under which rate a caller counts.
    pub const fn rate(&self, caller: Caller) -> Rate {
        match caller {
            Caller::Address(_) => self.rates.address,
            Caller::SignIn(_) => self.rates.sign_in,
            Caller::Session(_) | Caller::Token(_) => self.rates.principal,
        }
    }

    /// Counts one request; answers what is left.
    ///
    /// # Errors
    /// How long to wait when the bucket is empty, in whole seconds.
    pub fn take(&self, caller: Caller, now: Timestamp) -> Result<Left, Duration> {
        self.buckets.take(caller, self.rate(caller), now)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use sf_types::TypedId;

    #[test]
    fn each_kind_of_caller_has_its_own_rate_and_a_network_is_one_caller() {
        let rates =
            Rates { address: Rate::a_second(2, 1), principal: Rate::a_second(3, 1), sign_in: Rate::a_second(1, 1) };
        let (limiter, now) = (Limiter::new(rates), Timestamp::from_millis(0));
        let ip = |text: &str| text.parse::<IpAddr>().expect("an address");
        let token = TokenId::from_parts(now, [1; 10]);
        for (caller, expected) in [
            (Caller::address(ip("2001:db8::1")), true),
            (Caller::address(ip("2001:db8::2")), true),
            (Caller::address(ip("2001:db8::3")), false),
            (Caller::sign_in(ip("2001:db8::3")), true),
            (Caller::sign_in(ip("2001:db8::4")), false),
            (Caller::Token(token), true),
            (Caller::Token(token), true),
            (Caller::Token(token), true),
            (Caller::Token(token), false),
        ] {
            assert_eq!(limiter.take(caller, now).is_ok(), expected, "{caller:?}");
        }
    }
}
