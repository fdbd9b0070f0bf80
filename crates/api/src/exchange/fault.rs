//! The one table from error kind to status, and every answer that is not a success.

use axum::response::{IntoResponse, Response};
use http::{HeaderName, HeaderValue, StatusCode, header};
use sf_types::{ErrorKind, Fault};

use crate::envelope::{Details, ErrorBody, Finding, write};

/// Seconds a caller is asked to wait when a limit is used up and nothing better is known.
pub const DEFAULT_RETRY_SECS: u64 = 1;

/// A failure on its way out. Made from any [`Fault`] with `?`.
#[derive(Clone, Debug)]
pub struct Problem {
    fault: Box<Fault>,
    field: Option<String>,
    status: StatusCode,
    retry_after: Option<u64>,
    offset: Option<u64>,
}

/// The byte of an upload that is awaited next.
pub const UPLOAD_OFFSET: HeaderName = HeaderName::from_static("upload-offset");

/// The table. Hidden is 404, forbidden is 403.
pub const fn status(kind: ErrorKind) -> StatusCode {
    match kind {
        ErrorKind::Invalid => StatusCode::BAD_REQUEST,
        ErrorKind::Unauthenticated => StatusCode::UNAUTHORIZED,
        ErrorKind::Forbidden => StatusCode::FORBIDDEN,
        ErrorKind::NotFound => StatusCode::NOT_FOUND,
        ErrorKind::Conflict => StatusCode::CONFLICT,
        ErrorKind::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
        ErrorKind::RateLimited => StatusCode::TOO_MANY_REQUESTS,
        ErrorKind::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
        ErrorKind::Timeout => StatusCode::GATEWAY_TIMEOUT,
        ErrorKind::Internal => StatusCode::INTERNAL_SERVER_ERROR,
    }
}

impl Problem {
    /// A value was refused.
    pub fn invalid(code: &str, message: impl Into<String>) -> Self {
        Fault::new(ErrorKind::Invalid, code, message).into()
    }

    /// Names the field that is wrong.
    #[must_use]
    pub fn field(mut self, field: impl Into<String>) -> Self {
        self.field = Some(field.into()).filter(|field| !field.is_empty());
        self
    }

    /// Another status than the table's, for what only HTTP knows: 405, 415.
    #[must_use]
    pub const fn status(mut self, status: StatusCode) -> Self {
        self.status = status;
        self
    }

    /// When to come back, seconds.
    #[must_use]
    pub const fn retry_after(mut self, secs: u64) -> Self {
        self.retry_after = Some(secs);
        self
    }

    /// Where an upload goes on.
    #[must_use]
    pub const fn offset(mut self, offset: u64) -> Self {
        self.offset = Some(offset);
        self
    }

    /// What happened.
    pub const fn fault(&self) -> &Fault {
        &self.fault
    }
}

impl From<Fault> for Problem {
    fn from(fault: Fault) -> Self {
        let status = status(fault.kind);
        let retry_after = match fault.code.as_str() {
            sf_control::QUOTA_USED => Some(sf_control::QUOTA_WINDOW.as_secs()),
            _ => (fault.kind == ErrorKind::RateLimited).then_some(DEFAULT_RETRY_SECS),
        };
        Self { fault: Box::new(fault), field: None, status, retry_after, offset: None }
    }
}

impl From<sf_store::StoreError> for Problem {
    fn from(error: sf_store::StoreError) -> Self {
        Fault::from(error).into()
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        if self.status.is_server_error() {
            tracing::error!(correlation_id = %crate::request::current().id, code = %self.fault.code,
                error = %self.fault, "a request failed");
        }
        let fix = Some(self.fault.fix).filter(|fix| !fix.is_empty());
        let findings: Vec<Finding> = self.fault.findings.into_iter().map(Finding::from).collect();
        // What stands in a form beside its field: the one that the message is about.
        let field = self.field.or_else(|| findings.first().map(|first| first.field.clone()));
        let error =
            ErrorBody { code: self.fault.code, message: self.fault.message, details: Details { fix, field, findings } };
        let mut response = write::<()>(self.status, None, Some(error), None);
        if let Some(secs) = self.retry_after {
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(secs));
        }
        if let Some(offset) = self.offset {
            response.headers_mut().insert(UPLOAD_OFFSET, HeaderValue::from(offset));
        }
        if self.status == StatusCode::UNAUTHORIZED {
            response.headers_mut().insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        response
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_kind_has_its_status() {
        for (kind, expected) in [
            (ErrorKind::Invalid, 400),
            (ErrorKind::Unauthenticated, 401),
            (ErrorKind::Forbidden, 403),
            (ErrorKind::NotFound, 404),
            (ErrorKind::Conflict, 409),
            (ErrorKind::TooLarge, 413),
            (ErrorKind::RateLimited, 429),
            (ErrorKind::Internal, 500),
            (ErrorKind::Unavailable, 503),
            (ErrorKind::Timeout, 504),
        ] {
            assert_eq!(status(kind).as_u16(), expected);
        }
        let limited = Problem::from(Fault::new(ErrorKind::RateLimited, "x.y", "Slow down.")).into_response();
        assert!(limited.headers().contains_key(header::RETRY_AFTER));
    }
}
