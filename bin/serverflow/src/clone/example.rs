//! The example repository: a commit that works, one that fails its health check, one that crashes after its start.

use std::fs;
use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::time::Duration;

use sf_runtime::child::Child;

use crate::failure::{Exit, Failure};

/// The app's name, and the folder of its repository.
pub const NAME: &str = "hello-node";
/// Branch, what is laid over the folder (if anything), commit message: oldest first, each on top of the one before.
const COMMITS: [(&str, Option<&str>, &str); 3] = [
    ("main", None, "Say hello"),
    ("broken-health", Some("hello-node.broken-health"), "Answer the health check with an error"),
    ("crash-after-start", Some("hello-node.crash-after-start"), "Crash five seconds after the start"),
];
/// Time one git command gets.
const GIT_WITHIN: Duration = Duration::from_secs(30);

/// The example's repository.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Example {
    /// Its folder.
    pub folder: PathBuf,
    /// The commit that works.
    pub good: String,
}

impl Example {
    /// Branches that break, in the order to try them.
    pub fn broken() -> impl Iterator<Item = &'static str> {
        COMMITS.iter().skip(1).map(|(branch, ..)| *branch)
    }

    /// Makes the repository below `repositories` from `examples`, unless it is there. `main` is the commit that
    /// works; the broken ones are branches on top of it, so that a plain deploy never takes them.
    ///
    /// # Errors
    /// git's, the file system's.
    pub async fn make(examples: &Path, repositories: &Path) -> Result<Self, Failure> {
        let folder = repositories.join(NAME);
        if !folder.join(".git").is_dir() {
            let source = examples.join(NAME);
            if !source.is_dir() {
                let message = format!("The example {} is not there.", source.display());
                return Err(Failure::new(Exit::Failed, "up.example", message)
                    .fix("Run this in the folder of a clone of the repository."));
            }
            // Made beside and renamed, so that an interrupted start leaves no half repository.
            let beside = repositories.join(".hello-node.new");
            drop(fs::remove_dir_all(&beside));
            Self::build(examples, &beside).await?;
            fs::rename(&beside, &folder).map_err(|error| Failure::file(&folder, &error))?;
        }
        let good = git(&folder, &["rev-parse", "refs/heads/main"]).await?;
        Ok(Self { folder, good })
    }

    async fn build(examples: &Path, folder: &Path) -> Result<(), Failure> {
        let made = fs::DirBuilder::new().recursive(true).mode(0o755).create(folder);
        made.map_err(|error| Failure::file(folder, &error))?;
        git(folder, &["init", "--quiet", "--initial-branch", COMMITS[0].0]).await?;
        for (branch, overlay, message) in COMMITS {
            if overlay.is_some() {
                git(folder, &["checkout", "--quiet", "-b", branch]).await?;
            }
            copy(&examples.join(overlay.unwrap_or(NAME)), folder)?;
            git(folder, &["add", "--all"]).await?;
            git(folder, &["commit", "--quiet", "--no-gpg-sign", "--message", message]).await?;
        }
        git(folder, &["checkout", "--quiet", COMMITS[0].0]).await.map(drop)
    }
}

/// Copies the files of `from` over those of `to`, readable by everybody: the build runs as another user.
fn copy(from: &Path, to: &Path) -> Result<(), Failure> {
    let entries = fs::read_dir(from).map_err(|error| Failure::file(from, &error))?;
    for entry in entries.flatten() {
        let (source, target) = (entry.path(), to.join(entry.file_name()));
        let is_folder = entry.file_type().is_ok_and(|kind| kind.is_dir());
        let copied = if is_folder {
            fs::create_dir_all(&target).map_err(|error| Failure::file(&target, &error))?;
            copy(&source, &target)?;
            fs::set_permissions(&target, fs::Permissions::from_mode(0o755))
        } else {
            fs::copy(&source, &target).and_then(|_| fs::set_permissions(&target, fs::Permissions::from_mode(0o644)))
        };
        copied.map_err(|error| Failure::file(&target, &error))?;
    }
    Ok(())
}

/// Runs git in `folder`, away from the user's own configuration; answers what it printed.
async fn git(folder: &Path, arguments: &[&str]) -> Result<String, Failure> {
    let failed = |reason: String| {
        Failure::new(Exit::Failed, "up.git", format!("git {} failed in {}: {reason}.", arguments[0], folder.display()))
            .fix("Check that git works and the disk is not full.")
    };
    let child = Child::new("git")
        .args(["-c", "core.hooksPath=/dev/null", "-c", "commit.gpgSign=false"])
        .args(arguments)
        .env("GIT_CONFIG_NOSYSTEM", "1")
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .env("GIT_AUTHOR_NAME", "ServerFlow example")
        .env("GIT_AUTHOR_EMAIL", "example@serverflow.invalid")
        .env("GIT_COMMITTER_NAME", "ServerFlow example")
        .env("GIT_COMMITTER_EMAIL", "example@serverflow.invalid")
        .current_dir(folder);
    let done = child.finish(GIT_WITHIN).await.map_err(|error| failed(error.to_string()))?;
    if !done.status.success() {
        return Err(failed(String::from_utf8_lossy(&done.stderr).trim().to_owned()));
    }
    Ok(String::from_utf8_lossy(&done.stdout).trim().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_example_has_three_commits_and_is_made_once() {
        let examples = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples");
        let folder = tempfile::tempdir().unwrap();
        let made = Example::make(&examples, folder.path()).await.unwrap();
        assert_eq!(git(&made.folder, &["rev-list", "--count", "crash-after-start"]).await.unwrap(), "3");
        assert_eq!(git(&made.folder, &["rev-parse", "HEAD"]).await.unwrap(), made.good);
        for branch in Example::broken() {
            let changed = git(&made.folder, &["diff", "--name-only", "main", branch]).await.unwrap();
            assert_eq!(changed, "server.js", "{branch}");
        }
        assert_eq!(Example::make(&examples, folder.path()).await.unwrap(), made);
    }
}
