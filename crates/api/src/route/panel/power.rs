//! Power of servers: start, stop, restart, kill.

use axum::extract::State;
use axum::response::Response;
use serde::Deserialize;
use sf_actions::Action;
use sf_actions::power::{PowerAction, PowerVerb};
use sf_types::ServerId;
use utoipa::ToSchema;

use crate::body::{Asked, Id, Strict};
use crate::caller::Caller;
use crate::envelope::Envelope;
use crate::fault::Problem;
use crate::route::{Write, ordered};
use crate::state::Api;
use crate::view::run::RunOpened;

/// What to do with a server's process.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct WantedPower {
    /// `start`, `stop`, `restart` or `kill`.
    verb: Verb,
    /// How sure whoever proposes it is, 0 to 100.
    #[serde(default)]
    confidence: Option<f64>,
}

/// What can be done to a server's process.
#[derive(Clone, Copy, Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = PowerVerb)]
pub enum Verb {
    /// Start it and wait until it is ready.
    Start,
    /// Stop it by its template's command or signal; the run says which was needed.
    Stop,
    /// Both.
    Restart,
    /// End it at once, also while it is being stopped.
    Kill,
}

/// Starts, stops, restarts or kills a server.
#[utoipa::path(post, path = "/api/v1/servers/{id}/power", tag = "servers", operation_id = "powerServer",
    params(("id" = uuid::Uuid, Path), Write), request_body = WantedPower,
    responses((status = 202, body = Envelope<RunOpened>)))]
pub async fn power(
    State(api): State<Api>,
    caller: Caller,
    Id(server): Id<ServerId>,
    Asked(write): Asked<Write>,
    Strict(body): Strict<WantedPower>,
) -> std::result::Result<Response, Problem> {
    let verb = match body.verb {
        Verb::Start => PowerVerb::Start,
        Verb::Stop => PowerVerb::Stop,
        Verb::Restart => PowerVerb::Restart,
        Verb::Kill => PowerVerb::Kill,
    };
    let action = Action::Power(PowerAction { server, verb });
    ordered(&api, &caller, write, action, body.confidence).await
}
