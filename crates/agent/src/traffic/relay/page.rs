//! Answers of the relay itself: short, plain, never from the cache.

use hyper::header::{ALLOW, CACHE_CONTROL, CONTENT_TYPE, HeaderValue, LOCATION, RETRY_AFTER};
use hyper::{Response, StatusCode};

use super::body::Body;

/// Seconds after which a client that came too early may come again.
const COME_AGAIN_SECS: u16 = 2;

/// A page of one sentence.
pub fn plain(status: StatusCode, text: &str) -> Response<Body> {
    let mut page = Response::new(Body::text(format!("{text}\n")));
    *page.status_mut() = status;
    page.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"));
    page.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    page
}

/// 503 with Retry-After.
pub fn come_again(text: &str) -> Response<Body> {
    let mut page = plain(StatusCode::SERVICE_UNAVAILABLE, text);
    page.headers_mut().insert(RETRY_AFTER, HeaderValue::from(COME_AGAIN_SECS));
    page
}

/// 405.
pub fn method_not_allowed(allowed: &'static str) -> Response<Body> {
    let mut page = plain(StatusCode::METHOD_NOT_ALLOWED, "This method is not served here.");
    page.headers_mut().insert(ALLOW, HeaderValue::from_static(allowed));
    page
}

/// A lasting redirect to another path of this site.
pub fn redirect(location: &str) -> Response<Body> {
    match HeaderValue::from_str(location) {
        Ok(location) => {
            let mut page = plain(StatusCode::PERMANENT_REDIRECT, "It is found with a slash at the end.");
            page.headers_mut().insert(LOCATION, location);
            page
        }
        Err(_) => plain(StatusCode::BAD_REQUEST, "This address cannot be understood."),
    }
}
