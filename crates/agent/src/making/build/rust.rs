//! Rust: Cargo.toml, read without cargo.

use std::collections::BTreeSet;
use std::path::Path;

use serde::Deserialize;
use sf_protocol::build::BuildPlan;

use super::{BuildError, Given, MADE, read};

const FILE: &str = "Cargo.toml";

const LOOKED: &str = "Cargo.toml and the folder src name no program, or several of them and no `default-run`";

/// Most members of a workspace that are looked into.
const MEMBERS_MAX: usize = 200;

/// The parts of Cargo.toml that say which programs there are.
#[derive(Deserialize, Default)]
#[serde(default)]
struct Manifest {
    package: Option<Package>,
    bin: Vec<Bin>,
    workspace: Option<Workspace>,
}

#[derive(Deserialize)]
struct Package {
    name: String,
    #[serde(rename = "default-run")]
    default_run: Option<String>,
    #[serde(default = "yes")]
    autobins: bool,
}

#[derive(Deserialize)]
struct Bin {
    name: String,
    #[serde(default, rename = "required-features")]
    required_features: Vec<String>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Workspace {
    members: Vec<String>,
}

const fn yes() -> bool {
    true
}

/// Fills in the plan; answers what was looked for when no start was found.
///
/// `cargo install` builds what the lockfile says and leaves nothing but the programs in the release: what it takes to
/// build them stays in the app's cache.
pub(super) fn plan(dir: &Path, plan: &mut BuildPlan, given: Given) -> Result<&'static str, BuildError> {
    let manifest = manifest(dir, FILE)?;
    let found = match &manifest.package {
        Some(_) => program(dir, &manifest).map(|program| (String::from("."), program)),
        None => member(dir, &manifest)?,
    };
    let path = found.as_ref().map_or(".", |(path, _)| path.as_str());
    let mut build: Vec<String> = ["cargo", "install", "--path", path, "--root", MADE, "--no-track", "--force"]
        .into_iter()
        .map(str::to_owned)
        .collect();
    if dir.join("Cargo.lock").is_file() {
        build.push("--locked".to_owned());
    } else {
        let warning = "there is no lockfile, so each build may get other versions: commit Cargo.lock";
        plan.warnings.push(warning.to_owned());
    }
    plan.build = Some(build);
    plan.start = match given {
        Given::Settings => None,
        Given::Procfile(argv) => Some(argv),
        Given::Nothing => found.map(|(_, program)| vec![format!("{MADE}/bin/{program}")]),
    };
    Ok(LOOKED)
}

fn manifest(dir: &Path, name: &str) -> Result<Manifest, BuildError> {
    let text = read(dir, name)?.unwrap_or_default();
    toml::from_str(&text).map_err(|error| BuildError::File { file: name.to_owned(), why: error.to_string() })
}

/// The program of a package, after <https://doc.rust-lang.org/cargo/reference/cargo-targets.html>: named, or the only one.
fn program(dir: &Path, manifest: &Manifest) -> Option<String> {
    let package = manifest.package.as_ref()?;
    if let Some(named) = &package.default_run {
        return Some(named.clone()).filter(|name| is_plain(name));
    }
    let named = manifest.bin.iter().filter(|bin| bin.required_features.is_empty()).map(|bin| bin.name.clone());
    let mut programs: BTreeSet<String> = named.collect();
    if package.autobins {
        if dir.join("src/main.rs").is_file() && manifest.bin.is_empty() {
            programs.insert(package.name.clone());
        }
        for entry in std::fs::read_dir(dir.join("src/bin")).into_iter().flatten().flatten() {
            let (path, name) = (entry.path(), entry.file_name().to_string_lossy().into_owned());
            if let Some(name) = name.strip_suffix(".rs") {
                programs.insert(name.to_owned());
            } else if path.join("main.rs").is_file() {
                programs.insert(name);
            }
        }
    }
    let several = programs.len() > 1;
    let only = if several { programs.take(&package.name) } else { programs.pop_first() };
    only.filter(|name| is_plain(name))
}

/// The member of a workspace that makes a program, where exactly one does.
fn member(dir: &Path, manifest: &Manifest) -> Result<Option<(String, String)>, BuildError> {
    let mut found = Vec::new();
    for member in manifest.workspace.iter().flat_map(|workspace| &workspace.members) {
        let paths = match member.strip_suffix("/*") {
            Some(above) => folders(dir, above),
            None => vec![member.clone()],
        };
        for path in paths.into_iter().take(MEMBERS_MAX) {
            let Ok(inside) = super::folder(dir, &path, "member") else { continue };
            if let Some(program) = program(&inside, &self::manifest(&inside, FILE)?) {
                found.push((path, program));
            }
        }
    }
    found.dedup();
    Ok(found.pop().filter(|_| found.is_empty()))
}

fn folders(dir: &Path, above: &str) -> Vec<String> {
    let Ok(inside) = super::folder(dir, above, "member") else { return Vec::new() };
    let entries = std::fs::read_dir(inside).into_iter().flatten().flatten();
    let mut names: Vec<_> = entries.filter_map(|entry| entry.file_name().into_string().ok()).collect();
    names.sort_unstable();
    names.into_iter().map(|name| format!("{above}/{name}")).collect()
}

/// A name that is one segment of a path.
fn is_plain(name: &str) -> bool {
    !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '_')
}
