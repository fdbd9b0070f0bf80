//! Every task has an owner, a name and an error policy: `sf_runtime::Tasks`. Clippy knows the paths; this also sees
//! imports that shorten them, and code that clippy does not compile.

use super::Finding;
use crate::source::Source;

const SPAWNS: &[&str] = &["tokio::spawn(", "task::spawn(", "thread::spawn("];

pub fn check(source: &Source) -> Vec<Finding> {
    if source.package() == "crates/runtime" {
        return Vec::new();
    }
    let spawns = SPAWNS.iter().flat_map(|spawn| source.find(spawn)).filter(|&at| !source.is_expected(at));
    let advice = "give it an owner: sf_runtime::Tasks, or a scoped thread";
    spawns.filter_map(|at| source.finding(at, "unowned-task", advice)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tidy::found;

    #[test]
    fn bare_spawns_are_found_outside_runtime() {
        let spawn = "fn a() {\n    tokio::spawn(b());\n}";
        for (path, text, expected) in [
            ("crates/bus/src/a.rs", spawn, vec!["2 unowned-task"]),
            ("crates/runtime/src/tasks.rs", spawn, vec![]),
            ("tests/e2e/src/a.rs", "std::thread::spawn(|| {});", vec!["1 unowned-task"]),
            ("crates/bus/src/a.rs", "tokio::task::spawn(b());", vec!["1 unowned-task"]),
            ("crates/bus/src/a.rs", "thread::spawn(b);", vec!["1 unowned-task"]),
            ("crates/bus/src/a.rs", "std::thread::scope(|scope| scope.spawn(|| {}));", vec![]),
            (
                "crates/bus/src/a.rs",
                "#[expect(clippy::disallowed_methods, reason = \"r\")]\ntokio::spawn(b());",
                vec![],
            ),
            ("crates/bus/src/a.rs", "#[expect(x, reason = \"r\")]\na();\ntokio::spawn(b());", vec!["3 unowned-task"]),
            ("crates/bus/src/a.rs", "tasks.spawn(\"name\", b()); // tokio::spawn(", vec![]),
        ] {
            assert_eq!(found(check(&Source::new(path, text))), expected, "{path}: {text}");
        }
    }
}
