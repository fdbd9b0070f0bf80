//! Apps: what there is, and what changes their existence and settings.

pub mod deploy_keys;
pub mod domains;
pub mod hooks;
pub mod logs;
pub mod observe;
pub mod patches;
pub mod previews;
pub mod projects;
pub mod schedules;
pub mod secrets;

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use sf_actions::app::{AppAction, AppRef, Create, Settings, Update};
use sf_actions::{Action, Actor};
use sf_control::queries::apps::LogPart;
use sf_control::{Control, Made, Proposal};
use sf_protocol::report::{LogLine, LogSource};
use sf_store::apps::{App, AppFilter};
use sf_types::{AppId, Fault, NodeId, ProjectId, Slug};
use utoipa::{IntoParams, ToSchema};

use super::{Carried, Write, order, page_request, propose};
use crate::body::{Asked, Id, Strict};
use crate::caller::Caller;
use crate::envelope::{Envelope, Result, created, ok, page};
use crate::fault::Problem;
use crate::state::Api;
use crate::view::app::AppView;
use crate::view::run::RunOpened;
use crate::view::{Nothing, settings};

/// Which apps.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ListApps {
    /// On this machine.
    #[param(value_type = Option<uuid::Uuid>)]
    node_id: Option<NodeId>,
    /// In this project.
    #[param(value_type = Option<uuid::Uuid>)]
    project_id: Option<ProjectId>,
    /// With this in the name.
    q: Option<String>,
    /// Previews of branches alone, or none of them; all where absent.
    previews: Option<bool>,
    /// Rows wanted, 1 to 200.
    limit: Option<u16>,
    /// Continue after this cursor.
    after: Option<String>,
}

/// A new app.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct NewApp {
    /// Its name: `a-z`, `0-9` and `-`, beginning with a letter, at most 40 characters.
    #[schema(value_type = String)]
    name: Slug,
    /// The machine it lives on.
    #[schema(value_type = uuid::Uuid)]
    node_id: NodeId,
    /// The project that owns it; the team's first where left out.
    #[serde(default)]
    #[schema(value_type = Option<uuid::Uuid>)]
    project_id: Option<ProjectId>,
    /// How it is made and run.
    #[schema(value_type = settings::Settings)]
    settings: Settings,
}

/// An app's settings as they shall be, whole.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ChangeApp {
    /// How it is made and run from the next deploy on.
    #[schema(value_type = settings::Settings)]
    settings: Settings,
    /// The `settingsTag` this change was made from: where somebody else was faster, it is refused.
    #[serde(default)]
    from: Option<String>,
}

/// Apps, newest first.
#[utoipa::path(get, path = "/api/v1/apps", tag = "apps", operation_id = "listApps", params(ListApps),
    responses((status = 200, body = Envelope<Vec<AppView>>)))]
pub async fn list(State(api): State<Api>, caller: Caller, Asked(query): Asked<ListApps>) -> Result<Vec<AppView>> {
    let ListApps { node_id: node, project_id: project, q, previews, .. } = query;
    let filter = AppFilter { node, project, q, previews };
    let apps = api.control().apps(&caller.actor, &filter, &page_request(query.limit, query.after)).await?;
    let mut views = Vec::with_capacity(apps.items.len());
    for app in apps.items {
        views.push(view(&api, &caller, app).await?);
    }
    Ok(page(sf_types::Page { items: views, next: apps.next }, |view| view))
}

/// Records an app; nothing runs until it is deployed.
#[utoipa::path(post, path = "/api/v1/apps", tag = "apps", operation_id = "createApp", params(Write),
    request_body = NewApp, responses((status = 201, body = Envelope<AppView>)))]
pub async fn create(
    State(api): State<Api>,
    caller: Caller,
    Asked(write): Asked<Write>,
    Strict(body): Strict<NewApp>,
) -> std::result::Result<Response, Problem> {
    let create = Create { name: body.name, node: body.node_id, project: body.project_id, settings: body.settings };
    match propose(&api, &caller, write, Action::App(AppAction::Create(Box::new(create)))).await? {
        Carried::Answered(response) => Ok(response),
        Carried::Done(Made::App(app)) => Ok(created(show(&api, &caller, app).await?).into_response()),
        Carried::Done(_) => Ok(created(Nothing {}).into_response()),
    }
}

/// One app.
#[utoipa::path(get, path = "/api/v1/apps/{id}", tag = "apps", operation_id = "getApp",
    params(("id" = uuid::Uuid, Path)), responses((status = 200, body = Envelope<AppView>)))]
pub async fn get(State(api): State<Api>, caller: Caller, Id(app): Id<AppId>) -> Result<AppView> {
    Ok(ok(show(&api, &caller, app).await?))
}

/// Changes an app's settings; they take effect with the next deploy.
#[utoipa::path(patch, path = "/api/v1/apps/{id}", tag = "apps", operation_id = "changeApp",
    params(("id" = uuid::Uuid, Path), Write), request_body = ChangeApp,
    responses((status = 200, body = Envelope<AppView>)))]
pub async fn change(
    State(api): State<Api>,
    caller: Caller,
    Id(app): Id<AppId>,
    Asked(write): Asked<Write>,
    Strict(body): Strict<ChangeApp>,
) -> std::result::Result<Response, Problem> {
    let update = Update { app, settings: body.settings, from: body.from };
    match propose(&api, &caller, write, Action::App(AppAction::Update(Box::new(update)))).await? {
        Carried::Answered(response) => Ok(response),
        Carried::Done(_) => Ok(ok(show(&api, &caller, app).await?).into_response()),
    }
}

/// Stops an app and deletes its releases and logs on its machine.
#[utoipa::path(delete, path = "/api/v1/apps/{id}", tag = "apps", operation_id = "deleteApp",
    params(("id" = uuid::Uuid, Path), Write), responses((status = 202, body = Envelope<RunOpened>)))]
pub async fn delete(
    State(api): State<Api>,
    caller: Caller,
    Id(app): Id<AppId>,
    Asked(write): Asked<Write>,
) -> std::result::Result<Response, Problem> {
    let dry_run = write.is_dry();
    let action = Action::App(AppAction::Delete(AppRef { app }));
    order(&api, &caller, Proposal { dry_run, ..Proposal::of(action) }).await
}

/// An app as it is shown.
pub(crate) async fn show(api: &Api, caller: &Caller, app: AppId) -> std::result::Result<AppView, Problem> {
    let app = api.control().app(&caller.actor, app).await?;
    view(api, caller, app).await
}

async fn view(api: &Api, caller: &Caller, app: App) -> std::result::Result<AppView, Problem> {
    let live = match app.live_release {
        Some(release) => api.control().release(&caller.actor, release).await.ok(),
        None => None,
    };
    let host = match app.settings.0.traffic.public {
        true => api.control().node(&caller.actor, app.node).await.ok().and_then(|node| Some(node.facts?.0.host)),
        false => None,
    };
    let pending = api.control().secrets_pending(&caller.actor, &app).await?;
    Ok(AppView::of(app, live, host.as_deref(), pending))
}

/// Lines of the live release's log after a number: what a socket has to catch up with.
pub(crate) async fn newest_log(
    control: &Control,
    actor: &Actor,
    app: AppId,
    after: u64,
) -> std::result::Result<Option<(LogSource, Vec<LogLine>)>, Fault> {
    let found = control.app_log(actor, app, None, &LogPart::After(after)).await;
    observe::or_empty(found).map(|page| page.source.map(|source| (source, page.lines)))
}
