//! What a client is told of its server: its state, its console, what it takes.

use serde::Deserialize;
use sf_bus::Event;
use sf_control::events as names;
use sf_protocol::server::ServerSample;
use sf_store::servers::{Install, Server, State};
use sf_types::ErrorKind;

use super::session::Session;
use crate::ws::end::End;

/// What a node sends of a console, as [`sf_control`] tells it.
#[derive(Deserialize)]
struct Output {
    lines: Vec<Line>,
    skipped: u64,
    sample: Option<ServerSample>,
}

/// A line of it; what else is told of lines, clients do not hear.
#[derive(Deserialize)]
struct Line {
    sequence: u64,
    text: String,
}

/// What was told of the server last.
#[derive(Clone, Default, Debug)]
pub(super) struct Told {
    pub(super) state: Option<&'static str>,
    install: Option<Install>,
    /// Number of the newest line.
    pub(super) line: u64,
    sample: Option<ServerSample>,
    received: u64,
    sent: u64,
    memory_limit: u64,
}

impl Session {
    pub(super) async fn stats(&mut self) -> Result<(), End> {
        let told = &self.told;
        let sample = told.sample.as_ref();
        let stats = serde_json::json!({
            "memory_bytes": sample.map_or(0, |sample| sample.memory),
            "memory_limit_bytes": told.memory_limit,
            // Percent of one core.
            "cpu_absolute": sample.map_or(0.0, |sample| f64::from(sample.cpu_permille) / 10.0),
            "network": { "rx_bytes": told.received, "tx_bytes": told.sent },
            "uptime": sample.map_or(0, |sample| sample.uptime_ms),
            "state": told.state.unwrap_or("offline"),
            "disk_bytes": sample.map_or(0, |sample| sample.disk),
        });
        self.say("stats", &[&stats.to_string()]).await
    }

    pub(super) async fn tell(&mut self, event: &Event) -> Result<(), End> {
        match event.name.as_ref() {
            names::SERVER_UPDATE => self.refresh().await,
            names::CONSOLE_OUTPUT => match serde_json::from_str::<Output>(&event.data) {
                Ok(output) => self.console(output).await,
                Err(error) => {
                    tracing::error!(%error, "console output cannot be read");
                    Ok(())
                }
            },
            _ => Ok(()),
        }
    }

    async fn console(&mut self, output: Output) -> Result<(), End> {
        if output.skipped > 0 {
            let text = format!("{} lines were left out: they came too fast.", output.skipped);
            self.say("daemon message", &[&text]).await?;
        }
        let event = if self.told.install == Some(Install::Installing) { "install output" } else { "console output" };
        for line in output.lines {
            // What `send logs` answered is not told twice.
            if line.sequence > self.told.line {
                self.told.line = line.sequence;
                self.say(event, &[&line.text]).await?;
            }
        }
        if let Some(sample) = output.sample {
            self.told.received += sample.net_received.unwrap_or(0);
            self.told.sent += sample.net_sent.unwrap_or(0);
            self.told.sample = Some(sample);
            self.status(word(sample.state.into())).await?;
            self.stats().await?;
        }
        Ok(())
    }

    /// Looks at the server's row: its state, its installation, and whether it is there.
    pub(super) async fn refresh(&mut self) -> Result<(), End> {
        let Some(holding) = &self.holding else { return Ok(()) };
        let row = match self.api.control().server(&holding.actor, self.server).await {
            Ok((row, _)) => row,
            Err(fault) if fault.kind == ErrorKind::NotFound => return self.deleted().await,
            Err(fault) => {
                tracing::warn!(error = %fault, "a server could not be looked at for a client socket");
                return Ok(());
            }
        };
        self.told.memory_limit = row.settings.0.limits.memory.map_or(0, |size| size.bytes());
        self.installed(&row).await?;
        self.status(word(row.state)).await
    }

    pub(super) async fn installed(&mut self, row: &Server) -> Result<(), End> {
        let before = self.told.install.replace(row.install);
        match (before, row.install) {
            (Some(before), Install::Installing) if before != Install::Installing => {
                self.say("install started", &[""]).await
            }
            (Some(Install::Installing), now) if now != Install::Installing => {
                self.say("install completed", &[""]).await
            }
            _ => Ok(()),
        }
    }

    pub(super) async fn status(&mut self, state: &'static str) -> Result<(), End> {
        if self.told.state.replace(state) == Some(state) {
            return Ok(());
        }
        if state == "offline" {
            self.told.sample = None;
        }
        self.say("status", &[state]).await
    }
}

/// The sample of what a node sends of a console, where it has one.
pub(crate) fn sample_of(data: &str) -> Option<ServerSample> {
    serde_json::from_str::<Output>(data).ok()?.sample
}

/// What Wings calls a state.
pub(crate) const fn word(state: State) -> &'static str {
    match state {
        State::Stopped | State::Error => "offline",
        State::Starting => "starting",
        State::Running => "running",
        State::Stopping => "stopping",
    }
}
