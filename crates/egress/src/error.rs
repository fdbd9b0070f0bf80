//! Why a request was not made, or not answered. No text holds an address's path: it may be a secret.

use std::net::IpAddr;
use std::time::Duration;

use sf_types::{ErrorKind, Fault};

/// The address may not be used, now or later.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum Refused {
    /// No URL, or none with a host.
    #[error("it is no web address: {0}")]
    NoUrl(String),
    /// Longer than [`crate::target::MAX_URL_BYTES`].
    #[error("it is longer than {max} bytes")]
    TooLong {
        /// Bytes allowed.
        max: usize,
    },
    /// Neither https nor http.
    #[error("its scheme is `{0}`: only https is allowed")]
    Scheme(String),
    /// Without TLS, and not in a network that the operator allows.
    #[error("it is without TLS: http is only for networks in `egress.allowed_networks`")]
    Plain,
    /// A user name or password inside.
    #[error("it has a user name or password in it")]
    Credentials,
    /// An address that is not of the public internet, nor allowed.
    #[error("`{host}` is {address}, which is not in the public internet nor in `egress.allowed_networks`")]
    Private {
        /// The host as named.
        host: String,
        /// What it resolves to.
        address: IpAddr,
    },
}

/// A request that did not end in an answer.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum Failed {
    /// The address may not be used.
    #[error("the address is refused: {0}")]
    Refused(#[from] Refused),
    /// The name leads nowhere now.
    #[error("`{host}` has no address: {why}")]
    Unresolved {
        /// The name.
        host: String,
        /// What the resolver said.
        why: String,
    },
    /// No connection, TLS that does not hold, or it broke off.
    #[error("`{host}` could not be reached: {why}")]
    Unreachable {
        /// The host.
        host: String,
        /// The innermost cause.
        why: String,
    },
    /// It took too long.
    #[error("`{host}` took longer than {} s", limit.as_secs())]
    Slow {
        /// The host.
        host: String,
        /// What it was given.
        limit: Duration,
    },
}

impl Refused {
    /// For who typed the address.
    pub fn fault(&self) -> Fault {
        let fault = Fault::new(ErrorKind::Invalid, "address.refused", format!("The address is refused: {self}."));
        match self {
            Self::Private { .. } | Self::Plain => fault.fix(
                "Use an https address of the public internet, or ask the operator to add the network to \
                 `egress.allowed_networks`.",
            ),
            Self::Credentials => fault.fix("Leave them out; a token has a field of its own."),
            _ => fault.fix("Write it as https://host/path."),
        }
    }
}
