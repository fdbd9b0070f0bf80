//! The authorization server for AI hosts: what it says of itself, and what programs ask of it. Its answers are OAuth's own,
//! not envelopes: hosts read nothing else.

use axum::Form;
use axum::extract::rejection::FormRejection;
use axum::extract::{Request, State};
use axum::response::{IntoResponse, Response};
use http::{HeaderValue, StatusCode, header};
use serde::Serialize;
use serde_json::{Value, json};
use sf_actions::AccessScope;
use sf_control::Control;
use sf_control::sign_in::mcp::{HostTokens, Redemption};
use sf_types::{ErrorKind, Fault, Secret};
use utoipa::ToSchema;

use super::{Client, Kind};
use crate::body;
use crate::fault::{self, Problem};
use crate::state::Api;

/// Bytes of the address that a program sends its person to.
pub const MAX_QUERY_BYTES: usize = 8 * 1024;
/// Bytes of what a program says when it registers.
pub const MAX_REGISTRATION_BYTES: usize = 16 * 1024;

/// A form of OAuth: pairs, none of them twice.
type Pairs = Result<Form<Vec<(String, String)>>, FormRejection>;

/// What a program asks of the token endpoint.
#[derive(ToSchema)]
#[expect(dead_code, reason = "read as pairs, so that one sent twice is refused; this describes it")]
pub struct TokenRequest {
    /// `authorization_code` or `refresh_token`.
    grant_type: String,
    /// The program.
    client_id: String,
    /// `sfc_…`, once.
    code: Option<String>,
    /// Where the code was sent.
    redirect_uri: Option<String>,
    /// What the challenge is the SHA-256 of.
    code_verifier: Option<String>,
    /// The endpoint the token is for; needed with a code.
    resource: Option<String>,
    /// `sfh_…`
    refresh_token: Option<String>,
}

/// What a program gives back.
#[derive(ToSchema)]
#[expect(dead_code, reason = "read as pairs, so that one sent twice is refused; this describes it")]
pub struct RevokeRequest {
    /// A refresh token or an access token.
    token: String,
}

/// What a program says of itself. Source: RFC 7591.
#[derive(ToSchema)]
#[expect(dead_code, reason = "read by the rules of `sf_identity::client`; this describes it")]
pub struct ProgramRequest {
    /// Its name.
    client_name: Option<String>,
    /// Where it may be answered.
    redirect_uris: Vec<String>,
}

/// Tokens of an AI host. Source: RFC 6749 section 5.1.
#[derive(Debug, Serialize, ToSchema)]
pub struct HostTokensView {
    /// For `Authorization: Bearer`.
    access_token: String,
    /// `Bearer`.
    token_type: &'static str,
    /// Seconds.
    expires_in: u64,
    /// For the next one.
    refresh_token: String,
    /// What was granted, with blanks between.
    scope: String,
}

/// A refusal. Source: RFC 6749 section 5.2.
#[derive(Debug, Serialize, ToSchema)]
pub struct OauthError {
    /// One word.
    error: String,
    /// What happened, and what to do.
    error_description: String,
}

/// Where the endpoint's tokens come from, for a host that was refused there. Source: RFC 9728.
#[utoipa::path(get, path = "/.well-known/oauth-protected-resource", tag = "oauth", operation_id = "mcpResource", security(()),
    responses((status = 200, description = "RFC 9728", body = Value)))]
pub async fn resource(State(api): State<Api>) -> Response {
    let control = api.control();
    public(json!({
        "resource": control.mcp_resource(),
        "resource_name": "ServerFlow",
        "authorization_servers": [control.issuer()],
        "scopes_supported": AccessScope::FIRST.map(AccessScope::name),
        "bearer_methods_supported": ["header"],
    }))
}

/// The same at the address that belongs to the endpoint's path.
#[utoipa::path(get, path = "/.well-known/oauth-protected-resource/mcp/v1", tag = "oauth", operation_id = "mcpResourceOfPath",
    security(()), responses((status = 200, description = "RFC 9728", body = Value)))]
pub async fn resource_of_path(api: State<Api>) -> Response {
    resource(api).await
}

/// What this authorization server can do. Source: RFC 8414.
#[utoipa::path(get, path = "/.well-known/oauth-authorization-server", tag = "oauth", operation_id = "authorizationServer",
    security(()), responses((status = 200, description = "RFC 8414", body = Value)))]
pub async fn server(State(api): State<Api>) -> Response {
    let issuer = api.control().issuer();
    public(json!({
        "issuer": issuer,
        "authorization_endpoint": format!("{issuer}/oauth/authorize"),
        "token_endpoint": format!("{issuer}/oauth/token"),
        "registration_endpoint": format!("{issuer}/oauth/register"),
        "revocation_endpoint": format!("{issuer}/oauth/revoke"),
        "response_types_supported": ["code"],
        "response_modes_supported": ["query"],
        "grant_types_supported": ["authorization_code", "refresh_token"],
        "code_challenge_methods_supported": ["S256"],
        "token_endpoint_auth_methods_supported": ["none"],
        "revocation_endpoint_auth_methods_supported": ["none"],
        "scopes_supported": AccessScope::ALL.map(AccessScope::name),
        "client_id_metadata_document_supported": true,
        "authorization_response_iss_parameter_supported": true,
    }))
}

/// Where a program sends its person. Nothing is looked at here: the page does, once somebody is signed in, and nothing goes on
/// to anywhere without a click.
#[utoipa::path(get, path = "/oauth/authorize", tag = "oauth", operation_id = "authorize", security(()),
    responses((status = 303, description = "to the page on which a person decides")))]
pub async fn authorize(request: Request) -> Response {
    let query = request.uri().query().unwrap_or_default();
    if query.len() > MAX_QUERY_BYTES {
        let message = format!("The query is longer than {MAX_QUERY_BYTES} bytes.");
        return Problem::invalid("oauth.invalid_request", message).into_response();
    }
    let to = HeaderValue::from_str(&format!("/connect/authorize?{query}"));
    let to = to.expect("a query of a URI is visible ASCII");
    (StatusCode::SEE_OTHER, [(header::LOCATION, to)]).into_response()
}

/// Redeems a code or a refresh token.
#[utoipa::path(post, path = "/oauth/token", tag = "oauth", operation_id = "redeem", security(()),
    request_body(content = TokenRequest, content_type = "application/x-www-form-urlencoded"),
    responses((status = 200, body = HostTokensView), (status = 400, body = OauthError)))]
pub async fn token(State(api): State<Api>, client: Client, pairs: Pairs) -> Response {
    let done = async {
        let form = Read::of(pairs)?;
        issue(api.control(), &form, client).await
    };
    done.await.map_or_else(|fault| refused(&fault), |tokens| axum::Json(HostTokensView::of(&tokens)).into_response())
}

/// Registers a program, for those without an address of their own. Source: RFC 7591.
#[utoipa::path(post, path = "/oauth/register", tag = "oauth", operation_id = "registerProgram", security(()),
    request_body = ProgramRequest, responses((status = 201, body = Value), (status = 400, body = OauthError)))]
pub async fn register(State(api): State<Api>, client: Client, request: Request) -> Response {
    let document = match body::read_within(request, MAX_REGISTRATION_BYTES).await {
        Ok(document) => document,
        Err(problem) => return problem.into_response(),
    };
    let made = match api.control().register_program(&document, client.address).await {
        Ok(made) => made,
        Err(fault) => return refused(&fault),
    };
    let view = json!({
        "client_id": made.id,
        "client_id_issued_at": made.at.as_secs(),
        "client_name": made.name,
        "redirect_uris": made.redirects,
        "token_endpoint_auth_method": "none",
        "grant_types": ["authorization_code", "refresh_token"],
        "response_types": ["code"],
    });
    (StatusCode::CREATED, axum::Json(view)).into_response()
}

/// A program gives its grant back. Source: RFC 7009: what is no token of ours is none already.
#[utoipa::path(post, path = "/oauth/revoke", tag = "oauth", operation_id = "giveBack", security(()),
    request_body(content = RevokeRequest, content_type = "application/x-www-form-urlencoded"),
    responses((status = 200, description = "it is worth nothing"), (status = 400, body = OauthError)))]
pub async fn revoke(State(api): State<Api>, client: Client, pairs: Pairs) -> Response {
    let done = async {
        let form = Read::of(pairs)?;
        api.control().give_back(form.needed("token")?, client.origin(Kind::Cli)).await
    };
    done.await.map_or_else(|fault| refused(&fault), |()| StatusCode::OK.into_response())
}

async fn issue(control: &Control, form: &Read, client: Client) -> Result<HostTokens, Fault> {
    let (client_id, origin) = (form.needed("client_id")?, client.origin(Kind::Cli));
    match form.needed("grant_type")? {
        "authorization_code" => {
            let asked = Redemption {
                client_id: client_id.to_owned(),
                code: Secret::new(form.needed("code")?.to_owned()),
                redirect_uri: form.needed("redirect_uri")?.to_owned(),
                verifier: Secret::new(form.needed("code_verifier")?.to_owned()),
                resource: form.needed("resource")?.to_owned(),
            };
            control.redeem_code(asked, origin).await
        }
        "refresh_token" => {
            control.refresh_host(client_id, form.needed("refresh_token")?, form.get("resource"), origin).await
        }
        _ => Err(wrong("unsupported_grant_type", "Only `authorization_code` and `refresh_token` are redeemed.")),
    }
}

/// The pairs of a form.
struct Read(Vec<(String, String)>);

impl Read {
    fn of(pairs: Pairs) -> Result<Self, Fault> {
        let Form(pairs) = pairs.map_err(|rejection| wrong("invalid_request", &rejection.body_text()))?;
        // Two readers that do not agree which of two values counts are a way around one of them. Source: RFC 6749 section 3.2.
        let twice = pairs.iter().enumerate().any(|(at, (name, _))| pairs[..at].iter().any(|(known, _)| known == name));
        if twice { Err(wrong("invalid_request", "A parameter was sent twice.")) } else { Ok(Self(pairs)) }
    }

    fn get(&self, name: &str) -> Option<&str> {
        self.0
            .iter()
            .find(|(known, _)| known == name)
            .map(|(_, value)| value.as_str())
            .filter(|value| !value.is_empty())
    }

    fn needed(&self, name: &str) -> Result<&str, Fault> {
        self.get(name).ok_or_else(|| wrong("invalid_request", &format!("`{name}` is missing.")))
    }
}

impl HostTokensView {
    fn of(tokens: &HostTokens) -> Self {
        let scopes: Vec<&str> = tokens.scopes.iter().map(|scope| scope.name()).collect();
        Self {
            access_token: tokens.access.expose().clone(),
            token_type: "Bearer",
            expires_in: tokens.lives.as_secs(),
            refresh_token: tokens.refresh.expose().clone(),
            scope: scopes.join(" "),
        }
    }
}

fn wrong(word: &str, message: &str) -> Fault {
    Fault::new(ErrorKind::Invalid, format!("oauth.{word}"), message)
}

/// A fault in the words of OAuth. What only we know stays with us.
fn refused(fault: &Fault) -> Response {
    let Some(word) = fault.code.strip_prefix("oauth.") else {
        return Problem::from(fault.clone()).into_response();
    };
    let described = format!("{} {}", fault.message, fault.fix);
    let error = OauthError { error: word.to_owned(), error_description: described.trim().to_owned() };
    (fault::status(fault.kind), axum::Json(error)).into_response()
}

/// What everybody may know, pages of other sites included: a host may be one.
fn public(document: Value) -> Response {
    let mut response = axum::Json(document).into_response();
    let headers = response.headers_mut();
    headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("public, max-age=300"));
    response
}
