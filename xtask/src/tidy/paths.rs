//! The repository is the same on every machine: no home folders, no registry hosts in lock files.

use super::{Finding, excuses};

const RULE: &str = "machine-path";
/// Split, so that this file does not find itself.
const HOMES: &[&str] = &[concat!("/ro", "ot/"), concat!("/ho", "me/")];
const RESOLVED: &str = "\"resolved\": \"http";

pub fn check(path: &str, text: &str) -> Vec<Finding> {
    let mut findings = Vec::new();
    if HOMES.iter().any(|home| text.contains(home)) {
        findings.extend(homes(path, text));
    }
    let is_lock = path.rsplit('/').next() == Some("package-lock.json");
    if let Some(index) = is_lock.then(|| text.lines().position(|line| line.contains(RESOLVED))).flatten() {
        let advice = "registry hosts differ by machine: write the lock file with `npm config set omit-lockfile-registry-resolved true`";
        findings.push(Finding { path: path.to_owned(), line: index + 1, rule: RULE, advice: advice.into() });
    }
    findings
}

fn homes(path: &str, text: &str) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut above = "";
    for (index, line) in text.lines().enumerate() {
        let named = HOMES.iter().find(|home| line.match_indices(**home).any(|(at, _)| starts_a_path(line, at)));
        if let Some(home) = named.filter(|_| !excuses(line, RULE) && !excuses(above, RULE)) {
            let advice = format!("{home} is somebody's machine: use a relative path, a temporary folder or $HOME");
            findings.push(Finding { path: path.to_owned(), line: index + 1, rule: RULE, advice });
        }
        above = line;
    }
    findings
}

/// A `/` that continues a longer path or an address names no folder of this machine.
fn starts_a_path(line: &str, at: usize) -> bool {
    let before = line[..at].chars().next_back();
    before.is_none_or(|before| !(before.is_alphanumeric() || "_-.}~/*".contains(before)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tidy::found;

    #[test]
    fn home_folders_are_found() {
        for (text, expected) in [
            (concat!("a\nsee /ro", "ot/notes"), vec!["2 machine-path"]),
            (concat!("PATH=/ho", "me/me/bin"), vec!["1 machine-path"]),
            (concat!("https://example.org/ho", "me/page"), vec![]),
            (concat!("${prefix}/ro", "ot/x"), vec![]),
            (concat!("# tidy: machine-path because the policy hides it\nhide = \"/ro", "ot/\""), vec![]),
            ("$HOME/bin ~/bin", vec![]),
        ] {
            assert_eq!(found(check("docs/a.md", text)), expected, "{text}");
        }
    }

    #[test]
    fn registry_hosts_are_found_in_npm_locks_only() {
        let lock = "{\n  \"resolved\": \"https://registry.example/a.tgz\"\n}";
        assert_eq!(found(check("web/package-lock.json", lock)), ["2 machine-path"]);
        assert_eq!(found(check("web/other.json", lock)), Vec::<String>::new());
        assert_eq!(found(check("web/package-lock.json", "{ \"integrity\": \"sha512-a\" }")), Vec::<String>::new());
    }
}
