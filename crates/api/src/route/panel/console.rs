//! A server's console: read back, written to. It is followed over the socket, topic `console:<id>`.

use axum::extract::State;
use axum::response::Response;
use serde::Deserialize;
use sf_actions::Action;
use sf_actions::console::{ConsoleAction, ConsoleCommand};
use sf_protocol::server::ConsoleWanted;
use sf_types::ServerId;
use utoipa::{IntoParams, ToSchema};

use crate::body::{Asked, Id, Strict};
use crate::caller::Caller;
use crate::envelope::{Envelope, Result, ok};
use crate::fault::Problem;
use crate::route::{Write, ordered};
use crate::state::Api;
use crate::view::panel::server::ConsoleView;
use crate::view::run::RunOpened;

/// Lines of one answer unless told otherwise.
const LINES: u16 = 200;

/// Which lines.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct WantedLines {
    /// After the line of this number; the newest ones where absent.
    after: Option<u64>,
    /// At the most, up to 1,000; 200 where absent. An answer may hold fewer: it has to fit a frame.
    lines: Option<u16>,
}

/// What is written to a console.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct NewCommand {
    /// One line, without its end.
    line: String,
    /// How sure whoever proposes it is, 0 to 100.
    #[serde(default)]
    confidence: Option<f64>,
}

/// Lines of a server's console, from its machine.
#[utoipa::path(get, path = "/api/v1/servers/{id}/console", tag = "servers", operation_id = "readConsole",
    params(("id" = uuid::Uuid, Path), WantedLines), responses((status = 200, body = Envelope<ConsoleView>)))]
pub async fn read(
    State(api): State<Api>,
    caller: Caller,
    Id(server): Id<ServerId>,
    Asked(wanted): Asked<WantedLines>,
) -> Result<ConsoleView> {
    let lines = wanted.lines.unwrap_or(LINES).clamp(1, 1_000);
    let wanted = ConsoleWanted { server, after: wanted.after, lines, time: None };
    Ok(ok(api.control().server_console(&caller.actor, caller.request, wanted).await?.into()))
}

/// Writes one line to a server's standard input.
#[utoipa::path(post, path = "/api/v1/servers/{id}/command", tag = "servers", operation_id = "sendCommand",
    params(("id" = uuid::Uuid, Path), Write), request_body = NewCommand,
    responses((status = 202, body = Envelope<RunOpened>)))]
pub async fn command(
    State(api): State<Api>,
    caller: Caller,
    Id(server): Id<ServerId>,
    Asked(write): Asked<Write>,
    Strict(body): Strict<NewCommand>,
) -> std::result::Result<Response, Problem> {
    let action = Action::Console(ConsoleAction::Command(ConsoleCommand { server, line: body.line }));
    ordered(&api, &caller, write, action, body.confidence).await
}
