//! Long-lived tokens for the CLI and for programs.

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use sf_actions::access::{AccessAction, CreateToken, SpeaksFor, TokenRef};
use sf_actions::{Action, Permission};
use sf_control::Made;
use sf_types::{Name, ProjectId, TokenId};
use utoipa::ToSchema;

use super::{Carried, Searched, Write, propose};
use crate::body::{Asked, Id, Strict};
use crate::caller::Caller;
use crate::envelope::{Envelope, Result, created, ok};
use crate::fault::Problem;
use crate::state::Api;
use crate::view::Nothing;
use crate::view::user::{NewTokenView, TokenView};

/// A token wanted.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct NewToken {
    /// What it is for.
    #[schema(value_type = String)]
    name: Name,
    /// Days it is valid, 1 to 365.
    days: u16,
    /// Permissions it is limited to; all of yours where left out.
    #[serde(default)]
    #[schema(value_type = Option<Vec<String>>)]
    scopes: Option<Vec<Permission>>,
    /// Address ranges it may be used from: `192.0.2.0/24`; all where left out.
    #[serde(default)]
    addresses: Option<Vec<String>>,
    /// The project it is limited to.
    #[serde(default)]
    #[schema(value_type = Option<uuid::Uuid>)]
    project: Option<ProjectId>,
    /// Who speaks by it: `person`, which is you, where left out; `ai` for an AI agent that acts for you. What such a token
    /// asks for is weighed by its own record, and it decides nothing.
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    speaks_for: SpeaksFor,
}

/// One's own tokens; never their texts.
#[utoipa::path(get, path = "/api/v1/tokens", tag = "tokens", operation_id = "listTokens", params(Searched),
    responses((status = 200, body = Envelope<Vec<TokenView>>)))]
pub async fn list(State(api): State<Api>, caller: Caller, Asked(query): Asked<Searched>) -> Result<Vec<TokenView>> {
    let tokens = api.control().tokens(&caller.actor, query.q.as_deref()).await?;
    Ok(ok(tokens.into_iter().map(TokenView::from).collect()))
}

/// Makes a token. Its text is in this answer and nowhere else.
#[utoipa::path(post, path = "/api/v1/tokens", tag = "tokens", operation_id = "createToken", params(Write),
    request_body = NewToken, responses((status = 201, body = Envelope<NewTokenView>)))]
pub async fn create(
    State(api): State<Api>,
    caller: Caller,
    Asked(write): Asked<Write>,
    Strict(body): Strict<NewToken>,
) -> std::result::Result<Response, Problem> {
    let NewToken { name, days, scopes, addresses, project, speaks_for } = body;
    let create = CreateToken { name, days, scopes, addresses, project, speaks_for };
    let action = Action::Access(AccessAction::CreateToken(create));
    match propose(&api, &caller, write, action).await? {
        Carried::Answered(response) => Ok(response),
        Carried::Done(Made::Token { id, text, .. }) => {
            let token = TokenView::from(api.control().token(&caller.actor, id).await?);
            Ok(created(NewTokenView { token, secret: text }).into_response())
        }
        Carried::Done(_) => Ok(created(Nothing {}).into_response()),
    }
}

/// Makes a token useless.
#[utoipa::path(delete, path = "/api/v1/tokens/{id}", tag = "tokens", operation_id = "revokeToken",
    params(("id" = uuid::Uuid, Path), Write), responses((status = 200, body = Envelope<Nothing>)))]
pub async fn revoke(
    State(api): State<Api>,
    caller: Caller,
    Id(token): Id<TokenId>,
    Asked(write): Asked<Write>,
) -> std::result::Result<Response, Problem> {
    revoked(&api, &caller, write, token).await
}

/// Ends a key, or a grant of an AI host, which is a token, too: one action with a route for each.
pub(super) async fn revoked(
    api: &Api,
    caller: &Caller,
    write: Write,
    token: TokenId,
) -> std::result::Result<Response, Problem> {
    let action = Action::Access(AccessAction::RevokeToken(TokenRef { token }));
    match propose(api, caller, write, action).await? {
        Carried::Answered(response) => Ok(response),
        Carried::Done(_) => Ok(ok(Nothing {}).into_response()),
    }
}
