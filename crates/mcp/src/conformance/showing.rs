//! Resources and prompts.

use rmcp::model::{
    CacheScope, CompleteResult, CompletionInfo, ContentBlock, ErrorData, GetPromptRequestParams, GetPromptResult,
    ListPromptsResult, ListResourceTemplatesResult, ListResourcesResult, Prompt, PromptArgument, PromptMessage,
    ReadResourceResult, Resource, ResourceContents, ResourceTemplate, Role,
};
use serde_json::json;

/// A red pixel, as PNG.
pub(super) const PIXEL: &str =
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mP8z8DwHwAFBQIAX8jx0gAAAABJRU5ErkJggg==";

pub(super) fn resources() -> ListResourcesResult {
    let all = [
        ("test://static-text", "Static text", "text/plain"),
        ("test://static-binary", "Static binary", "image/png"),
        ("test://watched-resource", "Watched", "text/plain"),
    ];
    let all = all.into_iter().map(|(uri, name, mime)| {
        Resource::new(uri, name).with_description("For the conformance runner.").with_mime_type(mime)
    });
    ListResourcesResult::with_all_items(all.collect()).with_ttl_ms(0).with_cache_scope(CacheScope::Private)
}

pub(super) fn templates() -> ListResourceTemplatesResult {
    let one = ResourceTemplate::new("test://template/{id}/data", "By id")
        .with_description("For the conformance runner.")
        .with_mime_type("application/json");
    ListResourceTemplatesResult::with_all_items(vec![one]).with_ttl_ms(0).with_cache_scope(CacheScope::Private)
}

pub(super) fn read(uri: &str) -> Result<ReadResourceResult, ErrorData> {
    let contents = match uri {
        "test://static-text" => ResourceContents::text("This is the content of the static text resource.", uri),
        "test://watched-resource" => ResourceContents::text("Watched.", uri),
        "test://static-binary" => ResourceContents::blob(PIXEL, uri).with_mime_type("image/png"),
        _ => {
            let id = uri.strip_prefix("test://template/").and_then(|rest| rest.strip_suffix("/data"));
            let Some(id) = id.filter(|id| !id.is_empty() && !id.contains('/')) else {
                return Err(ErrorData::resource_not_found("Resource not found", Some(json!({ "uri": uri }))));
            };
            let data = json!({ "id": id, "templateTest": true, "data": format!("Data for ID: {id}") });
            ResourceContents::text(data.to_string(), uri).with_mime_type("application/json")
        }
    };
    Ok(ReadResourceResult::new(vec![contents]).with_ttl_ms(0).with_cache_scope(CacheScope::Private))
}

pub(super) fn prompts() -> ListPromptsResult {
    let argument = |name: &str| PromptArgument::new(name).with_description("A text").with_required(true);
    let all = [
        ("test_simple_prompt", None),
        ("test_prompt_with_arguments", Some(vec![argument("arg1"), argument("arg2")])),
        ("test_prompt_with_embedded_resource", Some(vec![argument("resourceUri")])),
        ("test_prompt_with_image", None),
        ("test_input_required_result_prompt", None),
    ];
    let all =
        all.into_iter().map(|(name, arguments)| Prompt::new(name, Some("For the conformance runner."), arguments));
    ListPromptsResult::with_all_items(all.collect()).with_ttl_ms(0).with_cache_scope(CacheScope::Private)
}

pub(super) fn prompt(request: &GetPromptRequestParams) -> Result<GetPromptResult, ErrorData> {
    let argument = |name: &str| {
        let value = request.arguments.as_ref().and_then(|arguments| arguments.get(name));
        value.and_then(|value| value.as_str()).unwrap_or_default().to_owned()
    };
    let say = |text: String| PromptMessage::new_text(Role::User, text);
    let messages = match request.name.as_str() {
        "test_simple_prompt" => vec![say("This is a simple prompt for testing.".to_owned())],
        "test_prompt_with_arguments" => {
            vec![say(format!("Prompt with arguments: arg1='{}', arg2='{}'", argument("arg1"), argument("arg2")))]
        }
        "test_prompt_with_embedded_resource" => {
            let resource = ResourceContents::text("Embedded resource content for testing.", argument("resourceUri"));
            vec![
                PromptMessage::new(Role::User, ContentBlock::resource(resource)),
                say("Please process the embedded resource above.".to_owned()),
            ]
        }
        "test_prompt_with_image" => vec![
            PromptMessage::new(Role::User, ContentBlock::image(PIXEL, "image/png")),
            say("Please analyze the image above.".to_owned()),
        ],
        "test_input_required_result_prompt" => vec![say("With the context that was given.".to_owned())],
        name => return Err(ErrorData::invalid_params(format!("There is no prompt `{name}`."), None)),
    };
    Ok(GetPromptResult::new(messages))
}

pub(super) fn complete(begun: &str) -> Result<CompleteResult, ErrorData> {
    let all = ["paris", "park", "party"];
    let values = all.into_iter().filter(|value| value.starts_with(begun)).map(str::to_owned).collect();
    CompletionInfo::new(values).map(CompleteResult::new).map_err(|error| ErrorData::internal_error(error, None))
}
