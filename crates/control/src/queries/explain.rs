//! Why a run failed.

use sf_actions::{Actor, Permission};
use sf_engine::explain::{Cause, Evidence, LINES_READ, explain};
use sf_protocol::outcome::Facts;
use sf_protocol::report::{LogLine, LogSource};
use sf_store::{Reader, StoreError, logs, runs};
use sf_types::{Fault, RunId};

use crate::control::Control;

impl Control {
    /// The likeliest causes of a run's failure, from its fault and the logs of its build and its release; none where it did
    /// not fail.
    ///
    /// # Errors
    /// Not there, no right, or the store cannot be read.
    pub async fn explain(&self, actor: &Actor, run: RunId) -> Result<Vec<Cause>, Fault> {
        let reader = self.view(actor, Permission::AppView)?;
        let record = runs::record(&reader, run).await?;
        let Some(fault) = &record.run.fault else { return Ok(Vec::new()) };
        let release = match (record.outcome.as_ref().map(|outcome| &outcome.facts), record.run.app) {
            (Some(Facts::Deploy(facts)), Some(app)) => Some(LogSource::App { app, release: facts.release }),
            _ => None,
        };
        let build = last(&reader, Some(LogSource::Run { run })).await?;
        let app = last(&reader, release).await?;
        Ok(explain(&Evidence { fault, build: &build, app: &app }))
    }
}

async fn last(reader: &Reader, source: Option<LogSource>) -> Result<Vec<LogLine>, Fault> {
    let Some(source) = source else { return Ok(Vec::new()) };
    let count = u32::try_from(LINES_READ).unwrap_or(u32::MAX);
    match logs::tail(reader, source, count).await {
        // Nothing was said.
        Err(StoreError::NotFound(_)) => Ok(Vec::new()),
        lines => Ok(lines?),
    }
}
