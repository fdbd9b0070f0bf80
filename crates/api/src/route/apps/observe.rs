//! What an app has done and does: releases, lines, samples, and its node's live word.

use axum::extract::State;
use serde::Deserialize;
use sf_control::queries::apps::{LogLines, LogPart};
use sf_protocol::report::LogSource;
use sf_types::{AppId, ErrorKind, Fault, ReleaseId};
use utoipa::IntoParams;

use crate::body::{Asked, Id};
use crate::caller::Caller;
use crate::envelope::{Envelope, Result, ok, page};
use crate::route::{Paged, Span};
use crate::state::Api;
use crate::view::app::AppStatusView;
use crate::view::log::{LineView, LogView};
use crate::view::metrics::{AppSampleView, of_app};
use crate::view::release::ReleaseView;

/// Lines of a log unless told otherwise.
const DEFAULT_TAIL: u32 = 200;

/// Which lines.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct Lines {
    /// Those after this number.
    after: Option<u64>,
    /// The last so many, up to 1,000; 200 where neither is given.
    tail: Option<u32>,
    /// Of this release; the live one where absent.
    #[param(value_type = Option<uuid::Uuid>)]
    release: Option<ReleaseId>,
    /// With this text in them.
    q: Option<String>,
}

/// Which lines of a build.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct BuildLines {
    /// Those after this number; from the first where absent.
    pub(crate) after: Option<u64>,
}

/// Releases of an app, newest first.
#[utoipa::path(get, path = "/api/v1/apps/{id}/releases", tag = "apps", operation_id = "listReleases",
    params(("id" = uuid::Uuid, Path), Paged), responses((status = 200, body = Envelope<Vec<ReleaseView>>)))]
pub async fn releases(
    State(api): State<Api>,
    caller: Caller,
    Id(app): Id<AppId>,
    Asked(paged): Asked<Paged>,
) -> Result<Vec<ReleaseView>> {
    Ok(page(api.control().releases(&caller.actor, app, &paged.into()).await?, ReleaseView::from))
}

/// Lines of an app's log.
#[utoipa::path(get, path = "/api/v1/apps/{id}/logs", tag = "apps", operation_id = "appLogs",
    params(("id" = uuid::Uuid, Path), Lines), responses((status = 200, body = Envelope<LogView>)))]
pub async fn logs(
    State(api): State<Api>,
    caller: Caller,
    Id(app): Id<AppId>,
    Asked(lines): Asked<Lines>,
) -> Result<LogView> {
    let part = match (lines.q.filter(|q| !q.is_empty()), lines.after, lines.tail) {
        (Some(text), after, _) => LogPart::Containing(text, after.unwrap_or(0)),
        (None, Some(after), _) => LogPart::After(after),
        (None, None, tail) => LogPart::Tail(tail.unwrap_or(DEFAULT_TAIL)),
    };
    let found = api.control().app_log(&caller.actor, app, lines.release, &part).await;
    Ok(ok(view(or_empty(found)?)))
}

/// The course of an app in at most so many points. Each says what it stands for: means with the lowest and the
/// highest, from samples of the last day, rows of 5 minutes or rows of an hour, the coarsest that gives the points.
#[utoipa::path(get, path = "/api/v1/apps/{id}/metrics", tag = "apps", operation_id = "appMetrics",
    params(("id" = uuid::Uuid, Path), Span), responses((status = 200, body = Envelope<Vec<AppSampleView>>)))]
pub async fn metrics(
    State(api): State<Api>,
    caller: Caller,
    Id(app): Id<AppId>,
    Asked(span): Asked<Span>,
) -> Result<Vec<AppSampleView>> {
    let range = span.range(api.control().now())?;
    Ok(ok(of_app(app, &api.control().app_metrics(&caller.actor, app, range).await?)))
}

/// How an app is, as its machine says right now.
#[utoipa::path(get, path = "/api/v1/apps/{id}/status", tag = "apps", operation_id = "appStatus",
    params(("id" = uuid::Uuid, Path)), responses((status = 200, body = Envelope<AppStatusView>)))]
pub async fn status(State(api): State<Api>, caller: Caller, Id(app): Id<AppId>) -> Result<AppStatusView> {
    Ok(ok(api.control().app_status(&caller.actor, caller.request, app).await?.into()))
}

/// A log that has no line yet is empty, not missing.
pub(crate) fn or_empty(found: std::result::Result<LogLines, Fault>) -> std::result::Result<LogLines, Fault> {
    match found {
        Err(fault) if fault.kind == ErrorKind::NotFound && fault.code == "log.not_found" => Ok(LogLines::default()),
        other => other,
    }
}

pub(crate) fn view(found: LogLines) -> LogView {
    let release = match found.source {
        Some(LogSource::App { release, .. }) => Some(release.uuid()),
        Some(LogSource::Run { .. }) | None => None,
    };
    let lines = found.lines.into_iter().map(|line| LineView::of(line, release)).collect();
    LogView { lines, dropped: found.dropped }
}
