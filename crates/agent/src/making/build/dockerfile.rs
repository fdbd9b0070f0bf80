//! What a Dockerfile says, as far as it concerns us: where its stages begin, and who runs its last one. Building it is the
//! engine's work.

use std::fmt::Write as _;
use std::fs::File;
use std::io::Read;
use std::path::Path;

use rustix::fs::{Mode, OFlags, ResolveFlags};
use sf_protocol::build::{BuildPlan, BuildSettings, ContainerPlan};
use sf_types::ByteSize;

use super::file::ContainerFile;
use super::{BuildError, READ_BYTES, relative};
use crate::release::tree;

/// Names it is looked for under.
pub const NAMES: [&str; 2] = ["Dockerfile", "Containerfile"];

/// One instruction: its word in capitals, what follows, and the line after it.
#[derive(Clone, PartialEq, Eq, Debug)]
struct Instruction {
    word: String,
    rest: String,
    /// The number of the first line that is no part of it, from 0.
    end: usize,
}

/// The plan of an app in a container.
///
/// # Errors
/// [`BuildError`] when there is no Dockerfile that could be built.
pub(super) fn plan(
    dir: &Path,
    mut plan: BuildPlan,
    merged: BuildSettings,
    file: ContainerFile,
) -> Result<BuildPlan, BuildError> {
    let there = || NAMES.into_iter().find(|name| dir.join(name).is_file()).map(str::to_owned);
    let dockerfile = file.dockerfile.or_else(there).unwrap_or_else(|| NAMES[0].to_owned());
    let text = read(dir, &dockerfile)?;
    let instructions = instructions(&text);
    let invalid = |why: &str| BuildError::File { file: dockerfile.clone(), why: why.to_owned() };
    let Some(last) = instructions.iter().rposition(|one| one.word == "FROM") else {
        return Err(invalid("it has no FROM: it says on which image it builds"));
    };
    let user = instructions[last..].iter().rfind(|one| one.word == "USER");
    if user.is_some_and(|user| is_root(&user.rest)) {
        plan.warnings.push("its container runs as root, since its Dockerfile says USER root".to_owned());
    }
    let unused = [
        ("install", merged.install.is_some()),
        ("build", merged.build.is_some()),
        ("publish", merged.publish.is_some()),
    ];
    for (name, _) in unused.into_iter().filter(|(_, is_set)| *is_set) {
        plan.warnings.push(format!("`{name}` is not used: the Dockerfile says how its image is built"));
    }
    plan.start = merged.start.filter(|argv| !argv.is_empty());
    plan.container = Some(ContainerPlan { dockerfile, args: merged.args, port: file.port, read_only: file.read_only });
    Ok(plan)
}

/// Whether a user as images name it is root.
pub fn is_root(user: &str) -> bool {
    let name = user.trim().split(':').next().unwrap_or_default();
    matches!(name, "root" | "0")
}

/// The text of the Dockerfile, reached through real folders and a real file only.
///
/// # Errors
/// [`BuildError::File`].
pub fn read(dir: &Path, name: &str) -> Result<String, BuildError> {
    let invalid = |why: String| BuildError::File { file: name.to_owned(), why };
    relative(name, "container.dockerfile")?;
    let resolve = ResolveFlags::BENEATH | ResolveFlags::NO_SYMLINKS;
    let open = || -> std::io::Result<String> {
        let top = tree::open_dir(dir)?;
        let file = rustix::fs::openat2(top, name, OFlags::RDONLY | OFlags::CLOEXEC, Mode::empty(), resolve)?;
        let mut text = String::new();
        File::from(file).take(READ_BYTES + 1).read_to_string(&mut text)?;
        Ok(text)
    };
    let text = open().map_err(|error| match error.kind() {
        std::io::ErrorKind::NotFound => invalid("it is not in the app's folder".to_owned()),
        _ => invalid(format!("it cannot be read: {error}")),
    })?;
    if text.len() as u64 > READ_BYTES {
        return Err(invalid(format!("it is larger than {}", ByteSize(READ_BYTES))));
    }
    Ok(text)
}

/// The Dockerfile with this label as the second instruction of each stage, so that whatever is made of it is known by it.
pub fn marked(text: &str, (name, value): (&str, &str)) -> String {
    let begins: Vec<usize> = instructions(text).iter().filter(|one| one.word == "FROM").map(|one| one.end).collect();
    let mut out = String::with_capacity(text.len() + 128);
    let mut at = 0;
    for (number, line) in text.lines().enumerate() {
        if begins.get(at) == Some(&number) {
            at += 1;
            let _ = writeln!(out, "LABEL {name}=\"{value}\"");
        }
        let _ = writeln!(out, "{line}");
    }
    for _ in at..begins.len() {
        let _ = writeln!(out, "LABEL {name}=\"{value}\"");
    }
    out
}

/// Takes a Dockerfile apart as its reference says: a line goes on after the escape character, comments and empty lines
/// within it are passed over, and the first lines may name another escape character.
fn instructions(text: &str) -> Vec<Instruction> {
    let mut found: Vec<Instruction> = Vec::new();
    let (mut escape, mut directives) = ('\\', true);
    let mut open: Option<String> = None;
    for (number, line) in text.lines().enumerate() {
        let line = if number == 0 { line.trim_start_matches('\u{feff}') } else { line };
        let trimmed = line.trim();
        if let Some(directive) = trimmed.strip_prefix('#').filter(|_| directives) {
            match directive.split_once('=') {
                Some((name, value)) if name.trim().eq_ignore_ascii_case("escape") => {
                    escape = value.trim().chars().next().unwrap_or(escape);
                }
                // Another directive; a plain comment ends them.
                Some((name, _)) if !name.trim().is_empty() && name.trim().chars().all(char::is_alphanumeric) => {}
                _ => directives = false,
            }
            continue;
        }
        directives = false;
        if trimmed.is_empty() || trimmed.starts_with('#') {
            continue;
        }
        let (part, goes_on) = match trimmed.strip_suffix(escape) {
            Some(part) => (part, true),
            None => (trimmed, false),
        };
        let whole = open.get_or_insert_default();
        whole.push_str(part);
        whole.push(' ');
        if !goes_on {
            found.extend(open.take().map(|whole| instruction(&whole, number + 1)));
        }
    }
    let end = text.lines().count();
    found.extend(open.map(|whole| instruction(&whole, end)));
    found
}

fn instruction(whole: &str, end: usize) -> Instruction {
    let (word, rest) = whole.trim().split_once(char::is_whitespace).unwrap_or((whole.trim(), ""));
    Instruction { word: word.to_ascii_uppercase(), rest: rest.trim().to_owned(), end }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::build::detect;

    fn planned(text: &str, more: &[(&str, &str)]) -> Result<BuildPlan, BuildError> {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("Dockerfile"), text).unwrap();
        for (name, text) in more {
            std::fs::write(dir.path().join(name), text).unwrap();
        }
        detect(dir.path(), &BuildSettings::default())
    }

    #[test]
    fn each_stage_is_marked_however_it_is_written() {
        for (text, expected) in [
            ("FROM a\nRUN x", "FROM a\nL\nRUN x\n"),
            ("FROM a", "FROM a\nL\n"),
            (
                "# c\n\nfrom a \\\n# in between\n\n  AS b\nRUN FROM x\nFROM b",
                "# c\n\nfrom a \\\n# in between\n\n  AS b\nL\nRUN FROM x\nFROM b\nL\n",
            ),
            ("ARG V=1\nFROM a:$V\nRUN y \\\nFROM z\n", "ARG V=1\nFROM a:$V\nL\nRUN y \\\nFROM z\n"),
            (
                "# syntax=x/y\n# escape=`\nFROM a `\nAS b\nRUN c \\\nFROM d\n",
                "# syntax=x/y\n# escape=`\nFROM a `\nAS b\nL\nRUN c \\\nFROM d\nL\n",
            ),
            ("# a comment\n# escape=`\nFROM a \\\nAS b\n", "# a comment\n# escape=`\nFROM a \\\nAS b\nL\n"),
            ("FROM a \\", "FROM a \\\nL\n"),
        ] {
            assert_eq!(marked(text, ("k", "v")).replace("LABEL k=\"v\"", "L"), expected, "{text}");
        }
    }

    #[test]
    fn a_dockerfile_alone_is_the_builder_and_says_who_runs_it() {
        let root = |text: &str| planned(text, &[]).unwrap().warnings.iter().any(|words| words.contains("root"));
        assert!(root("FROM a\nUSER root") && root("FROM a\nUSER 0:0\n") && !root("FROM a\nUSER node"));
        assert!(!root("FROM a\nUSER root\nFROM b\n"), "the last stage is what runs");
        let plan = planned("FROM a", &[("serverflow.app.toml", "[container]\nport = 3000\nread_only = true")]).unwrap();
        let container = plan.container.unwrap();
        assert_eq!((container.dockerfile.as_str(), container.read_only), ("Dockerfile", true));
        assert_eq!(container.port.map(sf_types::Port::get), Some(3000));
    }

    #[test]
    fn beside_something_else_it_is_taken_only_when_asked_for() {
        let package = ("package.json", r#"{"scripts": {"start": "node x.js"}}"#);
        let plan = planned("FROM a", &[package]).unwrap();
        assert_eq!(plan.builder.name(), "node");
        assert!(plan.warnings.iter().any(|words| words.contains("set the builder `dockerfile`")), "{plan:?}");
        let asked =
            planned("FROM a", &[package, ("serverflow.app.toml", "builder = \"dockerfile\"\nbuild = \"make\"")]);
        let asked = asked.unwrap();
        assert_eq!((asked.builder.name(), asked.build), ("dockerfile", None));
        assert!(asked.warnings.iter().any(|words| words.contains("`build` is not used")));
    }

    #[test]
    fn what_is_no_dockerfile_of_the_repository_is_refused() {
        let file = |name: &str| format!("[container]\ndockerfile = \"{name}\"");
        for (text, app, words) in [
            ("RUN x", String::new(), "no FROM"),
            ("FROM a", file("other"), "not in the app's folder"),
            ("FROM a", file("../x"), "relative path"),
        ] {
            let said = planned(text, &[("serverflow.app.toml", &app)]).unwrap_err().to_string();
            assert!(said.contains(words), "{said}");
        }
        let dir = tempfile::tempdir().unwrap();
        std::os::unix::fs::symlink("/etc/hostname", dir.path().join("Dockerfile")).unwrap();
        assert!(read(dir.path(), "Dockerfile").unwrap_err().to_string().contains("cannot be read"));
    }
}
