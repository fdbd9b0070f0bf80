//! What is generated and committed is what the program says. `SF_BLESS=1` rewrites the committed files.

#![expect(clippy::unwrap_used, reason = "a test says by panicking")]

use std::path::PathBuf;

use serde_json::Value;

fn check(path: &str, made: &str) {
    let file = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../..").join(path);
    if sf_runtime::env::var("SF_BLESS").is_some() {
        std::fs::create_dir_all(file.parent().unwrap()).unwrap();
        std::fs::write(&file, made).unwrap();
    }
    let committed = std::fs::read_to_string(&file).unwrap_or_default();
    assert!(committed == made, "{path} is not what the program says: run the tests once with SF_BLESS=1 and commit it");
}

#[test]
fn generated_files_are_up_to_date() {
    check("openapi/serverflow.json", &sf_api::openapi::json());
    check("docs/reference/api.md", &sf_api::reference::api());
    check("docs/reference/actions.md", &sf_api::reference::actions());
    check("docs/reference/permissions.md", &sf_api::reference::permissions());
    check("docs/reference/limits.md", &sf_api::reference::limits(sf_mcp::limits()));
    check("docs/reference/workflow.md", &sf_api::reference::workflow());
    check("docs/reference/workflow.schema.json", &sf_api::reference::workflow_schema());
}

#[test]
fn the_description_is_openapi_3_1_and_every_operation_is_complete() {
    let document: Value = serde_json::from_str(&sf_api::openapi::json()).unwrap();
    assert!(document["openapi"].as_str().unwrap().starts_with("3.1"));
    let mut ids = std::collections::HashSet::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            let id = operation["operationId"].as_str().unwrap_or_else(|| panic!("{method} {path} has no id"));
            assert!(ids.insert(id.to_owned()), "{id} is used twice");
            assert!(operation["summary"].as_str().is_some_and(|text| !text.is_empty()), "{id} says nothing");
            assert!(operation["responses"].as_object().is_some_and(|answers| !answers.is_empty()), "{id}");
        }
    }
    for reference in references(&document) {
        let name = reference.strip_prefix("#/components/schemas/").expect("our own schemas");
        assert!(document["components"]["schemas"].get(name).is_some(), "{name} is referred to and not there");
    }
}

/// Every route of the contract is in the description, and so in the router: they are made together.
#[test]
fn every_route_of_the_contract_is_there() {
    let document: Value = serde_json::from_str(&sf_api::openapi::json()).unwrap();
    let contract = "GET /health|GET /setup|POST /setup|POST /auth/login|POST /auth/refresh|POST /auth/logout|GET /auth/me|\
        GET /tokens|POST /tokens|DELETE /tokens/{id}|GET /sessions|DELETE /sessions/{id}|GET /nodes|GET /nodes/{id}|\
        PATCH /nodes/{id}|DELETE /nodes/{id}|POST /nodes/{id}/unlock|GET /nodes/{id}/metrics|POST /nodes/{id}/watch|\
        POST /nodes/{id}/inspect|POST /enrol-tokens|GET /device-codes|POST /device-codes/approve|\
        POST /device-codes/deny|GET /apps|POST /apps|GET /apps/{id}|PATCH /apps/{id}|DELETE /apps/{id}|\
        POST /apps/{id}/deploy|POST /apps/{id}/rollback|POST /apps/{id}/start|POST /apps/{id}/stop|\
        POST /apps/{id}/restart|GET /apps/{id}/releases|GET /apps/{id}/logs|GET /apps/{id}/metrics|\
        GET /apps/{id}/status|GET /runs|GET /runs/{id}|GET /runs/{id}/timeline|GET /runs/{id}/log|\
        GET /runs/{id}/command|POST /runs/{id}/cancel|POST /runs/{id}/approve|POST /runs/{id}/reject|GET /approvals|\
        GET /activity|GET /activity/state|POST /activity/verify|GET /activity/export|GET /users|GET /users/{id}|PATCH /users/{id}|DELETE /users/{id}|POST /users/{id}/suspend|\
        POST /users/{id}/reinstate|POST /users/{id}/sign-out|GET /invitations|POST /invitations|\
        DELETE /invitations/{id}|POST /auth/invitation|POST /auth/accept|POST /auth/forgot|POST /auth/reset|\
        POST /auth/password|PATCH /auth/me|GET /mail|POST /mail/test|GET /openapi.json|GET /actions|GET /ws|\
        POST /auth/login/factor|GET /auth/factors|POST /auth/factors/totp|POST /auth/factors/totp/confirm|\
        POST /auth/factors/recovery-codes|DELETE /auth/factors/totp|POST /users/{id}/reset-factors|DELETE /sessions|\
        POST /auth/device|POST /auth/device/token|GET /auth/device|POST /auth/device/approve|POST /auth/device/deny|\
        GET /roles|POST /roles|PATCH /roles/{id}|DELETE /roles/{id}|GET /permissions|GET /users/{id}/grants|\
        POST /users/{id}/grants|DELETE /users/{id}/grants/{grant}|GET /users/{id}/access|GET /auth/access|\
        GET /projects|POST /projects|GET /projects/{id}|PATCH /projects/{id}|DELETE /projects/{id}";
    for route in contract.split('|') {
        let (method, path) = route.split_once(' ').unwrap();
        let operation = &document["paths"][format!("/api/v1{path}")][method.to_lowercase()];
        assert!(operation.is_object(), "{route} is missing");
    }
}

/// Writes without a plan, each with its reason. The list only shrinks.
const UNPLANNED: [(&str, &str); 23] = [
    ("/setup", "there is nobody yet to show a plan to"),
    ("/auth/login", "trying a password is using it: a plan would say whether it is right"),
    ("/auth/login/factor", "trying a code is using it"),
    ("/auth/refresh", "a program does it, and it changes nothing but its own token"),
    ("/auth/logout", "it ends the session that asks, and is never in doubt"),
    ("/auth/forgot", "the answer is the same whatever happens"),
    ("/auth/reset", "the link is good once: a plan would say whether it is"),
    ("/auth/invitation", "it reads: it is the look at an invitation before it is accepted"),
    ("/auth/accept", "`/auth/invitation` is its plan"),
    ("/auth/device", "a program begins to sign in; nothing is granted"),
    ("/auth/device/token", "a program asks whether it was let in"),
    ("/nodes/{id}/inspect", "it reads"),
    ("/apps/{id}/patches/preview", "it reads"),
    ("/servers/{id}/files/download-link", "it reads: what the link leads to is downloaded by following it"),
    ("/activity/verify", "it reads"),
    ("/workflows/lint", "it reads"),
    ("/alts/read", "it reads"),
    ("/alts/lint", "it reads"),
    ("/hooks/{id}", "another system sends it, and its signature is over what it sends"),
    ("/hooks/apps/{id}", "another system sends it, and its signature is over what it sends"),
    ("/oauth/token", "OAuth's own form: a program redeems what a person granted"),
    ("/oauth/register", "OAuth's own form: a program says who it is; nothing is granted"),
    ("/oauth/revoke", "OAuth's own form: a program gives back what it has"),
];

#[test]
fn every_write_can_be_planned() {
    let document: Value = serde_json::from_str(&sf_api::openapi::json()).unwrap();
    let mut found = Vec::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap().iter().filter(|(method, _)| *method != "get") {
            let parameters = operation["parameters"].as_array();
            let planned = parameters.is_some_and(|all| all.iter().any(|parameter| parameter["name"] == "dryRun"));
            let short = path.strip_prefix("/api/v1").unwrap_or(path);
            let unplanned = UNPLANNED.iter().any(|(other, reason)| *other == short && !reason.is_empty());
            assert_eq!(planned, !unplanned, "{method} {path}");
            found.extend(unplanned.then(|| short.to_owned()));
        }
    }
    // One line stands for one write, and no line for one that is gone.
    let mut listed: Vec<_> = UNPLANNED.iter().map(|(path, _)| (*path).to_owned()).collect();
    found.sort();
    listed.sort();
    assert_eq!(found, listed);
}

fn references(value: &Value) -> Vec<String> {
    match value {
        Value::Object(map) => map
            .iter()
            .flat_map(|(key, value)| match (key.as_str(), value) {
                ("$ref", Value::String(text)) => vec![text.clone()],
                _ => references(value),
            })
            .collect(),
        Value::Array(items) => items.iter().flat_map(references).collect(),
        _ => Vec::new(),
    }
}
