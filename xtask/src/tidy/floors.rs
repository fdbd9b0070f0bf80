//! The house (docs/adr/0011): a crate imports only lower floors, never its own. Read from the manifests.

use super::Finding;
use crate::graph::{Dependency, Member};

/// Floor by package; `None` in [`floor`] means outside the house, where everything may be imported.
const FLOORS: &[(u8, &[&str])] = &[
    (0, &["sf-types"]),
    (1, &["sf-runtime", "sf-protocol", "sf-schedule", "sf-syntax", "sf-files"]),
    (2, &["sf-actions", "sf-egress", "sf-containers", "sf-template", "sf-edits"]),
    (3, &["sf-policy", "sf-engine"]),
    (4, &["sf-store", "sf-bus", "sf-identity", "sf-sandbox", "sf-ai", "sf-connectors", AGENT]),
    (5, &["sf-control"]),
    (6, &["sf-api", "sf-mcp", "sf-gateway"]),
    (7, &["sf-testkit"]),
    (8, &["serverflow", "serverflow-agent"]),
];

const AGENT: &str = "sf-agent";
const AGENT_IMPORTS: &[&str] =
    &["sf-types", "sf-runtime", "sf-protocol", "sf-schedule", "sf-syntax", "sf-containers", "sf-files", "sf-edits"];
/// Floors up to this one are pure, but for the crates that exist to touch the world.
const HIGHEST_PURE_FLOOR: u8 = 3;
const WORLDLY: &[&str] = &["sf-runtime", "sf-egress", "sf-containers", "sf-files"];
const IMPURE: &[&str] =
    &["tokio", "getrandom", "rand", "reqwest", "sf-runtime", "sf-egress", "sf-containers", "sf-files"];

/// Libraries that one part of the house keeps to itself, and its floor's members by package name.
const KEEPERS: &[(&str, &[&str])] = &[
    ("wasmtime", &["sf-sandbox"]),
    ("wasmtime-wasi", &["sf-sandbox"]),
    ("sqlx", &["sf-store"]),
    ("sea-orm", &["sf-store"]),
    ("sea-orm-migration", &["sf-store"]),
    ("axum", &["sf-api", "sf-mcp", "sf-testkit", "serverflow", "serverflow-agent"]),
];

pub fn check(members: &[Member]) -> Vec<Finding> {
    members.iter().flat_map(check_member).collect()
}

fn check_member(member: &Member) -> Vec<Finding> {
    let finding = |line, rule, advice| Finding { path: member.manifest_path(), line, rule, advice };
    let mut findings: Vec<Finding> = member
        .dependencies
        .iter()
        .flat_map(|it| {
            let faults = faults(member, it);
            faults.into_iter().map(|(rule, advice)| finding(member.line_of(&it.name), rule, advice)).collect::<Vec<_>>()
        })
        .collect();
    if !is_outside(member) && floor(&member.name).is_none() {
        let advice = format!(
            "{} has no floor: add it to FLOORS in xtask/src/tidy/floors.rs and to ARCHITECTURE.md",
            member.name
        );
        findings.push(finding(1, "floor", advice));
    }
    if !inherits_lints(&member.manifest) {
        findings.push(finding(1, "lints", "add `[lints]` with `workspace = true`: the house rules are lints".into()));
    }
    findings
}

/// What is wrong with one dependency.
fn faults(member: &Member, dependency: &Dependency) -> Vec<(&'static str, String)> {
    let (name, target) = (member.name.as_str(), dependency.name.as_str());
    let mut faults = Vec::new();
    let ours = floor(target).is_some() || target.starts_with("sf-");
    // The No-Leak Rule holds for tests too: what the agent's tests need, the agent's authors will reach for.
    if name == AGENT && ours && !AGENT_IMPORTS.contains(&target) {
        faults.push(("agent", format!("the agent imports only {}: drop {target}", AGENT_IMPORTS.join(", "))));
    }
    let is_binary = floor(name) == floor("serverflow");
    if target == AGENT && !is_outside(member) && !is_binary && name != "sf-testkit" {
        faults.push(("agent", "only the binaries, testkit and tests/ name the agent: speak through protocol".into()));
    }
    if dependency.dev || is_outside(member) {
        return faults;
    }
    let own = floor(name);
    if let (Some(own), Some(other)) = (own, floor(target))
        && other >= own
    {
        let advice = format!("{name} is on floor {own}, {target} on {other}: only lower floors may be imported");
        faults.push(("floor", advice));
    }
    let pure = own.is_some_and(|own| own <= HIGHEST_PURE_FLOOR) && !WORLDLY.contains(&name);
    if pure && IMPURE.contains(&target) {
        let advice =
            format!("{name} is pure (no I/O, clock, randomness, async): take {target}'s result as an argument");
        faults.push(("pure", advice));
    }
    if let Some((_, keepers)) = KEEPERS.iter().find(|(library, keepers)| *library == target && !keepers.contains(&name))
    {
        faults.push(("keeper", format!("only {} may name {target}", keepers.join(", "))));
    }
    faults
}

fn floor(package: &str) -> Option<u8> {
    FLOORS.iter().find(|(_, packages)| packages.contains(&package)).map(|(floor, _)| *floor)
}

/// xtask, tests and benches stand outside the house.
fn is_outside(member: &Member) -> bool {
    member.folder == "xtask" || member.folder.starts_with("tests/") || member.folder.starts_with("bench")
}

fn inherits_lints(manifest: &str) -> bool {
    let Ok(manifest) = manifest.parse::<toml::Table>() else { return false };
    manifest.get("lints").and_then(|lints| lints.get("workspace")).and_then(toml::Value::as_bool) == Some(true)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `folder/name: dependency dependency | dev-dependency`, judged; `rule:dependency-line` comes back.
    fn faults_of(sample: &str) -> Vec<String> {
        let (path, dependencies) = sample.split_once(": ").unwrap();
        let (folder, name) = path.rsplit_once('/').unwrap();
        let folder = if folder == "." { name.to_owned() } else { format!("{folder}/{name}") };
        let (normal, dev) = dependencies.split_once(" | ").unwrap_or((dependencies, ""));
        let named = |names: &str, dev| -> Vec<Dependency> {
            names.split_whitespace().map(|name| Dependency { name: name.to_owned(), dev }).collect()
        };
        let mut dependencies = named(normal, false);
        dependencies.extend(named(dev, true));
        let name = if folder.starts_with("crates/") { format!("sf-{name}") } else { name.to_owned() };
        let member = Member { name, folder, manifest: "[lints]\nworkspace = true\n".into(), dependencies };
        check(&[member]).into_iter().map(|finding| finding.rule.to_owned()).collect()
    }

    #[test]
    fn imports_go_down_only() {
        for (sample, expected) in [
            ("crates/engine: sf-types sf-protocol sf-actions", vec![]),
            ("crates/engine: sf-policy", vec!["floor"]),
            ("crates/store: sf-engine sf-policy sqlx sea-orm", vec![]),
            ("crates/store: sf-control", vec!["floor"]),
            ("crates/store: tokio | sf-testkit", vec![]),
            ("crates/api: sf-gateway", vec!["floor"]),
            ("crates/api: sf-control axum", vec![]),
            ("crates/novel: serde", vec!["floor"]),
            ("bin/serverflow: sf-control sf-api", vec![]),
            ("tests/e2e: sf-testkit sf-agent axum", vec![]),
            ("./xtask: sf-control", vec![]),
        ] {
            assert_eq!(faults_of(sample), expected, "{sample}");
        }
    }

    #[test]
    fn the_agent_leaks_nothing() {
        for (sample, expected) in [
            ("crates/agent: sf-types sf-runtime sf-protocol tokio", vec![]),
            ("crates/agent: sf-actions", vec!["agent"]),
            ("crates/agent: sf-types | sf-engine", vec!["agent"]),
            ("crates/agent: sf-types | tempfile", vec![]),
            ("crates/control: sf-agent", vec!["agent"]),
            ("crates/control: sf-types | sf-agent", vec!["agent"]),
            ("crates/testkit: sf-agent", vec![]),
            ("bin/serverflow-agent: sf-agent", vec![]),
        ] {
            assert_eq!(faults_of(sample), expected, "{sample}");
        }
    }

    #[test]
    fn low_floors_are_pure_and_libraries_have_keepers() {
        for (sample, expected) in [
            ("crates/protocol: serde tokio", vec!["pure"]),
            ("crates/policy: sf-runtime", vec!["pure"]),
            ("crates/policy: getrandom rand reqwest", vec!["pure", "pure", "pure"]),
            ("crates/policy: serde | tokio", vec![]),
            ("crates/runtime: tokio getrandom", vec![]),
            ("crates/egress: sf-runtime tokio reqwest", vec![]),
            ("crates/bus: tokio", vec![]),
            ("crates/control: wasmtime", vec!["keeper"]),
            ("crates/sandbox: wasmtime wasmtime-wasi", vec![]),
            ("crates/control: sqlx", vec!["keeper"]),
            ("crates/gateway: axum", vec!["keeper"]),
        ] {
            assert_eq!(faults_of(sample), expected, "{sample}");
        }
    }

    #[test]
    fn lints_are_inherited() {
        for (manifest, good) in [
            ("[lints]\nworkspace = true\n", true),
            ("[lints]\nworkspace = false\n", false),
            ("lints.workspace = true\n", true),
            ("[package]\n", false),
        ] {
            assert_eq!(inherits_lints(manifest), good, "{manifest}");
        }
    }
}
