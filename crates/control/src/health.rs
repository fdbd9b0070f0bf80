//! How the control plane is.

use std::time::Instant;

use serde::Serialize;

use crate::control::Control;

/// How well something works.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Status {
    /// All is well.
    Healthy,
    /// It works, but somebody should look.
    Degraded,
    /// It does not work.
    Unhealthy,
}

/// One thing looked at.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Check {
    /// What.
    pub name: &'static str,
    /// How it is.
    pub status: Status,
    /// In words.
    pub detail: String,
    /// How long the look took, microseconds.
    pub latency_us: Option<u64>,
}

/// All of it.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Health {
    /// The worst of the checks.
    pub status: Status,
    /// Program version.
    pub version: &'static str,
    /// Which control plane.
    pub instance: sf_types::InstanceId,
    /// Seconds since its start.
    pub uptime_secs: u64,
    /// What was looked at.
    pub checks: Vec<Check>,
}

/// A certificate with less time left than this should have been renewed: 10 days.
const RENEWAL_OVERDUE_SECS: u64 = 10 * 86_400;

impl Control {
    /// Looks at everything now.
    pub async fn health(&self) -> Health {
        let core = self.core();
        let mut checks = vec![self.database(false).await, self.database(true).await, self.certificate(), self.audit()];
        let connected = core.links.count();
        checks.push(Check {
            name: "nodes",
            status: Status::Healthy,
            detail: format!("{connected} connected"),
            latency_us: None,
        });
        let status = checks.iter().map(|check| check.status).max().unwrap_or(Status::Healthy);
        Health {
            status,
            version: env!("CARGO_PKG_VERSION"),
            instance: self.instance(),
            uptime_secs: self.now().since(core.started_at).as_secs(),
            checks,
        }
    }

    async fn database(&self, write: bool) -> Check {
        let store = &self.core().store;
        let began = Instant::now();
        let looked = if write { store.probe().await } else { store.ping().await };
        let (status, detail) = match looked {
            Ok(()) => (Status::Healthy, "answers".to_owned()),
            Err(error) => {
                // Health is told to everybody; what exactly is wrong stands in the log.
                tracing::error!(%error, write, "the database does not answer");
                if write {
                    (Status::Degraded, "read-only at the moment; the log says why".to_owned())
                } else {
                    (Status::Unhealthy, "does not answer; the log says why".to_owned())
                }
            }
        };
        let latency_us = u64::try_from(began.elapsed().as_micros()).ok();
        Check { name: if write { "database write" } else { "database read" }, status, detail, latency_us }
    }

    fn audit(&self) -> Check {
        let (status, detail) = match self.core().auditor.first_bad() {
            Some((_, bad)) => {
                (Status::Degraded, format!("line {} of the audit chain does not hold: {}", bad.seq, bad.why))
            }
            None => (Status::Healthy, "the chain holds".to_owned()),
        };
        Check { name: "audit", status, detail, latency_us: None }
    }

    fn certificate(&self) -> Check {
        let until = self.core().signer.certified().delegation.not_after;
        let left = until.since(self.now()).as_secs();
        let (status, detail) = match left {
            0 => (Status::Unhealthy, format!("the signing key's certificate ended at {until}: no order is obeyed")),
            1..RENEWAL_OVERDUE_SECS => {
                (Status::Degraded, format!("the signing key's certificate ends at {until} and was not renewed"))
            }
            _ => (Status::Healthy, format!("signing key certified until {until}")),
        };
        Check { name: "signing key", status, detail, latency_us: None }
    }
}
