//! Where a browser's request comes from: for what it sends along by itself (cookies), and for sockets.

use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use http::{HeaderMap, HeaderName, header};
use sf_identity::csrf::{self, CsrfRefusal};
use sf_types::{ErrorKind, Fault};

use crate::fault::Problem;
use crate::state::Api;

/// A header no form can send, and no page of another site without being asked first. Its value does not matter.
pub const CLIENT: HeaderName = HeaderName::from_static("x-serverflow-client");
/// What browsers keep of a session under these names.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Cookies {
    /// Holds the refresh token; no script reads it.
    pub refresh: &'static str,
    /// Read by our own pages, to show that they are ours.
    pub csrf: &'static str,
    /// Where a browser sends the first one.
    pub refresh_path: &'static str,
}

/// Under HTTPS. A browser takes a name with this prefix only with `Secure`, for the whole host (`Path=/`) and without a
/// `Domain`, so that neither another host of the same site, nor anybody who answers for this one by plain HTTP, can set
/// it. Source: draft-ietf-httpbis-rfc6265bis, section 4.1.3.2.
const SECURED: Cookies = Cookies { refresh: "__Host-sf_refresh", csrf: "__Host-sf_csrf", refresh_path: "/" };
/// By plain HTTP, which is for loopback alone: no cookie is `Secure` there, so a browser would not take the prefix.
const PLAIN: Cookies = Cookies { refresh: "sf_refresh", csrf: "sf_csrf", refresh_path: AUTH_PATH };

impl Cookies {
    /// The ones in use. The others are never looked at: what could be set without HTTPS counts for nothing under it.
    pub fn of(api: &Api) -> Self {
        if api.options().https { SECURED } else { PLAIN }
    }
}

/// The header in which they send it back.
pub const CSRF: HeaderName = HeaderName::from_static("x-serverflow-csrf");
/// Where the cookie alone says who is asking.
const BY_COOKIE: [&str; 2] = ["/api/v1/auth/refresh", "/api/v1/auth/logout"];
/// Where a cookie has a meaning.
const AUTH_PATH: &str = "/api/v1/auth";

/// On every route below [`AUTH_PATH`]: a request with the cookie has to come from our own page.
pub(crate) async fn guard(State(api): State<Api>, request: Request, next: Next) -> Response {
    let safe = matches!(*request.method(), http::Method::GET | http::Method::HEAD);
    let cookie = cookie(&api, request.headers()).is_some();
    if !safe && cookie && request.uri().path().starts_with(AUTH_PATH) {
        let own = is_own(&api, request.headers(), request.method().as_str());
        if !own || !request.headers().contains_key(&CLIENT) {
            let message = "A request with this cookie has to come from a page of this control plane.";
            let fault = Fault::new(ErrorKind::Forbidden, "csrf.refused", message)
                .fix(format!("Open the dashboard under its own name; programs send a token, or the header {CLIENT}."));
            return Problem::from(fault).into_response();
        }
        if BY_COOKIE.contains(&request.uri().path())
            && let Err(refusal) = check_token(&api, request.headers(), request.method().as_str())
        {
            return Problem::from(refusal.fault()).into_response();
        }
    }
    next.run(request).await
}

/// Whether the page knows the token of the cookie's own session. What is no refresh token is for the handler to refuse.
fn check_token(api: &Api, headers: &HeaderMap, method: &str) -> Result<(), CsrfRefusal> {
    let token = cookie(api, headers).unwrap_or_default();
    let jar = axum_extra::extract::CookieJar::from_headers(headers);
    let shown = jar.get(Cookies::of(api).csrf).map(|cookie| cookie.value().to_owned());
    let request = csrf::Request { cookie: shown.as_deref(), ..described(api, headers, method) };
    api.control().check_csrf(&token, &request)
}

/// Whether a page of ours sent this.
pub(crate) fn is_own(api: &Api, headers: &HeaderMap, method: &str) -> bool {
    csrf::check_origin(&described(api, headers, method)).is_ok()
}

/// What a request says of where it comes from.
fn described<'a>(api: &Api, headers: &'a HeaderMap, method: &'a str) -> csrf::Request<'a> {
    let text = |name: &HeaderName| headers.get(name).and_then(|value| value.to_str().ok());
    csrf::Request {
        method,
        origin: text(&header::ORIGIN),
        fetch_site: text(&HeaderName::from_static("sec-fetch-site")),
        host: text(&header::HOST).unwrap_or_default(),
        is_tls: api.options().https,
        cookie: None,
        header: text(&CSRF),
    }
}

/// A socket: programs name no origin; a page has to be ours, or listed by the operator.
pub(crate) fn may_open_socket(api: &Api, headers: &HeaderMap) -> bool {
    let Some(origin) = headers.get(header::ORIGIN) else { return true };
    let listed = origin.to_str().is_ok_and(|text| api.options().cors_origins.iter().any(|own| own == text));
    listed || is_own(api, headers, "POST")
}

/// On the routes of another edge: as for a socket, and whatever the method is.
pub(crate) async fn foreign(State(api): State<Api>, request: Request, next: Next) -> Response {
    if may_open_socket(&api, request.headers()) {
        return next.run(request).await;
    }
    let fault = Fault::new(ErrorKind::Forbidden, "origin.refused", "A page of another site may not ask here.");
    Problem::from(fault.fix("Add its origin to `api.cors_origins` in serverflow.toml.")).into_response()
}

/// The refresh token a browser sent.
pub(crate) fn cookie(api: &Api, headers: &HeaderMap) -> Option<String> {
    let jar = axum_extra::extract::CookieJar::from_headers(headers);
    jar.get(Cookies::of(api).refresh).map(|cookie| cookie.value().to_owned()).filter(|value| !value.is_empty())
}
