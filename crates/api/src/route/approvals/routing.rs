//! What runs by itself at a place, and what was learnt.

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use sf_actions::Action;
use sf_actions::policy::{PolicyAction, UpdatePolicy};
use sf_actions::rules::Rules;
use sf_store::learning::SampleFilter;
use sf_types::{Page, ProjectId, TokenId};
use utoipa::{IntoParams, ToSchema};

use crate::body::{Asked, Strict};
use crate::caller::Caller;
use crate::envelope::{Envelope, Result, ok, page};
use crate::fault::Problem;
use crate::route::{Carried, Write, page_request, propose};
use crate::state::Api;
use crate::view::names::Names;
use crate::view::routing::{DifferenceView, LearningView, RulesView, SampleView};

/// Of which place.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct OfPlace {
    /// The project; the whole team where absent.
    #[param(value_type = Option<uuid::Uuid>)]
    project: Option<ProjectId>,
}

/// The rules of a place.
#[utoipa::path(get, path = "/api/v1/routing-rules", tag = "routing", operation_id = "getRoutingRules", params(OfPlace),
    responses((status = 200, body = Envelope<RulesView>)))]
pub async fn get(State(api): State<Api>, caller: Caller, Asked(of): Asked<OfPlace>) -> Result<RulesView> {
    let (installed, place) = api.control().rules(&caller.actor, of.project).await?;
    Ok(ok(RulesView::of(installed, place)))
}

/// Rules of a place as they are to be.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ChangeRules {
    /// The project; the whole team where absent.
    #[schema(value_type = Option<uuid::Uuid>)]
    project: Option<ProjectId>,
    /// The version that is replaced, 0 where there are none.
    from: u64,
    /// All of them.
    #[schema(value_type = Object)]
    rules: Rules,
}

impl From<ChangeRules> for UpdatePolicy {
    fn from(change: ChangeRules) -> Self {
        Self { project: change.project, from: change.from, rules: change.rules }
    }
}

/// Replaces the rules of a place. With `dryRun`, the plan says what would have been different among the last decisions.
#[utoipa::path(put, path = "/api/v1/routing-rules", tag = "routing", operation_id = "setRoutingRules", params(Write),
    request_body = ChangeRules, responses((status = 200, body = Envelope<RulesView>)))]
pub async fn set(
    State(api): State<Api>,
    caller: Caller,
    Asked(write): Asked<Write>,
    Strict(body): Strict<ChangeRules>,
) -> std::result::Result<Response, Problem> {
    let project = body.project;
    let action = Action::Policy(PolicyAction::Update(Box::new(body.into())));
    match propose(&api, &caller, write, action).await? {
        Carried::Answered(response) => Ok(response),
        Carried::Done(_) => {
            let (installed, place) = api.control().rules(&caller.actor, project).await?;
            Ok(ok(RulesView::of(installed, place)).into_response())
        }
    }
}

/// What other rules would have decided about the last 1,000 proposals of a place. Nothing is changed.
#[utoipa::path(post, path = "/api/v1/routing-rules/try", tag = "routing", operation_id = "tryRoutingRules",
    params(Write), request_body = ChangeRules, responses((status = 200, body = Envelope<DifferenceView>)))]
pub async fn attempt(
    State(api): State<Api>,
    caller: Caller,
    Asked(_): Asked<Write>,
    Strict(body): Strict<ChangeRules>,
) -> Result<DifferenceView> {
    Ok(ok(api.control().try_rules(&caller.actor, &body.into()).await?.into()))
}

/// Which samples.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ListSamples {
    /// Of this action.
    action: Option<String>,
    /// Of this AI agent, by its token.
    #[param(value_type = Option<uuid::Uuid>)]
    agent: Option<TokenId>,
    /// Rows wanted, 1 to 200; 50 where absent.
    limit: Option<u16>,
    /// Continue after this cursor.
    after: Option<String>,
}

/// How reliable what AI agents report is, and what was made of it.
#[utoipa::path(get, path = "/api/v1/learning", tag = "routing", operation_id = "getLearning", params(ListSamples),
    responses((status = 200, body = Envelope<LearningView>)))]
pub async fn learning(
    State(api): State<Api>,
    caller: Caller,
    Asked(query): Asked<ListSamples>,
) -> Result<LearningView> {
    let filter = SampleFilter { action: query.action, agent: query.agent };
    let mut view = LearningView::from(api.control().learnt(&caller.actor, &filter).await?);
    let mut names = Names::new(&api, &caller.actor);
    for group in &mut view.groups {
        group.agent_name = names.agent(TokenId::from_uuid(group.agent_id)).await;
    }
    Ok(ok(view))
}

/// What it was learnt from, newest first.
#[utoipa::path(get, path = "/api/v1/learning/samples", tag = "routing", operation_id = "listSamples",
    params(ListSamples), responses((status = 200, body = Envelope<Vec<SampleView>>)))]
pub async fn samples(
    State(api): State<Api>,
    caller: Caller,
    Asked(query): Asked<ListSamples>,
) -> Result<Vec<SampleView>> {
    let filter = SampleFilter { action: query.action, agent: query.agent };
    let asked = page_request(query.limit, query.after);
    let found = api.control().samples(&caller.actor, &filter, &asked).await?;
    let (mut names, mut items) = (Names::new(&api, &caller.actor), Vec::with_capacity(found.items.len()));
    for row in found.items {
        let agent_name = names.agent(row.agent).await;
        items.push(SampleView { agent_name, ..SampleView::from(row) });
    }
    Ok(page(Page { items, next: found.next }, |view| view))
}
