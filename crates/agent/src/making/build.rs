//! From a checkout to something that runs: what to do ([`detect`]) and doing it in a confined child ([`run`]).
//!
//! What the app's settings say wins over `serverflow.app.toml` in the repository, which wins over what the files
//! suggest. Commands are argument vectors; no shell reads them.

mod choose;
pub mod dockerfile;
mod file;
mod go;
mod node;
mod php;
mod procfile;
mod python;
pub mod run;
mod rust;
pub mod words;

use std::io::Read;
use std::path::{Component, Path, PathBuf};

use sf_protocol::build::{BuildPlan, BuildSettings, Builder};
use sf_protocol::outcome::Step;
use sf_types::{ErrorKind, Fault};

use crate::confine::ConfineError;

use choose::Choice;
pub use python::VENV;
pub use run::{Built, Site, check_folders, run, settle_start};

/// The file in a repository that says how it is built and started.
pub const APP_FILE: &str = "serverflow.app.toml";

/// Largest file read to find out how a repository is built, in bytes.
pub const READ_BYTES: u64 = 1024 * 1024;

/// Folders looked into for an `index.html`, in this order.
const PUBLISH_FOLDERS: [&str; 3] = ["", "public", "dist"];

/// Where programs that a build compiles lie in the app's folder: `.serverflow/bin/<name>`.
pub const MADE: &str = ".serverflow";

/// What tells how the app is started before its files are looked at.
#[derive(Clone, PartialEq, Eq, Debug)]
enum Given {
    /// The settings or the app's file, or a folder is published.
    Settings,
    /// The `web:` line of a Procfile.
    Procfile(Vec<String>),
    /// Nothing.
    Nothing,
}

/// Why a checkout cannot be built, or was not.
#[derive(Debug, thiserror::Error)]
pub enum BuildError {
    /// A file of the repository is not understood.
    #[error("{file} is not valid: {why}")]
    File {
        /// Which.
        file: String,
        /// Why, with the line where there is one.
        why: String,
    },
    /// A setting is refused.
    #[error("{what} is refused: {why}")]
    Setting {
        /// Which.
        what: String,
        /// Why.
        why: String,
        /// What to do.
        fix: String,
    },
    /// Nothing tells how to build it.
    #[error(
        "nothing in {place} tells how to run it: no {APP_FILE}, package.json, requirements.txt, pyproject.toml, \
             Cargo.toml, go.mod, composer.json, index.php, main.py, app.py, Procfile, index.html or Dockerfile"
    )]
    Unknown {
        /// `the repository` or `the folder x of the repository`.
        place: String,
    },
    /// Nothing tells how to start it.
    #[error("{builder} was recognised, but nothing tells how to start the app: {looked}")]
    NoStart {
        /// The builder's name.
        builder: &'static str,
        /// What was looked for.
        looked: &'static str,
    },
    /// A command ended badly.
    #[error("{} `{command}` {ending}{}", step_name(*step), tail(last))]
    Failed {
        /// Install or build.
        step: Step,
        /// The command, for reading.
        command: String,
        /// How it ended.
        ending: String,
        /// Its last words.
        last: String,
    },
    /// A command reached a limit and was stopped.
    #[error("{} `{command}` was stopped at the {limit} limit: {words}", step_name(*step))]
    Limit {
        /// Install or build.
        step: Step,
        /// The command, for reading.
        command: String,
        /// `memory`, `disk`, `time`, `CPU time` or `processes`.
        limit: &'static str,
        /// What was reached.
        words: String,
    },
    /// Somebody asked.
    #[error("the build was cancelled")]
    Cancelled,
    /// A command could not be started or confined.
    #[error("{} could not begin: {source}", step_name(*step))]
    Confine {
        /// Install or build.
        step: Step,
        /// Why.
        source: ConfineError,
    },
    /// The disk refused.
    #[error("{} failed: {source}", what)]
    Disk {
        /// What was being done.
        what: String,
        /// The operating system's reason.
        source: std::io::Error,
    },
}

fn step_name(step: Step) -> &'static str {
    match step {
        Step::Install => "installing with",
        _ => "building with",
    }
}

fn tail(last: &str) -> String {
    if last.is_empty() { String::new() } else { format!(": {last}") }
}

impl From<BuildError> for Fault {
    fn from(error: BuildError) -> Self {
        use BuildError as E;
        let start = format!(
            "Write `start = [\"program\", \"argument\"]` into {APP_FILE} at the top of the repository, or set the \
             app's start command. The app listens on the port in the environment variable PORT."
        );
        let (kind, code, fix) = match &error {
            E::File { file, .. } => (ErrorKind::Invalid, "build.file", format!("Correct {file} and push it.")),
            E::Setting { fix, .. } => (ErrorKind::Invalid, "build.setting", fix.clone()),
            E::Unknown { .. } => (ErrorKind::Invalid, "build.unknown", start),
            E::NoStart { .. } => (ErrorKind::Invalid, "build.no_start", start),
            E::Failed { .. } => {
                (ErrorKind::Invalid, "build.failed", "The log above says why; correct it and push.".to_owned())
            }
            E::Limit { limit, .. } => (
                ErrorKind::TooLarge,
                "build.limit",
                format!("Make the build use less, or let the node's owner raise the {limit} limit in policy.toml."),
            ),
            E::Cancelled => (ErrorKind::Conflict, "build.cancelled", String::new()),
            E::Confine { source: ConfineError::Start { program, .. }, .. } => (
                ErrorKind::Invalid,
                "build.no_program",
                format!("{}, or name another command in {APP_FILE}.", install_words(program)),
            ),
            E::Confine { .. } => (
                ErrorKind::Internal,
                "build.confine",
                "Run `serverflow-agent status` to see what this machine can enforce.".to_owned(),
            ),
            E::Disk { .. } => {
                (ErrorKind::Internal, "build.disk", "Check the node's disk and the agent's folder.".to_owned())
            }
        };
        Self::new(kind, code, format!("{error}.")).fix(fix)
    }
}

/// How a program that a build needs comes to a node.
fn install_words(program: &str) -> String {
    let how = match program {
        "npm" => ": Node.js brings it, in Debian the package npm",
        "pnpm" => ": `npm install --global pnpm`",
        "yarn" => ": `npm install --global yarn`, or `corepack enable` for version 2 and above",
        "uv" => ": `pip install uv`, or the package of its makers",
        "poetry" => ": in Debian the package python3-poetry, else `pipx install --global poetry`",
        "cargo" => " with its compiler: in Debian the packages cargo and rustc",
        "go" => ": in Debian the package golang-go, else the archive from go.dev in /usr/local/go",
        "composer" => ": in Debian the package composer",
        "php" => ": in Debian the package php-cli",
        _ => "",
    };
    format!("Install {program} on the node for all users{how}")
}

/// What the repository and the settings say about building it. Reads a handful of small files, runs nothing.
///
/// # Errors
/// [`BuildError`] when a file or setting is not understood or nothing tells how to build or start it.
pub fn detect(checkout: &Path, settings: &BuildSettings) -> Result<BuildPlan, BuildError> {
    let app_file = file::read(checkout)?;
    let root = settings.root.clone().or(app_file.settings.root.clone()).unwrap_or_default();
    let dir = folder(checkout, &root, "root")?;
    let merged = BuildSettings {
        builder: settings.builder.or(app_file.settings.builder),
        root: Some(root.clone()),
        install: command(settings.install.clone().or(app_file.settings.install), "install")?,
        build: command(settings.build.clone().or(app_file.settings.build), "build")?,
        start: command(settings.start.clone().or(app_file.settings.start), "start")?,
        publish: settings.publish.clone().or(app_file.settings.publish),
        hot_path: settings.hot_path.or(app_file.settings.hot_path),
        args: settings.args.clone(),
    };
    let mut warnings = Vec::new();
    let (builder, because) = match merged.builder {
        Some(builder) => (builder, format!("the builder {} is set", builder.name())),
        None => chosen(&dir, &merged, &root, &mut warnings)?,
    };
    let given = match (&merged.start, &merged.publish) {
        (None, None) => procfile::web(&dir, &mut warnings)?.map_or(Given::Nothing, Given::Procfile),
        _ => Given::Settings,
    };
    let mut plan = BuildPlan {
        builder,
        because,
        root,
        install: None,
        build: None,
        start: None,
        publish: None,
        health: app_file.health,
        traffic: app_file.traffic,
        warnings,
        container: None,
    };
    if builder == Builder::Dockerfile {
        return dockerfile::plan(&dir, plan, merged, app_file.container);
    }
    let looked = match builder {
        Builder::Node => node::plan(&dir, &mut plan, given)?,
        Builder::Python => python::plan(&dir, &mut plan, given)?,
        Builder::Rust => rust::plan(&dir, &mut plan, given)?,
        Builder::Go => go::plan(&dir, &mut plan, given)?,
        Builder::Php => php::plan(&dir, &mut plan, given)?,
        Builder::Static => "",
        Builder::Commands => {
            if let Given::Procfile(argv) = given {
                plan.start = Some(argv);
            }
            "the builder `commands` needs a start command, a Procfile with a `web:` line or a folder to publish"
        }
        Builder::Dockerfile => "",
    };
    settle(&dir, plan, merged, looked)
}

/// Whether a deploy may leave out what is proven to come out as before: as the settings say, else the repository's file.
///
/// # Errors
/// [`BuildError::File`] when that is not understood.
pub fn hot_path(checkout: &Path, settings: &BuildSettings) -> Result<bool, BuildError> {
    match settings.hot_path {
        Some(set) => Ok(set),
        None => Ok(file::read(checkout)?.settings.hot_path.unwrap_or(true)),
    }
}

/// Puts what was set over what was found, and checks that the whole can be run.
fn settle(
    dir: &Path,
    mut plan: BuildPlan,
    merged: BuildSettings,
    looked: &'static str,
) -> Result<BuildPlan, BuildError> {
    let unless_empty = |set: Vec<String>| Some(set).filter(|argv| !argv.is_empty());
    if let Some(set) = merged.install {
        plan.install = unless_empty(set);
    }
    if let Some(set) = merged.build {
        plan.build = unless_empty(set);
    }
    if let Some(set) = merged.start {
        plan.start = unless_empty(set);
    } else if merged.publish.is_some() {
        plan.start = None;
    }
    if plan.start.is_none() {
        plan.publish = match (merged.publish, plan.builder) {
            (Some(publish), _) => {
                // A build may still make the folder; without one it has to be there.
                relative(&publish, "publish")?;
                if plan.build.is_none() && plan.install.is_none() {
                    folder(dir, &publish, "publish")?;
                }
                Some(publish)
            }
            (None, Builder::Static) => Some(choose::index_folder(dir).unwrap_or_default().to_owned()),
            (None, _) => None,
        };
    }
    if plan.start.is_none() && plan.publish.is_none() {
        return Err(BuildError::NoStart { builder: plan.builder.name(), looked });
    }
    if plan.builder == Builder::Static && plan.start.is_none() && plan.build.is_none() {
        let publish = plan.publish.as_deref().unwrap_or_default();
        if !dir.join(publish).join("index.html").is_file() {
            plan.warnings.push("there is no index.html in the folder to publish".to_owned());
        }
    }
    Ok(plan)
}

/// Looks which builder it is for; what is passed over is told among `warnings`.
fn chosen(
    dir: &Path,
    merged: &BuildSettings,
    root: &str,
    warnings: &mut Vec<String>,
) -> Result<(Builder, String), BuildError> {
    let place = if root.is_empty() { "the repository".to_owned() } else { format!("the folder {root}") };
    let start_is_set = merged.start.as_ref().is_some_and(|argv| !argv.is_empty());
    let seen = choose::look(dir, start_is_set, merged.publish.is_some())?;
    match choose::choose(&seen) {
        Choice::Builder(builder, because) => {
            if seen.dockerfile.is_some() && builder != Builder::Dockerfile {
                let words = "the Dockerfile is not used; set the builder `dockerfile` to have the app built by it";
                warnings.push(words.to_owned());
            }
            if seen.package.is_some() && builder != Builder::Node {
                let words = "package.json says nothing about starting an app and is not used; where the app needs what \
                             it installs or builds, set the commands";
                warnings.push(words.to_owned());
            }
            Ok((builder, because.words(&place)))
        }
        Choice::Nothing => Err(BuildError::Unknown {
            place: if root.is_empty() { place } else { format!("{place} of the repository") },
        }),
    }
}

/// Checks a command given as an argument vector. An empty one means "none".
fn command(argv: Option<Vec<String>>, what: &str) -> Result<Option<Vec<String>>, BuildError> {
    let refuse = |why: &str| {
        let fix = format!("Correct `{what}`: a program and its arguments, such as [\"node\", \"server.js\"].");
        Err(BuildError::Setting { what: format!("the {what} command"), why: why.to_owned(), fix })
    };
    let Some(argv) = argv else { return Ok(None) };
    if argv.iter().any(|word| word.contains('\0')) {
        return refuse("an argument holds a NUL character");
    }
    if argv.iter().map(String::len).sum::<usize>() > words::COMMAND_BYTES || argv.len() > words::COMMAND_WORDS {
        return refuse("it is too long");
    }
    match argv.first() {
        Some(program) if program.is_empty() || program.starts_with('-') => refuse("it names no program"),
        _ => Ok(Some(argv)),
    }
}

fn relative(path: &str, what: &str) -> Result<PathBuf, BuildError> {
    let inside = Path::new(path).components().all(|part| matches!(part, Component::Normal(_) | Component::CurDir));
    if !inside || path.chars().any(char::is_control) {
        return Err(BuildError::Setting {
            what: format!("the {what} folder `{}`", path.escape_debug()),
            why: "it is not a relative path inside the repository".to_owned(),
            fix: format!("Write `{what}` as a path from the top of the repository, such as \"web\", without `..`."),
        });
    }
    Ok(PathBuf::from(path))
}

/// A folder inside the checkout, reached through real folders only.
fn folder(base: &Path, path: &str, what: &str) -> Result<PathBuf, BuildError> {
    let mut dir = base.to_owned();
    for part in relative(path, what)?.components() {
        dir.push(part);
        if !dir.symlink_metadata().is_ok_and(|metadata| metadata.is_dir()) {
            return Err(BuildError::Setting {
                what: format!("the {what} folder `{path}`"),
                why: "there is no such folder in the repository".to_owned(),
                fix: format!("Push the folder, or correct `{what}`."),
            });
        }
    }
    Ok(dir)
}

/// The text of a small file; `None` when it is not there.
fn read(dir: &Path, name: &str) -> Result<Option<String>, BuildError> {
    let invalid = |why: String| BuildError::File { file: name.to_owned(), why };
    let path = dir.join(name);
    if !path.is_file() {
        return Ok(None);
    }
    let file = std::fs::File::open(&path).map_err(|error| invalid(error.to_string()))?;
    let mut text = String::new();
    file.take(READ_BYTES + 1).read_to_string(&mut text).map_err(|error| invalid(error.to_string()))?;
    if text.len() as u64 > READ_BYTES {
        return Err(invalid(format!("it is larger than {}", sf_types::ByteSize(READ_BYTES))));
    }
    Ok(Some(text))
}

#[cfg(test)]
mod tests;
