//! Workflows as people read them.

use serde_json::Value;

use crate::run;
use crate::screen::Table;
use crate::value;

/// Workflows in a list.
pub fn table(workflows: &Value) -> String {
    let mut table = Table::new(&["NAME", "VERSION", "TRIGGERS", "RUNNING", "CHANGED", "ID"]);
    for workflow in value::items(workflows) {
        let at = |pointer| value::text(workflow, pointer);
        let changed = value::moment(workflow, "/updatedAt");
        table.row([at("/name"), at("/version"), triggers(workflow), at("/openRuns"), changed, at("/id")]);
    }
    table.or("There is no workflow. Keep one: serverflow workflow apply FILE")
}

/// Its triggers in a few words.
fn triggers(workflow: &Value) -> String {
    let all = value::items(&workflow["triggers"]);
    if all.is_empty() {
        return value::NOTHING.to_owned();
    }
    let names: Vec<_> = all.iter().map(|trigger| value::text(trigger, "/name")).collect();
    let off = if workflow["enabled"] == true { "" } else { " (off)" };
    format!("{}{off}", names.join(", "))
}

/// One workflow, with its newest runs in `runs`.
pub fn facts(workflow: &Value) -> String {
    let at = |pointer| value::text(workflow, pointer);
    let mut table = Table::facts();
    for (name, pointer) in [
        ("name", "/name"),
        ("id", "/id"),
        ("project", "/projectId"),
        ("description", "/description"),
        ("version", "/version"),
        ("hash", "/hash"),
        ("running", "/openRuns"),
    ] {
        table.fact(name, at(pointer));
    }
    table.fact("changed", value::moment(workflow, "/updatedAt"));
    let all = value::items(&workflow["triggers"]);
    if !all.is_empty() {
        let off = format!("off; switch them on: serverflow workflow enable {}", at("/name"));
        table.fact("triggers", if workflow["enabled"] == true { "on".to_owned() } else { off });
    }
    for trigger in all {
        let at = |pointer| value::text(trigger, pointer);
        let where_or_when = match value::maybe(trigger, "/path") {
            Some(path) => format!("POST {path}"),
            None => format!("next {}", value::moment(trigger, "/nextAt")),
        };
        table.fact(&format!("  {}", at("/name")), format!("{}, {where_or_when}", at("/kind")));
        table.fact("    last fault", at("/lastFault/message"));
    }
    let mut runs = Table::new(&["BEGAN", "STATE", "STEPS", "VERSION", "FORK OF", "RUN"]);
    for run in value::items(&workflow["runs"]) {
        let at = |pointer| value::text(run, pointer);
        let state = value::maybe(run, "/done").unwrap_or_else(|| at("/state"));
        let state = match value::maybe(run, "/fault/message") {
            Some(fault) => format!("{state}: {fault}"),
            None => state,
        };
        let steps = format!("{}/{}", at("/stepsEnded"), at("/stepsKnown"));
        runs.row([value::moment(run, "/openedAt"), state, steps, at("/version"), at("/forkedFrom"), at("/runId")]);
    }
    let never = format!("It was never run. Run it: serverflow workflow run {}", at("/name"));
    format!("{}\n\n{}", table.print(), runs.or(&never))
}

/// That something is done, or that its run waits for somebody who has to agree.
pub fn done(answer: &Value, text: String) -> String {
    match answer.get("run") {
        Some(run) => run::waits(run),
        None => text,
    }
}
