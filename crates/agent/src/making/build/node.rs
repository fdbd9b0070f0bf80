//! Node.js: package.json, and whose lockfile is beside it.

use std::collections::BTreeMap;
use std::path::Path;

use serde::Deserialize;
use sf_protocol::build::BuildPlan;

use super::{BuildError, Given, read, words};

/// The parts of package.json that matter here; everything else in it is not ours to judge.
#[derive(Deserialize, Default)]
#[serde(default)]
pub(super) struct Package {
    main: Option<String>,
    pub scripts: BTreeMap<String, String>,
    dependencies: BTreeMap<String, serde_json::Value>,
    #[serde(rename = "devDependencies")]
    dev_dependencies: BTreeMap<String, serde_json::Value>,
    #[serde(rename = "optionalDependencies")]
    optional_dependencies: BTreeMap<String, serde_json::Value>,
    pub workspaces: Option<serde_json::Value>,
    #[serde(rename = "packageManager")]
    pub package_manager: Option<String>,
}

const LOOKED: &str =
    "package.json has no `start` script, and there is no `web:` line in a Procfile, `main` file, server.js or index.js";

/// Who installs.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Manager {
    Npm,
    Pnpm,
    /// Version 1.
    YarnClassic,
    /// Version 2 and above.
    YarnBerry,
}

/// What tells whose a repository is.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
struct Marks<'a> {
    /// `packageManager` of package.json: `pnpm@9.1.0`.
    named: Option<&'a str>,
    npm_lock: bool,
    pnpm_lock: bool,
    /// `yarn.lock`, and whether its format is that of version 2 and above.
    yarn_lock: Option<bool>,
    /// `.yarnrc.yml`, which only version 2 and above read.
    yarnrc: bool,
}

/// The manager, and whether its lockfile is there: what package.json names wins over the lockfiles.
fn manager(marks: Marks<'_>) -> (Manager, bool) {
    let berry = marks.yarnrc || marks.yarn_lock == Some(true);
    let yarn = if berry { Manager::YarnBerry } else { Manager::YarnClassic };
    let (name, version) = marks.named.map_or(("", ""), |named| named.split_once('@').unwrap_or((named, "")));
    let found = match name {
        "npm" => Manager::Npm,
        "pnpm" => Manager::Pnpm,
        "yarn" if version.is_empty() => yarn,
        "yarn" if version.starts_with("1.") || version == "1" => Manager::YarnClassic,
        "yarn" => Manager::YarnBerry,
        _ if marks.pnpm_lock => Manager::Pnpm,
        _ if marks.yarn_lock.is_some() => yarn,
        _ => Manager::Npm,
    };
    let locked = match found {
        Manager::Npm => marks.npm_lock,
        Manager::Pnpm => marks.pnpm_lock,
        Manager::YarnClassic | Manager::YarnBerry => marks.yarn_lock.is_some(),
    };
    (found, locked)
}

impl Manager {
    pub const fn program(self) -> &'static str {
        match self {
            Self::Npm => "npm",
            Self::Pnpm => "pnpm",
            Self::YarnClassic | Self::YarnBerry => "yarn",
        }
    }

    const fn lockfile(self) -> &'static str {
        match self {
            Self::Npm => "package-lock.json",
            Self::Pnpm => "pnpm-lock.yaml",
            Self::YarnClassic | Self::YarnBerry => "yarn.lock",
        }
    }

    /// What installs exactly what the lockfile says; without one, what package.json allows today.
    pub const fn install(self, locked: bool) -> &'static [&'static str] {
        match (self, locked) {
            (Self::Npm, true) => &["npm", "ci", "--no-audit", "--no-fund"],
            (Self::Npm, false) => &["npm", "install", "--no-audit", "--no-fund"],
            (Self::Pnpm, true) => &["pnpm", "install", "--frozen-lockfile"],
            (Self::Pnpm, false) => &["pnpm", "install", "--no-frozen-lockfile"],
            (Self::YarnClassic, true) => &["yarn", "install", "--frozen-lockfile"],
            (Self::YarnClassic, false) => &["yarn", "install"],
            (Self::YarnBerry, true) => &["yarn", "install", "--immutable"],
            (Self::YarnBerry, false) => &["yarn", "install", "--no-immutable"],
        }
    }
}

/// package.json; an empty one when it is not there.
///
/// # Errors
/// When it is no JSON of that shape.
pub(super) fn package(dir: &Path) -> Result<Package, BuildError> {
    let invalid = |why: String| BuildError::File { file: "package.json".to_owned(), why };
    match read(dir, "package.json")? {
        Some(text) => serde_json::from_str(&text).map_err(|error| invalid(error.to_string())),
        None => Ok(Package::default()),
    }
}

/// Whose the repository is, and whether its lockfile is there.
///
/// # Errors
/// When the lockfile cannot be read.
pub(super) fn manager_of(dir: &Path, package: &Package) -> (Manager, bool) {
    let there = |name: &str| dir.join(name).is_file();
    let berry = || {
        // Its head says so; a large lockfile is not read for it.
        let mut head = Vec::new();
        let file = std::fs::File::open(dir.join("yarn.lock"));
        let _ = file.and_then(|file| std::io::Read::read_to_end(&mut std::io::Read::take(file, 4096), &mut head));
        String::from_utf8_lossy(&head).contains("__metadata:")
    };
    manager(Marks {
        named: package.package_manager.as_deref(),
        npm_lock: there("package-lock.json") || there("npm-shrinkwrap.json"),
        pnpm_lock: there("pnpm-lock.yaml"),
        yarn_lock: there("yarn.lock").then(berry),
        yarnrc: there(".yarnrc.yml"),
    })
}

/// Whether package.json and the files it means say how the app is started.
///
/// # Errors
/// A package.json that cannot be read.
pub(super) fn starts(dir: &Path) -> Result<bool, BuildError> {
    let package = package(dir)?;
    Ok(package.scripts.contains_key("start") || main_file(dir, &package).is_some())
}

/// Fills in the plan; answers what was looked for when no start was found.
pub(super) fn plan(dir: &Path, plan: &mut BuildPlan, given: Given) -> Result<&'static str, BuildError> {
    let package = package(dir)?;
    let (manager, locked) = manager_of(dir, &package);
    let named = [&package.dependencies, &package.dev_dependencies, &package.optional_dependencies];
    if named.iter().all(|list| list.is_empty()) && package.workspaces.is_none() {
        plan.because.push_str("; nothing is installed, since it names no dependencies");
    } else {
        if !locked {
            let lockfile = manager.lockfile();
            plan.warnings
                .push(format!("there is no lockfile, so each build may get other versions: commit {lockfile}"));
        }
        plan.install = Some(argv(manager.install(locked)));
    }
    if package.scripts.contains_key("build") {
        plan.build = Some(argv(&[manager.program(), "run", "build"]));
    }
    plan.start = match given {
        Given::Nothing => start(dir, &package, &mut plan.warnings),
        Given::Procfile(argv) => Some(argv),
        Given::Settings => None,
    };
    Ok(LOOKED)
}

fn start(dir: &Path, package: &Package, warnings: &mut Vec<String>) -> Option<Vec<String>> {
    if let Some(script) = package.scripts.get("start") {
        let around = ["prestart", "poststart"].iter().any(|name| package.scripts.contains_key(*name));
        // Without npm in between, signals reach the app and 40 MB less are resident.
        match words::split(script) {
            Ok(words) if !around && words.len() > 1 && words[0] == "node" => return Some(words),
            _ => {
                warnings.push(
                    "the app is started by npm, which stays in memory; `start = [\"node\", ...]` in \
                     serverflow.app.toml starts it directly"
                        .to_owned(),
                );
                return Some(argv(&["npm", "start"]));
            }
        }
    }
    main_file(dir, package).map(|file| argv(&["node", &file]))
}

fn main_file(dir: &Path, package: &Package) -> Option<String> {
    let main = package.main.as_deref().filter(|main| super::relative(main, "main").is_ok());
    let found = main.into_iter().chain(["server.js", "index.js"]).find(|name| dir.join(name).is_file());
    found.map(str::to_owned)
}

fn argv(words: &[&str]) -> Vec<String> {
    words.iter().map(|word| (*word).to_owned()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_package_json_names_wins_over_lockfiles() {
        let none = Marks::default();
        let named = |named| Marks { named: Some(named), ..none };
        for (marks, expected) in [
            (none, (Manager::Npm, false)),
            (Marks { npm_lock: true, ..none }, (Manager::Npm, true)),
            (Marks { pnpm_lock: true, npm_lock: true, ..none }, (Manager::Pnpm, true)),
            (Marks { yarn_lock: Some(false), npm_lock: true, ..none }, (Manager::YarnClassic, true)),
            (Marks { yarn_lock: Some(true), ..none }, (Manager::YarnBerry, true)),
            (Marks { yarn_lock: Some(false), yarnrc: true, ..none }, (Manager::YarnBerry, true)),
            (named("pnpm@9.12.0+sha512.abc"), (Manager::Pnpm, false)),
            (Marks { npm_lock: true, ..named("pnpm@9.12.0") }, (Manager::Pnpm, false)),
            (Marks { npm_lock: true, pnpm_lock: true, ..named("npm@10.8.0") }, (Manager::Npm, true)),
            (Marks { yarn_lock: Some(true), ..named("yarn@1.22.22") }, (Manager::YarnClassic, true)),
            (Marks { yarn_lock: Some(false), ..named("yarn@4.5.0") }, (Manager::YarnBerry, true)),
            (Marks { yarn_lock: Some(true), ..named("yarn") }, (Manager::YarnBerry, true)),
            (Marks { npm_lock: true, ..named("bun@1.1.0") }, (Manager::Npm, true)),
        ] {
            assert_eq!(manager(marks), expected, "{marks:?}");
        }
    }
}
