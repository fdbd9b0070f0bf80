//! All logs of an app as one: searched, taken away as a file, and how long they are kept.

use axum::body::Body;
use axum::extract::State;
use axum::response::Response;
use bytes::Bytes;
use futures_util::stream::{self, Stream};
use http::{HeaderValue, header};
use serde::Deserialize;
use sf_control::Control;
use sf_control::queries::apps::LogPart;
use sf_control::queries::logs::Search;
use sf_control::queries::logs::pattern::{Level, Pattern, plain};
use sf_protocol::report::{LogLine, Stream as Written};
use sf_store::logs::{Place, Window};
use sf_types::{AppId, Fault, ReleaseId, RunId};
use utoipa::IntoParams;

use super::observe::or_empty;
use crate::body::{Asked, Id};
use crate::caller::Caller;
use crate::envelope::{Envelope, Result, ok};
use crate::fault::Problem;
use crate::route::time;
use crate::state::Api;
use crate::view::log::{FoundView, LogsKeptView};
use crate::view::word;

/// Hits of one answer unless told otherwise.
const DEFAULT_HITS: u16 = 50;

/// What is looked for.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct SearchLogs {
    /// A text, in whatever case, or an expression; every line where absent.
    q: Option<String>,
    /// `q` is a regular expression as the Rust crate `regex` reads it, and minds case.
    regex: Option<bool>,
    /// Only lines that say they are that bad: `error`, or `warning` for both.
    level: Option<String>,
    /// Not before (RFC 3339 or milliseconds).
    from: Option<String>,
    /// Before.
    to: Option<String>,
    /// Only from `out`, `err`, `tty` or `note`.
    stream: Option<String>,
    /// Only of this release.
    #[param(value_type = Option<uuid::Uuid>)]
    release: Option<ReleaseId>,
    /// Only of what this run's build said.
    #[param(value_type = Option<uuid::Uuid>)]
    run: Option<RunId>,
    /// Lines around each hit, on each side: up to 10.
    context: Option<u8>,
    /// Hits wanted, up to 200; 50 where absent.
    limit: Option<u16>,
    /// Go on where an answer's `next` says.
    after: Option<String>,
}

impl SearchLogs {
    fn search(&self) -> std::result::Result<Search, Problem> {
        let level =
            match self.level.as_deref() {
                None => None,
                Some(text) => Some(Level::from_word(text).ok_or_else(|| {
                    Problem::invalid("query.level", "`level` is `error` or `warning`.").field("level")
                })?),
            };
        let moment = |text: &Option<String>, name| text.as_deref().map(|text| time(text, name)).transpose();
        let window = Window {
            from: moment(&self.from, "from")?,
            to: moment(&self.to, "to")?,
            stream: self.stream.as_deref().map(written).transpose()?,
        };
        Ok(Search {
            pattern: Pattern::new(self.q.as_deref(), self.regex.unwrap_or(false), level)?,
            window,
            release: self.release,
            run: self.run,
            after: self.after.as_deref().map(place).transpose()?,
            limit: self.limit.unwrap_or(DEFAULT_HITS),
            context: self.context.unwrap_or(0),
        })
    }
}

fn written(text: &str) -> std::result::Result<Written, Problem> {
    let known = [Written::Out, Written::Err, Written::Tty, Written::Note];
    known
        .into_iter()
        .find(|stream| word(stream) == text)
        .ok_or_else(|| Problem::invalid("query.stream", "`stream` is `out`, `err`, `tty` or `note`.").field("stream"))
}

/// A place as `next` tells it.
fn place(text: &str) -> std::result::Result<Place, Problem> {
    fn read(text: &str) -> Option<Place> {
        let mut parts = text.split('.');
        let at = sf_types::Timestamp::from_millis(parts.next()?.parse().ok()?);
        let source = parts.next()?.parse().ok()?;
        let sequence = parts.next()?.parse().ok()?;
        parts.next().is_none().then_some(Place { at, source, sequence })
    }
    let unknown = "`after` is no place in logs: take `next` of the answer before.";
    read(text).ok_or_else(|| Problem::invalid("page.cursor", unknown).field("after"))
}

/// Looks for lines in all logs of an app, newest first. A request looks for a bounded while: where `searchedUntil` is
/// set, older lines were not looked at yet, and `next` goes on there.
#[utoipa::path(get, path = "/api/v1/apps/{id}/logs/search", tag = "apps", operation_id = "searchLogs",
    params(("id" = uuid::Uuid, Path), SearchLogs), responses((status = 200, body = Envelope<FoundView>)))]
pub async fn search(
    State(api): State<Api>,
    caller: Caller,
    Id(app): Id<AppId>,
    Asked(query): Asked<SearchLogs>,
) -> Result<FoundView> {
    Ok(ok(api.control().search_logs(&caller.actor, app, &query.search()?).await?.into()))
}

/// How long an app's log lines are kept, and since when there are any.
#[utoipa::path(get, path = "/api/v1/apps/{id}/logs/kept", tag = "apps", operation_id = "logsKept",
    params(("id" = uuid::Uuid, Path)), responses((status = 200, body = Envelope<LogsKeptView>)))]
pub async fn kept(State(api): State<Api>, caller: Caller, Id(app): Id<AppId>) -> Result<LogsKeptView> {
    Ok(ok(api.control().logs_kept(&caller.actor, app).await?.into()))
}

/// Which log.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct TakeLog {
    /// Of this release; the live one where absent.
    #[param(value_type = Option<uuid::Uuid>)]
    release: Option<ReleaseId>,
}

/// All lines kept of one release as a text: time, stream, line. Escape sequences are left out.
#[utoipa::path(get, path = "/api/v1/apps/{id}/logs/download", tag = "apps", operation_id = "downloadLogs",
    params(("id" = uuid::Uuid, Path), TakeLog),
    responses((status = 200, description = "The file.", content_type = "text/plain")))]
pub async fn download(
    State(api): State<Api>,
    caller: Caller,
    Id(app): Id<AppId>,
    Asked(query): Asked<TakeLog>,
) -> std::result::Result<Response, Problem> {
    let control = api.control().clone();
    let row = control.app(&caller.actor, app).await?;
    let release = query.release.or(row.live_release);
    let name = format!("{}.log", row.name);
    // The first lines are read before anything is answered: a missing right is no half file.
    let mut pages = Pages { control, caller, app, release, after: 0 };
    let first = pages.next().await?;
    let mut response = Response::new(Body::from_stream(pages.stream(first)));
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"));
    let disposition = HeaderValue::from_str(&format!("attachment; filename=\"{name}\""));
    headers.extend(disposition.ok().map(|value| (header::CONTENT_DISPOSITION, value)));
    Ok(response)
}

/// Lines page by page, as fast as the caller reads.
struct Pages {
    control: Control,
    caller: Caller,
    app: AppId,
    release: Option<ReleaseId>,
    after: u64,
}

impl Pages {
    async fn next(&mut self) -> std::result::Result<Option<Bytes>, Fault> {
        let part = LogPart::After(self.after);
        let found = or_empty(self.control.app_log(&self.caller.actor, self.app, self.release, &part).await)?;
        let Some(last) = found.lines.last() else { return Ok(None) };
        self.after = last.sequence;
        Ok(Some(Bytes::from(found.lines.iter().map(text).collect::<String>())))
    }

    fn stream(self, first: Option<Bytes>) -> impl Stream<Item = std::result::Result<Bytes, Fault>> {
        stream::try_unfold((self, Some(first)), |(mut pages, waiting)| async move {
            let page = match waiting {
                Some(first) => first,
                None => pages.next().await?,
            };
            Ok(page.map(|page| (page, (pages, None))))
        })
    }
}

fn text(line: &LogLine) -> String {
    format!("{} {} {}\n", line.at, word(&line.stream), plain(&line.text))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_read_as_it_is_told() {
        let source = uuid::Uuid::from_u128(7);
        let told = Place { at: sf_types::Timestamp::from_millis(-5), source, sequence: 9 };
        assert_eq!(place(&crate::view::log::told(&told)).ok(), Some(told));
        for text in
            ["", "1.2.3", "1", "a.00000000-0000-0000-0000-000000000007.9", "1.00000000-0000-0000-0000-000000000007.9.x"]
        {
            assert!(place(text).is_err(), "{text}");
        }
    }
}
