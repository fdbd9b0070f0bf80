//! The languages, and which one a file is in.

/// A language whose grammar is linked.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Language {
    /// JavaScript with JSX.
    JavaScript,
    /// TypeScript.
    TypeScript,
    /// TypeScript with JSX.
    Tsx,
    /// Python 3.
    Python,
    /// JSON.
    Json,
    /// YAML.
    Yaml,
    /// TOML.
    Toml,
    /// HTML.
    Html,
    /// CSS.
    Css,
    /// Rust.
    Rust,
    /// Go.
    Go,
    /// PHP, HTML around it included.
    Php,
    /// Bash and POSIX shell.
    Shell,
}

/// Endings of names.
const ENDINGS: &[(&str, Language)] = &[
    ("js", Language::JavaScript),
    ("mjs", Language::JavaScript),
    ("cjs", Language::JavaScript),
    ("jsx", Language::JavaScript),
    ("ts", Language::TypeScript),
    ("mts", Language::TypeScript),
    ("cts", Language::TypeScript),
    ("tsx", Language::Tsx),
    ("py", Language::Python),
    ("pyi", Language::Python),
    ("json", Language::Json),
    ("webmanifest", Language::Json),
    ("yaml", Language::Yaml),
    ("yml", Language::Yaml),
    ("toml", Language::Toml),
    ("html", Language::Html),
    ("htm", Language::Html),
    ("css", Language::Css),
    ("rs", Language::Rust),
    ("go", Language::Go),
    ("php", Language::Php),
    ("sh", Language::Shell),
    ("bash", Language::Shell),
];

/// Whole names that have no telling ending.
const NAMES: &[(&str, Language)] =
    &[("Cargo.lock", Language::Toml), ("poetry.lock", Language::Toml), ("uv.lock", Language::Toml)];

/// Interpreters of a first line `#!`.
const INTERPRETERS: &[(&str, Language)] = &[
    ("sh", Language::Shell),
    ("bash", Language::Shell),
    ("dash", Language::Shell),
    ("python", Language::Python),
    ("python3", Language::Python),
    ("node", Language::JavaScript),
    ("php", Language::Php),
];

impl Language {
    /// The language of the file `path` with this text: by its name, else by its first line. `None`: one that is not
    /// checked.
    pub fn of(path: &str, text: &str) -> Option<Self> {
        let name = path.rsplit('/').next().unwrap_or(path);
        let found = |list: &[(&str, Self)], wanted: &str| {
            list.iter().find(|(known, _)| *known == wanted).map(|(_, language)| *language)
        };
        if let Some(language) = found(NAMES, name) {
            return Some(language);
        }
        if let Some((_, ending)) = name.rsplit_once('.') {
            return found(ENDINGS, &ending.to_ascii_lowercase());
        }
        let mut words = text.lines().next()?.strip_prefix("#!")?.split_whitespace();
        let program = words.next()?;
        let program = if program.ends_with("/env") { words.find(|word| !word.starts_with('-'))? } else { program };
        found(INTERPRETERS, program.rsplit('/').next()?)
    }

    /// What people call it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::JavaScript => "JavaScript",
            Self::TypeScript => "TypeScript",
            Self::Tsx => "TSX",
            Self::Python => "Python",
            Self::Json => "JSON",
            Self::Yaml => "YAML",
            Self::Toml => "TOML",
            Self::Html => "HTML",
            Self::Css => "CSS",
            Self::Rust => "Rust",
            Self::Go => "Go",
            Self::Php => "PHP",
            Self::Shell => "shell",
        }
    }

    pub(crate) fn grammar(self) -> tree_sitter::Language {
        match self {
            Self::JavaScript => tree_sitter_javascript::LANGUAGE,
            Self::TypeScript => tree_sitter_typescript::LANGUAGE_TYPESCRIPT,
            Self::Tsx => tree_sitter_typescript::LANGUAGE_TSX,
            Self::Python => tree_sitter_python::LANGUAGE,
            Self::Json => tree_sitter_json::LANGUAGE,
            Self::Yaml => tree_sitter_yaml::LANGUAGE,
            Self::Toml => tree_sitter_toml_ng::LANGUAGE,
            Self::Html => tree_sitter_html::LANGUAGE,
            Self::Css => tree_sitter_css::LANGUAGE,
            Self::Rust => tree_sitter_rust::LANGUAGE,
            Self::Go => tree_sitter_go::LANGUAGE,
            Self::Php => tree_sitter_php::LANGUAGE_PHP,
            Self::Shell => tree_sitter_bash::LANGUAGE,
        }
        .into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_known_by_its_name_or_its_first_line() {
        for (path, text, expected) in [
            ("src/app.js", "", Some(Language::JavaScript)),
            ("a/B.TSX", "", Some(Language::Tsx)),
            ("deploy/Cargo.lock", "", Some(Language::Toml)),
            ("bin/start", "#!/bin/sh\n", Some(Language::Shell)),
            ("bin/start", "#!/usr/bin/env -S python3 -u\n", Some(Language::Python)),
            ("bin/start", "#!/usr/bin/perl\n", None),
            ("notes.txt", "#!/bin/sh\n", None),
            ("README", "words", None),
            (".env", "A=1", None),
        ] {
            assert_eq!(Language::of(path, text), expected, "{path}");
        }
    }
}
