//! Reads of the API from within: by the steps of workflows, with the rights of whom the workflow acts for, and by tools of AI
//! hosts, with the rights of their caller. The same routes, and the same views.

use axum::Router;
use futures_util::future::BoxFuture;
use http::{Method, Request, StatusCode};
use serde_json::Value;
use sf_actions::Actor;
use sf_control::workflow::{Principal, Reads, Seen};
use sf_types::{ErrorKind, Fault, RequestId};
use tower::ServiceExt;

use crate::caller::Caller;
use crate::state::Api;

/// Bytes of an answer at the most: 1 MiB.
pub const MAX_ANSWER_BYTES: usize = 1 << 20;

/// The routes for those within. Nothing outside of this process reaches this router.
#[derive(Clone, Debug)]
pub(crate) struct Routes {
    router: Router,
    api: Api,
}

impl Routes {
    /// All routes, without the layers that are about requests from outside.
    pub(crate) fn new(router: Router<Api>, api: &Api) -> Self {
        Self { router: router.with_state(api.clone()), api: api.clone() }
    }
}

impl Reads for Routes {
    fn read(&self, who: Principal, path: String) -> BoxFuture<'static, Result<Value, Fault>> {
        let this = self.clone();
        Box::pin(async move {
            let actor = this.api.control().actor_of(who).await?;
            let request: RequestId = this.api.control().rng().id(this.api.control().clock());
            this.answer(actor, request, &path).await.map(|seen| seen.data)
        })
    }

    fn read_as(&self, actor: Actor, request: RequestId, path: String) -> BoxFuture<'static, Result<Seen, Fault>> {
        let this = self.clone();
        Box::pin(async move { this.answer(actor, request, &path).await })
    }
}

impl Routes {
    async fn answer(self, actor: Actor, request: RequestId, path: &str) -> Result<Seen, Fault> {
        let caller = Caller { actor, owes: None, request, key: None };
        let refused = |why: String| {
            let fault = Fault::new(ErrorKind::Invalid, "workflow.query", format!("`{path}` cannot be asked: {why}."));
            fault.fix("Write a path of the API without its first part, such as `/apps?limit=50`.")
        };
        let request = Request::builder()
            .method(Method::GET)
            .uri(format!("/api/v1{path}"))
            .extension(caller)
            .body(axum::body::Body::empty())
            .map_err(|why| refused(why.to_string()))?;
        let answer = self.router.oneshot(request).await.unwrap_or_else(|never| match never {});
        let (status, body) = (answer.status(), answer.into_body());
        let bytes = axum::body::to_bytes(body, MAX_ANSWER_BYTES).await.map_err(|_| {
            let message = format!("`{path}` answers more than {MAX_ANSWER_BYTES} bytes.");
            Fault::new(ErrorKind::TooLarge, "workflow.query_too_large", message).fix("Ask for fewer rows.")
        })?;
        let mut envelope: Value =
            serde_json::from_slice(&bytes).map_err(|_| refused("it answers no JSON".to_owned()))?;
        if status.is_success() {
            let next = envelope.pointer("/meta/page/next").and_then(Value::as_str).map(str::to_owned);
            return Ok(Seen { data: envelope["data"].take(), next });
        }
        Err(fault_of(status, &envelope["error"]))
    }
}

/// What a route refused, as the fault that it was.
fn fault_of(status: StatusCode, error: &Value) -> Fault {
    let text = |at: &str| error.pointer(at).and_then(Value::as_str).unwrap_or_default().to_owned();
    let kind = match status.as_u16() {
        403 => ErrorKind::Forbidden,
        404 => ErrorKind::NotFound,
        409 => ErrorKind::Conflict,
        413 => ErrorKind::TooLarge,
        429 => ErrorKind::RateLimited,
        504 => ErrorKind::Timeout,
        400..=499 => ErrorKind::Invalid,
        _ => ErrorKind::Unavailable,
    };
    Fault::new(kind, text("/code"), text("/message")).fix(text("/details/fix"))
}
