//! A card as people read it: why it came here, what it rests on, what would change, how the like of it went.

use serde_json::Value;

use crate::run;
use crate::screen::Table;
use crate::value;

/// Lines of what would change at the most; `--json` has all of it.
const MAX_LINES: usize = 40;

/// What it is about: "Deploy an app: shop".
pub fn what(details: &Value) -> String {
    let title = value::text(details, "/card/title");
    let what = match value::maybe(details, "/card/about") {
        Some(about) => format!("{title}: {about}"),
        None => title,
    };
    crate::screen::plain(&what)
}

/// Who proposed it.
pub fn who(card: &Value) -> String {
    let kind = value::text(card, "/proposer/kind");
    let agent = value::maybe(card, "/proposer/agentName");
    match (kind.as_str(), value::maybe(card, "/proposer/name")) {
        ("ai", Some(name)) => {
            agent.map_or_else(|| format!("AI agent of {name}"), |agent| format!("{agent}, AI agent of {name}"))
        }
        ("ai", None) => agent.unwrap_or_else(|| "an AI agent".to_owned()),
        (_, Some(name)) => name,
        (_, None) => kind,
    }
}

/// All of it.
pub fn all(details: &Value) -> String {
    let sections = [facts(details), plan(details), changes(details), similar(details), votes(details), ways(details)];
    sections.into_iter().filter(|section| !section.is_empty()).collect::<Vec<_>>().join("\n\n")
}

fn facts(details: &Value) -> String {
    let card = &details["card"];
    let at = |pointer| value::text(details, pointer);
    let mut table = Table::facts();
    table.fact("card", format!("{} ({})", at("/card/id"), at("/card/kind")));
    table.fact("what", format!("{} ({})", what(details), at("/card/action")));
    if card["dangerous"] == true {
        table.fact("dangerous", "something is lost by it, or it changes who may do what");
    }
    table.fact("who", who(card));
    table.fact("why here", at("/card/because"));
    table.fact("confidence", value::maybe(card, "/confidence").map_or_else(dash, |score| format!("{score} of 100")));
    table.fact("  rests on", rests_on(details));
    table.fact("run", at("/card/runId"));
    table.fact("  state", if details["run"].is_object() { run::verdict(&details["run"]).2 } else { dash() });
    table.fact("fault", at("/card/fault/message"));
    table.fact("do", at("/card/fault/fix"));
    table.fact("since", value::moment(details, "/card/at"));
    table.fact("until", value::moment(details, "/card/expiresAt"));
    if card["pressing"] == true {
        table.fact("pressing", "it has waited for long");
    }
    table.fact("decision", decision(details));
    table.fact("held until", value::moment(details, "/heldUntil"));
    if details["aside"] == true {
        table.fact("aside", "you have put it aside");
    }
    table.print()
}

fn dash() -> String {
    value::NOTHING.to_owned()
}

/// What the confidence rests on, where it played a part.
fn rests_on(details: &Value) -> String {
    if value::maybe(details, "/card/confidence").is_none() {
        return dash();
    }
    let at = |pointer: &str| format!("/run/policy/inputs/calibration/{pointer}");
    let percent = |name| value::number(details, &at(name)).map(|permille| format!("{} %", permille / 10));
    let Some(estimate) = percent("estimatePermille") else { return dash() };
    let mut parts = match value::maybe(details, "/run/policy/inputs/report/score") {
        Some(score) => vec![format!("it reported {score}")],
        None => vec!["it reported nothing".to_owned()],
    };
    parts.push(match value::number(details, &at("evidence")) {
        Some(runs) if runs > 0 => format!("{} of {runs} like it went well", value::text(details, &at("good"))),
        _ => "there is no record of the like".to_owned(),
    });
    let span = percent("lowPermille").zip(percent("highPermille"));
    let span = span.map_or_else(String::new, |(low, high)| format!(", between {low} and {high}"));
    parts.push(format!("best estimate {estimate}{span}"));
    if value::maybe(details, &at("heldBy")).is_some() {
        parts.push("held down by how the last ones went".to_owned());
    }
    parts.join("; ")
}

/// How it was decided, if it was.
fn decision(details: &Value) -> String {
    let state = value::text(details, "/approval/state");
    match (value::maybe(details, "/approval/decision"), value::maybe(details, "/approval/comment")) {
        (Some(decision), Some(comment)) => format!("{decision}: {comment}"),
        (Some(decision), None) => decision,
        (None, _) if state == "open" || state == "escalated" => dash(),
        (None, _) => state,
    }
}

/// What it would do: the lines of its dry run.
fn plan(details: &Value) -> String {
    let mut lines = Vec::new();
    let plan = &details["plan"];
    let each = |list: &str| plan[list].as_array().cloned().unwrap_or_default();
    let line = |line: &Value| crate::screen::plain(&value::text(line, ""));
    lines.extend(each("steps").iter().map(|step| format!("  {}", line(step))));
    lines.extend(each("losses").iter().map(|loss| format!("  lost by it: {}", line(loss))));
    if let Some(wait) = value::maybe(plan, "/waitsFor") {
        lines.push(format!("  it waits for more: {}", crate::screen::plain(&wait)));
    }
    if lines.is_empty() { String::new() } else { format!("What it would do:\n{}", lines.join("\n")) }
}

/// What would change: arguments, and the facts that a decision depends on.
fn changes(details: &Value) -> String {
    let diff = &details["approval"]["diff"];
    let mut lines = Vec::new();
    for (name, pointer) in [("", "/action/args"), ("now ", "/guard"), ("", "/show")] {
        if let Some(part) = diff.pointer(pointer) {
            flatten(name, part, &mut lines);
        }
    }
    if lines.is_empty() {
        return String::new();
    }
    let more = lines.len().saturating_sub(MAX_LINES);
    let mut table = Table::facts();
    for (name, text) in lines.into_iter().take(MAX_LINES) {
        table.row([format!("  {name}"), text]);
    }
    let more = if more > 0 { format!("\n  … and {more} more: --json shows them") } else { String::new() };
    format!("A decision is about exactly this:\n{}{more}", table.print())
}

/// Every leaf with the way to it: `source.branch`.
fn flatten(name: &str, part: &Value, lines: &mut Vec<(String, String)>) {
    let inside = |key: &str| match name.is_empty() || name.ends_with(' ') {
        true => format!("{name}{key}"),
        false => format!("{name}.{key}"),
    };
    match part {
        Value::Null => {}
        Value::Object(fields) => fields.iter().for_each(|(key, part)| flatten(&inside(key), part, lines)),
        Value::Array(items) if items.iter().any(|item| item.is_object() || item.is_array()) => {
            items.iter().enumerate().for_each(|(at, part)| flatten(&inside(&at.to_string()), part, lines));
        }
        leaf => lines.push((name.to_owned(), value::text(leaf, ""))),
    }
}

fn similar(details: &Value) -> String {
    let runs = value::items(&details["similar"]);
    if runs.is_empty() {
        return String::new();
    }
    let mut table = Table::new(&["WHEN", "WENT", "SURE", "A PERSON SAID", "ENDED", "RUN"]);
    for run in runs {
        let at = |pointer| value::text(run, pointer);
        let said = match value::maybe(run, "/comment") {
            Some(comment) => format!("{}: {comment}", at("/decision")),
            None => at("/decision"),
        };
        table.row([value::moment(run, "/at"), at("/admission"), at("/confidence"), said, at("/done"), at("/runId")]);
    }
    format!("Runs like it:\n{}", table.print())
}

fn votes(details: &Value) -> String {
    let mut lines = Vec::new();
    for vote in value::items(&details["votes"]) {
        let at = |pointer| value::text(vote, pointer);
        let by = value::maybe(vote, "/deputy").map_or_else(String::new, |deputy| format!(" (by {deputy})"));
        let why = value::maybe(vote, "/comment").map_or_else(String::new, |comment| format!(": {comment}"));
        let line = format!("{}{by} {}{why}", at("/voice"), at("/verdict"));
        lines.push(format!("  {}  {}", value::moment(vote, "/at"), crate::screen::plain(&line)));
    }
    if let Some(needed) = value::number(details, "/card/quorum/needed") {
        lines.insert(
            0,
            format!("  {needed} have to agree, {} agreed so far", value::text(details, "/card/quorum/given")),
        );
    }
    let names: Vec<_> = value::items(&details["deciders"]).iter().map(|user| value::text(user, "/name")).collect();
    if !names.is_empty() {
        lines.push(format!("  others who may decide: {}", crate::screen::plain(&names.join(", "))));
    }
    if let Some(why) = value::maybe(details, "/notYou") {
        lines.push(format!("  you cannot: {why}"));
    }
    if lines.is_empty() { String::new() } else { format!("Voices:\n{}", lines.join("\n")) }
}

/// What can be done about it.
fn ways(details: &Value) -> String {
    let id = value::text(details, "/card/id");
    let state = value::word(details, "/approval/state");
    let open = state == "open" || state == "escalated";
    match value::text(details, "/card/kind").as_str() {
        "approval" if open && details["notYou"].is_null() => format!(
            "Agree:  serverflow inbox approve {id}\nRefuse: serverflow inbox reject {id}\nLater:  serverflow inbox snooze {id}"
        ),
        "review" => format!("It was right: serverflow inbox approve {id}\nIt was not:   serverflow inbox reject {id}"),
        "failed" => format!("Look closer: serverflow runs show {id}"),
        _ => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn card() -> Value {
        json!({
            "card": { "id": "c1", "kind": "approval", "action": "app.deploy", "title": "Deploy an app", "about": "shop",
                "because": "confidence 64 of 100: a person decides", "confidence": 64, "runId": "r1", "dangerous": true,
                "quorum": { "needed": 2, "given": 1 }, "proposer": { "kind": "ai", "name": "Ada" } },
            "approval": { "state": "open", "diff": {
                "action": { "action": "app.deploy", "args": { "app": "a1", "source": { "branch": "main" }, "none": null } },
                "guard": { "commit": "0a1b", "secrets": [{ "name": "KEY", "version": 2 }] } } },
            "run": { "title": "Deploy an app", "state": "waiting", "policy": { "inputs": {
                "report": { "score": 95 }, "calibration": { "estimatePermille": 874, "lowPermille": 648,
                    "highPermille": 931, "evidence": 12, "good": 10, "heldBy": "lastRuns" } } } },
            "similar": [{ "runId": "r0", "admission": "ask", "decision": "rejected", "comment": "too late", "done": "rejected" }],
            "votes": [{ "voice": "Bo", "deputy": "Cy", "verdict": "approved", "comment": "fine" }],
            "deciders": [{ "name": "Di" }, { "name": "Ed" }], "notYou": null,
            "plan": { "steps": ["Fetch `main` of shop", "Build it"], "losses": ["the log\u{1b}[2J of old releases"],
                "waitsFor": "its node is not connected" },
        })
    }

    #[test]
    fn a_card_says_all_that_helps_to_decide() {
        let shown = all(&card());
        for part in [
            "Deploy an app: shop (app.deploy)",
            "AI agent of Ada",
            "64 of 100",
            "it reported 95; 10 of 12 like it went well; best estimate 87 %, between 64 % and 93 %; held down by how",
            "What it would do:\n  Fetch `main` of shop\n  Build it\n  lost by it: the log",
            "  it waits for more: its node is not connected",
            "  source.branch          main",
            "  now commit             0a1b",
            "  now secrets.0.version  2",
            "rejected: too late",
            "Bo (by Cy) approved: fine",
            "2 have to agree, 1 agreed so far",
            "others who may decide: Di, Ed",
            "Agree:  serverflow inbox approve c1",
        ] {
            assert!(shown.contains(part), "{part} is missing:\n{shown}");
        }
        assert!(!shown.contains('\u{1b}'), "nothing of a plan moves the cursor:\n{shown}");
        assert!(!shown.contains("none"), "what is not there is not shown:\n{shown}");
    }

    #[test]
    fn who_cannot_decide_is_told_why_and_shown_no_way() {
        let mut card = card();
        card["notYou"] = "somebody else has to agree".into();
        let shown = all(&card);
        assert!(
            shown.contains("you cannot: somebody else has to agree") && !shown.contains("inbox approve"),
            "{shown}"
        );
    }

    #[test]
    fn what_waits_for_nobody_claims_no_confidence() {
        let failed = json!({ "card": { "id": "r1", "kind": "failed", "title": "Stop an app", "confidence": null,
            "fault": { "message": "The machine is silent.", "fix": "Look at it." } } });
        let shown = all(&failed);
        assert!(shown.contains("The machine is silent.") && shown.contains("serverflow runs show r1"), "{shown}");
        assert!(!shown.contains("confidence") && !shown.contains("Voices") && !shown.contains("would do"), "{shown}");
    }
}
