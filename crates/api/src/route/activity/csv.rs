//! Lines for a spreadsheet. What a spreadsheet would take for a formula is written so that it does not: an action, a name
//! or an address may have been chosen by an attacker.
//! Source: OWASP, "CSV Injection".

use sf_store::audit::Activity;

const COLUMNS: [&str; 14] = [
    "at",
    "actorKind",
    "actorRef",
    "action",
    "targetKind",
    "targetId",
    "outcome",
    "run",
    "request",
    "fields",
    "personal",
    "instance",
    "seq",
    "hash",
];

/// The first row.
pub(super) fn head() -> String {
    written(COLUMNS.map(str::to_owned))
}

/// One line.
pub(super) fn row(activity: &Activity) -> String {
    let line = &activity.line;
    let personal: Vec<_> = activity.personal.iter().map(|(name, value)| format!("{name}={value}")).collect();
    written([
        line.at.to_string(),
        line.actor_kind.clone(),
        line.actor_ref.clone(),
        line.action.clone(),
        line.target_kind.clone(),
        line.target_id.clone(),
        line.outcome.clone(),
        line.run.map(|id| id.to_string()).unwrap_or_default(),
        line.request.map(|id| id.to_string()).unwrap_or_default(),
        line.fields.clone(),
        personal.join("; "),
        line.instance.to_string(),
        line.seq.to_string(),
        sf_store::audit::chain::hex(&line.entry_hash),
    ])
}

/// RFC 4180: every cell in quotes, rows end with CRLF.
fn written<const N: usize>(cells: [String; N]) -> String {
    cells.map(|text| cell(&text)).join(",") + "\r\n"
}

fn cell(text: &str) -> String {
    let risky = text.trim_start().starts_with(['=', '+', '-', '@', '\u{ff1d}', '\u{ff0b}', '\u{ff0d}', '\u{ff20}'])
        || text.starts_with(['\t', '\r', '\n']);
    let guard = if risky { "'" } else { "" };
    format!("\"{guard}{}\"", text.replace('"', "\"\""))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_cell_is_a_formula() {
        for (text, expected) in [
            ("plain", r#""plain""#),
            ("", r#""""#),
            ("=1+1", r#""'=1+1""#),
            ("+1", r#""'+1""#),
            ("-1", r#""'-1""#),
            ("@SUM(A1)", r#""'@SUM(A1)""#),
            (" =1", r#""' =1""#),
            ("\t=1", "\"'\t=1\""),
            ("\r\n=1", "\"'\r\n=1\""),
            ("＝1", "\"'＝1\""),
            ("a=b", r#""a=b""#),
            (r#"say "=1", x"#, r#""say ""=1"", x""#),
            (r#"","=cmd()"#, r#"""",""=cmd()""#),
        ] {
            assert_eq!(cell(text), expected, "{text}");
        }
        assert!(head().starts_with("\"at\",\"actorKind\"") && head().ends_with("\"hash\"\r\n"));
    }
}
