//! Schedules: commands that an app's node runs by the clock. Those of servers are in [`crate::route::panel::schedules`].

use axum::extract::State;
use axum::response::Response;
use serde::Deserialize;
use sf_actions::Action;
use sf_actions::schedule::{ScheduleAction, ScheduleRef, SetSchedule};
use sf_protocol::schedule::{ScheduleSettings as Settings, Whose};
use sf_types::AppId;
use utoipa::ToSchema;

use crate::body::{Asked, Id, Named, Strict};
use crate::caller::Caller;
use crate::envelope::{Envelope, Result, ok, page};
use crate::fault::Problem;
use crate::route::{Paged, Write, ordered, page_request};
use crate::state::Api;
use crate::view::app::schedule::{ScheduleRunView, ScheduleSettings, ScheduleView};
use crate::view::run::RunOpened;

/// How a schedule shall be.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct WantedSchedule {
    /// When, what and how, whole.
    #[schema(value_type = ScheduleSettings)]
    pub(crate) settings: Settings,
    /// How sure whoever proposes it is, 0 to 100.
    #[serde(default)]
    pub(crate) confidence: Option<f64>,
}

pub(crate) type Answered = std::result::Result<Response, Problem>;

/// The schedules of an app, by name, with their last runs and next times.
#[utoipa::path(get, path = "/api/v1/apps/{id}/schedules", tag = "schedules", operation_id = "listSchedules",
    params(("id" = uuid::Uuid, Path)), responses((status = 200, body = Envelope<Vec<ScheduleView>>)))]
pub async fn list(State(api): State<Api>, caller: Caller, Id(app): Id<AppId>) -> Result<Vec<ScheduleView>> {
    Ok(ok(api.control().schedules(&caller.actor, Whose::App(app)).await?.into_iter().map(ScheduleView::from).collect()))
}

/// How the last runs of a schedule went, newest first; the last 50 are kept.
#[utoipa::path(get, path = "/api/v1/apps/{id}/schedules/{name}/runs", tag = "schedules",
    operation_id = "listScheduleRuns", params(("id" = uuid::Uuid, Path), ("name" = String, Path), Paged),
    responses((status = 200, body = Envelope<Vec<ScheduleRunView>>)))]
pub async fn runs(
    State(api): State<Api>,
    caller: Caller,
    Named(app, name): Named<AppId>,
    Asked(paged): Asked<Paged>,
) -> Result<Vec<ScheduleRunView>> {
    let request = page_request(paged.limit, paged.after);
    let found = api.control().schedule_runs(&caller.actor, Whose::App(app), &name, &request).await?;
    Ok(page(found, ScheduleRunView::from))
}

/// Has the app's node run a command by the clock, also while the control plane is away; where the app has a schedule of this
/// name, it is changed.
#[utoipa::path(put, path = "/api/v1/apps/{id}/schedules/{name}", tag = "schedules", operation_id = "setSchedule",
    params(("id" = uuid::Uuid, Path), ("name" = String, Path), Write), request_body = WantedSchedule,
    responses((status = 202, body = Envelope<RunOpened>)))]
pub async fn set(
    State(api): State<Api>,
    caller: Caller,
    Named(app, name): Named<AppId>,
    Asked(write): Asked<Write>,
    Strict(body): Strict<WantedSchedule>,
) -> Answered {
    let WantedSchedule { settings, confidence } = body;
    let set = ScheduleAction::Set(Box::new(SetSchedule { whose: Whose::App(app), name, settings }));
    propose(&api, &caller, write, set, confidence).await
}

/// Has the command run no more; a run under way is stopped, and its history is deleted.
#[utoipa::path(delete, path = "/api/v1/apps/{id}/schedules/{name}", tag = "schedules",
    operation_id = "deleteSchedule", params(("id" = uuid::Uuid, Path), ("name" = String, Path), Write),
    responses((status = 202, body = Envelope<RunOpened>)))]
pub async fn delete(
    State(api): State<Api>,
    caller: Caller,
    Named(app, name): Named<AppId>,
    Asked(write): Asked<Write>,
) -> Answered {
    propose(&api, &caller, write, ScheduleAction::Delete(ScheduleRef { whose: Whose::App(app), name }), None).await
}

/// Runs the command once now; refused where it is running already.
#[utoipa::path(post, path = "/api/v1/apps/{id}/schedules/{name}/run", tag = "schedules",
    operation_id = "runSchedule", params(("id" = uuid::Uuid, Path), ("name" = String, Path), Write),
    responses((status = 202, body = Envelope<RunOpened>)))]
pub async fn run(
    State(api): State<Api>,
    caller: Caller,
    Named(app, name): Named<AppId>,
    Asked(write): Asked<Write>,
) -> Answered {
    propose(&api, &caller, write, ScheduleAction::Run(ScheduleRef { whose: Whose::App(app), name }), None).await
}

pub(crate) async fn propose(
    api: &Api,
    caller: &Caller,
    write: Write,
    action: ScheduleAction,
    confidence: Option<f64>,
) -> Answered {
    ordered(api, caller, write, Action::Schedule(action), confidence).await
}
