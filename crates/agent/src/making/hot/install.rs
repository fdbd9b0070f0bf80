//! What installing depends on: on the files that a package manager reads and nothing else, on all files of the repository,
//! or on what nobody can tell.

use std::collections::BTreeMap;
use std::io::Read;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use serde_json::Value;
use sf_protocol::build::BuildPlan;

use super::machine::digest;

/// Largest file that is read to find it out, in bytes.
const FILE_BYTES: u64 = 32 * 1024 * 1024;

/// What tools of a build leave in such a folder and a fresh install has not.
pub const CACHES: [&str; 3] = [".cache", ".vite", ".vite-temp"];

/// Scripts of package.json that run while installing.
const LIFECYCLE: [&str; 9] = [
    "preinstall",
    "install",
    "postinstall",
    "prepublish",
    "preprepare",
    "prepare",
    "postprepare",
    "dependencies",
    "pnpm:devPreinstall",
];

/// What an install depends on.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "camelCase", deny_unknown_fields)]
pub enum Install {
    /// Nothing is installed.
    Nothing,
    /// It installs what the lockfile says, and reads no other file of the repository.
    Files {
        /// The files, and a hash of each; one that is not there has none.
        files: BTreeMap<String, Option<String>>,
        /// The folder it fills, in the app's own.
        folder: String,
        /// Name of the programs that install, as they are.
        programs: String,
    },
    /// It installs what the lockfile says, and may read any file of the repository.
    Repository {
        /// Why, as half a sentence.
        why: String,
        /// As of `Files`.
        programs: String,
    },
    /// What it would install is not known.
    Unknown {
        /// Why, as half a sentence.
        why: String,
    },
}

/// One package manager, run as [`crate::build::detect`] runs it.
struct Manager {
    argv: &'static [&'static str],
    folder: &'static str,
    programs: &'static [&'static str],
    lockfiles: &'static [&'static str],
    files: &'static [&'static str],
    /// Why it may read more, beyond what its lockfile says.
    reads_more: fn(&Texts) -> Option<String>,
}

const MANAGERS: &[Manager] = &[
    Manager {
        argv: &["npm", "ci", "--no-audit", "--no-fund"],
        folder: "node_modules",
        programs: &["node", "npm"],
        lockfiles: &["package-lock.json", "npm-shrinkwrap.json"],
        files: &["package.json", ".npmrc"],
        reads_more: |texts| texts.node(&["package-lock.json", "npm-shrinkwrap.json"]),
    },
    Manager {
        argv: &["pnpm", "install", "--frozen-lockfile"],
        folder: "node_modules",
        programs: &["node", "pnpm"],
        lockfiles: &["pnpm-lock.yaml"],
        files: &["package.json", ".npmrc", "pnpm-workspace.yaml"],
        reads_more: |texts| texts.node(&["pnpm-lock.yaml", "pnpm-workspace.yaml"]),
    },
    Manager {
        argv: &["yarn", "install", "--frozen-lockfile"],
        folder: "node_modules",
        programs: &["node", "yarn"],
        lockfiles: &["yarn.lock"],
        files: &["package.json", ".npmrc", ".yarnrc"],
        reads_more: |texts| texts.node(&["yarn.lock", ".yarnrc"]),
    },
    Manager {
        argv: &["yarn", "install", "--immutable"],
        folder: "node_modules",
        programs: &["node", "yarn"],
        lockfiles: &["yarn.lock"],
        files: &["package.json", ".npmrc", ".yarnrc.yml"],
        reads_more: |texts| texts.node(&["yarn.lock", ".yarnrc.yml"]),
    },
    Manager {
        argv: &[
            ".venv/bin/python",
            "-m",
            "pip",
            "install",
            "--no-input",
            "--disable-pip-version-check",
            "-r",
            "requirements.txt",
        ],
        folder: ".venv",
        programs: &["python3"],
        lockfiles: &["requirements.txt"],
        files: &[],
        reads_more: |_| None,
    },
    Manager {
        argv: &["uv", "sync", "--frozen", "--no-dev", "--no-editable"],
        folder: ".venv",
        programs: &["uv", "python3"],
        lockfiles: &["uv.lock"],
        files: &["pyproject.toml", "uv.toml", ".python-version"],
        reads_more: |texts| {
            let local = ["{ editable", "{ directory", "{ path"];
            let other = |line: &&str| line.contains("{ virtual") && !line.contains("{ virtual = \".\" }");
            let found = local.into_iter().find(|word| texts.text("uv.lock").contains(word));
            found.or_else(|| texts.text("uv.lock").lines().find(other)).map(|_| local_packages("uv.lock"))
        },
    },
    Manager {
        argv: &["poetry", "install", "--only", "main", "--no-root", "--no-interaction", "--no-ansi"],
        folder: ".venv",
        programs: &["poetry", "python3"],
        lockfiles: &["poetry.lock"],
        files: &["pyproject.toml", "poetry.toml", ".python-version"],
        reads_more: |texts| {
            let local = ["type = \"directory\"", "type = \"file\""];
            local
                .into_iter()
                .find(|word| texts.text("poetry.lock").contains(word))
                .map(|_| local_packages("poetry.lock"))
        },
    },
    Manager {
        argv: &["composer", "install", "--no-dev", "--no-interaction", "--no-progress", "--prefer-dist"],
        folder: "vendor",
        programs: &["php", "composer"],
        lockfiles: &["composer.lock"],
        files: &["composer.json"],
        reads_more: |texts| {
            let words = [
                "\"scripts\"",
                "\"classmap",
                "\"optimize-",
                "\"vendor-dir\"",
                "\"path\"",
                "\"plugins\"",
                "\"exclude-from-",
            ];
            let found = words.into_iter().find(|word| texts.text("composer.json").contains(word))?;
            Some(format!("composer.json has {found}"))
        },
    },
];

/// The files that matter, read.
struct Texts(BTreeMap<&'static str, Option<String>>);

impl Texts {
    fn text(&self, name: &str) -> &str {
        self.0.get(name).and_then(Option::as_deref).unwrap_or_default()
    }

    /// Why an install with package.json may read more than that and the files in `others`.
    fn node(&self, others: &[&str]) -> Option<String> {
        let package: Value = serde_json::from_str(self.text("package.json")).unwrap_or_default();
        let script =
            LIFECYCLE.into_iter().find(|name| package.pointer("/scripts").is_some_and(|all| all.get(name).is_some()));
        if let Some(script) = script {
            return Some(format!("package.json has the script `{script}`, which runs while installing"));
        }
        if package.get("workspaces").is_some() {
            return Some("package.json has workspaces".to_owned());
        }
        const LOCAL: [&str; 6] = ["file:", "link:", "portal:", "workspace:", "\"link\": true", "patchedDependencies"];
        const SETTINGS: [&str; 6] = ["packages:", "plugins:", "yarnPath", "yarn-path", "pnpmfile", "modules-dir"];
        for name in std::iter::once("package.json").chain(others.iter().copied()) {
            let text = self.text(name);
            let lock = LOCAL.into_iter().find(|word| text.contains(word));
            let patch = || text.lines().find(|line| line.contains("patch:") && !line.contains("builtin"));
            if lock.is_some() || patch().is_some() {
                return Some(local_packages(name));
            }
            // In a lockfile these words have another meaning.
            let is_settings = name.starts_with('.') || name == "pnpm-workspace.yaml";
            if let Some(word) = SETTINGS.into_iter().find(|word| is_settings && text.contains(word)) {
                return Some(format!("{name} has `{}`", word.trim_end_matches(':')));
            }
        }
        None
    }
}

fn local_packages(file: &str) -> String {
    format!("{file} names packages or patches that lie in the repository")
}

/// What the install of a plan depends on, in a fresh checkout of the repository at `top`.
pub(super) fn install(top: &Path, plan: &BuildPlan, path: &str) -> Install {
    let Some(argv) = &plan.install else { return Install::Nothing };
    let unknown = |why: String| Install::Unknown { why };
    let Some(manager) = MANAGERS.iter().find(|manager| argv.iter().eq(manager.argv)) else {
        let locked = MANAGERS.iter().any(|manager| manager.argv[0] == argv[0]) && !plan.warnings.is_empty();
        let why = if locked { "there is no lockfile" } else { "the install command is the app's own" };
        return unknown(why.to_owned());
    };
    let dir = top.join(&plan.root);
    let mut texts = Texts(BTreeMap::new());
    for name in manager.lockfiles.iter().chain(manager.files) {
        match read(&dir.join(name)) {
            Ok(text) => texts.0.insert(name, text),
            Err(why) => return unknown(format!("{name} {why}")),
        };
    }
    if manager.lockfiles.iter().all(|name| texts.text(name).is_empty()) {
        return unknown("there is no lockfile".to_owned());
    }
    if manager.lockfiles == ["requirements.txt"]
        && let Some(line) = unlocked(texts.text("requirements.txt"))
    {
        return unknown(format!("requirements.txt does not pin everything by version and hash: `{line}`"));
    }
    let pinned = texts.text("package.json").contains("\"packageManager\"");
    let programs = match super::machine::programs(manager.programs, path, pinned) {
        Ok(programs) => programs,
        Err(why) => return unknown(why),
    };
    let why = (manager.reads_more)(&texts).or_else(|| around(top, &plan.root)).or_else(|| beside(&dir, manager.folder));
    match why {
        Some(why) => Install::Repository { why, programs },
        None => {
            let hash = |text: &Option<String>| text.as_ref().map(|text| digest([text.as_bytes()]));
            let files = texts.0.iter().map(|(name, text)| ((*name).to_owned(), hash(text))).collect();
            Install::Files { files, folder: manager.folder.to_owned(), programs }
        }
    }
}

/// Files that change what a package manager does and are not read here.
fn beside(dir: &Path, folder: &str) -> Option<String> {
    let files = [folder, "binding.gyp", ".yarn", ".pnpmfile.cjs", ".pnpmfile.mjs", ".pnp.cjs", "pip.conf"];
    files
        .into_iter()
        .find(|name| dir.join(name).symlink_metadata().is_ok())
        .map(|name| format!("{name} is in the repository"))
}

/// Package managers also look into the folders above the app's own.
fn around(top: &Path, root: &str) -> Option<String> {
    const FILES: [&str; 8] = [
        "package.json",
        "pnpm-workspace.yaml",
        ".npmrc",
        ".yarnrc",
        ".yarnrc.yml",
        "pyproject.toml",
        "uv.toml",
        ".python-version",
    ];
    let above = Path::new(root).ancestors().skip(1);
    let mut found = above.flat_map(|dir| FILES.map(|name| dir.join(name)));
    let found: PathBuf = found.find(|file| top.join(file).symlink_metadata().is_ok())?;
    Some(format!("{} lies above the app's folder", found.display()))
}

/// The first requirement that pip may answer with other files tomorrow.
fn unlocked(text: &str) -> Option<String> {
    let joined = text.replace("\\\r\n", " ").replace("\\\n", " ");
    let mut lines = joined.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'));
    let pinned = |line: &str| {
        let requirement = line.split("--hash").next().unwrap_or_default();
        !line.starts_with('-') && line.contains("--hash=") && requirement.contains("==") && !requirement.contains('@')
    };
    lines.find(|line| !pinned(line)).map(|line| line.chars().take(60).collect())
}

/// A text; `None` when it is not there.
fn read(path: &Path) -> Result<Option<String>, String> {
    let metadata = match path.symlink_metadata() {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        other => other.map_err(|error| error.to_string())?,
    };
    if !metadata.is_file() {
        return Err("is no file".to_owned());
    }
    let mut text = String::new();
    let file = std::fs::File::open(path).map_err(|error| error.to_string())?;
    file.take(FILE_BYTES + 1).read_to_string(&mut text).map_err(|error| error.to_string())?;
    if text.len() as u64 > FILE_BYTES {
        return Err(format!("is larger than {}", sf_types::ByteSize(FILE_BYTES)));
    }
    Ok(Some(text))
}

#[cfg(test)]
mod tests;
