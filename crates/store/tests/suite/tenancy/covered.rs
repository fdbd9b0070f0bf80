//! Which tables belong to a team, and that each is looked at.

use crate::fixture::World;

/// Tables whose rows belong to a tenant, each looked at below.
const COVERED: &[&str] = &[
    "projects",
    "users",
    "accounts",
    "sessions",
    "api_tokens",
    "user_permissions",
    "nodes",
    "node_keys",
    "enrol_tokens",
    "device_codes",
    "apps",
    "releases",
    "runs",
    "run_steps",
    "commands",
    "approvals",
    "outbox",
    "idempotency_keys",
    "events",
    "activity_logs",
    "log_cursors",
    "roles",
    "user_roles",
    // Looked at in `people`.
    "invitations",
    "password_resets",
    // Looked at in `credentials`.
    "factors",
    "recovery_codes",
    "login_tickets",
    "cli_logins",
    // Looked at in `secrets`.
    "secrets",
    "secret_versions",
    "secrets_waiting",
    // Looked at in `audit`.
    "audit_witnesses",
    // Looked at in `workflows`.
    "workflows",
    "workflow_versions",
    "workflow_triggers",
    "workflow_executions",
    // Looked at in `inbox`.
    "routing_rules",
    "learning_states",
    "learning_samples",
    "approval_votes",
    "deputies",
    "reviews",
    // Looked at in `notices`.
    "notification_channels",
    "notification_preferences",
    "notices_held",
    // Looked at in `domains`.
    "proxies",
    "proxy_names",
    // Looked at in `hooks`.
    "deploy_hooks",
    "hook_deliveries",
    "deploy_keys",
    // Looked at in `schedules`.
    "schedules",
    "schedule_runs",
    // Looked at in `previews`.
    "preview_settings",
    "previews",
    // Looked at in `panel`.
    "ctrls",
    "alts",
    "alt_versions",
    "servers",
    "allocations",
    "server_leftovers",
    // Looked at in `monitoring`.
    "alert_rules",
    "alerts",
    // Looked at in `credentials`.
    "mcp_grants",
    // Looked at in `agents`.
    "mcp_calls",
];

pub async fn every_table_with_a_tenant_is_covered(_: World) {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("src/migrate");
    let mut steps: Vec<_> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    steps.retain(|path| path.extension().is_some_and(|ending| ending == "sql"));
    steps.sort();
    let schema: String = steps.iter().map(|path| std::fs::read_to_string(path).unwrap()).collect();
    let owned: Vec<_> = schema
        .split("CREATE TABLE ")
        .skip(1)
        .filter(|table| table.split("\n)").next().unwrap().contains("tenant_id"))
        .map(|table| table.split_whitespace().next().unwrap())
        // Made anew under its old name.
        .filter(|table| !table.ends_with("_next"))
        .collect();
    assert_eq!(owned, COVERED);
}
