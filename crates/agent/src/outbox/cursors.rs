//! How far the control plane has what this node told. A lost file costs repeated deliveries, nothing else.

use std::collections::BTreeMap;
use std::io;
use std::path::Path;

use serde::{Deserialize, Serialize};
use sf_protocol::report::{LogSource, LogStored, Stored};

/// The file's name.
const FILE: &str = "cursors.json";

/// How far each stream is stored over there.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(super) struct Cursors {
    pub(super) events: u64,
    /// Number of the newest kept sample. Not a time: a live sample of now is confirmed before those of an hour without a
    /// connection are sent, and clocks go back.
    pub(super) samples: u64,
    pub(super) logs: BTreeMap<LogSource, u64>,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Written {
    events: u64,
    samples: u64,
    logs: Vec<LogStored>,
}

impl Cursors {
    pub(super) fn read(dir: &Path) -> Self {
        let written =
            std::fs::read(dir.join(FILE)).ok().and_then(|bytes| serde_json::from_slice::<Written>(&bytes).ok());
        let Some(written) = written else { return Self::default() };
        let logs = written.logs.into_iter().map(|log| (log.source, log.up_to)).collect();
        Self { events: written.events, samples: written.samples, logs }
    }

    pub(super) fn write(&self, dir: &Path) -> io::Result<()> {
        let logs = self.logs.iter().map(|(source, up_to)| LogStored { source: *source, up_to: *up_to }).collect();
        let written = Written { events: self.events, samples: self.samples, logs };
        let bytes = serde_json::to_vec(&written).map_err(io::Error::other)?;
        let staged = dir.join("cursors.new");
        std::fs::write(&staged, bytes)?;
        std::fs::rename(staged, dir.join(FILE))
    }

    /// Takes in what the control plane says it has of events and logs. Never goes back.
    pub(super) fn advance(&mut self, stored: &Stored) {
        self.events = self.events.max(stored.events);
        for log in &stored.logs {
            let up_to = self.logs.entry(log.source).or_default();
            *up_to = log.up_to.max(*up_to);
        }
    }
}
