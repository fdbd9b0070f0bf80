//! Tools that a host follows as tasks, where it says that it can.

use std::time::Duration;

use rmcp::RoleServer;
use rmcp::model::{
    CallToolRequestParams, CallToolResponse, CallToolResult, ClientCapabilities, ContentBlock, CreateTaskResult,
    ErrorData, InputRequest,
};
use rmcp::service::RequestContext;
use rmcp::task_manager::{TaskContext, TaskExit, TaskManager, TaskOptions};
use serde_json::{Value, json};

use super::asking;
use super::tools::text;

/// Longer than this no fixture works.
const MAX_WORK: Duration = Duration::from_secs(120);

type Done = Result<CallToolResult, TaskExit>;

/// Answers a call of a tool that can be a task; nothing where it is none of them.
pub(super) async fn call(
    tasks: &TaskManager,
    request: &CallToolRequestParams,
    context: &RequestContext<RoleServer>,
) -> Option<Result<CallToolResponse, ErrorData>> {
    let argument = |name: &str| request.arguments.as_ref().and_then(|arguments| arguments.get(name)).cloned();
    let follows = context.client_capabilities().is_some_and(|can| can.supports_tasks());
    let begin = |work: Work| -> CallToolResponse {
        let task = tasks.spawn(TaskOptions::new(), move |task| Box::pin(async move { work.done(&task).await }));
        CreateTaskResult::new(task).into()
    };
    let work = match request.name.as_ref() {
        "greet" => {
            let name = argument("name").and_then(|name| name.as_str().map(str::to_owned)).unwrap_or_default();
            return Some(Ok(text(format!("Hello, {name}!")).into()));
        }
        "slow_compute" => {
            let seconds = argument("seconds").and_then(|seconds| seconds.as_f64()).unwrap_or(0.0).clamp(0.0, 120.0);
            Work::Compute(Duration::from_secs_f64(seconds).min(MAX_WORK))
        }
        "failing_job" => Work::Fails,
        "protocol_error_job" => Work::Breaks,
        "confirm_delete" => Work::Asks(&["confirm"]),
        "multi_input" => Work::Asks(&["first", "second"]),
        "test_tool_with_task" => return Some(named(request, context, begin)),
        _ => return None,
    };
    if follows {
        return Some(Ok(begin(work)));
    }
    Some(match work {
        Work::Compute(time) => {
            // tidy: sleep because this is the work
            tokio::time::sleep(time).await;
            Ok(text("Computed.").into())
        }
        _ => Err(ErrorData::missing_required_client_capability(ClientCapabilities::builder().enable_tasks().build())),
    })
}

/// Asks for a name first, and then goes on as a task that says it.
fn named(
    request: &CallToolRequestParams,
    context: &RequestContext<RoleServer>,
    begin: impl FnOnce(Work) -> CallToolResponse,
) -> Result<CallToolResponse, ErrorData> {
    if !context.client_capabilities().is_some_and(|can| can.supports_tasks()) {
        let needed = ClientCapabilities::builder().enable_tasks().build();
        return Err(ErrorData::missing_required_client_capability(needed));
    }
    let said = request.input_responses.as_ref().and_then(|said| said.get("user_name"));
    match said.and_then(|said| said.pointer("/content/name")).and_then(Value::as_str) {
        Some(name) => Ok(begin(Work::Greets(name.to_owned()))),
        None => {
            Ok(asking::question(&json!({ "user_name": asking::form("Who are you?", "name", "string") }), None).into())
        }
    }
}

/// What a task does.
enum Work {
    Compute(Duration),
    Fails,
    Breaks,
    Asks(&'static [&'static str]),
    Greets(String),
}

impl Work {
    async fn done(self, task: &TaskContext) -> Done {
        match self {
            Self::Compute(time) => tokio::select! {
                // tidy: sleep because this is the work
                () = tokio::time::sleep(time) => Ok(text("Computed.")),
                () = task.cancelled() => Err(TaskExit::Cancelled),
            },
            Self::Fails => Ok(CallToolResult::error(vec![ContentBlock::text("It failed, as it always does.")])),
            Self::Breaks => Err(ErrorData::internal_error("It broke, as it always does.", None).into()),
            Self::Asks(keys) => {
                let questions = keys.iter().map(|key| {
                    let form = asking::form("Really?", "confirm", "boolean");
                    let request: Result<InputRequest, _> = serde_json::from_value(form);
                    async move {
                        let request = request.map_err(|error| ErrorData::internal_error(error.to_string(), None))?;
                        task.request_input(*key, request).await
                    }
                });
                let said = futures_util::future::try_join_all(questions).await?;
                Ok(text(format!("It said: {}", json!(said))))
            }
            Self::Greets(name) => Ok(text(format!("Hello, {name}!"))),
        }
    }
}
