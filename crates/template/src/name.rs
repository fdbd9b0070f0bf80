//! Names of variables: what one may look like, which are ours, and which would change what programs are started.

/// Characters of a name, as of any environment variable on a node.
pub const MAX_CHARS: usize = 128;

/// What to do about a bad one.
pub const FIX: &str = "Write letters, digits and `_`, a letter or `_` first, at most 128.";

/// Names that ServerFlow sets for every server; a variable of the template cannot have them.
const INJECTED: &[&str] = &["STARTUP", "SERVER_MEMORY", "SERVER_IP", "SERVER_PORT"];
/// The same, by how they begin.
const INJECTED_PREFIX: &str = "P_SERVER_";
/// Names that the node or the image sets. Pelican reserves them too, and writes `SERVER_` before them.
const TAKEN: &[&str] = &["ENV", "HOME", "USER", "SERVER_UUID", "UUID"];

/// What a variable of this name would change besides the server.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Danger {
    /// Which libraries every program loads, whatever it is.
    Loader,
    /// Which programs are found, or what interpreters run before anything else.
    Program,
}

const LOADER: &[&str] =
    &["GLIBC_TUNABLES", "GCONV_PATH", "LOCPATH", "NLSPATH", "MALLOC_TRACE", "RES_OPTIONS", "HOSTALIASES"];
const LOADER_PREFIXES: &[&str] = &["LD_", "DYLD_"];
const PROGRAM: &[&str] = &[
    "PATH",
    "SHELL",
    "IFS",
    "PS4",
    "CDPATH",
    "BASH_ENV",
    "SHELLOPTS",
    "BASHOPTS",
    "PROMPT_COMMAND",
    "NODE_OPTIONS",
    "NODE_PATH",
    "NODE_REPL_EXTERNAL_MODULE",
    "PYTHONSTARTUP",
    "PYTHONPATH",
    "PYTHONHOME",
    "PYTHONINSPECT",
    "PERL5OPT",
    "PERL5LIB",
    "PERL5DB",
    "RUBYOPT",
    "RUBYLIB",
    "JAVA_TOOL_OPTIONS",
    "JDK_JAVA_OPTIONS",
    "_JAVA_OPTIONS",
    "CLASSPATH",
    "LUA_INIT",
    "LUA_PATH",
    "LUA_CPATH",
    "PHPRC",
    "PHP_INI_SCAN_DIR",
    "DOTNET_STARTUP_HOOKS",
    "CORECLR_PROFILER",
    "CORECLR_PROFILER_PATH",
    "MONO_PATH",
    "GIT_SSH",
    "GIT_SSH_COMMAND",
    "GIT_EXEC_PATH",
];
const PROGRAM_PREFIXES: &[&str] = &["BASH_FUNC_", "LUA_INIT_"];

/// Checks the form of a name.
///
/// # Errors
/// What is wrong, as a part of a sentence.
pub fn parse(name: &str) -> Result<(), &'static str> {
    match name.chars().next() {
        None => return Err("it is empty"),
        Some(first) if !(first.is_ascii_alphabetic() || first == '_') => return Err("it begins with no letter"),
        Some(_) => {}
    }
    if name.len() > MAX_CHARS {
        return Err("it is longer than 128 characters");
    }
    let odd = name.chars().any(|c| !(c.is_ascii_alphanumeric() || c == '_'));
    if odd { Err("it has characters that no name has") } else { Ok(()) }
}

/// Whether ServerFlow sets it itself.
pub fn is_injected(name: &str) -> bool {
    INJECTED.contains(&name) || name.starts_with(INJECTED_PREFIX)
}

/// Whether no variable of a template may have it.
pub fn is_reserved(name: &str) -> bool {
    is_injected(name) || TAKEN.contains(&name)
}

/// Whether it changes more than the server.
pub fn danger(name: &str) -> Option<Danger> {
    let begins = |prefixes: &[&str]| prefixes.iter().any(|prefix| name.starts_with(prefix));
    if LOADER.contains(&name) || begins(LOADER_PREFIXES) {
        Some(Danger::Loader)
    } else if PROGRAM.contains(&name) || begins(PROGRAM_PREFIXES) {
        Some(Danger::Program)
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_those_of_an_environment() {
        for good in ["A", "_a", "MAX_PLAYERS", "srv_name", "A1", &"A".repeat(128)] {
            assert_eq!(parse(good), Ok(()), "{good}");
        }
        for bad in ["", "1A", "A B", "A-B", "A=B", "Ä", "A\n", "A\0", "$(x)", "A.B", &"A".repeat(129)] {
            assert!(parse(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn names_that_reach_further_are_known() {
        for (name, expected) in [
            ("LD_PRELOAD", Some(Danger::Loader)),
            ("LD_ANYTHING", Some(Danger::Loader)),
            ("GLIBC_TUNABLES", Some(Danger::Loader)),
            ("PATH", Some(Danger::Program)),
            ("NODE_OPTIONS", Some(Danger::Program)),
            ("BASH_FUNC_x", Some(Danger::Program)),
            ("MAX_PLAYERS", None),
            ("PATHS", None),
            ("TZ", None),
        ] {
            assert_eq!(danger(name), expected, "{name}");
        }
        assert!(
            is_reserved("P_SERVER_UUID") && is_reserved("HOME") && !is_reserved("HOSTNAME") && !is_injected("HOME")
        );
    }
}
