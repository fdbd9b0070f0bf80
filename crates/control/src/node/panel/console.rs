//! Consoles that somebody watches: their nodes send what is said for as long as somebody does, and it is told to all who
//! watch. Nothing of it is stored.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use sf_actions::{Actor, Permission};
use sf_protocol::query::Query;
use sf_protocol::report::LogLine;
use sf_protocol::server::{ConsoleOutput, ConsoleWanted};
use sf_runtime::OnError;
use sf_store::audit::Entry;
use sf_store::servers::Server;
use sf_store::{StoreError, nodes, servers};
use sf_types::{Fault, Millis, NodeId, RequestId, Scope, ServerId, Timestamp};
use tokio_util::sync::CancellationToken;

use crate::control::{Control, Core};
use crate::events;
use crate::receive::found;
use crate::transition::actor_words;

/// For how long a node is asked to send at once.
const LEASE: Millis = Millis::secs(60);
/// How long before its end it is asked again.
const RENEW_AFTER: Duration = Duration::from_secs(40);
/// Pause after a node that did not answer.
const AGAIN: Duration = Duration::from_secs(3);

/// Who has looked into a console is recorded once in this time, however often they ask. In milliseconds.
const NOTED_FOR_MS: i64 = 10 * 60 * 1000;
/// Looks remembered at once; beyond, each is recorded.
const NOTED_MAX: usize = 10_000;

/// How many watch each console, and who was recorded to have looked into it lately.
#[derive(Debug, Default)]
pub(crate) struct Consoles {
    watched: Mutex<HashMap<ServerId, Watched>>,
    noted: Mutex<Noted>,
}

/// Looks that are in the audit, by server and principal, with when each was recorded.
#[derive(Debug, Default)]
struct Noted(HashMap<(ServerId, String), Timestamp>);

impl Noted {
    fn has(&self, look: &(ServerId, String), now: Timestamp) -> bool {
        self.0.get(look).is_some_and(|at| now.as_millis() - at.as_millis() < NOTED_FOR_MS)
    }

    fn add(&mut self, look: (ServerId, String), now: Timestamp) {
        if self.0.len() >= NOTED_MAX {
            self.0.retain(|_, at| now.as_millis() - at.as_millis() < NOTED_FOR_MS);
        }
        if self.0.len() < NOTED_MAX {
            self.0.insert(look, now);
        }
    }
}

#[derive(Debug)]
struct Watched {
    count: usize,
    over: CancellationToken,
}

impl Consoles {
    fn lock(&self) -> MutexGuard<'_, HashMap<ServerId, Watched>> {
        self.watched.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn noted(&self) -> MutexGuard<'_, Noted> {
        self.noted.lock().unwrap_or_else(PoisonError::into_inner)
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
    /// Has a server's node send its console for as long as the answer is held. Who watches is recorded.
    ///
    /// # Errors
    /// Not there, no right to see its console, or it cannot be recorded.
    pub async fn watch_console(&self, actor: &Actor, server: ServerId) -> Result<Watching, Fault> {
        let row = self.server_for(actor, server, Permission::ConsoleView).await?;
        self.note_console_read(actor, None, &row).await?;
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

    /// Records that somebody looks into a console: when they begin, and again while they go on.
    pub(crate) async fn note_console_read(
        &self,
        actor: &Actor,
        request: Option<RequestId>,
        server: &Server,
    ) -> Result<(), Fault> {
        let (consoles, now) = (&self.core().consoles, self.core().clock.now());
        let (actor_kind, actor_ref) = actor_words(actor.kind);
        let look = (server.id, format!("{actor_kind} {actor_ref}"));
        if consoles.noted().has(&look, now) {
            return Ok(());
        }
        let entry = Entry {
            tenant: Some(actor.tenant),
            project: Some(server.project),
            actor_kind: actor_kind.to_owned(),
            actor_ref,
            action: "console.read".to_owned(),
            target_kind: "server".to_owned(),
            target_id: server.id.to_string(),
            run: None,
            request,
            outcome: "succeeded".to_owned(),
            fields: Vec::new(),
            personal: Vec::new(),
        };
        let written = self.core().store.write(actor.scope(), move |tx| {
            Box::pin(async move {
                tx.audit(entry);
                Ok::<_, StoreError>(())
            })
        });
        written.await?;
        // Afterwards: what is not in the audit was not recorded.
        consoles.noted().add(look, now);
        Ok(())
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
        let lines: Vec<_> = output.lines.iter().map(told).collect();
        let data = serde_json::json!({ "lines": lines, "skipped": output.skipped, "sample": output.sample });
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

/// A line as it is told: in the same form as when it is read back.
fn told(line: &LogLine) -> serde_json::Value {
    serde_json::json!({
        "sequence": line.sequence, "at": line.at.to_string(), "stream": line.stream, "text": line.text, "releaseId": null,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use sf_protocol::report::Stream;
    use sf_types::TypedId;

    #[test]
    fn a_line_is_told_as_it_is_read_back() {
        let line =
            LogLine { sequence: 7, at: Timestamp::from_millis(1), stream: Stream::Tty, text: "a \u{1b}[1m".to_owned() };
        let expected = serde_json::json!({
            "sequence": 7, "at": "1970-01-01T00:00:00.001Z", "stream": "tty", "text": "a \u{1b}[1m", "releaseId": null,
        });
        assert_eq!(told(&line), expected);
    }

    #[test]
    fn a_look_is_remembered_for_a_while_and_their_number_is_bounded() {
        let at = Timestamp::from_millis;
        let look = |nth: u32| {
            let mut random = [0; 10];
            random[..4].copy_from_slice(&nth.to_be_bytes());
            (ServerId::from_parts(at(1), random), "person 1".to_owned())
        };
        let mut noted = Noted::default();
        assert!(!noted.has(&look(0), at(0)));
        noted.add(look(0), at(0));
        assert!(noted.has(&look(0), at(NOTED_FOR_MS - 1)) && !noted.has(&look(1), at(1)));
        // It does not get longer by looking, so that whoever stays is recorded again.
        assert!(!noted.has(&look(0), at(NOTED_FOR_MS)));
        for nth in 1..=u32::try_from(NOTED_MAX).unwrap() + 5 {
            noted.add(look(nth), at(1));
        }
        assert!(noted.0.len() <= NOTED_MAX);
        assert!(!noted.has(&look(u32::try_from(NOTED_MAX).unwrap() + 5), at(2)), "recorded each time");
        noted.add(look(7), at(NOTED_FOR_MS + 1));
        assert_eq!(noted.0.len(), 1, "what is over makes room");
    }
}
