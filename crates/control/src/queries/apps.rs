//! Apps, their releases and logs.

use sf_actions::{Actor, Permission};
use sf_protocol::report::{LogLine, LogSource};
use sf_store::{Reader, apps, logs, metrics, releases};
use sf_types::{AppId, Fault, Page, PageRequest, ReleaseId};

use crate::control::Control;

impl Control {
    /// Apps of the tenant.
    ///
    /// # Errors
    /// No right, or the store cannot be read.
    pub async fn apps(
        &self,
        actor: &Actor,
        filter: &apps::AppFilter,
        page: &PageRequest,
    ) -> Result<Page<apps::App>, Fault> {
        Ok(apps::page(&self.view(actor, Permission::AppView)?, filter, page).await?)
    }

    /// One app.
    ///
    /// # Errors
    /// Not there, no right, or the store cannot be read.
    pub async fn app(&self, actor: &Actor, app: AppId) -> Result<apps::App, Fault> {
        Ok(apps::get(&self.view(actor, Permission::AppView)?, app).await?)
    }

    /// Releases of an app, newest first.
    ///
    /// # Errors
    /// Not there, no right, or the store cannot be read.
    pub async fn releases(
        &self,
        actor: &Actor,
        app: AppId,
        page: &PageRequest,
    ) -> Result<Page<releases::Release>, Fault> {
        let reader = self.view(actor, Permission::AppView)?;
        apps::get(&reader, app).await?;
        Ok(releases::page(&reader, app, page).await?)
    }

    /// One release.
    ///
    /// # Errors
    /// Not there, no right, or the store cannot be read.
    pub async fn release(&self, actor: &Actor, release: ReleaseId) -> Result<releases::Release, Fault> {
        Ok(releases::get(&self.view(actor, Permission::AppView)?, release).await?)
    }

    /// Lines of the log of one release of an app, the live one's where `release` is `None`.
    ///
    /// # Errors
    /// Not there, no right, or the store cannot be read.
    pub async fn app_log(
        &self,
        actor: &Actor,
        app: AppId,
        release: Option<ReleaseId>,
        part: &LogPart,
    ) -> Result<LogLines, Fault> {
        let reader = self.view(actor, Permission::AppView)?;
        let row = apps::get(&reader, app).await?;
        let Some(release) = release.or(row.live_release) else { return Ok(LogLines::default()) };
        part.read(&reader, LogSource::App { app, release }).await
    }

    /// The course of an app in at most `points`, from the coarsest of what is kept that gives them.
    ///
    /// # Errors
    /// Not there, no right, or the store cannot be read.
    pub async fn app_metrics(
        &self,
        actor: &Actor,
        app: AppId,
        range: metrics::Range,
    ) -> Result<metrics::Course<metrics::fold::AppFold>, Fault> {
        let reader = self.view(actor, Permission::MonitoringView)?;
        apps::get(&reader, app).await?;
        Ok(metrics::of_app(&reader, app, range, self.core().options.retention.metrics()).await?)
    }
}

/// Which lines of a log.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum LogPart {
    /// The last so many.
    Tail(u32),
    /// Those after a number.
    After(u64),
    /// Those after a number that contain a text.
    Containing(String, u64),
}

/// Lines of a log.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct LogLines {
    /// The lines, ascending.
    pub lines: Vec<LogLine>,
    /// The log they are from.
    pub source: Option<LogSource>,
    /// Lines lost to limits since the log began.
    pub dropped: u64,
}

/// Lines in one answer.
const LINES: u32 = 1000;

impl LogPart {
    pub(crate) async fn read(&self, reader: &Reader, source: LogSource) -> Result<LogLines, Fault> {
        let lines = match self {
            Self::Tail(count) => logs::tail(reader, source, (*count).min(LINES)).await?,
            Self::After(number) => logs::after(reader, source, *number, LINES).await?,
            Self::Containing(text, number) => logs::search(reader, source, text, *number, LINES).await?,
        };
        let dropped = logs::cursor(reader, source).await?.map_or(0, |cursor| cursor.dropped);
        Ok(LogLines { lines, source: Some(source), dropped })
    }
}
