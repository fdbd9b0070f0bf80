//! Where a browser's request comes from: for what it sends along by itself (cookies), and for sockets.

use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use http::{HeaderMap, HeaderName, header};
use sf_identity::csrf;
use sf_types::{ErrorKind, Fault};

use crate::fault::Problem;
use crate::state::Api;

/// A header no form can send, and no page of another site without being asked first. Its value does not matter.
pub const CLIENT: HeaderName = HeaderName::from_static("x-serverflow-client");
/// Name of the cookie that holds a browser's refresh token.
pub const REFRESH_COOKIE: &str = "sf_refresh";
/// Where a browser sends it.
pub const REFRESH_PATH: &str = "/api/v1/auth";

/// On every route below [`REFRESH_PATH`]: a request with the cookie has to come from our own page.
pub(crate) async fn guard(State(api): State<Api>, request: Request, next: Next) -> Response {
    let safe = matches!(*request.method(), http::Method::GET | http::Method::HEAD);
    let cookie = cookie(request.headers()).is_some();
    if !safe && cookie && request.uri().path().starts_with(REFRESH_PATH) {
        let own = is_own(&api, request.headers(), request.method().as_str());
        if !own || !request.headers().contains_key(&CLIENT) {
            let message = "A request with this cookie has to come from a page of this control plane.";
            let fault = Fault::new(ErrorKind::Forbidden, "csrf.refused", message)
                .fix(format!("Open the dashboard under its own name; programs send a token, or the header {CLIENT}."));
            return Problem::from(fault).into_response();
        }
    }
    next.run(request).await
}

/// Whether a page of ours sent this.
pub(crate) fn is_own(api: &Api, headers: &HeaderMap, method: &str) -> bool {
    let text = |name: &HeaderName| headers.get(name).and_then(|value| value.to_str().ok());
    let request = csrf::Request {
        method,
        origin: text(&header::ORIGIN),
        fetch_site: text(&HeaderName::from_static("sec-fetch-site")),
        host: text(&header::HOST).unwrap_or_default(),
        is_tls: api.options().https,
        cookie: None,
        header: None,
    };
    csrf::check_origin(&request).is_ok()
}

/// A socket: programs name no origin; a page has to be ours, or listed by the operator.
pub(crate) fn may_open_socket(api: &Api, headers: &HeaderMap) -> bool {
    let Some(origin) = headers.get(header::ORIGIN) else { return true };
    let listed = origin.to_str().is_ok_and(|text| api.options().cors_origins.iter().any(|own| own == text));
    listed || is_own(api, headers, "POST")
}

/// The refresh token a browser sent.
pub(crate) fn cookie(headers: &HeaderMap) -> Option<String> {
    let jar = axum_extra::extract::CookieJar::from_headers(headers);
    jar.get(REFRESH_COOKIE).map(|cookie| cookie.value().to_owned()).filter(|value| !value.is_empty())
}
