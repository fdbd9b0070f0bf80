//! Services of a machine that its owner lets be steered from here.

use axum::extract::State;
use axum::response::Response;
use serde::Deserialize;
use sf_actions::Action;
use sf_actions::node::{NodeAction, SteerService};
use sf_control::Proposal;
use sf_protocol::order::ServiceVerb;
use sf_types::{NodeId, Slug};
use utoipa::ToSchema;

use crate::body::{Asked, Id, Strict};
use crate::caller::Caller;
use crate::envelope::{Envelope, Result, ok};
use crate::fault::Problem;
use crate::route::{Write, order};
use crate::state::Api;
use crate::view::node::NodeServiceView;
use crate::view::run::RunOpened;

/// What to do to which service.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SteerNodeService {
    /// Its name.
    #[schema(value_type = String)]
    service: Slug,
    /// `start`, `stop`, `restart` or `reload`.
    #[schema(value_type = String)]
    verb: ServiceVerb,
    /// How sure the proposer is, 0 to 100.
    #[serde(default)]
    confidence: Option<f64>,
}

/// The services that can be steered, as the machine says now. None where its owner does not allow it.
#[utoipa::path(get, path = "/api/v1/nodes/{id}/services", tag = "nodes", operation_id = "nodeServices",
    params(("id" = uuid::Uuid, Path)), responses((status = 200, body = Envelope<Vec<NodeServiceView>>)))]
pub async fn list(State(api): State<Api>, caller: Caller, Id(node): Id<NodeId>) -> Result<Vec<NodeServiceView>> {
    let services = api.control().services(&caller.actor, caller.request, node).await?;
    Ok(ok(services.into_iter().map(NodeServiceView::from).collect()))
}

/// Starts, stops, restarts or reloads one.
#[utoipa::path(post, path = "/api/v1/nodes/{id}/services", tag = "nodes", operation_id = "steerNodeService",
    params(("id" = uuid::Uuid, Path), Write), request_body = SteerNodeService,
    responses((status = 202, body = Envelope<RunOpened>)))]
pub async fn steer(
    State(api): State<Api>,
    caller: Caller,
    Id(node): Id<NodeId>,
    Asked(write): Asked<Write>,
    Strict(body): Strict<SteerNodeService>,
) -> std::result::Result<Response, Problem> {
    let action = Action::Node(NodeAction::Service(SteerService { node, service: body.service, verb: body.verb }));
    let dry_run = write.is_dry();
    order(&api, &caller, Proposal { confidence: body.confidence, dry_run, ..Proposal::of(action) }).await
}
