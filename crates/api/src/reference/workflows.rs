//! The limits of workflows, their expressions, and what starts them.

use sf_actions::{hook, preview};
use sf_control::hooks as pushes;
use sf_control::workflow as application;
use sf_engine::push;
use sf_engine::workflow::definition;
use sf_engine::workflow::expr::limit;
use sf_engine::workflow::{advance, document, execution, schedule, span, webhook};
use sf_store::hooks;

use super::{Row, bytes, secs};

fn characters(count: usize) -> String {
    format!("{count} characters")
}

pub(super) fn limits() -> Vec<Row> {
    let mut rows = documents();
    rows.extend(runs());
    rows.extend(expressions());
    rows.extend(starts());
    rows
}

fn documents() -> Vec<Row> {
    vec![
        (
            "workflows of a project",
            sf_store::workflows::MAX_PER_PROJECT.to_string(),
            "store::workflows::MAX_PER_PROJECT",
        ),
        ("document of a workflow", bytes(document::MAX_BYTES), "engine::workflow::document::MAX_BYTES"),
        ("id of a step or trigger", characters(document::MAX_ID_CHARS), "engine::workflow::document::MAX_ID_CHARS"),
        ("steps of a document", definition::MAX_STEPS.to_string(), "engine::workflow::definition::MAX_STEPS"),
        ("blocks within blocks", definition::MAX_NESTING.to_string(), "engine::workflow::definition::MAX_NESTING"),
        ("triggers of a document", definition::MAX_TRIGGERS.to_string(), "engine::workflow::definition::MAX_TRIGGERS"),
        (
            "problems of a document told at a time",
            definition::MAX_PROBLEMS.to_string(),
            "engine::workflow::definition::MAX_PROBLEMS",
        ),
        ("items of a map", definition::MAX_ITEMS.to_string(), "engine::workflow::definition::MAX_ITEMS"),
        (
            "items of a map at a time",
            definition::MAX_ITEMS_AT_A_TIME.to_string(),
            "engine::workflow::definition::MAX_ITEMS_AT_A_TIME",
        ),
        (
            "the same unless told",
            definition::ITEMS_AT_A_TIME.to_string(),
            "engine::workflow::definition::ITEMS_AT_A_TIME",
        ),
        ("a span of time in a document", secs(span::LONGEST), "engine::workflow::span::LONGEST"),
        (
            "versions of a workflow listed at a time",
            application::look::VERSIONS.to_string(),
            "control::workflow::look::VERSIONS",
        ),
    ]
}

fn runs() -> Vec<Row> {
    vec![
        ("time of a workflow's run unless told", secs(definition::TIMEOUT), "engine::workflow::definition::TIMEOUT"),
        (
            "time of one try of a step unless told",
            secs(definition::STEP_TIMEOUT),
            "engine::workflow::definition::STEP_TIMEOUT",
        ),
        (
            "time to decide about a step unless told",
            secs(definition::APPROVAL_EXPIRES),
            "engine::workflow::definition::APPROVAL_EXPIRES",
        ),
        (
            "steps of one run, those of all items counted",
            execution::MAX_INSTANCES.to_string(),
            "engine::workflow::execution::MAX_INSTANCES",
        ),
        ("workflows that run each other", application::MAX_DEPTH.to_string(), "control::workflow::MAX_DEPTH"),
        (
            "runs of one key that wait for their turn",
            application::MAX_QUEUED.to_string(),
            "control::workflow::MAX_QUEUED",
        ),
        ("data of an event sent to a run", bytes(application::MAX_EVENT_BYTES), "control::workflow::MAX_EVENT_BYTES"),
        ("events kept for a step to come", advance::MAX_MAIL.to_string(), "engine::workflow::advance::MAX_MAIL"),
        (
            "answer to a `query` step",
            bytes(crate::route::workflows::reads::MAX_ANSWER_BYTES),
            "api::route::workflows::reads::MAX_ANSWER_BYTES",
        ),
        (
            "value that stands in the journal itself",
            bytes(application::MAX_INLINE_BYTES),
            "control::workflow::MAX_INLINE_BYTES",
        ),
        (
            "starts without anything happening, then a run is put aside",
            advance::MAX_RECOVERIES.to_string(),
            "engine::workflow::advance::MAX_RECOVERIES",
        ),
        (
            "workflows kept at hand",
            application::CACHED_DEFINITIONS.to_string(),
            "control::workflow::CACHED_DEFINITIONS",
        ),
    ]
}

fn expressions() -> Vec<Row> {
    vec![
        ("expression", characters(limit::EXPRESSION_CHARS), "engine::workflow::expr::limit::EXPRESSION_CHARS"),
        (
            "levels of an expression",
            limit::EXPRESSION_DEPTH.to_string(),
            "engine::workflow::expr::limit::EXPRESSION_DEPTH",
        ),
        (
            "nodes of an expression",
            limit::EXPRESSION_NODES.to_string(),
            "engine::workflow::expr::limit::EXPRESSION_NODES",
        ),
        (
            "expressions of a template",
            limit::TEMPLATE_EXPRESSIONS.to_string(),
            "engine::workflow::expr::limit::TEMPLATE_EXPRESSIONS",
        ),
        ("levels of a template", limit::TEMPLATE_DEPTH.to_string(), "engine::workflow::expr::limit::TEMPLATE_DEPTH"),
        (
            "comprehensions within each other",
            limit::COMPREHENSION_NESTING.to_string(),
            "engine::workflow::expr::limit::COMPREHENSION_NESTING",
        ),
        (
            "elements of a comprehension",
            limit::COMPREHENSION_ELEMENTS.to_string(),
            "engine::workflow::expr::limit::COMPREHENSION_ELEMENTS",
        ),
        ("work of an evaluation", format!("{} units", limit::WORK_UNITS), "engine::workflow::expr::limit::WORK_UNITS"),
        (
            "bytes copied or compared for a unit",
            limit::BYTES_PER_UNIT.to_string(),
            "engine::workflow::expr::limit::BYTES_PER_UNIT",
        ),
        ("result of an expression", bytes(limit::RESULT_BYTES), "engine::workflow::expr::limit::RESULT_BYTES"),
        ("levels of a result", limit::RESULT_DEPTH.to_string(), "engine::workflow::expr::limit::RESULT_DEPTH"),
        ("pattern of `matches`", bytes(limit::PATTERN_BYTES), "engine::workflow::expr::limit::PATTERN_BYTES"),
        (
            "the same, compiled",
            bytes(limit::PATTERN_COMPILED_BYTES),
            "engine::workflow::expr::limit::PATTERN_COMPILED_BYTES",
        ),
    ]
}

fn starts() -> Vec<Row> {
    vec![
        ("cron line", characters(schedule::MAX_CRON_CHARS), "schedule::MAX_CRON_CHARS"),
        ("name of a time zone", characters(schedule::MAX_ZONE_CHARS), "schedule::MAX_ZONE_CHARS"),
        ("a moment later than this is missed", secs(schedule::GRACE), "schedule::GRACE"),
        ("moments that `missed: all` makes up for", schedule::MAX_CATCH_UP.to_string(), "schedule::MAX_CATCH_UP"),
        ("missed moments counted", schedule::MAX_COUNTED.to_string(), "schedule::MAX_COUNTED"),
        ("how far a moment is looked for", format!("{} years", schedule::SEARCH_YEARS), "schedule::SEARCH_YEARS"),
        ("body of a webhook's request", bytes(webhook::MAX_BODY_BYTES), "engine::workflow::webhook::MAX_BODY_BYTES"),
        ("header of it that is read", bytes(webhook::MAX_HEADER_BYTES), "engine::workflow::webhook::MAX_HEADER_BYTES"),
        ("id of a delivery", bytes(webhook::MAX_DELIVERY_BYTES), "engine::workflow::webhook::MAX_DELIVERY_BYTES"),
        ("signatures of a request", webhook::MAX_SIGNATURES.to_string(), "engine::workflow::webhook::MAX_SIGNATURES"),
        ("secrets of a webhook at a time", webhook::MAX_SECRETS.to_string(), "engine::workflow::webhook::MAX_SECRETS"),
        ("secret of a webhook", bytes(webhook::MAX_SECRET_BYTES), "engine::workflow::webhook::MAX_SECRET_BYTES"),
        ("name of a header", characters(webhook::MAX_HEADER_NAME), "engine::workflow::webhook::MAX_HEADER_NAME"),
        ("how far a signed time may be from now", secs(webhook::TOLERANCE), "engine::workflow::webhook::TOLERANCE"),
        (
            "time the secret before the newest is taken",
            secs(application::hooks::ROTATION),
            "control::workflow::hooks::ROTATION",
        ),
        ("folders and files that a hook of an app names", hook::MAX_PATHS.to_string(), "actions::hook::MAX_PATHS"),
        ("one of them", bytes(hook::MAX_PATH_BYTES), "actions::hook::MAX_PATH_BYTES"),
        (
            "pattern of branches that are previewed",
            bytes(preview::MAX_PATTERN_BYTES),
            "actions::preview::MAX_PATTERN_BYTES",
        ),
        ("days a preview stays after its last push", preview::MAX_DAYS.to_string(), "actions::preview::MAX_DAYS"),
        ("previews of one app at once", preview::MAX_AT_ONCE.to_string(), "actions::preview::MAX_AT_ONCE"),
        ("deliveries kept of a hook", hooks::DELIVERIES_KEPT.to_string(), "store::hooks::DELIVERIES_KEPT"),
        ("age of a push that is deployed", secs(push::MAX_AGE), "engine::push::MAX_AGE"),
        ("how often a refused request is noted", secs(pushes::NOTED_EVERY), "control::hooks::NOTED_EVERY"),
    ]
}
