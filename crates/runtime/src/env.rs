//! The process environment, read in one place.

/// The value of an environment variable; `None` when unset, empty or not UTF-8.
#[expect(clippy::disallowed_methods, reason = "this is the one place that reads the environment")]
pub fn var(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}
