//! Caches of package managers and compilers: one folder an app, kept from build to build, in no release.

use std::ffi::OsString;
use std::io;
use std::os::unix::fs::DirBuilderExt;
use std::path::Path;

/// The folder, in the build's home.
const FOLDER: &str = ".caches";

/// Variables that name a place of their own each.
const PLACES: [(&str, &str); 14] = [
    ("npm_config_cache", "npm"),
    ("npm_config_store_dir", "pnpm"),
    ("YARN_CACHE_FOLDER", "yarn"),
    ("YARN_GLOBAL_FOLDER", "yarn-berry"),
    ("COREPACK_HOME", "corepack"),
    ("PIP_CACHE_DIR", "pip"),
    ("UV_CACHE_DIR", "uv"),
    ("POETRY_CACHE_DIR", "poetry"),
    ("CARGO_HOME", "cargo"),
    ("CARGO_TARGET_DIR", "cargo-target"),
    ("GOMODCACHE", "go-modules"),
    ("GOCACHE", "go-build"),
    ("COMPOSER_CACHE_DIR", "composer"),
    ("COMPOSER_HOME", "composer-home"),
];

/// What makes these tools put everything else into the release itself, and fetch no tools of their own.
const SETTINGS: [(&str, &str); 11] = [
    ("COREPACK_ENABLE_DOWNLOAD_PROMPT", "0"),
    ("YARN_ENABLE_GLOBAL_CACHE", "true"),
    ("YARN_ENABLE_TELEMETRY", "0"),
    ("YARN_NODE_LINKER", "node-modules"),
    ("YARN_INSTALL_STATE_PATH", "node_modules/.yarn-install-state.gz"),
    ("UV_PYTHON_DOWNLOADS", "never"),
    ("UV_PYTHON_PREFERENCE", "only-system"),
    ("POETRY_VIRTUALENVS_IN_PROJECT", "true"),
    ("POETRY_VIRTUALENVS_CREATE", "true"),
    ("GOTOOLCHAIN", "local"),
    ("GOFLAGS", "-modcacherw"),
];

/// Makes the folder.
pub(super) fn make(home: &Path) -> io::Result<()> {
    std::fs::DirBuilder::new().recursive(true).mode(0o700).create(home.join(FOLDER))
}

/// The variables.
pub(super) fn environment(home: &Path) -> Vec<(OsString, OsString)> {
    let places = PLACES.into_iter().map(|(name, place)| (name.into(), home.join(FOLDER).join(place).into()));
    places.chain(SETTINGS.into_iter().map(|(name, value)| (name.into(), value.into()))).collect()
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::process::Command;

    use sf_protocol::build::BuildSettings;

    use super::*;

    #[test]
    fn a_real_crate_is_built_where_the_plan_says_and_leaves_the_rest_in_the_cache() {
        let Some(cargo) = sf_runtime::env::var("CARGO") else {
            return eprintln!("SKIPPED: no cargo runs this test");
        };
        let dir = tempfile::tempdir().unwrap();
        let (tree, home) = (dir.path().join("tree"), dir.path().join("home"));
        fs::create_dir_all(tree.join("src")).unwrap();
        let manifest = "[package]\nname = \"shop\"\nversion = \"0.1.0\"\nedition = \"2021\"\n";
        fs::write(tree.join("Cargo.toml"), manifest).unwrap();
        fs::write(tree.join("Cargo.lock"), "version = 3\n\n[[package]]\nname = \"shop\"\nversion = \"0.1.0\"\n")
            .unwrap();
        fs::write(tree.join("src/main.rs"), "fn main() { println!(\"open\"); }").unwrap();
        let plan = crate::build::detect(&tree, &BuildSettings::default()).unwrap();
        make(&home).unwrap();
        let (build, start) = (plan.build.unwrap(), plan.start.unwrap());
        let built = Command::new(cargo).args(&build[1..]).current_dir(&tree).envs(environment(&home)).output().unwrap();
        assert!(built.status.success(), "{}", String::from_utf8_lossy(&built.stderr));
        let said = Command::new(tree.join(&start[0])).output().unwrap();
        assert_eq!(String::from_utf8_lossy(&said.stdout), "open\n");
        assert!(home.join(".caches/cargo-target/release").is_dir() && !tree.join("target").exists());
    }
}
