//! Tools that answer by themselves.

use std::time::Duration;

use rmcp::RoleServer;
use rmcp::model::{
    AudioContent, CacheScope, CallToolRequestParams, CallToolResponse, CallToolResult, ContentBlock, ErrorData,
    ListToolsResult, LoggingLevel, LoggingMessageNotificationParam, ProgressNotificationParam, ResourceContents, Tool,
};
use rmcp::service::RequestContext;
use serde_json::json;

use super::{schema, showing};

/// An instant of silence, as WAV.
const SILENCE: &str = "UklGRiQAAABXQVZFZm10IBAAAAABAAEARKwAAIhYAQACABAAZGF0YQAAAAA=";
/// Between two words of a tool that reports: the runner wants to see them come one by one.
const PAUSE: Duration = Duration::from_millis(50);

/// All of them, in order: the runner tries the first one, which has to answer at once.
pub(super) const NAMES: [&str; 37] = [
    "json_schema_2020_12_tool",
    "test_audio_content",
    "test_custom_header",
    "test_elicitation",
    "test_elicitation_sep1034_defaults",
    "test_elicitation_sep1330_enums",
    "test_embedded_resource",
    "test_error_handling",
    "test_image_content",
    "test_input_required_result_capabilities",
    "test_input_required_result_elicitation",
    "test_input_required_result_list_roots",
    "test_input_required_result_multi_round",
    "test_input_required_result_multiple_inputs",
    "test_input_required_result_request_state",
    "test_input_required_result_sampling",
    "test_input_required_result_tampered_state",
    "test_logging_tool",
    "test_missing_capability",
    "test_multiple_content_types",
    "test_reconnection",
    "test_sampling",
    "test_simple_text",
    "test_streaming_elicitation",
    "test_tool_with_logging",
    "test_tool_with_progress",
    "test_tool_with_task",
    "test_trigger_prompt_change",
    "test_trigger_tool_change",
    "test_slow",
    "test_echo",
    "confirm_delete",
    "failing_job",
    "greet",
    "multi_input",
    "protocol_error_job",
    "slow_compute",
];

pub(super) fn list() -> ListToolsResult {
    let tools = NAMES.into_iter().map(|name| {
        let input = match name {
            "json_schema_2020_12_tool" => schema::whole(),
            "test_custom_header" => schema::mirrored(),
            "test_elicitation" => schema::one("message", "What to show"),
            "test_sampling" => schema::one("prompt", "What to ask"),
            "greet" => schema::one("name", "Whom to greet"),
            "test_echo" => schema::one("text", "What to say"),
            _ => schema::nothing(),
        };
        Tool::new(name, format!("For the conformance runner: {name}."), input)
    });
    ListToolsResult::with_all_items(tools.collect()).with_ttl_ms(0).with_cache_scope(CacheScope::Private)
}

pub(super) async fn call(
    request: &CallToolRequestParams,
    context: &RequestContext<RoleServer>,
) -> Result<CallToolResponse, ErrorData> {
    let argument = |name: &str| {
        let value = request.arguments.as_ref().and_then(|arguments| arguments.get(name));
        value.and_then(|value| value.as_str()).unwrap_or_default().to_owned()
    };
    let done = match request.name.as_ref() {
        "test_simple_text" => text("This is a simple text response for testing."),
        "test_image_content" => one(ContentBlock::image(showing::PIXEL, "image/png")),
        "test_audio_content" => one(ContentBlock::Audio(AudioContent::new(SILENCE, "audio/wav"))),
        "test_embedded_resource" => {
            one(embedded("test://embedded-resource", "text/plain", "This is an embedded resource content."))
        }
        "test_multiple_content_types" => CallToolResult::success(vec![
            ContentBlock::text("Multiple content types test:"),
            ContentBlock::image(showing::PIXEL, "image/png"),
            embedded("test://mixed-content-resource", "application/json", r#"{"test":"data","value":123}"#),
        ]),
        "test_error_handling" => {
            CallToolResult::error(vec![ContentBlock::text("This tool intentionally returns an error for testing")])
        }
        "test_tool_with_logging" | "test_logging_tool" => logging(context).await,
        "test_tool_with_progress" => progress(context).await,
        "test_reconnection" => {
            // tidy: sleep because a host is to leave and come back meanwhile
            tokio::time::sleep(2 * PAUSE).await;
            text("Reconnection test completed")
        }
        "test_slow" => {
            // tidy: sleep because it is slow on purpose
            tokio::time::sleep(20 * PAUSE).await;
            text("Slow test completed")
        }
        "test_custom_header" => text(argument("region")),
        "test_echo" => text(argument("text")),
        "json_schema_2020_12_tool" => text(argument("name")),
        name => return Err(ErrorData::invalid_params(format!("There is no tool `{name}`."), None)),
    };
    Ok(done.into())
}

pub(super) fn text(text: impl Into<String>) -> CallToolResult {
    one(ContentBlock::text(text))
}

fn one(block: ContentBlock) -> CallToolResult {
    CallToolResult::success(vec![block])
}

fn embedded(uri: &str, mime: &str, text: &str) -> ContentBlock {
    ContentBlock::resource(ResourceContents::text(text, uri).with_mime_type(mime))
}

/// Three words, to whoever wants them: in the newer protocol a request says so itself.
async fn logging(context: &RequestContext<RoleServer>) -> CallToolResult {
    let is_modern = context.protocol_version().is_some_and(|version| version.as_str() >= "2026-07-28");
    let is_wanted = !is_modern || context.meta.log_level().is_some();
    for words in ["Tool execution started", "Tool processing data", "Tool execution completed"] {
        if is_wanted {
            let said = LoggingMessageNotificationParam::new(LoggingLevel::Info, json!(words));
            drop(context.peer.notify_logging_message(said).await);
        }
        tokio::time::sleep(PAUSE).await;
    }
    text("Logging test completed")
}

async fn progress(context: &RequestContext<RoleServer>) -> CallToolResult {
    for reached in [0.0, 50.0, 100.0] {
        if let Some(token) = context.meta.get_progress_token() {
            let said = ProgressNotificationParam::new(token, reached).with_total(100.0);
            drop(context.peer.notify_progress(said).await);
        }
        tokio::time::sleep(PAUSE).await;
    }
    text("Progress test completed")
}
