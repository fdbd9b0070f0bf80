//! Values that constructors refuse.

use sf_protocol::app::{EnvVar, HealthCheck, Probe};

use crate::variable::{Source, Variable};

/// A value was refused before anything was recorded.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{field}: {reason}")]
pub struct Refused {
    /// Where: `env[2].name`.
    pub field: String,
    /// Why, and what is allowed.
    pub reason: String,
}

impl Refused {
    /// A refusal of `field`.
    pub fn new(field: impl Into<String>, reason: impl Into<String>) -> Self {
        Self { field: field.into(), reason: reason.into() }
    }
}

/// Environment variables an app may have at the most.
pub const MAX_ENV_VARS: usize = 200;
/// Bytes of a name at the most.
pub const MAX_ENV_NAME_BYTES: usize = 128;
/// Bytes of all values together at the most: a command has to hold them.
pub const MAX_ENV_BYTES: usize = 24 * 1024;

/// Checks the environment of an app.
///
/// # Errors
/// [`Refused`] names the entry.
pub fn env(vars: &[Variable]) -> Result<(), Refused> {
    if vars.len() > MAX_ENV_VARS {
        return Err(Refused::new("env", format!("{} variables, {MAX_ENV_VARS} are allowed", vars.len())));
    }
    for (at, var) in vars.iter().enumerate() {
        let field = format!("env[{at}].name");
        let first = var.name.chars().next();
        let word = var.name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
        if !word || first.is_none_or(|c| c.is_ascii_digit()) || var.name.len() > MAX_ENV_NAME_BYTES {
            return Err(Refused::new(field, "a name is letters, digits and `_`, not beginning with a digit"));
        }
        if matches!(var.name.as_str(), "PORT" | "PATH" | "HOME") || var.name.starts_with("LD_") {
            return Err(Refused::new(field, format!("`{}` is set by ServerFlow and cannot be overridden", var.name)));
        }
        if matches!(&var.source, Source::Value(value) if value.contains('\0')) {
            return Err(Refused::new(format!("env[{at}].value"), "a NUL byte cannot be in an environment"));
        }
    }
    let value = |var: &Variable| match &var.source {
        Source::Value(value) => value.len(),
        // Counted where its order is made: how long it is, is nobody's business here.
        Source::Secret(_) => 0,
    };
    let bytes: usize = vars.iter().map(|var| var.name.len() + value(var)).sum();
    if bytes > MAX_ENV_BYTES {
        return Err(Refused::new(
            "env",
            format!("{bytes} bytes, {MAX_ENV_BYTES} are allowed: put large data in a file"),
        ));
    }
    Ok(())
}

/// Checks the arguments of a build.
///
/// # Errors
/// [`Refused`] names the entry.
pub fn args(args: &[EnvVar]) -> Result<(), Refused> {
    let bytes: usize = args.iter().map(|arg| arg.name.len() + arg.value.len()).sum();
    if args.len() > MAX_ENV_VARS || bytes > MAX_ENV_BYTES {
        let reason = format!("{MAX_ENV_VARS} arguments and {MAX_ENV_BYTES} bytes are allowed");
        return Err(Refused::new("build.args", reason));
    }
    for (at, arg) in args.iter().enumerate() {
        let word = arg.name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
        if !word || arg.name.is_empty() || arg.name.len() > MAX_ENV_NAME_BYTES || arg.value.contains('\0') {
            let reason = "a name is letters, digits and `_`, and a value holds no NUL";
            return Err(Refused::new(format!("build.args[{at}].name"), reason));
        }
    }
    Ok(())
}

/// Characters of a log pattern at the most.
pub const MAX_PATTERN_CHARS: usize = 512;

/// Checks a health check.
///
/// # Errors
/// [`Refused`].
pub fn health(check: &HealthCheck) -> Result<(), Refused> {
    if check.within.0 == 0 || check.within > HealthCheck::MAX_WITHIN {
        return Err(Refused::new("health.within", "between 1 ms and 30 min are allowed"));
    }
    if check.each_try.0 == 0 || check.each_try > check.within {
        return Err(Refused::new("health.eachTry", "must be above 0 and not above `within`"));
    }
    match &check.probe {
        Probe::Http { path } if !path.starts_with('/') || path.chars().any(|c| c.is_control() || c == ' ') => {
            Err(Refused::new("health.probe.path", "a path begins with `/` and holds no spaces"))
        }
        Probe::LogLine { pattern } if pattern.is_empty() || pattern.chars().count() > MAX_PATTERN_CHARS => {
            Err(Refused::new("health.probe.pattern", "between 1 and 512 characters are allowed"))
        }
        Probe::Alive { time } if *time > check.within => {
            Err(Refused::new("health.probe.for", "must not be above `within`"))
        }
        Probe::Http { .. } | Probe::Tcp | Probe::LogLine { .. } | Probe::Alive { .. } => Ok(()),
    }
}

/// Characters of a repository address at the most.
pub const MAX_URL_CHARS: usize = 1024;

/// Checks the form of a repository address. The node's own policy decides about hosts and folders.
///
/// # Errors
/// [`Refused`] for other schemes, credentials in the address, options in disguise and control characters.
pub fn repository(url: &str) -> Result<(), Refused> {
    let no = |reason: &str| Err(Refused::new("repository", reason));
    if url.is_empty() || url.chars().count() > MAX_URL_CHARS {
        return no("an address has 1 to 1024 characters");
    }
    if url.starts_with('-') || url.chars().any(|c| c.is_control() || c.is_whitespace()) {
        return no("an address does not begin with `-` and holds no spaces or control characters");
    }
    if let Some(rest) = url.strip_prefix("https://") {
        let host = rest.split(['/', '?', '#']).next().unwrap_or_default();
        if host.contains('@') {
            return no("leave user names and passwords out of the address: store them on the node instead");
        }
        return if host.is_empty() { no("the host is missing") } else { Ok(()) };
    }
    if let Some(rest) = url.strip_prefix("ssh://") {
        let authority = rest.split('/').next().unwrap_or_default();
        let user = authority.split_once('@').map_or("", |(user, _)| user);
        return if authority.is_empty() || user.contains(':') || authority.starts_with('-') {
            no("an ssh address is ssh://user@host/path, without a password")
        } else {
            Ok(())
        };
    }
    if let Some(path) = url.strip_prefix("file://") {
        return if path.starts_with('/') { Ok(()) } else { no("a file address is file:///folder") };
    }
    if url.contains("://") || url.contains("::") {
        return no("use https://, ssh://, git@host:path, or file:// below a folder that the node's policy lists");
    }
    match url.split_once(':') {
        Some((host, path)) if !host.contains('/') && host.contains('@') && !path.is_empty() => Ok(()),
        _ => no("use https://, ssh://, git@host:path, or file:// below a folder that the node's policy lists"),
    }
}

/// Checks a branch, tag or commit as a person may type it. Source: `git check-ref-format`.
///
/// # Errors
/// [`Refused`].
pub fn reference(text: &str) -> Result<(), Refused> {
    let bad_char = |c: char| c.is_control() || matches!(c, ' ' | '~' | '^' | ':' | '?' | '*' | '[' | '\\');
    let bad = text.is_empty()
        || text.len() > 255
        || text.starts_with(['-', '/', '.'])
        || text.ends_with(['/', '.'])
        || text.ends_with(".lock")
        || text.contains("..")
        || text.contains("@{")
        || text.contains("//")
        || text.contains("/.")
        || text == "@"
        || text.chars().any(bad_char);
    if bad { Err(Refused::new("reference", "this is no valid branch, tag or commit")) } else { Ok(()) }
}

/// Checks a full commit name.
///
/// # Errors
/// [`Refused`].
pub fn commit(text: &str) -> Result<(), Refused> {
    let hex = text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
    if hex && matches!(text.len(), 40 | 64) {
        Ok(())
    } else {
        Err(Refused::new("commit", "a commit is given in full: 40 or 64 lower-case hexadecimal digits"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use sf_types::Millis;

    #[test]
    fn repositories_are_a_closed_set_of_forms() {
        for good in [
            "https://git.example.org/a/b.git",
            "ssh://git@git.example.org:2222/a/b",
            "git@git.example.org:a/b.git",
            "file:///srv/git/hello",
        ] {
            assert_eq!(repository(good), Ok(()), "{good}");
        }
        for bad in [
            "",
            "ext::sh -c id",
            "fd::17",
            "http://example.org/a",
            "git://example.org/a",
            "--upload-pack=id",
            "-oProxyCommand=id:a",
            "https://user:pw@example.org/a",
            "https:///a",
            "ssh://u:p@h/x",
            "file://srv",
            "/srv/git",
            "../x",
            "https://example.org/a\nb",
            "host:path",
            "transport::git@h:p",
            "ssh://-oX=1/x",
        ] {
            assert!(repository(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn references_are_what_git_allows_and_never_options() {
        for good in ["main", "v1.2.3", "feature/x-1", "0123456789abcdef"] {
            assert_eq!(reference(good), Ok(()), "{good}");
        }
        for bad in
            ["", "-b", "--upload-pack=id", "a..b", "a b", "@{u}", "x.lock", "/x", "x/", "a:b", "a\n", ".x", "a/.b"]
        {
            assert!(reference(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn an_environment_cannot_take_over_the_process() {
        let var = |name: &str| Variable::value(name, "x");
        for (name, ok) in
            [("A_1", true), ("LD_PRELOAD", false), ("PATH", false), ("1A", false), ("A=B", false), ("", false)]
        {
            assert_eq!(env(&[var(name)]).is_ok(), ok, "{name}");
        }
        assert!(env(&[Variable::value("A", "x".repeat(MAX_ENV_BYTES))]).is_err());
    }

    #[test]
    fn health_checks_have_bounds() {
        let check = |probe| health(&HealthCheck::new(probe)).is_ok();
        assert!(check(Probe::Http { path: "/healthz".into() }));
        assert!(!check(Probe::Http { path: "healthz".into() }));
        assert!(!check(Probe::Http { path: "/a b".into() }));
        assert!(!check(Probe::LogLine { pattern: String::new() }));
        assert!(!check(Probe::Alive { time: Millis::secs(61) }));
    }
}
