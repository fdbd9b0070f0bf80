//! What can be asked for: this API, and the vocabulary of actions.

use std::sync::OnceLock;

use axum::response::{IntoResponse, Response};
use http::{HeaderValue, header};
use serde::Serialize;
use sf_actions::{Action, Effect, Place, TargetKind};
use utoipa::ToSchema;

use crate::envelope::{Answer, Envelope, ok};

/// What is fixed about a kind of action.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = ActionSpec)]
pub struct SpecView {
    /// Stable dotted name.
    pub name: String,
    /// What a person reads.
    pub title: String,
    /// One sentence of help.
    pub help: String,
    /// The right it needs.
    pub permission: String,
    /// What it acts on: `tenant`, `project`, `node`, `app`, `run`, `user`, `role` or `token`.
    pub target: String,
    /// `change` or `destroy`.
    pub effect: String,
    /// Base risk, 0 to 100.
    pub risk: u8,
    /// How long the work may take, seconds.
    pub time_limit_secs: u64,
    /// The action that takes it back.
    pub undo: Option<String>,
    /// Who carries it out: `controlPlane` or `node`.
    pub place: String,
    /// JSON Schema of its arguments; ids say by `x-target` what they are ids of. None for what only people propose.
    #[schema(value_type = Option<Object>)]
    pub arguments: Option<serde_json::Value>,
}

/// The description of this API.
#[utoipa::path(get, path = "/api/v1/openapi.json", tag = "system", operation_id = "openapi", security(()),
    responses((status = 200, description = "OpenAPI 3.1", content_type = "application/json")))]
pub async fn openapi() -> Response {
    static DOCUMENT: OnceLock<String> = OnceLock::new();
    let text = DOCUMENT.get_or_init(crate::openapi::json);
    let mut response = text.clone().into_response();
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}

/// Every action there is.
#[utoipa::path(get, path = "/api/v1/actions", tag = "system", operation_id = "listActions",
    responses((status = 200, body = Envelope<Vec<SpecView>>)))]
pub async fn actions(_: crate::caller::Caller) -> Answer<Vec<SpecView>> {
    ok(specs())
}

/// A permission, and what needs it.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Permission)]
pub struct PermissionView {
    /// `app:deploy`.
    pub name: String,
    /// `deploy`.
    pub verb: String,
    /// Titles of the actions that need it.
    pub actions: Vec<String>,
}

/// Permissions that belong together.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = PermissionCategory)]
pub struct CategoryView {
    /// `app`.
    pub name: String,
    /// "Apps".
    pub title: String,
    /// Whether it is one of the ten of the panel.
    pub panel: bool,
    /// The permissions in it.
    pub permissions: Vec<PermissionView>,
}

/// Every permission there is, in groups.
#[utoipa::path(get, path = "/api/v1/permissions", tag = "roles", operation_id = "listPermissions",
    responses((status = 200, body = Envelope<Vec<CategoryView>>)))]
pub async fn permissions(_: crate::caller::Caller) -> Answer<Vec<CategoryView>> {
    ok(categories())
}

/// The permissions as they are shown.
pub fn categories() -> Vec<CategoryView> {
    let view = |permission: sf_actions::Permission| {
        let needing = Action::all_specs().filter(|spec| spec.permission == permission);
        PermissionView {
            name: permission.name().to_owned(),
            verb: permission.verb().to_owned(),
            actions: needing.map(|spec| spec.title.to_owned()).collect(),
        }
    };
    let all = sf_actions::permission::category::ALL.iter().enumerate();
    all.map(|(place, category)| CategoryView {
        name: category.name.to_owned(),
        title: category.title.to_owned(),
        panel: place < sf_actions::permission::category::PANEL,
        permissions: category.permissions().map(view).collect(),
    })
    .collect()
}

/// The vocabulary as it is shown.
pub fn specs() -> Vec<SpecView> {
    let target = |kind| match kind {
        TargetKind::Tenant => "tenant",
        TargetKind::Node => "node",
        TargetKind::App => "app",
        TargetKind::Proxy => "proxy",
        TargetKind::Run => "run",
        TargetKind::User => "user",
        TargetKind::Token => "token",
        TargetKind::Role => "role",
        TargetKind::Project => "project",
        TargetKind::Invitation => "invitation",
        TargetKind::Secret => "secret",
        TargetKind::Team => "team",
        TargetKind::Ctrl => "ctrl",
        TargetKind::Alt => "alt",
        TargetKind::AlertRule => "alertRule",
        TargetKind::Server => "server",
        TargetKind::Workflow => "workflow",
    };
    let view = |spec: &sf_actions::Spec| SpecView {
        name: spec.name.to_owned(),
        title: spec.title.to_owned(),
        help: spec.help.to_owned(),
        permission: spec.permission.name().to_owned(),
        target: target(spec.target).to_owned(),
        effect: if spec.effect == Effect::Destroy { "destroy" } else { "change" }.to_owned(),
        risk: spec.risk,
        time_limit_secs: spec.time_limit.as_secs(),
        undo: spec.undo.map(str::to_owned),
        place: match spec.place {
            Place::Node => "node",
            Place::ControlPlane => "controlPlane",
            Place::Engine => "engine",
        }
        .to_owned(),
        arguments: sf_actions::spec::arguments::of(spec.name).cloned(),
    };
    Action::all_specs().map(view).collect()
}
