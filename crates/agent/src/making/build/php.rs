//! PHP: composer.json, index.php.

use std::collections::BTreeMap;
use std::path::Path;

use serde::Deserialize;
use sf_protocol::build::BuildPlan;

use super::{BuildError, Given, read};

const LOOKED: &str = "there is no `web:` line in a Procfile, no public/index.php and no index.php";

/// Folders looked into for an `index.php`, in this order.
const FOLDERS: [&str; 3] = ["public", "web", "."];

#[derive(Deserialize, Default)]
#[serde(default)]
struct Composer {
    require: BTreeMap<String, String>,
}

/// Fills in the plan; answers what was looked for when no start was found.
pub(super) fn plan(dir: &Path, plan: &mut BuildPlan, given: Given) -> Result<&'static str, BuildError> {
    let invalid = |why: String| BuildError::File { file: "composer.json".to_owned(), why };
    if let Some(text) = read(dir, "composer.json")? {
        let composer: Composer = serde_json::from_str(&text).map_err(|error| invalid(error.to_string()))?;
        // PHP and its extensions are of the machine, not of a registry.
        let of_machine = |name: &String| name == "php" || name.starts_with("ext-") || name.starts_with("lib-");
        if composer.require.keys().all(of_machine) && !dir.join("composer.lock").is_file() {
            plan.because.push_str("; nothing is installed, since it requires no packages");
        } else {
            let words = ["composer", "install", "--no-dev", "--no-interaction", "--no-progress", "--prefer-dist"];
            plan.install = Some(words.map(str::to_owned).to_vec());
            if !dir.join("composer.lock").is_file() {
                let warning = "there is no lockfile, so each build may get other versions: commit composer.lock";
                plan.warnings.push(warning.to_owned());
            }
        }
    }
    plan.start = match given {
        Given::Settings => None,
        Given::Procfile(argv) => Some(argv),
        Given::Nothing => {
            let folder = FOLDERS.into_iter().find(|folder| dir.join(folder).join("index.php").is_file());
            folder.map(|folder| {
                plan.warnings.push(
                    "the app is started by the server built into PHP, which is made for development: give a start \
                     command, such as one of FrankenPHP or RoadRunner"
                        .to_owned(),
                );
                ["php", "-S", "127.0.0.1:$PORT", "-t", folder].map(str::to_owned).to_vec()
            })
        }
    };
    Ok(LOOKED)
}
