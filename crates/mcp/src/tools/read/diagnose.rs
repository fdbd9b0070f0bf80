//! What is wrong with a thing, the worst first, with what shows it and what to call next.

mod rules;

use serde_json::{Value, json};

use super::super::asked::{Asked, Result, Said};
use super::super::names::{Kind, Thing, resolve};
use super::super::output::{rows, text};
use rules::{Finding, Seen};

/// Findings told at the most.
const MAX_FINDINGS: usize = 8;
/// Lines that show one, at the most.
const MAX_EVIDENCE: usize = 6;
/// Bytes of one of them.
const EVIDENCE_BYTES: usize = 1_200;
/// Failed runs whose causes are looked for.
const FAILED_RUNS: usize = 2;

pub(in crate::tools) async fn call(asked: &Asked<'_>) -> Result<Said> {
    let thing = resolve(asked, &[Kind::App, Kind::Server, Kind::Node], asked.input.required("target")?).await?;
    let seen = look(asked, &thing).await?;
    let findings = rules::judge(thing.kind, &seen, asked.control.now());
    let told: Vec<Value> = findings.iter().take(MAX_FINDINGS).map(|finding| shown(asked, finding)).collect();
    let verdict = if told.is_empty() { "nothing wrong was found" } else { "see the findings, the worst first" };
    let fields = [
        ("kind", json!(thing.kind.word())),
        ("id", json!(thing.id)),
        ("verdict", json!(verdict)),
        ("findings", Value::Array(told)),
    ];
    let mut next: Vec<(&str, &str)> = Vec::new();
    for finding in &findings {
        if !next.iter().any(|(tool, _)| *tool == finding.next.0) {
            next.push(finding.next);
        }
    }
    if next.is_empty() {
        next.push(("logs", "Read what it says: an error that no rule knows may be there."));
    }
    Ok(asked.done(&fields, &next))
}

/// Everything the rules look at.
async fn look(asked: &Asked<'_>, thing: &Thing) -> Result<Seen> {
    let view = asked.data(&thing.path("")).await?;
    let node = match thing.kind {
        Kind::Node => view.clone(),
        _ => asked.maybe(&format!("/nodes/{}", text(&view, "/nodeId"))).await,
    };
    let mut seen = Seen { view, node, ..Seen::default() };
    match thing.kind {
        Kind::App => {
            seen.runs = asked.maybe(&format!("/runs?appId={}&limit=5", thing.id)).await;
            seen.domains = asked.maybe(&format!("/proxies?appId={}&limit=50", thing.id)).await;
            let hits = asked.maybe(&thing.path("/logs/search?level=error&limit=5")).await;
            seen.errors = hits["hits"].clone();
        }
        Kind::Server => {
            seen.runs = asked.maybe(&format!("/runs?serverId={}&limit=5", thing.id)).await;
            seen.alerts = asked.maybe(&format!("/monitoring/alerts?state=open&serverId={}&limit=10", thing.id)).await;
        }
        _ => {
            seen.apps = asked.maybe(&format!("/apps?nodeId={}&limit=200", thing.id)).await;
            seen.runs = asked.maybe(&format!("/runs?nodeId={}&limit=5", thing.id)).await;
        }
    }
    for run in rows(&seen.runs).iter().filter(|run| rules::has_failed(run)).take(FAILED_RUNS) {
        let causes = asked.maybe(&format!("/runs/{}/causes", text(run, "/id"))).await;
        seen.causes.extend(rows(&causes).iter().cloned());
    }
    Ok(seen)
}

/// A finding: our own words by themselves, what others wrote within the boundary.
fn shown(asked: &Asked<'_>, finding: &Finding) -> Value {
    let mut told = json!({ "severity": finding.severity.word(), "what": finding.what, "fix": finding.fix });
    if !finding.evidence.is_empty() {
        let lines: Vec<&str> = finding.evidence.iter().take(MAX_EVIDENCE).map(String::as_str).collect();
        told["evidence"] = json!(asked.fence.text(&lines.join("\n"), EVIDENCE_BYTES));
    }
    told["next"] = json!({ "tool": finding.next.0, "why": finding.next.1 });
    told
}
