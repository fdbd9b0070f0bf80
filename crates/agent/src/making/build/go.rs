//! Go: go.mod.

use std::path::Path;

use sf_protocol::build::BuildPlan;

use super::{BuildError, Given, MADE};

const LOOKED: &str = "no `package main` at the top, and not exactly one below cmd";

/// Most bytes of a source file that are looked at for its package.
const HEAD_BYTES: u64 = 64 * 1024;

/// Fills in the plan; answers what was looked for when no start was found.
pub(super) fn plan(dir: &Path, plan: &mut BuildPlan, given: Given) -> Result<&'static str, BuildError> {
    let package = main_package(dir);
    let program = format!("{MADE}/bin/app");
    let build = |package: &str| ["go", "build", "-trimpath", "-o", &program, package].map(str::to_owned).to_vec();
    plan.build = package.as_deref().map(build);
    if !dir.join("go.sum").is_file() && !dir.join("vendor").is_dir() && package.is_some() {
        plan.warnings.push("there is no go.sum; a module with dependencies needs it".to_owned());
    }
    plan.start = match given {
        Given::Settings => None,
        Given::Procfile(argv) => Some(argv),
        Given::Nothing => package.map(|_| vec![program]),
    };
    Ok(LOOKED)
}

/// The package that is a program: the one at the top, else the only one below `cmd`.
fn main_package(dir: &Path) -> Option<String> {
    if is_main(dir) {
        return Some(".".to_owned());
    }
    let entries = std::fs::read_dir(dir.join("cmd")).into_iter().flatten().flatten();
    let mut found: Vec<_> = entries
        .filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir()) && is_main(&entry.path()))
        .filter_map(|entry| entry.file_name().into_string().ok())
        .collect();
    found.pop().filter(|_| found.is_empty()).map(|name| format!("./cmd/{name}"))
}

/// Whether a file of the folder says `package main`, tests and what is left out of every build apart.
fn is_main(dir: &Path) -> bool {
    let entries = std::fs::read_dir(dir).into_iter().flatten().flatten();
    let source = |name: &str| name.ends_with(".go") && !name.ends_with("_test.go") && !name.starts_with(['_', '.']);
    entries.filter(|entry| entry.file_name().to_str().is_some_and(source)).any(|entry| {
        let mut head = Vec::new();
        let file = std::fs::File::open(entry.path());
        let _ = file.and_then(|file| std::io::Read::read_to_end(&mut std::io::Read::take(file, HEAD_BYTES), &mut head));
        let text = String::from_utf8_lossy(&head);
        let ignored = text
            .lines()
            .take_while(|line| !line.starts_with("package "))
            .any(|line| line.strip_prefix("//go:build").is_some_and(|rule| rule.trim() == "ignore"));
        !ignored && text.lines().any(|line| line.trim_end() == "package main" || line.starts_with("package main "))
    })
}
