//! Who was given what at one server.

use axum::extract::State;
use sf_types::ServerId;

use crate::body::Id;
use crate::caller::Caller;
use crate::envelope::{Envelope, Result, ok};
use crate::state::Api;
use crate::view::panel::server::ServerPersonView;

/// The people who were given rights at this server itself, by name, and which. Rights of the team or the project that reach it are
/// not among them.
#[utoipa::path(get, path = "/api/v1/servers/{id}/users", tag = "servers", operation_id = "listServerUsers",
    params(("id" = uuid::Uuid, Path)), responses((status = 200, body = Envelope<Vec<ServerPersonView>>)))]
pub async fn list(State(api): State<Api>, caller: Caller, Id(server): Id<ServerId>) -> Result<Vec<ServerPersonView>> {
    let people = api.control().people_of_server(&caller.actor, server).await?;
    Ok(ok(people.into_iter().map(ServerPersonView::from).collect()))
}
