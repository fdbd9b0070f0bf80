//! Every route: a file a noun. A handler parses, proposes or asks, and maps; nothing else.

pub mod activity;
pub mod approvals;
pub mod apps;
pub mod auth;
pub mod dashboard;
pub mod deploys;
pub mod enrolment;
pub mod health;
pub mod nodes;
pub mod panel;
pub mod people;
pub mod reference;
pub mod runs;
pub mod tokens;
pub mod workflows;

use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use sf_actions::Action;
use sf_control::{Made, Proposal, Proposed};
use sf_types::{Cursor, PageRequest, Timestamp};
use utoipa::IntoParams;

use crate::caller::Caller;
use crate::envelope::{accepted, ok};
use crate::fault::Problem;
use crate::state::Api;
use crate::view::plan::Planned;
use crate::view::run::{ActorView, RunOpened, RunView};

/// The query of every write.
#[derive(Clone, Copy, Debug, Default, Deserialize, IntoParams)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct Write {
    /// Only say what would happen.
    pub dry_run: Option<bool>,
}

impl Write {
    /// Only say what would happen.
    pub(crate) fn is_dry(self) -> bool {
        self.dry_run.unwrap_or(false)
    }
}

/// The query of lists without filters.
#[derive(Clone, Debug, Default, Deserialize, IntoParams)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct Paged {
    /// Rows wanted, 1 to 200; 50 where absent.
    pub limit: Option<u16>,
    /// Continue after this cursor.
    pub after: Option<String>,
}

/// The query of lists that are whole.
#[derive(Clone, Debug, Default, Deserialize, IntoParams)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct Searched {
    /// Looked for in the name.
    pub q: Option<String>,
}

/// The query of samples over time.
#[derive(Clone, Debug, Default, Deserialize, IntoParams)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct Span {
    /// Not before (RFC 3339 or milliseconds); an hour before `to` where absent.
    pub from: Option<String>,
    /// Before; now where absent.
    pub to: Option<String>,
    /// Points wanted at the most, up to 2,000; 120 where absent.
    pub points: Option<u32>,
}

/// What became of a write that an edge still has to show.
pub(crate) enum Carried {
    /// It was done here.
    Done(Made),
    /// The answer is whole: a plan, or a run that waits.
    Answered(Response),
}

/// Proposes an action for a caller.
pub(crate) async fn propose(api: &Api, caller: &Caller, write: Write, action: Action) -> Result<Carried, Problem> {
    let proposal = Proposal { dry_run: write.is_dry(), ..Proposal::of(action) };
    carry(api, caller, proposal).await
}

/// The same with a self-report.
pub(crate) async fn carry(api: &Api, caller: &Caller, proposal: Proposal) -> Result<Carried, Problem> {
    let proposal = Proposal { key: caller.key.clone(), ..proposal };
    Ok(match api.control().propose(&caller.actor, caller.request, proposal).await? {
        Proposed::Plan(plan) => Carried::Answered(ok(Planned { plan: (*plan).into() }).into_response()),
        Proposed::Open(run) => {
            let actor = ActorView::of(run.actor, None);
            let run = RunView::of(*run, None, actor);
            Carried::Answered(accepted(RunOpened { run }).into_response())
        }
        Proposed::Done(_, made) => Carried::Done(made),
    })
}

/// Proposes what a node carries out, with how sure of it whoever proposes it is.
pub(crate) async fn ordered(
    api: &Api,
    caller: &Caller,
    write: Write,
    action: Action,
    confidence: Option<f64>,
) -> Result<Response, Problem> {
    order(api, caller, Proposal { confidence, dry_run: write.is_dry(), ..Proposal::of(action) }).await
}

/// Proposes what a node carries out: the answer is a plan or a run.
pub(crate) async fn order(api: &Api, caller: &Caller, proposal: Proposal) -> Result<Response, Problem> {
    match carry(api, caller, proposal).await? {
        Carried::Answered(response) => Ok(response),
        Carried::Done(_) => Ok(ok(crate::view::Nothing {}).into_response()),
    }
}

pub(crate) fn page_request(limit: Option<u16>, after: Option<String>) -> PageRequest {
    PageRequest { limit, after: after.map(Cursor) }
}

impl From<Paged> for PageRequest {
    fn from(paged: Paged) -> Self {
        page_request(paged.limit, paged.after)
    }
}

/// Points of one answer unless told otherwise.
const DEFAULT_POINTS: u32 = 120;
/// Time looked back unless told otherwise.
const DEFAULT_SPAN: std::time::Duration = std::time::Duration::from_secs(3600);

impl Span {
    pub(crate) fn range(&self, now: Timestamp) -> Result<sf_store::metrics::Range, Problem> {
        let to = self.to.as_deref().map(|text| time(text, "to")).transpose()?.unwrap_or(now);
        let from = self.from.as_deref().map(|text| time(text, "from")).transpose()?;
        let from = from.unwrap_or_else(|| to.minus(DEFAULT_SPAN));
        if from >= to {
            return Err(Problem::invalid("query.span", "`from` has to be before `to`.").field("from"));
        }
        Ok(sf_store::metrics::Range { from, to, points: self.points.unwrap_or(DEFAULT_POINTS) })
    }
}

/// RFC 3339, or milliseconds since 1970.
pub(crate) fn time(text: &str, field: &str) -> Result<Timestamp, Problem> {
    if let Ok(millis) = text.parse::<i64>() {
        return Ok(Timestamp::from_millis(millis));
    }
    let format = &::time::format_description::well_known::Rfc3339;
    let parsed = ::time::OffsetDateTime::parse(text, format).map_err(|_| {
        Problem::invalid("query.time", format!("`{field}` is no time: write 2026-11-21T06:27:41Z.")).field(field)
    })?;
    let millis = parsed.unix_timestamp_nanos() / 1_000_000;
    Ok(Timestamp::from_millis(i64::try_from(millis).unwrap_or(i64::MAX)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_in_both_forms() {
        for (text, millis) in
            [("0", Some(0)), ("2026-11-21T06:27:41.007Z", Some(1_795_242_461_007)), ("yesterday", None), ("", None)]
        {
            assert_eq!(time(text, "from").ok().map(Timestamp::as_millis), millis, "{text}");
        }
    }
}
