//! The rules of the house as code: each file below is one rule with its samples. A finding is one line,
//! `path:line: rule: what to do`. Where a rule on source lines would make the code worse, the line (or the one above)
//! says so: `// tidy: <rule> because <reason>`.

mod asvs;
mod attributes;
mod bans;
mod floors;
mod layers;
mod licences;
mod names;
mod paths;
mod providers;
mod shell;
mod sizes;
mod sleeps;
mod tasks;
mod unfinished;

use std::fmt;
use std::path::Path;
use std::process::ExitCode;

use crate::source::Source;
use crate::{graph, tree};

/// Something to mend.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Finding {
    path: String,
    line: usize,
    rule: &'static str,
    advice: String,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: {}: {}", self.path, self.line, self.rule, self.advice)
    }
}

/// Rules that look at one Rust file.
const ON_SOURCES: &[fn(&Source) -> Vec<Finding>] = &[
    attributes::check,
    layers::check,
    names::check_modules,
    shell::check,
    sizes::check_source,
    sleeps::check,
    tasks::check,
    unfinished::check,
];

/// Checks the whole tree, prints the findings and says whether there were none.
pub fn run(root: &Path) -> anyhow::Result<ExitCode> {
    let files = tree::files(root)?;
    let mut findings = names::check_paths(&files);
    for path in &files {
        let Some(text) = tree::text(root, path)? else { continue };
        findings.extend(paths::check(path, &text));
        if path.ends_with(".rs") {
            let source = Source::new(path.as_str(), text);
            findings.extend(ON_SOURCES.iter().flat_map(|check| check(&source)));
        } else if path.ends_with(".vue") {
            findings.extend(sizes::check_view(path, &text));
        }
    }
    findings.extend(sizes::check_folders(&files, |path| tree::text(root, path).ok().flatten()));
    findings.extend(asvs::check(|path| tree::text(root, path).ok().flatten()));

    let (members, packages) = graph::load(root)?;
    findings.extend(floors::check(&members));
    findings.extend(bans::check(root, &packages)?);
    findings.extend(licences::check(root, &packages)?);
    findings.extend(providers::check(&members, |binary| graph::linked(root, binary))?);

    findings.sort();
    findings.dedup();
    for finding in &findings {
        println!("{finding}");
    }
    match findings.len() {
        0 => println!("tidy: {} files, {} packages, nothing to mend", files.len(), packages.len()),
        count => eprintln!("tidy: {count} to mend; CONTRIBUTING.md gives the reasons"),
    }
    Ok(if findings.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

impl Source {
    /// A finding at an offset, unless its line or the one above says `tidy: <rule> because <reason>`.
    fn finding(&self, at: usize, rule: &'static str, advice: impl Into<String>) -> Option<Finding> {
        let line = self.line(at);
        let excused = [line, line - 1].into_iter().any(|line| excuses(self.line_text(line), rule));
        (!excused).then(|| Finding { path: self.path.clone(), line, rule, advice: advice.into() })
    }
}

/// Whether a line carries `tidy: <rule> because <reason>` in a comment of any language.
fn excuses(line: &str, rule: &str) -> bool {
    let Some((_, excuse)) = line.split_once("tidy: ") else { return false };
    let reason = excuse.strip_prefix(rule).and_then(|rest| rest.strip_prefix(" because "));
    reason.is_some_and(|reason| !reason.trim().is_empty())
}

/// What a rule says about one sample, as `line rule` pairs: the common form of the rules' tests.
#[cfg(test)]
fn found(findings: impl IntoIterator<Item = Finding>) -> Vec<String> {
    findings.into_iter().map(|finding| format!("{} {}", finding.line, finding.rule)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_finding_is_one_line() {
        let finding = Finding { path: "a/b.rs".into(), line: 3, rule: "shell", advice: "mend it".into() };
        assert_eq!(finding.to_string(), "a/b.rs:3: shell: mend it");
    }

    #[test]
    fn an_excuse_names_its_rule_and_gives_a_reason() {
        for (line, excused) in [
            ("x(); // tidy: shell because the flag is git's", true),
            ("# tidy: shell because the flag is git's", true),
            ("// tidy: shell because ", false),
            ("// tidy: shell", false),
            ("// tidy: sleep because the flag is git's", false),
        ] {
            assert_eq!(excuses(line, "shell"), excused, "{line}");
        }
    }

    #[test]
    fn an_excuse_counts_on_the_line_and_above_it() {
        let source = Source::new("a.rs", "// tidy: shell because x\none();\ntwo();\n");
        assert_eq!(source.finding(26, "shell", ""), None);
        assert!(source.finding(33, "shell", "").is_some());
    }
}
