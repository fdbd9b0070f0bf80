//! Node.js: package.json.

use std::collections::BTreeMap;
use std::path::Path;

use serde::Deserialize;
use sf_protocol::build::BuildPlan;

use super::{BuildError, read, words};

/// The parts of package.json that matter here; everything else in it is not ours to judge.
#[derive(Deserialize, Default)]
#[serde(default)]
struct Package {
    main: Option<String>,
    scripts: BTreeMap<String, String>,
    dependencies: BTreeMap<String, serde_json::Value>,
    #[serde(rename = "devDependencies")]
    dev_dependencies: BTreeMap<String, serde_json::Value>,
    #[serde(rename = "optionalDependencies")]
    optional_dependencies: BTreeMap<String, serde_json::Value>,
    workspaces: Option<serde_json::Value>,
}

const LOOKED: &str = "package.json has no `start` script, and there is no `main` file, server.js or index.js";

/// Fills in the plan; answers what was looked for when no start was found.
pub(super) fn plan(dir: &Path, plan: &mut BuildPlan, start_is_set: bool) -> Result<&'static str, BuildError> {
    let invalid = |why: String| BuildError::File { file: "package.json".to_owned(), why };
    let package: Package = match read(dir, "package.json")? {
        Some(text) => serde_json::from_str(&text).map_err(|error| invalid(error.to_string()))?,
        None => Package::default(),
    };
    install(dir, &package, plan);
    if package.scripts.contains_key("build") {
        plan.build = Some(argv(&["npm", "run", "build"]));
    }
    if !start_is_set {
        plan.start = start(dir, &package, &mut plan.warnings);
    }
    Ok(LOOKED)
}

fn install(dir: &Path, package: &Package, plan: &mut BuildPlan) {
    let there = |name: &str| dir.join(name).is_file();
    let named = [&package.dependencies, &package.dev_dependencies, &package.optional_dependencies];
    if named.iter().all(|list| list.is_empty()) && package.workspaces.is_none() {
        plan.because.push_str("; nothing is installed, since it names no dependencies");
        return;
    }
    plan.install = Some(if there("pnpm-lock.yaml") {
        argv(&["pnpm", "install", "--frozen-lockfile"])
    } else if there("yarn.lock") {
        argv(&["yarn", "install", "--frozen-lockfile"])
    } else if there("package-lock.json") || there("npm-shrinkwrap.json") {
        argv(&["npm", "ci", "--no-audit", "--no-fund"])
    } else {
        plan.warnings
            .push("there is no lockfile, so each build may get other versions: commit package-lock.json".to_owned());
        argv(&["npm", "install", "--no-audit", "--no-fund"])
    });
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
    let main = package.main.as_deref().filter(|main| super::relative(main, "main").is_ok());
    let found = main.into_iter().chain(["server.js", "index.js"]).find(|name| dir.join(name).is_file());
    found.map(|file| argv(&["node", file]))
}

fn argv(words: &[&str]) -> Vec<String> {
    words.iter().map(|word| (*word).to_owned()).collect()
}
