//! A test that sleeps is slow on a good day and wrong on a bad one: wait for the event, or move the clock.

use super::Finding;
use crate::source::Source;

const SLEEPS: &[&str] = &["thread::sleep", "time::sleep", "time::sleep_until", "thread::sleep_ms"];

pub fn check(source: &Source) -> Vec<Finding> {
    let advice = "wait for the event (a channel, a line, a port) or use a Clock that the test moves";
    let finding = |at| source.is_test(at).then(|| source.finding(at, "sleep", advice))?;
    let direct = SLEEPS.iter().flat_map(|sleep| source.find(sleep));
    let imported = ["thread::{", "time::{"].into_iter().flat_map(|import| source.find(import)).filter(|&at| {
        let list = source.code_from(at);
        let list = &list[..list.find('}').unwrap_or(list.len())];
        list.split(['{', ',', ' ', '\n']).any(|name| matches!(name, "sleep" | "sleep_until"))
    });
    direct.chain(imported).filter_map(finding).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tidy::found;

    #[test]
    fn sleeps_are_found_in_tests_only() {
        let tests =
            "fn a() { tokio::time::sleep(b); }\n#[cfg(test)]\nmod tests {\n    fn c() { std::thread::sleep(d); }\n}";
        for (path, text, expected) in [
            ("crates/a/src/a.rs", tests, vec!["4 sleep"]),
            ("tests/e2e/tests/a.rs", tests, vec!["1 sleep", "4 sleep"]),
            ("crates/a/tests/a.rs", "use tokio::time::{Duration, sleep};", vec!["1 sleep"]),
            ("crates/a/src/a.rs", "use tokio::time::{Duration, sleep};", vec![]),
            ("tests/e2e/src/a.rs", "clock.sleep(second).await; tokio::time::timeout(a, b).await;", vec![]),
            ("tests/e2e/src/a.rs", "// tidy: sleep because this measures it\ntokio::time::sleep(a).await;", vec![]),
        ] {
            let mut found = found(check(&Source::new(path, text)));
            found.sort();
            assert_eq!(found, expected, "{path}: {text}");
        }
    }
}
