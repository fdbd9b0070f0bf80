//! `Procfile`: lines `name: command`. The command is read as words, never by a shell.

use std::path::Path;

use super::{BuildError, read, words};

const FILE: &str = "Procfile";

/// The line whose process answers requests.
const WEB: &str = "web:";

/// Whether there is a line that starts the app.
///
/// # Errors
/// A file that cannot be read.
pub(super) fn has_web_line(dir: &Path) -> Result<bool, BuildError> {
    Ok(read(dir, FILE)?.is_some_and(|text| web_line(&text).is_some()))
}

/// The command of the `web:` line; `None` without one. Lines that are not run are told among `warnings`.
///
/// # Errors
/// A line that only a shell understands, which says what to do.
pub(super) fn web(dir: &Path, warnings: &mut Vec<String>) -> Result<Option<Vec<String>>, BuildError> {
    let Some(text) = read(dir, FILE)? else { return Ok(None) };
    let Some(line) = web_line(&text) else { return Ok(None) };
    let invalid = |why: String| BuildError::File { file: FILE.to_owned(), why: format!("`web:`: {why}") };
    let argv = words::split_start(line).map_err(invalid)?;
    if let Some((name, _)) = argv.first().and_then(|word| word.split_once('=')).filter(|(name, _)| is_variable(name)) {
        return Err(invalid(format!(
            "it begins with the variable {name}, which only a shell understands; set {name} among the app's \
             environment variables"
        )));
    }
    let others: Vec<_> = text.lines().filter_map(process).filter(|name| format!("{name}:") != WEB).collect();
    if !others.is_empty() {
        warnings.push(format!("of the Procfile only `web` is run, not {}", others.join(", ")));
    }
    Ok(Some(argv).filter(|argv| !argv.is_empty()))
}

fn web_line(procfile: &str) -> Option<&str> {
    procfile.lines().find_map(|line| line.trim().strip_prefix(WEB)).map(str::trim).filter(|line| !line.is_empty())
}

/// The name of a line's process.
fn process(line: &str) -> Option<&str> {
    let (name, _) = line.split_once(':')?;
    let plain = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
    Some(name.trim()).filter(|name| !name.is_empty() && name.chars().all(plain))
}

fn is_variable(name: &str) -> bool {
    !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
}
