//! `[bans]` and `[sources]` of deny.toml, so that nobody waits for cargo-deny to build. The file stays valid for it.

use std::path::Path;

use anyhow::Context;
use cargo_metadata::semver::VersionReq;
use serde::Deserialize;

use super::Finding;
use crate::graph::Package;

const DENY: &str = "deny.toml";
const LOCK: &str = "Cargo.lock";
const RULE: &str = "ban";

#[derive(Deserialize)]
struct Deny {
    bans: Bans,
    sources: Sources,
}

#[derive(Deserialize)]
struct Bans {
    deny: Vec<Ban>,
}

/// One entry of `bans.deny`. Keys that only cargo-deny knows are refused, because a ban read halfway bans the wrong thing.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Ban {
    /// `name` or `name:<version requirement>`.
    #[serde(rename = "crate")]
    spec: String,
    reason: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
struct Sources {
    allow_registry: Vec<String>,
}

pub fn check(root: &Path, packages: &[Package]) -> anyhow::Result<Vec<Finding>> {
    let deny = std::fs::read_to_string(root.join(DENY)).context("cannot read deny.toml")?;
    let lock = std::fs::read_to_string(root.join(LOCK)).context("cannot read Cargo.lock")?;
    let deny: Deny = toml::from_str(&deny).context("deny.toml")?;
    let mut findings = banned(&deny.bans, packages, &lock)?;
    findings.extend(foreign_sources(&deny.sources, &lock));
    Ok(findings)
}

fn banned(bans: &Bans, packages: &[Package], lock: &str) -> anyhow::Result<Vec<Finding>> {
    let mut findings = Vec::new();
    for ban in &bans.deny {
        let (name, versions) = ban.spec.split_once(':').unwrap_or((&ban.spec, "*"));
        let versions = VersionReq::parse(versions).with_context(|| format!("deny.toml: crate = {:?}", ban.spec))?;
        for package in packages.iter().filter(|it| it.name == name && versions.matches(&it.version)) {
            let advice =
                format!("{name} {} is banned: {}; find it with `cargo tree -i {name}`", package.version, ban.reason);
            findings.push(Finding { path: LOCK.into(), line: lock_line(lock, package), rule: RULE, advice });
        }
    }
    Ok(findings)
}

fn lock_line(lock: &str, package: &Package) -> usize {
    let (name, version) = (format!("name = \"{}\"", package.name), format!("version = \"{}\"", package.version));
    let lines: Vec<&str> = lock.lines().collect();
    lines.windows(2).position(|pair| pair[0] == name && pair[1] == version).map_or(1, |index| index + 1)
}

fn foreign_sources(sources: &Sources, lock: &str) -> Vec<Finding> {
    let foreign = lock.lines().enumerate().filter_map(|(index, line)| {
        let source = line.strip_prefix("source = \"")?.trim_end_matches('"');
        let known = sources.allow_registry.iter().any(|it| source.strip_prefix("registry+") == Some(it));
        let advice = format!("{source} is not an allowed source (deny.toml, [sources])");
        (!known).then(|| Finding { path: LOCK.into(), line: index + 1, rule: RULE, advice })
    });
    foreign.collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tidy::found;

    fn package(spec: &str) -> Package {
        let (name, version) = spec.split_once(' ').unwrap();
        Package { name: name.into(), version: version.parse().unwrap(), license: None, license_file: None }
    }

    #[test]
    fn banned_packages_are_found_by_version() {
        let deny = r#"
            [bans]
            deny = [{ crate = "native-tls", reason = "r" }, { crate = "sqlx-core:<0.9", reason = "r" }]
            [sources]
            allow-registry = ["https://known"]
        "#;
        let deny: Deny = toml::from_str(deny).unwrap();
        let lock = "\nname = \"native-tls\"\nversion = \"0.2.1\"\n\nname = \"sqlx-core\"\nversion = \"0.8.6\"\n";
        for (spec, expected) in [
            ("native-tls 0.2.1", vec!["2 ban"]),
            ("sqlx-core 0.8.6", vec!["5 ban"]),
            ("sqlx-core 0.9.0", vec![]),
            ("native-tls-vendored 0.2.1", vec![]),
        ] {
            assert_eq!(found(banned(&deny.bans, &[package(spec)], lock).unwrap()), expected, "{spec}");
        }
        let lock = "source = \"registry+https://known\"\nsource = \"git+https://known\"\nsource = \"registry+https://other\"\n";
        assert_eq!(found(foreign_sources(&deny.sources, lock)), ["2 ban", "3 ban"]);
    }

    #[test]
    fn half_understood_bans_are_refused() {
        let deny =
            "[bans]\ndeny = [{ crate = \"a\", reason = \"r\", wrappers = [\"b\"] }]\n[sources]\nallow-registry = []";
        assert!(toml::from_str::<Deny>(deny).is_err());
        let bans = Bans { deny: vec![Ban { spec: "a:newest".into(), reason: "r".into() }] };
        assert!(banned(&bans, &[], "").is_err());
    }
}
