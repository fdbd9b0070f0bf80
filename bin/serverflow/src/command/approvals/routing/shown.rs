//! Rules as people read them.

use serde_json::Value;

use crate::screen::Table;
use crate::value;

/// The rules of a place, and what the installation says.
pub fn all(name: &str, kept: &Value) -> String {
    let version = value::number(kept, "/version").unwrap_or_default();
    let here = match (version, facts(&kept["rules"])) {
        (0, _) => "Nothing is said here yet. Say something: serverflow routing set FILE".to_owned(),
        (_, said) if said.is_empty() => "Nothing is said here.".to_owned(),
        (_, said) => said,
    };
    let changed = match value::maybe(kept, "/updatedAt") {
        Some(_) => format!(" (version {version}, {})", value::moment(kept, "/updatedAt")),
        None => String::new(),
    };
    let installed = facts(&kept["installed"]);
    format!("The rules of {name}{changed}:\n{here}\n\nThe installation says (serverflow.toml):\n{installed}")
}

fn facts(rules: &Value) -> String {
    let mut table = Table::facts();
    let from =
        |field: &str| value::maybe(rules, field).map_or_else(|| value::NOTHING.to_owned(), |n| format!("from {n}"));
    table.fact("  runs at once", from("/autoAt"));
    table.fact("  runs, people are told", from("/notifyAt"));
    if let Some(permille) = value::maybe(rules, "/samplePermille") {
        table.fact("  looked back at", format!("{permille} of 1000 automatic runs"));
    }
    table.fact("  never by itself", listed(rules, "/neverAuto"));
    table.fact("  need not ask", listed(rules, "/waived"));
    let each = |list: &str| rules[list].as_array().cloned().unwrap_or_default();
    for freeze in each("freezes") {
        let name = value::text(&freeze, "/name");
        table.fact("  frozen", format!("{}, {} (“{name}”)", scope(&freeze), when(&freeze["when"])));
    }
    for budget in each("budgets") {
        let whom = if budget["people"] == true { "anybody" } else { "an AI agent" };
        let (runs, minutes) = (value::text(&budget, "/runs"), value::text(&budget, "/minutes"));
        table.fact("  budget", format!("{runs} runs of {} in {minutes} min by {whom}", scope(&budget)));
    }
    for rule in each("approvals") {
        table.fact("  who decides", format!("{}: {}", scope(&rule), terms(&rule)));
    }
    table.print()
}

fn listed(rules: &Value, pointer: &str) -> String {
    value::maybe(rules, pointer).filter(|text| !text.is_empty()).unwrap_or_else(|| value::NOTHING.to_owned())
}

fn scope(rule: &Value) -> String {
    value::maybe(rule, "/actions").filter(|text| !text.is_empty()).unwrap_or_else(|| "everything".to_owned())
}

fn when(when: &Value) -> String {
    let at = |pointer| value::text(when, pointer);
    match at("/kind").as_str() {
        "now" => "until it is taken away".to_owned(),
        "weekly" => {
            let minutes = value::number(when, "/minutes").unwrap_or_default();
            format!("on {} from {} for {} ({})", days(&when["days"]), at("/from"), long(minutes), at("/timezone"))
        }
        _ => format!("from {} until {}", value::moment(when, "/from"), value::moment(when, "/until")),
    }
}

/// `Mon, Tue`.
fn days(days: &Value) -> String {
    const NAMES: [&str; 7] = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"];
    let name = |day: &Value| NAMES.get(usize::try_from(day.as_u64()?).ok()?.checked_sub(1)?).copied();
    days.as_array().into_iter().flatten().filter_map(name).collect::<Vec<_>>().join(", ")
}

/// `62 h`, `8 h 30 min`.
fn long(minutes: u64) -> String {
    match (minutes / 60, minutes % 60) {
        (0, minutes) => format!("{minutes} min"),
        (hours, 0) => format!("{hours} h"),
        (hours, minutes) => format!("{hours} h {minutes} min"),
    }
}

fn terms(rule: &Value) -> String {
    let quorum = value::number(rule, "/quorum").unwrap_or(1);
    let mut parts = vec![if quorum == 1 { "one person".to_owned() } else { format!("{quorum} persons") }];
    if let Some(approvers) = value::maybe(rule, "/approvers") {
        parts.push(format!("only {approvers}"));
    }
    if rule["fourEyes"] == true {
        parts.push("not whom it was proposed for".to_owned());
    }
    if let Some(minutes) = value::maybe(rule, "/expiresMinutes") {
        parts.push(format!("within {minutes} min"));
    }
    if let Some(minutes) = value::maybe(rule, "/escalateMinutes") {
        let more = value::maybe(rule, "/escalateTo").map_or_else(String::new, |more| format!(", then also {more}"));
        parts.push(format!("pressing after {minutes} min{more}"));
    }
    parts.join(", ")
}

/// What other rules would have decided.
pub fn difference(difference: &Value) -> String {
    let at = |pointer| value::text(difference, pointer);
    if value::number(difference, "/decisions").unwrap_or_default() == 0 {
        return "There are no decisions yet to try them on. Nothing was changed.".to_owned();
    }
    let mut lines = vec![format!(
        "Of the last {} decisions there, {} would have been the same, {} stricter, {} looser. Nothing was changed.",
        at("/decisions"),
        at("/same"),
        at("/stricter"),
        at("/looser")
    )];
    for change in value::items(&difference["changes"]) {
        let at = |pointer| value::text(change, pointer);
        lines.push(format!("  {} × {} would have been {}", at("/count"), at("/from"), at("/to")));
    }
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn rules_read_as_sentences() {
        let shown = all(
            "the team",
            &json!({ "version": 3, "updatedAt": "2026-11-21T06:27:41.007Z", "installed": { "autoAt": 90, "notifyAt": 70 },
                "rules": { "neverAuto": ["app.delete", "node.*"], "waived": [],
                    "freezes": [{ "name": "release", "when": { "kind": "now" } },
                        { "name": "holidays", "when": { "kind": "between", "from": "2026-12-24T17:00:00.000Z",
                            "until": "2027-01-02T07:00:00.000Z" } },
                        { "name": "weekend", "actions": ["app.*"], "when": { "kind": "weekly", "days": [5], "from": "18:00",
                            "minutes": 3720, "timezone": "Europe/Berlin" } }],
                    "budgets": [{ "actions": ["app.deploy"], "runs": 5, "minutes": 60 }],
                    "approvals": [{ "actions": ["app.delete"], "quorum": 2, "fourEyes": true, "expiresMinutes": 60,
                        "escalateMinutes": 30, "escalateTo": ["u1"] }] } }),
        );
        for part in [
            "The rules of the team (version 3, 2026-11-21 06:27:41):",
            "never by itself  app.delete, node.*",
            "everything, until it is taken away (“release”)",
            "app.*, on Fri from 18:00 for 62 h (Europe/Berlin) (“weekend”)",
            "everything, from 2026-12-24 17:00:00 until 2027-01-02 07:00:00 (“holidays”)",
            "5 runs of app.deploy in 60 min by an AI agent",
            "app.delete: 2 persons, not whom it was proposed for, within 60 min, pressing after 30 min, then also u1",
            "runs at once           from 90",
        ] {
            assert!(shown.contains(part), "{part} is missing:\n{shown}");
        }
        assert!(!shown.contains("need not ask"), "{shown}");
        let nothing = all("the team", &json!({ "version": 0, "rules": {}, "installed": {}, "updatedAt": null }));
        assert!(nothing.contains("serverflow routing set FILE"), "{nothing}");
    }

    #[test]
    fn a_trial_says_that_it_was_one() {
        assert!(difference(&json!({ "decisions": 0 })).ends_with("Nothing was changed."));
        let shown = difference(&json!({ "decisions": 4, "same": 1, "stricter": 3, "looser": 0,
            "changes": [{ "from": "auto", "to": "ask", "count": 3 }] }));
        assert!(
            shown.contains("3 stricter, 0 looser. Nothing was changed.\n  3 × auto would have been ask"),
            "{shown}"
        );
    }
}
