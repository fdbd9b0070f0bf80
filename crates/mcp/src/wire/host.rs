//! Each method of the protocol, for whichever tools stand behind it. Holds nothing of a caller: every request brings its own.

use std::sync::Arc;
use std::time::Duration;

use http::request::Parts;
use rmcp::model::CacheScope;
use rmcp::model::{
    CallToolRequestParams, CallToolResponse, CancelTaskParams, ClientCapabilities, CompleteRequestParams,
    CompleteResult, CompletionInfo, ErrorData, GetPromptRequestParams, GetPromptResponse, GetPromptResult,
    GetTaskParams, GetTaskResult, Implementation, ListPromptsResult, ListResourceTemplatesResult, ListResourcesResult,
    ListToolsResult, PaginatedRequestParams, PromptMessage, ReadResourceRequestParams, ReadResourceResponse,
    ReadResourceResult, Reference, ResourceContents, Role, ServerCapabilities, ServerConfig, UpdateTaskParams,
};
use rmcp::service::RequestContext;
use rmcp::{RoleServer, ServerHandler};
use serde_json::{Map, Value, json};
use sf_actions::run::{RunAction, RunRef};
use sf_actions::{AccessScope, Action};
use sf_control::{Control, Proposal};
use sf_runtime::OnError;
use sf_types::{ErrorKind, Fault, RequestId};
use tokio::sync::oneshot;
use tracing::Instrument;

use super::challenge::Lacking;
use super::held::{Desk, Era, internal};
use super::rates::{Counted, Limiter, Principal, Weight};
use super::sealed::{Digested, Seals};
use super::{ANSWER_WITHIN, WireOptions, answer, lists};
use crate::call::{Abilities, Call, Caller, Outcome, PartOf, Partial, ToolSpec, Toolbox};

/// Characters of an argument that is being typed, at the most.
pub const MAX_PARTIAL_CHARS: usize = 200;
/// The first revision in which an answer can link what is read elsewhere.
const LINKED: &str = "2025-06-18";
/// The first revision in which answers ask, and requests say what their host can do.
const MODERN: &str = "2026-07-28";

/// The protocol's side of a toolbox. Cheap to clone: there is one for each request.
#[derive(Debug)]
pub(crate) struct Host<T>(Arc<Inner<T>>);

impl<T> Clone for Host<T> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

#[derive(Debug)]
struct Inner<T> {
    control: Control,
    toolbox: T,
    options: WireOptions,
    rates: Arc<Limiter>,
    seals: Seals,
    /// Of everybody: which tool it is, before it is asked who may call it.
    tools: Vec<ToolSpec>,
}

/// What a request brought along.
struct Asked {
    caller: Caller,
    principal: Principal,
    request: RequestId,
    lacking: Lacking,
}

impl<T: Toolbox> Host<T> {
    pub(super) fn new(control: Control, toolbox: T, options: WireOptions, rates: Arc<Limiter>) -> Self {
        let (seals, tools) = (Seals::new(&control), toolbox.list(&AccessScope::ALL));
        Self(Arc::new(Inner { control, toolbox, options, rates, seals, tools }))
    }

    /// The door put it beside the request.
    fn asked(&self, context: &RequestContext<RoleServer>) -> Result<Asked, ErrorData> {
        let lost = || ErrorData::internal_error("The request lost its caller.", None);
        let parts = context.extensions.get::<Parts>().ok_or_else(lost)?;
        let caller = parts.extensions.get::<Caller>().cloned().ok_or_else(lost)?;
        let principal = Principal::of(&caller.actor).ok_or_else(lost)?;
        let control = &self.0.control;
        let request = parts.extensions.get::<RequestId>().copied();
        let request = request.unwrap_or_else(|| control.rng().id(control.clock()));
        let lacking = parts.extensions.get::<Lacking>().cloned().unwrap_or_default();
        Ok(Asked { caller, principal, request, lacking })
    }

    fn desk<'a>(&'a self, asked: &'a Asked) -> Desk<'a> {
        let inner = &*self.0;
        Desk {
            control: &inner.control,
            seals: &inner.seals,
            caller: &asked.caller,
            principal: asked.principal,
            patience: inner.options.patience,
        }
    }

    /// Counts a call of a tool that there is.
    fn count(&self, asked: &Asked, tool: &str) -> Result<(), Duration> {
        let Some(spec) = self.0.tools.iter().find(|spec| spec.name == tool) else { return Ok(()) };
        let weight = match (spec.read_only, spec.destructive) {
            (true, _) => Weight::Reading,
            (false, false) => Weight::Acting,
            (false, true) => Weight::Destroying,
        };
        let who = (asked.principal, &asked.caller);
        self.0.rates.take(who, Counted::Tool(spec.name, weight), spec.name, self.0.control.now())
    }

    /// Calls it in a task of its own: a host that leaves ends nothing that was begun.
    async fn carried_out(&self, call: Call) -> Result<Outcome, Fault> {
        let (toolbox, (tell, told)) = (self.0.toolbox.clone(), oneshot::channel());
        let span = tracing::info_span!("mcp call", tool = %call.tool.escape_debug(), correlation_id = %call.request);
        let work = async move {
            drop(tell.send(toolbox.call(call).await));
            Ok::<(), std::convert::Infallible>(())
        };
        self.0.options.tasks.spawn("mcp call", OnError::Log, work.instrument(span));
        match tokio::time::timeout(ANSWER_WITHIN, told).await {
            Ok(Ok(outcome)) => Ok(outcome),
            Ok(Err(_)) => {
                let fault = Fault::new(ErrorKind::Internal, "mcp.panicked", "The control plane made a mistake.");
                Err(fault.fix("Look whether it was done all the same, then try again."))
            }
            Err(_) => {
                let message = format!("This took longer than {} s and goes on.", ANSWER_WITHIN.as_secs());
                let fault = Fault::new(ErrorKind::Timeout, "mcp.slow", message);
                Err(fault.fix("Look in a while whether it was done, before you try again."))
            }
        }
    }

    async fn called(
        &self,
        asked: &Asked,
        name: String,
        arguments: Map<String, Value>,
        context: &RequestContext<RoleServer>,
    ) -> Result<CallToolResponse, ErrorData> {
        let digest = Digested::of(&name, &arguments);
        let abilities = abilities(context.client_capabilities().as_ref());
        let call = Call {
            caller: asked.caller.clone(),
            request: asked.request,
            tool: name.clone(),
            arguments,
            abilities,
            patience: self.0.options.patience,
        };
        let outcome = match self.carried_out(call).await {
            Ok(outcome) => outcome,
            Err(fault) => return Ok(answer::failed(&fault, false).into()),
        };
        Ok(match outcome {
            Outcome::Done(done) => answer::done(done, speaks(context, LINKED)).into(),
            Outcome::Refused(refusal) => answer::refused(&refusal).into(),
            Outcome::Held(held) => {
                let era = if speaks(context, MODERN) { Era::Modern } else { Era::Legacy(&context.peer) };
                self.desk(asked).tell(era, abilities, &digest, &held).await
            }
            Outcome::Scopes(needed) => {
                asked.lacking.say(needed);
                return Err(ErrorData::invalid_request("This call needs scopes that were not granted.", None));
            }
            Outcome::Unknown => {
                let known = self.0.toolbox.list(&asked.caller.scopes).into_iter().map(|tool| tool.name);
                let known: Vec<&str> = known.collect();
                let name: String = name.chars().take(64).collect();
                return Err(ErrorData::invalid_params(
                    format!("There is no tool `{name}`."),
                    Some(json!({ "tools": known })),
                ));
            }
        })
    }
}

/// Whether a request is of this revision or a later one. They are dates, so they compare as text.
fn speaks(context: &RequestContext<RoleServer>, revision: &str) -> bool {
    context.protocol_version().is_some_and(|version| version.as_str() >= revision)
}

fn abilities(said: Option<&ClientCapabilities>) -> Abilities {
    let Some(said) = said else { return Abilities::default() };
    let asks = said.elicitation.as_ref();
    Abilities {
        // Saying that it can ask, and not how, means forms: all there were at first.
        forms: asks.is_some_and(|asks| asks.form.is_some() || asks.url.is_none()),
        links: asks.is_some_and(|asks| asks.url.is_some()),
        tasks: said.supports_tasks(),
    }
}

impl<T: Toolbox> ServerHandler for Host<T> {
    fn get_info(&self) -> ServerConfig {
        let can = ServerCapabilities::builder()
            .enable_tools()
            .enable_resources()
            .enable_prompts()
            .enable_completions()
            .enable_tasks()
            .build();
        ServerConfig::new(can)
            .with_server_info(Implementation::new("serverflow", env!("CARGO_PKG_VERSION")).with_title("ServerFlow"))
            .with_instructions(self.0.toolbox.instructions())
    }

    async fn list_tools(
        &self,
        _: Option<PaginatedRequestParams>,
        context: RequestContext<RoleServer>,
    ) -> Result<ListToolsResult, ErrorData> {
        let asked = self.asked(&context)?;
        Ok(lists::tools(self.0.toolbox.list(&asked.caller.scopes)))
    }

    async fn call_tool(
        &self,
        request: CallToolRequestParams,
        context: RequestContext<RoleServer>,
    ) -> Result<CallToolResponse, ErrorData> {
        let asked = self.asked(&context)?;
        if let Err(wait) = self.count(&asked, &request.name) {
            let message = format!("`{}` was called too often by this client.", request.name);
            let fault = Fault::new(ErrorKind::RateLimited, "rate.limited", message);
            let fault =
                fault.fix(format!("Wait {} s, and ask for more at once instead of more often.", wait.as_secs()));
            return Ok(answer::limited(&fault, wait).into());
        }
        let (name, arguments) = (request.name.into_owned(), request.arguments.unwrap_or_default());
        match request.request_state {
            Some(state) => self.desk(&asked).again(&Digested::of(&name, &arguments), &state).await,
            None => self.called(&asked, name, arguments, &context).await,
        }
    }

    async fn list_resources(
        &self,
        _: Option<PaginatedRequestParams>,
        context: RequestContext<RoleServer>,
    ) -> Result<ListResourcesResult, ErrorData> {
        let asked = self.asked(&context)?;
        Ok(lists::resources(self.0.toolbox.resources(&asked.caller.scopes)))
    }

    async fn list_resource_templates(
        &self,
        _: Option<PaginatedRequestParams>,
        context: RequestContext<RoleServer>,
    ) -> Result<ListResourceTemplatesResult, ErrorData> {
        let asked = self.asked(&context)?;
        Ok(lists::templates(self.0.toolbox.resources(&asked.caller.scopes)))
    }

    async fn read_resource(
        &self,
        request: ReadResourceRequestParams,
        context: RequestContext<RoleServer>,
    ) -> Result<ReadResourceResponse, ErrorData> {
        let asked = self.asked(&context)?;
        let uri = request.uri;
        let reading = self.0.toolbox.read(&asked.caller, &uri).await.map_err(|fault| match fault.kind {
            ErrorKind::NotFound => ErrorData::resource_not_found(fault.message, Some(json!({ "uri": uri }))),
            ErrorKind::Internal | ErrorKind::Unavailable | ErrorKind::Timeout => internal(&fault),
            _ => ErrorData::invalid_params(format!("{} {}", fault.message, fault.fix), Some(json!({ "uri": uri }))),
        })?;
        let contents = ResourceContents::text(reading.text, uri).with_mime_type(reading.mime);
        Ok(ReadResourceResult::new(vec![contents]).with_ttl_ms(0).with_cache_scope(CacheScope::Private).into())
    }

    async fn list_prompts(
        &self,
        _: Option<PaginatedRequestParams>,
        _: RequestContext<RoleServer>,
    ) -> Result<ListPromptsResult, ErrorData> {
        Ok(lists::prompts(self.0.toolbox.prompts()))
    }

    async fn get_prompt(
        &self,
        request: GetPromptRequestParams,
        _: RequestContext<RoleServer>,
    ) -> Result<GetPromptResponse, ErrorData> {
        let text = self.0.toolbox.prompt(&request.name, &request.arguments.unwrap_or_default());
        let text = text.map_err(|fault| ErrorData::invalid_params(format!("{} {}", fault.message, fault.fix), None))?;
        Ok(GetPromptResult::new(vec![PromptMessage::new_text(Role::User, text)]).into())
    }

    async fn complete(
        &self,
        request: CompleteRequestParams,
        context: RequestContext<RoleServer>,
    ) -> Result<CompleteResult, ErrorData> {
        let asked = self.asked(&context)?;
        let of = match request.r#ref {
            Reference::Prompt(prompt) => PartOf::Prompt(prompt.name),
            Reference::Resource(resource) => PartOf::Template(resource.uri),
            _ => return Ok(CompleteResult::default()),
        };
        let value = request.argument.value.chars().take(MAX_PARTIAL_CHARS).collect();
        let partial = Partial { of, argument: request.argument.name, value };
        let mut values = self.0.toolbox.complete(&asked.caller, partial).await;
        values.truncate(CompletionInfo::MAX_VALUES);
        CompletionInfo::new(values).map(CompleteResult::new).map_err(|error| ErrorData::internal_error(error, None))
    }

    async fn get_task(
        &self,
        request: GetTaskParams,
        context: RequestContext<RoleServer>,
    ) -> Result<GetTaskResult, ErrorData> {
        let asked = self.asked(&context)?;
        Ok(GetTaskResult::new(self.desk(&asked).look(&request.task_id).await?))
    }

    /// Nothing is asked within a task: who decides it does so in the dashboard.
    async fn update_task(
        &self,
        request: UpdateTaskParams,
        context: RequestContext<RoleServer>,
    ) -> Result<(), ErrorData> {
        let asked = self.asked(&context)?;
        self.desk(&asked).look(&request.task_id).await.map(drop)
    }

    async fn cancel_task(
        &self,
        request: CancelTaskParams,
        context: RequestContext<RoleServer>,
    ) -> Result<(), ErrorData> {
        let asked = self.asked(&context)?;
        let run = self.desk(&asked).run_of(&request.task_id)?;
        let action = Action::Run(RunAction::Cancel(RunRef { run }));
        let done = self.0.control.propose(&asked.caller.actor, asked.request, Proposal::of(action)).await;
        // What has ended, or may not be stopped by this caller, is seen by looking at it.
        match done {
            Err(fault) if matches!(fault.kind, ErrorKind::Internal | ErrorKind::Unavailable) => Err(internal(&fault)),
            _ => Ok(()),
        }
    }
}
