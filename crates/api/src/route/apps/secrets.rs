//! Secrets: named values that apps can be given and nobody can read.

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Deserializer};
use sf_actions::Action;
use sf_actions::secret::{CreateSecret, SecretAction, SecretRef, UpdateSecret};
use sf_control::{Made, Proposal};
use sf_store::secrets::SecretFilter;
use sf_types::{ProjectId, Secret, SecretId, SecretName};
use utoipa::{IntoParams, ToSchema};

use crate::body::{Asked, Id, Strict};
use crate::caller::Caller;
use crate::envelope::{Envelope, Result, created, ok, page};
use crate::fault::Problem;
use crate::route::{Carried, Write, carry, page_request, propose};
use crate::state::Api;
use crate::view::Nothing;
use crate::view::secret::SecretView;
use crate::view::settings::Environment;

/// Which secrets.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ListSecrets {
    /// Of this project.
    #[param(value_type = Option<uuid::Uuid>)]
    project: Option<ProjectId>,
    /// With this in the name.
    q: Option<String>,
    /// Rows wanted, 1 to 200.
    limit: Option<u16>,
    /// Continue after this cursor.
    after: Option<String>,
}

/// A new secret.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct NewSecret {
    /// The project that owns it; the first one where absent.
    #[serde(default)]
    #[schema(value_type = Option<uuid::Uuid>)]
    project: Option<ProjectId>,
    /// Letters, digits, `_`, `-` and `.`, beginning with a letter, at most 100 characters.
    #[schema(value_type = String)]
    name: SecretName,
    /// 1 byte to 8 KiB, no NUL. It can be changed and never be read again.
    #[serde(deserialize_with = "value")]
    #[schema(value_type = String, format = Password)]
    value: Secret<String>,
    /// What it is for, at most 500 characters.
    #[serde(default)]
    description: String,
    /// Whose processes may be given it; production's where absent.
    #[serde(default)]
    #[schema(value_type = Option<Environment>)]
    environment: sf_actions::Environment,
}

/// What changes of a secret.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ChangeSecret {
    /// A new value, which is a new version.
    #[serde(default, deserialize_with = "maybe_value")]
    #[schema(value_type = Option<String>, format = Password)]
    value: Option<Secret<String>>,
    /// Another description.
    #[serde(default)]
    description: Option<String>,
    /// Whose processes may be given it from now on.
    #[serde(default)]
    #[schema(value_type = Option<Environment>)]
    environment: Option<sf_actions::Environment>,
}

/// Secrets, newest first; never their values.
#[utoipa::path(get, path = "/api/v1/secrets", tag = "secrets", operation_id = "listSecrets", params(ListSecrets),
    responses((status = 200, body = Envelope<Vec<SecretView>>)))]
pub async fn list(State(api): State<Api>, caller: Caller, Asked(query): Asked<ListSecrets>) -> Result<Vec<SecretView>> {
    let filter = SecretFilter { project: query.project, q: query.q };
    let found = api.control().secrets(&caller.actor, &filter, &page_request(query.limit, query.after)).await?;
    Ok(page(found, SecretView::from))
}

/// Makes a secret. Its value is sealed at once and in no answer.
#[utoipa::path(post, path = "/api/v1/secrets", tag = "secrets", operation_id = "createSecret", params(Write),
    request_body = NewSecret, responses((status = 201, body = Envelope<SecretView>)))]
pub async fn create(
    State(api): State<Api>,
    caller: Caller,
    Asked(write): Asked<Write>,
    Strict(body): Strict<NewSecret>,
) -> std::result::Result<Response, Problem> {
    let NewSecret { project, name, value, description, environment } = body;
    let action = Action::Secret(SecretAction::Create(CreateSecret { project, name, description, environment }));
    let proposal = Proposal { dry_run: write.is_dry(), value: Some(value), ..Proposal::of(action) };
    match carry(&api, &caller, proposal).await? {
        Carried::Answered(response) => Ok(response),
        Carried::Done(Made::Secret(secret)) => Ok(match api.control().secret(&caller.actor, secret).await {
            Ok(shown) => created(SecretView::from(shown)).into_response(),
            // Who may make secrets and not see them is told that it was done.
            Err(_) => created(Nothing {}).into_response(),
        }),
        Carried::Done(_) => Ok(created(Nothing {}).into_response()),
    }
}

/// Gives a secret a new value, another description, or both.
#[utoipa::path(patch, path = "/api/v1/secrets/{id}", tag = "secrets", operation_id = "changeSecret",
    params(("id" = uuid::Uuid, Path), Write), request_body = ChangeSecret,
    responses((status = 200, body = Envelope<SecretView>)))]
pub async fn change(
    State(api): State<Api>,
    caller: Caller,
    Id(secret): Id<SecretId>,
    Asked(write): Asked<Write>,
    Strict(body): Strict<ChangeSecret>,
) -> std::result::Result<Response, Problem> {
    let ChangeSecret { value, description, environment } = body;
    let update = UpdateSecret { secret, new_value: value.is_some(), description, environment };
    let action = Action::Secret(SecretAction::Update(update));
    let proposal = Proposal { dry_run: write.is_dry(), value, ..Proposal::of(action) };
    match carry(&api, &caller, proposal).await? {
        Carried::Answered(response) => Ok(response),
        Carried::Done(_) => {
            Ok(ok(SecretView::from(api.control().secret(&caller.actor, secret).await?)).into_response())
        }
    }
}

/// Deletes a secret with all its versions; refused while an app uses it.
#[utoipa::path(delete, path = "/api/v1/secrets/{id}", tag = "secrets", operation_id = "deleteSecret",
    params(("id" = uuid::Uuid, Path), Write), responses((status = 200, body = Envelope<Nothing>)))]
pub async fn delete(
    State(api): State<Api>,
    caller: Caller,
    Id(secret): Id<SecretId>,
    Asked(write): Asked<Write>,
) -> std::result::Result<Response, Problem> {
    let action = Action::Secret(SecretAction::Delete(SecretRef { secret }));
    match propose(&api, &caller, write, action).await? {
        Carried::Answered(response) => Ok(response),
        Carried::Done(_) => Ok(ok(Nothing {}).into_response()),
    }
}

fn value<'de, D: Deserializer<'de>>(from: D) -> std::result::Result<Secret<String>, D::Error> {
    String::deserialize(from).map(Secret::new)
}

fn maybe_value<'de, D: Deserializer<'de>>(from: D) -> std::result::Result<Option<Secret<String>>, D::Error> {
    Option::<String>::deserialize(from).map(|value| value.map(Secret::new))
}
