//! What the making of a release depends on.

use std::path::Path;

use serde::{Deserialize, Serialize};
use sf_protocol::build::BuildPlan;

use super::install::{self, Install};
use super::machine;

/// Programs whose version can be told, with what they need to run.
const KNOWN: [(&str, &[&str]); 9] = [
    ("npm", &["node", "npm"]),
    ("pnpm", &["node", "pnpm"]),
    ("yarn", &["node", "yarn"]),
    ("node", &["node"]),
    (".venv/bin/python", &["python3"]),
    ("python3", &["python3"]),
    ("cargo", &["cargo", "rustc"]),
    ("go", &["go"]),
    ("php", &["php"]),
];

/// What a making depends on. Times, limits, variables and secrets are no part of it: a build is not given them.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Inputs {
    /// The commit; for reading, the tree is what counts.
    pub commit: String,
    /// The git tree of the commit: all files with their names and modes.
    pub tree: String,
    /// The plan as it was found.
    pub plan: BuildPlan,
    /// Name of the machine as builds see it.
    pub machine: String,
    /// What installing depends on.
    pub install: Install,
    /// What building depends on besides all files of the tree.
    pub build: Sources,
}

/// What a build depends on besides the files.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "camelCase", deny_unknown_fields)]
pub enum Sources {
    /// Nothing is built.
    Nothing,
    /// Programs of this name.
    Programs {
        /// The name.
        programs: String,
    },
    /// What it runs is not known.
    Unknown {
        /// Why, as half a sentence.
        why: String,
    },
}

/// Looks at a fresh checkout at `top` and at the machine, whose programs are looked up in `path`.
pub fn inputs(top: &Path, (commit, tree): (&str, &str), plan: &BuildPlan, path: &str) -> Inputs {
    Inputs {
        commit: commit.to_owned(),
        tree: tree.to_owned(),
        machine: machine::name(),
        install: install::install(top, plan, path),
        build: build(plan, path),
        plan: plan.clone(),
    }
}

fn build(plan: &BuildPlan, path: &str) -> Sources {
    let Some(program) = plan.build.as_ref().and_then(|argv| argv.first()) else { return Sources::Nothing };
    let Some((_, programs)) = KNOWN.iter().find(|(known, _)| known == program) else {
        return Sources::Unknown { why: format!("which programs `{program}` runs is not known") };
    };
    // A version that package.json names is part of the tree.
    match machine::programs(programs, path, true) {
        Ok(programs) => Sources::Programs { programs },
        Err(why) => Sources::Unknown { why },
    }
}
