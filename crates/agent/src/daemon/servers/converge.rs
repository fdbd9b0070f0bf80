//! Servers that should run do, with or without a control plane: at the start of the agent, and when the control plane says
//! what it believes.

use std::sync::Arc;
use std::time::Duration;

use futures_util::StreamExt;
use sf_protocol::server::{InstallState, ServerSpec, ServerState};
use sf_runtime::OnError;
use sf_types::{Fault, ServerId};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::power::{Errand, process_fault};
use super::record::ServerRecord;
use super::report::held;
use crate::execute::{End, Node, Progress};
use crate::process::Adopted;

/// Servers started at the same time by an agent that has just begun.
const STARTS_AT_ONCE: usize = 8;
/// Time one of them has.
const START_LIMIT: Duration = Duration::from_secs(600);

impl Node {
    /// Finds the processes of servers again. Nothing is started twice. Answers how many live.
    pub(crate) async fn adopt_servers(&self) -> usize {
        let adopted = self.held.adopt_all().await.unwrap_or_else(|error| {
            self.outbox.notice("process.folder", error.to_string());
            Adopted::default()
        });
        for (folder, why) in adopted.damaged {
            tracing::debug!(folder = %folder.path().display(), %why, "a run folder of a server cannot be used");
        }
        // What was killed with its holder is started again where it should run; else it only ended.
        let wanted = |server| self.servers.get(server).is_some_and(|record| record.runs);
        let lost = adopted.lost.iter().filter(|status| !wanted(held(status)));
        adopted.ended.iter().chain(lost).for_each(|status| self.server_ended(status));
        for record in self.servers.list() {
            self.know_secrets_of(record.spec.server, &record.spec, None);
        }
        for record in self.servers.list().into_iter().filter(|record| record.install == InstallState::Installing) {
            drop(self.servers.change(record.spec.server, |record| record.install = InstallState::Failed));
        }
        adopted.living.len()
    }

    /// Servers that should run do, those that should not do not.
    pub(crate) async fn converge_servers(self: &Arc<Self>) {
        let work = self.servers.list().into_iter().map(|record| async move {
            if let Err(fault) = self.converge_server(&record).await {
                let message = format!("{} is not as it should be: {fault}", record.spec.slug);
                self.outbox.notice("server.converge", message);
            }
            self.tell_server(record.spec.server);
        });
        futures_util::stream::iter(work).buffer_unordered(STARTS_AT_ONCE).collect::<()>().await;
    }

    async fn converge_server(self: &Arc<Self>, record: &ServerRecord) -> Result<(), Fault> {
        let (server, spec) = (record.spec.server, &record.spec);
        let live = self.servers.live(server);
        // A step of a schedule may be about to start it.
        let _turn = live.turn().lock().await;
        let runs = record.runs && !spec.suspended;
        let given_up = record.end.as_ref().is_some_and(|end| end.state == ServerState::Error);
        let (progress, cancel) = (self.silent_progress(), CancellationToken::new());
        let errand = self.errand(server, &progress, &cancel);
        match (runs, self.server_process(server)) {
            (false, Some(process)) => {
                // Its rule may have much patience, and the orders of other servers have none.
                let (node, spec) = (self.clone(), spec.clone());
                self.tasks.spawn("server.stop", OnError::Log, async move {
                    let status = process.stop(None).await.map_err(process_fault)?;
                    node.after_end(spec.server, &status, &spec).await;
                    Ok::<(), Fault>(())
                });
                Ok(())
            }
            (true, None) if !given_up && record.install == InstallState::Installed => {
                plain(Box::pin(self.launch_server(spec, &errand)).await.map(drop))
            }
            _ => Ok(()),
        }
    }

    /// What no order asked for.
    fn errand<'a>(&self, server: ServerId, progress: &'a Progress, cancel: &'a CancellationToken) -> Errand<'a> {
        let (halt, until) = (self.servers.live(server).begin(), Instant::now() + START_LIMIT);
        Errand { server, progress, cancel, halt, until, by_order: false }
    }

    /// Takes over what should be true of a server, where that is newer than what is known. It makes none.
    pub(crate) async fn converge_to_server(&self, spec: &ServerSpec) -> Result<(), Fault> {
        let known = self.servers.get(spec.server).filter(|known| known.spec.generation < spec.generation);
        let Some(known) = known else { return Ok(()) };
        self.know_secrets_of(spec.server, spec, Some(&known.spec));
        let record = self.servers.change(spec.server, |record| record.spec.clone_from(spec))?;
        let (progress, cancel) = (self.silent_progress(), CancellationToken::new());
        let errand = self.errand(spec.server, &progress, &cancel);
        let configured = plain(self.configure_server(&errand, &record).await);
        self.tell_server(spec.server);
        configured
    }
}

/// What nobody can cancel ends well or with a fault.
fn plain(ended: Result<(), End>) -> Result<(), Fault> {
    ended.or_else(|end| end.verdict().1.map_or(Ok(()), Err))
}
