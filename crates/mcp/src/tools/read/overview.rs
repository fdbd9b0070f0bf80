//! Everything at a glance: what there is, what is wrong, what waits.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::super::asked::{Asked, Result, Said};
use super::super::output::{pick, rows, text, whole};

/// Problems told at the most.
const MAX_PROBLEMS: usize = 12;
/// Rows of each kind that are counted.
const LOOKED_AT: usize = 200;

pub(in crate::tools) async fn call(asked: &Asked<'_>) -> Result<Said> {
    let nodes = asked.maybe(&format!("/nodes?limit={LOOKED_AT}")).await;
    let apps = asked.maybe(&format!("/apps?limit={LOOKED_AT}")).await;
    let servers = asked.maybe("/monitoring/overview").await;
    let alerts = asked.maybe("/monitoring/alerts?state=open&limit=10").await;
    let failed = asked.maybe("/runs?state=failed&limit=5").await;
    let waiting = asked.maybe("/approvals?state=open&limit=10").await;
    let mut problems = Vec::new();
    for node in rows(&nodes).iter().filter(|node| text(node, "/status") != "online") {
        problems.push(problem(asked, "node", node, "/name", text(node, "/status")));
    }
    for app in rows(&apps).iter().filter(|app| matches!(text(app, "/state"), "crashed" | "failed")) {
        problems.push(problem(asked, "app", app, "/name", text(app, "/state")));
    }
    for alert in rows(&alerts) {
        problems.push(json!({ "kind": "server", "id": alert["serverId"], "name": asked.name(text(alert, "/serverName")),
            "what": "an alert rule is crossed", "rule": asked.name(text(alert, "/ruleName")), "since": alert["since"] }));
    }
    let more = problems.len().saturating_sub(MAX_PROBLEMS);
    problems.truncate(MAX_PROBLEMS);
    let failures: Vec<Value> =
        rows(&failed).iter().map(|run| pick(run, &["id", "action", "appId", "serverId", "closedAt"])).collect();
    let counts = json!({
        "nodes": counted(&nodes, "/status"), "apps": counted(&apps, "/state"),
        "servers": pick(&servers, &["servers", "running", "stopped", "error", "unknown", "alerts"]),
        "approvals_open": rows(&waiting).len(), "problems_left_out": more,
    });
    let quiet = problems.is_empty() && whole(&servers, "/error") == 0;
    let fields = [("counts", counts), ("problems", Value::Array(problems)), ("failed_runs", Value::Array(failures))];
    let next: &[(&str, &str)] = match (quiet, rows(&waiting).is_empty()) {
        (false, _) => &[
            ("diagnose", "Find out what is wrong with one of the problems."),
            ("approvals", "See what waits for a person."),
        ],
        (true, false) => &[("approvals", "See what waits for a person.")],
        (true, true) => &[("find", "Look for something by name.")],
    };
    Ok(asked.done(&fields, next))
}

fn problem(asked: &Asked<'_>, kind: &str, view: &Value, name: &str, what: &str) -> Value {
    json!({ "kind": kind, "id": view["id"], "name": asked.name(text(view, name)), "what": what })
}

fn counted(views: &Value, at: &str) -> Value {
    let mut counts = BTreeMap::<&str, u64>::new();
    for view in rows(views) {
        *counts.entry(text(view, at)).or_default() += 1;
    }
    json!(counts)
}
