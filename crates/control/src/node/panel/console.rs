//! Consoles that somebody watches: their nodes send what is said for as long as somebody does, and it is told to all who
//! watch. Nothing of it is stored.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use sf_actions::{Actor, Permission};
use sf_protocol::query::Query;
use sf_protocol::server::{ConsoleOutput, ConsoleWanted};
use sf_runtime::OnError;
use sf_store::{nodes, servers};
use sf_types::{Fault, Millis, NodeId, Scope, ServerId};
use tokio_util::sync::CancellationToken;

use crate::control::{Control, Core};
use crate::events;
use crate::receive::found;

/// For how long a node is asked to send at once.
const LEASE: Millis = Millis::secs(60);
/// How long before its end it is asked again.
const RENEW_AFTER: Duration = Duration::from_secs(40);
/// Pause after a node that did not answer.
const AGAIN: Duration = Duration::from_secs(3);

/// How many watch each console.
#[derive(Debug, Default)]
pub(crate) struct Consoles(Mutex<HashMap<ServerId, Watched>>);

#[derive(Debug)]
struct Watched {
    count: usize,
    over: CancellationToken,
}

impl Consoles {
    fn lock(&self) -> MutexGuard<'_, HashMap<ServerId, Watched>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn is_watched(&self, server: ServerId) -> bool {
        self.lock().contains_key(&server)
    }
}

/// Somebody watches a console until this is dropped.
pub struct Watching {
    core: Arc<Core>,
    server: ServerId,
}

impl std::fmt::Debug for Watching {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Watching").field("server", &self.server).finish_non_exhaustive()
    }
}

impl Drop for Watching {
    fn drop(&mut self) {
        let mut consoles = self.core.consoles.lock();
        let Some(watched) = consoles.get_mut(&self.server) else { return };
        watched.count -= 1;
        if watched.count == 0 {
            watched.over.cancel();
            consoles.remove(&self.server);
        }
    }
}

impl Control {
    /// Has a server's node send its console for as long as the answer is held.
    ///
    /// # Errors
    /// Not there, or no right to see its console.
    pub async fn watch_console(&self, actor: &Actor, server: ServerId) -> Result<Watching, Fault> {
        let row = self.server_for(actor, server, Permission::ConsoleView).await?;
        let core = self.core();
        let over = {
            let mut consoles = core.consoles.lock();
            let watched =
                consoles.entry(server).or_insert_with(|| Watched { count: 0, over: CancellationToken::new() });
            watched.count += 1;
            (watched.count == 1).then(|| watched.over.clone())
        };
        if let Some(over) = over {
            let (control, actor, node) = (self.clone(), Actor::system(row.tenant), row.node);
            let shutdown = core.tasks.shutdown();
            core.tasks.spawn("watch a console", OnError::Log, async move {
                tokio::select! {
                    () = over.cancelled() => {}
                    () = shutdown.requested() => {}
                    () = control.keep_watching(&actor, node, server) => {}
                }
                Ok::<(), Fault>(())
            });
        }
        Ok(Watching { core: core.clone(), server })
    }

    async fn keep_watching(&self, actor: &Actor, node: NodeId, server: ServerId) {
        loop {
            let pause = match self.ask_to_send(actor, node, server).await {
                Ok(()) => RENEW_AFTER,
                Err(_) => AGAIN,
            };
            tokio::time::sleep(pause).await;
        }
    }

    async fn ask_to_send(&self, actor: &Actor, node: NodeId, server: ServerId) -> Result<(), Fault> {
        let core = self.core();
        let node = nodes::get(&core.store.read(Scope::Tenant(actor.tenant)), node).await?;
        let wanted = ConsoleWanted { server, after: None, lines: 1, time: Some(LEASE) };
        self.ask(actor, core.rng.id(&core.clock), &node, Query::Console(wanted)).await.map(drop)
    }

    /// What a node sends of a console: told to whoever watches it.
    pub(crate) async fn console_said(&self, node: NodeId, output: ConsoleOutput) -> Result<(), Fault> {
        let core = self.core();
        if !core.consoles.is_watched(output.server) {
            return Ok(());
        }
        let row = found(servers::get(&core.store.read(Scope::System), output.server).await)?;
        // What a node says of others' servers is told to nobody.
        let Some(row) = row.filter(|row| row.node == node) else { return Ok(()) };
        let data = serde_json::json!({
            "lines": output.lines, "skipped": output.skipped, "sample": output.sample,
        });
        core.bus.publish(sf_bus::Event {
            seq: 0,
            tenant: Some(row.tenant),
            project: Some(row.project),
            topics: vec![sf_bus::Topic::Server(output.server)],
            name: events::CONSOLE_OUTPUT.into(),
            at: core.clock.now(),
            data: data.to_string().into(),
        });
        Ok(())
    }
}
