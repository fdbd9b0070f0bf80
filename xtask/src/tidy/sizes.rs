//! Files that fit in a head. Counted without the tests at their end, because good tables of cases are long.

use std::collections::BTreeMap;

use super::Finding;
use crate::source::Source;

const RUST_LINES: usize = 500;
/// The most a file may have that says on its first line why it is long.
const LONG_RUST_LINES: usize = 700;
const VIEW_LINES: usize = 200;
const FOLDER_FILES: usize = 15;

const RULE: &str = "size";

pub fn check_source(source: &Source) -> Vec<Finding> {
    let lines = source.lines_without_tests();
    let limit = if super::excuses(source.line_text(1), "long") { LONG_RUST_LINES } else { RUST_LINES };
    let advice = match limit {
        RUST_LINES => format!(
            "{lines} lines without tests, {RUST_LINES} is the limit: split it by noun, or start it with \
             `// tidy: long because <reason>` (up to {LONG_RUST_LINES})"
        ),
        _ => format!("{lines} lines without tests, {limit} is the limit even with a reason: split it by noun"),
    };
    let long = lines > limit;
    long.then(|| Finding { path: source.path.clone(), line: limit + 1, rule: RULE, advice }).into_iter().collect()
}

pub fn check_view(path: &str, text: &str) -> Vec<Finding> {
    let lines = text.lines().count();
    let advice = format!("{lines} lines, {VIEW_LINES} is the limit: move parts into components or a composable");
    let long = lines > VIEW_LINES;
    long.then(|| Finding { path: path.to_owned(), line: VIEW_LINES + 1, rule: RULE, advice }).into_iter().collect()
}

/// Counts source files by folder. Tests beside their subject and generated files (their first line says so) are free.
pub fn check_folders(files: &[String], text: impl Fn(&str) -> Option<String>) -> Vec<Finding> {
    let mut folders: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for path in files.iter().filter(|path| is_source(path)) {
        let folder = path.rsplit_once('/').map_or("", |(folder, _)| folder);
        folders.entry(folder).or_default().push(path);
    }
    let generated = |path: &str| {
        let text = text(path).unwrap_or_default();
        text.lines().next().is_some_and(|line| line.to_lowercase().contains("generated"))
    };
    let crowded = folders.into_iter().filter(|(_, paths)| paths.len() > FOLDER_FILES).filter_map(|(folder, paths)| {
        let count = paths.iter().filter(|path| !generated(path)).count();
        let advice = format!("{count} source files, {FOLDER_FILES} is the limit: group them in folders by noun");
        let path = if folder.is_empty() { "." } else { folder };
        (count > FOLDER_FILES).then(|| Finding { path: path.to_owned(), line: 1, rule: RULE, advice })
    });
    crowded.collect()
}

fn is_source(path: &str) -> bool {
    let file = path.rsplit('/').next().unwrap_or(path);
    let tests = file == "tests.rs" || file.contains(".test.") || file.contains(".spec.");
    !tests && [".rs", ".vue", ".ts", ".js", ".css"].iter().any(|ending| file.ends_with(ending))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tidy::found;

    #[test]
    fn long_files_are_found_and_tests_are_free() {
        let code = |lines: usize| "let a = b;\n".repeat(lines);
        let tests = format!("#[cfg(test)]\nmod tests {{\n{}}}\n", code(400));
        let reason = "// tidy: long because one table\n";
        for (text, expected) in [
            (code(500), vec![]),
            (code(501), vec!["501 size"]),
            (code(500) + &tests, vec![]),
            (code(501) + &tests, vec!["501 size"]),
            (reason.to_owned() + &code(699), vec![]),
            (reason.to_owned() + &code(700), vec!["701 size"]),
        ] {
            assert_eq!(found(check_source(&Source::new("crates/a/src/a.rs", text))), expected);
        }
    }

    #[test]
    fn long_views_are_found() {
        assert_eq!(found(check_view("a.vue", &"<p/>\n".repeat(200))), Vec::<String>::new());
        assert_eq!(found(check_view("a.vue", &"<p/>\n".repeat(201))), ["201 size"]);
    }

    #[test]
    fn crowded_folders_are_found() {
        let folder = |count: usize, ending: &str| -> Vec<String> {
            (0..count).map(|index| format!("crates/a/src/{index}{ending}")).collect()
        };
        let (written, generated) =
            (|_: &str| Some("//! A noun.".to_owned()), |_: &str| Some("// Generated.".to_owned()));
        assert_eq!(found(check_folders(&folder(15, ".rs"), written)), Vec::<String>::new());
        assert_eq!(found(check_folders(&folder(16, ".rs"), written)), ["1 size"]);
        assert_eq!(found(check_folders(&folder(16, ".ts"), generated)), Vec::<String>::new());
        assert_eq!(found(check_folders(&folder(16, ".test.ts"), written)), Vec::<String>::new());
        assert_eq!(found(check_folders(&folder(16, ".json"), written)), Vec::<String>::new());
    }
}
