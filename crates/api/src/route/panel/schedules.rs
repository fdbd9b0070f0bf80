//! Schedules of servers: chains of steps that a server's node does by the clock.

use axum::extract::State;
use sf_actions::schedule::{ScheduleAction, ScheduleRef, SetSchedule};
use sf_protocol::schedule::Whose;
use sf_types::ServerId;

use crate::body::{Asked, Id, Named, Strict};
use crate::caller::Caller;
use crate::envelope::{Envelope, Result, ok, page};
use crate::route::apps::schedules::{Answered, WantedSchedule, propose};
use crate::route::{Paged, Write, page_request};
use crate::state::Api;
use crate::view::app::schedule::{ScheduleRunView, ScheduleView};
use crate::view::run::RunOpened;

/// The schedules of a server, by name, with their last runs and next times.
#[utoipa::path(get, path = "/api/v1/servers/{id}/schedules", tag = "schedules", operation_id = "listServerSchedules",
    params(("id" = uuid::Uuid, Path)), responses((status = 200, body = Envelope<Vec<ScheduleView>>)))]
pub async fn list(State(api): State<Api>, caller: Caller, Id(server): Id<ServerId>) -> Result<Vec<ScheduleView>> {
    let found = api.control().schedules(&caller.actor, Whose::Server(server)).await?;
    Ok(ok(found.into_iter().map(ScheduleView::from).collect()))
}

/// How the last runs of a server's schedule went, newest first; the last 50 are kept.
#[utoipa::path(get, path = "/api/v1/servers/{id}/schedules/{name}/runs", tag = "schedules",
    operation_id = "listServerScheduleRuns", params(("id" = uuid::Uuid, Path), ("name" = String, Path), Paged),
    responses((status = 200, body = Envelope<Vec<ScheduleRunView>>)))]
pub async fn runs(
    State(api): State<Api>,
    caller: Caller,
    Named(server, name): Named<ServerId>,
    Asked(paged): Asked<Paged>,
) -> Result<Vec<ScheduleRunView>> {
    let request = page_request(paged.limit, paged.after);
    let found = api.control().schedule_runs(&caller.actor, Whose::Server(server), &name, &request).await?;
    Ok(page(found, ScheduleRunView::from))
}

/// Has the server's node do steps by the clock, also while the control plane is away; where the server has a schedule of this
/// name, it is changed. Whoever sets it needs the right to each of its steps.
#[utoipa::path(put, path = "/api/v1/servers/{id}/schedules/{name}", tag = "schedules",
    operation_id = "setServerSchedule", params(("id" = uuid::Uuid, Path), ("name" = String, Path), Write),
    request_body = WantedSchedule, responses((status = 202, body = Envelope<RunOpened>)))]
pub async fn set(
    State(api): State<Api>,
    caller: Caller,
    Named(server, name): Named<ServerId>,
    Asked(write): Asked<Write>,
    Strict(body): Strict<WantedSchedule>,
) -> Answered {
    let WantedSchedule { settings, confidence } = body;
    let set = SetSchedule { whose: Whose::Server(server), name, settings };
    propose(&api, &caller, write, ScheduleAction::Set(Box::new(set)), confidence).await
}

/// Has the steps done no more; of a run under way no further step is begun, and its history is deleted.
#[utoipa::path(delete, path = "/api/v1/servers/{id}/schedules/{name}", tag = "schedules",
    operation_id = "deleteServerSchedule", params(("id" = uuid::Uuid, Path), ("name" = String, Path), Write),
    responses((status = 202, body = Envelope<RunOpened>)))]
pub async fn delete(
    State(api): State<Api>,
    caller: Caller,
    Named(server, name): Named<ServerId>,
    Asked(write): Asked<Write>,
) -> Answered {
    let of = ScheduleRef { whose: Whose::Server(server), name };
    propose(&api, &caller, write, ScheduleAction::Delete(of), None).await
}

/// Does the steps once now; refused where they are being done already.
#[utoipa::path(post, path = "/api/v1/servers/{id}/schedules/{name}/run", tag = "schedules",
    operation_id = "runServerSchedule", params(("id" = uuid::Uuid, Path), ("name" = String, Path), Write),
    responses((status = 202, body = Envelope<RunOpened>)))]
pub async fn run(
    State(api): State<Api>,
    caller: Caller,
    Named(server, name): Named<ServerId>,
    Asked(write): Asked<Write>,
) -> Answered {
    let of = ScheduleRef { whose: Whose::Server(server), name };
    propose(&api, &caller, write, ScheduleAction::Run(of), None).await
}
