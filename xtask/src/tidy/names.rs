//! Modules are domain nouns. A drawer without a subject attracts everything.

use super::Finding;
use crate::source::Source;

const RULE: &str = "name";
const DRAWERS: &[&str] = &["utils", "util", "helpers", "helper", "common", "manager", "misc"];
const ADVICE: &str = "name it after what it knows (a noun of GLOSSARY.md)";

/// Folders and source files.
pub fn check_paths(files: &[String]) -> Vec<Finding> {
    files.iter().filter_map(|path| check_path(path)).collect()
}

fn check_path(path: &str) -> Option<Finding> {
    let (folders, file) = path.rsplit_once('/').unwrap_or(("", path));
    let stem = file.split('.').next().unwrap_or(file);
    let advice = if file == "mod.rs" {
        "write noun.rs beside the folder noun/ instead of noun/mod.rs".to_owned()
    } else {
        let drawer = folders.split('/').chain([stem]).find(|name| DRAWERS.contains(&name.to_lowercase().as_str()))?;
        format!("\"{drawer}\" has no subject: {ADVICE}")
    };
    Some(Finding { path: path.to_owned(), line: 1, rule: RULE, advice })
}

/// Modules written inside a file.
pub fn check_modules(source: &Source) -> Vec<Finding> {
    let drawers = DRAWERS.iter().flat_map(|drawer| {
        let named = source.find("mod").filter(move |&at| {
            let rest = source.code_from(at)["mod".len()..].trim_start();
            rest.strip_prefix(drawer).is_some_and(|rest| rest.trim_start().starts_with(['{', ';']))
        });
        named.map(move |at| (at, drawer)).collect::<Vec<_>>()
    });
    let advice = |drawer| format!("\"{drawer}\" has no subject: {ADVICE}");
    drawers.filter_map(|(at, drawer)| source.finding(at, RULE, advice(drawer))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tidy::found;

    #[test]
    fn drawers_are_found_among_paths() {
        for (path, good) in [
            ("crates/a/src/utils.rs", false),
            ("crates/a/src/helpers/text.rs", false),
            ("web/src/common/Button.vue", false),
            ("web/src/features/runs/Manager.ts", false),
            ("crates/a/src/noun/mod.rs", false),
            ("crates/a/src/utilisation.rs", true),
            ("crates/a/src/noun.rs", true),
        ] {
            assert_eq!(check_paths(&[path.to_owned()]).is_empty(), good, "{path}");
        }
    }

    #[test]
    fn drawers_are_found_inside_files() {
        for (text, expected) in [
            ("mod a;\npub mod utils {\n}", vec!["2 name"]),
            ("#[cfg(test)]\nmod common;", vec!["2 name"]),
            ("mod commons;\n// mod utils;\nmodus(helper);", vec![]),
        ] {
            assert_eq!(found(check_modules(&Source::new("crates/a/src/a.rs", text))), expected, "{text}");
        }
    }
}
