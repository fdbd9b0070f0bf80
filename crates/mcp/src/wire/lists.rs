//! What there is, as the protocol lists it. Pure.

use std::sync::Arc;

use rmcp::model::{
    CacheScope, ListPromptsResult, ListResourceTemplatesResult, ListResourcesResult, ListToolsResult, Prompt,
    PromptArgument, Resource, ResourceTemplate, Tool, ToolAnnotations,
};

use crate::call::{PromptSpec, ResourceSpec, ToolSpec};

/// How long a list may be taken for fresh, milliseconds: it changes with its reader's scopes and with our version.
const FRESH_MS: u64 = 60_000;

/// The tools of one reader: nobody else may be shown them.
pub(super) fn tools(specs: Vec<ToolSpec>) -> ListToolsResult {
    let tools = specs.into_iter().map(tool).collect();
    ListToolsResult::with_all_items(tools).with_ttl_ms(FRESH_MS).with_cache_scope(CacheScope::Private)
}

fn tool(spec: ToolSpec) -> Tool {
    let annotations = ToolAnnotations::new()
        .read_only(spec.read_only)
        .destructive(spec.destructive)
        .idempotent(spec.idempotent)
        .open_world(false);
    Tool::new(spec.name, spec.description, Arc::new(spec.input))
        .with_title(spec.title)
        .with_raw_output_schema(Arc::new(spec.output))
        .with_annotations(annotations)
}

/// What can be read.
pub(super) fn resources(specs: Vec<ResourceSpec>) -> ListResourcesResult {
    let fixed = specs.into_iter().filter(|spec| !spec.is_template()).map(|spec| {
        Resource::new(spec.uri, spec.name)
            .with_title(spec.title)
            .with_description(spec.description)
            .with_mime_type(spec.mime)
    });
    ListResourcesResult::with_all_items(fixed.collect()).with_ttl_ms(FRESH_MS).with_cache_scope(CacheScope::Private)
}

/// Of which many can be read.
pub(super) fn templates(specs: Vec<ResourceSpec>) -> ListResourceTemplatesResult {
    let many = specs.into_iter().filter(ResourceSpec::is_template).map(|spec| {
        ResourceTemplate::new(spec.uri, spec.name)
            .with_title(spec.title)
            .with_description(spec.description)
            .with_mime_type(spec.mime)
    });
    let many = ListResourceTemplatesResult::with_all_items(many.collect());
    many.with_ttl_ms(FRESH_MS).with_cache_scope(CacheScope::Private)
}

/// What a person can start from.
pub(super) fn prompts(specs: Vec<PromptSpec>) -> ListPromptsResult {
    let prompts = specs.into_iter().map(|spec| {
        let arguments = spec.arguments.into_iter().map(|(name, meaning, required)| {
            PromptArgument::new(name).with_description(meaning).with_required(required)
        });
        Prompt::new(spec.name, Some(spec.description), Some(arguments.collect())).with_title(spec.title)
    });
    let prompts = ListPromptsResult::with_all_items(prompts.collect());
    prompts.with_ttl_ms(FRESH_MS).with_cache_scope(CacheScope::Private)
}
