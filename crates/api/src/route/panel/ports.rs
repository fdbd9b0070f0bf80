//! Ports of machines, and whose they are.

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use sf_actions::Action;
use sf_actions::allocation::{AllocationAction, AssignAllocation, CreateAllocations, DeleteAllocation, OfServer};
use sf_store::allocations::AllocationFilter;
use sf_types::{AllocationId, NodeId, ServerId};
use utoipa::{IntoParams, ToSchema};

use super::servers::show;
use crate::body::{Asked, Id, Ids, Strict};
use crate::caller::Caller;
use crate::envelope::{Envelope, Result, ok, page};
use crate::fault::Problem;
use crate::route::{Carried, Write, page_request, propose};
use crate::state::Api;
use crate::view::Nothing;
use crate::view::panel::server::{AllocationView, ServerView};

/// Which ports of a machine.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ListAllocations {
    /// Those of servers alone, or free ones; all where absent.
    taken: Option<bool>,
    /// With this in address, alias or port.
    q: Option<String>,
    /// Rows wanted, 1 to 200.
    limit: Option<u16>,
    /// Continue after this cursor.
    after: Option<String>,
}

/// New ports of a machine.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct NewAllocations {
    /// Address of the machine; `0.0.0.0` where left out.
    #[serde(default)]
    ip: Option<String>,
    /// Ports and ranges: `25565, 25570-25580`.
    ports: String,
    /// What people connect to in place of the address.
    #[serde(default)]
    alias: Option<String>,
}

/// One more port of a server.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct WantedAllocation {
    /// Which; the lowest free one of its machine where left out.
    #[serde(default)]
    #[schema(value_type = Option<uuid::Uuid>)]
    allocation_id: Option<AllocationId>,
}

type Answered = std::result::Result<Response, Problem>;

/// Ports of a machine that servers can be given, newest first.
#[utoipa::path(get, path = "/api/v1/nodes/{id}/allocations", tag = "network", operation_id = "listAllocations",
    params(("id" = uuid::Uuid, Path), ListAllocations), responses((status = 200, body = Envelope<Vec<AllocationView>>)))]
pub async fn list(
    State(api): State<Api>,
    caller: Caller,
    Id(node): Id<NodeId>,
    Asked(query): Asked<ListAllocations>,
) -> Result<Vec<AllocationView>> {
    let filter = AllocationFilter { taken: query.taken, q: query.q, ..AllocationFilter::default() };
    let request = page_request(query.limit, query.after);
    Ok(page(api.control().allocations(&caller.actor, node, &filter, &request).await?, AllocationView::from))
}

/// Adds ports to a machine; those it has stay as they are.
#[utoipa::path(post, path = "/api/v1/nodes/{id}/allocations", tag = "network", operation_id = "createAllocations",
    params(("id" = uuid::Uuid, Path), Write), request_body = NewAllocations,
    responses((status = 200, body = Envelope<Nothing>)))]
pub async fn create(
    State(api): State<Api>,
    caller: Caller,
    Id(node): Id<NodeId>,
    Asked(write): Asked<Write>,
    Strict(body): Strict<NewAllocations>,
) -> Answered {
    let ip = body.ip.unwrap_or_else(|| "0.0.0.0".to_owned());
    let create = CreateAllocations { node, ip, ports: body.ports, alias: body.alias };
    plain(&api, &caller, write, AllocationAction::Create(create)).await
}

/// Removes a free port from a machine.
#[utoipa::path(delete, path = "/api/v1/nodes/{id}/allocations/{allocation}", tag = "network",
    operation_id = "deleteAllocation", params(("id" = uuid::Uuid, Path), ("allocation" = uuid::Uuid, Path), Write),
    responses((status = 200, body = Envelope<Nothing>)))]
pub async fn delete(
    State(api): State<Api>,
    caller: Caller,
    Ids(node, allocation): Ids<NodeId, AllocationId>,
    Asked(write): Asked<Write>,
) -> Answered {
    plain(&api, &caller, write, AllocationAction::Delete(DeleteAllocation { node, allocation })).await
}

/// Gives a server another port of its own, from its next start on.
#[utoipa::path(post, path = "/api/v1/servers/{id}/allocations", tag = "network", operation_id = "assignAllocation",
    params(("id" = uuid::Uuid, Path), Write), request_body = WantedAllocation,
    responses((status = 200, body = Envelope<ServerView>)))]
pub async fn assign(
    State(api): State<Api>,
    caller: Caller,
    Id(server): Id<ServerId>,
    Asked(write): Asked<Write>,
    Strict(body): Strict<WantedAllocation>,
) -> Answered {
    let assign = AssignAllocation { server, allocation: body.allocation_id };
    of_server(&api, &caller, write, server, AllocationAction::Assign(assign)).await
}

/// Takes a port from a server, from its next start on.
#[utoipa::path(delete, path = "/api/v1/servers/{id}/allocations/{allocation}", tag = "network",
    operation_id = "unassignAllocation", params(("id" = uuid::Uuid, Path), ("allocation" = uuid::Uuid, Path), Write),
    responses((status = 200, body = Envelope<ServerView>)))]
pub async fn unassign(
    State(api): State<Api>,
    caller: Caller,
    Ids(server, allocation): Ids<ServerId, AllocationId>,
    Asked(write): Asked<Write>,
) -> Answered {
    let action = AllocationAction::Unassign(OfServer { server, allocation });
    of_server(&api, &caller, write, server, action).await
}

/// Makes a port a server's first one, from its next start on.
#[utoipa::path(post, path = "/api/v1/servers/{id}/allocations/{allocation}/default", tag = "network",
    operation_id = "defaultAllocation", params(("id" = uuid::Uuid, Path), ("allocation" = uuid::Uuid, Path), Write),
    responses((status = 200, body = Envelope<ServerView>)))]
pub async fn make_default(
    State(api): State<Api>,
    caller: Caller,
    Ids(server, allocation): Ids<ServerId, AllocationId>,
    Asked(write): Asked<Write>,
) -> Answered {
    let action = AllocationAction::Default(OfServer { server, allocation });
    of_server(&api, &caller, write, server, action).await
}

async fn plain(api: &Api, caller: &Caller, write: Write, action: AllocationAction) -> Answered {
    match propose(api, caller, write, Action::Allocation(action)).await? {
        Carried::Answered(response) => Ok(response),
        Carried::Done(_) => Ok(ok(Nothing {}).into_response()),
    }
}

async fn of_server(api: &Api, caller: &Caller, write: Write, server: ServerId, action: AllocationAction) -> Answered {
    match propose(api, caller, write, Action::Allocation(action)).await? {
        Carried::Answered(response) => Ok(response),
        Carried::Done(_) => Ok(ok(show(api, caller, server).await?).into_response()),
    }
}
