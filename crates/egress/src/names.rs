//! From names to addresses. What this answers is what is dialled: a name that leads elsewhere a moment later (DNS
//! rebinding) changes nothing.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use sf_types::Network;

use crate::address::{is_allowed, may_be_dialled};
use crate::error::{Failed, Refused};

/// Addresses of one name that are tried at the most.
pub const MAX_ADDRESSES: usize = 16;

/// Resolves names and refuses those that lead where nobody may go.
#[derive(Clone, Debug)]
pub(crate) struct Names {
    pub(crate) allowed: Arc<[Network]>,
    /// Whether only what the operator allows counts: for requests without TLS.
    pub(crate) only_allowed: bool,
    pub(crate) source: Source,
}

/// Where addresses come from.
#[derive(Clone, Debug)]
pub(crate) enum Source {
    /// The machine's resolver.
    System,
    /// What a test says, a list for each question.
    #[cfg(test)]
    Script(Arc<std::sync::Mutex<std::collections::VecDeque<Vec<IpAddr>>>>),
}

impl Names {
    /// One address that may not be dialled refuses the name: whoever mixes them has something in mind.
    pub(crate) fn judge(&self, host: &str, found: Vec<IpAddr>) -> Result<Vec<IpAddr>, Failed> {
        if found.is_empty() {
            return Err(Failed::Unresolved { host: host.to_owned(), why: "the resolver knows none".to_owned() });
        }
        let allowed = &self.allowed;
        let good = |address: &IpAddr| match self.only_allowed {
            true => is_allowed(*address, allowed),
            false => may_be_dialled(*address, allowed),
        };
        match found.iter().find(|address| !good(address)) {
            Some(address) => Err(Refused::Private { host: host.to_owned(), address: *address }.into()),
            None => Ok(found.into_iter().take(MAX_ADDRESSES).collect()),
        }
    }

    async fn look_up(&self, host: &str) -> Result<Vec<IpAddr>, Failed> {
        match &self.source {
            Source::System => {
                let found = tokio::net::lookup_host((host, 0)).await;
                let found = found.map_err(|error| Failed::Unresolved { host: host.to_owned(), why: error.to_string() });
                Ok(found?.map(|address| address.ip()).collect())
            }
            #[cfg(test)]
            Source::Script(answers) => Ok(answers.lock().unwrap().pop_front().unwrap_or_default()),
        }
    }
}

impl Resolve for Names {
    fn resolve(&self, name: Name) -> Resolving {
        let this = self.clone();
        Box::pin(async move {
            let host = name.as_str();
            let found = this.judge(host, this.look_up(host).await?)?;
            let addresses: Addrs = Box::new(found.into_iter().map(|ip| SocketAddr::new(ip, 0)));
            Ok(addresses)
        })
    }
}
