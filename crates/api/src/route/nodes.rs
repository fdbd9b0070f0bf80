//! Machines.

pub mod services;

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use sf_actions::Action;
use sf_actions::node::{NodeAction, NodeRef, Rename};
use sf_protocol::build::BuildSettings;
use sf_protocol::order::GitSource;
use sf_store::nodes::{NodeFilter, NodeStatus};
use sf_types::{Name, NodeId};
use utoipa::{IntoParams, ToSchema};

use super::{Carried, Span, Write, page_request, propose};
use crate::body::{Asked, Id, Strict};
use crate::caller::Caller;
use crate::envelope::{Envelope, Result, ok, page};
use crate::fault::Problem;
use crate::state::Api;
use crate::view::app::InspectionView;
use crate::view::metrics::of_node;
use crate::view::node::{NodeKeyView, NodeSampleView, NodeView};
use crate::view::plan::PlannedSteps;
use crate::view::{Nothing, settings};

/// Which machines.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ListNodes {
    /// `online`, `offline` or `locked`.
    status: Option<String>,
    /// With this in the name.
    q: Option<String>,
    /// Rows wanted, 1 to 200.
    limit: Option<u16>,
    /// Continue after this cursor.
    after: Option<String>,
}

/// A new name.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct RenameNode {
    /// The name.
    #[schema(value_type = String)]
    name: Name,
}

/// A repository to look at.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Inspect {
    /// Its address.
    repository: String,
    /// Branch or tag; its default where absent.
    #[serde(default)]
    reference: Option<String>,
    /// Overrides to plan with.
    #[serde(default)]
    #[schema(value_type = Option<settings::BuildSettings>)]
    build: BuildSettings,
}

/// Machines, newest first.
#[utoipa::path(get, path = "/api/v1/nodes", tag = "nodes", operation_id = "listNodes", params(ListNodes),
    responses((status = 200, body = Envelope<Vec<NodeView>>)))]
pub async fn list(State(api): State<Api>, caller: Caller, Asked(query): Asked<ListNodes>) -> Result<Vec<NodeView>> {
    let status = query.status.as_deref().map(|word| {
        NodeStatus::from_word(word)
            .ok_or_else(|| Problem::invalid("query.status", "`status` is online, offline or locked.").field("status"))
    });
    let filter = NodeFilter { status: status.transpose()?, q: query.q };
    let nodes = api.control().nodes(&caller.actor, &filter, &page_request(query.limit, query.after)).await?;
    let ids: Vec<NodeId> = nodes.items.iter().map(|node| node.id).collect();
    let mut latest = api.control().latest_of_nodes(&caller.actor, &ids).await?;
    let mut views = Vec::with_capacity(ids.len());
    for node in nodes.items {
        let latest = latest.remove(&node.id);
        views.push(NodeView::of(node, latest));
    }
    Ok(page(sf_types::Page { items: views, next: nodes.next }, |view| view))
}

/// One machine.
#[utoipa::path(get, path = "/api/v1/nodes/{id}", tag = "nodes", operation_id = "getNode",
    params(("id" = uuid::Uuid, Path)), responses((status = 200, body = Envelope<NodeView>)))]
pub async fn get(State(api): State<Api>, caller: Caller, Id(node): Id<NodeId>) -> Result<NodeView> {
    Ok(ok(show(&api, &caller, node).await?))
}

/// The keys a machine has or had, newest first.
#[utoipa::path(get, path = "/api/v1/nodes/{id}/keys", tag = "nodes", operation_id = "nodeKeys",
    params(("id" = uuid::Uuid, Path)), responses((status = 200, body = Envelope<Vec<NodeKeyView>>)))]
pub async fn keys(State(api): State<Api>, caller: Caller, Id(node): Id<NodeId>) -> Result<Vec<NodeKeyView>> {
    let keys = api.control().node_keys(&caller.actor, node).await?;
    Ok(ok(keys.into_iter().map(NodeKeyView::from).collect()))
}

/// Gives a machine another name.
#[utoipa::path(patch, path = "/api/v1/nodes/{id}", tag = "nodes", operation_id = "renameNode",
    params(("id" = uuid::Uuid, Path), Write), request_body = RenameNode,
    responses((status = 200, body = Envelope<NodeView>)))]
pub async fn rename(
    State(api): State<Api>,
    caller: Caller,
    Id(node): Id<NodeId>,
    Asked(write): Asked<Write>,
    Strict(body): Strict<RenameNode>,
) -> std::result::Result<Response, Problem> {
    let action = Action::Node(NodeAction::Rename(Rename { node, name: body.name }));
    match propose(&api, &caller, write, action).await? {
        Carried::Answered(response) => Ok(response),
        Carried::Done(_) => Ok(ok(show(&api, &caller, node).await?).into_response()),
    }
}

/// Cuts a machine's connection and forgets it.
#[utoipa::path(delete, path = "/api/v1/nodes/{id}", tag = "nodes", operation_id = "removeNode",
    params(("id" = uuid::Uuid, Path), Write), responses((status = 200, body = Envelope<Nothing>)))]
pub async fn remove(
    State(api): State<Api>,
    caller: Caller,
    Id(node): Id<NodeId>,
    Asked(write): Asked<Write>,
) -> std::result::Result<Response, Problem> {
    match propose(&api, &caller, write, Action::Node(NodeAction::Remove(NodeRef { node }))).await? {
        Carried::Answered(response) => Ok(response),
        Carried::Done(_) => Ok(ok(Nothing {}).into_response()),
    }
}

/// Lets a locked machine back in.
#[utoipa::path(post, path = "/api/v1/nodes/{id}/unlock", tag = "nodes", operation_id = "unlockNode",
    params(("id" = uuid::Uuid, Path), Write), responses((status = 200, body = Envelope<NodeView>)))]
pub async fn unlock(
    State(api): State<Api>,
    caller: Caller,
    Id(node): Id<NodeId>,
    Asked(write): Asked<Write>,
) -> std::result::Result<Response, Problem> {
    match propose(&api, &caller, write, Action::Node(NodeAction::Unlock(NodeRef { node }))).await? {
        Carried::Answered(response) => Ok(response),
        Carried::Done(_) => Ok(ok(show(&api, &caller, node).await?).into_response()),
    }
}

/// The course of a machine in at most so many points. Each says what it stands for: means with the lowest and the
/// highest, from samples of the last day, rows of 5 minutes or rows of an hour, the coarsest that gives the points.
#[utoipa::path(get, path = "/api/v1/nodes/{id}/metrics", tag = "nodes", operation_id = "nodeMetrics",
    params(("id" = uuid::Uuid, Path), Span), responses((status = 200, body = Envelope<Vec<NodeSampleView>>)))]
pub async fn metrics(
    State(api): State<Api>,
    caller: Caller,
    Id(node): Id<NodeId>,
    Asked(span): Asked<Span>,
) -> Result<Vec<NodeSampleView>> {
    let range = span.range(api.control().now())?;
    Ok(ok(of_node(&api.control().node_metrics(&caller.actor, node, range).await?)))
}

/// Lets a machine send metrics every second for a minute.
#[utoipa::path(post, path = "/api/v1/nodes/{id}/watch", tag = "nodes", operation_id = "watchNode",
    params(("id" = uuid::Uuid, Path), Write), responses((status = 200, body = Envelope<Nothing>)))]
pub async fn watch(
    State(api): State<Api>,
    caller: Caller,
    Id(node): Id<NodeId>,
    Asked(write): Asked<Write>,
) -> std::result::Result<Response, Problem> {
    if write.is_dry() {
        api.control().watchable_node(&caller.actor, node).await?;
        let step = "Ask it to send metrics every second for a minute";
        return Ok(ok(PlannedSteps::of(step)).into_response());
    }
    api.control().watch_node(&caller.actor, caller.request, node).await?;
    Ok(ok(Nothing {}).into_response())
}

/// What is in a repository, and how this machine would build it. Nothing is kept.
#[utoipa::path(post, path = "/api/v1/nodes/{id}/inspect", tag = "nodes", operation_id = "inspectRepository",
    params(("id" = uuid::Uuid, Path)), request_body = Inspect,
    responses((status = 200, body = Envelope<InspectionView>)))]
pub async fn inspect(
    State(api): State<Api>,
    caller: Caller,
    Id(node): Id<NodeId>,
    Strict(body): Strict<Inspect>,
) -> Result<InspectionView> {
    let source = GitSource { url: body.repository, reference: body.reference, commit: None };
    let inspection = api.control().inspect(&caller.actor, caller.request, node, source, body.build).await?;
    Ok(ok(inspection.into()))
}

pub(crate) async fn show(api: &Api, caller: &Caller, node: NodeId) -> std::result::Result<NodeView, Problem> {
    let row = api.control().node(&caller.actor, node).await?;
    let latest = api.control().node_latest(&caller.actor, node).await?;
    Ok(NodeView::of(row, latest))
}
