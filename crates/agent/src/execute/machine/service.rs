//! Services of the machine: those that its owner lists in policy.toml, and the nginx that serves our domains.

use std::path::Path;
use std::time::Duration;

use sf_protocol::command::Command;
use sf_protocol::order::{ServiceAction, ServiceVerb};
use sf_protocol::outcome::{Facts, Step};
use sf_protocol::report::{ServiceReport, ServiceState, Stream};
use sf_protocol::{Outcome, Verdict};
use sf_runtime::child::Child;
use sf_types::{ErrorKind, Fault, Slug, Timestamp};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::super::node::Node;
use super::super::progress::Progress;
use super::super::recover::interrupted;
use super::super::{End, outcome};
use crate::policy::{Policy, Service};
use crate::proxy::{Nginx, Whose};

/// Debian's place of it, and that of every other distribution that has it.
const SYSTEMCTL: &str = "/usr/bin/systemctl";
/// The service that needs no line of the owner's: what serves our domains.
const NGINX: &str = "nginx";
/// Until a service that was steered is seen to be as it should.
const SETTLE_LIMIT: Duration = Duration::from_secs(10);
/// Between two looks whether it is.
const LOOK_AGAIN: Duration = Duration::from_millis(100);
/// One look.
const LOOK_LIMIT: Duration = Duration::from_secs(5);

/// What steers a service.
#[derive(Debug)]
enum Steered {
    Nginx(Nginx),
    Unit(String),
    Commands(Service),
}

impl Node {
    /// Carries out SERVICE_ACTION: one service after another, since they may need each other.
    pub(in crate::execute) async fn steer(
        &self,
        command: &Command,
        wanted: &ServiceAction,
        cancel: &CancellationToken,
    ) -> Outcome {
        let _turn = self.services.lock().await;
        let progress = Progress::new(command.id, command.authz.run, &self.state, &self.outbox, &self.clock);
        let verdict = match self.do_steer(wanted, &progress, cancel).await {
            Ok(()) => (Verdict::Succeeded, None),
            Err(end) => end.verdict(),
        };
        let facts = Facts::Service { state: self.service_state(&wanted.service).await };
        outcome(self, command.id, verdict, facts, progress.started_at)
    }

    /// The end of one that a predecessor began. Whether it was done cannot be seen, and twice is once too often.
    pub(in crate::execute) async fn recover_steering(
        &self,
        command: &Command,
        wanted: &ServiceAction,
        at: Timestamp,
    ) -> Outcome {
        let state = self.service_state(&wanted.service).await;
        let fault = interrupted("The agent was restarted meanwhile; whether the service was steered is not known.");
        outcome(self, command.id, (Verdict::Failed, Some(fault)), Facts::Service { state }, at)
    }

    /// What can be steered here, and how it is.
    pub(in crate::execute) async fn services(&self) -> Result<Vec<ServiceReport>, Fault> {
        let policy = self.policy()?;
        if !policy.danger {
            return Ok(Vec::new());
        }
        let named = policy.services.keys().cloned();
        let nginx = Slug::try_from(NGINX.to_owned()).into_iter().filter(|name| !policy.services.contains_key(name));
        let mut reports = Vec::new();
        for name in named.chain(nginx) {
            if let Ok(steered) = self.find(&policy, &name) {
                let (by, verbs, state) = (steered.by(), steered.verbs(), steered.state().await);
                reports.push(ServiceReport { name, by, state, verbs });
            }
        }
        Ok(reports)
    }

    async fn do_steer(
        &self,
        wanted: &ServiceAction,
        progress: &Progress,
        cancel: &CancellationToken,
    ) -> Result<(), End> {
        if cancel.is_cancelled() {
            return Err(End::Cancelled);
        }
        let steered = self.find(&self.policy()?, &wanted.service)?;
        if !steered.verbs().contains(&wanted.verb) {
            let message = format!("`{}` cannot be {} here.", wanted.service, past(wanted.verb));
            let fault = Fault::new(ErrorKind::Conflict, "service.no_such_verb", message);
            return Err(fault.fix("Name a command for it in `[services]` of the node's policy.toml.").into());
        }
        progress.begin(Step::Steer, &format!("{} {} by {}", wanted.verb.word(), wanted.service, steered.by()));
        let limit = wanted.time_limit.duration();
        let done = self.steer_within(&steered, wanted.verb, limit, progress).await;
        done.map_err(|fault| self.step_failed(progress, fault))?;
        progress.done("");
        progress.begin(Step::Health, "");
        let seen = settled(&steered, wanted.verb).await.map_err(|fault| self.step_failed(progress, fault))?;
        progress.done(seen);
        Ok(())
    }

    async fn steer_within(
        &self,
        steered: &Steered,
        verb: ServiceVerb,
        limit: Duration,
        progress: &Progress,
    ) -> Result<(), Fault> {
        match steered {
            Steered::Nginx(nginx) => self.proxy.steer(nginx, verb).await,
            Steered::Unit(unit) => {
                let line = [SYSTEMCTL, "--no-ask-password", verb.word(), "--", unit].map(str::to_owned);
                run(&line, limit, progress).await
            }
            Steered::Commands(service) => run(service.command(verb), limit, progress).await,
        }
    }

    fn find(&self, policy: &Policy, name: &Slug) -> Result<Steered, Fault> {
        match policy.services.get(name) {
            Some(Service { unit: Some(unit), .. }) => Ok(Steered::Unit(unit.clone())),
            Some(service) => Ok(Steered::Commands(service.clone())),
            None if name.as_str() == NGINX && policy.proxy.nginx != Whose::Off => {
                self.proxy.nginx(&policy.proxy).map(Steered::Nginx)
            }
            None => {
                let message = format!("The node's owner lists no service `{name}`.");
                let fault = Fault::new(ErrorKind::NotFound, "service.not_listed", message);
                Err(fault.fix("Add it under `[services]` in policy.toml of that node."))
            }
        }
    }

    async fn service_state(&self, name: &Slug) -> ServiceState {
        let found = self.policy().and_then(|policy| self.find(&policy, name));
        match found {
            Ok(steered) => steered.state().await,
            Err(_) => ServiceState::Unknown,
        }
    }
}

impl Steered {
    fn by(&self) -> String {
        match self {
            Self::Nginx(nginx) if nginx.is_own() => "the agent, whose own it is".to_owned(),
            Self::Nginx(_) => "the agent; its start and end are the machine's".to_owned(),
            Self::Unit(unit) => format!("systemd unit {unit}"),
            Self::Commands(_) => "commands of the node's owner".to_owned(),
        }
    }

    fn verbs(&self) -> Vec<ServiceVerb> {
        match self {
            Self::Nginx(nginx) if !nginx.is_own() => vec![ServiceVerb::Reload],
            Self::Nginx(_) | Self::Unit(_) => ServiceVerb::ALL.to_vec(),
            Self::Commands(service) => service.verbs(),
        }
    }

    async fn state(&self) -> ServiceState {
        match self {
            Self::Nginx(nginx) if nginx.is_running() => ServiceState::Running,
            Self::Nginx(_) => ServiceState::Stopped,
            Self::Unit(unit) => {
                let asked = Child::new(SYSTEMCTL).args(["is-active", "--", unit]).finish(LOOK_LIMIT).await;
                let word = asked.map(|asked| String::from_utf8_lossy(&asked.stdout).trim().to_owned());
                match word.as_deref() {
                    Ok("active" | "reloading") => ServiceState::Running,
                    Ok("inactive" | "failed") => ServiceState::Stopped,
                    _ => ServiceState::Unknown,
                }
            }
            Self::Commands(Service { status, .. }) => match status.split_first() {
                None => ServiceState::Unknown,
                Some((program, args)) => match Child::new(program).args(args).finish(LOOK_LIMIT).await {
                    Ok(asked) if asked.status.success() => ServiceState::Running,
                    Ok(_) => ServiceState::Stopped,
                    Err(_) => ServiceState::Unknown,
                },
            },
        }
    }
}

/// Runs a command line; what it prints goes to the run's log.
async fn run(line: &[String], limit: Duration, progress: &Progress) -> Result<(), Fault> {
    let Some((program, args)) = line.split_first() else { return Ok(()) };
    let failed = |message: String| {
        let fault = Fault::new(ErrorKind::Unavailable, "service.command", message);
        fault.fix("Try the same command on that machine; its words are in the run's log.")
    };
    if !Path::new(program).exists() {
        return Err(failed(format!("There is no {program} on this machine.")));
    }
    let finished = Child::new(program).args(args).finish(limit).await.map_err(|error| failed(format!("{error}.")))?;
    for (stream, bytes) in [(Stream::Out, &finished.stdout), (Stream::Err, &finished.stderr)] {
        progress.line(stream, &String::from_utf8_lossy(bytes));
    }
    if finished.status.success() {
        return Ok(());
    }
    Err(failed(format!("{program} ended with {}.", finished.status)))
}

/// Waits until the service is as it should be; answers what was seen.
async fn settled(steered: &Steered, verb: ServiceVerb) -> Result<&'static str, Fault> {
    let wanted = if verb == ServiceVerb::Stop { ServiceState::Stopped } else { ServiceState::Running };
    let until = Instant::now() + SETTLE_LIMIT;
    loop {
        match steered.state().await {
            state if state == wanted && wanted == ServiceState::Running => return Ok("it runs"),
            state if state == wanted => return Ok("it does not run"),
            ServiceState::Unknown => return Ok("its owner names no way to see it"),
            _ if Instant::now() >= until => break,
            // Nobody tells when another's service stands.
            _ => tokio::time::sleep(LOOK_AGAIN).await,
        }
    }
    let (message, code) = match wanted {
        ServiceState::Running => ("The command ended well, but the service does not run.", "service.not_running"),
        _ => ("The command ended well, but the service still runs.", "service.still_runs"),
    };
    Err(Fault::new(ErrorKind::Unavailable, code, message).fix("Look into the service's own log on that machine."))
}

const fn past(verb: ServiceVerb) -> &'static str {
    match verb {
        ServiceVerb::Start => "started",
        ServiceVerb::Stop => "stopped",
        ServiceVerb::Restart => "restarted",
        ServiceVerb::Reload => "reloaded",
    }
}
