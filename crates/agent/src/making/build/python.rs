//! Python: uv.lock, poetry.lock, requirements.txt, pyproject.toml.

use std::path::Path;

use sf_protocol::build::BuildPlan;

use super::{BuildError, Given, read};

/// The virtual environment inside the release, and its interpreter.
pub const VENV: &str = ".venv";
const VENV_PYTHON: &str = ".venv/bin/python";

const LOOKED: &str = "there is no `web:` line in a Procfile, no main.py and no app.py";

/// The project itself is installed as a copy: a link to its folder would lead nowhere once the release has its name.
const UV_SYNC: [&str; 5] = ["uv", "sync", "--frozen", "--no-dev", "--no-editable"];

/// Poetry would install the project itself as a link to its folder; it is run from there.
const POETRY_INSTALL: [&str; 7] = ["poetry", "install", "--only", "main", "--no-root", "--no-interaction", "--no-ansi"];

/// Fills in the plan; answers what was looked for when no start was found.
pub(super) fn plan(dir: &Path, plan: &mut BuildPlan, given: Given) -> Result<&'static str, BuildError> {
    let there = |name: &str| dir.join(name).is_file();
    let argv = |words: &[&str]| Some(words.iter().map(|word| (*word).to_owned()).collect());
    let pip = |what: &[&str]| {
        let base = [VENV_PYTHON, "-m", "pip", "install", "--no-input", "--disable-pip-version-check"];
        argv(&[&base, what].concat())
    };
    let lists_something = |text: &str| text.lines().any(|line| !matches!(line.trim().chars().next(), None | Some('#')));
    if there("uv.lock") {
        plan.install = argv(&UV_SYNC);
    } else if there("poetry.lock") {
        plan.install = argv(&POETRY_INSTALL);
    } else if there("requirements.txt") {
        if read(dir, "requirements.txt")?.is_some_and(|text| lists_something(&text)) {
            plan.install = pip(&["-r", "requirements.txt"]);
        } else {
            plan.because.push_str("; nothing is installed, since requirements.txt lists nothing");
        }
    } else if there("pyproject.toml") {
        plan.install = pip(&["."]);
    } else {
        plan.because.push_str("; nothing is installed, since there is no requirements.txt or pyproject.toml");
    }
    let python = if plan.install.is_some() { VENV_PYTHON } else { "python3" };
    plan.start = match given {
        Given::Settings => None,
        Given::Procfile(mut argv) => {
            if let Some(program) = argv.first_mut().filter(|program| ["python", "python3"].contains(&program.as_str()))
            {
                python.clone_into(program);
            }
            Some(argv)
        }
        Given::Nothing => {
            let file = ["main.py", "app.py"].into_iter().find(|name| there(name));
            file.map(|file| vec![python.to_owned(), file.to_owned()])
        }
    };
    Ok(LOOKED)
}

/// Whether an install command expects the virtual environment to be there; uv and poetry make their own.
pub(super) fn needs_venv(install: &[String]) -> bool {
    !install.first().is_some_and(|program| ["uv", "poetry"].contains(&program.as_str()))
}

/// A start command whose program pip has installed, made independent of the folder it was installed in: the first
/// line of such a program names its interpreter by absolute path, and the release still gets its final name.
pub(super) fn relocate(dir: &Path, argv: &mut Vec<String>) {
    let Some(program) = argv.first().filter(|program| !program.contains('/')) else { return };
    let installed = format!("{VENV}/bin/{program}");
    if ["python", "python3"].contains(&program.as_str()) {
        if dir.join(VENV_PYTHON).exists() {
            VENV_PYTHON.clone_into(&mut argv[0]);
        }
    } else if dir.join(&installed).is_file() {
        argv[0] = installed;
        argv.insert(0, VENV_PYTHON.to_owned());
    }
}
