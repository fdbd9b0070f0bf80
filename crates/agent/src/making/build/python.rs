//! Python: requirements.txt, pyproject.toml, Procfile.

use std::path::Path;

use sf_protocol::build::BuildPlan;

use super::{BuildError, read, words};

/// The virtual environment inside the release, and its interpreter.
pub(super) const VENV: &str = ".venv";
const VENV_PYTHON: &str = ".venv/bin/python";

const LOOKED: &str = "there is no `web:` line in a Procfile, no main.py and no app.py";

/// Fills in the plan; answers what was looked for when no start was found.
pub(super) fn plan(dir: &Path, plan: &mut BuildPlan, start_is_set: bool) -> Result<&'static str, BuildError> {
    let there = |name: &str| dir.join(name).is_file();
    let pip = |what: &[&str]| {
        let base = [VENV_PYTHON, "-m", "pip", "install", "--no-input", "--disable-pip-version-check"];
        Some(base.iter().chain(what).map(|word| (*word).to_owned()).collect())
    };
    let lists_something = |text: &str| text.lines().any(|line| !matches!(line.trim().chars().next(), None | Some('#')));
    if there("requirements.txt") {
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
    if start_is_set {
        return Ok(LOOKED);
    }
    let python = if plan.install.is_some() { VENV_PYTHON } else { "python3" };
    plan.start = match read(dir, "Procfile")?.as_deref().and_then(web_line) {
        Some(line) => {
            let invalid = |why| BuildError::File { file: "Procfile".to_owned(), why };
            let mut argv = words::split(line).map_err(invalid)?;
            if let Some(program) = argv.first_mut().filter(|program| ["python", "python3"].contains(&program.as_str()))
            {
                python.clone_into(program);
            }
            Some(argv).filter(|argv| !argv.is_empty())
        }
        None => {
            let file = ["main.py", "app.py"].into_iter().find(|name| there(name));
            file.map(|file| vec![python.to_owned(), file.to_owned()])
        }
    };
    Ok(LOOKED)
}

fn web_line(procfile: &str) -> Option<&str> {
    procfile.lines().find_map(|line| line.trim().strip_prefix("web:")).map(str::trim)
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
