//! The shape of every answer.

use axum::body::Body;
use axum::response::{IntoResponse, Response};
use http::{HeaderValue, StatusCode, header};
use serde::Serialize;
use sf_types::{Cursor, Page};
use utoipa::ToSchema;

use crate::request;
use crate::view::Time;

/// `{"success", "data", "error", "meta"}`: the same for successes and failures.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Envelope<T> {
    /// Whether it worked.
    pub success: bool,
    /// The result; null for failures.
    pub data: Option<T>,
    /// What went wrong; null for successes.
    pub error: Option<ErrorBody>,
    /// About the answer itself.
    pub meta: Meta,
}

/// What went wrong.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ErrorBody {
    /// Stable, dotted: `app.not_found`.
    pub code: String,
    /// What happened and why.
    pub message: String,
    /// What to do about it.
    pub details: Details,
}

/// What to do about a failure.
#[derive(Debug, Clone, Default, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Details {
    /// One sentence.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fix: Option<String>,
    /// The field that is wrong: `settings.env[2].name`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub field: Option<String>,
    /// Each thing that is wrong, where there may be several; the message tells the first.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub findings: Vec<Finding>,
}

/// One of the things that are wrong with a request.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Finding {
    /// The field: `settings.variables.MOTD`.
    pub field: String,
    /// What is wrong with it, and why.
    pub message: String,
    /// What to do; empty where nothing can be done.
    pub fix: String,
}

impl From<sf_types::Finding> for Finding {
    fn from(sf_types::Finding { field, message, fix }: sf_types::Finding) -> Self {
        Self { field, message, fix }
    }
}

/// About the answer itself.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Meta {
    /// The request; the correlation id of everything it caused.
    pub request_id: uuid::Uuid,
    /// When it was answered.
    pub timestamp: Time,
    /// Present on lists.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub page: Option<PageMeta>,
}

/// Where a list goes on.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct PageMeta {
    /// Pass as `after`; null on the last page.
    pub next: Option<String>,
}

/// A success with its status.
#[derive(Debug)]
pub struct Answer<T> {
    status: StatusCode,
    data: T,
    page: Option<PageMeta>,
}

/// What handlers return.
pub type Result<T> = std::result::Result<Answer<T>, crate::fault::Problem>;

/// 200.
pub const fn ok<T>(data: T) -> Answer<T> {
    Answer { status: StatusCode::OK, data, page: None }
}

/// 201.
pub const fn created<T>(data: T) -> Answer<T> {
    Answer { status: StatusCode::CREATED, data, page: None }
}

/// 202: it waits for a person or a machine.
pub const fn accepted<T>(data: T) -> Answer<T> {
    Answer { status: StatusCode::ACCEPTED, data, page: None }
}

/// 200 with a cursor.
pub fn page<R, T>(page: Page<R>, view: impl FnMut(R) -> T) -> Answer<Vec<T>> {
    let next = page.next.map(|Cursor(text)| text);
    let data = page.items.into_iter().map(view).collect();
    Answer { status: StatusCode::OK, data, page: Some(PageMeta { next }) }
}

impl<T> Answer<T> {
    /// Another status.
    #[must_use]
    pub const fn status(mut self, status: StatusCode) -> Self {
        self.status = status;
        self
    }
}

impl<T: Serialize> IntoResponse for Answer<T> {
    fn into_response(self) -> Response {
        write(self.status, Some(self.data), None, self.page)
    }
}

/// Writes an envelope.
pub(crate) fn write<T: Serialize>(
    status: StatusCode,
    data: Option<T>,
    error: Option<ErrorBody>,
    page: Option<PageMeta>,
) -> Response {
    let request = request::current();
    let meta = Meta { request_id: request.id.uuid(), timestamp: Time(request.at), page };
    let envelope = Envelope { success: error.is_none(), data, error, meta };
    let body = serde_json::to_vec(&envelope).expect("views are structs, lists, numbers and strings with text keys");
    let mut response = Response::new(Body::from(body));
    *response.status_mut() = status;
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}
