//! Ctrls: categories of templates.

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use sf_actions::Action;
use sf_actions::template::{CreateCtrl, CtrlRef, TemplateAction, UpdateCtrl};
use sf_control::Made;
use sf_types::{CtrlId, Name};
use utoipa::{IntoParams, ToSchema};

use crate::body::{Asked, Id, Strict};
use crate::caller::Caller;
use crate::envelope::{Envelope, Result, created, ok, page};
use crate::fault::Problem;
use crate::route::{Carried, Write, page_request, propose};
use crate::state::Api;
use crate::view::Nothing;
use crate::view::panel::template::CtrlView;

/// Which categories.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ListCtrls {
    /// With this in the name.
    q: Option<String>,
    /// Rows wanted, 1 to 200.
    limit: Option<u16>,
    /// Continue after this cursor.
    after: Option<String>,
}

/// A category of templates.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct WantedCtrl {
    /// Its name, unique within the team.
    #[schema(value_type = String)]
    name: Name,
    /// For people.
    #[serde(default)]
    description: String,
}

type Answered = std::result::Result<Response, Problem>;

/// Categories of templates, newest first.
#[utoipa::path(get, path = "/api/v1/ctrls", tag = "templates", operation_id = "listCtrls", params(ListCtrls),
    responses((status = 200, body = Envelope<Vec<CtrlView>>)))]
pub async fn list(State(api): State<Api>, caller: Caller, Asked(query): Asked<ListCtrls>) -> Result<Vec<CtrlView>> {
    let request = page_request(query.limit, query.after);
    Ok(page(api.control().ctrls(&caller.actor, query.q.as_deref(), &request).await?, CtrlView::from))
}

/// Makes a category.
#[utoipa::path(post, path = "/api/v1/ctrls", tag = "templates", operation_id = "createCtrl", params(Write),
    request_body = WantedCtrl, responses((status = 201, body = Envelope<CtrlView>)))]
pub async fn create(
    State(api): State<Api>,
    caller: Caller,
    Asked(write): Asked<Write>,
    Strict(body): Strict<WantedCtrl>,
) -> Answered {
    let create = CreateCtrl { name: body.name, description: body.description };
    match propose(&api, &caller, write, Action::Template(TemplateAction::CreateCtrl(create))).await? {
        Carried::Answered(response) => Ok(response),
        Carried::Done(Made::Ctrl(ctrl)) => {
            Ok(created(CtrlView::from(api.control().ctrl(&caller.actor, ctrl).await?)).into_response())
        }
        Carried::Done(_) => Ok(created(Nothing {}).into_response()),
    }
}

/// One category.
#[utoipa::path(get, path = "/api/v1/ctrls/{id}", tag = "templates", operation_id = "getCtrl",
    params(("id" = uuid::Uuid, Path)), responses((status = 200, body = Envelope<CtrlView>)))]
pub async fn get(State(api): State<Api>, caller: Caller, Id(ctrl): Id<CtrlId>) -> Result<CtrlView> {
    Ok(ok(api.control().ctrl(&caller.actor, ctrl).await?.into()))
}

/// Gives a category another name and description.
#[utoipa::path(put, path = "/api/v1/ctrls/{id}", tag = "templates", operation_id = "changeCtrl",
    params(("id" = uuid::Uuid, Path), Write), request_body = WantedCtrl,
    responses((status = 200, body = Envelope<CtrlView>)))]
pub async fn change(
    State(api): State<Api>,
    caller: Caller,
    Id(ctrl): Id<CtrlId>,
    Asked(write): Asked<Write>,
    Strict(body): Strict<WantedCtrl>,
) -> Answered {
    let update = UpdateCtrl { ctrl, name: body.name, description: body.description };
    match propose(&api, &caller, write, Action::Template(TemplateAction::UpdateCtrl(update))).await? {
        Carried::Answered(response) => Ok(response),
        Carried::Done(_) => Ok(ok(CtrlView::from(api.control().ctrl(&caller.actor, ctrl).await?)).into_response()),
    }
}

/// Deletes a category without templates.
#[utoipa::path(delete, path = "/api/v1/ctrls/{id}", tag = "templates", operation_id = "deleteCtrl",
    params(("id" = uuid::Uuid, Path), Write), responses((status = 200, body = Envelope<Nothing>)))]
pub async fn delete(
    State(api): State<Api>,
    caller: Caller,
    Id(ctrl): Id<CtrlId>,
    Asked(write): Asked<Write>,
) -> Answered {
    match propose(&api, &caller, write, Action::Template(TemplateAction::DeleteCtrl(CtrlRef { ctrl }))).await? {
        Carried::Answered(response) => Ok(response),
        Carried::Done(_) => Ok(ok(Nothing {}).into_response()),
    }
}
