//! Domains: having nginx serve one, serve one no more, and keeping their certificates.

use std::convert::Infallible;
use std::time::Duration;

use sf_protocol::command::Command;
use sf_protocol::order::{DeleteProxy, ProvisionDomain};
use sf_protocol::outcome::{Facts, Step};
use sf_protocol::report::NodeEvent;
use sf_protocol::site::{CertificateState, SiteReport};
use sf_protocol::{Outcome, Verdict};
use sf_runtime::{OnError, Shutdown};
use sf_types::{AppId, Fault, Port, ProxyId};
use tokio::sync::oneshot;
use tokio_util::sync::CancellationToken;

use super::super::app::AppRecord;
use super::super::node::Node;
use super::super::progress::Progress;
use super::super::{End, outcome};
use crate::proxy::Choice;

/// The clock may be set, a machine may sleep, and a log may fill: what is due is looked at again at least so often.
const LOOK_EVERY: Duration = Duration::from_secs(60);
/// What cannot be served or asked for is tried again after this at the earliest, whatever it says itself.
const BREATHER: Duration = Duration::from_secs(10);

impl Node {
    /// Carries out PROVISION_DOMAIN. A certificate that cannot be had is no failure of the site: it is served without, and
    /// the facts say why.
    pub(in crate::execute) async fn provision(
        &self,
        command: &Command,
        wanted: &ProvisionDomain,
        cancel: &CancellationToken,
    ) -> Outcome {
        let progress = Progress::new(command.id, command.authz.run, &self.state, &self.outbox, &self.clock);
        let ended = Box::pin(self.do_provision(wanted, &progress, cancel)).await;
        self.proxy.look_again();
        let verdict = match ended {
            Ok(()) => (Verdict::Succeeded, None),
            Err(end) => end.verdict(),
        };
        let facts = Facts::Site { site: self.proxy.report(wanted.site.proxy) };
        outcome(self, command.id, verdict, facts, progress.started_at)
    }

    async fn do_provision(
        &self,
        wanted: &ProvisionDomain,
        progress: &Progress,
        cancel: &CancellationToken,
    ) -> Result<(), End> {
        if cancel.is_cancelled() {
            return Err(End::Cancelled);
        }
        let choice = self.policy()?.proxy;
        let site = &wanted.site;
        progress.begin(Step::Configure, site.domain.as_str());
        let served = self.proxy.put(&choice, site.clone(), self.app_ports()).await;
        let report = served.map_err(|fault| self.step_failed(progress, fault))?;
        self.trust_proxies().await;
        progress.done(&format!("nginx serves it on port {}", choice.http));
        let CertificateState::Missing { .. } = report.certificate else {
            let why = match report.certificate {
                CertificateState::Valid { certificate, .. } => {
                    format!("its certificate is good until {}", certificate.not_after)
                }
                _ => "none is wanted".to_owned(),
            };
            progress.skipped(Step::Certificate, &why);
            return Ok(());
        };
        progress.begin(Step::Certificate, &format!("asking {}", choice.acme));
        let asked = tokio::select! {
            asked = self.ask_on(choice, site.proxy) => asked,
            () = tokio::time::sleep(wanted.time_limit.duration()) => {
                progress.failed("it is not there in time; the node goes on asking");
                return Ok(());
            }
            () = cancel.cancelled() => {
                progress.failed("cancelled; the node goes on asking");
                return Ok(());
            }
        };
        match asked {
            Ok(()) => progress.done("HTTPS is served"),
            Err(fault) => progress.failed(&format!("{} {} The site is served without.", fault.message, fault.fix)),
        }
        Ok(())
    }

    /// Asks for a certificate in a task of its own: who waits no longer leaves no change of nginx half done. What comes of it
    /// then is told like what the node does by itself.
    async fn ask_on(&self, choice: Choice, site: ProxyId) -> Result<(), Fault> {
        let (proxy, ports, outbox) = (self.proxy.clone(), self.app_ports(), self.outbox.clone());
        let (tell, told) = oneshot::channel();
        self.tasks.spawn("certificate", OnError::Log, async move {
            let asked = proxy.certify(&choice, site, &ports, true).await;
            if tell.send(asked).is_err()
                && let Some(site) = proxy.report(site)
            {
                outbox.event(NodeEvent::Site { site });
            }
            Ok::<(), Infallible>(())
        });
        // The agent is stopping: its successor asks.
        told.await.unwrap_or(Ok(()))
    }

    /// Carries out DELETE_PROXY.
    pub(in crate::execute) async fn unprovision(&self, command: &Command, gone: &DeleteProxy) -> Outcome {
        let progress = Progress::new(command.id, command.authz.run, &self.state, &self.outbox, &self.clock);
        let ended = async {
            let choice = self.policy()?.proxy;
            progress.begin(Step::Configure, "without it");
            self.proxy.remove(&choice, gone.proxy, self.app_ports()).await?;
            self.trust_proxies().await;
            progress.done("nginx serves it no more");
            Ok::<(), Fault>(())
        };
        let verdict = match ended.await {
            Ok(()) => (Verdict::Succeeded, None),
            Err(fault) => self.step_failed(&progress, fault).verdict(),
        };
        let facts = Facts::Site { site: self.proxy.report(gone.proxy) };
        outcome(self, command.id, verdict, facts, progress.started_at)
    }

    /// Where apps are reached on this machine.
    pub(in crate::execute) fn app_ports(&self) -> Vec<(AppId, Port)> {
        let of = |record: AppRecord| Some((record.spec.app, Port::try_from(record.stable?).ok()?));
        self.apps.list().into_iter().filter_map(of).collect()
    }

    /// Relays behind a domain believe nginx about who asks, and the others nobody.
    async fn trust_proxies(&self) {
        let behind: Vec<AppId> =
            self.proxy.list().iter().flat_map(|site| site.spec.apps().collect::<Vec<_>>()).collect();
        for (app, _) in self.app_ports() {
            if let Err(error) = self.relays.trust_proxy(app, behind.contains(&app)).await {
                tracing::debug!(%app, %error, "a relay could not be told of its proxy");
            }
        }
    }

    /// Sites follow the ports of apps: an app that was deployed for the first time, or has another port.
    pub async fn sites_follow(&self) {
        if self.proxy.list().is_empty() {
            return;
        }
        let served = match self.policy() {
            Ok(policy) => self.proxy.follow(&policy.proxy, self.app_ports()).await,
            Err(fault) => Err(fault),
        };
        match served {
            Ok(()) => self.trust_proxies().await,
            Err(fault) => self.outbox.notice("proxy.behind", format!("The domains could not follow the apps: {fault}")),
        }
    }

    /// The domains of an app go with it. An nginx that cannot be reloaded now holds up nobody: what leads nowhere is left out
    /// with the next change.
    pub(in crate::execute) async fn forget_sites(&self, app: AppId) {
        let own = self.proxy.list().into_iter().filter(|site| site.spec.app == app);
        for site in own {
            let gone = match self.policy() {
                Ok(policy) => self.proxy.remove(&policy.proxy, site.spec.proxy, self.app_ports()).await,
                Err(fault) => Err(fault),
            };
            if let Err(fault) = gone {
                let message = format!("{} is still served, though its app is gone: {fault}", site.spec.domain);
                self.outbox.notice("proxy.behind", message);
            }
        }
    }

    /// Asks for certificates when they are due, and keeps nginx's own log small, until the agent stops.
    pub async fn keep_sites(&self, shutdown: Shutdown) {
        loop {
            self.turn_error_log().await;
            let due = self.proxy.next_due();
            let pause = due.map_or(LOOK_EVERY, |(_, at)| at.since(self.clock.now()).min(LOOK_EVERY));
            tokio::select! {
                () = shutdown.requested() => return,
                () = self.proxy.due_changed() => continue,
                () = tokio::time::sleep(pause) => {}
            }
            let Some((site, at)) = due.filter(|(_, at)| *at <= self.clock.now()) else { continue };
            tracing::info!(%site, since = %at, "a certificate is due");
            if self.renew(site).await.is_err() {
                tokio::select! {
                    () = shutdown.requested() => return,
                    () = tokio::time::sleep(BREATHER) => {}
                }
            }
        }
    }

    async fn turn_error_log(&self) {
        let turned = match self.policy() {
            Ok(policy) => self.proxy.turn_error_log(&policy.proxy).await,
            Err(fault) => Err(fault),
        };
        if let Err(fault) = turned {
            tracing::warn!(%fault, "the error log of nginx could not be turned");
        }
    }

    async fn renew(&self, site: ProxyId) -> Result<(), Fault> {
        let before = self.proxy.report(site);
        let asked = match self.policy() {
            Ok(policy) => self.proxy.certify(&policy.proxy, site, &self.app_ports(), false).await,
            Err(fault) => Err(fault),
        };
        if let Some(now) = self.proxy.report(site).filter(|now| Some(now) != before.as_ref()) {
            self.tell_site(now);
        }
        asked
    }

    fn tell_site(&self, site: SiteReport) {
        self.outbox.event(NodeEvent::Site { site });
    }
}
