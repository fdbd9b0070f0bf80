//! `/api/servers/{id}/ws`: the console of one server, spoken as clients of Pterodactyl and Pelican know it from Wings.
//!
//! It maps onto what is there: the console's lines and samples, the server's state, and proposals of power and input. Start reading
//! at [`frame`] (what is said), then [`session`] (one connection) and [`telling`];
//! [`pace`] says how often what may be asked.

pub mod frame;
pub mod pace;
pub mod session;
pub mod telling;

use std::net::IpAddr;

use axum::extract::{FromRequestParts, Path, Request, State, WebSocketUpgrade};
use axum::response::{IntoResponse, Response};
use sf_runtime::OnError;
use sf_runtime::places::network;
use sf_types::{ErrorKind, Fault, ServerId};

use crate::fault::Problem;
use crate::layer::address::From;
use crate::layer::origin;
use crate::state::Api;

/// Bytes of a message from a client at the most: 8 KiB, a token and room.
pub const MAX_MESSAGE_BYTES: usize = 8 * 1024;
/// Sockets of one network that have not said yet who they are.
pub const MAX_UNKNOWN: usize = 10;

/// Opens the socket; its first frame has to be `auth`.
#[utoipa::path(get, path = "/api/servers/{id}/ws", tag = "clients", operation_id = "clientSocket",
    params(("id" = uuid::Uuid, Path)),
    responses((status = 101, description = "Frames as described in docs/guides/pterodactyl-clients.md"),
        (status = 404, description = "Turned off, or no such server"), (status = 429, description = "Too many sockets")))]
pub(crate) async fn open(State(api): State<Api>, Path(server): Path<String>, request: Request) -> Response {
    match accept(&api, &server, request).await {
        Ok(response) => response,
        Err(problem) => problem.into_response(),
    }
}

async fn accept(api: &Api, server: &str, request: Request) -> Result<Response, Problem> {
    crate::route::panel::clients::is_on(api)?;
    if !origin::may_open_socket(api, request.headers()) {
        let fault = Fault::new(ErrorKind::Forbidden, "events.origin", "A page of another site may not listen here.");
        return Err(fault.fix("List its origin in `api.cors_origins`.").into());
    }
    let server: ServerId =
        server.parse().map_err(|_| Fault::new(ErrorKind::NotFound, "server.not_found", "There is no such server."))?;
    let (mut parts, _) = request.into_parts();
    let address: Option<IpAddr> = parts.extensions.get::<From>().map(|from| from.0);
    let unknown = address.map(|ip| api.unknown().take(network(ip)).ok_or_else(too_many)).transpose()?;
    let upgrade = WebSocketUpgrade::from_request_parts(&mut parts, api).await.map_err(|rejection| {
        Problem::invalid("events.upgrade", format!("This address speaks WebSocket only: {}.", rejection.body_text()))
    })?;
    let upgrade = upgrade.max_message_size(MAX_MESSAGE_BYTES).max_frame_size(MAX_MESSAGE_BYTES);
    let api = api.clone();
    let current = crate::request::current();
    Ok(upgrade.on_upgrade(move |stream| async move {
        let tasks = api.options().tasks.clone();
        let work = session::Session::new(api, server, address, stream).serve(unknown, tasks.shutdown());
        tasks.spawn("client socket", OnError::Log, async move {
            crate::request::within(current, work).await;
            Ok::<(), Fault>(())
        });
    }))
}

fn too_many() -> Problem {
    let message = format!("{MAX_UNKNOWN} sockets from here have not said yet who they are.");
    let fault = Fault::new(ErrorKind::RateLimited, "events.sockets", message);
    fault.fix("Send the frame `auth` first, or close them.").into()
}
