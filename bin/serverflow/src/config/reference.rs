//! `docs/reference/configuration.md`, made from the sections' own documentation and defaults. `SF_BLESS=1` rewrites
//! it; otherwise the test fails when it has drifted.

use std::fmt::Write as _;
use std::path::Path;

use serde_json::Value;

use super::Config;

const SECTIONS: &str = include_str!("sections.rs");
const ROUTING: &str = include_str!("../../../../crates/control/src/start/options.rs");
const RETENTION: &str = include_str!("../../../../crates/control/src/audit/retention.rs");
const EGRESS: &str = include_str!("../../../../crates/egress/src/options.rs");

#[test]
fn the_reference_is_what_the_program_reads() {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/reference/configuration.md");
    let made = reference();
    if sf_runtime::env::var("SF_BLESS").is_some() {
        std::fs::write(&file, &made).unwrap();
    }
    let kept = std::fs::read_to_string(&file).unwrap_or_default();
    assert_eq!(kept, made, "run the tests with SF_BLESS=1 and look at the difference");
}

fn reference() -> String {
    let mut out = String::from(
        "<!-- Generated from the program. Change the source, then run the tests with SF_BLESS=1. -->\n\n\
         # Configuration\n\n\
         `serverflow.toml` in the working folder (or `--config FILE`), overridden by environment variables named\n\
         `SERVERFLOW_<SECTION>__<KEY>`. Unknown keys are refused. `DATABASE_URL`, `DATABASE_READ_URL`, `MASTER_KEY` and\n\
         `MULTI_TENANT` hold where nothing else is set. `serverflow config` shows what is in force, secrets masked.\n",
    );
    let defaults = serde_json::to_value(Config::default()).unwrap();
    for (section, source, name) in [
        ("api", SECTIONS, "Api"),
        ("agents", SECTIONS, "Agents"),
        ("data", SECTIONS, "Data"),
        ("database", SECTIONS, "Database"),
        ("master", SECTIONS, "Master"),
        ("mail", SECTIONS, "Mail"),
        ("routing", ROUTING, "Routing"),
        ("tenancy", SECTIONS, "Tenancy"),
        ("identity", ROUTING, "Identity"),
        ("retention", RETENTION, "Retention"),
        ("egress", EGRESS, "Options"),
        ("alerts", ROUTING, "Alerts"),
        ("panel", ROUTING, "Panel"),
        ("metrics", SECTIONS, "Metrics"),
        ("log", SECTIONS, "Log"),
    ] {
        write!(out, "\n## [{section}]\n\n| key | default | what |\n|---|---|---|\n").unwrap();
        let fields = fields(source, name);
        assert!(!fields.is_empty(), "no documented field in {name}");
        for (key, text) in fields {
            let default = match &defaults[section][&key] {
                Value::Null => String::new(),
                value => format!("`{value}`"),
            };
            writeln!(out, "| `{key}` | {default} | {text} |").unwrap();
        }
    }
    out
}

/// Names and documentation of the public fields of one struct.
fn fields(source: &str, name: &str) -> Vec<(String, String)> {
    let start = source.find(&format!("pub struct {name} {{")).unwrap_or_else(|| panic!("{name} is gone"));
    let mut text = Vec::new();
    let mut found = Vec::new();
    for line in source[start..].lines().skip(1).map(str::trim) {
        if line == "}" {
            break;
        } else if let Some(doc) = line.strip_prefix("///") {
            text.push(doc.trim());
        } else if let Some((key, _)) = line.strip_prefix("pub ").and_then(|line| line.split_once(':')) {
            found.push((key.to_owned(), text.join(" ").replace('|', "\\|")));
            text.clear();
        }
    }
    found
}
