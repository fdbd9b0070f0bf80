//! Alts: templates of servers.

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use sf_actions::Action;
use sf_actions::template::{AltRef, CreateAlt, TemplateAction, UpdateAlt};
use sf_control::Made;
use sf_store::alts::AltFilter;
use sf_types::{AltId, CtrlId};
use utoipa::{IntoParams, ToSchema};

use crate::body::{Asked, Id, Strict};
use crate::caller::Caller;
use crate::envelope::{Envelope, Result, created, ok, page};
use crate::fault::Problem;
use crate::route::{Carried, Paged, Write, page_request, propose};
use crate::state::Api;
use crate::view::Nothing;
use crate::view::panel::template::{AltDocumentView, AltVersionView, AltView};

/// Which templates.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ListAlts {
    /// In this category.
    #[param(value_type = Option<uuid::Uuid>)]
    ctrl_id: Option<CtrlId>,
    /// With this in the name.
    q: Option<String>,
    /// Rows wanted, 1 to 200.
    limit: Option<u16>,
    /// Continue after this cursor.
    after: Option<String>,
}

/// Which version of a template.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct WantedVersion {
    /// Its number; the newest where absent.
    version: Option<u32>,
}

/// A new template.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct NewAlt {
    /// In which category.
    #[schema(value_type = uuid::Uuid)]
    ctrl_id: CtrlId,
    /// The template, whole: see `docs/reference/eggs.md`.
    #[schema(value_type = Object)]
    document: serde_json::Value,
    /// The format it was imported from.
    #[serde(default)]
    source: Option<String>,
}

/// A template's next version.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ChangedAlt {
    /// The template as it shall be, whole.
    #[schema(value_type = Object)]
    document: serde_json::Value,
    /// Number of the version this change was made from: where there is a newer one, it is refused.
    #[serde(default)]
    from: Option<u32>,
}

type Answered = std::result::Result<Response, Problem>;

/// Templates, newest first.
#[utoipa::path(get, path = "/api/v1/alts", tag = "templates", operation_id = "listAlts", params(ListAlts),
    responses((status = 200, body = Envelope<Vec<AltView>>)))]
pub async fn list(State(api): State<Api>, caller: Caller, Asked(query): Asked<ListAlts>) -> Result<Vec<AltView>> {
    let filter = AltFilter { ctrl: query.ctrl_id, q: query.q };
    let request = page_request(query.limit, query.after);
    Ok(page(api.control().alts(&caller.actor, &filter, &request).await?, AltView::from))
}

/// Makes a template; servers can be made from it.
#[utoipa::path(post, path = "/api/v1/alts", tag = "templates", operation_id = "createAlt", params(Write),
    request_body = NewAlt, responses((status = 201, body = Envelope<AltDocumentView>)))]
pub async fn create(
    State(api): State<Api>,
    caller: Caller,
    Asked(write): Asked<Write>,
    Strict(body): Strict<NewAlt>,
) -> Answered {
    let create = CreateAlt { ctrl: body.ctrl_id, document: body.document, source: body.source };
    match propose(&api, &caller, write, Action::Template(TemplateAction::CreateAlt(Box::new(create)))).await? {
        Carried::Answered(response) => Ok(response),
        Carried::Done(Made::Alt(alt)) => Ok(created(show(&api, &caller, alt, None).await?).into_response()),
        Carried::Done(_) => Ok(created(Nothing {}).into_response()),
    }
}

/// One template with what its newest version says, or another one.
#[utoipa::path(get, path = "/api/v1/alts/{id}", tag = "templates", operation_id = "getAlt",
    params(("id" = uuid::Uuid, Path), WantedVersion), responses((status = 200, body = Envelope<AltDocumentView>)))]
pub async fn get(
    State(api): State<Api>,
    caller: Caller,
    Id(alt): Id<AltId>,
    Asked(wanted): Asked<WantedVersion>,
) -> Result<AltDocumentView> {
    Ok(ok(show(&api, &caller, alt, wanted.version).await?))
}

/// Versions of a template, newest first.
#[utoipa::path(get, path = "/api/v1/alts/{id}/versions", tag = "templates", operation_id = "listAltVersions",
    params(("id" = uuid::Uuid, Path), Paged), responses((status = 200, body = Envelope<Vec<AltVersionView>>)))]
pub async fn versions(
    State(api): State<Api>,
    caller: Caller,
    Id(alt): Id<AltId>,
    Asked(paged): Asked<Paged>,
) -> Result<Vec<AltVersionView>> {
    let found = api.control().alt_versions(&caller.actor, alt, &paged.into()).await?;
    Ok(page(found, |version| AltVersionView::from(&version)))
}

/// Writes a template's next version; servers stay at theirs until they are moved.
#[utoipa::path(put, path = "/api/v1/alts/{id}", tag = "templates", operation_id = "changeAlt",
    params(("id" = uuid::Uuid, Path), Write), request_body = ChangedAlt,
    responses((status = 200, body = Envelope<AltDocumentView>)))]
pub async fn change(
    State(api): State<Api>,
    caller: Caller,
    Id(alt): Id<AltId>,
    Asked(write): Asked<Write>,
    Strict(body): Strict<ChangedAlt>,
) -> Answered {
    let update = UpdateAlt { alt, document: body.document, from: body.from };
    match propose(&api, &caller, write, Action::Template(TemplateAction::UpdateAlt(Box::new(update)))).await? {
        Carried::Answered(response) => Ok(response),
        Carried::Done(_) => Ok(ok(show(&api, &caller, alt, None).await?).into_response()),
    }
}

/// Deletes a template that no server uses.
#[utoipa::path(delete, path = "/api/v1/alts/{id}", tag = "templates", operation_id = "deleteAlt",
    params(("id" = uuid::Uuid, Path), Write), responses((status = 200, body = Envelope<Nothing>)))]
pub async fn delete(
    State(api): State<Api>,
    caller: Caller,
    Id(alt): Id<AltId>,
    Asked(write): Asked<Write>,
) -> Answered {
    match propose(&api, &caller, write, Action::Template(TemplateAction::DeleteAlt(AltRef { alt }))).await? {
        Carried::Answered(response) => Ok(response),
        Carried::Done(_) => Ok(ok(Nothing {}).into_response()),
    }
}

async fn show(
    api: &Api,
    caller: &Caller,
    alt: AltId,
    version: Option<u32>,
) -> std::result::Result<AltDocumentView, Problem> {
    let (alt, version) = api.control().alt(&caller.actor, alt, version).await?;
    Ok(AltDocumentView::of(alt, version))
}
