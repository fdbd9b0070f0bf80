use std::fs;

use sf_protocol::build::BuildSettings;

use super::*;

/// A checkout with programs of its own that have a version.
fn ground(files: &[(&str, &str)]) -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    let programs = ["node", "npm", "pnpm", "yarn", "python3", "uv", "poetry", "php", "composer"];
    for (name, text) in files.iter().copied().chain(programs.map(|name| (name, "\u{7f}ELF"))) {
        let path = if programs.contains(&name) { dir.path().join("bin") } else { dir.path().join("top") }.join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    dir
}

/// What an install depends on, in short: `files a b -> folder`, `repository: why`, `unknown: why`.
fn found(files: &[(&str, &str)], settings: &BuildSettings) -> String {
    let ground = ground(files);
    let top = ground.path().join("top");
    let plan = crate::build::detect(&top, settings).unwrap();
    match install(&top, &plan, &ground.path().join("bin").display().to_string()) {
        Install::Nothing => "nothing".to_owned(),
        Install::Files { files, folder, .. } => {
            let there = files.iter().filter(|(_, hash)| hash.is_some()).map(|(name, _)| name.as_str());
            format!("files {} -> {folder}", there.collect::<Vec<_>>().join(" "))
        }
        Install::Repository { why, .. } => format!("repository: {why}"),
        Install::Unknown { why } => format!("unknown: {why}"),
    }
}

const PACKAGE: &str = r#"{"dependencies":{"x":"1"},"scripts":{"start":"node a.js"}}"#;

fn with_script(name: &str) -> String {
    format!(r#"{{"dependencies":{{"x":"1"}},"scripts":{{"start":"node a.js","{name}":"x"}}}}"#)
}

#[test]
fn only_what_is_locked_and_reads_nothing_else_is_known_by_its_files() {
    let default = BuildSettings::default();
    let hashed = "a==1.0 --hash=sha256:aa\nb==2.0 \\\n  --hash=sha256:bb \\\n  --hash=sha256:cc\n# c\n";
    let python = |lock: (&'static str, &'static str)| [("pyproject.toml", "[project]"), ("main.py", ""), lock];
    for (files, expected) in [
        (&[("package.json", "{}"), ("index.js", "")][..], "nothing"),
        (
            &[("package.json", PACKAGE), ("package-lock.json", "{}")],
            "files package-lock.json package.json -> node_modules",
        ),
        (&[("package.json", PACKAGE), ("pnpm-lock.yaml", "a: 1")], "files package.json pnpm-lock.yaml -> node_modules"),
        (&[("package.json", PACKAGE), ("yarn.lock", "a")], "files package.json yarn.lock -> node_modules"),
        (
            &[("package.json", PACKAGE), ("yarn.lock", "__metadata:\n  \"a@patch:a@1#optional!builtin<compat/a>\"")],
            "files package.json yarn.lock -> node_modules",
        ),
        (&[("requirements.txt", hashed), ("main.py", "")], "files requirements.txt -> .venv"),
        (&python(("uv.lock", "source = { virtual = \".\" }")), "files pyproject.toml uv.lock -> .venv"),
        (&python(("poetry.lock", "x")), "files poetry.lock pyproject.toml -> .venv"),
        (
            &[("composer.json", r#"{"require":{"a/b":"1"}}"#), ("composer.lock", "{}"), ("index.php", "")],
            "files composer.json composer.lock -> vendor",
        ),
        // Not locked.
        (&[("package.json", PACKAGE)], "unknown: there is no lockfile"),
        (
            &[("requirements.txt", "a==1\n"), ("main.py", "")],
            "unknown: requirements.txt does not pin everything by version and hash: `a==1`",
        ),
        (
            &[("requirements.txt", "-r other.txt\n"), ("main.py", "")],
            "unknown: requirements.txt does not pin everything by version and hash: `-r other.txt`",
        ),
        (&[("pyproject.toml", "[project]"), ("main.py", "")], "unknown: the install command is the app's own"),
        // Reads more than its files.
        (
            &[("package.json", PACKAGE), ("package-lock.json", "{\"link\": true}")],
            "repository: package-lock.json names packages or patches that lie in the repository",
        ),
        (
            &[("package.json", PACKAGE), ("package-lock.json", "{}"), ("binding.gyp", "")],
            "repository: binding.gyp is in the repository",
        ),
        (
            &[("package.json", PACKAGE), ("package-lock.json", "{}"), ("node_modules/x", "")],
            "repository: node_modules is in the repository",
        ),
        (
            &[("package.json", PACKAGE), ("yarn.lock", "\"a@patch:a@1#./a.patch\"")],
            "repository: yarn.lock names packages or patches that lie in the repository",
        ),
        (
            &[("package.json", PACKAGE), ("yarn.lock", "__metadata:"), (".yarnrc.yml", "yarnPath: x")],
            "repository: .yarnrc.yml has `yarnPath`",
        ),
        (
            &python(("uv.lock", "source = { editable = \".\" }")),
            "repository: uv.lock names packages or patches that lie in the repository",
        ),
        (
            &python(("poetry.lock", "type = \"directory\"")),
            "repository: poetry.lock names packages or patches that lie in the repository",
        ),
        (
            &[("composer.json", r#"{"require":{"a/b":"1"},"scripts":{}}"#), ("composer.lock", "{}"), ("index.php", "")],
            "repository: composer.json has \"scripts\"",
        ),
    ] {
        assert_eq!(found(files, &default), expected, "{files:?}");
    }
    for name in LIFECYCLE {
        let said = found(&[("package.json", &with_script(name)), ("package-lock.json", "{}")], &default);
        assert_eq!(said, format!("repository: package.json has the script `{name}`, which runs while installing"));
    }
    let below = BuildSettings { root: Some("web".to_owned()), ..default.clone() };
    let nested = [("web/package.json", PACKAGE), ("web/package-lock.json", "{}"), ("package.json", "{}")];
    assert_eq!(found(&nested[..2], &below), "files package-lock.json package.json -> node_modules");
    assert_eq!(found(&nested, &below), "repository: package.json lies above the app's folder");
    let own = BuildSettings { install: Some(vec!["npm".into(), "install".into()]), ..default };
    assert_eq!(
        found(&nested[..2], &BuildSettings { root: below.root, ..own }),
        "unknown: the install command is the app's own"
    );
}
