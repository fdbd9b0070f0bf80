//! `/api/client`: the few reads and writes that client apps of Pterodactyl and Pelican begin with, in their shapes. What they show and
//! do is what our own routes show and do, under the same rights.
//!
//! Off unless `api.pterodactyl_clients` is set: it is a second way in, in shapes that are not ours to change.

pub mod shape;

use std::time::Duration;

use axum::Json;
use axum::extract::{Path, Query, State};
use axum::response::{IntoResponse, Response};
use http::{HeaderMap, StatusCode, header};
use serde::Deserialize;
use serde_json::{Value, json};
use sf_actions::console::{ConsoleAction, ConsoleCommand};
use sf_actions::power::{PowerAction, PowerVerb};
use sf_actions::{Action, Admission};
use sf_bus::{Delivery, Topic};
use sf_control::{Proposal, Proposed, events};
use sf_protocol::server::ServerSample;
use sf_store::allocations::Allocation;
use sf_store::servers::{Server, ServerFilter, State as Power};
use sf_types::{Cursor, ErrorKind, Fault, PageRequest, ServerId};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::body::Strict;
use crate::caller::Caller;
use crate::fault::Problem;
use crate::state::Api;
use crate::ws::wings;

/// Servers of one answer at the most.
const MAX_PAGE: usize = 100;
/// Servers of one answer unless told otherwise; that of Pterodactyl.
const PAGE: usize = 50;
/// Servers that are listed at all.
const MAX_LISTED: usize = 2_000;
/// How long a machine is waited for, which sends a sample each second.
const SAMPLE_WITHIN: Duration = Duration::from_secs(5);
/// Rows of one read.
const ROWS: u16 = 200;

type Answered = std::result::Result<Response, Refused>;

/// A failure in their shape.
#[derive(Debug)]
pub struct Refused(Problem);

impl<T: Into<Problem>> From<T> for Refused {
    fn from(problem: T) -> Self {
        Self(problem.into())
    }
}

impl IntoResponse for Refused {
    fn into_response(self) -> Response {
        let status = crate::fault::status(self.0.fault().kind);
        let fault = self.0.fault();
        let detail = fault.to_string();
        let error = json!({ "code": fault.code, "status": status.as_u16().to_string(), "detail": detail });
        (status, Json(json!({ "errors": [error] }))).into_response()
    }
}

/// Refuses everything here where it is turned off, as if it were not there.
pub(crate) fn is_on(api: &Api) -> std::result::Result<(), Problem> {
    if api.options().pterodactyl_clients {
        return Ok(());
    }
    let fault = Fault::new(ErrorKind::NotFound, "route.not_found", "Clients of Pterodactyl are turned off here.");
    Err(fault.fix("Set `api.pterodactyl_clients = true` in serverflow.toml.").into())
}

/// All of them.
pub(crate) fn routes() -> OpenApiRouter<Api> {
    OpenApiRouter::new()
        .routes(routes!(list))
        .routes(routes!(account))
        .routes(routes!(get))
        .routes(routes!(websocket))
        .routes(routes!(resources))
        .routes(routes!(power))
        .routes(routes!(command))
        .routes(routes!(wings::open))
}

/// Which page. What else their clients ask is left alone.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct Listed {
    /// From 1.
    page: Option<usize>,
    /// Up to 100; 50 where absent.
    per_page: Option<usize>,
    /// With this in the name.
    #[serde(rename = "filter[name]")]
    name: Option<String>,
}

/// Whether it is only tried.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(rename_all = "camelCase")]
#[into_params(parameter_in = Query)]
pub struct Tried {
    /// Only say whether it would be done.
    dry_run: Option<bool>,
}

/// What is done with the server's process.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ClientSignal {
    /// `start`, `stop`, `restart` or `kill`.
    signal: String,
}

/// What is written to the server's console.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ClientCommand {
    /// One line.
    command: String,
}

/// The servers that whoever asks may see.
#[utoipa::path(get, path = "/api/client", tag = "clients", operation_id = "clientServers", params(Listed),
    responses((status = 200, description = "A list in the shape of Pterodactyl")))]
pub async fn list(State(api): State<Api>, caller: Caller, Query(listed): Query<Listed>) -> Answered {
    is_on(&api)?;
    let control = api.control();
    let filter = ServerFilter { q: listed.name.filter(|name| !name.is_empty()), ..ServerFilter::default() };
    let (mut rows, mut after) = (Vec::new(), None::<Cursor>);
    loop {
        let page = control.servers(&caller.actor, &filter, &PageRequest { limit: Some(ROWS), after }).await?;
        rows.extend(page.items);
        after = page.next;
        if after.is_none() || rows.len() >= MAX_LISTED {
            break;
        }
    }
    let each = listed.per_page.unwrap_or(PAGE).clamp(1, MAX_PAGE);
    let (number, total) = (listed.page.unwrap_or(1).max(1), rows.len());
    let shown: Vec<_> = rows.into_iter().skip((number - 1).saturating_mul(each)).take(each).collect();
    let mut data = Vec::new();
    for (row, ports) in control.with_ports(&caller.actor, shown).await? {
        data.push(object(&api, &caller, &row, &ports).await?);
    }
    let pages = total.div_ceil(each).max(1);
    let pagination = json!({
        "total": total, "count": data.len(), "per_page": each, "current_page": number, "total_pages": pages, "links": {},
    });
    Ok(Json(json!({ "object": "list", "data": data, "meta": { "pagination": pagination } })).into_response())
}

/// Who asks.
#[utoipa::path(get, path = "/api/client/account", tag = "clients", operation_id = "clientAccount",
    responses((status = 200, description = "A user in the shape of Pterodactyl")))]
pub async fn account(State(api): State<Api>, caller: Caller) -> Answered {
    is_on(&api)?;
    let (user, _) = api.control().me(&caller.actor).await?;
    let (first, last) = user.name.split_once(' ').unwrap_or((&user.name, ""));
    let attributes = json!({
        "id": 0, "uuid": user.id, "admin": false, "username": user.email, "email": user.email,
        "first_name": first, "last_name": last, "language": "en",
    });
    Ok(Json(json!({ "object": "user", "attributes": attributes })).into_response())
}

/// One server, and what whoever asks may do there.
#[utoipa::path(get, path = "/api/client/servers/{id}", tag = "clients", operation_id = "clientServer",
    params(("id" = uuid::Uuid, Path)), responses((status = 200, description = "A server in the shape of Pterodactyl")))]
pub async fn get(State(api): State<Api>, caller: Caller, Path(id): Path<String>) -> Answered {
    let (row, ports) = found(&api, &caller, &id).await?;
    let mut shown = object(&api, &caller, &row, &ports).await?;
    let is_owner = caller.actor.user() == Some(row.owner);
    let words = api.control().words_at(&caller.actor, &row);
    shown["meta"] = json!({ "is_server_owner": is_owner, "user_permissions": words });
    Ok(Json(shown).into_response())
}

/// A token for the server's console, good for 10 minutes and for nothing else, and where it is shown.
#[utoipa::path(get, path = "/api/client/servers/{id}/websocket", tag = "clients", operation_id = "clientWebsocket",
    params(("id" = uuid::Uuid, Path)), responses((status = 200, description = "`{data: {token, socket}}`")))]
pub async fn websocket(State(api): State<Api>, caller: Caller, Path(id): Path<String>, headers: HeaderMap) -> Answered {
    let (row, _) = found(&api, &caller, &id).await?;
    let token = api.control().console_token(&caller.actor, row.id).await?;
    // Under the name by which it was asked, which the layer of host names has judged.
    let host = headers.get(header::HOST).and_then(|host| host.to_str().ok()).unwrap_or_default();
    let scheme = if api.options().https { "wss" } else { "ws" };
    let socket = format!("{scheme}://{host}/api/servers/{}/ws", row.id);
    Ok(Json(json!({ "data": { "token": token.expose(), "socket": socket } })).into_response())
}

/// What the server takes right now, in its machine's words.
#[utoipa::path(get, path = "/api/client/servers/{id}/resources", tag = "clients", operation_id = "clientResources",
    params(("id" = uuid::Uuid, Path)), responses((status = 200, description = "Stats in the shape of Pterodactyl")))]
pub async fn resources(State(api): State<Api>, caller: Caller, Path(id): Path<String>) -> Answered {
    let (row, _) = found(&api, &caller, &id).await?;
    api.control().may_see_console(&caller.actor, row.id).await?;
    let runs = matches!(row.state, Power::Starting | Power::Running | Power::Stopping);
    let sample = if runs { Some(sample(&api, &caller, row.id).await?) } else { None };
    let disk = row.report.as_ref().map_or(0, |report| report.0.disk_bytes);
    let resources = json!({
        "memory_bytes": sample.map_or(0, |one| one.memory),
        // Percent of one core.
        "cpu_absolute": sample.map_or(0.0, |one| f64::from(one.cpu_permille) / 10.0),
        "disk_bytes": sample.map_or(disk, |one| one.disk),
        "network_rx_bytes": sample.and_then(|one| one.net_received).unwrap_or(0),
        "network_tx_bytes": sample.and_then(|one| one.net_sent).unwrap_or(0),
        "uptime": sample.map_or(0, |one| one.uptime_ms),
    });
    let attributes = json!({
        "current_state": wings::telling::word(row.state), "is_suspended": row.suspended, "resources": resources,
    });
    Ok(Json(json!({ "object": "stats", "attributes": attributes })).into_response())
}

/// The next sample of a server that runs: its machine sends them while somebody watches.
async fn sample(api: &Api, caller: &Caller, server: ServerId) -> std::result::Result<ServerSample, Refused> {
    let control = api.control();
    let mut heard = control.bus().subscribe(caller.actor.scope(), [Topic::Server(server)]).map_err(Fault::from)?;
    let _watching = control.watch_console(&caller.actor, server).await?;
    let next = async {
        loop {
            match heard.next().await? {
                Delivery::Event(event) if event.name.as_ref() == events::CONSOLE_OUTPUT => {
                    if let Some(sample) = wings::telling::sample_of(&event.data) {
                        return Some(sample);
                    }
                }
                Delivery::Event(_) | Delivery::Lagged(_) => {}
            }
        }
    };
    let silent = || Fault::new(ErrorKind::Timeout, "server.silent", "Its machine does not say what it takes.");
    Ok(tokio::time::timeout(SAMPLE_WITHIN, next).await.ok().flatten().ok_or_else(silent)?)
}

/// Starts, stops, restarts or kills the server.
#[utoipa::path(post, path = "/api/client/servers/{id}/power", tag = "clients", operation_id = "clientPower",
    params(("id" = uuid::Uuid, Path), Tried), request_body = ClientSignal,
    responses((status = 204, description = "Ordered"), (status = 202, description = "Waits for a person")))]
pub async fn power(
    State(api): State<Api>,
    caller: Caller,
    Path(id): Path<String>,
    Query(tried): Query<Tried>,
    Strict(body): Strict<ClientSignal>,
) -> Answered {
    let (row, _) = found(&api, &caller, &id).await?;
    let verb = match body.signal.as_str() {
        "start" => PowerVerb::Start,
        "stop" => PowerVerb::Stop,
        "restart" => PowerVerb::Restart,
        "kill" => PowerVerb::Kill,
        _ => return Err(Problem::invalid("value.refused", "`signal` is start, stop, restart or kill.").into()),
    };
    propose(&api, &caller, &tried, Action::Power(PowerAction { server: row.id, verb })).await
}

/// Writes a line to the server's console.
#[utoipa::path(post, path = "/api/client/servers/{id}/command", tag = "clients", operation_id = "clientCommand",
    params(("id" = uuid::Uuid, Path), Tried), request_body = ClientCommand,
    responses((status = 204, description = "Ordered"), (status = 202, description = "Waits for a person"),
        (status = 503, description = "The server does not run")))]
pub async fn command(
    State(api): State<Api>,
    caller: Caller,
    Path(id): Path<String>,
    Query(tried): Query<Tried>,
    Strict(body): Strict<ClientCommand>,
) -> Answered {
    let (row, _) = found(&api, &caller, &id).await?;
    let action = Action::Console(ConsoleAction::Command(ConsoleCommand { server: row.id, line: body.command }));
    // First whether it may be: what does not run is told to nobody who may not know.
    let may = Tried { dry_run: Some(true) };
    propose(&api, &caller, &may, action.clone()).await?;
    if wings::telling::word(row.state) == "offline" {
        let fault = Fault::new(ErrorKind::Unavailable, "server.not_running", "The server does not run.");
        return Err(fault.fix("Start it first.").into());
    }
    propose(&api, &caller, &tried, action).await
}

async fn propose(api: &Api, caller: &Caller, tried: &Tried, action: Action) -> Answered {
    let proposal = Proposal { dry_run: tried.dry_run.unwrap_or(false), ..Proposal::of(action) };
    match api.control().propose(&caller.actor, caller.request, proposal).await? {
        Proposed::Open(run) if run.decision.admission == Admission::Ask => {
            let attributes = json!({ "run": run.id, "because": run.decision.because });
            let held: Value = json!({ "object": "held_run", "attributes": attributes });
            Ok((StatusCode::ACCEPTED, Json(held)).into_response())
        }
        _ => Ok(StatusCode::NO_CONTENT.into_response()),
    }
}

/// The server of a path, where it is to be seen.
async fn found(api: &Api, caller: &Caller, id: &str) -> std::result::Result<(Server, Vec<Allocation>), Refused> {
    is_on(api)?;
    let missing = || Fault::new(ErrorKind::NotFound, "server.not_found", "There is no such server.");
    let id: ServerId = id.parse().map_err(|_| missing())?;
    Ok(api.control().server(&caller.actor, id).await?)
}

async fn object(api: &Api, caller: &Caller, row: &Server, ports: &[Allocation]) -> std::result::Result<Value, Refused> {
    let node = api.control().node_name(row.node).await?;
    Ok(shape::server(row, ports, &node, caller.actor.user() == Some(row.owner)))
}
