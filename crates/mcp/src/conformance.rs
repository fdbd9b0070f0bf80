//! What the protocol's official conformance runner wants to find behind an endpoint: tools, resources and prompts of its own
//! making, on the very stack that ours stand on. For tests alone: `serverflow server --mcp-conformance`, on loopback.
//!
//! Source: the requirements in npm `@modelcontextprotocol/conformance` 0.2.0-alpha.12, whose names and texts these are.

#![expect(deprecated, reason = "the runner asks for sampling, roots and logging, which the protocol has deprecated")]

mod asking;
mod schema;
mod showing;
mod tasks;
mod tools;

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};

use axum::Router;
use rmcp::model::{
    CallToolRequestParams, CallToolResponse, CancelTaskParams, CompleteRequestParams, CompleteResult, ErrorData,
    GetPromptRequestParams, GetPromptResponse, GetTaskParams, GetTaskResult, Implementation, ListPromptsResult,
    ListResourceTemplatesResult, ListResourcesResult, ListToolsResult, PaginatedRequestParams,
    PromptListChangedNotification, ReadResourceRequestParams, ReadResourceResponse, RequestStateCodec,
    ServerCapabilities, ServerConfig, ServerNotification, SetLevelRequestParams, SubscribeRequestParams,
    SubscriptionFilter, Tool, ToolListChangedNotification, UnsubscribeRequestParams, UpdateTaskParams,
};
use rmcp::service::{RequestContext, SubscriptionContext};
use rmcp::task_manager::TaskManager;
use rmcp::{RoleServer, ServerHandler};
use sf_control::{Control, key};
use tokio::sync::broadcast;

use crate::wire::{Stack, WireOptions, limiter, stack};

/// Changes that a reader may be behind.
const CHANGES: usize = 16;

/// Something that a list of ours changed by.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Change {
    Tools,
    Prompts,
}

/// Everything the runner asks for.
#[derive(Clone)]
struct Fixtures(Arc<Inner>);

struct Inner {
    seals: RequestStateCodec,
    changes: broadcast::Sender<Change>,
    watched: Mutex<BTreeSet<String>>,
    tasks: TaskManager,
}

/// The endpoint, with these behind it instead of our tools.
pub fn router(control: Control, options: WireOptions) -> Router {
    let seals = RequestStateCodec::new_unchecked(key::seal_key(&control).to_vec());
    let changes = broadcast::Sender::new(CHANGES);
    let inner = Inner { seals, changes, watched: Mutex::default(), tasks: TaskManager::new() };
    let tools = tools::NAMES.into_iter().collect();
    let rates = limiter(&control, &options);
    stack(Stack { control, options, rates, tools }, Fixtures(Arc::new(inner)))
}

impl ServerHandler for Fixtures {
    fn get_info(&self) -> ServerConfig {
        let can = ServerCapabilities::builder()
            .enable_tools()
            .enable_tool_list_changed()
            .enable_resources()
            .enable_resources_subscribe()
            .enable_prompts()
            .enable_prompts_list_changed()
            .enable_completions()
            .enable_logging()
            .enable_tasks()
            .build();
        let name = Implementation::new("serverflow-conformance", env!("CARGO_PKG_VERSION"));
        ServerConfig::new(can).with_server_info(name)
    }

    async fn list_tools(
        &self,
        _: Option<PaginatedRequestParams>,
        _: RequestContext<RoleServer>,
    ) -> Result<ListToolsResult, ErrorData> {
        Ok(tools::list())
    }

    fn get_tool(&self, name: &str) -> Option<Tool> {
        tools::list().tools.into_iter().find(|tool| tool.name == name)
    }

    async fn call_tool(
        &self,
        request: CallToolRequestParams,
        context: RequestContext<RoleServer>,
    ) -> Result<CallToolResponse, ErrorData> {
        match request.name.as_ref() {
            "test_trigger_tool_change" => Ok(self.changed(Change::Tools)),
            "test_trigger_prompt_change" => Ok(self.changed(Change::Prompts)),
            _ => {
                if let Some(answer) = asking::call(&self.0.seals, &request, &context).await {
                    return answer;
                }
                if let Some(answer) = tasks::call(&self.0.tasks, &request, &context).await {
                    return answer;
                }
                tools::call(&request, &context).await
            }
        }
    }

    async fn get_task(
        &self,
        request: GetTaskParams,
        _: RequestContext<RoleServer>,
    ) -> Result<GetTaskResult, ErrorData> {
        self.0.tasks.get_task(&request.task_id).map(GetTaskResult::new)
    }

    async fn update_task(&self, request: UpdateTaskParams, _: RequestContext<RoleServer>) -> Result<(), ErrorData> {
        self.0.tasks.update_task(&request.task_id, request.input_responses)
    }

    async fn cancel_task(&self, request: CancelTaskParams, _: RequestContext<RoleServer>) -> Result<(), ErrorData> {
        self.0.tasks.cancel_task(&request.task_id)
    }

    async fn list_resources(
        &self,
        _: Option<PaginatedRequestParams>,
        _: RequestContext<RoleServer>,
    ) -> Result<ListResourcesResult, ErrorData> {
        Ok(showing::resources())
    }

    async fn list_resource_templates(
        &self,
        _: Option<PaginatedRequestParams>,
        _: RequestContext<RoleServer>,
    ) -> Result<ListResourceTemplatesResult, ErrorData> {
        Ok(showing::templates())
    }

    async fn read_resource(
        &self,
        request: ReadResourceRequestParams,
        _: RequestContext<RoleServer>,
    ) -> Result<ReadResourceResponse, ErrorData> {
        showing::read(&request.uri).map(Into::into)
    }

    async fn list_prompts(
        &self,
        _: Option<PaginatedRequestParams>,
        _: RequestContext<RoleServer>,
    ) -> Result<ListPromptsResult, ErrorData> {
        Ok(showing::prompts())
    }

    async fn get_prompt(
        &self,
        request: GetPromptRequestParams,
        _: RequestContext<RoleServer>,
    ) -> Result<GetPromptResponse, ErrorData> {
        match asking::prompt(&request) {
            Some(question) => Ok(question.into()),
            None => showing::prompt(&request).map(Into::into),
        }
    }

    async fn complete(
        &self,
        request: CompleteRequestParams,
        _: RequestContext<RoleServer>,
    ) -> Result<CompleteResult, ErrorData> {
        showing::complete(&request.argument.value)
    }

    async fn set_level(&self, _: SetLevelRequestParams, _: RequestContext<RoleServer>) -> Result<(), ErrorData> {
        Ok(())
    }

    async fn subscribe(&self, request: SubscribeRequestParams, _: RequestContext<RoleServer>) -> Result<(), ErrorData> {
        self.0.watched.lock().unwrap_or_else(PoisonError::into_inner).insert(request.uri);
        Ok(())
    }

    async fn unsubscribe(
        &self,
        request: UnsubscribeRequestParams,
        _: RequestContext<RoleServer>,
    ) -> Result<(), ErrorData> {
        self.0.watched.lock().unwrap_or_else(PoisonError::into_inner).remove(&request.uri);
        Ok(())
    }

    fn accepted_subscription_filter(&self, requested: &SubscriptionFilter) -> Option<SubscriptionFilter> {
        Some(requested.clone())
    }

    async fn listen(&self, context: SubscriptionContext) -> Result<(), ErrorData> {
        let mut changes = self.0.changes.subscribe();
        loop {
            let change = tokio::select! {
                () = context.cancelled() => return Ok(()),
                change = changes.recv() => change,
            };
            let (notice, wanted) = match change {
                Ok(Change::Tools) => (
                    ServerNotification::ToolListChangedNotification(ToolListChangedNotification::default()),
                    context.accepted().tools_list_changed,
                ),
                Ok(Change::Prompts) => (
                    ServerNotification::PromptListChangedNotification(PromptListChangedNotification::default()),
                    context.accepted().prompts_list_changed,
                ),
                Err(broadcast::error::RecvError::Lagged(_)) => continue,
                Err(broadcast::error::RecvError::Closed) => return Ok(()),
            };
            if wanted == Some(true) && context.sink().send(notice).await.is_err() {
                return Ok(());
            }
        }
    }
}

impl Fixtures {
    /// Tells whoever listens.
    fn changed(&self, change: Change) -> CallToolResponse {
        // Nobody listening is no failure.
        drop(self.0.changes.send(change));
        tools::text("Changed.").into()
    }
}
