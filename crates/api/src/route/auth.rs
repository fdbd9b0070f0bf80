//! Signing in and out.

pub mod connections;
pub mod consent;
pub mod device;
pub mod factors;
pub mod oauth;
pub mod sessions;
pub mod setup;

use std::convert::Infallible;
use std::net::{IpAddr, Ipv4Addr};

use axum::extract::{FromRequestParts, State};
use axum::response::{IntoResponse, Response};
use axum_extra::extract::cookie::{Cookie, SameSite};
use http::request::Parts;
use http::{HeaderMap, HeaderValue, StatusCode, header};
use serde::Deserialize;
use sf_actions::{ActorKind, Permission};
use sf_control::sign_in::{Duty, Entered, Origin, SignedIn};
use sf_store::sessions::SessionKind;
use sf_types::{ErrorKind, Fault, RequestId, Secret, SessionId};
use utoipa::ToSchema;

use crate::body::Strict;
use crate::caller::{self, Caller};
use crate::envelope::{Envelope, Result, ok};
use crate::fault::Problem;
use crate::layer::address::From;
use crate::layer::origin::{self, Cookies};
use crate::state::Api;
use crate::view::rights::GrantView;
use crate::view::sign_in::EnteredView;
use crate::view::user::{MeView, SignedInView, TenantView, UserView};
use crate::view::{Nothing, Time};

/// What kind of program signs in.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub enum Kind {
    /// The refresh token comes as a cookie that scripts cannot read.
    #[default]
    Browser,
    /// The refresh token comes in the answer.
    Cli,
}

/// Who signs in.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Login {
    /// Their address.
    email: String,
    /// Their password.
    password: String,
    /// `browser` (default) or `cli`.
    #[serde(default)]
    kind: Kind,
}

/// The CLI's refresh token; browsers send their cookie and nothing else.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Refresh {
    /// `sfr_…`.
    #[serde(default)]
    refresh_token: Option<String>,
}

/// What is known of a client before it signs in.
#[derive(Clone, Debug)]
pub struct Client {
    address: IpAddr,
    user_agent: Option<String>,
    request: RequestId,
}

impl Client {
    /// Where a session begins.
    pub(crate) fn origin(self, kind: Kind) -> Origin {
        let kind = match kind {
            Kind::Browser => SessionKind::Browser,
            Kind::Cli => SessionKind::Cli,
        };
        Origin { address: self.address, user_agent: self.user_agent, request: self.request, kind }
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Client {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> std::result::Result<Self, Infallible> {
        let address = parts.extensions.get::<From>().map_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED), |from| from.0);
        let agent = parts.headers.get(header::USER_AGENT).and_then(|value| value.to_str().ok());
        Ok(Self { address, user_agent: agent.map(family), request: crate::request::current().id })
    }
}

/// "Firefox on Linux": enough to recognise one's own session, too little to follow a person.
fn family(agent: &str) -> String {
    let first = |known: &[(&'static str, &'static str)]| {
        known.iter().find(|(mark, _)| agent.contains(mark)).map(|(_, name)| *name)
    };
    let program = first(&[
        ("serverflow", "ServerFlow CLI"),
        ("Firefox/", "Firefox"),
        ("Edg/", "Edge"),
        ("OPR/", "Opera"),
        ("Chrome/", "Chrome"),
        ("Safari/", "Safari"),
        ("curl/", "curl"),
    ]);
    let system = first(&[
        ("Android", "Android"),
        ("iPhone", "iOS"),
        ("iPad", "iOS"),
        ("Windows", "Windows"),
        ("Mac OS", "macOS"),
        ("Linux", "Linux"),
    ]);
    match (program, system) {
        (Some(program), Some(system)) => format!("{program} on {system}"),
        (Some(name), None) | (None, Some(name)) => name.to_owned(),
        (None, None) => "another program".to_owned(),
    }
}

/// Signs in, or asks for the second factor.
#[utoipa::path(post, path = "/api/v1/auth/login", tag = "auth", operation_id = "login", security(()),
    request_body = Login, responses((status = 200, body = Envelope<EnteredView>)))]
pub async fn login(
    State(api): State<Api>,
    client: Client,
    Strict(body): Strict<Login>,
) -> std::result::Result<Response, Problem> {
    let Login { email, password, kind } = body;
    match api.control().sign_in(&email, Secret::new(password), client.origin(kind)).await? {
        Entered::SignedIn(signed_in) => Ok(answer(&api, *signed_in, kind, StatusCode::OK)),
        Entered::Factor(ticket) => Ok(ok(EnteredView::Factor(ticket.into())).into_response()),
    }
}

/// Exchanges a refresh token for the next one and a fresh access token.
#[utoipa::path(post, path = "/api/v1/auth/refresh", tag = "auth", operation_id = "refresh", security(()),
    request_body = Refresh, responses((status = 200, body = Envelope<SignedInView>)))]
pub async fn refresh(
    State(api): State<Api>,
    client: Client,
    headers: HeaderMap,
    Strict(body): Strict<Refresh>,
) -> std::result::Result<Response, Problem> {
    let (text, kind) = match body.refresh_token {
        Some(text) => (text, Kind::Cli),
        None => (origin::cookie(&api, &headers).ok_or_else(signed_out)?, Kind::Browser),
    };
    match api.control().refresh(&text, client.origin(kind)).await {
        Ok(signed_in) => Ok(answer(&api, signed_in, kind, StatusCode::OK)),
        Err(fault) => {
            let over = fault.kind == ErrorKind::Unauthenticated && kind == Kind::Browser;
            let mut response = Problem::from(fault).into_response();
            if over {
                set_cookies(&api, &mut response, None);
            }
            Ok(response)
        }
    }
}

/// Ends the session asking: the one of the access token, or the one of the refresh token sent along.
#[utoipa::path(post, path = "/api/v1/auth/logout", tag = "auth", operation_id = "logout", security((), ("bearer" = [])),
    request_body = Refresh, responses((status = 200, body = Envelope<Nothing>)))]
pub async fn logout(
    State(api): State<Api>,
    headers: HeaderMap,
    Strict(body): Strict<Refresh>,
) -> std::result::Result<Response, Problem> {
    let bearer = caller::bearer(&headers);
    let known = match bearer {
        Some(token) => caller::recheck_owing(&api, token, &[sf_identity::Audience::Api], None).await.ok(),
        None => None,
    };
    if let Some(ActorKind::Person { session, .. }) = known.map(|(known, _)| known.actor.kind) {
        api.control().sign_out(session).await?;
    } else if let Some(text) = body.refresh_token.or_else(|| origin::cookie(&api, &headers)) {
        // Only who holds the current token may end its session: the exchange proves it.
        let client = Client {
            address: Ipv4Addr::UNSPECIFIED.into(),
            user_agent: None,
            request: RequestId::from_uuid(uuid::Uuid::nil()),
        };
        if let Ok(signed_in) = api.control().refresh(&text, client.origin(Kind::Browser)).await {
            api.control().sign_out(signed_in.session).await?;
        }
    }
    let mut response = ok(Nothing {}).into_response();
    set_cookies(&api, &mut response, None);
    Ok(response)
}

/// Who is asking, and what they may do.
#[utoipa::path(get, path = "/api/v1/auth/me", tag = "auth", operation_id = "me",
    responses((status = 200, body = Envelope<MeView>)))]
pub async fn me(State(api): State<Api>, caller: Caller) -> Result<MeView> {
    let (user, tenant) = api.control().me(&caller.actor).await?;
    let via = match caller.actor.kind {
        ActorKind::Token { .. } => "token",
        ActorKind::Ai { .. } => "ai",
        _ => "session",
    };
    Ok(ok(MeView {
        user: user.into(),
        tenant: TenantView { id: tenant.id.uuid(), name: tenant.name },
        permissions: caller.actor.rights.in_tenant().iter().map(|one| one.name().to_owned()).collect(),
        grants: api.control().own_grants(&caller.actor).await?.into_iter().map(GrantView::of).collect(),
        via: via.to_owned(),
        password_change_due: caller.owes == Some(Duty::Password),
        second_factor_due: caller.owes == Some(Duty::Factor),
        operator: api.control().operates(&caller.actor).await?,
    }))
}

/// A session as its owner gets it.
pub(crate) fn answer(api: &Api, signed_in: SignedIn, kind: Kind, status: StatusCode) -> Response {
    let (refresh, session) = (signed_in.refresh.expose().clone(), signed_in.session);
    let view = SignedInView {
        access_token: signed_in.access.expose().clone(),
        expires_at: Time(signed_in.access_expires_at),
        refresh_token: (kind == Kind::Cli).then(|| refresh.clone()),
        user: UserView::from(signed_in.user),
        permissions: names(&signed_in.permissions),
        password_change_due: signed_in.owes == Some(Duty::Password),
        second_factor_due: signed_in.owes == Some(Duty::Factor),
    };
    let mut response = ok(view).status(status).into_response();
    if kind == Kind::Browser {
        set_cookies(api, &mut response, Some((refresh, session)));
    }
    response
}

/// Sets a browser's cookies, or takes them back.
fn set_cookies(api: &Api, response: &mut Response, session: Option<(String, SessionId)>) {
    let gone = session.is_none();
    let (token, csrf) = session.map_or_else(Default::default, |(token, id)| (token, api.control().csrf_token(id)));
    let names = Cookies::of(api);
    let mut refresh = Cookie::new(names.refresh, token);
    refresh.set_http_only(true);
    refresh.set_path(names.refresh_path);
    // Read by our own pages, which send it back in a header.
    let mut csrf = Cookie::new(names.csrf, csrf);
    csrf.set_path("/");
    for mut cookie in [refresh, csrf] {
        cookie.set_same_site(SameSite::Strict);
        cookie.set_secure(api.options().https);
        if gone {
            cookie.make_removal();
        }
        if let Ok(value) = HeaderValue::from_str(&cookie.to_string()) {
            response.headers_mut().append(header::SET_COOKIE, value);
        }
    }
}

fn names(permissions: &[Permission]) -> Vec<String> {
    permissions.iter().map(|permission| permission.name().to_owned()).collect()
}

fn signed_out() -> Problem {
    let fault = Fault::new(ErrorKind::Unauthenticated, "session.missing", "There is no session to go on with.");
    fault.fix("Sign in.").into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn programs_are_recognised_roughly() {
        for (agent, expected) in [
            ("Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0", "Firefox on Linux"),
            (
                "Mozilla/5.0 (Windows NT 10.0) AppleWebKit/537.36 Chrome/140.0 Safari/537.36 Edg/140.0",
                "Edge on Windows",
            ),
            ("serverflow/0.1.0", "ServerFlow CLI"),
            ("", "another program"),
        ] {
            assert_eq!(family(agent), expected);
        }
    }
}
