//! SERVER_ACTION: one order from its taking over to its outcome, and the end of one that a restart cut off.

use sf_protocol::command::Command;
use sf_protocol::outcome::Facts;
use sf_protocol::schedule::Whose;
use sf_protocol::server::{InstallState, ServerAction, ServerSpec, ServerVerb};
use sf_protocol::{Outcome, Verdict};
use sf_types::{ErrorKind, Fault, ServerId, Timestamp};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::power::Errand;
use super::record::{ServerRecord, unknown};
use crate::execute::{End, Node, Progress, interrupted, outcome};

impl Node {
    /// Carries out an order about a server.
    pub(crate) async fn serve(&self, command: &Command, action: &ServerAction, cancel: &CancellationToken) -> Outcome {
        let server = action.spec.server;
        let progress = Progress::new(command.id, command.authz.run, &self.state, &self.outbox, &self.clock);
        let ended = Box::pin(self.do_serve(action, &progress, cancel)).await;
        if ended.is_ok() && self.servers.get(server).is_some() {
            // Not done twice, should the agent end before its journal has it.
            let noted = self.servers.change(server, |record| record.done = Some(command.id));
            if let Err(fault) = noted {
                tracing::warn!(%server, %fault, "what was done to a server could not be written down");
            }
        }
        self.tell_server(server);
        let verdict = ended.map_or_else(End::verdict, |()| (Verdict::Succeeded, None));
        outcome(self, command.id, verdict, self.server_facts(server), progress.started_at)
    }

    fn server_facts(&self, server: ServerId) -> Facts {
        Facts::Server { server: self.server_report(server).map(Box::new) }
    }

    async fn do_serve(
        &self,
        action: &ServerAction,
        progress: &Progress,
        cancel: &CancellationToken,
    ) -> Result<(), End> {
        let server = action.spec.server;
        if cancel.is_cancelled() {
            return Err(End::Cancelled);
        }
        // Those that may come before their turn: they leave the server as it is described, or older orders that wait would
        // look outdated, and begin no errand of their own.
        match &action.verb {
            ServerVerb::Kill => return Ok(self.kill_server(server, progress).await?),
            ServerVerb::Command { line } => return Ok(self.command_server(server, line).await?),
            _ => {}
        }
        let live = self.servers.live(server);
        if action.verb == ServerVerb::Delete {
            // First of all, so that nothing begins meanwhile; what one of them has begun ends now.
            self.forget_schedules(Whose::Server(server)).await?;
            self.give_way(server).await;
        }
        let _turn = tokio::select! {
            biased;
            () = cancel.cancelled() => return Err(End::Cancelled),
            turn = live.turn().lock() => turn,
        };
        let (halt, until) = (live.begin(), Instant::now() + action.time_limit.duration());
        let errand = Errand { server, progress, cancel, halt, until, by_order: true };
        if action.verb == ServerVerb::Delete {
            return Ok(self.delete_server(&errand).await?);
        }
        let record = self.take_over(&action.spec, &action.verb)?;
        match &action.verb {
            ServerVerb::Install { script, wipe } => self.install_server(&errand, script.as_ref(), *wipe).await,
            ServerVerb::Configure => self.configure_server(&errand, &record).await,
            ServerVerb::Start => self.start_server(&errand).await,
            ServerVerb::Stop => self.stop_server(&errand).await,
            ServerVerb::Restart => {
                self.stop_server(&errand).await?;
                self.start_server(&errand).await
            }
            ServerVerb::Command { .. } | ServerVerb::Kill | ServerVerb::Delete => Ok(()),
        }
    }

    /// Keeps the server as the order has it, unless a newer one is known.
    fn take_over(&self, spec: &ServerSpec, verb: &ServerVerb) -> Result<ServerRecord, Fault> {
        match self.servers.get(spec.server) {
            None if matches!(verb, ServerVerb::Install { .. } | ServerVerb::Configure) => {
                let record = ServerRecord::new(spec.clone());
                self.servers.put(record.clone())?;
                self.know_secrets_of(spec.server, spec, None);
                Ok(record)
            }
            None => Err(unknown(spec.server)),
            Some(known) if spec.generation < known.spec.generation => {
                let message = format!("Generation {} is older than {}.", spec.generation, known.spec.generation);
                Err(Fault::new(ErrorKind::Conflict, "server.older_generation", message))
            }
            Some(known) => {
                self.know_secrets_of(spec.server, spec, Some(&known.spec));
                self.servers.change(spec.server, |record| record.spec.clone_from(spec))
            }
        }
    }

    /// What runs goes on as it was started, but for what holds at once: how often it may crash, and that it may not run.
    pub(super) async fn configure_server(&self, errand: &Errand<'_>, record: &ServerRecord) -> Result<(), End> {
        let Some(process) = self.server_process(errand.server) else { return Ok(()) };
        if record.spec.suspended {
            return self.stop_server(errand).await;
        }
        if let Err(error) = process.set_restart_rule(record.spec.restart.clone()).await {
            tracing::warn!(server = %errand.server, %error, "the restart rule could not be set");
        }
        Ok(())
    }

    /// Whether a command can be written now, whatever order waits for the server.
    pub(crate) fn takes_input(&self, server: ServerId) -> bool {
        self.server_process(server).is_some_and(|process| process.status().child.is_some())
    }

    /// The truthful end of an order that was accepted at `at` by an agent that is no more.
    pub(crate) async fn reconcile_server(&self, command: &Command, action: &ServerAction, at: Timestamp) -> Outcome {
        let server = action.spec.server;
        let record = self.servers.get(server);
        let is_done = record.as_ref().is_some_and(|record| record.done == Some(command.id));
        let process = self.server_process(server);
        let is_fresh = process.is_some_and(|process| process.status().started_at >= at);
        let cut_off = |message: &str| (Verdict::Failed, Some(interrupted(message)));
        let verdict = match &action.verb {
            _ if is_done => (Verdict::Succeeded, None),
            ServerVerb::Restart if is_fresh => (Verdict::Succeeded, None),
            ServerVerb::Install { .. } => {
                let failed = self.servers.change(server, |record| record.install = InstallState::Failed);
                drop(failed);
                self.tell_server(server);
                cut_off("The agent was restarted while the server was installed; what its script had begun was ended.")
            }
            ServerVerb::Command { .. } => {
                cut_off("The agent was restarted meanwhile; whether the command was written is not known.")
            }
            // The others say what shall be, and leave alone what is so already.
            _ => return self.serve(command, action, &CancellationToken::new()).await,
        };
        outcome(self, command.id, verdict, self.server_facts(server), at)
    }
}
