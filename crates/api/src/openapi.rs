//! The API's own description: OpenAPI 3.1, made from the routes themselves.

use utoipa::OpenApi;
use utoipa::openapi::security::{Http, HttpAuthScheme, SecurityRequirement, SecurityScheme};

use crate::state::Api;

/// Every route with its description. A route cannot be in one and not in the other.
pub(crate) fn described() -> utoipa_axum::router::OpenApiRouter<Api> {
    let mut router = crate::router::routes();
    let document = router.get_openapi_mut();
    document.info.title = "ServerFlow".to_owned();
    document.info.version = env!("CARGO_PKG_VERSION").to_owned();
    document.info.description = Some(DESCRIPTION.to_owned());
    document.info.license = None;
    document.info.contact = None;
    let bearer = SecurityScheme::Http(Http::new(HttpAuthScheme::Bearer));
    document.components.get_or_insert_default().add_security_scheme("bearer", bearer);
    document.security = Some(vec![SecurityRequirement::new("bearer", Vec::<String>::new())]);
    router
}

/// The document.
pub fn document() -> utoipa::openapi::OpenApi {
    described().into_openapi()
}

/// The document as committed in `openapi/serverflow.json`.
pub fn json() -> String {
    let mut text = document().to_pretty_json().expect("the document is structs, lists and strings");
    text.push('\n');
    text
}

#[derive(OpenApi)]
pub(crate) struct Empty;

const DESCRIPTION: &str = "Every answer is an envelope: `success`, `data`, `error`, `meta`. Every write takes \
`?dryRun=true` and an `Idempotency-Key`. What waits for a person or a machine answers 202 with a run. Failures carry a \
stable dotted code, what happened, and what to do; any route may answer with one.";
