//! `/api/v1/ws`: what happens, as it happens. Resumable by number, bounded for slow readers.
//!
//! Start reading at [`message`] (what is said), then [`topic`] (who may follow what), then [`socket`] (one
//! connection). [`wings`] is another socket, for clients that were not written for us.

pub mod end;
pub mod message;
pub mod socket;
pub mod topic;
pub mod wings;

use axum::extract::{FromRequestParts, Request, State, WebSocketUpgrade};
use axum::response::{IntoResponse, Response};
use http::{HeaderMap, header};
use sf_identity::Audience;
use sf_runtime::OnError;
use sf_types::{ErrorKind, Fault};

use crate::caller;
use crate::fault::Problem;
use crate::layer::origin;
use crate::state::Api;

/// Bytes of a message from a client at the most: 64 KiB.
pub const MAX_MESSAGE_BYTES: usize = 64 * 1024;
/// The protocol a browser names beside the one that holds its token.
pub const PROTOCOL: &str = "serverflow.v1";
/// Prefix of the protocol that holds a token: a browser cannot set a header on a socket.
pub const BEARER_PROTOCOL: &str = "serverflow.bearer.";

/// What a token may be made for to open a socket: a program may use the one it calls the API with.
pub(crate) const AUDIENCES: &[Audience] = &[Audience::Ws, Audience::Api];

/// Opens a socket. The token is the `Authorization` header's, or a subprotocol `serverflow.bearer.<token>` next to
/// `serverflow.v1`.
#[utoipa::path(get, path = "/api/v1/ws", tag = "events", operation_id = "events",
    responses((status = 101, description = "Messages as described in docs/reference/api.md"),
        (status = 401, description = "No or no valid token"), (status = 429, description = "Too many sockets")))]
pub(crate) async fn open(State(api): State<Api>, request: Request) -> Response {
    match accept(&api, request).await {
        Ok(response) => response,
        Err(problem) => problem.into_response(),
    }
}

async fn accept(api: &Api, request: Request) -> Result<Response, Problem> {
    if !origin::may_open_socket(api, request.headers()) {
        let fault = Fault::new(ErrorKind::Forbidden, "events.origin", "A page of another site may not listen here.");
        return Err(fault.fix("Open the dashboard under its own name.").into());
    }
    let (mut parts, _) = request.into_parts();
    let (token, protocol) = credential(&parts.headers).ok_or_else(caller::missing)?;
    let from = parts.extensions.get().copied();
    let known = caller::authenticate(api, &token, AUDIENCES, from).await?;
    let place = known.actor.user().map(|user| api.places().take(user).ok_or_else(|| too_many(api))).transpose()?;
    let upgrade = WebSocketUpgrade::from_request_parts(&mut parts, api).await.map_err(|rejection| {
        Problem::invalid("events.upgrade", format!("This address speaks WebSocket only: {}.", rejection.body_text()))
    })?;
    let upgrade = upgrade.max_message_size(MAX_MESSAGE_BYTES).max_frame_size(MAX_MESSAGE_BYTES);
    let upgrade = match protocol {
        Some(protocol) => upgrade.protocols([PROTOCOL.to_owned(), protocol]),
        None => upgrade.protocols([PROTOCOL]),
    };
    let api = api.clone();
    let current = crate::request::current();
    Ok(upgrade.on_upgrade(move |stream| async move {
        let tasks = api.options().tasks.clone();
        let work = socket::Socket::new(api, known, token, stream).serve(place, tasks.shutdown());
        tasks.spawn("event socket", OnError::Log, async move {
            crate::request::within(current, work).await;
            Ok::<(), Fault>(())
        });
    }))
}

fn too_many(api: &Api) -> Problem {
    let message =
        format!("{} event sockets are open for you, and no more are allowed.", api.options().sockets_per_principal);
    let fault = Fault::new(ErrorKind::RateLimited, "events.sockets", message);
    fault.fix("Close other windows or programs.").into()
}

/// The token, and the protocol that held it.
fn credential(headers: &HeaderMap) -> Option<(String, Option<String>)> {
    if let Some(token) = caller::bearer(headers) {
        return Some((token.to_owned(), None));
    }
    let offered = headers.get_all(header::SEC_WEBSOCKET_PROTOCOL).into_iter();
    let mut protocols = offered.filter_map(|value| value.to_str().ok()).flat_map(|text| text.split(',')).map(str::trim);
    let protocol = protocols.find(|text| text.starts_with(BEARER_PROTOCOL))?;
    Some((protocol[BEARER_PROTOCOL.len()..].to_owned(), Some(protocol.to_owned())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_browser_puts_its_token_into_a_protocol() {
        let mut headers = HeaderMap::new();
        headers.insert(header::SEC_WEBSOCKET_PROTOCOL, "serverflow.v1, serverflow.bearer.abc.d-e_f".parse().unwrap());
        let (token, protocol) = credential(&headers).unwrap();
        assert_eq!((token.as_str(), protocol.as_deref()), ("abc.d-e_f", Some("serverflow.bearer.abc.d-e_f")));
        assert_eq!(credential(&HeaderMap::new()), None);
    }
}
