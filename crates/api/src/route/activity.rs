//! The audit chain.

pub mod calls;
pub mod chain;
mod csv;

use axum::extract::State;
use serde::Deserialize;
use sf_store::audit::ActivityFilter;
use sf_types::Page;
use utoipa::IntoParams;

use super::{page_request, time};
use crate::body::Asked;
use crate::caller::Caller;
use crate::envelope::{Envelope, Result, page};
use crate::state::Api;
use crate::view::activity::ActivityView;
use crate::view::names::Names;

/// Which lines.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ListActivity {
    /// A text anywhere in a line, or an id: everything that has to do with it.
    q: Option<String>,
    /// An action by its name (`app.deploy`), or a family (`app`).
    action: Option<String>,
    /// Who: an id, or a kind (`person`, `ai`).
    actor: Option<String>,
    /// How it went: `succeeded`, `refused`.
    outcome: Option<String>,
    /// The id of what it was done to.
    target: Option<String>,
    /// Not before.
    from: Option<String>,
    /// Before.
    to: Option<String>,
    /// Rows wanted, 1 to 200.
    limit: Option<u16>,
    /// Continue after this cursor.
    after: Option<String>,
}

/// Lines of the audit chain, newest first.
#[utoipa::path(get, path = "/api/v1/activity", tag = "activity", operation_id = "listActivity", params(ListActivity),
    responses((status = 200, body = Envelope<Vec<ActivityView>>)))]
pub async fn list(
    State(api): State<Api>,
    caller: Caller,
    Asked(query): Asked<ListActivity>,
) -> Result<Vec<ActivityView>> {
    let filter = ActivityFilter {
        q: query.q.filter(|q| !q.trim().is_empty()),
        action: query.action,
        actor: query.actor,
        outcome: query.outcome,
        target: query.target,
        from: query.from.as_deref().map(|text| time(text, "from")).transpose()?,
        to: query.to.as_deref().map(|text| time(text, "to")).transpose()?,
    };
    let asked = page_request(query.limit, query.after);
    let lines = api.control().activity(&caller.actor, &filter, &asked).await?;
    let mut names = Names::new(&api, &caller.actor);
    let mut views = Vec::with_capacity(lines.items.len());
    for activity in lines.items {
        let actor = names.actor(&activity.line.actor_kind, &activity.line.actor_ref).await;
        let target = names.target(&activity.line.target_kind, &activity.line.target_id).await;
        views.push(ActivityView::of(activity, actor, target));
    }
    Ok(page(Page { items: views, next: lines.next }, |view| view))
}
