//! The chains behind the lines: how they are, and taking them away for verifying elsewhere.

use axum::body::Body;
use axum::extract::State;
use axum::response::Response;
use bytes::Bytes;
use futures_util::stream::{self, Stream};
use http::{HeaderValue, header};
use serde::Deserialize;
use sf_control::Control;
use sf_control::audit::export::{Export, Span};
use sf_store::audit::ActivityFilter;
use sf_types::{Cursor, Fault, PageRequest};
use tokio::sync::OwnedSemaphorePermit;
use utoipa::IntoParams;

use super::csv;
use crate::body::Asked;
use crate::caller::Caller;
use crate::envelope::{Envelope, Result, ok};
use crate::fault::Problem;
use crate::route::time;
use crate::state::Api;
use crate::view::activity::ChainsView;

/// What to take away.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ExportActivity {
    /// Not before; a chain begins with the checkpoint before it.
    from: Option<String>,
    /// Before; a chain ends with the checkpoint after it.
    to: Option<String>,
    /// `jsonl`, which `serverflow audit verify` reads, or `csv` for a spreadsheet.
    format: Option<String>,
    /// The whole chains with the lines of every team, for those who operate the installation; `jsonl` only.
    all: Option<bool>,
}

/// How the audit chains are: length, head, how far they were verified, which nodes are witnesses.
#[utoipa::path(get, path = "/api/v1/activity/state", tag = "activity", operation_id = "activityState",
    responses((status = 200, body = Envelope<ChainsView>)))]
pub async fn state(State(api): State<Api>, caller: Caller) -> Result<ChainsView> {
    Ok(ok(api.control().audit_state(&caller.actor).await?.into()))
}

/// Verifies the whole chains now, from their first line to their last. Changes nothing.
#[utoipa::path(post, path = "/api/v1/activity/verify", tag = "activity", operation_id = "verifyActivity",
    responses((status = 200, body = Envelope<ChainsView>)))]
pub async fn verify(State(api): State<Api>, caller: Caller) -> Result<ChainsView> {
    Ok(ok(api.control().verify_audit(&caller.actor).await?.into()))
}

/// Lines of the audit chain as a file. Where there is one tenant, `jsonl` holds the whole chains and can be verified
/// without this control plane; where there are several, it holds the tenant's own lines,
/// or with `all` the whole chains for those who operate the installation.
#[utoipa::path(get, path = "/api/v1/activity/export", tag = "activity", operation_id = "exportActivity",
    params(ExportActivity), responses((status = 200, description = "The file.", content_type = "application/x-ndjson")))]
pub async fn export(
    State(api): State<Api>,
    caller: Caller,
    Asked(query): Asked<ExportActivity>,
) -> std::result::Result<Response, Problem> {
    let from = query.from.as_deref().map(|text| time(text, "from")).transpose()?;
    let to = query.to.as_deref().map(|text| time(text, "to")).transpose()?;
    let (control, all) = (api.control(), query.all.unwrap_or(false));
    match query.format.as_deref().unwrap_or("jsonl") {
        "jsonl" => {
            let export = control.export_audit(&caller.actor, caller.request, Span { all, from, to }).await?;
            Ok(file(Body::from_stream(chains(export)), "application/x-ndjson", "serverflow-audit.jsonl"))
        }
        "csv" if all => Err(Problem::invalid("query.all", "The whole chains are `jsonl`.").field("all")),
        "csv" => {
            let place = control.export_place()?;
            let filter = ActivityFilter { from, to, ..ActivityFilter::default() };
            // The first page is read before anything is answered: a missing right is no half file.
            control.activity(&caller.actor, &filter, &first()).await?;
            control.record_export(&caller.actor, caller.request, "csv").await?;
            let rows = Rows { control: control.clone(), caller, filter, next: Next::Head, _place: place };
            Ok(file(Body::from_stream(rows.stream()), "text/csv; charset=utf-8", "serverflow-activity.csv"))
        }
        _ => Err(Problem::invalid("query.format", "`format` is jsonl or csv.").field("format")),
    }
}

fn file(body: Body, kind: &'static str, name: &'static str) -> Response {
    let mut response = Response::new(body);
    let disposition = HeaderValue::from_str(&format!("attachment; filename=\"{name}\""));
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
    headers.extend(disposition.ok().map(|value| (header::CONTENT_DISPOSITION, value)));
    response
}

/// The chains piece by piece, as fast as the caller reads.
fn chains(export: Export) -> impl Stream<Item = std::result::Result<Bytes, Fault>> {
    stream::try_unfold(
        export,
        |mut export| async move { Ok(export.next().await?.map(|text| (Bytes::from(text), export))) },
    )
}

/// Rows for a spreadsheet.
struct Rows {
    control: Control,
    caller: Caller,
    filter: ActivityFilter,
    next: Next,
    _place: OwnedSemaphorePermit,
}

enum Next {
    Head,
    Page(Option<Cursor>),
    End,
}

fn first() -> PageRequest {
    PageRequest { limit: Some(PageRequest::MAX_ROWS), after: None }
}

impl Rows {
    fn stream(self) -> impl Stream<Item = std::result::Result<Bytes, Fault>> {
        stream::try_unfold(self, |mut rows| async move {
            let text = match std::mem::replace(&mut rows.next, Next::End) {
                Next::End => return Ok(None),
                Next::Head => {
                    rows.next = Next::Page(None);
                    csv::head()
                }
                Next::Page(after) => {
                    let asked = PageRequest { after, ..first() };
                    let page = rows.control.activity(&rows.caller.actor, &rows.filter, &asked).await?;
                    rows.next = page.next.map_or(Next::End, |next| Next::Page(Some(next)));
                    page.items.iter().map(csv::row).collect()
                }
            };
            Ok(Some((Bytes::from(text), rows)))
        })
    }
}
