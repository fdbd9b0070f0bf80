//! Which builder a repository is for: a table over what lies in the app's folder.

use std::path::Path;

use sf_protocol::build::Builder;

use super::{BuildError, PUBLISH_FOLDERS, dockerfile, node, procfile};

/// What lies in the app's folder, and what was said about it.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(super) struct Seen {
    /// `package.json`, and whether it says how the app is started.
    pub package: Option<bool>,
    pub requirements: bool,
    pub pyproject: bool,
    pub cargo: bool,
    pub go_mod: bool,
    pub composer: bool,
    pub index_php: bool,
    /// `main.py` or `app.py`.
    pub python_file: Option<&'static str>,
    /// A `web:` line in a `Procfile`.
    pub web_line: bool,
    /// `Dockerfile` or `Containerfile`.
    pub dockerfile: Option<&'static str>,
    /// The folder that holds an `index.html`.
    pub index: Option<&'static str>,
    /// A start command is set.
    pub start_is_set: bool,
    /// A folder to publish is set.
    pub publish_is_set: bool,
}

/// What follows from it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Choice {
    /// This builder, because of this file or setting.
    Builder(Builder, Because),
    /// Nothing is known.
    Nothing,
}

/// Why a builder was chosen.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Because {
    /// This file, from the app's folder.
    File(&'static str),
    /// An `index.html` in this folder.
    Index(&'static str),
    /// A setting, in words.
    Set(&'static str),
}

/// The table. A file that names dependencies says more than one that only starts; `package.json` beside another such file
/// is often there for a site's styles alone, and then says nothing about starting.
pub(super) fn choose(seen: &Seen) -> Choice {
    use Because::{File, Index, Set};
    let other_manifest = seen.requirements || seen.pyproject || seen.cargo || seen.go_mod || seen.composer;
    let rows = [
        (seen.package.is_some_and(|starts| starts || !other_manifest), Builder::Node, File("package.json")),
        (seen.requirements, Builder::Python, File("requirements.txt")),
        (seen.pyproject, Builder::Python, File("pyproject.toml")),
        (seen.cargo, Builder::Rust, File("Cargo.toml")),
        (seen.go_mod, Builder::Go, File("go.mod")),
        (seen.composer, Builder::Php, File("composer.json")),
        (seen.index_php, Builder::Php, File("index.php")),
        (seen.python_file.is_some(), Builder::Python, File(seen.python_file.unwrap_or_default())),
        (seen.start_is_set, Builder::Commands, Set("a start command is set")),
        (seen.publish_is_set, Builder::Static, Set("a folder to publish is set")),
        (seen.web_line, Builder::Commands, File("Procfile")),
        (seen.index.is_some(), Builder::Static, Index(seen.index.unwrap_or_default())),
        // Last: many repositories have one for development or another host, and it then counts only when it is asked for.
        (seen.dockerfile.is_some(), Builder::Dockerfile, File(seen.dockerfile.unwrap_or_default())),
    ];
    match rows.into_iter().find(|(applies, ..)| *applies) {
        Some((_, builder, because)) => Choice::Builder(builder, because),
        None => Choice::Nothing,
    }
}

impl Because {
    /// In words: "package.json is in the repository".
    pub fn words(self, place: &str) -> String {
        match self {
            Self::File(name) | Self::Index(name) if name.is_empty() => format!("index.html is in {place}"),
            Self::File(name) => format!("{name} is in {place}"),
            Self::Index(folder) => format!("{folder}/index.html is in {place}"),
            Self::Set(words) => words.to_owned(),
        }
    }
}

/// Looks at a folder.
///
/// # Errors
/// A `package.json` that cannot be read.
pub(super) fn look(dir: &Path, start_is_set: bool, publish_is_set: bool) -> Result<Seen, BuildError> {
    let there = |name: &str| dir.join(name).is_file();
    Ok(Seen {
        package: if there("package.json") { Some(node::starts(dir)?) } else { None },
        requirements: there("requirements.txt"),
        pyproject: there("pyproject.toml"),
        cargo: there("Cargo.toml"),
        go_mod: there("go.mod"),
        composer: there("composer.json"),
        index_php: ["index.php", "public/index.php"].into_iter().any(there),
        python_file: ["main.py", "app.py"].into_iter().find(|name| there(name)),
        // Whether the line can be read is told when it is needed.
        web_line: procfile::has_web_line(dir)?,
        dockerfile: dockerfile::NAMES.into_iter().find(|name| there(name)),
        index: index_folder(dir),
        start_is_set,
        publish_is_set,
    })
}

/// The folder that holds an `index.html`.
pub(super) fn index_folder(dir: &Path) -> Option<&'static str> {
    PUBLISH_FOLDERS.into_iter().find(|folder| dir.join(folder).join("index.html").is_file())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_row_of_the_table() {
        let nothing = Seen::default();
        let starts = Seen { package: Some(true), ..nothing };
        let assets = Seen { package: Some(false), ..nothing };
        for (seen, expected) in [
            (starts, "node package.json"),
            (assets, "node package.json"),
            (Seen { requirements: true, ..starts }, "node package.json"),
            (Seen { requirements: true, ..assets }, "python requirements.txt"),
            (Seen { composer: true, ..assets }, "php composer.json"),
            (Seen { go_mod: true, ..assets }, "go go.mod"),
            (Seen { cargo: true, ..assets }, "rust Cargo.toml"),
            (Seen { python_file: Some("app.py"), ..assets }, "node package.json"),
            (Seen { pyproject: true, cargo: true, ..nothing }, "python pyproject.toml"),
            (Seen { cargo: true, index: Some(""), ..nothing }, "rust Cargo.toml"),
            (Seen { go_mod: true, start_is_set: true, ..nothing }, "go go.mod"),
            (Seen { index_php: true, index: Some("public"), ..nothing }, "php index.php"),
            (Seen { python_file: Some("main.py"), web_line: true, ..nothing }, "python main.py"),
            (Seen { web_line: true, index: Some(""), ..nothing }, "commands Procfile"),
            (Seen { web_line: true, publish_is_set: true, ..nothing }, "static a folder to publish is set"),
            (Seen { start_is_set: true, index: Some(""), ..nothing }, "commands a start command is set"),
            (Seen { publish_is_set: true, ..nothing }, "static a folder to publish is set"),
            (Seen { index: Some("dist"), dockerfile: Some("Dockerfile"), ..nothing }, "static dist/index.html"),
            (Seen { dockerfile: Some("Dockerfile"), ..starts }, "node package.json"),
            (Seen { dockerfile: Some("Containerfile"), ..nothing }, "dockerfile Containerfile"),
            (nothing, "Nothing"),
        ] {
            let found = match choose(&seen) {
                Choice::Builder(builder, because) => {
                    format!("{} {}", builder.name(), because.words("x").trim_end_matches(" is in x"))
                }
                other => format!("{other:?}"),
            };
            assert_eq!(found, expected, "{seen:?}");
        }
    }
}
